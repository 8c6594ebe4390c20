//===- AppendOp.cpp - attn.append: verifier and effects -------------------===//

#include "dialects/attn/Attn.h"

using namespace mlir;
using namespace ladon::attn;

LogicalResult AppendOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()),
       cache = cast<ShapedType>(getCache().getType());
  auto rank = cache.getRank(), axis = static_cast<int64_t>(getAxis());
  if (axis < 1 || axis > 2)
    return emitOpError("expected axis 1 or 2 for positions, found ") << axis;
  if (rank != axis + 1 && rank != axis + 2)
    return emitOpError("expected a cache of ")
           << axis + 1 << " or " << axis + 2
           << " axes, with positions along axis " << axis << ", found " << rank;
  if (source.getRank() != rank)
    return emitOpError("expected a source of ")
           << rank << " axes, as the cache has, found " << source.getRank();
  // What is read of i8 is f32.
  Type computed = cache.getElementType().isInteger()
                      ? Float32Type::get(getContext())
                      : getComputedType(cache.getElementType());
  if (getComputedType(source.getElementType()) != computed)
    return emitOpError(
               "expected elements that are computed in one type, found ")
           << source.getElementType() << " and " << cache.getElementType();
  if (hasFeatures() && cache.isDynamicDim(rank - 1))
    return emitOpError("expected a known number of features");
  for (int64_t other = 0; other < rank; ++other) {
    // The first axis of a pool counts its pages.
    bool isOwn = other == axis || (other == 0 && getPages());
    if (!isOwn && source.getDimSize(other) != cache.getDimSize(other))
      return emitOpError("expected the extent of the cache on axis ")
             << other << " of the source";
  }
  auto places = dyn_cast<ShapedType>(getAt().getType());
  if (places && places.getRank() != 1)
    return emitOpError("expected places of one axis, found ")
           << places.getRank();
  if (getPages()) {
    if (axis != 2)
      return emitOpError("expected pages with heads, and positions along axis "
                         "2, found axis ")
             << axis;
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
