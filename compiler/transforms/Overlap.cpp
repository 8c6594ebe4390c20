//===- Overlap.cpp - Which memory may be the same -------------------------===//

#include "compiler/transforms/Overlap.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace ladon;

/// What a view looks at.
static Value viewedMemory(Value memory) {
  while (Operation *op = memory.getDefiningOp()) {
    bool isView = isMemoryEffectFree(op) && op->getNumOperands() > 0 &&
                  isa<BaseMemRefType>(op->getOperand(0).getType());
    if (!isView)
      break;
    memory = op->getOperand(0);
  }
  return memory;
}

/// Whether nothing else looks at that memory.
static bool isDistinct(Value memory) {
  if (auto argument = dyn_cast<BlockArgument>(memory))
    return isa<FunctionOpInterface>(argument.getOwner()->getParentOp());
  auto made = memory.getDefiningOp<MemoryEffectOpInterface>();
  return made && made.getEffectOnValue<MemoryEffects::Allocate>(memory);
}

bool ladon::mayOverlap(Value one, Value other) {
  one = viewedMemory(one);
  other = viewedMemory(other);
  return one == other || !isDistinct(one) || !isDistinct(other);
}

bool ladon::mayAccess(Operation *op, Access access, Value memory) {
  std::optional<SmallVector<MemoryEffects::EffectInstance>> effects =
      getEffectsRecursively(op);
  if (!effects)
    return true;
  return llvm::any_of(*effects, [&](MemoryEffects::EffectInstance &effect) {
    bool isWanted = access == Access::Read
                        ? isa<MemoryEffects::Read>(effect.getEffect())
                        : isa<MemoryEffects::Write>(effect.getEffect());
    Value value = effect.getValue();
    return isWanted && (!value || (isa<BaseMemRefType>(value.getType()) &&
                                   mayOverlap(memory, value)));
  });
}
