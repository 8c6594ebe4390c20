//===- MathPolynomials.cpp - f32 functions as vector arithmetic -----------===//
//
// The polynomials and the splitting of log2(e) and ln(2) are those of expf,
// logf and log2f in Moshier's Cephes library; the reduction of the argument of
// a logarithm to [sqrt(1/2), sqrt(2)) by integer arithmetic is that of musl.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/MathPolynomials.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

static constexpr float infinity = std::numeric_limits<float>::infinity();

namespace {

/// Arithmetic on f32 and i32 values that all have the shape of one operand:
/// scalars, or vectors.
class Lanes {
public:
  Lanes(ImplicitLocOpBuilder &b, Type floats) : b(b), floats(floats) {
    ints = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(floats))
      ints = vector.clone(ints);
  }

  Value real(float value) { return constant(floats, b.getF32FloatAttr(value)); }
  Value integer(int32_t value) {
    return constant(ints, b.getI32IntegerAttr(value));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(b, x, y, z);
  }
  Value addI(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value subI(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value shiftLeft(Value x, int32_t by) {
    return arith::ShLIOp::create(b, x, integer(by));
  }
  Value shiftRight(Value x, int32_t by) {
    return arith::ShRSIOp::create(b, x, integer(by));
  }
  Value bits(Value x) { return arith::BitcastOp::create(b, ints, x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, floats, x); }
  Value toFloat(Value x) { return arith::SIToFPOp::create(b, floats, x); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, predicate, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }

  /// x within [low, high]; NaN stays NaN.
  Value clamp(Value x, float low, float high) {
    using P = arith::CmpFPredicate;
    Value lower = real(low), upper = real(high);
    x = select(compare(P::OGT, lower, x), lower, x);
    return select(compare(P::OLT, upper, x), upper, x);
  }
  /// c[0] + c[1] x + c[2] x^2 + ...
  Value polynomial(Value x, ArrayRef<float> c) {
    Value sum = real(c.back());
    for (float next : llvm::reverse(c.drop_back()))
      sum = fma(sum, x, real(next));
    return sum;
  }

private:
  Value constant(Type type, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(
          b, DenseElementsAttr::get(vector, Attribute(value)));
    return arith::ConstantOp::create(b, value);
  }

  ImplicitLocOpBuilder &b;
  Type floats, ints;
};

} // namespace

//===----------------------------------------------------------------------===//
// Exponentials
//===----------------------------------------------------------------------===//

/// The whole number nearest to x, |x| < 2^22, as a float and as an integer.
static std::pair<Value, Value> roundToWhole(Lanes &l, Value x) {
  Value magic = l.real(0x1.8p23f);
  Value shifted = l.add(x, magic);
  return {l.sub(shifted, magic), l.subI(l.bits(shifted), l.bits(magic))};
}

/// e^r 2^n for |r| <= ln(2) / 2. The power comes in two factors, so that it may
/// lie outside of the normal numbers; only the last product is rounded.
static Value scaledExp(Lanes &l, Value r, Value n) {
  Value tail =
      l.polynomial(r, {5.0000001201e-1f, 1.6666665459e-1f, 4.1665795894e-2f,
                       8.3334519073e-3f, 1.3981999507e-3f, 1.9875691500e-4f});
  Value mantissa = l.add(l.fma(tail, l.mul(r, r), r), l.real(1));
  auto power = [&](Value k) {
    return l.fromBits(l.shiftLeft(l.addI(k, l.integer(127)), 23));
  };
  Value half = l.shiftRight(n, 1);
  Value rest = l.subI(n, half);
  return l.mul(l.mul(mantissa, power(half)), power(rest));
}

static Value emitExp(Lanes &l, Value x) {
  // Beyond these the result is 0 or infinity.
  x = l.clamp(x, -105, 89);
  auto [whole, n] =
      roundToWhole(l, l.mul(x, l.real(float(llvm::numbers::log2e))));
  Value r = l.fma(whole, l.real(-0.693359375f), x);
  r = l.fma(whole, l.real(2.12194440e-4f), r);
  return scaledExp(l, r, n);
}

static Value emitExp2(Lanes &l, Value x) {
  x = l.clamp(x, -151, 129);
  auto [whole, n] = roundToWhole(l, x);
  Value r = l.mul(l.sub(x, whole), l.real(float(llvm::numbers::ln2)));
  return scaledExp(l, r, n);
}

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

/// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for positive x.
static std::pair<Value, Value> splitExponent(Lanes &l, Value x) {
  // Subnormal numbers get an exponent of their own.
  Value isTiny = l.compare(arith::CmpFPredicate::OLT, x, l.real(0x1p-126f));
  Value scaled = l.select(isTiny, l.mul(x, l.real(0x1p23f)), x);
  Value bias = l.select(isTiny, l.real(-23), l.real(0));
  Value bits = l.bits(scaled);
  Value e = l.shiftRight(l.subI(bits, l.integer(0x3f3504f3)), 23);
  Value m = l.fromBits(l.subI(bits, l.shiftLeft(e, 23)));
  return {l.add(l.toFloat(e), bias), l.sub(m, l.real(1))};
}

/// ln(1 + f) - f, for 1 + f in [sqrt(1/2), sqrt(2)).
static Value logTail(Lanes &l, Value f) {
  Value square = l.mul(f, f);
  Value cubic =
      l.polynomial(f, {3.3333331174e-1f, -2.4999993993e-1f, 2.0000714765e-1f,
                       -1.6668057665e-1f, 1.4249322787e-1f, -1.2420140846e-1f,
                       1.1676998740e-1f, -1.1514610310e-1f, 7.0376836292e-2f});
  return l.fma(l.mul(cubic, f), square, l.mul(square, l.real(-0.5f)));
}

/// What a logarithm is where there is nothing to compute.
static Value withSpecialLogs(Lanes &l, Value x, Value result) {
  using P = arith::CmpFPredicate;
  result = l.select(l.compare(P::OLT, x, l.real(infinity)), result, x);
  result = l.select(l.compare(P::OEQ, x, l.real(0)), l.real(-infinity), result);
  return l.select(l.compare(P::OLT, x, l.real(0)), l.real(std::nanf("")),
                  result);
}

static Value emitLog(Lanes &l, Value x) {
  auto [e, f] = splitExponent(l, x);
  Value tail = l.fma(e, l.real(-2.12194440e-4f), logTail(l, f));
  Value result = l.fma(e, l.real(0.693359375f), l.add(f, tail));
  return withSpecialLogs(l, x, result);
}

static Value emitLog2(Lanes &l, Value x) {
  auto [e, f] = splitExponent(l, x);
  // log2(e) is 1 + rest; the smallest terms are added first.
  Value rest = l.real(0.44269504088896340736f), tail = logTail(l, f);
  Value sum = l.fma(f, rest, l.mul(tail, rest));
  sum = l.add(l.add(l.add(sum, tail), f), e);
  return withSpecialLogs(l, x, sum);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

template <auto emit, typename Op>
static LogicalResult expand(Op op, PatternRewriter &rewriter) {
  Type type = op.getType();
  if (!getElementTypeOrSelf(type).isF32() ||
      (isa<ShapedType>(type) && !isa<VectorType>(type)))
    return rewriter.notifyMatchFailure(op, "expected f32 or a vector of it");
  ImplicitLocOpBuilder b(op.getLoc(), rewriter);
  Lanes lanes(b, type);
  rewriter.replaceOp(op, emit(lanes, op.getOperand()));
  return success();
}

void ladon::cpu::populateMathPolynomialPatterns(RewritePatternSet &patterns) {
  patterns.add(expand<emitExp, math::ExpOp>);
  patterns.add(expand<emitExp2, math::Exp2Op>);
  patterns.add(expand<emitLog, math::LogOp>);
  patterns.add(expand<emitLog2, math::Log2Op>);
}
