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

const Condition *MaskCondition::compare(arith::CmpIOp op, bool truth) {
  using arith::CmpIPredicate;
  CmpIPredicate predicate =
      truth ? op.getPredicate() : arith::invertPredicate(op.getPredicate());
  if (!op.getLhs().getType().isIntOrIndex())
    return unknownCondition(op, truth, "comparison of an unsupported type");
  LinearForm a = linear(op.getLhs()), b = linear(op.getRhs());
  if (atoms.size() >= kAtoms && (a.overflowed || b.overflowed))
    return unknownCondition(op, truth, "the mask has too many parts");
  Origin origin{op, truth};
  switch (predicate) {
  case CmpIPredicate::eq:
    return equals(a, b, true, origin);
  case CmpIPredicate::ne:
    return equals(a, b, false, origin);
  case CmpIPredicate::ult:
  case CmpIPredicate::ule:
  case CmpIPredicate::ugt:
  case CmpIPredicate::uge:
    if (a.range().min < 0 || b.range().min < 0)
      return unknownCondition(op, truth,
                              "unsigned comparison of values that may be "
                              "negative");
    break;
  default:
    break;
  }
  switch (predicate) {
  case CmpIPredicate::slt:
  case CmpIPredicate::ult:
    return lessEqual(a, b, origin, /*strict=*/true);
  case CmpIPredicate::sle:
  case CmpIPredicate::ule:
    return lessEqual(a, b, origin);
  case CmpIPredicate::sgt:
  case CmpIPredicate::ugt:
    return lessEqual(b, a, origin, /*strict=*/true);
  default:
    return lessEqual(b, a, origin);
  }
}

const Condition *MaskCondition::lessEqual(const LinearForm &lhs,
                                          const LinearForm &rhs, Origin origin,
                                          bool strict) {
  LinearForm low = add(lhs, strict ? 1 : 0), high = add(rhs, strict ? -1 : 0);
  LinearForm difference = add(low, rhs, -1);
  if (difference.isWithin(kScalarLimit))
    return notPositive(difference, origin);
  origin.isDerived = true;
  // What is compared with a small value may as well be small.
  constexpr int64_t small = kScalarLimit / 4;
  auto clamped = [&](const LinearForm &x) {
    return minimum(minimum(x, small + 1, /*isMax=*/false), -small - 1,
                   /*isMax=*/true);
  };
  difference.overflowed = true;
  if (low.isWithin(small))
    difference = add(low, clamped(rhs), -1);
  else if (high.isWithin(small))
    difference = add(clamped(lhs), high, -1);
  if (difference.isWithin(kScalarLimit))
    return notPositive(difference, origin);
  Condition *c = create(Kind::Compare);
  c->value = origin.value;
  c->truth = origin.truth;
  c->isDerived = true;
  c->lhs = lhs;
  c->rhs = rhs;
  c->strict = strict;
  return c;
}

const Condition *MaskCondition::equals(const LinearForm &lhs,
                                       const LinearForm &rhs, bool truth,
                                       Origin origin) {
  LinearForm difference = add(lhs, rhs, -1);
  bool fits = difference.isWithin(kScalarLimit - 1);
  if (fits && difference.obligations.empty()) {
    IntegerRange range = widestRange(difference);
    if (congruence(difference).residue != 0 || range.min > 0 || range.max < 0)
      return constant(!truth);
    if (range.min == 0 && range.max == 0)
      return constant(truth);
  }
  auto isRead = [](const LinearForm &x) {
    return x.isAtom() && x.terms.front().first->kind == Atom::Kind::Read;
  };
  // Identifiers of 64 bits have no difference, and need none.
  bool areReads = isRead(lhs) && isRead(rhs);
  if ((!fits && !areReads) || findOpenable(difference)) {
    if (truth)
      return both(lessEqual(lhs, rhs, origin), lessEqual(rhs, lhs, origin));
    return either(lessEqual(lhs, rhs, origin, /*strict=*/true),
                  lessEqual(rhs, lhs, origin, /*strict=*/true));
  }
  Condition *c = create(Kind::Compare);
  c->relation = truth ? Relation::Equal : Relation::NotEqual;
  c->value = origin.value;
  c->truth = origin.truth;
  c->isDerived = origin.isDerived || !fits;
  c->lhs = fits ? difference : lhs;
  c->rhs = fits ? LinearForm() : rhs;
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
  LinearForm expanded = form;
  for (auto [atom, coefficient] : form.terms)
    if (atom->definition)
      expanded = add(expanded, add(*atom->definition, atomForm(atom), -1),
                     coefficient);
  for (unsigned subset = 0; subset < 16; ++subset) {
    LinearForm flipped = expanded;
    for (auto [number, extent] : extents) {
      if (!(subset >> number & 1))
        continue;
      for (auto [atom, coefficient] : expanded.terms)
        if (atom->value == body.getArgument(number)) {
          LinearForm last = add(atomForm(extent), -1);
          flipped = add(flipped, add(last, atomForm(atom), -2), coefficient);
        }
    }
    IntegerRange range = flipped.range();
    best.min = std::max(best.min, range.min);
    best.max = std::min(best.max, range.max);
  }
  return best;
}

std::optional<bool> MaskCondition::decide(const LinearForm &form) {
  if (!form.obligations.empty())
    return std::nullopt;
  IntegerRange range = widestRange(form);
  if (range.max <= 0 || range.min > 0)
    return range.max <= 0;
  return std::nullopt;
}

/// `form <= 0`.
const Condition *MaskCondition::notPositive(const LinearForm &form,
                                            Origin origin, unsigned depth) {
  if (std::optional<bool> truth = decide(form))
    return constant(*truth);
  if (const Condition *parts = takeApart(form, origin, depth))
    return parts;
  Condition *c = create(Kind::Compare);
  c->value = origin.value;
  c->truth = origin.truth;
  c->isDerived = origin.isDerived;
  c->lhs = form;
  return c;
}

//===----------------------------------------------------------------------===//
// Taking apart
//===----------------------------------------------------------------------===//

/// The atom to take apart in `form`: a division or choice only when it alone
/// depends on the solved position.
const Atom *MaskCondition::findOpenable(const LinearForm &form) const {
  const Atom *only = nullptr;
  unsigned solved = 0;
  for (auto [atom, coefficient] : form.terms) {
    if (!atom->onSolved)
      continue;
    ++solved;
    if (atom->kind == Atom::Kind::Abs || atom->kind == Atom::Kind::Min ||
        atom->kind == Atom::Kind::Max)
      return atom;
    if (atom->kind == Atom::Kind::FloorDiv || atom->kind == Atom::Kind::Select)
      only = atom;
  }
  return solved == 1 ? only : nullptr;
}

const Condition *MaskCondition::takeApart(const LinearForm &form, Origin origin,
                                          unsigned depth) {
  const Atom *atom =
      depth < kDepth && stepsLeft > 0 ? findOpenable(form) : nullptr;
  if (!atom)
    return nullptr;
  --stepsLeft;
  int64_t coefficient = llvm::find_if(form.terms, [&](auto &t) {
                          return t.first == atom;
                        })->second;
  return takeApart(form, atom, coefficient, origin, depth + 1);
}

/// `form` holds `coefficient * atom`. Null if the parts would be too large.
const Condition *MaskCondition::takeApart(const LinearForm &form,
                                          const Atom *atom, int64_t coefficient,
                                          Origin origin, unsigned depth) {
  // What all parts keep of the form, its obligations included.
  LinearForm rest = add(form, atomForm(atom), -coefficient);
  SmallVector<LinearForm, 2> sides;
  bool isAnd = coefficient > 0;
  switch (atom->kind) {
  case Atom::Kind::Abs:
    sides = {add(rest, atom->args[0], coefficient),
             add(rest, atom->args[0], -coefficient)};
    break;
  case Atom::Kind::Min:
    isAnd = !isAnd;
    [[fallthrough]];
  case Atom::Kind::Max:
  case Atom::Kind::Select:
    sides = {add(rest, atom->args[0], coefficient),
             add(rest, atom->args[1], coefficient)};
    break;
  case Atom::Kind::FloorDiv: {
    // x // d <= e with e = -rest // c, or x // d >= e = -(-rest // -c).
    const LinearForm &x = atom->args[0], &d = atom->args[1];
    LinearForm quotient = floorDiv(
        scaled(rest, -1), coefficient > 0 ? coefficient : -coefficient, {});
    LinearForm product = multiply(quotient, d, {});
    if (quotient.overflowed || product.overflowed)
      return nullptr;
    // The product is d e in the first case, and -d e in the second.
    LinearForm side = coefficient > 0 ? add(add(add(x, product, -1), d, -1), 1)
                                      : add(scaled(product, -1), x, -1);
    sides = {keepObligations(side, form)};
    break;
  }
  default:
    return nullptr;
  }
  for (const LinearForm &side : sides)
    if (!side.isWithin(kScalarLimit))
      return nullptr;
  origin.isDerived |=
      atom->kind == Atom::Kind::FloorDiv || atom->kind == Atom::Kind::Select;
  SmallVector<const Condition *, 2> parts;
  for (const LinearForm &side : sides)
    parts.push_back(notPositive(side, origin, depth));
  if (atom->kind == Atom::Kind::FloorDiv)
    return parts.front();
  if (atom->kind != Atom::Kind::Select)
    return combine(isAnd ? Kind::And : Kind::Or, parts);
  return combine(Kind::Or,
                 {both(atom->condition, parts[0]),
                  both(atom->otherwise, parts[1]), both(parts[0], parts[1])});
}
