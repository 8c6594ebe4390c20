//===- IntegerRanges.cpp - Bounds of integer values -----------------------===//

#include "compiler/analysis/IntegerRanges.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace ladon::analysis;

IntegerRange ladon::analysis::rangeOfType(Type type) {
  unsigned width = ConstantIntRanges::getStorageBitwidth(type);
  if (width == 1)
    return {0, 1};
  Wide half = Wide(1) << (std::min(width, 64u) - 1);
  return {-half, half - 1};
}

static ConstantIntRanges toUpstream(IntegerRange range, unsigned width) {
  auto bound = [&](Wide w) {
    return APInt(width, static_cast<uint64_t>(w), /*isSigned=*/true,
                 /*implicitTrunc=*/true);
  };
  return ConstantIntRanges::fromSigned(bound(range.min), bound(range.max));
}

static IntegerRange fromUpstream(const ConstantIntRanges &range, Type type) {
  unsigned width = range.smin().getBitWidth();
  if (width > 64)
    return rangeOfType(type);
  if (width == 1)
    return {static_cast<Wide>(range.umin().getZExtValue()),
            static_cast<Wide>(range.umax().getZExtValue())};
  return {range.smin().getSExtValue(), range.smax().getSExtValue()};
}

void IntegerRanges::set(Value value, IntegerRange range) {
  unsigned width = ConstantIntRanges::getStorageBitwidth(value.getType());
  ranges.insert_or_assign(value, toUpstream(range, width));
}

IntegerRange IntegerRanges::of(Value value) {
  return fromUpstream(infer(value), value.getType());
}

ConstantIntRanges IntegerRanges::infer(Value value) {
  auto known = ranges.find(value);
  if (known != ranges.end())
    return known->second;
  unsigned width = ConstantIntRanges::getStorageBitwidth(value.getType());
  ConstantIntRanges result = ConstantIntRanges::maxRange(width);
  Operation *op = value.getDefiningOp();
  auto isInteger = [](Value v) {
    return ConstantIntRanges::getStorageBitwidth(v.getType()) > 0;
  };
  if (isa_and_nonnull<memref::DimOp, tensor::DimOp>(op)) {
    result = toUpstream(kPositions, width);
  } else if (isa_and_nonnull<math::AbsIOp>(op)) {
    // The absolute value wraps for the smallest integer.
    IntegerRange type = rangeOfType(value.getType());
    IntegerRange natural = abs(of(op->getOperand(0)));
    if (width <= 64 && type.contains(natural))
      result = toUpstream(natural, width);
  } else if (auto inferrable = dyn_cast_or_null<InferIntRangeInterface>(op);
             inferrable && llvm::all_of(op->getOperands(), isInteger)) {
    SmallVector<ConstantIntRanges> operands;
    for (Value operand : op->getOperands())
      operands.push_back(infer(operand));
    inferrable.inferResultRanges(operands,
                                 [&](Value of, const ConstantIntRanges &range) {
                                   if (of == value)
                                     result = range;
                                 });
  }
  ranges.insert_or_assign(value, result);
  return result;
}
