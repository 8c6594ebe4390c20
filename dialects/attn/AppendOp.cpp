//===- AppendOp.cpp - attn.append: verifier and effects -------------------===//

#include "dialects/attn/Attn.h"

using namespace mlir;
using namespace ladon::attn;

LogicalResult AppendOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()),
       cache = cast<ShapedType>(getCache().getType());
  int64_t rank = cache.getRank();
  if (rank != 3 && rank != 4)
    return emitOpError("expected a cache of 3 or 4 axes, found ") << rank;
  if (source.getRank() != rank)
    return emitOpError("expected a source of ")
           << rank << " axes, as the cache has, found " << source.getRank();
  if (getComputedType(source.getElementType()) !=
      getComputedType(cache.getElementType()))
    return emitOpError(
               "expected elements that are computed in one type, found ")
           << source.getElementType() << " and " << cache.getElementType();
  if (cache.isDynamicDim(rank - 1))
    return emitOpError("expected a known number of features");
  for (int64_t axis = 0; axis < rank; ++axis) {
    // The first axis of a pool counts its pages.
    bool isOwn = axis == rank - 2 || (axis == 0 && getPages());
    if (!isOwn && source.getDimSize(axis) != cache.getDimSize(axis))
      return emitOpError("expected the extent of the cache on axis ")
             << axis << " of the source";
  }
  auto places = dyn_cast<ShapedType>(getAt().getType());
  if (places && places.getRank() != 1)
    return emitOpError("expected places of one axis, found ")
           << places.getRank();
  if (getPages()) {
    if (rank != 4)
      return emitOpError("expected a pool of 4 axes, found ") << rank;
    if (cache.isDynamicDim(2) || cache.getDimSize(2) == 0)
      return emitOpError("expected a known size of a page that is not 0");
    if (cast<ShapedType>(getPages().getType()).getRank() != 2)
      return emitOpError("expected a table of two axes");
  }
  bool onTensors = isa<RankedTensorType>(cache);
  if (onTensors != isa<RankedTensorType>(source))
    return emitOpError("expected tensors or memrefs, found both");
  if (onTensors && (!getResult() || getResult().getType() != cache))
    return emitOpError("expected the type of the cache as that of the result");
  return success();
}

/// On tensors it writes memory that no operand names: that of the parameter.
void AppendOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  if (isa<RankedTensorType>(getCache().getType())) {
    effects.emplace_back(MemoryEffects::Write::get());
    return;
  }
  for (OpOperand &operand : (*this)->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    MemoryEffects::Effect *effect = MemoryEffects::Read::get();
    if (isDpsInit(&operand))
      effect = MemoryEffects::Write::get();
    effects.emplace_back(effect, &operand, SideEffects::DefaultResource::get());
  }
}
