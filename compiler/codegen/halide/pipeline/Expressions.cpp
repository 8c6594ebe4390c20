//===- Expressions.cpp - Score and mask regions as Halide -----------------===//

#include "compiler/codegen/halide/pipeline/Expressions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using Halide::cast;
using Halide::Expr;
using Halide::select;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Halide::Type ladon::halide::typeOf(Type type) {
  if (type.isF16() || type.isBF16())
    return Halide::UInt(16);
  if (auto real = dyn_cast<FloatType>(type))
    return Halide::Float(static_cast<int>(real.getWidth()));
  if (type.isIndex())
    return Halide::Int(64);
  auto width = static_cast<int>(type.getIntOrFloatBitWidth());
  return width == 1 ? Halide::Bool() : Halide::Int(width);
}

Expr ladon::halide::load(Type stored, Expr bits) {
  if (stored.isBF16())
    return Halide::reinterpret<float>(cast<uint32_t>(bits) << 16);
  if (stored.isF16())
    return cast<float>(Halide::reinterpret(Halide::Float(16), bits));
  return bits;
}

Expr ladon::halide::store(Type stored, Expr value) {
  if (stored.isF16())
    return Halide::reinterpret(Halide::UInt(16),
                               cast(Halide::Float(16), value));
  if (!stored.isBF16())
    return value;
  Expr bits = Halide::reinterpret<uint32_t>(value);
  Expr rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  Expr quiet = (bits >> 16) | 0x40;
  Expr isNan = (bits & 0x7fffffff) > 0x7f800000;
  return cast<uint16_t>(select(isNan, quiet, rounded));
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Expr ladon::halide::callLibrary(llvm::StringRef name, Expr x, Expr y) {
  std::string symbol = name.str();
  if (x.type().bits() == 32)
    symbol += 'f';
  std::vector<Expr> arguments{x};
  if (y.defined())
    arguments.push_back(y);
  return Halide::Internal::Call::make(x.type(), symbol, arguments,
                                      Halide::Internal::Call::PureExtern);
}

Expr ladon::halide::exp2Fast(Expr x) {
  // A polynomial on [-1/2, 1/2] (Cephes), times the power of two as bits. Its
  // multiply-adds may be contracted; comparisons are those of IEEE 754.
  Expr isTiny = Halide::strict_float(x < -126.0f);
  Expr whole =
      Halide::round(Halide::strict_float(select(x > -126.0f, x, -126.0f)));
  Expr part = x - whole;
  Expr value = 1.535336188319500e-4f;
  for (float coefficient :
       {1.339887440266574e-3f, 9.618437357674640e-3f, 5.550332471162809e-2f,
        2.402264791363012e-1f, 6.931472028550421e-1f, 1.0f})
    value = value * part + coefficient;
  Expr power = Halide::reinterpret<float>((cast<int>(whole) + 127) << 23);
  return select(isTiny, 0.0f, value * power);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

static Expr natural(Expr x) {
  return cast(x.type().with_code(halide_type_uint), x);
}

/// Integers of Halide may not wrap; natural numbers do.
template <typename F> static Expr wrapping(Expr x, Expr y, F apply) {
  return cast(x.type(), apply(natural(x), natural(y)));
}

/// Halide's remainder is never negative.
static Expr floorDiv(Expr x, Expr y) {
  Expr one = Halide::Internal::make_one(x.type());
  Expr zero = Halide::Internal::make_zero(x.type());
  return x / y - select(y < zero && x % y != zero, one, zero);
}

static Expr compareIntegers(arith::CmpIPredicate predicate, Expr x, Expr y) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return x == y;
  case P::ne:
    return x != y;
  case P::slt:
    return x < y;
  case P::sle:
    return x <= y;
  case P::sgt:
    return x > y;
  case P::sge:
    return x >= y;
  case P::ult:
    return natural(x) < natural(y);
  case P::ule:
    return natural(x) <= natural(y);
  case P::ugt:
    return natural(x) > natural(y);
  case P::uge:
    return natural(x) >= natural(y);
  }
  llvm_unreachable("all predicates of integers");
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

static Expr isNumber(Expr x) { return !Halide::is_nan(x); }

/// Halide makes !(y < x) of `x <= y`, also under strict_float, which is true of
/// NaN.
static Expr isAtMost(Expr x, Expr y) { return x < y || x == y; }

static Expr compareFloats(arith::CmpFPredicate predicate, Expr x, Expr y) {
  using P = arith::CmpFPredicate;
  switch (predicate) {
  case P::AlwaysFalse:
    return cast<bool>(false);
  case P::AlwaysTrue:
    return cast<bool>(true);
  case P::OEQ:
    return x == y;
  case P::OLT:
    return x < y;
  case P::OLE:
    return isAtMost(x, y);
  case P::OGT:
    return y < x;
  case P::OGE:
    return isAtMost(y, x);
  case P::ONE:
    return x < y || y < x;
  case P::ORD:
    return isNumber(x) && isNumber(y);
  case P::UNO:
    return !(isNumber(x) && isNumber(y));
  case P::UEQ:
    return !(x < y || y < x);
  case P::UNE:
    return !(x == y);
  case P::ULT:
    return !isAtMost(y, x);
  case P::ULE:
    return !(y < x);
  case P::UGT:
    return !isAtMost(x, y);
  case P::UGE:
    return !(x < y);
  }
  llvm_unreachable("all predicates of floats");
}

/// The larger one, and a number rather than a NaN.
static Expr maxNumber(Expr x, Expr y) {
  return select(y < x || !isNumber(y), x, y);
}
static Expr minNumber(Expr x, Expr y) {
  return select(x < y || !isNumber(y), x, y);
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// A function of math that the C library has, or an empty name.
static llvm::StringRef libraryName(Operation *op) {
  return llvm::TypeSwitch<Operation *, llvm::StringRef>(op)
      .Case<math::ExpOp>([](auto) { return "exp"; })
      .Case<math::Exp2Op>([](auto) { return "exp2"; })
      .Case<math::ExpM1Op>([](auto) { return "expm1"; })
      .Case<math::LogOp>([](auto) { return "log"; })
      .Case<math::Log2Op>([](auto) { return "log2"; })
      .Case<math::Log1pOp>([](auto) { return "log1p"; })
      .Case<math::TanhOp>([](auto) { return "tanh"; })
      .Case<math::ErfOp>([](auto) { return "erf"; })
      .Case<math::SinOp>([](auto) { return "sin"; })
      .Case<math::CosOp>([](auto) { return "cos"; })
      .Case<math::TanOp>([](auto) { return "tan"; })
      .Case<math::PowFOp>([](auto) { return "pow"; })
      .Case<math::Atan2Op>([](auto) { return "atan2"; })
      .Case<math::CopySignOp>([](auto) { return "copysign"; })
      .Case<arith::RemFOp>([](auto) { return "fmod"; })
      .Case<math::SqrtOp>([](auto) { return "sqrt"; })
      .Default([](auto) { return ""; });
}

/// An operation on the values `in`, or an undefined expression.
static Expr apply(Operation *op, ArrayRef<Expr> in) {
  using namespace Halide;
  using namespace ladon::halide;
  if (llvm::StringRef name = libraryName(op); !name.empty())
    return in.size() == 2 ? callLibrary(name, in[0], in[1])
                          : callLibrary(name, in[0]);
  Halide::Type type = typeOf(op->getResult(0).getType());
  bool isBool = !in.empty() && in[0].type().is_bool();
  return llvm::TypeSwitch<Operation *, Expr>(op)
      .Case<arith::AddIOp>([&](auto) {
        return wrapping(in[0], in[1], [](Expr x, Expr y) { return x + y; });
      })
      .Case<arith::SubIOp>([&](auto) {
        return wrapping(in[0], in[1], [](Expr x, Expr y) { return x - y; });
      })
      .Case<arith::MulIOp>([&](auto) {
        return wrapping(in[0], in[1], [](Expr x, Expr y) { return x * y; });
      })
      .Case<arith::AndIOp>(
          [&](auto) { return isBool ? in[0] && in[1] : in[0] & in[1]; })
      .Case<arith::OrIOp>(
          [&](auto) { return isBool ? in[0] || in[1] : in[0] | in[1]; })
      .Case<arith::XOrIOp>(
          [&](auto) { return isBool ? in[0] != in[1] : in[0] ^ in[1]; })
      .Case<arith::ShLIOp>(
          [&](auto) { return cast(type, natural(in[0]) << natural(in[1])); })
      .Case<arith::ShRSIOp>([&](auto) { return in[0] >> natural(in[1]); })
      .Case<arith::ShRUIOp>(
          [&](auto) { return cast(type, natural(in[0]) >> natural(in[1])); })
      .Case<arith::FloorDivSIOp>([&](auto) { return floorDiv(in[0], in[1]); })
      .Case<arith::DivSIOp>(
          [&](auto) { return div_round_to_zero(in[0], in[1]); })
      .Case<arith::RemSIOp>(
          [&](auto) { return mod_round_to_zero(in[0], in[1]); })
      .Case<arith::DivUIOp>(
          [&](auto) { return cast(type, natural(in[0]) / natural(in[1])); })
      .Case<arith::RemUIOp>(
          [&](auto) { return cast(type, natural(in[0]) % natural(in[1])); })
      .Case<arith::MinSIOp>([&](auto) { return min(in[0], in[1]); })
      .Case<arith::MaxSIOp>([&](auto) { return max(in[0], in[1]); })
      .Case<arith::MinUIOp>(
          [&](auto) { return cast(type, min(natural(in[0]), natural(in[1]))); })
      .Case<arith::MaxUIOp>(
          [&](auto) { return cast(type, max(natural(in[0]), natural(in[1]))); })
      .Case<arith::CmpIOp>([&](auto compare) {
        return compareIntegers(compare.getPredicate(), in[0], in[1]);
      })
      .Case<arith::CmpFOp>([&](auto compare) {
        return compareFloats(compare.getPredicate(), in[0], in[1]);
      })
      .Case<arith::SelectOp>([&](auto) { return select(in[0], in[1], in[2]); })
      .Case<arith::ExtUIOp>([&](auto) { return cast(type, natural(in[0])); })
      .Case<arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp,
            arith::SIToFPOp, arith::FPToSIOp, arith::ExtFOp>(
          [&](auto) { return cast(type, in[0]); })
      .Case<arith::UIToFPOp>([&](auto) { return cast(type, natural(in[0])); })
      .Case<arith::AddFOp>([&](auto) { return in[0] + in[1]; })
      .Case<arith::SubFOp>([&](auto) { return in[0] - in[1]; })
      .Case<arith::MulFOp>([&](auto) { return in[0] * in[1]; })
      .Case<arith::DivFOp>([&](auto) { return in[0] / in[1]; })
      .Case<arith::NegFOp>([&](auto) { return -in[0]; })
      .Case<arith::MaxNumFOp>([&](auto) { return maxNumber(in[0], in[1]); })
      .Case<arith::MinNumFOp>([&](auto) { return minNumber(in[0], in[1]); })
      .Case<math::AbsFOp>([&](auto) { return abs(in[0]); })
      .Case<math::AbsIOp>([&](auto) { return cast(type, abs(in[0])); })
      .Case<math::CtPopOp>([&](auto) { return cast(type, popcount(in[0])); })
      .Case<math::RsqrtOp>([&](auto) {
        return Internal::make_one(type) / callLibrary("sqrt", in[0]);
      })
      .Case<math::FloorOp>([&](auto) { return floor(in[0]); })
      .Case<math::CeilOp>([&](auto) { return ceil(in[0]); })
      .Case<math::RoundEvenOp>([&](auto) { return round(in[0]); })
      .Case<math::TruncOp>([&](auto) { return trunc(in[0]); })
      .Default([](auto) { return Expr(); });
}

/// A constant, with any bits.
static Expr constant(Attribute value, Halide::Type type) {
  using namespace Halide;
  if (auto real = dyn_cast<FloatAttr>(value)) {
    uint64_t bits = real.getValue().bitcastToAPInt().getZExtValue();
    if (real.getValue().isFinite())
      return Internal::make_const(type, real.getValue().convertToDouble());
    return reinterpret(type, Internal::UIntImm::make(UInt(type.bits()), bits));
  }
  int64_t number = llvm::cast<IntegerAttr>(value).getValue().getSExtValue();
  if (type.is_bool())
    return Internal::make_bool(number != 0);
  return Internal::make_const(type, number);
}

/// Indices are clamped; a tensor without elements has been replaced by a zero.
static Expr read(ladon::attn::ReadOp op, Halide::ImageParam tensor,
                 ArrayRef<Expr> indices) {
  std::vector<Expr> at;
  for (auto [axis, index] : llvm::enumerate(indices)) {
    Expr last = tensor.dim(static_cast<int>(axis)).extent() - 1;
    Expr zero = Halide::Internal::make_zero(index.type());
    at.push_back(Halide::cast<int>(
        Halide::clamp(index, zero, Halide::cast(index.type(), last))));
  }
  return tensor(at);
}

FailureOr<Expr> ladon::halide::translate(Block &body,
                                         RegionArguments arguments) {
  auto &values = arguments.scalars;
  for (Operation &op : body.without_terminator()) {
    SmallVector<Expr> in;
    for (Value operand : op.getOperands())
      if (auto found = values.find(operand); found != values.end())
        in.push_back(found->second);
    Expr result;
    Attribute value;
    auto isHalf = [](Type type) { return type.isF16() || type.isBF16(); };
    if (matchPattern(&op, m_Constant(&value)) &&
        isa<FloatAttr, IntegerAttr>(value) &&
        !isHalf(op.getResult(0).getType()))
      result = constant(value, typeOf(op.getResult(0).getType()));
    else if (auto readOp = dyn_cast<attn::ReadOp>(op))
      result = read(readOp, arguments.tensors.lookup(readOp.getSource()), in);
    else if (op.getNumResults() == 1 && !isHalf(op.getResult(0).getType()))
      result = apply(&op, in);
    if (!result.defined())
      return op.emitOpError("has no counterpart in Halide");
    // A read of 16 bits stays as it is in memory until it is widened.
    Type type = op.getResult(0).getType();
    if (isHalf(type))
      result = load(type, result);
    values[op.getResult(0)] = Halide::strict_float(result);
  }
  return values.lookup(body.getTerminator()->getOperand(0));
}
