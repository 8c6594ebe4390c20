//===- TilesToThreads.cpp - Tiles to what each thread holds of them -------===//
//
// One pattern per operation of the tile dialect; what they emit is in
// ThreadMemory.cpp, ThreadProducts.cpp and ThreadSoftmax.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Passes.h"

#include "compiler/codegen/cuda/ThreadEmitter.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/DialectConversion.h"

namespace ladon::cuda {
#define GEN_PASS_DEF_TILESTOTHREADS
#include "compiler/codegen/cuda/Passes.h.inc"
} // namespace ladon::cuda

using namespace mlir;
using namespace ladon;
using namespace ladon::cuda;

//===----------------------------------------------------------------------===//
// What can be lowered
//===----------------------------------------------------------------------===//

/// Beyond this a thread's elements do not fit its registers.
static constexpr int64_t mostColumns = 256;

static LogicalResult checkTensor(Operation *op, RankedTensorType type) {
  Type element = type.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return op->emitError("cannot be compiled for a GPU: expected tiles of "
                         "f32, f16 or bf16, found ")
           << element;
  int64_t threads = threadsOf(op);
  if (type.getDimSize(0) != threads && 2 * type.getDimSize(0) != threads)
    return op->emitOpError("expected tiles of ")
           << threads / 2 << " or " << threads << " rows, found "
           << type.getDimSize(0);
  if (type.getRank() == 2 && type.getDimSize(1) > mostColumns)
    return op->emitError("cannot be compiled for a GPU: expected at most ")
           << mostColumns << " features, found " << type.getDimSize(1);
  return success();
}

/// What the patterns ask of an operation beyond its verifier; an error there.
static LogicalResult checkTile(Operation *op) {
  auto value = dyn_cast<tile::ValueOpInterface>(op);
  if (!value)
    return op->emitOpError("expected grids and loops to be lowered; run "
                           "tile-lower-control before");
  if (op->hasAttr("transposed"))
    return op->emitOpError("expected tiles with their rows first");
  for (Type type : llvm::concat<Type>(llvm::to_vector(op->getOperandTypes()),
                                      llvm::to_vector(op->getResultTypes())))
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      if (failed(checkTensor(op, tensor)))
        return failure();
  if (auto store = dyn_cast<tile::StoreOp>(op);
      store && getElementTypeOrSelf(store.getDest().getType()).isInteger())
    return op->emitError("cannot be compiled for a GPU: nobody rounds to i8 "
                         "there");
  if (auto contract = dyn_cast<tile::ContractOp>(op)) {
    if (!isa<MemRefType>(contract.getRight().getType()))
      return op->emitOpError("expected the right tile in shared memory; run "
                             "cuda-stage-tiles before");
    if (getElementTypeOrSelf(contract.getLeft().getType()) !=
        getElementTypeOrSelf(contract.getRight().getType()))
      return op->emitOpError("expected operands of one type");
    if (contract->getNumResults() > 1)
      return op->emitOpError("expected no row maxima");
  }
  if (auto accumulate = dyn_cast<tile::AccumulateOp>(op)) {
    if (!isa<MemRefType>(accumulate.getValue().getType()))
      return op->emitOpError("expected values in shared memory; run "
                             "cuda-stage-tiles before");
    if (getElementTypeOrSelf(accumulate.getWeights().getType()) !=
        getElementTypeOrSelf(accumulate.getValue().getType()))
      return op->emitOpError("expected weights and values of one type");
    if (accumulate.getValueTransposed())
      return op->emitOpError("expected values of the axes (key, feature)");
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {
/// Replaces an operation by what a function emits for it.
template <typename Op> class TilePattern : public OpConversionPattern<Op> {
public:
  using Adaptor = typename Op::Adaptor;
  using Emit = Vectors (*)(ImplicitLocOpBuilder &, Op, Adaptor);

  TilePattern(const TypeConverter &converter, MLIRContext *context, Emit emit)
      : OpConversionPattern<Op>(converter, context), emit(emit) {}

  LogicalResult
  matchAndRewrite(Op op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, emit(b, op, adaptor));
    return success();
  }

private:
  Emit emit;
};

struct RoundPattern : public OpConversionPattern<tile::RoundOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::RoundOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type type = getTypeConverter()->convertType(op.getResult().getType());
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, adaptor.getTile());
    return success();
  }
};

/// Of factors that are the same everywhere.
struct SplatPattern : public OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto value = dyn_cast<SplatElementsAttr>(op.getValue());
    if (!value)
      return failure();
    auto type = cast<VectorType>(getTypeConverter()->convertType(op.getType()));
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(
        op, SplatElementsAttr::get(type, value.getSplatValue<Attribute>()));
    return success();
  }
};
} // namespace

namespace {
struct Patterns {
  RewritePatternSet &patterns;
  const TypeConverter &converter;

  template <typename Op>
  void add(Vectors (*emit)(ImplicitLocOpBuilder &, Op, typename Op::Adaptor)) {
    patterns.add<TilePattern<Op>>(converter, patterns.getContext(), emit);
  }
};
} // namespace

static void populateTilePatterns(RewritePatternSet &patterns,
                                 const TypeConverter &converter) {
  Patterns all{patterns, converter};
  using Builder = ImplicitLocOpBuilder;
  all.add<tile::LoadOp>([](Builder &b, tile::LoadOp op, tile::LoadOp::Adaptor) {
    if (op.getTile())
      return emitLoad(b, op);
    emitCopy(b, op);
    return Vectors();
  });
  all.add<tile::StoreOp>(
      [](Builder &b, tile::StoreOp op, tile::StoreOp::Adaptor operands) {
        emitStore(b, op, operands.getTile());
        return Vectors();
      });
  all.add<tile::ContractOp>(
      [](Builder &b, tile::ContractOp op, tile::ContractOp::Adaptor operands) {
        return emitContract(b, op, operands.getLeft());
      });
  all.add<tile::ModifyOp>(
      [](Builder &b, tile::ModifyOp op, tile::ModifyOp::Adaptor operands) {
        return emitModify(b, op, operands.getScores());
      });
  all.add<tile::MaskOp>(
      [](Builder &b, tile::MaskOp op, tile::MaskOp::Adaptor operands) {
        return emitMask(b, op, operands.getScores());
      });
  all.add<tile::RowMaxOp>(
      [](Builder &b, tile::RowMaxOp op, tile::RowMaxOp::Adaptor operands) {
        return emitRowMax(b, op, operands.getScores());
      });
  all.add(&emitSoftmaxInit);
  all.add(&emitSoftmaxWeights);
  all.add(&emitAccumulate);
  all.add(&emitMerge);
  all.add(&emitSoftmaxFinish);
  all.add<tile::HasNonFiniteOp>([](Builder &b, tile::HasNonFiniteOp,
                                   tile::HasNonFiniteOp::Adaptor operands) {
    return emitHasNonFinite(b, operands.getTile());
  });
  patterns.add<RoundPattern, SplatPattern>(converter, patterns.getContext());
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct TilesToThreads
    : public ladon::cuda::impl::TilesToThreadsBase<TilesToThreads> {
  void runOnOperation() override {
    int64_t threads = threadsOf(getOperation());
    if (threads == 0 || threads % 32 != 0) {
      getOperation().emitOpError("expected a known block size of whole warps; "
                                 "run cuda-outline-kernels before");
      return signalPassFailure();
    }
    WalkResult checked = getOperation().walk([&](Operation *op) {
      // The expressions of positions are lowered with their operation.
      if (!isa_and_nonnull<tile::TileDialect>(op->getDialect()) ||
          isa<tile::YieldOp>(op) || succeeded(checkTile(op)))
        return WalkResult::advance();
      return WalkResult::interrupt();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();
    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion([=](RankedTensorType type) -> Type {
      return threadVector(type, threads);
    });
    RewritePatternSet patterns(&getContext());
    populateTilePatterns(patterns, converter);
    ConversionTarget target(getContext());
    target.addIllegalDialect<tile::TileDialect>();
    target.addDynamicallyLegalOp<arith::ConstantOp>([](Operation *op) {
      return !isa<RankedTensorType>(op->getResult(0).getType());
    });
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
