//===- VerifyTensorExtents.cpp - Extents through operations of tensor -----===//

#include "compiler/transforms/ExtentVerifier.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace ladon;

LogicalResult ExtentVerifier::visit(tensor::DimOp op) {
  int64_t rank = cast<RankedTensorType>(op.getSource().getType()).getRank();
  std::optional<int64_t> axis = op.getConstantIndex();
  if (axis && *axis >= 0 && *axis < rank)
    return success();
  return op.emitOpError("expected a constant axis of 0 to ") << rank - 1;
}

LogicalResult ExtentVerifier::visit(tensor::EmptyOp op) {
  SmallVector<Extent> &axes = extents[op.getResult()];
  for (OpFoldResult size : op.getMixedSizes()) {
    Extent extent = getSize(size);
    std::optional<SizeExpr> value = getExpr(size);
    if (!extent || !(value->isNatural() || declared.contains(extent)))
      return explain(op.emitOpError("expected the size of axis ")
                     << axes.size()
                     << " to be a constant that is not negative, or a "
                        "tensor.dim");
    axes.push_back(extent);
  }
  return success();
}

LogicalResult ExtentVerifier::visit(tensor::CastOp op) {
  SmallVector<Extent> axes = extents[op.getSource()];
  for (auto [axis, size] : llvm::enumerate(getStatic(op.getType())))
    if (size && size != axes[axis])
      return op.emitOpError("expected ")
             << str(axes[axis]) << " on axis " << axis
             << ", as the operand has, found " << str(size);
  extents[op.getResult()] = axes;
  return success();
}

/// Checks that the part of a tensor lies in it; the extents of the part.
FailureOr<SmallVector<Extent>>
ExtentVerifier::verifySlice(OffsetSizeAndStrideOpInterface op,
                            ArrayRef<Extent> whole) {
  SmallVector<Extent> sizes;
  for (auto [axis, extent] : llvm::enumerate(whole)) {
    std::optional<int64_t> offset =
                               getConstantIntValue(op.getMixedOffsets()[axis]),
                           stride =
                               getConstantIntValue(op.getMixedStrides()[axis]);
    Extent size = getSize(op.getMixedSizes()[axis]);
    std::optional<int64_t> count = getNumber(size), end, limit;
    if (offset && stride && count && *offset >= 0 && *stride >= 1 &&
        *count >= 0) {
      end = *count == 0 ? offset
                        : llvm::checkedMulAdd(*count - 1, *stride, *offset);
      limit = getNumber(extent);
    }
    bool isWhole = offset == 0 && stride == 1 && size == extent;
    bool isWithin = end && limit && (*count == 0 || *end < *limit);
    // One of several parts that fill an axis: what is left is not negative.
    std::optional<SizeExpr> from = getExpr(op.getMixedOffsets()[axis]),
                            rest = extent ? SizeExpr::parse(str(extent))
                                          : std::nullopt,
                            taken = getExpr(op.getMixedSizes()[axis]);
    if (!isWithin && stride == 1 && from && taken && rest &&
        taken->isNatural()) {
      taken = SizeExpr::join(SizeExpr::Op::Add, *from, *taken);
      if (taken)
        taken =
            SizeExpr::join(SizeExpr::Op::Mul, *taken, SizeExpr::constant(-1));
      if (taken)
        rest = SizeExpr::join(SizeExpr::Op::Add, *rest, *taken);
      isWithin = taken && rest && rest->isNatural() && from->isNatural();
    }
    if (!isWhole && !isWithin)
      return explain(op->emitOpError("expected axis ")
                     << axis
                     << " of the slice to be the whole of it, or constants "
                        "within its extent, which is "
                     << str(extent));
    sizes.push_back(size);
  }
  return sizes;
}

/// The extents without those of dropped axes.
static SmallVector<Extent> dropAxes(ArrayRef<Extent> sizes,
                                    const llvm::SmallBitVector &dropped) {
  SmallVector<Extent> kept;
  for (auto [axis, size] : llvm::enumerate(sizes))
    if (!dropped.test(axis))
      kept.push_back(size);
  return kept;
}

LogicalResult ExtentVerifier::visit(tensor::ExtractSliceOp op) {
  auto sizes = verifySlice(op, extents[op.getSource()]);
  if (failed(sizes))
    return failure();
  extents[op.getResult()] = dropAxes(*sizes, op.getDroppedDims());
  return success();
}

LogicalResult ExtentVerifier::visit(tensor::InsertSliceOp op) {
  auto sizes = verifySlice(op, extents[op.getDest()]);
  if (failed(sizes))
    return failure();
  ArrayRef<Extent> source = extents[op.getSource()];
  SmallVector<Extent> expected = dropAxes(*sizes, op.getDroppedDims());
  for (auto [axis, size] : llvm::enumerate(expected))
    if (source[axis] != size)
      return explain(op.emitOpError("expected ")
                     << str(size) << " on axis " << axis
                     << " of the source, as the slice has, found "
                     << str(source[axis]));
  extents[op.getResult()] = extents.lookup(op.getDest());
  return success();
}

/// Checks that `small` has the elements of `large`, whose axes `groups` makes
/// into its own.
LogicalResult
ExtentVerifier::verifyReshape(Operation *op, ArrayRef<Extent> large,
                              ArrayRef<Extent> small,
                              ArrayRef<ReassociationIndices> groups) {
  for (auto [axis, group] : llvm::enumerate(groups)) {
    SmallVector<Extent> factors;
    for (int64_t factor : group)
      factors.push_back(large[factor]);
    Extent product = getProduct(factors);
    if (product && product == small[axis])
      continue;
    std::string text = llvm::join(llvm::map_range(factors, str), " * ");
    return op->emitOpError("expected ")
           << text << " elements on axis " << axis << ", found "
           << str(small[axis])
           << "; a product with a named size is known where the rest is 1";
  }
  return success();
}

LogicalResult ExtentVerifier::visit(tensor::CollapseShapeOp op) {
  SmallVector<Extent> large = extents[op.getSrc()];
  SmallVector<Extent> small = getStatic(op.getResultType());
  auto groups = op.getReassociationIndices();
  for (auto [axis, group] : llvm::enumerate(groups))
    if (!small[axis]) {
      SmallVector<Extent> factors;
      for (int64_t factor : group)
        factors.push_back(large[factor]);
      small[axis] = getProduct(factors);
    }
  extents[op.getResult()] = small;
  return verifyReshape(op, large, small, groups);
}

LogicalResult ExtentVerifier::visit(tensor::ExpandShapeOp op) {
  SmallVector<Extent> large;
  for (OpFoldResult size : op.getMixedOutputShape())
    large.push_back(getSize(size));
  extents[op.getResult()] = large;
  return verifyReshape(op, large, extents[op.getSrc()],
                       op.getReassociationIndices());
}
