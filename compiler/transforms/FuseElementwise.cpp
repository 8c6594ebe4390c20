//===- FuseElementwise.cpp - Chains of elementwise work as one loop -------===//
//
// A norm and a rotary embedding are chains of elementwise operations on slices,
// and each of them would read and write a tensor as large as the queries. The
// fusion is upstream's. What is decided here is where it pays, and what stands
// in its way is removed: a slice of an elementwise operation is that operation
// on fewer elements.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/transforms/Neighbours.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#define DEBUG_TYPE "attn-fuse-elementwise"

namespace ladon {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

//===----------------------------------------------------------------------===//
// Where it pays
//===----------------------------------------------------------------------===//

/// One result, element by element, that does not depend on what its destination
/// holds or on where the element is.
static bool isElementwise(linalg::GenericOp op) {
  return op && op.hasPureTensorSemantics() && op->getNumResults() == 1 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         op.getIndexingMapsArray().back().isIdentity() &&
         op.getRegionOutputArgs()[0].use_empty() && !op.hasIndexSemantics();
}

/// Whether computing an element takes no longer than reading it.
static bool isCheap(linalg::GenericOp op) {
  constexpr int64_t most = 8;
  Block::OpListType &body = op.getBody()->getOperations();
  return static_cast<int64_t>(body.size()) <= most &&
         llvm::all_of(body, [](Operation &inner) {
           return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp,
                      arith::NegFOp, arith::ExtFOp, arith::TruncFOp,
                      linalg::YieldOp>(inner);
         });
}

/// Whether an element is an element of the only input.
static bool isCopy(linalg::GenericOp op) {
  return op.getNumDpsInputs() == 1 && op.getBody()->getOperations().size() == 1;
}

/// Whether who reads `operand` should compute it. Each element must be read
/// once by a reader, or cost nothing.
static bool pays(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!isElementwise(producer) || !consumer)
    return false;
  // Who reads the source of a copy instead should read whole lines, too.
  if (isCopy(producer))
    return goesAlongRows(producer.getIndexingMapsArray()[0],
                         producer.getNumLoops() - 1, /*mayStay=*/false);
  return consumer.getMatchingIndexingMap(operand).isPermutation() &&
         (isCheap(producer) || producer->hasOneUse());
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

/// What `slice` needs of a tensor that is read through `map`.
static Value sliceOf(OpBuilder &b, Value tensor, AffineMap map,
                     tensor::ExtractSliceOp slice) {
  auto ofTensor = [&](ArrayRef<OpFoldResult> ofSlice) {
    SmallVector<OpFoldResult> result;
    for (AffineExpr axis : map.getResults())
      result.push_back(ofSlice[cast<AffineDimExpr>(axis).getPosition()]);
    return result;
  };
  return tensor::ExtractSliceOp::create(
      b, slice.getLoc(), tensor, ofTensor(slice.getMixedOffsets()),
      ofTensor(slice.getMixedSizes()), ofTensor(slice.getMixedStrides()));
}

namespace {
/// A slice of what an elementwise operation computes is computed alone, where
/// nobody reads more than slices.
struct ComputeSlice : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractSliceOp slice,
                                PatternRewriter &rewriter) const override {
    auto source = slice.getSource().getDefiningOp<linalg::GenericOp>();
    if (!isElementwise(source) || !isCheap(source) || !slice.hasUnitStride() ||
        slice.getType().getRank() != slice.getSourceType().getRank() ||
        !llvm::all_of(
            source.getIndexingMapsArray(),
            [](AffineMap map) { return map.isProjectedPermutation(); }) ||
        !llvm::all_of(source->getUsers(), [](Operation *user) {
          return isa<tensor::ExtractSliceOp>(user);
        }))
      return failure();
    SmallVector<Value> inputs;
    for (OpOperand *input : source.getDpsInputOperands())
      inputs.push_back(sliceOf(rewriter, input->get(),
                               source.getMatchingIndexingMap(input), slice));
    Value empty =
        tensor::EmptyOp::create(rewriter, slice.getLoc(), slice.getMixedSizes(),
                                slice.getType().getElementType());
    auto part = linalg::GenericOp::create(
        rewriter, source.getLoc(), slice.getType(), inputs, empty,
        source.getIndexingMapsArray(), source.getIteratorTypesArray());
    rewriter.cloneRegionBefore(source.getRegion(), part.getRegion(),
                               part.getRegion().end());
    rewriter.replaceOp(slice, part);
    return success();
  }
};

/// Heads that are copied out of a row of all features, h * 64 + d, are an axis
/// of what is copied: upstream fuses and slices axes, not sums of them.
struct ReadHeads : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!isElementwise(op) || !isCopy(op))
      return failure();
    Value source = op.getInputs()[0];
    auto type = cast<RankedTensorType>(source.getType());
    auto out = cast<RankedTensorType>(op.getResult(0).getType());
    SmallVector<int64_t> shape;
    SmallVector<ReassociationIndices> groups;
    SmallVector<AffineExpr> axes;
    for (auto [axis, index] :
         llvm::enumerate(op.getIndexingMapsArray()[0].getResults())) {
      ReassociationIndices &group = groups.emplace_back();
      auto add = [&](AffineExpr expr, int64_t size) {
        group.push_back(shape.size());
        shape.push_back(size);
        axes.push_back(expr);
      };
      if (auto joined = getJoined(index, out))
        for (unsigned dim : {joined->first, joined->second})
          add(rewriter.getAffineDimExpr(dim), out.getDimSize(dim));
      else
        add(index, type.getDimSize(axis));
    }
    if (shape.size() == groups.size())
      return failure();
    SmallVector<OpFoldResult> sizes;
    for (auto [axis, group] : llvm::enumerate(groups))
      for (int64_t part : group)
        sizes.push_back(
            ShapedType::isDynamic(shape[part])
                ? tensor::getMixedSize(rewriter, op.getLoc(), source, axis)
                : OpFoldResult(rewriter.getIndexAttr(shape[part])));
    auto heads = tensor::ExpandShapeOp::create(
        rewriter, op.getLoc(),
        RankedTensorType::get(shape, type.getElementType()), source, groups,
        sizes);
    auto map = AffineMap::get(op.getNumLoops(), 0, axes, getContext());
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputsMutable()[0].set(heads);
      op.setIndexingMapsAttr(
          rewriter.getAffineMapArrayAttr({map, op.getIndexingMapsArray()[1]}));
    });
    return success();
  }

  /// The dimensions (h, d) of h * D + d where d has D elements.
  static std::optional<std::pair<unsigned, unsigned>>
  getJoined(AffineExpr index, RankedTensorType out) {
    for (unsigned h = 0; h < out.getRank(); ++h)
      for (unsigned d = 0; d < out.getRank(); ++d)
        if (h != d && !out.isDynamicDim(h) && !out.isDynamicDim(d) &&
            index ==
                getAffineDimExpr(h, index.getContext()) * out.getDimSize(d) +
                    getAffineDimExpr(d, index.getContext()))
          return std::pair(h, d);
    return std::nullopt;
  }
};

struct FuseElementwise : ladon::impl::FuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    // Heads first: copies of them go into their readers as they are.
    RewritePatternSet heads(&getContext()), patterns(&getContext());
    heads.add<ReadHeads>(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, pays);
    patterns.add<ComputeSlice>(&getContext());
    // An operation that only sizes are asked of is none.
    tensor::DimOp::getCanonicalizationPatterns(patterns, &getContext());
    // Stopped early, they leave a program that is slower and not wrong.
    (void)applyPatternsGreedily(getOperation(), std::move(heads));
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};
} // namespace
