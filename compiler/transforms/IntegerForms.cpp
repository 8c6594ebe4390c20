//===- IntegerForms.cpp - Ranges and linear forms of region values --------===//

#include "compiler/transforms/IntegerForms.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::attn;

/// Positions and sizes are below this.
static constexpr int64_t positionLimit = int64_t(1) << 30;

IntegerRange ladon::rangeOfType(Type type) {
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  WideInt half = WideInt(1) << (width - 1);
  return {-half, half - 1};
}

static bool contains(IntegerRange outer, IntegerRange inner) {
  return outer.min <= inner.min && inner.max <= outer.max;
}

int64_t LinearForm::coefficient(Value value) const {
  for (auto [term, factor] : terms)
    if (term == value)
      return factor;
  return 0;
}

IntegerForms::IntegerForms(AttendOp op, unsigned firstPosition)
    : op(op), firstPosition(firstPosition) {}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// Where an extent comes from: its name in the spec, or a tensor and an axis.
using ExtentSource = std::pair<Attribute, std::pair<Value, int64_t>>;

static ExtentSource findExtent(Value tensor, int64_t axis) {
  while (Operation *producer = tensor.getDefiningOp()) {
    if (auto empty = dyn_cast<tensor::EmptyOp>(producer)) {
      if (!empty.getType().isDynamicDim(axis))
        break;
      auto dim = empty.getDynamicSize(axis).getDefiningOp<tensor::DimOp>();
      if (!dim || !dim.getConstantIndex())
        break;
      tensor = dim.getSource();
      axis = *dim.getConstantIndex();
      continue;
    }
    // A result has the shape of its destination.
    auto onDestination = dyn_cast<DestinationStyleOpInterface>(producer);
    if (!onDestination)
      break;
    tensor = onDestination.getTiedOpOperand(cast<OpResult>(tensor))->get();
  }
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    if (auto function =
            dyn_cast<FunctionOpInterface>(arg.getOwner()->getParentOp()))
      if (auto param = getParam(function, arg.getArgNumber()))
        if (static_cast<size_t>(axis) < param.getDims().size())
          return {param.getDims()[axis], {}};
  return {Attribute(), {tensor, axis}};
}

bool IntegerForms::isKeyCount(Value value) {
  auto arg = dyn_cast<BlockArgument>(value);
  if (!arg || arg.getArgNumber() < firstPosition + 4)
    return false;
  Value captured = op.getCaptures()[arg.getArgNumber() - firstPosition - 4];
  auto cast = captured.getDefiningOp<arith::IndexCastOp>();
  auto dim = cast ? cast.getIn().getDefiningOp<tensor::DimOp>() : nullptr;
  if (!dim || !dim.getConstantIndex())
    return false;
  int64_t axis = op.findAxis(/*operand=*/1, AttendOp::AxisRole::Position);
  return findExtent(dim.getSource(), *dim.getConstantIndex()) ==
         findExtent(op.getKey(), axis);
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

IntegerRange IntegerForms::range(Value value) {
  auto known = ranges.find(value);
  if (known != ranges.end())
    return known->second;
  IntegerRange result = computeRange(value);
  IntegerRange all = rangeOfType(value.getType());
  return ranges[value] = contains(all, result) ? result : all;
}

IntegerRange IntegerForms::argumentRange(BlockArgument arg) {
  if (arg.getOwner()->getParentOp() != op)
    return rangeOfType(arg.getType());
  unsigned number = arg.getArgNumber() - firstPosition;
  if (number >= 4)
    return range(op.getCaptures()[number - 4]);
  if (number == 1)
    return {0, op.getHeads() - 1};
  unsigned operand = number == 3 ? 1 : 0;
  auto role =
      number == 0 ? AttendOp::AxisRole::Batch : AttendOp::AxisRole::Position;
  auto type = cast<ShapedType>(op.getMappedOperand(operand).get().getType());
  int64_t extent = type.getDimSize(op.findAxis(operand, role));
  // An empty axis has no position; any range is right for it.
  return {0, ShapedType::isDynamic(extent) ? positionLimit - 1
                                           : std::max<int64_t>(extent, 1) - 1};
}

IntegerRange IntegerForms::computeRange(Value value) {
  if (auto arg = dyn_cast<BlockArgument>(value))
    return argumentRange(arg);
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return {constant.getSExtValue(), constant.getSExtValue()};
  return exactRange(value.getDefiningOp());
}

IntegerRange IntegerForms::exactRange(Operation *op) {
  IntegerRange all = rangeOfType(op->getResult(0).getType());
  if (isa<tensor::DimOp, memref::DimOp>(op))
    return {0, positionLimit - 1};
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    IntegerRange a = range(select.getTrueValue());
    IntegerRange b = range(select.getFalseValue());
    return {std::min(a.min, b.min), std::max(a.max, b.max)};
  }
  if (isa<arith::ExtUIOp>(op) && op->getOperand(0).getType().isInteger(1))
    return {0, 1};
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::MinSIOp,
           arith::MaxSIOp, arith::FloorDivSIOp, arith::DivSIOp, arith::RemSIOp,
           arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp, math::AbsIOp>(
          op))
    return all;
  IntegerRange a = range(op->getOperand(0));
  if (isa<arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp>(op))
    return a;
  if (isa<math::AbsIOp>(op)) {
    WideInt least = a.min > 0 ? a.min : a.max < 0 ? -a.max : 0;
    return {least, std::max(-a.min, a.max)};
  }
  IntegerRange b = range(op->getOperand(1));
  if (isa<arith::AddIOp>(op))
    return {a.min + b.min, a.max + b.max};
  if (isa<arith::SubIOp>(op))
    return {a.min - b.max, a.max - b.min};
  if (isa<arith::MinSIOp>(op))
    return {std::min(a.min, b.min), std::min(a.max, b.max)};
  if (isa<arith::MaxSIOp>(op))
    return {std::max(a.min, b.min), std::max(a.max, b.max)};
  if (isa<arith::MulIOp>(op)) {
    auto [least, most] = std::minmax(
        {a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max});
    return {least, most};
  }
  // Quotients and remainders, of natural numbers only.
  if (a.min < 0 || b.min < 1)
    return all;
  if (isa<arith::RemSIOp>(op))
    return {0, std::min(a.max, b.max - 1)};
  return {a.min / b.max, a.max / b.min};
}

IntegerRange IntegerForms::range(const LinearForm &form) {
  IntegerRange sum{form.constant, form.constant};
  for (auto [value, factor] : form.terms) {
    IntegerRange of = range(value);
    WideInt ends[] = {of.min * factor, of.max * factor};
    sum.min += std::min(ends[0], ends[1]);
    sum.max += std::max(ends[0], ends[1]);
  }
  return sum;
}

//===----------------------------------------------------------------------===//
// Linear forms
//===----------------------------------------------------------------------===//

/// Block arguments first, by number, then operations as they stand.
static bool standsBefore(Value left, Value right) {
  auto leftArg = dyn_cast<BlockArgument>(left);
  auto rightArg = dyn_cast<BlockArgument>(right);
  if (leftArg || rightArg)
    return leftArg &&
           (!rightArg || leftArg.getArgNumber() < rightArg.getArgNumber());
  return left.getDefiningOp()->isBeforeInBlock(right.getDefiningOp());
}

std::optional<LinearForm> IntegerForms::sum(const LinearForm &left,
                                            const LinearForm &right,
                                            int64_t factor) {
  LinearForm result = left;
  // Factors and terms fit 32 bits, so that 64 bits hold a product and a sum.
  result.constant += factor * right.constant;
  bool fits = llvm::isInt<32>(factor) && llvm::isInt<32>(result.constant);
  for (auto [value, count] : right.terms) {
    auto *known = llvm::find_if(
        result.terms, [&, v = value](auto &term) { return term.first == v; });
    if (known == result.terms.end())
      known = result.terms.insert(known, {value, 0});
    known->second += factor * count;
    fits &= llvm::isInt<32>(known->second);
  }
  llvm::erase_if(result.terms, [](auto &term) { return term.second == 0; });
  llvm::sort(result.terms, [](auto &a, auto &b) {
    return a.first != b.first && standsBefore(a.first, b.first);
  });
  return fits ? std::optional(result) : std::nullopt;
}

std::optional<LinearForm> IntegerForms::linear(Value value) {
  auto known = linears.find(value);
  if (known != linears.end())
    return known->second;
  std::optional<LinearForm> result = computeLinear(value);
  linears[value] = result;
  return result;
}

std::optional<LinearForm> IntegerForms::computeLinear(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant))) {
    if (!constant.isSignedIntN(32))
      return std::nullopt;
    return LinearForm{constant.getSExtValue(), {}};
  }
  LinearForm leaf{0, {{value, 1}}};
  Operation *op = value.getDefiningOp();
  bool isSum = isa_and_nonnull<arith::AddIOp, arith::SubIOp>(op);
  if ((!isSum && !isa_and_nonnull<arith::MulIOp>(op)) ||
      !contains(rangeOfType(value.getType()), exactRange(op)))
    return leaf;
  std::optional<LinearForm> left = linear(op->getOperand(0));
  std::optional<LinearForm> right = linear(op->getOperand(1));
  if (!left || !right)
    return leaf;
  std::optional<LinearForm> result;
  if (isSum)
    result = sum(*left, *right, isa<arith::AddIOp>(op) ? 1 : -1);
  else if (right->terms.empty())
    result = sum({}, *left, right->constant);
  else if (left->terms.empty())
    result = sum({}, *right, left->constant);
  return result ? *result : leaf;
}
