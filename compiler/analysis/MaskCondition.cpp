//===- MaskCondition.cpp - Booleans of a mask as a tree -------------------===//
//
// Negations are pushed to the leaves, so that each value of the region is
// looked at once as it is and at most once negated.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskCondition.h"

#include "dialects/attn/Attn.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ladon::analysis;
using Kind = Condition::Kind;
using Relation = Condition::Relation;

/// Parts of a junction that a new one is held against, from the last: a long
/// chain stays linear in its length.
static constexpr size_t kLookBack = 32;
/// Junctions of up to this many parts become part of the one around them.
static constexpr size_t kFlattened = 8;

MaskCondition::MaskCondition(Block &body, const MaskSite &site)
    : body(body), site(site) {
  for (auto [arg, range] : llvm::zip(body.getArguments(), site.positions))
    ranges.set(arg, range);
  for (auto [arg, capture] :
       llvm::zip(body.getArguments().drop_front(4), site.captures))
    if (arg.getType().isIntOrIndex())
      ranges.set(arg, ranges.of(capture));
  root = condition(body.getTerminator()->getOperand(0), /*truth=*/true);
}

bool Condition::onSolved() const {
  return lhs.onSolved() || rhs.onSolved() ||
         llvm::any_of(parts, [](auto *part) { return part->onSolved(); });
}

bool Condition::onFixed() const {
  return lhs.onFixed() || rhs.onFixed() || kind == Kind::Unknown ||
         llvm::any_of(parts, [](auto *part) { return part->onFixed(); });
}

Condition *MaskCondition::create(Kind kind) {
  conditions.push_back(std::make_unique<Condition>());
  conditions.back()->kind = kind;
  return conditions.back().get();
}

const Condition *MaskCondition::constant(bool truth) {
  Condition *c = create(Kind::Constant);
  c->truth = truth;
  return c;
}

const Condition *MaskCondition::unknownCondition(Value value, bool truth,
                                                 std::string reason) {
  Condition *c = create(Kind::Unknown);
  c->value = value;
  c->truth = truth;
  c->reason = std::move(reason);
  if (!unknown)
    unknown = c;
  return c;
}

//===----------------------------------------------------------------------===//
// Junctions
//===----------------------------------------------------------------------===//

/// What stands for two parts of a junction, if one implies the other or the two
/// decide the junction.
std::optional<const Condition *>
MaskCondition::merge(Kind kind, const Condition *known, const Condition *next) {
  if (known == next)
    return known;
  auto isPlain = [](const Condition *c) {
    return c->kind == Kind::Compare && c->rhs.isConstant(0) &&
           c->relation != Relation::NotEqual;
  };
  if (known->kind != next->kind)
    return std::nullopt;
  if (known->value == next->value &&
      (known->kind == Kind::Uniform || known->kind == Kind::Unknown))
    return known->truth == next->truth ? known : constant(kind == Kind::Or);
  if (!isPlain(known) || !isPlain(next))
    return std::nullopt;
  bool isAnd = kind == Kind::And;
  if (known->relation == next->relation &&
      known->lhs.terms == next->lhs.terms &&
      known->lhs.obligations == next->lhs.obligations) {
    if (sameForm(known->lhs, next->lhs))
      return known;
    // Of two bounds a conjunction keeps the stricter one.
    if (known->relation == Relation::LessEqual)
      return isAnd == (known->lhs.constant > next->lhs.constant) ? known : next;
  }
  if (!known->lhs.obligations.empty() || !next->lhs.obligations.empty() ||
      stepsLeft == 0)
    return std::nullopt;
  --stepsLeft;
  auto sum = [&](int64_t factor) {
    return widestRange(add(next->lhs, known->lhs, factor));
  };
  bool isEquation = known->relation == Relation::Equal;
  if (isAnd && (next->relation == Relation::LessEqual || isEquation)) {
    // a <= 0 and b <= 0 need a + b <= 0.
    if (sum(1).min > 0 || (isEquation && sum(-1).min > 0) ||
        (isEquation && next->relation == Relation::Equal && sum(-1).max < 0))
      return constant(false);
  } else if (!isAnd && !isEquation && next->relation != Relation::Equal) {
    // Neither a <= 0 nor b <= 0 needs a + b >= 2.
    if (sum(1).max < 2)
      return constant(true);
  }
  return std::nullopt;
}

const Condition *MaskCondition::combine(Kind kind,
                                        ArrayRef<const Condition *> parts) {
  // `true` is neutral for and, `false` for or; the other one decides.
  bool neutral = kind == Kind::And;
  SmallVector<const Condition *> all;
  for (const Condition *part : parts) {
    if (part->kind == kind && !part->value && part->parts.size() <= kFlattened)
      all.append(part->parts.begin(), part->parts.end());
    else
      all.push_back(part);
  }
  SmallVector<const Condition *, 2> kept;
  for (const Condition *part : all) {
    bool isMerged = part->kind == Kind::Constant && part->truth == neutral;
    for (size_t at = kept.size(); at > 0 && at + kLookBack > kept.size(); --at)
      if (auto merged =
              isMerged ? std::nullopt : merge(kind, kept[at - 1], part)) {
        part = kept[at - 1] = *merged;
        isMerged = true;
      }
    if (part->kind == Kind::Constant && part->truth != neutral)
      return part;
    if (!isMerged)
      kept.push_back(part);
  }
  if (kept.empty())
    return constant(neutral);
  if (kept.size() == 1)
    return kept.front();
  Condition *c = create(kind);
  c->parts = std::move(kept);
  return c;
}

/// A chain of conjunctions or disjunctions is one junction.
const Condition *MaskCondition::junction(Operation *op, bool truth) {
  Kind kind = isa<arith::AndIOp>(op) == truth ? Kind::And : Kind::Or;
  SmallVector<const Condition *> parts;
  SmallVector<Value> left(llvm::reverse(op->getOperands()));
  while (!left.empty()) {
    Value value = left.pop_back_val();
    Operation *inner = value.getDefiningOp();
    if (inner && inner->getName() == op->getName() && value.hasOneUse())
      left.append(llvm::to_vector(llvm::reverse(inner->getOperands())));
    else
      parts.push_back(condition(value, truth));
  }
  return combine(kind, parts);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

const Condition *MaskCondition::condition(Value value, bool truth) {
  auto key = std::make_pair(value, unsigned(truth));
  if (const Condition *known = conditionOf.lookup(key))
    return known;
  const Condition *built = buildCondition(value, truth);
  return conditionOf[key] = built;
}

const Condition *MaskCondition::buildCondition(Value value, bool truth) {
  APInt c;
  if (matchPattern(value, m_ConstantInt(&c)))
    return constant(c.isOne() == truth);
  Operation *op = value.getDefiningOp();
  // What is taken apart here stays one in the region, and in what is printed.
  auto whole = [&](const Condition *built) {
    if (!built->isJunction() || built->value)
      return built;
    Condition *named = create(built->kind);
    *named = *built;
    named->value = value;
    named->truth = truth;
    return static_cast<const Condition *>(named);
  };
  auto equal = [&](Value left, Value right, bool same) {
    return whole(either(both(condition(left, true), condition(right, same)),
                        both(condition(left, false), condition(right, !same))));
  };
  if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(op)) {
    using arith::CmpIPredicate;
    CmpIPredicate predicate = cmp.getPredicate();
    if (!cmp.getLhs().getType().isInteger(1))
      return compare(cmp, truth);
    if (predicate != CmpIPredicate::eq && predicate != CmpIPredicate::ne)
      return unknownCondition(value, truth, "order of booleans");
    return equal(cmp.getLhs(), cmp.getRhs(),
                 (predicate == CmpIPredicate::eq) == truth);
  }
  if (isa_and_nonnull<arith::AndIOp, arith::OrIOp>(op))
    return junction(op, truth);
  if (isa_and_nonnull<arith::XOrIOp>(op)) {
    if (matchPattern(op->getOperand(1), m_One()))
      return condition(op->getOperand(0), !truth);
    return equal(op->getOperand(0), op->getOperand(1), !truth);
  }
  if (auto select = dyn_cast_or_null<arith::SelectOp>(op)) {
    const Condition *yes = condition(select.getTrueValue(), truth);
    const Condition *no = condition(select.getFalseValue(), truth);
    // What holds on both sides holds where the condition is undecided.
    return whole(
        combine(Kind::Or, {both(condition(select.getCondition(), true), yes),
                           both(condition(select.getCondition(), false), no),
                           both(yes, no)}));
  }
  if (auto trunc = dyn_cast_or_null<arith::TruncIOp>(op))
    return whole(equals(floorMod(linear(trunc.getIn()), 2, value), 1, truth,
                        {value, truth, /*isDerived=*/true}));
  if (isa_and_nonnull<ladon::attn::ReadOp>(op))
    return whole(
        equals(linear(value), 0, !truth, {value, truth, /*isDerived=*/true}));
  if (isUniform(value)) {
    Condition *u = create(Kind::Uniform);
    u->truth = truth;
    u->value = value;
    return u;
  }
  if (isa_and_nonnull<arith::CmpFOp>(op))
    return unknownCondition(value, truth,
                            "comparison of real numbers that differ "
                            "from position to position");
  return unknownCondition(value, truth,
                          op ? "no bounds are known for '" +
                                   op->getName().getStringRef().str() + "'"
                             : "captured value");
}
