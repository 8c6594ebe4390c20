//===- InterpretScalars.cpp - arith and math on single values -------------===//

#include "compiler/reference/InterpreterState.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/APFloat.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace ladon::interpreter;

double ladon::interpreter::rounded(double value, Type type) {
  if (type.isF64() || type.isInteger())
    return value;
  if (type.isF32())
    return static_cast<double>(static_cast<float>(value));
  llvm::APFloat narrow(value);
  bool losesInfo = false;
  narrow.convert(cast<FloatType>(type).getFloatSemantics(),
                 llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return narrow.convertToDouble();
}

static unsigned widthOf(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

int64_t ladon::interpreter::wrapped(int64_t value, Type type) {
  unsigned width = widthOf(type);
  if (width == 1)
    return value & 1;
  return width >= 64 ? value
                     : static_cast<int64_t>(static_cast<uint64_t>(value)
                                            << (64 - width)) >>
                           (64 - width);
}

/// The bits of `value` as an unsigned integer of the width of `type`.
static uint64_t unsignedOf(int64_t value, Type type) {
  unsigned width = widthOf(type);
  return static_cast<uint64_t>(value) &
         (width >= 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1);
}

static int64_t floorDivide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

static bool compareIntegers(arith::CmpIPredicate predicate, int64_t a,
                            int64_t b, Type type) {
  using P = arith::CmpIPredicate;
  uint64_t ua = unsignedOf(a, type), ub = unsignedOf(b, type);
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
    return a < b;
  case P::sle:
    return a <= b;
  case P::sgt:
    return a > b;
  case P::sge:
    return a >= b;
  case P::ult:
    return ua < ub;
  case P::ule:
    return ua <= ub;
  case P::ugt:
    return ua > ub;
  case P::uge:
    return ua >= ub;
  }
  llvm_unreachable("all predicates are covered");
}

/// Binary operations on integers. What has no value (division by zero, an
/// overflowing quotient, a shift by the width or more) is zero here; compiled
/// code never uses it.
static std::optional<int64_t> binaryInteger(Operation *op, int64_t a,
                                            int64_t b) {
  Type type = op->getResult(0).getType();
  uint64_t ua = unsignedOf(a, type), ub = unsignedOf(b, type);
  bool undefined =
      b == 0 || (b == -1 && a == std::numeric_limits<int64_t>::min());
  bool wideShift = ub >= widthOf(type);
  if (isa<arith::AddIOp>(op))
    return static_cast<int64_t>(ua + ub);
  if (isa<arith::SubIOp>(op))
    return static_cast<int64_t>(ua - ub);
  if (isa<arith::MulIOp>(op))
    return static_cast<int64_t>(ua * ub);
  if (isa<arith::AndIOp>(op))
    return a & b;
  if (isa<arith::OrIOp>(op))
    return a | b;
  if (isa<arith::XOrIOp>(op))
    return a ^ b;
  if (isa<arith::DivSIOp>(op))
    return undefined ? 0 : a / b;
  if (isa<arith::RemSIOp>(op))
    return undefined ? 0 : a % b;
  if (isa<arith::DivUIOp>(op))
    return b == 0 ? 0 : static_cast<int64_t>(ua / ub);
  if (isa<arith::RemUIOp>(op))
    return b == 0 ? 0 : static_cast<int64_t>(ua % ub);
  if (isa<arith::FloorDivSIOp>(op))
    return undefined ? 0 : floorDivide(a, b);
  if (isa<arith::CeilDivSIOp>(op))
    return undefined ? 0 : -floorDivide(-a, b);
  if (isa<arith::CeilDivUIOp>(op))
    return b == 0 ? 0 : static_cast<int64_t>(ua / ub + (ua % ub != 0));
  if (isa<arith::ShLIOp>(op))
    return wideShift ? 0 : static_cast<int64_t>(ua << ub);
  if (isa<arith::ShRSIOp>(op))
    return wideShift ? 0 : a >> ub;
  if (isa<arith::ShRUIOp>(op))
    return wideShift ? 0 : static_cast<int64_t>(ua >> ub);
  if (isa<arith::MinSIOp>(op))
    return std::min(a, b);
  if (isa<arith::MaxSIOp>(op))
    return std::max(a, b);
  if (isa<arith::MinUIOp>(op))
    return ua < ub ? a : b;
  if (isa<arith::MaxUIOp>(op))
    return ua < ub ? b : a;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Real numbers
//===----------------------------------------------------------------------===//

static bool compareReals(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::AlwaysTrue:
    return true;
  case P::ORD:
    return !unordered;
  case P::UNO:
    return unordered;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return unordered || a != b;
  }
  llvm_unreachable("all predicates are covered");
}

static std::optional<double> binaryReal(Operation *op, double a, double b) {
  bool nan = std::isnan(a) || std::isnan(b);
  if (isa<arith::AddFOp>(op))
    return a + b;
  if (isa<arith::SubFOp>(op))
    return a - b;
  if (isa<arith::MulFOp>(op))
    return a * b;
  if (isa<arith::DivFOp>(op))
    return a / b;
  if (isa<arith::RemFOp>(op))
    return std::fmod(a, b);
  if (isa<arith::MaximumFOp>(op))
    return nan ? std::nan("") : std::max(a, b);
  if (isa<arith::MinimumFOp>(op))
    return nan ? std::nan("") : std::min(a, b);
  if (isa<arith::MaxNumFOp>(op))
    return std::fmax(a, b);
  if (isa<arith::MinNumFOp>(op))
    return std::fmin(a, b);
  if (isa<math::PowFOp>(op))
    return std::pow(a, b);
  if (isa<math::Atan2Op>(op))
    return std::atan2(a, b);
  if (isa<math::CopySignOp>(op))
    return std::copysign(a, b);
  return std::nullopt;
}

static std::optional<double> unaryReal(Operation *op, double a) {
  if (isa<arith::NegFOp>(op))
    return -a;
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return a;
  if (isa<math::AbsFOp>(op))
    return std::fabs(a);
  if (isa<math::ExpOp>(op))
    return std::exp(a);
  if (isa<math::Exp2Op>(op))
    return std::exp2(a);
  if (isa<math::ExpM1Op>(op))
    return std::expm1(a);
  if (isa<math::LogOp>(op))
    return std::log(a);
  if (isa<math::Log2Op>(op))
    return std::log2(a);
  if (isa<math::Log1pOp>(op))
    return std::log1p(a);
  if (isa<math::SqrtOp>(op))
    return std::sqrt(a);
  if (isa<math::RsqrtOp>(op))
    return 1 / std::sqrt(a);
  if (isa<math::TanhOp>(op))
    return std::tanh(a);
  if (isa<math::ErfOp>(op))
    return std::erf(a);
  if (isa<math::SinOp>(op))
    return std::sin(a);
  if (isa<math::CosOp>(op))
    return std::cos(a);
  if (isa<math::TanOp>(op))
    return std::tan(a);
  if (isa<math::FloorOp>(op))
    return std::floor(a);
  if (isa<math::CeilOp>(op))
    return std::ceil(a);
  if (isa<math::RoundOp>(op))
    return std::round(a);
  if (isa<math::RoundEvenOp>(op))
    return std::nearbyint(a);
  if (isa<math::TruncOp>(op))
    return std::trunc(a);
  return std::nullopt;
}

static int64_t integerFromReal(double a) {
  constexpr double limit = 9223372036854775808.0;
  return a >= -limit && a < limit ? static_cast<int64_t>(a) : 0;
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

std::optional<RuntimeValue>
ladon::interpreter::evaluateScalar(Operation *op,
                                   ArrayRef<RuntimeValue> operands) {
  if (op->getNumResults() != 1)
    return std::nullopt;
  Type type = op->getResult(0).getType();
  auto integer = [&](int64_t v) { return RuntimeValue{wrapped(v, type)}; };
  auto real = [&](double v) { return RuntimeValue{0, rounded(v, type)}; };
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (auto i = dyn_cast<IntegerAttr>(constant.getValue()))
      return integer(type.isInteger(1) ? i.getValue().getZExtValue()
                                       : i.getValue().getSExtValue());
    if (auto f = dyn_cast<FloatAttr>(constant.getValue()))
      return real(f.getValueAsDouble());
    return std::nullopt;
  }
  if (operands.empty() || operands.size() > 3)
    return std::nullopt;
  Type from = op->getOperand(0).getType();
  if (isa<arith::SelectOp>(op) && from.isInteger(1))
    return operands[0].integer ? operands[1] : operands[2];
  if (operands.size() == 3)
    return isa<math::FmaOp>(op)
               ? std::optional(real(std::fma(operands[0].real, operands[1].real,
                                             operands[2].real)))
               : std::nullopt;
  if (operands.size() == 2) {
    const RuntimeValue &a = operands[0], &b = operands[1];
    if (auto cmp = dyn_cast<arith::CmpIOp>(op)) {
      // The one bit of a true boolean is its sign.
      int64_t sign = from.isInteger(1) ? -1 : 1;
      return integer(compareIntegers(cmp.getPredicate(), sign * a.integer,
                                     sign * b.integer, from));
    }
    if (auto cmp = dyn_cast<arith::CmpFOp>(op))
      return integer(compareReals(cmp.getPredicate(), a.real, b.real));
    if (type.isIntOrIndex()) {
      if (auto v = binaryInteger(op, a.integer, b.integer))
        return integer(*v);
    } else if (auto v = binaryReal(op, a.real, b.real)) {
      return real(*v);
    }
    return std::nullopt;
  }
  const RuntimeValue &a = operands[0];
  if (isa<arith::ExtSIOp>(op))
    return integer(from.isInteger(1) ? -a.integer : a.integer);
  if (isa<arith::ExtUIOp, arith::IndexCastUIOp>(op))
    return integer(static_cast<int64_t>(unsignedOf(a.integer, from)));
  if (isa<arith::TruncIOp, arith::IndexCastOp>(op))
    return integer(a.integer);
  if (isa<math::AbsIOp>(op))
    return integer(a.integer < 0 ? -static_cast<uint64_t>(a.integer)
                                 : a.integer);
  if (isa<math::CtPopOp>(op))
    return integer(llvm::popcount(unsignedOf(a.integer, from)));
  if (isa<arith::SIToFPOp>(op))
    return real(
        static_cast<double>(from.isInteger(1) ? -a.integer : a.integer));
  if (isa<arith::UIToFPOp>(op))
    return real(static_cast<double>(unsignedOf(a.integer, from)));
  if (isa<arith::FPToSIOp>(op))
    return integer(integerFromReal(a.real));
  if (auto v = unaryReal(op, a.real); v && isa<FloatType>(type))
    return real(*v);
  return std::nullopt;
}
