//===- CheckIndicesOp.cpp - attn.check_indices and what it expects --------===//

#include "dialects/attn/Attn.h"

using namespace mlir;
using namespace ladon::attn;

void CheckIndicesOp::getAsmBlockArgumentNames(Region &region,
                                              OpAsmSetValueNameFn setName) {
  static constexpr StringLiteral positions[] = {"b", "h", "i", "j"};
  for (auto [name, arg] : llvm::zip(positions, region.getArguments()))
    setName(arg, name);
}

LogicalResult CheckIndicesOp::verify() {
  SmallVector<Type> expected(4, IntegerType::get(getContext(), 32));
  llvm::append_range(expected, getCaptures().getTypes());
  if (getBody().getArgumentTypes() != TypeRange(expected))
    return emitOpError("expected arguments of types ")
           << TypeRange(expected) << ", found "
           << TypeRange(getBody().getArgumentTypes());
  return success();
}

LogicalResult ExpectIndexOp::verify() {
  if (!(*this)->getParentOfType<CheckIndicesOp>())
    return emitOpError("expected to be in attn.check_indices");
  int64_t rank = cast<ShapedType>(getSource().getType()).getRank();
  if (static_cast<int64_t>(getAxis()) >= rank)
    return emitOpError("expected an axis below ")
           << rank << ", found " << getAxis();
  return success();
}
