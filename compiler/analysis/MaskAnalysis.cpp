//===- MaskAnalysis.cpp - Which keys a tile of queries can see ------------===//
//
// Solves the comparisons of a mask for j, and combines the sets of keys. The
// bounds of values over a tile are in MaskIntervals.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskAnalysis.h"

using namespace mlir;
using namespace ladon::analysis;

MaskAnalysis::MaskAnalysis(const MaskExpression &expression,
                           const QueryTile &tile, ScalarEmitter &emitter)
    : root(expression.visible()), tile(tile), emit(emitter) {}

//===----------------------------------------------------------------------===//
// Sets of keys
//===----------------------------------------------------------------------===//

Scalar MaskAnalysis::isNotEmpty(const KeySet &s) {
  if (!s.low && !s.high)
    return s.guard;
  return emit.both(s.guard, emit.less(lowOf(s), highOf(s)));
}

KeySet MaskAnalysis::intersection(const KeySet &a, const KeySet &b) {
  KeySet r;
  r.guard = emit.both(a.guard, b.guard);
  if (r.isNone())
    return r;
  r.low = a.low && b.low ? emit.max(*a.low, *b.low) : a.low ? a.low : b.low;
  r.high = a.high && b.high ? emit.min(*a.high, *b.high)
           : a.high         ? a.high
                            : b.high;
  return r;
}

/// Whether the union of two sets is known to be a range: one of them is all or
/// nothing, or both reach the same end.
static bool joins(const KeySet &a, const KeySet &b) {
  return a.isNone() || b.isNone() || (!a.low && !a.high) ||
         (!b.low && !b.high) || (!a.low && !b.low) || (!a.high && !b.high);
}

KeySet MaskAnalysis::hull(const KeySet &a, const KeySet &b) {
  if (a.isNone() || b.isAll())
    return b;
  if (b.isNone() || a.isAll())
    return a;
  KeySet r;
  r.guard = emit.either(a.guard, b.guard);
  bool unguarded = a.guard.isTrue() && b.guard.isTrue();
  if (!a.low && !a.high && !b.low && !b.high)
    return r;
  if (unguarded && !a.low && !b.low) {
    r.high = emit.max(*a.high, *b.high);
    return r;
  }
  if (unguarded && !a.high && !b.high) {
    r.low = emit.min(*a.low, *b.low);
    return r;
  }
  Scalar hasA = isNotEmpty(a), hasB = isNotEmpty(b);
  r.guard = emit.either(hasA, hasB);
  auto pick = [&](Scalar both, Scalar onlyA, Scalar onlyB) {
    return emit.select(hasA, emit.select(hasB, both, onlyA), onlyB);
  };
  r.low = pick(emit.min(lowOf(a), lowOf(b)), lowOf(a), lowOf(b));
  r.high = pick(emit.max(highOf(a), highOf(b)), highOf(a), highOf(b));
  return r;
}

/// The union where it is a range, else the longer of the two.
KeySet MaskAnalysis::largestPart(const KeySet &a, const KeySet &b) {
  if (joins(a, b))
    return hull(a, b);
  Scalar lowA = lowOf(a), highA = highOf(a), lowB = lowOf(b), highB = highOf(b);
  Scalar hasA = isNotEmpty(a), hasB = isNotEmpty(b);
  Scalar touch =
      emit.both(emit.lessEqual(lowA, highB), emit.lessEqual(lowB, highA));
  Scalar both = emit.both(emit.both(hasA, hasB), touch);
  Scalar longer = emit.lessEqual(emit.sub(highB, lowB), emit.sub(highA, lowA));
  Scalar useA = emit.both(hasA, emit.either(longer, emit.negate(hasB)));
  KeySet r;
  r.guard = emit.either(hasA, hasB);
  r.low =
      emit.select(both, emit.min(lowA, lowB), emit.select(useA, lowA, lowB));
  r.high = emit.select(both, emit.max(highA, highB),
                       emit.select(useA, highA, highB));
  return r;
}

Visibility MaskAnalysis::conjunction(const Visibility &a, const Visibility &b) {
  Visibility r;
  r.may = intersection(a.may, b.may);
  r.must = intersection(a.must, b.must);
  r.blockwise = (a.blockwise || b.blockwise) && !r.may.isNone();
  return r;
}

Visibility MaskAnalysis::disjunction(const Visibility &a, const Visibility &b) {
  Visibility r;
  r.may = hull(a.may, b.may);
  r.must = largestPart(a.must, b.must);
  bool joined = joins(a.may, b.may) && joins(a.must, b.must);
  r.blockwise = (a.blockwise || b.blockwise || !joined) && !r.must.isAll();
  return r;
}

//===----------------------------------------------------------------------===//
// Comparisons solved for j
//===----------------------------------------------------------------------===//

/// Where x <= bound, if that is a range of keys; x need not be linear in j.
std::optional<Visibility> MaskAnalysis::solve(const Linear &x, Bound bound) {
  Linear rest;
  rest.constant = x.constant;
  std::pair<const Atom *, int64_t> inKey{nullptr, 0};
  for (auto term : x.terms) {
    if (!term.first->onKey)
      rest.terms.push_back(term);
    else if (!inKey.first)
      inKey = term;
    else
      return std::nullopt;
  }
  Interval known = evaluate(scaled(rest, -1), Scope::Rows);
  bound.must = emit.add(known.min, bound.must);
  bound.may = emit.add(known.max, bound.may);
  Visibility r;
  auto [atom, coefficient] = inKey;
  if (!atom) {
    Scalar zero = ScalarEmitter::constant(0);
    r.may.guard = emit.lessEqual(zero, bound.may);
    r.must.guard = emit.lessEqual(zero, bound.must);
    return r;
  }
  // c a <= b is a <= b // c for c > 0, and -a <= b // -c for c < 0.
  bool negated = coefficient < 0;
  Scalar size = ScalarEmitter::constant(negated ? -coefficient : coefficient);
  bound.must = emit.floorDiv(bound.must, size);
  bound.may = emit.floorDiv(bound.may, size);
  if (atom->kind != Atom::Kind::Key)
    return solveAtom(atom, negated, bound);
  if (negated) {
    r.may.low = emit.neg(bound.may);
    r.must.low = emit.neg(bound.must);
  } else {
    Scalar one = ScalarEmitter::constant(1);
    r.may.high = emit.add(bound.may, one);
    r.must.high = emit.add(bound.must, one);
  }
  return r;
}

/// Where atom <= bound, or -atom <= bound if `negated`.
std::optional<Visibility> MaskAnalysis::solveAtom(const Atom *atom,
                                                  bool negated, Bound bound) {
  auto side = [&](unsigned arg, bool minus) {
    return solve(minus ? scaled(atom->args[arg], -1) : atom->args[arg], bound);
  };
  auto join = [&](std::optional<Visibility> a, std::optional<Visibility> b,
                  bool conjoin) -> std::optional<Visibility> {
    if (!a || !b)
      return std::nullopt;
    return conjoin ? conjunction(*a, *b) : disjunction(*a, *b);
  };
  switch (atom->kind) {
  case Atom::Kind::Max:
    return join(side(0, negated), side(1, negated), !negated);
  case Atom::Kind::Min:
    return join(side(0, negated), side(1, negated), negated);
  case Atom::Kind::Abs:
    return join(side(0, false), side(0, true), !negated);
  case Atom::Kind::Select: {
    std::optional<Visibility> yes = side(0, negated), no = side(1, negated);
    if (!yes || !no)
      return std::nullopt;
    Visibility chosen =
        disjunction(conjunction(visibilityOf(atom->condition), *yes),
                    conjunction(visibilityOf(atom->otherwise), *no));
    return disjunction(chosen, conjunction(*yes, *no));
  }
  case Atom::Kind::FloorDiv: {
    Interval divisor = evaluate(atom->args[1], Scope::Rows);
    if (!(divisor.min == divisor.max))
      return std::nullopt;
    Scalar one = ScalarEmitter::constant(1);
    Scalar d = emit.max(divisor.min, one);
    // Bounds beyond the range of the atom decide nothing more than those just
    // outside of it; keep the product within 64 bits.
    auto outermost = [&](Scalar b) {
      int64_t low = static_cast<int64_t>(atom->range.min) - 1;
      int64_t high = static_cast<int64_t>(atom->range.max) + 1;
      if (negated)
        std::tie(low, high) = std::make_pair(-high, -low);
      Wide size = std::max<Wide>(-Wide(b.min), b.max);
      if (size * d.max <= kScalarLimit)
        return b;
      return emit.clamp(b, ScalarEmitter::constant(low),
                        ScalarEmitter::constant(high));
    };
    // x // d <= b is x <= d b + d - 1, and x // d >= b is x >= d b.
    auto lifted = [&](Scalar b) {
      Scalar product = emit.mul(outermost(b), d);
      return negated ? product : emit.add(product, emit.sub(d, one));
    };
    Wide largest = std::max<Wide>(-atom->range.min, atom->range.max) + 1;
    if (largest * d.max > kScalarLimit)
      return std::nullopt;
    bound = {lifted(bound.must), lifted(bound.may)};
    return side(0, negated);
  }
  default:
    return std::nullopt;
  }
}

/// What a condition is known to be, where its integers do not wrap.
Scalar MaskAnalysis::obligationsHold(const Linear &a, const Linear &b) {
  Scalar hold = ScalarEmitter::boolean(true);
  for (const Linear *side : {&a, &b})
    for (const Obligation *o : side->obligations) {
      Interval v = evaluate(o->value, Scope::AllKeys);
      hold = emit.both(
          hold,
          emit.both(emit.lessEqual(ScalarEmitter::constant(o->min), v.min),
                    emit.lessEqual(v.max, ScalarEmitter::constant(o->max))));
    }
  return hold;
}

Visibility MaskAnalysis::compare(const Condition *c) {
  std::optional<Visibility> solved;
  auto limited = [&](Scalar s) {
    return emit.clamp(s, ScalarEmitter::constant(-kScalarLimit),
                      ScalarEmitter::constant(kScalarLimit));
  };
  if (!c->strict && !c->rhs.dependsOnKey() &&
      c->lhs.isWithin(c->rhs.isConstant(0) ? kScalarLimit : kScalarLimit / 2)) {
    Interval rhs = evaluate(c->rhs, Scope::Rows);
    solved = solve(c->lhs, {limited(rhs.min), limited(rhs.max)});
  } else if (!c->strict && !c->lhs.dependsOnKey() &&
             c->rhs.isWithin(kScalarLimit / 2)) {
    Interval lhs = evaluate(c->lhs, Scope::Rows);
    solved = solve(scaled(c->rhs, -1),
                   {emit.neg(limited(lhs.max)), emit.neg(limited(lhs.min))});
  }
  if (!solved)
    solved = Visibility{KeySet::all(), KeySet::none(), /*blockwise=*/true};
  Scalar hold = obligationsHold(c->lhs, c->rhs);
  if (hold.isTrue())
    return *solved;
  auto relaxed = [&](std::optional<Scalar> &bound, Scalar end) {
    if (bound)
      bound = emit.select(hold, *bound, end);
  };
  relaxed(solved->may.low, tile.keyLow);
  relaxed(solved->may.high, tile.keyHigh);
  solved->may.guard = emit.either(solved->may.guard, emit.negate(hold));
  solved->must.guard = emit.both(solved->must.guard, hold);
  return *solved;
}

const Visibility &MaskAnalysis::visibilityOf(const Condition *c) {
  auto it = visibilities.find(c);
  if (it == visibilities.end()) {
    Visibility v = computeVisibility(c);
    it = visibilities.try_emplace(c, v).first;
  }
  return it->second;
}

Visibility MaskAnalysis::computeVisibility(const Condition *c) {
  switch (c->kind) {
  case Condition::Kind::Constant:
    return c->truth ? Visibility{KeySet::all(), KeySet::all()}
                    : Visibility{KeySet::none(), KeySet::none()};
  case Condition::Kind::Uniform: {
    KeySet s;
    s.guard = emit.wrap(c->value, 0, 1);
    if (!c->truth)
      s.guard = emit.negate(s.guard);
    return {s, s};
  }
  case Condition::Kind::LessEqual:
    return compare(c);
  case Condition::Kind::Unknown:
    return {KeySet::all(), KeySet::none()};
  case Condition::Kind::And:
  case Condition::Kind::Or: {
    Visibility left = visibilityOf(c->left), right = visibilityOf(c->right);
    return c->kind == Condition::Kind::And ? conjunction(left, right)
                                           : disjunction(left, right);
  }
  }
  llvm_unreachable("all kinds are covered");
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

BlockClass MaskAnalysis::classOf(const Visibility &v) {
  // An empty range need not be told from one in the middle of the block.
  BlockClass r{v.may.guard, v.must.guard};
  if (v.may.low)
    r.may = emit.both(r.may, emit.less(*v.may.low, blockHigh));
  if (v.may.high)
    r.may = emit.both(r.may, emit.less(blockLow, *v.may.high));
  if (v.must.low)
    r.must = emit.both(r.must, emit.lessEqual(*v.must.low, blockLow));
  if (v.must.high)
    r.must = emit.both(r.must, emit.lessEqual(blockHigh, *v.must.high));
  return r;
}

BlockClass MaskAnalysis::classOf(const Condition *c) {
  const Visibility v = visibilityOf(c);
  if (!v.blockwise)
    return classOf(v);
  if (c->kind == Condition::Kind::LessEqual) {
    // What is subtracted goes to the other side.
    Linear left = c->lhs, right = c->rhs;
    if (right.isConstant(0)) {
      llvm::erase_if(left.terms, [](auto &t) { return t.second < 0; });
      right = add(left, c->lhs, -1);
    }
    Interval lhs = evaluate(left, Scope::Block);
    Interval rhs = evaluate(right, Scope::Block);
    Scalar hold = obligationsHold(c->lhs, c->rhs);
    auto before = [&](Scalar a, Scalar b) {
      return c->strict ? emit.less(a, b) : emit.lessEqual(a, b);
    };
    return {emit.either(emit.negate(hold), before(lhs.min, rhs.max)),
            emit.both(hold, before(lhs.max, rhs.min))};
  }
  BlockClass left = classOf(c->left), right = classOf(c->right);
  if (c->kind == Condition::Kind::And)
    return {emit.both(left.may, right.may), emit.both(left.must, right.must)};
  BlockClass r{emit.either(left.may, right.may),
               emit.either(left.must, right.must)};
  // A block may be covered by two ranges together and by neither alone.
  const Visibility &a = visibilityOf(c->left), &b = visibilityOf(c->right);
  if (!a.blockwise && !b.blockwise)
    r.must = emit.either(r.must, classOf(v).must);
  return r;
}

BlockClass MaskAnalysis::classify(Scalar firstKey, Scalar keys) {
  blockLow = firstKey;
  blockHigh = emit.add(firstKey, keys);
  return classOf(root);
}
