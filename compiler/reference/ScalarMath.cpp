//===- ScalarMath.cpp - Operations on single values -----------------------===//

#include "compiler/reference/ScalarMath.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace ladon;
using namespace ladon::ast;

double ladon::unitRoundoff(ScalarType type) {
  return type == ScalarType::F64 ? 0x1p-53 : 0x1p-24;
}

double ladon::largestNumber(ScalarType type) {
  return type == ScalarType::F64 ? std::numeric_limits<double>::max()
                                 : double(std::numeric_limits<float>::max());
}

ScalarType ladon::commonType(ScalarType left, ScalarType right) {
  return std::max(left, right); // The enumerators are in this order.
}

//===--- Integers --------------------------------------------------------===//

/// The low bits of `value` as a number of the type.
static int64_t wrap(uint64_t value, ScalarType type) {
  switch (type) {
  case ScalarType::Bool:
    return value & 1;
  case ScalarType::I32:
    return static_cast<int32_t>(value);
  default:
    return static_cast<int64_t>(value);
  }
}

static int64_t floorDivide(int64_t left, int64_t right, ScalarType type) {
  if (right == 0)
    return 0;
  if (right == -1) // The quotient of the smallest number wraps.
    return wrap(0 - static_cast<uint64_t>(left), type);
  int64_t quotient = left / right;
  return quotient - (left % right != 0 && (left < 0) != (right < 0));
}

static int64_t floorModulo(int64_t left, int64_t right) {
  if (right == 0 || right == -1)
    return 0;
  int64_t rest = left % right;
  return rest + (rest != 0 && (rest < 0) != (right < 0) ? right : 0);
}

static int64_t integerBinary(BinaryOp op, ScalarType type, int64_t left,
                             int64_t right) {
  uint64_t l = left, r = right;
  unsigned shift = r & (type == ScalarType::I64 ? 63 : 31);
  switch (op) {
  case BinaryOp::Add:
    return wrap(l + r, type);
  case BinaryOp::Sub:
    return wrap(l - r, type);
  case BinaryOp::Mul:
    return wrap(l * r, type);
  case BinaryOp::FloorDiv:
    return floorDivide(left, right, type);
  case BinaryOp::Mod:
    return floorModulo(left, right);
  case BinaryOp::BitAnd:
    return left & right;
  case BinaryOp::BitOr:
    return left | right;
  case BinaryOp::BitXor:
    return left ^ right;
  case BinaryOp::Shl:
    return wrap(l << shift, type);
  case BinaryOp::Shr:
    return left >> shift;
  case BinaryOp::Lt:
    return left < right;
  case BinaryOp::Le:
    return left <= right;
  case BinaryOp::Gt:
    return left > right;
  case BinaryOp::Ge:
    return left >= right;
  case BinaryOp::Eq:
    return left == right;
  case BinaryOp::Ne:
    return left != right;
  case BinaryOp::And:
    return left && right;
  case BinaryOp::Or:
    return left || right;
  case BinaryOp::Div:
  case BinaryOp::MatMul:
    break;
  }
  return 0;
}

//===--- Floats ----------------------------------------------------------===//

bool ladon::mayBeZero(double value, double err, double roundoff) {
  return err > 0 && std::fabs(value) <= safety * roundoff * err;
}

double ladon::specialProductError(double left, double leftErr, double right,
                                  double rightErr, double roundoff) {
  constexpr double unknown = std::numeric_limits<double>::infinity();
  bool isUnknown = (std::isfinite(left) && std::isfinite(right)) ||
                   std::isinf(leftErr) || std::isinf(rightErr) ||
                   (std::isinf(left) && mayBeZero(right, rightErr, roundoff)) ||
                   (std::isinf(right) && mayBeZero(left, leftErr, roundoff));
  return isUnknown ? unknown : 0;
}

/// What is too large for f32 is infinite there, although f64 holds it. Below
/// the normal numbers rounding errors are absolute.
Value ScalarMath::finish(double value, double err, ScalarType type) {
  Value result;
  result.f = value;
  result.err = std::isfinite(value) ? err : 0;
  if (type != ScalarType::F32)
    return result;
  if (roundResults) {
    result.f = static_cast<float>(value);
    return result;
  }
  double size = std::fabs(value);
  if (err > 0 && size < std::numeric_limits<float>::min())
    result.err += std::numeric_limits<float>::min();
  if (!std::isfinite(value))
    return result;
  // From half a unit beyond the largest number on. What is left of the error
  // without this rounding says whether it could be otherwise.
  constexpr double border = 0x1.ffffffp127;
  double inherited = std::max(err - size, 0.0);
  ambiguous |=
      std::fabs(size - border) <= safety * unitRoundoff(type) * inherited;
  if (size >= border) {
    result.f = std::copysign(std::numeric_limits<double>::infinity(), value);
    result.err = 0;
  }
  return result;
}

double ScalarMath::rounding(double value) const {
  bool exact = static_cast<double>(static_cast<float>(value)) == value;
  return roundResults || exact ? 0 : std::fabs(value);
}

bool ScalarMath::close(Value left, Value right) const {
  return mayBeZero(left.f - right.f, left.err + right.err,
                   unitRoundoff(floatType));
}

/// A sum that is so much larger than the errors of its operands that it rounds
/// to one number whatever they are is that number: a row to which the smallest
/// number of the type is added, as padding is often written, has equal scores.
Value ScalarMath::sum(Value left, Value right, ScalarType type) {
  double total = left.f + right.f, inherited = left.err + right.err;
  bool isF64 = type == ScalarType::F64;
  double nearest = isF64 ? total : double(static_cast<float>(total));
  double beside = isF64 ? std::nextafter(nearest, 0)
                        : double(std::nextafterf(float(nearest), 0));
  long double off = (static_cast<long double>(left.f) - nearest) + right.f;
  double reach = safety * unitRoundoff(type) * inherited;
  if (std::isfinite(nearest) &&
      std::fabs(off) + reach < std::fabs(nearest - beside) / 2)
    return finish(nearest, 0, type);
  return finish(total, inherited + rounding(total), type);
}

Value ScalarMath::constant(double value, ScalarType type) {
  double own = type == ScalarType::F32 ? rounding(value) : 0;
  return finish(value, own, type);
}

Value ScalarMath::convert(Value value, ScalarType from, ScalarType to) {
  if (from == to)
    return value;
  if (isFloat(from) && isFloat(to)) {
    // An error is counted in roundoffs of its type.
    double own = to == ScalarType::F32 ? rounding(value.f) : 0;
    value.err *= unitRoundoff(from) / unitRoundoff(to);
    return finish(value.f, value.err + own, to);
  }
  if (isFloat(to)) {
    double result = static_cast<double>(value.i);
    bool exact = std::fabs(result) * unitRoundoff(to) <= 1;
    // What a cache of integers holds may be the number beside it.
    return finish(result, value.err + (exact ? 0 : rounding(result)), to);
  }
  if (!isFloat(from)) {
    value.i = to == ScalarType::Bool ? value.i != 0 : wrap(value.i, to);
    return value;
  }
  // Towards zero, saturating; NaN gives 0.
  Value whole = step(std::trunc(value.f), value, /*halfway=*/false, from);
  double limit = to == ScalarType::I64 ? 0x1p63 : 0x1p31;
  Value result;
  if (std::isnan(whole.f))
    result.i = 0;
  else if (whole.f >= limit)
    result.i = to == ScalarType::I64 ? std::numeric_limits<int64_t>::max()
                                     : std::numeric_limits<int32_t>::max();
  else if (whole.f < -limit)
    result.i = to == ScalarType::I64 ? std::numeric_limits<int64_t>::min()
                                     : std::numeric_limits<int32_t>::min();
  else
    result.i = static_cast<int64_t>(whole.f);
  return result;
}

/// A step function of `of` with value `value`: exact, or ambiguous near a jump
/// (at the whole numbers, or halfway between them).
Value ScalarMath::step(double value, Value of, bool halfway, ScalarType type) {
  if (of.err > 0 && std::isfinite(of.f)) {
    double shifted = of.f + (halfway ? 0.5 : 0);
    Value jump;
    jump.f = std::nearbyint(shifted);
    Value at{0, shifted, of.err};
    ambiguous |= close(at, jump);
  }
  return finish(value, 0, type);
}

Value ScalarMath::binary(BinaryOp op, ScalarType type, Value left,
                         Value right) {
  if (!isFloat(type)) {
    Value result;
    result.i = integerBinary(op, type, left.i, right.i);
    return result;
  }
  double l = left.f, r = right.f;
  Value truth;
  switch (op) {
  case BinaryOp::Add:
    return sum(left, right, type);
  case BinaryOp::Sub:
    right.f = -right.f;
    return sum(left, right, type);
  case BinaryOp::Mul: {
    double inherited =
        productError(l, left.err, r, right.err, unitRoundoff(floatType));
    ambiguous |= std::isinf(inherited);
    return finish(l * r, inherited + rounding(l * r), type);
  }
  case BinaryOp::Div: {
    double q = l / r;
    ambiguous |= close(right, Value());
    return finish(
        q, (left.err + std::fabs(q) * right.err) / std::fabs(r) + rounding(q),
        type);
  }
  case BinaryOp::FloorDiv: {
    Value quotient = binary(BinaryOp::Div, type, left, right);
    return step(std::floor(quotient.f), quotient, /*halfway=*/false, type);
  }
  case BinaryOp::Mod: {
    Value whole = binary(BinaryOp::FloorDiv, type, left, right);
    return binary(BinaryOp::Sub, type, left,
                  binary(BinaryOp::Mul, type, whole, right));
  }
  case BinaryOp::Lt:
    truth.i = l < r;
    break;
  case BinaryOp::Le:
    truth.i = l <= r;
    break;
  case BinaryOp::Gt:
    truth.i = l > r;
    break;
  case BinaryOp::Ge:
    truth.i = l >= r;
    break;
  case BinaryOp::Eq:
    truth.i = l == r;
    break;
  case BinaryOp::Ne:
    truth.i = l != r;
    break;
  default:
    break;
  }
  ambiguous |= close(left, right);
  return truth;
}

Value ScalarMath::unary(UnaryOp op, ScalarType type, Value value) {
  switch (op) {
  case UnaryOp::Neg:
    value.f = -value.f;
    value.i = wrap(0 - static_cast<uint64_t>(value.i), type);
    return value;
  case UnaryOp::Not:
    value.i = !value.i;
    return value;
  case UnaryOp::BitNot:
    value.i = ~value.i;
    return value;
  }
  return value;
}

/// `left` or, where it is a NaN or loses, `right`. If either could win, it may
/// be off by as much as either.
Value ScalarMath::winner(Value left, Value right, bool rightWins) const {
  Value result = std::isnan(left.f) || rightWins ? right : left;
  if (close(left, right))
    result.err = std::max(left.err, right.err);
  return result;
}

Value ScalarMath::smaller(Value left, Value right) const {
  Value result = winner(left, right, right.f < left.f);
  result.i = std::min(left.i, right.i);
  return result;
}

Value ScalarMath::larger(Value left, Value right) const {
  Value result = winner(left, right, right.f > left.f);
  result.i = std::max(left.i, right.i);
  return result;
}

Value ScalarMath::call(Builtin builtin, ScalarType type,
                       llvm::ArrayRef<Value> args, ScalarType resultType) {
  Value result = args[0];
  switch (builtin) {
  case Builtin::Min:
    for (const Value &arg : args.drop_front())
      result = smaller(result, arg);
    return result;
  case Builtin::Max:
    for (const Value &arg : args.drop_front())
      result = larger(result, arg);
    return result;
  case Builtin::Clamp:
    return smaller(larger(args[0], args[1]), args[2]);
  case Builtin::Abs:
    result.f = std::fabs(result.f);
    if (result.i < 0)
      result.i = wrap(0 - static_cast<uint64_t>(result.i), type);
    return result;
  case Builtin::Popcount: {
    // A sum, bit by bit; the width is that of the type.
    Value count;
    for (unsigned bit = 0; bit < 8 * byteSize(type); ++bit)
      count.i += result.i >> bit & 1;
    return count;
  }
  case Builtin::Sign: {
    Value zero;
    if (isFloat(type))
      ambiguous |= close(result, zero);
    double f = result.f > 0 ? 1 : result.f < 0 ? -1 : result.f;
    zero.i = (result.i > 0) - (result.i < 0);
    zero.f = f;
    return zero;
  }
  case Builtin::IsNan: {
    Value truth;
    truth.i = std::isnan(result.f);
    return truth;
  }
  case Builtin::Float:
  case Builtin::Int:
  case Builtin::ToI64:
    return convert(result, type, resultType);
  default:
    return callFloat(builtin, type, args);
  }
}
