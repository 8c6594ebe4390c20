//===- MaskComparison.cpp - Comparisons of a mask -------------------------===//
//
// A comparison becomes `form <= 0`. Ranges decide it, or it is taken apart
// where the solved position stands inside of a minimum, a division and the
// like:
//
//   |x| <= e                    x <= e and -x <= e; with >=, or
//   max(x, y) <= e              x <= e and y <= e; min the other way
//   x // d <= e                 x <= d e + d - 1
//   x // d >= e                 x >= d e
//   (if c then x else y) <= e   c and x <= e or not c and y <= e
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskCondition.h"

using namespace mlir;
using namespace ladon::analysis;
using Kind = Condition::Kind;
using Relation = Condition::Relation;

/// How deep a comparison is taken apart, and into how many parts each time.
static constexpr unsigned kDepth = 6;

const Condition *MaskCondition::compare(arith::CmpIOp op) {
  using arith::CmpIPredicate;
  CmpIPredicate predicate = op.getPredicate();
  Value left = op.getLhs(), right = op.getRhs();
  bool isEq = predicate == CmpIPredicate::eq;
  bool isNe = predicate == CmpIPredicate::ne;
  if (left.getType().isInteger(1)) {
    if (!isEq && !isNe)
      return unknownCondition(op, "order of booleans");
    const Condition *equal = same(condition(left), condition(right));
    return named(isEq ? equal : negation(equal), op);
  }
  if (!left.getType().isIntOrIndex())
    return unknownCondition(op, "comparison of an unsupported type");
  LinearForm a = linear(left), b = linear(right);
  if (atoms.size() >= kAtoms && (a.overflowed || b.overflowed))
    return unknownCondition(op, "the mask has too many parts");
  const Origin asWritten{op, true}, negated{op, false};
  if (isEq)
    return equals(a, b, asWritten);
  if (isNe)
    return negation(equals(a, b, negated));
  bool isUnsigned = predicate >= CmpIPredicate::ult;
  if (isUnsigned && (a.range().min < 0 || b.range().min < 0))
    return unknownCondition(op, "unsigned comparison of values that may be "
                                "negative");
  // The sign of x ^ y says whether those of x and y differ.
  auto signs = left.getDefiningOp<arith::XOrIOp>();
  if (signs && b.isConstant(0) && predicate == CmpIPredicate::slt) {
    auto isNegative = [&](Value x, bool truth) {
      return lessEqual(add(linear(x), 1), 0, {op, truth, /*isDerived=*/true});
    };
    Value x = signs.getLhs(), y = signs.getRhs();
    // What is left of a sign that is known is the other one, or its opposite:
    // then `op` is what the negation comes from.
    for (auto [known, other] : {std::pair(x, y), std::pair(y, x)}) {
      const Condition *sign = isNegative(known, true);
      if (sign->kind == Condition::Kind::Constant)
        return sign->truth ? negation(isNegative(other, false))
                           : isNegative(other, true);
    }
    return named(negation(same(isNegative(x, true), isNegative(y, true))), op);
  }
  switch (predicate) {
  case CmpIPredicate::slt:
  case CmpIPredicate::ult:
    return negation(lessEqual(b, a, negated));
  case CmpIPredicate::sle:
  case CmpIPredicate::ule:
    return lessEqual(a, b, asWritten);
  case CmpIPredicate::sgt:
  case CmpIPredicate::ugt:
    return negation(lessEqual(a, b, negated));
  default:
    return lessEqual(b, a, asWritten);
  }
}

const Condition *MaskCondition::lessEqual(const LinearForm &lhs,
                                          const LinearForm &rhs,
                                          Origin origin) {
  LinearForm difference = add(lhs, rhs, -1);
  if (difference.isWithin(kScalarLimit))
    return notPositive(difference, origin);
  // What is compared with a small value may as well be small.
  constexpr int64_t small = kScalarLimit / 4;
  auto clamped = [&](const LinearForm &x) {
    return minimum(minimum(x, small + 1, /*isMax=*/false), -small - 1,
                   /*isMax=*/true);
  };
  origin.isDerived = true;
  if (lhs.isWithin(small))
    difference = add(lhs, clamped(rhs), -1);
  else if (rhs.isWithin(small))
    difference = add(clamped(lhs), rhs, -1);
  return notPositive(difference, origin);
}

const Condition *MaskCondition::equals(const LinearForm &lhs,
                                       const LinearForm &rhs, Origin origin) {
  LinearForm difference = add(lhs, rhs, -1);
  if (!difference.overflowed && difference.obligations.empty()) {
    IntegerRange range = widestRange(difference);
    int64_t factor = commonFactor(difference, 0);
    if ((factor != 0 && difference.constant % factor != 0) ||
        !range.contains({0, 0}))
      return constant(false);
    if (range.isPoint())
      return constant(true);
  }
  auto isRead = [](const LinearForm &x) {
    return x.isAtom() && x.terms.front().first->kind == Atom::Kind::Read;
  };
  // Identifiers of 64 bits have no difference, and need none.
  bool fits = difference.isWithin(kScalarLimit - 1);
  if (findOpenable(difference) || (!fits && !(isRead(lhs) && isRead(rhs))))
    return both(lessEqual(lhs, rhs, origin), lessEqual(rhs, lhs, origin));
  origin.isDerived |= !fits;
  return comparison(Relation::Equal, difference, origin);
}

const Condition *MaskCondition::comparison(Relation relation,
                                           const LinearForm &form,
                                           Origin origin) {
  if (form.overflowed)
    return unknownCondition(origin.value, "the mask has too many parts",
                            origin.truth);
  Condition *c = create(Kind::Compare, origin.truth, origin.value);
  c->relation = relation;
  c->isDerived = origin.isDerived;
  c->form = form;
  return c;
}

//===----------------------------------------------------------------------===//
// What ranges decide
//===----------------------------------------------------------------------===//

/// The range of a form, also with positions counted from the end of their axis
/// (j = T - 1 - j'), which decides comparisons with a size that is not known.
IntegerRange MaskCondition::widestRange(const LinearForm &form) {
  IntegerRange best = form.range();
  if (extents.empty() || form.overflowed)
    return best;
  SmallVector<LinearForm> counted{form};
  for (auto [atom, coefficient] : form.terms)
    if (atom->definition)
      counted.front() =
          add(counted.front(), add(*atom->definition, atomForm(atom), -1),
              coefficient);
  for (auto [number, extent] : extents) {
    LinearForm last = add(atomForm(extent), -1);
    for (size_t n = 0, end = counted.size(); n < end; ++n)
      for (auto [atom, coefficient] : counted[n].terms)
        if (atom->source == body.getArgument(number)) {
          counted.push_back(
              add(counted[n], add(last, atomForm(atom), -2), coefficient));
          break;
        }
  }
  for (const LinearForm &same : counted) {
    IntegerRange range = same.range();
    best.min = std::max(best.min, range.min);
    best.max = std::min(best.max, range.max);
  }
  return best;
}

/// `form <= 0`.
const Condition *MaskCondition::notPositive(const LinearForm &form,
                                            Origin origin, unsigned depth) {
  IntegerRange range = widestRange(form);
  if (form.obligations.empty() && (range.max <= 0 || range.min > 0))
    return constant(range.max <= 0);
  if (const Condition *parts = takeApart(form, origin, depth))
    return parts;
  return comparison(Relation::LessEqual, form, origin);
}

//===----------------------------------------------------------------------===//
// Taking apart
//===----------------------------------------------------------------------===//

/// The atom to take apart in `form`: a division or choice only when it alone
/// depends on the solved position.
const std::pair<const Atom *, int64_t> *
MaskCondition::findOpenable(const LinearForm &form) {
  const std::pair<const Atom *, int64_t> *only = nullptr;
  unsigned solved = 0;
  for (auto &term : form.terms) {
    if (!term.first->onSolved)
      continue;
    ++solved;
    Atom::Kind kind = term.first->kind;
    if (kind == Atom::Kind::Abs || kind == Atom::Kind::Min ||
        kind == Atom::Kind::Max)
      return &term;
    if (kind == Atom::Kind::FloorDiv || kind == Atom::Kind::Select)
      only = &term;
  }
  return solved == 1 ? only : nullptr;
}

/// The parts that `form <= 0` consists of; null if there are none, or they
/// would be too large.
const Condition *MaskCondition::takeApart(const LinearForm &form, Origin origin,
                                          unsigned depth) {
  auto *found = findOpenable(form);
  if (!found || depth >= kDepth || stepsLeft == 0)
    return nullptr;
  --stepsLeft;
  auto [atom, coefficient] = *found;
  const LinearForm &x = atom->args.front(), &y = atom->args.back();
  // What all parts keep of the form, its obligations included.
  LinearForm rest = add(form, atomForm(atom), -coefficient);
  SmallVector<LinearForm, 2> sides;
  if (atom->kind == Atom::Kind::FloorDiv) {
    origin.isDerived = true;
    // x // d <= e with e = -rest // c, or x // d >= e = -(-rest // -c).
    LinearForm product =
        multiply(floorDiv(scaled(rest, -1), std::abs(coefficient)), y);
    // The product is d e in the first case, and -d e in the second.
    LinearForm side = coefficient > 0 ? add(add(add(x, product, -1), y, -1), 1)
                                      : add(scaled(product, -1), x, -1);
    sides = {keepObligations(side, form)};
  } else {
    bool isAbs = atom->kind == Atom::Kind::Abs;
    sides = {add(rest, x, coefficient),
             add(rest, y, isAbs ? -coefficient : coefficient)};
  }
  if (!llvm::all_of(sides, [](auto &s) { return s.isWithin(kScalarLimit); }))
    return nullptr;
  origin.isDerived |= atom->kind == Atom::Kind::Select;
  SmallVector<const Condition *, 2> parts;
  for (const LinearForm &side : sides)
    parts.push_back(notPositive(side, origin, depth + 1));
  if (atom->kind == Atom::Kind::Select)
    return choose(atom->condition, parts[0], parts[1]);
  // A maximum is at most e where both sides are, a minimum where one is.
  bool isAnd = (coefficient > 0) != (atom->kind == Atom::Kind::Min);
  return combine(isAnd ? Kind::And : Kind::Or, parts);
}
