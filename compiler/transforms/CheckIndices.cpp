//===- CheckIndices.cpp - Which indices a call may have checked -----------===//
//
// Reads of captured tensors clamp their indices. Who wants to know instead has
// the indices of all positions computed before anything else runs. A guard in
// front of a read, `if d < 8 then table[d] else 0`, is respected: for each
// value of a score or mask the body of the check computes whether it is needed.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/analysis/IntegerRanges.h"
#include "compiler/transforms/EntryValues.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define DEBUG_TYPE "attn-check-indices"

namespace ladon {
#define GEN_PASS_DEF_CHECKINDICES
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;
using attn::AttendOp;

//===----------------------------------------------------------------------===//
// One attend
//===----------------------------------------------------------------------===//

namespace {

/// The check of one attend.
class AttendCheck {
public:
  AttendCheck(AttendOp attend, EntryValues &entry,
              const ExtentVerifier &extents);

  /// Fills the body; erases the check where nothing can happen.
  void build();

private:
  /// An argument with an extent that is the number of pages of the pool, and
  /// on which axis; or null.
  std::pair<Value, int64_t> poolOf(AttendOp op) const {
    return op.getPages() ? entry.carrierOf(extents.getExtents(op.getKey())[0])
                         : std::pair<Value, int64_t>();
  }
  Value countKeys();
  bool create();
  /// The argument of the body for something that is captured.
  Value captured(Value source) {
    return check.getBody().getArgument(
        4 + (llvm::find(sources, source) - sources.begin()));
  }
  Value unknownElement(Type type, Value source, ValueRange indices);
  Value addRegion(Region &region, Value visible);
  void addPages(Value visible);
  void need(Value value, Value when);
  void findNeeds(Block &block, ArrayRef<Operation *> copies);
  void checkLoop(scf::ForOp loop, Value when);
  void markOfScore(Operation *op);
  void expect(attn::ReadOp read, Value when);
  bool mayLeave(Value index, Extent extent);
  void eraseUnused();
  Value both(Value left, Value right);
  Value isFalse(Value condition);

  AttendOp attend;
  EntryValues &entry;
  const ExtentVerifier &extents;
  ImplicitLocOpBuilder b; ///< At the end of the body.
  attn::CheckIndicesOp check;
  Extent sizes[4];                      ///< Of batch, heads, queries, keys.
  SmallVector<Value> captures, sources; ///< Hoisted, and the attend's own.
  analysis::IntegerRanges ranges;
  llvm::DenseMap<Value, Value> needs; ///< When a value of the body is needed.
  llvm::DenseSet<Value> ofScore;      ///< What depends on the score.
  bool found = false;
};

} // namespace

AttendCheck::AttendCheck(AttendOp attend, EntryValues &entry,
                         const ExtentVerifier &extents)
    : attend(attend), entry(entry), extents(extents),
      b(attend.getLoc(), attend.getContext()) {
  using Role = AttendOp::AxisRole;
  ArrayRef<Extent> out = extents.getExtents(attend.getInits().front());
  sizes[0] = out[attend.findAxis(AttendOp::Out, Role::Batch)];
  sizes[1] = b.getI64IntegerAttr(attend.getHeads());
  sizes[2] = out[attend.findAxis(AttendOp::Out, Role::Position)];
  sizes[3] =
      attend.getPages()
          ? extents.getKeysOf(attend)
          : extents.getExtents(
                attend.getKey())[attend.findAxis(AttendOp::K, Role::Position)];
}

/// Whether a score, a mask or the pages read anything.
static bool hasReads(AttendOp attend) {
  return attend.getPages() ||
         attend->walk([](attn::ReadOp) { return WalkResult::interrupt(); })
             .wasInterrupted();
}

/// How many keys there are: none in pages of an empty pool.
Value AttendCheck::countKeys() {
  Value keys = entry.sizeOf(sizes[3]);
  auto [pool, axis] = poolOf(attend);
  if (!pool)
    return keys;
  Value zero = arith::ConstantIndexOp::create(entry.b, 0);
  Value count = tensor::DimOp::create(entry.b, pool, axis);
  Value isEmpty =
      arith::CmpIOp::create(entry.b, arith::CmpIPredicate::eq, count, zero);
  return arith::SelectOp::create(entry.b, isEmpty, zero, keys);
}

/// The operation, with a body of positions and captures. False where something
/// captured is not known at the beginning.
bool AttendCheck::create() {
  bool areKnown = true;
  auto capture = [&](Value source) {
    Value copy = entry.hoisted(source);
    // Of the elements of a computed tensor nothing is known.
    areKnown &= copy || isa<TensorType>(source.getType());
    if (copy && !llvm::is_contained(sources, source)) {
      captures.push_back(copy);
      sources.push_back(source);
    }
  };
  llvm::for_each(attend.getCaptures(), capture);
  if (Value table = attend.getPages()) {
    capture(table);
    if (Value pool = poolOf(attend).first)
      capture(pool);
  }
  Value keys = countKeys();
  check = attn::CheckIndicesOp::create(
      entry.b, entry.sizeOf(sizes[0]), entry.sizeOf(sizes[1]),
      entry.sizeOf(sizes[2]), keys, captures, /*unchecked=*/StringAttr());
  Block &body = check.getBody().emplaceBlock();
  for (Extent size : sizes) {
    Value position = body.addArgument(b.getI32Type(), b.getLoc());
    auto number = dyn_cast<IntegerAttr>(size);
    analysis::IntegerRange range = analysis::kPositions;
    if (number && number.getInt() > 0)
      range.max = number.getInt() - 1;
    ranges.set(position, range);
  }
  for (Value capture : captures)
    body.addArgument(capture.getType(), capture.getLoc());
  b.setInsertionPointToEnd(&body);
  return areKnown;
}

Value AttendCheck::both(Value left, Value right) {
  if (matchPattern(left, m_One()))
    return right;
  return arith::AndIOp::create(b, left, right);
}

Value AttendCheck::isFalse(Value condition) {
  Value one = arith::ConstantOp::create(b, b.getBoolAttr(true));
  return arith::XOrIOp::create(b, condition, one);
}

void AttendCheck::need(Value value, Value when) {
  Value &known = needs[value];
  known = known ? arith::OrIOp::create(b, known, when).getResult() : when;
}

/// From the last to the first: for what operands are needed, and what is read.
void AttendCheck::findNeeds(Block &block, ArrayRef<Operation *> copies) {
  SmallVector<std::pair<Operation *, Value>> needed;
  for (Operation *op : llvm::reverse(copies)) {
    Value when = needs.lookup(op->getResult(0));
    if (!when)
      continue;
    auto select = dyn_cast<arith::SelectOp>(op);
    bool isJunction = isa<arith::AndIOp, arith::OrIOp>(op) &&
                      op->getResult(0).getType().isInteger(1);
    Value condition = select || isJunction ? op->getOperand(0) : Value();
    if (condition && ofScore.contains(condition))
      condition = {};
    if (isa<attn::ReadOp, scf::ForOp>(op))
      needed.push_back({op, when});
    for (auto [number, operand] : llvm::enumerate(op->getOperands())) {
      // What is outside of a loop has been dealt with.
      if (operand.getParentBlock() != &block)
        continue;
      Value then = when;
      if (condition && number > 0) {
        bool isElse = select ? number == 2 : isa<arith::OrIOp>(op);
        then = both(when, isElse ? isFalse(condition) : condition);
      }
      need(operand, then);
    }
    // What is computed outside of a loop, and needed in it.
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (inner != op && operand.getParentBlock() == &block)
          need(operand, when);
    });
  }
  for (auto [op, when] : llvm::reverse(needed))
    if (auto read = dyn_cast<attn::ReadOp>(op))
      expect(read, when);
    else
      checkLoop(cast<scf::ForOp>(op), when);
}

/// The loop once more, with what its reads expect where the loop is needed.
void AttendCheck::checkLoop(scf::ForOp loop, Value when) {
  if (!loop->walk([](attn::ReadOp) { return WalkResult::interrupt(); })
           .wasInterrupted())
    return;
  auto again = cast<scf::ForOp>(b.clone(*loop));
  OpBuilder::InsertionGuard guard(b);
  Block &block = *again.getBody();
  for (auto [value, twin] :
       llvm::zip(loop.getRegionIterArgs(), again.getRegionIterArgs()))
    if (ofScore.contains(value))
      ofScore.insert(twin);
  SmallVector<Operation *> copies;
  for (auto [inner, copy] : llvm::zip(*loop.getBody(), block)) {
    for (auto [value, twin] : llvm::zip(inner.getResults(), copy.getResults()))
      if (ofScore.contains(value))
        ofScore.insert(twin);
    if (copy.getNumResults() > 0)
      copies.push_back(&copy);
  }
  Operation *yield = block.getTerminator();
  b.setInsertionPoint(yield);
  for (Value term : yield->getOperands())
    need(term, when);
  findNeeds(block, copies);
}

/// Notes which copies depend on the score.
void AttendCheck::markOfScore(Operation *op) {
  bool depends = false;
  op->walk<WalkOrder::PreOrder>([&](Operation *inner) {
    bool isOfScore = llvm::any_of(inner->getOperands(),
                                  [&](Value v) { return ofScore.contains(v); });
    depends |= isOfScore;
    if (isOfScore && inner != op)
      for (Value result : inner->getResults())
        ofScore.insert(result);
  });
  // What a loop has joined so far is as little known as its terms.
  if (auto loop = dyn_cast<scf::ForOp>(op); loop && depends)
    for (Value soFar : loop.getRegionIterArgs())
      ofScore.insert(soFar);
  if (depends)
    ofScore.insert(op->getResult(0));
}

/// Whether an index may be outside of an axis.
bool AttendCheck::mayLeave(Value index, Extent extent) {
  auto position = dyn_cast<BlockArgument>(index);
  if (position && position.getArgNumber() < 4 &&
      sizes[position.getArgNumber()] == extent)
    return false;
  auto number = dyn_cast_or_null<IntegerAttr>(extent);
  return !number || !analysis::IntegerRange{0, number.getInt() - 1}.contains(
                        ranges.of(index));
}

void AttendCheck::expect(attn::ReadOp read, Value when) {
  auto source = cast<BlockArgument>(read.getSource());
  unsigned number = source.getArgNumber() - 4;
  auto arg = cast<BlockArgument>(captures[number]);
  auto function = attend->getParentOfType<func::FuncOp>();
  StringAttr name = attn::getParam(function, arg.getArgNumber()).getName();
  for (auto [axis, index] : llvm::enumerate(read.getIndices())) {
    if (!mayLeave(index, extents.getExtents(arg)[axis]))
      continue;
    found = true;
    if (ofScore.contains(index))
      check.setUncheckedAttr(name);
    else
      attn::ExpectIndexOp::create(b, index, source, axis, name,
                                  /*page=*/false, when);
  }
}

/// In place of an element of a tensor that is computed by then: one of which
/// nothing is known. Where an index may leave the tensor, the check cannot be
/// done.
Value AttendCheck::unknownElement(Type type, Value source, ValueRange indices) {
  for (auto [index, extent] :
       llvm::zip_equal(indices, extents.getExtents(source)))
    if (mayLeave(index, extent)) {
      found = true;
      check.setUnchecked("a computed value");
    }
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&check.getBody().front());
  Value unknown = arith::ConstantOp::create(b, b.getZeroAttr(type));
  ofScore.insert(unknown);
  return unknown;
}

/// Copies a region and expects of its reads what they need at positions that
/// are `visible`. Returns the value of the region.
Value AttendCheck::addRegion(Region &region, Value visible) {
  IRMapping map;
  auto args = region.getArguments();
  if (attend.hasNumber(region)) {
    // Of any value: nothing that counts is computed from it.
    auto type = cast<FloatType>(args.front().getType());
    Value number = arith::ConstantOp::create(b, b.getFloatAttr(type, 0));
    ofScore.insert(number);
    map.map(args.front(), number);
    args = args.drop_front();
  }
  for (unsigned position = 0; position < 4; ++position)
    map.map(args[position], check.getBody().getArgument(position));
  llvm::DenseMap<Value, Value> computed;
  for (auto [capture, arg] :
       llvm::zip_equal(attend.getCaptures(), args.drop_front(4)))
    if (llvm::is_contained(sources, capture))
      map.map(arg, captured(capture));
    else
      computed[arg] = capture;
  SmallVector<Operation *> copies;
  for (Operation &op : region.front().without_terminator()) {
    auto read = dyn_cast<attn::ReadOp>(op);
    if (read && computed.contains(read.getSource())) {
      auto indices = llvm::map_to_vector(
          read.getIndices(), [&](Value v) { return map.lookupOrDefault(v); });
      map.map(
          read.getResult(),
          unknownElement(read.getType(), computed[read.getSource()], indices));
      continue;
    }
    Operation *copy = b.clone(op, map);
    copy->walk([&](attn::ReadOp inner) { // In loops.
      if (!computed.contains(inner.getSource()))
        return;
      inner.replaceAllUsesWith(unknownElement(
          inner.getType(), computed[inner.getSource()], inner.getIndices()));
      inner.erase();
    });
    copies.push_back(copy);
    markOfScore(copy);
  }
  Value result = map.lookup(region.front().getTerminator()->getOperand(0));
  need(result, visible);
  findNeeds(check.getBody().front(), copies);
  return result;
}

/// The page of every visible key.
void AttendCheck::addPages(Value visible) {
  auto function = attend->getParentOfType<func::FuncOp>();
  auto body = check.getBody().getArguments();
  auto table = cast<BlockArgument>(attend.getPages());
  StringAttr name = attn::getParam(function, table.getArgNumber()).getName();
  auto [pool, axis] = poolOf(attend);
  found = true;
  if (!pool) {
    check.setUncheckedAttr(name);
    return;
  }
  Value size = arith::ConstantOp::create(
      b, b.getI32IntegerAttr(static_cast<int32_t>(attend.getPageSize())));
  Value number = arith::DivUIOp::create(b, body[3], size);
  Value page = attn::ReadOp::create(b, b.getI32Type(), captured(table),
                                    ValueRange{body[0], number});
  attn::ExpectIndexOp::create(b, page, captured(pool), axis, name,
                              /*page=*/true, visible);
}

/// Drops what nothing is expected of.
void AttendCheck::eraseUnused() {
  Block &body = check.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
  for (unsigned number = captures.size(); number-- > 0;)
    if (body.getArgument(4 + number).use_empty()) {
      body.eraseArgument(4 + number);
      check.getCapturesMutable().erase(number);
    }
}

void AttendCheck::build() {
  if (!hasReads(attend))
    return;
  if (!create()) {
    check.setUnchecked("a computed value");
    return eraseUnused();
  }
  Value visible = arith::ConstantOp::create(b, b.getBoolAttr(true));
  if (attend.hasMask())
    visible = addRegion(attend.getMask(), visible);
  if (attend.getPages())
    addPages(visible);
  for (Region *region : attend.getBodies())
    if (attend.hasNumber(*region))
      addRegion(*region, visible);
  if (!found)
    return check.erase();
  eraseUnused();
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

namespace {

struct CheckIndicesPass
    : public ladon::impl::CheckIndicesBase<CheckIndicesPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !function.getArgAttrsAttr())
      return markAllAnalysesPreserved();
    // A module that has been through this pass.
    if (!function.getOps<attn::CheckIndicesOp>().empty())
      return markAllAnalysesPreserved();
    ExtentVerifier extents(function);
    if (failed(extents.verify()))
      return signalPassFailure();
    EntryValues entry(function, extents);
    SmallVector<AttendOp> attends(function.getOps<AttendOp>());
    for (AttendOp attend : attends)
      AttendCheck(attend, entry, extents).build();
  }
};

} // namespace
