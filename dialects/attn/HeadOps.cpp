//===- HeadOps.cpp - split_heads, concat_heads and read -------------------===//
//
// Verifiers and folders. Every verifier clause states what the operation's
// description promises about shapes.
//
//===----------------------------------------------------------------------===//

#include "dialects/attn/Attn.h"

using namespace mlir;
using namespace ladon::attn;

/// Checks that `packed` [batch, positions, heads * D] and `split`
/// [batch, heads, positions, D] are two shapes of the same elements. `heads` is
/// -1 when only `split` says it.
static LogicalResult verifyHeads(Operation *op, RankedTensorType packed,
                                 RankedTensorType split, int64_t heads) {
  if (packed.getRank() != 3)
    return op->emitOpError("expected [batch, positions, features] of rank 3, "
                           "found rank ")
           << packed.getRank();
  if (split.getRank() != 4)
    return op->emitOpError("expected [batch, heads, positions, features] of "
                           "rank 4, found rank ")
           << split.getRank();
  if (packed.getElementType() != split.getElementType())
    return op->emitOpError("expected one element type, found ")
           << packed.getElementType() << " and " << split.getElementType();
  int64_t features = packed.getDimSize(2);
  if (ShapedType::isDynamic(features) ||
      ShapedType::isDynamic(split.getDimSize(1)) ||
      ShapedType::isDynamic(split.getDimSize(3)))
    return op->emitOpError("expected known numbers of heads and features");
  if (heads >= 0 && split.getDimSize(1) != heads)
    return op->emitOpError("expected ")
           << heads << " heads in the result, found " << split.getDimSize(1);
  if (split.getDimSize(1) * split.getDimSize(3) != features)
    return op->emitOpError("expected ")
           << features << " features in all heads together, found "
           << split.getDimSize(1) << " heads of " << split.getDimSize(3);
  if (packed.getDimSize(0) != split.getDimSize(0))
    return op->emitOpError("expected the same batch size on both sides");
  if (packed.getDimSize(1) != split.getDimSize(2))
    return op->emitOpError("expected the same number of positions on both "
                           "sides");
  return success();
}

//===----------------------------------------------------------------------===//
// SplitHeadsOp
//===----------------------------------------------------------------------===//

LogicalResult SplitHeadsOp::verify() {
  int64_t heads = getHeads();
  if (heads < 1)
    return emitOpError("expected at least one head, found ") << heads;
  RankedTensorType source = getSource().getType();
  if (source.getRank() == 3 && !source.isDynamicDim(2) &&
      source.getDimSize(2) % heads != 0)
    return emitOpError() << source.getDimSize(2)
                         << " features do not split into " << heads << " heads";
  return verifyHeads(*this, source, getResult().getType(), heads);
}

OpFoldResult SplitHeadsOp::fold(FoldAdaptor) {
  if (auto concat = getSource().getDefiningOp<ConcatHeadsOp>())
    if (concat.getSource().getType() == getType())
      return concat.getSource();
  return {};
}

//===----------------------------------------------------------------------===//
// ConcatHeadsOp
//===----------------------------------------------------------------------===//

LogicalResult ConcatHeadsOp::verify() {
  return verifyHeads(*this, getResult().getType(), getSource().getType(),
                     /*heads=*/-1);
}

OpFoldResult ConcatHeadsOp::fold(FoldAdaptor) {
  if (auto split = getSource().getDefiningOp<SplitHeadsOp>())
    if (split.getSource().getType() == getType())
      return split.getSource();
  return {};
}

//===----------------------------------------------------------------------===//
// ReadOp
//===----------------------------------------------------------------------===//

LogicalResult ReadOp::verify() {
  auto source = cast<ShapedType>(getSource().getType());
  if (static_cast<int64_t>(getIndices().size()) != source.getRank())
    return emitOpError("expected ")
           << source.getRank() << " indices, found " << getIndices().size();
  if (getType() != source.getElementType())
    return emitOpError("expected a result of ")
           << source.getElementType() << ", found " << getType();
  for (Type type : getIndices().getTypes())
    if (!type.isInteger(32) && !type.isInteger(64))
      return emitOpError("expected indices of i32 or i64, found ") << type;
  return success();
}
