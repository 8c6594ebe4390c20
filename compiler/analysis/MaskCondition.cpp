//===- MaskCondition.cpp - Booleans of a mask as a tree -------------------===//
//
// Negations are pushed to the leaves, so that each value of the region is
// looked at once as it is and at most once negated.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskCondition.h"

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
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

IntegerRanges
MaskSite::rangesOf(llvm::ArrayRef<BlockArgument> arguments) const {
  IntegerRanges ranges;
  for (auto [arg, range] : llvm::zip(arguments, positions))
    ranges.set(arg, range);
  for (auto [arg, capture] : llvm::zip(arguments.drop_front(4), captures))
    if (arg.getType().isIntOrIndex())
      ranges.set(arg, ranges.of(capture));
  return ranges;
}

MaskCondition::MaskCondition(Block &body, const MaskSite &site)
    : body(body), site(site), ranges(site.rangesOf(body.getArguments())),
      root(condition(body.getTerminator()->getOperand(0))) {}

bool Condition::onSolved() const {
  return form.onSolved() ||
         llvm::any_of(parts, [](auto *part) { return part->onSolved(); });
}

bool Condition::onFixed() const {
  return form.onFixed() || kind == Kind::Unknown ||
         llvm::any_of(parts, [](auto *part) { return part->onFixed(); });
}

Condition *MaskCondition::create(Kind kind, bool truth, Value value) {
  auto &c = conditions.emplace_back(std::make_unique<Condition>());
  c->kind = kind;
  c->truth = truth;
  c->value = value;
  return c.get();
}

const Condition *MaskCondition::constant(bool truth) {
  return create(Kind::Constant, truth);
}

const Condition *
MaskCondition::unknownCondition(Value value, std::string reason, bool truth) {
  Condition *c = create(Kind::Unknown, truth, value);
  c->reason = std::move(reason);
  if (!unknown)
    unknown = c;
  return c;
}

/// What is taken apart but stays one in the region, and in what is printed.
const Condition *MaskCondition::named(const Condition *built, Value value,
                                      bool truth) {
  if (!built->isJunction() || built->value)
    return built;
  Condition *c = create(built->kind, truth, value);
  c->parts = built->parts;
  return c;
}

const Condition *MaskCondition::negation(const Condition *c) {
  if (const Condition *known = negations.lookup(c))
    return known;
  const Condition *result;
  if (c->isJunction()) {
    SmallVector<const Condition *> parts;
    for (const Condition *part : c->parts)
      parts.push_back(negation(part));
    result = combine(c->kind == Kind::And ? Kind::Or : Kind::And, parts);
    if (c->value)
      result = named(result, c->value, !c->truth);
  } else {
    Condition *copy = create(c->kind);
    *copy = *c;
    copy->truth = !c->truth;
    if (c->relation == Relation::LessEqual) // Used by comparisons only.
      copy->form = add(LinearForm(1), c->form, -1);
    else
      copy->relation =
          c->relation == Relation::Equal ? Relation::NotEqual : Relation::Equal;
    result = copy;
  }
  negations.try_emplace(result, c);
  return negations[c] = result;
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
  if (known->kind != next->kind)
    return std::nullopt;
  bool isAnd = kind == Kind::And;
  if (known->value == next->value &&
      (known->kind == Kind::Uniform || known->kind == Kind::Unknown))
    return known->truth == next->truth ? known : constant(!isAnd);
  if (known->kind != Kind::Compare)
    return std::nullopt;
  if (known->relation == next->relation &&
      known->form.terms == next->form.terms &&
      known->form.obligations == next->form.obligations) {
    if (sameForm(known->form, next->form))
      return known;
    // Of two bounds a conjunction keeps the stricter one.
    if (known->relation == Relation::LessEqual)
      return isAnd == (known->form.constant > next->form.constant) ? known
                                                                   : next;
  }
  if (!known->form.obligations.empty() || !next->form.obligations.empty() ||
      stepsLeft == 0)
    return std::nullopt;
  --stepsLeft;
  return compareParts(isAnd, known, next);
}

/// By the ranges of sums of the two forms.
std::optional<const Condition *>
MaskCondition::compareParts(bool isAnd, const Condition *a,
                            const Condition *b) {
  auto sum = [&](int64_t factor) {
    return widestRange(add(b->form, a->form, factor));
  };
  if (a->relation == Relation::LessEqual)
    std::swap(a, b);
  bool isBound = b->relation == Relation::LessEqual;
  if (a->relation == Relation::NotEqual) {
    // b <= 0 implies a != 0 where b > a or b > -a always.
    if (isAnd && isBound && (sum(1).min > 0 || sum(-1).min > 0))
      return b;
  } else if (isAnd && (isBound || b->relation == Relation::Equal)) {
    // a <= 0 and b <= 0 need a + b <= 0.
    bool isEquation = a->relation == Relation::Equal;
    if (sum(1).min > 0 || (isEquation && sum(-1).min > 0) ||
        (isEquation && !isBound && sum(-1).max < 0))
      return constant(false);
  } else if (a->relation == Relation::LessEqual) {
    // Both are bounds, in a disjunction: neither needs a + b >= 2.
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
const Condition *MaskCondition::junction(Operation *op) {
  SmallVector<const Condition *> parts;
  SmallVector<Value> left(llvm::reverse(op->getOperands()));
  while (!left.empty()) {
    Value value = left.pop_back_val();
    Operation *inner = value.getDefiningOp();
    if (inner && inner->getName() == op->getName() && value.hasOneUse())
      left.append(llvm::to_vector(llvm::reverse(inner->getOperands())));
    else
      parts.push_back(condition(value));
  }
  return combine(isa<arith::AndIOp>(op) ? Kind::And : Kind::Or, parts);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

const Condition *MaskCondition::condition(Value value) {
  if (const Condition *known = conditionOf.lookup(value))
    return known;
  const Condition *built = buildCondition(value);
  return conditionOf[value] = built;
}

/// Whether both hold or neither does.
const Condition *MaskCondition::same(const Condition *a, const Condition *b) {
  return either(both(a, b), both(negation(a), negation(b)));
}

/// `yes` where `c` holds, else `no`. What holds on both sides holds where the
/// condition is undecided.
const Condition *MaskCondition::choose(const Condition *c, const Condition *yes,
                                       const Condition *no) {
  return combine(Kind::Or,
                 {both(c, yes), both(negation(c), no), both(yes, no)});
}

const Condition *MaskCondition::buildCondition(Value value) {
  APInt c;
  if (matchPattern(value, m_ConstantInt(&c)))
    return constant(c.isOne());
  Operation *op = value.getDefiningOp();
  auto operand = [&](unsigned n) { return condition(op->getOperand(n)); };
  if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(op))
    return compare(cmp);
  if (isa_and_nonnull<arith::AndIOp, arith::OrIOp>(op))
    return junction(op);
  if (isa_and_nonnull<arith::XOrIOp>(op))
    return matchPattern(op->getOperand(1), m_One())
               ? negation(operand(0))
               : named(negation(same(operand(0), operand(1))), value);
  if (isa_and_nonnull<arith::SelectOp>(op))
    return named(choose(operand(0), operand(1), operand(2)), value);
  if (auto trunc = dyn_cast_or_null<arith::TruncIOp>(op))
    return named(equals(floorMod(linear(trunc.getIn()), 2), 1,
                        {value, true, /*isDerived=*/true}),
                 value);
  if (isa_and_nonnull<ladon::attn::ReadOp>(op))
    return named(
        negation(equals(linear(value), 0, {value, false, /*isDerived=*/true})),
        value);
  if (isUniform(value))
    return create(Kind::Uniform, true, value);
  if (isa_and_nonnull<arith::CmpFOp>(op))
    return unknownCondition(value, "comparison of real numbers that differ "
                                   "from position to position");
  if (!op)
    return unknownCondition(value, "captured value");
  if (isa<scf::ForOp>(op))
    return unknownCondition(value, "reduction over a range that a call gives");
  return unknownCondition(value, "no bounds are known for '" +
                                     op->getName().getStringRef().str() + "'");
}
