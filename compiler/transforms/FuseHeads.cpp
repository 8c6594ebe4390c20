//===- FuseHeads.cpp - Fold split and concatenated heads into attend ------===//
//
// Splitting features into heads, concatenating heads, and exchanging axes only
// rename elements.
// An attend reads and writes through indexing maps, so that the renaming can be
// part of them, and no transposed copy of q, k, v or the output exists.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "dialects/attn/Attn.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#define DEBUG_TYPE "attn-fuse-heads"

namespace ladon {
#define GEN_PASS_DEF_FUSEHEADS
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon::attn;

//===----------------------------------------------------------------------===//
// Into the maps of an attend
//===----------------------------------------------------------------------===//

/// From the map of a [batch, heads, positions, D] operand to that of the same
/// elements as [batch, positions, heads * D].
static AffineMap joinHeads(AffineMap map, int64_t features) {
  ArrayRef<AffineExpr> axes = map.getResults();
  return AffineMap::get(map.getNumDims(), /*symbolCount=*/0,
                        {axes[0], axes[2], axes[1] * features + axes[3]},
                        map.getContext());
}

static void setMap(AttendOp op, unsigned operand, AffineMap map) {
  SmallVector<Attribute> maps(op.getIndexingMaps().getValue());
  maps[operand] = AffineMapAttr::get(map);
  op.setIndexingMapsAttr(ArrayAttr::get(op.getContext(), maps));
}

/// The map of the source of a transpose whose result has the map `map`.
static AffineMap permuteAxes(AffineMap map, ArrayRef<int64_t> permutation) {
  SmallVector<AffineExpr> axes(map.getNumResults());
  for (auto [axis, source] : llvm::enumerate(permutation))
    axes[source] = map.getResult(axis);
  return AffineMap::get(map.getNumDims(), /*symbolCount=*/0, axes,
                        map.getContext());
}

/// Where heads and features exchange places with positions.
static constexpr int64_t headsBehindPositions[] = {0, 2, 1, 3};

/// A part of the features of each head, of the tensor [batch, positions,
/// heads, features] that `slice` cuts after splitting heads; null if it is
/// something else.
static Value sliceJoinedHeads(tensor::ExtractSliceOp slice) {
  auto split = slice.getSource().getDefiningOp<SplitHeadsOp>();
  if (!split || slice.getType().getRank() != 4)
    return {};
  RankedTensorType heads = split.getType(), part = slice.getType();
  ImplicitLocOpBuilder b(slice.getLoc(), slice);
  auto permuted = [](auto values) {
    std::swap(values[1], values[2]);
    return values;
  };
  auto typeOf = [&](RankedTensorType type) {
    return RankedTensorType::get(permuted(llvm::to_vector(type.getShape())),
                                 type.getElementType());
  };
  Value apart = tensor::ExpandShapeOp::create(
      b, typeOf(heads), split.getSource(),
      ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}});
  return tensor::ExtractSliceOp::create(
      b, typeOf(part), apart, permuted(slice.getMixedOffsets()),
      permuted(slice.getMixedSizes()), permuted(slice.getMixedStrides()));
}

/// Has an operand be read where its source lies, if that is the same elements
/// in another order.
static bool fuseInput(AttendOp op, unsigned operand) {
  OpOperand &use = op.getMappedOperand(operand);
  AffineMap map = op.getMap(operand);
  // One head for all is no part of a joined axis.
  auto split = use.get().getDefiningOp<SplitHeadsOp>();
  if (split && !op.isShared(operand, AttendOp::AxisRole::Head)) {
    setMap(op, operand, joinHeads(map, split.getType().getDimSize(3)));
    use.set(split.getSource());
    return true;
  }
  if (auto transpose = use.get().getDefiningOp<linalg::TransposeOp>()) {
    setMap(op, operand, permuteAxes(map, transpose.getPermutation()));
    use.set(transpose.getInput());
    return true;
  }
  auto slice = use.get().getDefiningOp<tensor::ExtractSliceOp>();
  Value part = slice ? sliceJoinedHeads(slice) : Value();
  if (!part)
    return false;
  setMap(op, operand, permuteAxes(map, headsBehindPositions));
  use.set(part);
  return true;
}

/// Returns how many operands are read elsewhere.
static unsigned fuseInputs(AttendOp op) {
  unsigned fused = 0;
  for (unsigned operand = 0; operand < 3; ++operand)
    while (fuseInput(op, operand))
      ++fused;
  return fused;
}

/// Writes the output as all its users want it: with heads concatenated. When
/// some want heads, the output stays as it is. Returns how many concatenations
/// are gone.
static unsigned fuseOutput(AttendOp op) {
  Value out = op.getResult(0);
  auto isConcat = [](Operation *user) { return isa<ConcatHeadsOp>(user); };
  if (out.use_empty() || !llvm::all_of(out.getUsers(), isConcat))
    return 0;
  auto concat = cast<ConcatHeadsOp>(*out.getUsers().begin());
  RankedTensorType type = concat.getType();

  ImplicitLocOpBuilder b(concat.getLoc(), op);
  Value oldInit = op.getInits()[0];
  SmallVector<Value> sizes;
  for (unsigned axis = 0; axis < 2; ++axis)
    if (type.isDynamicDim(axis))
      sizes.push_back(tensor::DimOp::create(b, oldInit, axis == 0 ? 0 : 2));
  Value init = tensor::EmptyOp::create(b, type, sizes);

  SmallVector<Value> operands(op->getOperands());
  operands[op.getInitsMutable()[0].getOperandNumber()] = init;
  SmallVector<Type> types(op->getResultTypes());
  types[0] = type;
  OperationState state(op.getLoc(), AttendOp::getOperationName(), operands,
                       types, op->getAttrs());
  for (Region &region : op->getRegions())
    state.addRegion()->takeBody(region);
  auto fused = cast<AttendOp>(b.create(state));
  setMap(fused, 3, joinHeads(op.getMap(3), op.getValueDim()));

  unsigned gone = 0;
  for (Operation *user : llvm::make_early_inc_range(out.getUsers())) {
    user->getResult(0).replaceAllUsesWith(fused.getResult(0));
    user->erase();
    ++gone;
  }
  for (unsigned i = 1; i < op->getNumResults(); ++i)
    op->getResult(i).replaceAllUsesWith(fused->getResult(i));
  op->erase();
  return gone;
}

//===----------------------------------------------------------------------===//
// What is left
//===----------------------------------------------------------------------===//

/// Copies `source` to a new tensor of type `type`, each through its map over
/// (batch, head, position, feature).
static Value copyThroughMaps(ImplicitLocOpBuilder &b, Value source,
                             RankedTensorType type, AffineMap from,
                             AffineMap to) {
  auto sourceType = cast<RankedTensorType>(source.getType());
  // The positions are axis 2 with heads, and axis 1 without.
  SmallVector<Value> sizes;
  for (unsigned axis = 0; axis < type.getRank(); ++axis)
    if (type.isDynamicDim(axis))
      sizes.push_back(tensor::DimOp::create(
          b, source, axis == 0 ? 0 : sourceType.getRank() - 2));
  Value init = tensor::EmptyOp::create(b, type, sizes);
  SmallVector<utils::IteratorType> loops(4, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, type, source, init, ArrayRef{from, to}, loops,
             [](OpBuilder &builder, Location loc, ValueRange args) {
               linalg::YieldOp::create(builder, loc, args[0]);
             })
      .getResult(0);
}

/// Copies what is read of the heads; whether anything is.
static bool lowerSplit(SplitHeadsOp op) {
  bool isRead = !op.use_empty();
  if (isRead) {
    op.emitRemark("split heads are copied: their user '")
        << (*op->user_begin())->getName()
        << "' does not read features in place as attn.attend does";
    ImplicitLocOpBuilder b(op.getLoc(), op);
    AffineMap heads = b.getMultiDimIdentityMap(4);
    AffineMap joined = joinHeads(heads, op.getType().getDimSize(3));
    op.replaceAllUsesWith(
        copyThroughMaps(b, op.getSource(), op.getType(), joined, heads));
  }
  op.erase();
  return isRead;
}

static bool lowerConcat(ConcatHeadsOp op) {
  bool isRead = !op.use_empty();
  if (isRead) {
    if (op.getSource().getDefiningOp<AttendOp>())
      op.emitRemark("concatenated heads are copied: the output is also used "
                    "with its heads apart");
    else
      op.emitRemark("concatenated heads are copied: they are not the output "
                    "of an attn.attend");
    ImplicitLocOpBuilder b(op.getLoc(), op);
    AffineMap heads = b.getMultiDimIdentityMap(4);
    AffineMap joined = joinHeads(heads, op.getSource().getType().getDimSize(3));
    op.replaceAllUsesWith(
        copyThroughMaps(b, op.getSource(), op.getType(), heads, joined));
  }
  op.erase();
  return isRead;
}

namespace {

struct FuseHeads : ladon::impl::FuseHeadsBase<FuseHeads> {
  void runOnOperation() override {
    SmallVector<AttendOp> attends;
    getOperation().walk([&](AttendOp op) { attends.push_back(op); });
    for (AttendOp op : attends) {
      if (op->getNumResults() == 0)
        continue;
      fused += fuseInputs(op);
      fused += fuseOutput(op);
    }
    // Users before producers, so that a split of a concat sees its fate.
    SmallVector<Operation *> left;
    getOperation().walk([&](Operation *op) {
      if (isa<SplitHeadsOp, ConcatHeadsOp>(op))
        left.push_back(op);
    });
    for (Operation *op : llvm::reverse(left)) {
      auto split = dyn_cast<SplitHeadsOp>(op);
      lowered +=
          split ? lowerSplit(split) : lowerConcat(cast<ConcatHeadsOp>(op));
    }
  }
};

} // namespace
