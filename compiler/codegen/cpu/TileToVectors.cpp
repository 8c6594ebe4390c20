//===- TileToVectors.cpp - Tiles in buffers to loops over vectors ---------===//
//
// One pattern per operation of the tile dialect; what they emit is in
// LaneTiles.cpp, RowTiles.cpp and TileMemory.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "compiler/codegen/cpu/TileEmitter.h"
#include "dialects/attn/Attn.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

#define DEBUG_TYPE "tile-to-vectors"

namespace ladon::cpu {
#define GEN_PASS_DEF_TILETOVECTORS
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

//===----------------------------------------------------------------------===//
// What can be lowered
//===----------------------------------------------------------------------===//

/// The buffer that an operation computes for, in the type it computes in.
static Value computedTile(tile::ValueOpInterface op) {
  if (isa<tile::LoadOp, tile::ContractOp, tile::SoftmaxInitOp>(op))
    return op.getNewBuffers().empty() ? Value() : op.getNewBuffers().back();
  if (auto accumulate = dyn_cast<tile::AccumulateOp>(*op))
    return accumulate.getAcc();
  if (auto normalize = dyn_cast<tile::NormalizeStoredOp>(*op))
    return normalize.getSeen();
  return op->getOperand(0);
}

/// Copies of integers compute nothing.
static FloatType computedType(tile::ValueOpInterface op) {
  auto element = dyn_cast<FloatType>(elementOf(computedTile(op)));
  return element ? element : Float32Type::get(op.getContext());
}

/// Whether rows are taken as they are; products convert them, row by row.
static bool isCopy(tile::LoadOp op) {
  return op.getTileType().getRank() == 2 && !op.getTransposed() &&
         !op.getScale() &&
         op.getTileType().getElementType() ==
             cast<MemRefType>(op.getSource().getType()).getElementType();
}

/// What the patterns ask of an operation beyond its verifier; an error there.
static LogicalResult checkTile(Operation *op, int64_t vectorBits) {
  auto value = dyn_cast<tile::ValueOpInterface>(op);
  if (!value)
    return op->emitOpError("expected grids and loops to be lowered; run "
                           "tile-lower-control before");
  Value computed = computedTile(value);
  auto type =
      computed ? dyn_cast<MemRefType>(computed.getType()) : MemRefType();
  if (!type)
    return op->emitOpError("expected tiles in buffers; run tile-bufferize "
                           "before");
  Type element = type.getElementType();
  if (auto load = dyn_cast<tile::LoadOp>(op); load && isCopy(load))
    return success();
  // A tile of pairs: dialects/cpu has operations on those of bf16.
  auto arePairs = [&](Value tile) {
    return elementOf(tile).isBF16() && extent(tile, 0) % 2 == 0;
  };
  if (auto load = dyn_cast<tile::LoadOp>(op);
      load && load.getTransposed() && arePairs(computed)) {
    if (load.getScale())
      return op->emitOpError("expected no scale of pairs");
  } else if (!element.isF32() && !element.isF64()) {
    return op->emitOpError("expected tiles of f32 or f64, found ") << element;
  }
  // Keys and values are converted where they are used; from 16 bits to f64,
  // LLVM would call a function for each element.
  auto checkOperand = [&](Value tile) -> LogicalResult {
    Type found = elementOf(tile);
    if (found.getIntOrFloatBitWidth() >= 32 || element.isF32())
      return success();
    return op->emitOpError("expected an operand of f32 or f64 beside tiles of ")
           << element << ", found " << found;
  };
  if (auto contract = dyn_cast<tile::ContractOp>(op)) {
    Type left = elementOf(contract.getLeft());
    Builder builder(op->getContext());
    bool pairs = arePairs(contract.getLeft()) && element.isF32() &&
                 elementOf(contract.getRight()) == left &&
                 contract.getMaps() == tile::ContractOp::getMaps(builder, true);
    if (left != element && !pairs)
      return op->emitOpError("expected a left tile of ")
             << element << ", found " << left;
    if (contract.getScale() && !pairs)
      return op->emitOpError("expected the scale at the load of the left tile");
    return checkOperand(contract.getRight());
  }
  if (auto accumulate = dyn_cast<tile::AccumulateOp>(op)) {
    Type weights = elementOf(accumulate.getWeights());
    Type acc = elementOf(accumulate.getAcc());
    bool pairs = op->hasAttr("transposed") && acc.isF32() &&
                 arePairs(accumulate.getWeights()) &&
                 elementOf(accumulate.getValue()) == weights;
    if (weights != acc && !pairs)
      return op->emitOpError("expected weights of ")
             << acc << ", found " << weights;
    if (accumulate.getValueTransposed() &&
        (pairs || !accumulate.getTransposed() || accumulate.getGuard()))
      return op->emitOpError("expected values of the axes (key, feature) "
                             "beside pairs, rows first, or a guard");
    if (failed(checkOperand(accumulate.getValue())))
      return failure();
  }
  if (auto round = dyn_cast<tile::RoundOp>(op))
    if (!round.getTransposed() || !element.isF32() ||
        !arePairs(round.getOuts()[0]))
      return op->emitOpError(
          "expected f32 to be rounded to bf16, with rows last "
          "and an even number of keys");
  // Rounding f64 by way of f32 would round twice.
  if (auto store = dyn_cast<tile::StoreOp>(op)) {
    Type stored = cast<MemRefType>(store.getDest().getType()).getElementType();
    if (element.isF64() && stored.getIntOrFloatBitWidth() < 32)
      return op->emitOpError("expected a tile of f32 for a destination of ")
             << stored << ", found " << element;
  }

  // Rows in the lanes fill whole registers; so do the keys of a block where
  // they lie there.
  int64_t lanes = vectorBits / std::max(element.getIntOrFloatBitWidth(), 32u);
  bool rowsInLanes =
      op->hasAttr("transposed") || isa<tile::NormalizeStoredOp>(op);
  bool keysInLanes =
      !rowsInLanes && isa<tile::RowMaxOp, tile::ModifyOp, tile::MaskOp,
                          tile::SoftmaxWeightsOp, tile::SoftmaxNormalizeOp>(op);
  auto lanesOf = [&](Value tile) {
    return cast<MemRefType>(tile.getType()).getShape().back();
  };
  Value across = isa<tile::MergeOp, tile::SoftmaxFinishOp>(op)
                     ? op->getOperand(2)
                     : computed;
  if ((rowsInLanes || keysInLanes) && lanesOf(across) % lanes != 0)
    return op->emitOpError("expected a multiple of ")
           << lanes << (rowsInLanes ? " rows" : " keys") << " in a tile, found "
           << lanesOf(across);
  return success();
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {
/// Emits code for one kind of operation.
template <typename Op> class TilePattern : public OpConversionPattern<Op> {
public:
  /// What emits the code; the value replaces the result of an operation that
  /// has one.
  using Emit = Value (*)(VectorEmitter &, RegisterTile, Op);

  TilePattern(MLIRContext *context, int64_t vectorBits, RegisterTile registers,
              Emit emit)
      : OpConversionPattern<Op>(context), vectorBits(vectorBits),
        registers(registers), emit(emit) {}

  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    FloatType element = computedType(op);
    VectorEmitter emitter(b, element, vectorBits / element.getWidth());
    if (Value result = emit(emitter, registers, op))
      rewriter.replaceOp(op, result);
    else
      rewriter.eraseOp(op);
    return success();
  }

private:
  int64_t vectorBits;
  RegisterTile registers;
  Emit emit;
};
} // namespace

static Value emitContract(VectorEmitter &e, RegisterTile registers,
                          tile::ContractOp op) {
  Builder builder(op.getContext());
  auto product = cast<MemRefType>(op.getOuts()[0].getType());
  if (op.getMaps() == tile::ContractOp::getMaps(builder, /*transposed=*/true) &&
      product.getDimSize(1) % e.lanes == 0)
    LaneTiles(e, registers).contract(op);
  else if (op.getMaps() ==
               tile::ContractOp::getMaps(builder, /*transposed=*/false) &&
           product.getDimSize(1) % e.lanes == 0)
    RowTiles(e).contract(op);
  else
    emitScalarContract(e, op);
  return {};
}

/// Adds the pattern of an operation with a method of its name in both forms.
#define ADD_TILE_PATTERN(Op, method)                                           \
  patterns.add(std::make_unique<TilePattern<tile::Op>>(                        \
      context, vectorBits, registers,                                          \
      [](VectorEmitter &e, RegisterTile registers, tile::Op op) {              \
        if (op.getTransposed())                                                \
          LaneTiles(e, registers).method(op);                                  \
        else                                                                   \
          RowTiles(e).method(op);                                              \
        return Value();                                                        \
      }))

static void populateTilePatterns(RewritePatternSet &patterns,
                                 int64_t vectorBits, RegisterTile registers) {
  MLIRContext *context = patterns.getContext();
  ADD_TILE_PATTERN(RowMaxOp, rowMax);
  ADD_TILE_PATTERN(ModifyOp, modify);
  ADD_TILE_PATTERN(MaskOp, mask);
  ADD_TILE_PATTERN(SoftmaxWeightsOp, softmaxWeights);
  ADD_TILE_PATTERN(AccumulateOp, accumulate);
  ADD_TILE_PATTERN(MergeOp, merge);
  ADD_TILE_PATTERN(SoftmaxFinishOp, softmaxFinish);
  ADD_TILE_PATTERN(SoftmaxNormalizeOp, softmaxNormalize);
  patterns.add<TilePattern<tile::ContractOp>>(context, vectorBits, registers,
                                              emitContract);
  patterns.add<TilePattern<tile::RoundOp>>(
      context, vectorBits, registers,
      [](VectorEmitter &e, RegisterTile registers, tile::RoundOp op) {
        LaneTiles(e, registers).round(op);
        return Value();
      });
  patterns.add<TilePattern<tile::LoadOp>>(
      context, vectorBits, registers,
      [](VectorEmitter &e, RegisterTile, tile::LoadOp op) {
        emitLoad(e, op);
        return Value();
      });
  patterns.add<TilePattern<tile::StoreOp>>(
      context, vectorBits, registers,
      [](VectorEmitter &e, RegisterTile, tile::StoreOp op) {
        emitStore(e, op);
        return Value();
      });
  patterns.add<TilePattern<tile::NormalizeStoredOp>>(
      context, vectorBits, registers,
      [](VectorEmitter &e, RegisterTile, tile::NormalizeStoredOp op) {
        emitNormalizeStored(e, op);
        return Value();
      });
  patterns.add<TilePattern<tile::SoftmaxInitOp>>(
      context, vectorBits, registers,
      [](VectorEmitter &e, RegisterTile, tile::SoftmaxInitOp op) {
        emitSoftmaxInit(e, op);
        return Value();
      });
  patterns.add<TilePattern<tile::HasNonFiniteOp>>(
      context, vectorBits, registers,
      [](VectorEmitter &e, RegisterTile, tile::HasNonFiniteOp op) {
        return emitHasNonFinite(e, op);
      });
}
#undef ADD_TILE_PATTERN

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct TileToVectors
    : public ladon::cpu::impl::TileToVectorsBase<TileToVectors> {
  using TileToVectorsBase::TileToVectorsBase;

  void runOnOperation() override {
    WalkResult checked = getOperation().walk([&](Operation *op) {
      // The expressions of positions are lowered with their operation.
      if (!isa_and_nonnull<tile::TileDialect>(op->getDialect()) ||
          isa<tile::YieldOp>(op) || succeeded(checkTile(op, vectorBits)))
        return WalkResult::advance();
      return WalkResult::interrupt();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    populateTilePatterns(patterns, vectorBits, {rowsAtOnce, unroll});
    ConversionTarget target(getContext());
    target.addIllegalDialect<tile::TileDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
