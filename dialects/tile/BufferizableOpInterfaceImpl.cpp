//===- BufferizableOpInterfaceImpl.cpp - Tiles in buffers -----------------===//
//
// One model for all operations on tiles: ValueOpInterface says which operands
// are updated in place; what is new gets a buffer. One-shot bufferization finds
// out where an update would destroy a value that is still needed, and copies.
//
// A load is the exception: rows may be used where they lie, if the load says so
// (inPlaceAttr); tile-bufferize has found out which do.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace ladon::tile;

/// A buffer for a tile.
static FailureOr<Value> allocate(RewriterBase &rewriter, Location loc,
                                 Type tile,
                                 const BufferizationOptions &options) {
  auto type = cast<RankedTensorType>(tile);
  return options.createAlloc(
      rewriter, loc, MemRefType::get(type.getShape(), type.getElementType()),
      ValueRange());
}

/// `op` with these operands, without results that are tiles.
static ValueOpInterface createOnBuffers(RewriterBase &rewriter, Operation *op,
                                        ValueRange operands) {
  SmallVector<Type> types;
  for (Type type : op->getResultTypes())
    if (!isa<TensorType>(type))
      types.push_back(type);
  Operation *result = Operation::create(
      op->getLoc(), op->getName(), types, operands,
      op->getDiscardableAttrDictionary(), op->getPropertiesStorage(),
      /*successors=*/{}, op->getNumRegions());
  for (auto [from, to] : llvm::zip(op->getRegions(), result->getRegions()))
    to.takeBody(from);
  rewriter.insert(result);
  return cast<ValueOpInterface>(result);
}

namespace {

template <typename Op>
struct ValueOpModel
    : BufferizableOpInterface::ExternalModel<ValueOpModel<Op>, Op> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &,
                              const AnalysisState &) const {
    return true;
  }
  bool bufferizesToMemoryWrite(Operation *op, OpOperand &operand,
                               const AnalysisState &) const {
    return updatedResult(op, operand).has_value();
  }
  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand,
                                      const AnalysisState &) const {
    if (std::optional<unsigned> number = updatedResult(op, operand))
      return {{op->getResult(*number), BufferRelation::Equivalent}};
    return {};
  }
  bool bufferizesToAllocation(Operation *op, Value v) const {
    return isa<TensorType>(v.getType()) && !updatedOperand(op, v);
  }
  /// Parts of one operation may share no buffer: none is done before another.
  bool bufferizesToElementwiseAccess(Operation *, const AnalysisState &,
                                     ArrayRef<OpOperand *>) const {
    return false;
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (isa<TensorType>(operand.getType())) {
        FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
        if (failed(buffer))
          return failure();
        operand = *buffer;
      }
      operands.push_back(operand);
    }
    rewriter.setInsertionPoint(op);
    SmallVector<Value> replacements(op->getNumResults()), fresh;
    for (OpResult result : op->getResults()) {
      if (!isa<TensorType>(result.getType()))
        continue;
      Value &replacement = replacements[result.getResultNumber()];
      if (std::optional<unsigned> operand = updatedOperand(op, result)) {
        replacement = operands[*operand];
        continue;
      }
      FailureOr<Value> buffer =
          allocate(rewriter, op->getLoc(), result.getType(), options);
      if (failed(buffer))
        return failure();
      replacement = *buffer;
      fresh.push_back(*buffer);
    }
    ValueOpInterface onBuffers = createOnBuffers(rewriter, op, operands);
    if (!fresh.empty())
      onBuffers.setNewBuffers(fresh);
    for (auto [old, result] :
         llvm::zip(llvm::make_filter_range(
                       op->getResults(),
                       [](Value v) { return !isa<TensorType>(v.getType()); }),
                   onBuffers->getResults()))
      replacements[cast<OpResult>(old).getResultNumber()] = result;
    replaceOpWithBufferizedValues(rewriter, op, replacements);
    return success();
  }

private:
  static std::optional<unsigned> updatedResult(Operation *op,
                                               OpOperand &operand) {
    for (auto [from, to] : cast<ValueOpInterface>(op).getUpdates())
      if (from == operand.getOperandNumber())
        return to;
    return std::nullopt;
  }
  static std::optional<unsigned> updatedOperand(Operation *op, Value result) {
    for (auto [from, to] : cast<ValueOpInterface>(op).getUpdates())
      if (to == cast<OpResult>(result).getResultNumber())
        return from;
    return std::nullopt;
  }
};

struct LoadModel : BufferizableOpInterface::ExternalModel<LoadModel, LoadOp> {
  bool bufferizesToAllocation(Operation *, Value) const { return true; }
  /// What lies in a tensor of the caller must stay as it is.
  bool isWritable(Operation *op, Value, const AnalysisState &) const {
    return !op->hasAttr(inPlaceAttr);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &) const {
    auto load = cast<LoadOp>(op);
    Location loc = op->getLoc();
    rewriter.setInsertionPoint(op);
    FailureOr<Value> buffer =
        allocate(rewriter, loc, load.getTile().getType(), options);
    if (failed(buffer))
      return failure();
    bool inPlace = load->hasAttr(inPlaceAttr);
    auto fill = [&] {
      ValueOpInterface filling =
          createOnBuffers(rewriter, op, op->getOperands());
      filling.setNewBuffers(*buffer);
      if (filling->removeDiscardableAttr(inPlaceAttr))
        filling->setDiscardableAttr(sparseAttr, rewriter.getUnitAttr());
    };
    if (!inPlace) {
      fill();
      replaceOpWithBufferizedValues(rewriter, op, *buffer);
      return success();
    }
    // Rows lie in place if their features do; else they are copied.
    auto metadata = memref::ExtractStridedMetadataOp::create(rewriter, loc,
                                                             load.getSource());
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value isDense =
        arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq,
                              metadata.getStrides().back(), one);
    Type type = rowsType(load);
    auto branch = scf::IfOp::create(rewriter, loc, type, isDense,
                                    /*withElseRegion=*/true);
    rewriter.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(rewriter, loc, rowsInPlace(rewriter, load, metadata));
    rewriter.setInsertionPointToStart(branch.elseBlock());
    fill();
    Value copy = memref::CastOp::create(rewriter, loc, type, *buffer);
    scf::YieldOp::create(rewriter, loc, copy);
    replaceOpWithBufferizedValues(rewriter, op, branch.getResult(0));
    return success();
  }

  FailureOr<BufferLikeType> getBufferType(Operation *op, Value value,
                                          const BufferizationOptions &,
                                          const BufferizationState &,
                                          SmallVector<Value> &) const {
    auto load = cast<LoadOp>(op);
    if (load->hasAttr(inPlaceAttr))
      return cast<BufferLikeType>(Type(rowsType(load)));
    auto type = cast<RankedTensorType>(value.getType());
    return cast<BufferLikeType>(
        Type(MemRefType::get(type.getShape(), type.getElementType())));
  }

private:
  /// Rows any distance apart, each of them dense.
  static MemRefType rowsType(LoadOp op) {
    ShapedType tile = op.getTileType();
    auto dynamic = ShapedType::kDynamic;
    return MemRefType::get(
        tile.getShape(), tile.getElementType(),
        StridedLayoutAttr::get(op.getContext(), dynamic, {dynamic, 1}));
  }
  static Value rowsInPlace(RewriterBase &rewriter, LoadOp op,
                           memref::ExtractStridedMetadataOp metadata) {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> strides(metadata.getStrides());
    Value offset = metadata.getOffset();
    Value first[] = {op.getBatch(), op.getHead(), op.getRow()};
    for (auto [at, stride] : llvm::zip(first, strides)) {
      Value step = arith::MulIOp::create(b, at, stride);
      offset = arith::AddIOp::create(b, offset, step);
    }
    MemRefType type = rowsType(op);
    return memref::ReinterpretCastOp::create(
        b, type, metadata.getBaseBuffer(), OpFoldResult(offset),
        ArrayRef<OpFoldResult>{b.getIndexAttr(type.getDimSize(0)),
                               b.getIndexAttr(type.getDimSize(1))},
        ArrayRef<OpFoldResult>{strides[2], b.getIndexAttr(1)});
  }
};

} // namespace

void ladon::tile::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, TileDialect *) {
    LoadOp::attachInterface<LoadModel>(*context);
    StoreOp::attachInterface<ValueOpModel<StoreOp>>(*context);
    ContractOp::attachInterface<ValueOpModel<ContractOp>>(*context);
    RowMaxOp::attachInterface<ValueOpModel<RowMaxOp>>(*context);
    ModifyOp::attachInterface<ValueOpModel<ModifyOp>>(*context);
    MaskOp::attachInterface<ValueOpModel<MaskOp>>(*context);
    SoftmaxInitOp::attachInterface<ValueOpModel<SoftmaxInitOp>>(*context);
    SoftmaxWeightsOp::attachInterface<ValueOpModel<SoftmaxWeightsOp>>(*context);
    RoundOp::attachInterface<ValueOpModel<RoundOp>>(*context);
    AccumulateOp::attachInterface<ValueOpModel<AccumulateOp>>(*context);
    MergeOp::attachInterface<ValueOpModel<MergeOp>>(*context);
    SoftmaxFinishOp::attachInterface<ValueOpModel<SoftmaxFinishOp>>(*context);
    SoftmaxNormalizeOp::attachInterface<ValueOpModel<SoftmaxNormalizeOp>>(
        *context);
    NormalizeStoredOp::attachInterface<ValueOpModel<NormalizeStoredOp>>(
        *context);
    HasNonFiniteOp::attachInterface<ValueOpModel<HasNonFiniteOp>>(*context);
  });
}
