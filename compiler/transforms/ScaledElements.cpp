//===- ScaledElements.cpp - Elements that are stored times a factor -------===//

#include "compiler/transforms/ScaledElements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ladon;

bool ScaledElements::match() {
  if (op.getNumResults() != 1 || op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getIndexingMapMatchingResult(op->getResult(0)).isIdentity())
    return false;
  Value yielded = op.getBody()->getTerminator()->getOperand(0);
  return collect(yielded, /*divides=*/false) && stored;
}

bool ScaledElements::collect(Value value, bool divides) {
  if (auto product = value.getDefiningOp<arith::MulFOp>())
    return collect(product.getLhs(), divides) &&
           collect(product.getRhs(), divides);
  if (auto quotient = value.getDefiningOp<arith::DivFOp>())
    return collect(quotient.getLhs(), divides) &&
           collect(quotient.getRhs(), !divides);
  if (isFactor(value)) {
    factors.push_back({value, divides});
    return true;
  }
  Value tensor = storedElement(value);
  if (!tensor || stored || divides)
    return false;
  stored = tensor;
  return true;
}

/// The tensor that `value` is the element of, converted: with all axes of the
/// result, in their order. Null if it is anything else.
Value ScaledElements::storedElement(Value value) {
  if (auto number = value.getDefiningOp<arith::SIToFPOp>()) {
    value = number.getIn();
    if (auto wide = value.getDefiningOp<arith::ExtSIOp>())
      value = wide.getIn();
    if (!value.getType().isInteger(8))
      return {};
  } else if (auto wide = value.getDefiningOp<arith::ExtFOp>()) {
    value = wide.getIn();
  }
  OpOperand *operand = operandOf(value);
  bool isWhole = operand && op.isDpsInput(operand) &&
                 op.getMatchingIndexingMap(operand).isIdentity();
  return isWhole ? operand->get() : Value();
}

OpOperand *ScaledElements::operandOf(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && argument.getOwner() == op.getBody()
             ? op.getMatchingOpOperand(argument)
             : nullptr;
}

bool ScaledElements::isFactor(Value value) {
  if (OpOperand *operand = operandOf(value))
    return op.isDpsInput(operand) &&
           !op.getMatchingIndexingMap(operand).isFunctionOfDim(summedLoop);
  Operation *made = value.getDefiningOp();
  if (!made || made->getBlock() != op.getBody())
    return true;
  return made->getNumRegions() == 0 && !isa<linalg::IndexOp>(made) &&
         isMemoryEffectFree(made) &&
         llvm::all_of(made->getOperands(),
                      [&](Value of) { return isFactor(of); });
}
