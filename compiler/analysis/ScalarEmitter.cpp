//===- ScalarEmitter.cpp - Folded scalar code on indices ------------------===//
//
// Static bounds are computed on 128 bits; bounds that leave 64 bits say
// nothing.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/ScalarEmitter.h"

#include "mlir/IR/Matchers.h"

#include <algorithm>
#include <limits>

using namespace mlir;
using namespace ladon::analysis;

static constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
static constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

static Scalar bounded(Value value, Wide min, Wide max) {
  if (min < kMin || max > kMax)
    return {value, kMin, kMax};
  return {value, static_cast<int64_t>(min), static_cast<int64_t>(max)};
}

static int64_t floorDivide(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q - (a % b != 0 && (a < 0) != (b < 0));
}

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

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

template <typename OpTy, typename... Extra>
Value ScalarEmitter::emit(ValueRange operands, Extra... extra) {
  auto operand = [&](unsigned i) -> void * {
    return i < operands.size() ? operands[i].getAsOpaquePointer() : nullptr;
  };
  int64_t detail = 0;
  ((detail = static_cast<int64_t>(extra)), ...);
  const void *name = TypeID::get<OpTy>().getAsOpaquePointer();
  Value &slot = known[{name, operand(0), operand(1), operand(2), detail}];
  if (!slot) {
    OpBuilder &builder = builderFor(operands);
    if constexpr (sizeof...(Extra) > 0)
      slot = OpTy::create(builder, loc, extra..., operands[0], operands[1]);
    else if (operands.size() == 2)
      slot = OpTy::create(builder, loc, TypeRange{operands[0].getType()},
                          operands);
    else
      slot = OpTy::create(builder, loc, TypeRange{operands[1].getType()},
                          operands);
  }
  return slot;
}

Value ScalarEmitter::constantValue(int64_t c, bool isBit) {
  Value &slot = known[{isBit ? &kMin : &kMax, nullptr, nullptr, nullptr, c}];
  if (!slot) {
    Type type = isBit ? Type(outer.getI1Type()) : Type(outer.getIndexType());
    slot = arith::ConstantOp::create(outer, loc, type,
                                     outer.getIntegerAttr(type, c));
  }
  return slot;
}

Value ScalarEmitter::index(Scalar a) {
  return a.isConstant() ? constantValue(a.min, /*isBit=*/false) : a.value;
}

Value ScalarEmitter::bit(Scalar a) {
  return a.isConstant() ? constantValue(a.min, /*isBit=*/true) : a.value;
}

Scalar ScalarEmitter::wrap(Value value, IntegerRange range) {
  APInt c;
  if (matchPattern(value, m_ConstantInt(&c)))
    return value.getType().isInteger(1) ? boolean(c.isOne())
                                        : constant(c.getSExtValue());
  return bounded(value, range.min, range.max);
}

Scalar ScalarEmitter::fromInteger(Value value, IntegerRange range) {
  Scalar plain = wrap(value, range);
  if (plain.isConstant() || value.getType().isIndex())
    return plain;
  Value &slot = known[{TypeID::get<arith::IndexCastOp>().getAsOpaquePointer(),
                       value.getAsOpaquePointer(), nullptr, nullptr, 0}];
  if (!slot)
    slot = arith::IndexCastOp::create(builderFor(value), loc,
                                      outer.getIndexType(), value);
  return bounded(slot, range.min, range.max);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Scalar ScalarEmitter::add(Scalar a, Scalar b) {
  if (a.isConstant(0))
    return b;
  if (b.isConstant(0))
    return a;
  Scalar r = bounded({}, Wide(a.min) + b.min, Wide(a.max) + b.max);
  if (r.isConstant())
    return r;
  if (a.isConstant())
    std::swap(a, b);
  // (x + c) + d is x + (c + d): bounds end in such sums all the time.
  if (b.isConstant())
    if (auto inner = a.value.getDefiningOp<arith::AddIOp>()) {
      APInt c;
      if (matchPattern(inner.getRhs(), m_ConstantInt(&c))) {
        int64_t sum = c.getSExtValue() + b.min;
        r.value = sum == 0 ? inner.getLhs()
                           : emit<arith::AddIOp>(
                                 {inner.getLhs(), constantValue(sum, false)});
        return r;
      }
    }
  r.value = emit<arith::AddIOp>({index(a), index(b)});
  return r;
}

Scalar ScalarEmitter::sub(Scalar a, Scalar b) {
  if (b.isConstant() && b.min != kMin)
    return add(a, constant(-b.min));
  if (a == b)
    return constant(0);
  Scalar r = bounded({}, Wide(a.min) - b.max, Wide(a.max) - b.min);
  if (r.isConstant())
    return r;
  r.value = emit<arith::SubIOp>({index(a), index(b)});
  return r;
}

Scalar ScalarEmitter::mul(Scalar a, Scalar b) {
  if (a.isConstant())
    std::swap(a, b);
  if (b.isConstant(1))
    return a;
  if (b.isConstant(-1))
    return neg(a);
  Wide corners[] = {Wide(a.min) * b.min, Wide(a.min) * b.max,
                    Wide(a.max) * b.min, Wide(a.max) * b.max};
  Scalar r = bounded({}, *std::min_element(corners, corners + 4),
                     *std::max_element(corners, corners + 4));
  if (r.isConstant())
    return r;
  r.value = emit<arith::MulIOp>({index(a), index(b)});
  return r;
}

Scalar ScalarEmitter::floorDiv(Scalar a, Scalar b) {
  if (b.isConstant(1))
    return a;
  int64_t low = std::max<int64_t>(b.min, 1), high = std::max(low, b.max);
  Scalar r = {{},
              std::min(floorDivide(a.min, low), floorDivide(a.min, high)),
              std::max(floorDivide(a.max, low), floorDivide(a.max, high))};
  if (r.isConstant())
    return r;
  r.value = emit<arith::FloorDivSIOp>({index(a), index(b)});
  return r;
}

Scalar ScalarEmitter::min(Scalar a, Scalar b) {
  if (a == b || a.max <= b.min)
    return a;
  if (b.max <= a.min)
    return b;
  if (a.isConstant())
    std::swap(a, b);
  return {emit<arith::MinSIOp>({index(a), index(b)}), std::min(a.min, b.min),
          std::min(a.max, b.max)};
}

Scalar ScalarEmitter::max(Scalar a, Scalar b) {
  if (a == b || a.min >= b.max)
    return a;
  if (b.min >= a.max)
    return b;
  if (a.isConstant())
    std::swap(a, b);
  return {emit<arith::MaxSIOp>({index(a), index(b)}), std::max(a.min, b.min),
          std::max(a.max, b.max)};
}

//===----------------------------------------------------------------------===//
// Booleans
//===----------------------------------------------------------------------===//

Value ScalarEmitter::compare(arith::CmpIPredicate predicate, Scalar a,
                             Scalar b) {
  return emit<arith::CmpIOp>({index(a), index(b)}, predicate);
}

Scalar ScalarEmitter::lessEqual(Scalar a, Scalar b) {
  if (a == b || a.max <= b.min)
    return boolean(true);
  if (a.min > b.max)
    return boolean(false);
  return {compare(arith::CmpIPredicate::sle, a, b), 0, 1};
}

Scalar ScalarEmitter::less(Scalar a, Scalar b) {
  if (a == b || a.min >= b.max)
    return boolean(false);
  if (a.max < b.min)
    return boolean(true);
  return {compare(arith::CmpIPredicate::slt, a, b), 0, 1};
}

Scalar ScalarEmitter::both(Scalar a, Scalar b) {
  if (a == b || a.isFalse() || b.isTrue())
    return a;
  if (b.isFalse() || a.isTrue())
    return b;
  return {emit<arith::AndIOp>({bit(a), bit(b)}), 0, 1};
}

Scalar ScalarEmitter::either(Scalar a, Scalar b) {
  if (a == b || a.isTrue() || b.isFalse())
    return a;
  if (b.isTrue() || a.isFalse())
    return b;
  return {emit<arith::OrIOp>({bit(a), bit(b)}), 0, 1};
}

Scalar ScalarEmitter::negate(Scalar a) {
  if (a.isConstant())
    return boolean(!a.isTrue());
  return {emit<arith::XOrIOp>({bit(a), constantValue(1, true)}), 0, 1};
}

Scalar ScalarEmitter::select(Scalar condition, Scalar a, Scalar b) {
  if (condition.isTrue() || a == b)
    return a;
  if (condition.isFalse())
    return b;
  return {emit<arith::SelectOp>({condition.value, index(a), index(b)}),
          std::min(a.min, b.min), std::max(a.max, b.max)};
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

Scalar ScalarEmitter::bitOf(Scalar a) {
  if (a.isConstant())
    return constant(static_cast<int64_t>(uint64_t(1) << (a.min & 63)));
  Value number = emit<arith::AndIOp>({index(a), constantValue(63, false)});
  return {emit<arith::ShLIOp>({constantValue(1, false), number}), kMin, kMax};
}

Scalar ScalarEmitter::meet(Scalar a, Scalar b) {
  if (a == b)
    return boolean(true); // No signature is empty.
  if (a.isConstant() && b.isConstant())
    return boolean((a.min & b.min) != 0);
  Value common = emit<arith::AndIOp>({index(a), index(b)});
  return {compare(arith::CmpIPredicate::ne, {common, kMin, kMax}, constant(0)),
          0, 1};
}
