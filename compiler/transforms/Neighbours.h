//===- Neighbours.h - Which elements lie side by side ----------*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_NEIGHBOURS_H
#define LADON_COMPILER_TRANSFORMS_NEIGHBOURS_H

#include "mlir/IR/AffineMap.h"

namespace ladon {

/// Whether one step along a dimension of `map` is one along the last axis, as
/// in h * 64 + d, or, with `mayStay`, no step at all.
inline bool goesAlongRows(mlir::AffineMap map, unsigned dim, bool mayStay) {
  using namespace mlir;
  if (!map.isFunctionOfDim(dim))
    return mayStay;
  for (AffineExpr axis : map.getResults().drop_back())
    if (axis.isFunctionOfDim(dim))
      return false;
  AffineExpr step = getAffineDimExpr(dim, map.getContext());
  AffineExpr rest = simplifyAffineExpr(map.getResults().back() - step,
                                       map.getNumDims(), map.getNumSymbols());
  return !rest.isFunctionOfDim(dim);
}

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_NEIGHBOURS_H
