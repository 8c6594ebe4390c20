//===- OutlineAttend.cpp - Attends to calls of kernels of Halide ----------===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/halide/Passes.h"

#include "compiler/analysis/AttendSite.h"
#include "compiler/analysis/MaskVisibility.h"
#include "compiler/codegen/halide/Arena.h"
#include "compiler/codegen/halide/CallBuffers.h"
#include "compiler/transforms/AttentionNest.h"
#include "dialects/attn/Attn.h"
#include "dialects/tile/Tile.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/Support/MathExtras.h"

namespace ladon::halide {
#define GEN_PASS_DEF_OUTLINEATTEND
#include "compiler/codegen/halide/Passes.h.inc"
} // namespace ladon::halide

using namespace mlir;
using namespace ladon;
using namespace ladon::halide;
using analysis::Scalar;

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// A module with one function of the attend's operands, as text with locations.
static std::string textOf(attn::AttendOp op) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(op.getLoc());
  OpBuilder b(module->getBodyRegion());
  auto function = func::FuncOp::create(
      b, op.getLoc(), "attend", b.getFunctionType(op->getOperandTypes(), {}));
  Block *body = function.addEntryBlock();
  b.setInsertionPointToStart(body);
  IRMapping map;
  map.map(op->getOperands(), body->getArguments());
  b.clone(*op, map);
  func::ReturnOp::create(b, op.getLoc());
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os, OpPrintingFlags().enableDebugInfo());
  return text;
}

namespace {
/// Replaces one attend.
class Outliner {
public:
  Outliner(attn::AttendOp op, SymbolTable &symbols)
      : op(op), symbols(symbols), b(op.getLoc(), op), nest(op, b),
        text(textOf(op)) {}

  LogicalResult run();

private:
  using Range = std::pair<Value, Value>;
  std::pair<Range, Range> keyRanges(Value batch, Value head, Value first,
                                    Value count, int64_t most);
  void addScalar(Value value);
  func::FuncOp kernel(bool guarded);

  attn::AttendOp op;
  SymbolTable &symbols;
  ImplicitLocOpBuilder b;
  AttentionNest nest;
  std::string text;
  SmallVector<Value> arguments;
};
} // namespace

/// The kernel with that text, which may exist.
func::FuncOp Outliner::kernel(bool guarded) {
  auto module = op->getParentOfType<ModuleOp>();
  for (auto function : module.getOps<func::FuncOp>())
    if (auto known = function->getAttrOfType<StringAttr>(kernelName);
        known && known.getValue() == text &&
        function->hasAttr(guardedName) == guarded)
      return function;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(module.getBody());
  SmallVector<Type> types;
  for (Value argument : arguments)
    types.push_back(argument.getType());
  auto function = func::FuncOp::create(
      b, "ladon_halide", b.getFunctionType(types, b.getI32Type()));
  function.setPrivate();
  function->setAttr(kernelName, b.getStringAttr(text));
  if (guarded)
    function->setAttr(guardedName, b.getUnitAttr());
  symbols.insert(function);
  return function;
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// The keys [low, high) that a tile may see, and those that all of its rows do.
std::pair<Outliner::Range, Outliner::Range>
Outliner::keyRanges(Value batch, Value head, Value first, Value count,
                    int64_t most) {
  Value zero = nest.index(0);
  if (!op.hasMask())
    return {{zero, nest.keys}, {zero, nest.keys}};
  // A place for code that would depend on a block, of which there is none.
  auto place = scf::ForOp::create(b, zero, zero, nest.index(1));
  analysis::ScalarEmitter emit(place, op.getLoc());
  Scalar low = 0, high = emit.wrap(nest.keys, analysis::kPositions);
  Scalar firstRow = emit.wrap(first, analysis::kPositions);
  Scalar rows = emit.wrap(count, {1, most});
  analysis::MaskCondition condition(op.getMask().front(), analysis::siteOf(op));
  analysis::MaskVisibility visibility(
      condition, {batch, head, firstRow, firstRow + (rows - 1), low, high},
      emit);
  const analysis::Visibility &visible = visibility.visible();
  auto [mayLow, mayHigh] = visibility.clip(visible.may, low, high);
  mayHigh = max(select(visible.may.guard, mayHigh, mayLow), mayLow);
  const analysis::PositionSet &must = visible.must;
  Scalar fullLow = mayLow, fullHigh = mayLow;
  // Where only parts are known to be visible, the mask stays.
  if (!must.isNone() && must.periods.empty()) {
    fullLow = must.hasLow() ? clamp(must.low, mayLow, mayHigh) : mayLow;
    fullHigh = must.hasHigh() ? clamp(must.high, fullLow, mayHigh) : mayHigh;
    fullHigh = select(must.guard, fullHigh, fullLow);
  }
  Range may{emit.index(mayLow), emit.index(mayHigh)};
  Range all{emit.index(fullLow), emit.index(fullHigh)};
  place.erase();
  return {may, all};
}

//===----------------------------------------------------------------------===//
// The call
//===----------------------------------------------------------------------===//

/// An argument by value. A boolean is a byte, an index 32 bits.
void Outliner::addScalar(Value value) {
  if (value.getType().isIndex())
    value = arith::IndexCastOp::create(b, b.getI32Type(), value);
  else if (value.getType().isInteger(1))
    value = arith::ExtUIOp::create(b, b.getI8Type(), value);
  arguments.push_back(value);
}

LogicalResult Outliner::run() {
  auto shape = op->getAttrOfType<tile::ShapeAttr>(tile::TileDialect::shapeName);
  if (!op.getResults().empty() || !shape)
    return op.emitOpError("expected buffers and a ")
           << tile::TileDialect::shapeName;
  if (op.getPages())
    return op.emitError("cannot be compiled by Halide: there are no keys and "
                        "values in pages; build it with '--codegen llvm'");
  if (op.hasScores())
    return op.emitError("cannot be compiled by Halide: scores and weights are "
                        "no results; build it with '--codegen llvm'");
  if (op->walk([](scf::ForOp) {
          return WalkResult::interrupt();
        }).wasInterrupted())
    return op.emitError("cannot be compiled by Halide: there are no reductions "
                        "over ranges that a call gives; build it with "
                        "'--codegen llvm'");
  if (failed(nest.makeViews()))
    return failure();
  int64_t group = op.getHeads() / op.getKeyValueHeads();
  Value height = nest.index(shape.getQueries());
  Value tiles = arith::CeilDivSIOp::create(b, nest.queries, height);
  SmallVector<OpFoldResult> sizes{OpFoldResult(nest.batches),
                                  b.getIndexAttr(op.getHeads()),
                                  OpFoldResult(tiles)};
  auto grid = scf::ForallOp::create(b, sizes, ValueRange(), std::nullopt);
  b.setInsertionPointToStart(grid.getBody());
  Value batch = grid.getInductionVar(0), head = grid.getInductionVar(1);
  // Under a causal mask the last tile has the most work: it goes first.
  Value number =
      arith::SubIOp::create(b, arith::SubIOp::create(b, tiles, nest.index(1)),
                            grid.getInductionVar(2));
  Value first = arith::MulIOp::create(b, number, height);
  Value count = arith::MinSIOp::create(
      b, arith::SubIOp::create(b, nest.queries, first), height);
  Value keyHead =
      group == 1
          ? head
          : arith::DivUIOp::create(b, head, nest.index(group)).getResult();
  auto [may, all] = keyRanges(batch, head, first, count, shape.getQueries());

  arguments.push_back(addArena(b, arenaBytes(op, shape)));
  CallBuffers buffers(b);
  Value zero = nest.index(0);
  auto rows = [&](unsigned operand, Value ofHead, Value from, Value length) {
    Value view = nest.getView(operand);
    arguments.push_back(buffers.addRows(
        view,
        {nest.batchOf(operand, batch), nest.headOf(operand, ofHead), from},
        length));
  };
  rows(0, head, first, count);
  rows(1, keyHead, zero, nest.keys);
  rows(2, keyHead, zero, nest.keys);
  for (Value capture : op.getCaptures())
    if (isa<MemRefType>(capture.getType()))
      arguments.push_back(buffers.addAll(capture));
  for (Value scalar : {batch, head, first, count, may.first, may.second,
                       all.first, all.second})
    addScalar(scalar);
  if (Value sinks = op.getSinks()) {
    Value sink = memref::LoadOp::create(b, sinks, head);
    if (sink.getType() != op.getElementType())
      sink = arith::ExtFOp::create(b, op.getElementType(), sink);
    addScalar(sink);
  }
  for (Value capture : op.getCaptures())
    if (!isa<MemRefType>(capture.getType()))
      addScalar(capture);
  for (unsigned operand = 3; operand < op.getNumMaps(); ++operand)
    rows(operand, head, first, count);
  auto [flagBuffer, flag] = buffers.addFlag();
  arguments.push_back(flagBuffer);

  func::CallOp::create(b, kernel(/*guarded=*/false), arguments);
  if (nest.canHide()) {
    Value found = memref::LoadOp::create(b, flag, ValueRange{zero});
    Value none = arith::ConstantIntOp::create(b, 0, 32);
    Value isBad =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, found, none);
    auto again = scf::IfOp::create(b, isBad, /*withElseRegion=*/false);
    b.setInsertionPointToStart(again.thenBlock());
    func::CallOp::create(b, kernel(/*guarded=*/true), arguments);
  }
  op.erase();
  return success();
}

namespace {
struct OutlineAttend
    : public ladon::halide::impl::OutlineAttendBase<OutlineAttend> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<attn::AttendOp> ops;
    getOperation().walk([&](attn::AttendOp op) { ops.push_back(op); });
    for (attn::AttendOp op : ops)
      if (failed(Outliner(op, symbols).run()))
        return signalPassFailure();
    if (!ops.empty())
      defineArena(getOperation());
  }
};
} // namespace
