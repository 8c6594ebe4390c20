//===- MaskCondition.cpp - Booleans of a mask as a formula ----------------===//
//
// Negations are pushed to the leaves, so that each value of the region is
// looked at once as it is and at most once negated.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskExpression.h"

#include "dialects/attn/Attn.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ladon::analysis;
using Kind = Condition::Kind;

static Linear constantForm(int64_t c) { return {c, {}, {}, false}; }

const Condition *MaskExpression::constant(bool truth) {
  auto c = std::make_unique<Condition>();
  c->kind = Kind::Constant;
  c->truth = truth;
  conditions.push_back(std::move(c));
  return conditions.back().get();
}

const Condition *MaskExpression::unknownCondition(Value value,
                                                  std::string reason) {
  auto c = std::make_unique<Condition>();
  c->kind = Kind::Unknown;
  c->value = value;
  c->reason = std::move(reason);
  conditions.push_back(std::move(c));
  if (!unknown)
    unknown = conditions.back().get();
  return conditions.back().get();
}

const Condition *MaskExpression::combine(Kind kind, const Condition *left,
                                         const Condition *right) {
  // `true` is neutral for and, `false` for or; the other one decides.
  bool neutral = kind == Kind::And;
  if (left->kind == Kind::Constant)
    return left->truth == neutral ? right : left;
  if (right->kind == Kind::Constant)
    return right->truth == neutral ? left : right;
  if (left == right)
    return left;
  auto c = std::make_unique<Condition>();
  c->kind = kind;
  c->left = left;
  c->right = right;
  conditions.push_back(std::move(c));
  return conditions.back().get();
}

const Condition *MaskExpression::lessEqual(Linear lhs, Linear rhs,
                                           bool strict) {
  Linear one = constantForm(strict ? 1 : 0);
  Linear difference = add(add(lhs, one), rhs, -1);
  if (difference.isWithin(kScalarLimit)) {
    StaticRange r = difference.range();
    if (difference.obligations.empty() && (r.max <= 0 || r.min > 0))
      return constant(r.max <= 0);
    lhs = difference;
    rhs = Linear();
    strict = false;
  } else if (add(lhs, one).isWithin(kScalarLimit / 2)) {
    lhs = add(lhs, one);
    strict = false;
  } else if (add(rhs, one, -1).isWithin(kScalarLimit / 2)) {
    rhs = add(rhs, one, -1);
    strict = false;
  }
  auto c = std::make_unique<Condition>();
  c->kind = Kind::LessEqual;
  c->lhs = lhs;
  c->rhs = rhs;
  c->strict = strict;
  conditions.push_back(std::move(c));
  return conditions.back().get();
}

const Condition *MaskExpression::equals(const Linear &lhs, const Linear &rhs,
                                        bool truth) {
  Linear difference = add(lhs, rhs, -1);
  if (difference.isWithin(kScalarLimit) && difference.obligations.empty()) {
    Congruence c = congruence(difference);
    if (c.residue != 0)
      return constant(!truth);
  }
  if (truth)
    return combine(Kind::And, lessEqual(lhs, rhs), lessEqual(rhs, lhs));
  return combine(Kind::Or, lessEqual(lhs, rhs, /*strict=*/true),
                 lessEqual(rhs, lhs, /*strict=*/true));
}

const Condition *MaskExpression::compare(arith::CmpIOp op, bool truth) {
  using arith::CmpIPredicate;
  CmpIPredicate predicate =
      truth ? op.getPredicate() : arith::invertPredicate(op.getPredicate());
  Value left = op.getLhs(), right = op.getRhs();
  if (left.getType().isInteger(1)) {
    if (predicate != CmpIPredicate::eq && predicate != CmpIPredicate::ne)
      return unknownCondition(op, "order of booleans");
    bool same = predicate == CmpIPredicate::eq;
    return combine(
        Kind::Or,
        combine(Kind::And, condition(left, true), condition(right, same)),
        combine(Kind::And, condition(left, false), condition(right, !same)));
  }
  if (!left.getType().isIntOrIndex())
    return unknownCondition(op, "comparison of an unsupported type");
  Linear a = linear(left), b = linear(right);
  switch (predicate) {
  case CmpIPredicate::eq:
    return equals(a, b, true);
  case CmpIPredicate::ne:
    return equals(a, b, false);
  case CmpIPredicate::ult:
  case CmpIPredicate::ule:
  case CmpIPredicate::ugt:
  case CmpIPredicate::uge:
    if (a.range().min < 0 || b.range().min < 0)
      return unknownCondition(op, "unsigned comparison of values that may be "
                                  "negative");
    break;
  default:
    break;
  }
  switch (predicate) {
  case CmpIPredicate::slt:
  case CmpIPredicate::ult:
    return lessEqual(a, b, /*strict=*/true);
  case CmpIPredicate::sle:
  case CmpIPredicate::ule:
    return lessEqual(a, b);
  case CmpIPredicate::sgt:
  case CmpIPredicate::ugt:
    return lessEqual(b, a, /*strict=*/true);
  default:
    return lessEqual(b, a);
  }
}

const Condition *MaskExpression::condition(Value value, bool truth) {
  auto key = std::make_pair(value, unsigned(truth));
  if (const Condition *known = conditionOf.lookup(key))
    return known;
  const Condition *built = buildCondition(value, truth);
  return conditionOf[key] = built;
}

const Condition *MaskExpression::buildCondition(Value value, bool truth) {
  APInt c;
  if (matchPattern(value, m_ConstantInt(&c)))
    return constant(c.isOne() == truth);
  Operation *op = value.getDefiningOp();
  if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(op))
    return compare(cmp, truth);
  if (isa_and_nonnull<arith::AndIOp, arith::OrIOp>(op)) {
    Kind kind = isa<arith::AndIOp>(op) == truth ? Kind::And : Kind::Or;
    return combine(kind, condition(op->getOperand(0), truth),
                   condition(op->getOperand(1), truth));
  }
  if (isa_and_nonnull<arith::XOrIOp>(op)) {
    Value left = op->getOperand(0), right = op->getOperand(1);
    return combine(
        Kind::Or,
        combine(Kind::And, condition(left, true), condition(right, !truth)),
        combine(Kind::And, condition(left, false), condition(right, truth)));
  }
  if (auto select = dyn_cast_or_null<arith::SelectOp>(op)) {
    const Condition *yes = condition(select.getTrueValue(), truth);
    const Condition *no = condition(select.getFalseValue(), truth);
    const Condition *chosen = combine(
        Kind::Or,
        combine(Kind::And, condition(select.getCondition(), true), yes),
        combine(Kind::And, condition(select.getCondition(), false), no));
    // What holds on both sides holds where the condition is undecided.
    return combine(Kind::Or, chosen, combine(Kind::And, yes, no));
  }
  if (auto trunc = dyn_cast_or_null<arith::TruncIOp>(op)) {
    Linear bit = floorMod(linear(trunc.getIn()), constantForm(2), value);
    return equals(bit, constantForm(1), truth);
  }
  if (isa_and_nonnull<ladon::attn::ReadOp>(op))
    return equals(linear(value), constantForm(0), !truth);
  if (isUniform(value)) {
    auto u = std::make_unique<Condition>();
    u->kind = Kind::Uniform;
    u->truth = truth;
    u->value = cloneOutside(value);
    conditions.push_back(std::move(u));
    return conditions.back().get();
  }
  if (isa_and_nonnull<arith::CmpFOp>(op))
    return unknownCondition(value, "comparison of real numbers that differ "
                                   "from position to position");
  return unknownCondition(value, op ? "no bounds are known for '" +
                                          op->getName().getStringRef().str() +
                                          "'"
                                    : "captured value");
}
