//===- Scalar.cpp - Numbers that emitted code computes --------------------===//

#include "compiler/analysis/Scalar.h"

#include "compiler/analysis/IntegerRanges.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;

namespace ladon::analysis {

static constexpr IntegerRange kAll{std::numeric_limits<int64_t>::min(),
                                   std::numeric_limits<int64_t>::max()};

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

/// A range that leaves 64 bits says nothing.
Scalar::Scalar(IntegerRange range, Value value, ScalarEmitter *emitter)
    : range(kAll.contains(range) ? range : kAll), value(value),
      emitter(emitter) {}

ScalarEmitter::ScalarEmitter(Operation *loop, Location loc)
    : loop(loop), loc(loc), outer(loop),
      inner(OpBuilder::atBlockBegin(&loop->getRegion(0).front())) {}

bool ScalarEmitter::isOutside(Value value) const {
  return !loop->getRegion(0).isAncestor(value.getParentRegion());
}

OpBuilder &ScalarEmitter::builderFor(ValueRange operands) {
  return llvm::all_of(operands, [&](Value v) { return isOutside(v); }) ? outer
                                                                       : inner;
}

Value ScalarEmitter::valueOf(Scalar a, Type type) {
  if (!a.isConstant())
    return a.value;
  int64_t c = static_cast<int64_t>(a.range.min);
  return emit<arith::ConstantOp>(outer.getIntegerAttr(type, c));
}

Scalar ScalarEmitter::wrap(Value value, IntegerRange range) {
  APInt c;
  if (matchPattern(value, m_ConstantInt(&c)))
    return value.getType().isInteger(1) ? c.isOne() : c.getSExtValue();
  return {range, value, this};
}

Scalar ScalarEmitter::fromInteger(Value value, IntegerRange range) {
  Scalar plain = wrap(value, range);
  if (plain.isConstant() || value.getType().isIndex())
    return plain;
  return {range, emit<arith::IndexCastOp>(outer.getIndexType(), value), this};
}

/// `OpTy` on two scalars, whose result lies in `range`. Of two constants it is
/// what the operation would give, on 64 bits.
template <typename OpTy, typename... Detail>
static Scalar emit(IntegerRange range, Scalar a, Scalar b, Detail... detail) {
  if (range.isPoint())
    return static_cast<int64_t>(range.min);
  const Scalar &known = a.isConstant() ? b : a;
  ScalarEmitter &emitter = *known.emitter;
  Type type = known.value.getType();
  Value left = emitter.valueOf(a, type), right = emitter.valueOf(b, type);
  return emitter.wrap(emitter.emit<OpTy>(detail..., left, right), range);
}

bool isSame(const Scalar &a, const Scalar &b) {
  return a.isConstant() ? b.isConstant(static_cast<int64_t>(a.range.min))
                        : !b.isConstant() && a.value == b.value;
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Scalar operator+(Scalar a, Scalar b) {
  return emit<arith::AddIOp>(a.range + b.range, a, b);
}

Scalar operator-(Scalar a, Scalar b) {
  if (b.isConstant() && -b.range.min <= kAll.max)
    return a + static_cast<int64_t>(-b.range.min);
  return emit<arith::SubIOp>(a.range - b.range, a, b);
}

Scalar operator*(Scalar a, Scalar b) {
  return emit<arith::MulIOp>(a.range * b.range, a, b);
}

Scalar floorDiv(Scalar a, Scalar b) {
  return emit<arith::FloorDivSIOp>(floorDiv(a.range, b.range), a, b);
}

Scalar min(Scalar a, Scalar b) {
  if (a.range.max <= b.range.min)
    return a;
  if (b.range.max <= a.range.min)
    return b;
  return emit<arith::MinSIOp>(min(a.range, b.range), a, b);
}

Scalar max(Scalar a, Scalar b) {
  if (b.range.max <= a.range.min)
    return a;
  if (a.range.max <= b.range.min)
    return b;
  return emit<arith::MaxSIOp>(max(a.range, b.range), a, b);
}

//===----------------------------------------------------------------------===//
// Booleans
//===----------------------------------------------------------------------===//

Scalar operator<=(Scalar a, Scalar b) {
  IntegerRange truth{a.range.max <= b.range.min, a.range.min <= b.range.max};
  return emit<arith::CmpIOp>(truth, a, b, arith::CmpIPredicate::sle);
}

Scalar operator&(Scalar a, Scalar b) {
  return emit<arith::AndIOp>(min(a.range, b.range), a, b);
}

Scalar operator|(Scalar a, Scalar b) {
  return emit<arith::OrIOp>(max(a.range, b.range), a, b);
}

Scalar operator!(Scalar a) {
  if (auto compare = a.isConstant() ? arith::CmpIOp()
                                    : a.value.getDefiningOp<arith::CmpIOp>()) {
    Value inverse = a.emitter->emit<arith::CmpIOp>(
        arith::invertPredicate(compare.getPredicate()), compare.getLhs(),
        compare.getRhs());
    return a.emitter->wrap(inverse, a.range);
  }
  return emit<arith::XOrIOp>(IntegerRange{1, 1} - a.range, a, true);
}

Scalar select(Scalar condition, Scalar a, Scalar b) {
  if (condition.isTrue() || isSame(a, b))
    return a;
  if (condition.isFalse())
    return b;
  ScalarEmitter &emitter = *condition.emitter;
  Value chosen = emitter.emit<arith::SelectOp>(
      condition.value, emitter.index(a), emitter.index(b));
  return emitter.wrap(chosen, hull(a.range, b.range));
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

Scalar signatureOf(Scalar a) {
  if (a.isConstant())
    return static_cast<int64_t>(uint64_t(1)
                                << (static_cast<uint64_t>(a.range.min) & 63));
  return emit<arith::ShLIOp>(kAll, 1, emit<arith::AndIOp>({0, 63}, a, 63));
}

Scalar meet(Scalar a, Scalar b) {
  if (isSame(a, b))
    return true; // No signature is empty.
  if (a.isConstant() && b.isConstant())
    return (int64_t(a.range.min) & int64_t(b.range.min)) != 0;
  Scalar common = emit<arith::AndIOp>(kAll, a, b);
  return emit<arith::CmpIOp>({0, 1}, common, 0, arith::CmpIPredicate::ne);
}

} // namespace ladon::analysis
