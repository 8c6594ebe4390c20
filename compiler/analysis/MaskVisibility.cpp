//===- MaskVisibility.cpp - What a tile can see ---------------------------===//
//
// Solves the comparisons of a mask for positions, and classifies blocks. Sets
// of positions are in PositionSet.cpp, the bounds of values over a tile in
// MaskBounds.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskVisibility.h"

using namespace mlir;
using namespace ladon::analysis;
using Kind = Condition::Kind;
using Relation = Condition::Relation;

MaskVisibility::MaskVisibility(MaskCondition &condition, const MaskTile &tile,
                               ScalarEmitter &emitter)
    : condition(condition), root(condition.visible()), tile(tile),
      emit(emitter) {
  rows.push_back({tile.first, tile.last});
  blocks.push_back({tile.low, emit.sub(tile.high, ScalarEmitter::constant(1))});
}

//===----------------------------------------------------------------------===//
// Comparisons solved for positions
//===----------------------------------------------------------------------===//

/// Where x <= 0, if that is a range or recurs with a period.
std::optional<Visibility> MaskVisibility::solve(const LinearForm &x,
                                                Along along, Scope scope) {
  LinearForm rest = x.constant;
  std::pair<const Atom *, int64_t> position{nullptr, 0};
  for (auto term : x.terms) {
    if (!(along == kSolved ? term.first->onSolved : term.first->onFixed))
      rest.terms.push_back(term);
    else if (!position.first)
      position = term;
    else
      return std::nullopt;
  }
  // The strictest bound over the rows decides what must be visible, the loosest
  // what may be.
  ScalarBounds bound = evaluate(scaled(rest, -1), scope);
  Visibility r;
  auto [atom, coefficient] = position;
  if (!atom) {
    Scalar zero = ScalarEmitter::constant(0);
    r.may.guard = emit.lessEqual(zero, bound.max);
    r.must.guard = emit.lessEqual(zero, bound.min);
    return r;
  }
  // c a <= b is a <= b // c for c > 0, and a >= -(b // -c) for c < 0.
  bool isLower = coefficient < 0;
  Scalar size = ScalarEmitter::constant(isLower ? -coefficient : coefficient);
  auto limit = [&](Scalar b) {
    b = emit.floorDiv(b, size);
    return isLower ? emit.neg(b) : b;
  };
  Scalar may = limit(bound.max), must = limit(bound.min);
  if (along == kSolved && isPeriodic(atom)) {
    PeriodicBound period{atom, {}, {}};
    (isLower ? period.low : period.high) = may;
    r.may.periods.push_back(period);
    ScalarBounds all{ScalarEmitter::constant(0),
                     ScalarEmitter::constant(atom->range.max)};
    r.may.guard =
        isLower ? emit.lessEqual(may, all.max) : emit.lessEqual(all.min, may);
    r.must.guard =
        isLower ? emit.lessEqual(must, all.min) : emit.lessEqual(all.max, must);
    r.blockwise = !atom->isCoarse;
    return r;
  }
  if (atom->kind != Atom::Kind::Key && atom->kind != Atom::Kind::Query)
    return std::nullopt;
  if (isLower) {
    r.may.low = may;
    r.must.low = must;
  } else {
    Scalar one = ScalarEmitter::constant(1);
    r.may.high = emit.add(may, one);
    r.must.high = emit.add(must, one);
  }
  return r;
}

/// Whether the integers of a comparison do not wrap.
Scalar MaskVisibility::obligationsHold(const LinearForm &a,
                                       const LinearForm &b) {
  Scalar hold = ScalarEmitter::boolean(true);
  for (const LinearForm *side : {&a, &b})
    for (const Obligation *o : side->obligations) {
      ScalarBounds v = evaluate(o->value, {});
      hold = emit.both(
          hold,
          emit.both(emit.lessEqual(ScalarEmitter::constant(o->min), v.min),
                    emit.lessEqual(v.max, ScalarEmitter::constant(o->max))));
    }
  return hold;
}

/// Whether looking at a block says more of `form` than its range does.
static bool variesByBlock(const LinearForm &form) {
  return llvm::any_of(form.terms, [](auto &t) {
    return t.first->onSolved && !t.first->isCoarse;
  });
}

Visibility MaskVisibility::lessEqual(const LinearForm &lhs,
                                     const LinearForm &rhs, bool strict,
                                     Along along, Scope scope) {
  std::optional<Visibility> solved;
  if (!strict && rhs.isConstant(0) && lhs.isWithin(kScalarLimit))
    solved = solve(lhs, along, scope);
  if (!solved)
    solved = Visibility{PositionSet::all(), PositionSet::none(),
                        variesByBlock(lhs) || variesByBlock(rhs)};
  Scalar hold = obligationsHold(lhs, rhs);
  if (hold.isTrue())
    return *solved;
  auto relaxed = [&](std::optional<Scalar> &bound, Scalar end) {
    if (bound)
      bound = emit.select(hold, *bound, end);
  };
  relaxed(solved->may.low, along == kSolved ? tile.low : tile.first);
  relaxed(solved->may.high,
          along == kSolved ? tile.high
                           : emit.add(tile.last, ScalarEmitter::constant(1)));
  solved->may.periods.clear();
  solved->may.guard = emit.either(solved->may.guard, emit.negate(hold));
  solved->must.guard = emit.both(solved->must.guard, hold);
  return *solved;
}

/// The two sides of a comparison: what is subtracted goes to the other one.
static std::pair<LinearForm, LinearForm> sidesOf(const Condition *c) {
  if (!c->rhs.isConstant(0))
    return {c->lhs, c->rhs};
  LinearForm left = c->lhs;
  llvm::erase_if(left.terms, [](auto &t) { return t.second < 0; });
  if (!left.terms.empty())
    left.constant = 0;
  return {left, add(left, c->lhs, -1)};
}

/// Whether signatures leave it open that two values are equal.
Scalar MaskVisibility::mayBeEqual(const Condition *c, Scope scope) {
  auto signature = [&](const ScalarBounds &v) -> std::optional<Scalar> {
    return v.min == v.max ? emit.bitOf(v.min) : v.signature;
  };
  auto [left, right] = sidesOf(c);
  ScalarBounds lhs = evaluate(left, scope), rhs = evaluate(right, scope);
  // Of two single values, bounds say all.
  if (!lhs.signature && !rhs.signature)
    return ScalarEmitter::boolean(true);
  std::optional<Scalar> ofLeft = signature(lhs), ofRight = signature(rhs);
  return ofLeft && ofRight ? emit.meet(*ofLeft, *ofRight)
                           : ScalarEmitter::boolean(true);
}

Visibility MaskVisibility::compare(const Condition *c, Along along,
                                   Scope scope) {
  if (c->relation == Relation::LessEqual)
    return lessEqual(c->lhs, c->rhs, c->strict, along, scope);
  bool isEqual = c->relation == Relation::Equal;
  Visibility below, above;
  if (c->rhs.isConstant(0)) {
    int64_t strict = isEqual ? 0 : 1;
    below = lessEqual(add(c->lhs, strict), c->rhs, false, along, scope);
    above =
        lessEqual(add(scaled(c->lhs, -1), strict), c->rhs, false, along, scope);
  } else {
    below = lessEqual(c->lhs, c->rhs, !isEqual, along, scope);
    above = lessEqual(c->rhs, c->lhs, !isEqual, along, scope);
  }
  Visibility r =
      isEqual ? conjunction(below, above) : disjunction(below, above);
  if (along != kSolved || c->onSolved())
    return r;
  // The same for all positions: all or none.
  Scalar apart = emit.both(obligationsHold(c->lhs, c->rhs),
                           emit.negate(mayBeEqual(c, scope)));
  if (isEqual)
    r.may.guard = emit.both(r.may.guard, emit.negate(apart));
  else
    r.must.guard = emit.either(r.must.guard, apart);
  return r;
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

const Visibility &MaskVisibility::visibilityOf(const Condition *c, Along along,
                                               Scope scope) {
  Key key{c, along, scope.rows, scope.block};
  auto it = visibilities.find(key);
  if (it == visibilities.end())
    it =
        visibilities.try_emplace(key, computeVisibility(c, along, scope)).first;
  return it->second;
}

Visibility MaskVisibility::computeVisibility(const Condition *c, Along along,
                                             Scope scope) {
  switch (c->kind) {
  case Kind::Constant:
    return c->truth ? Visibility{PositionSet::all(), PositionSet::all()}
                    : Visibility{PositionSet::none(), PositionSet::none()};
  case Kind::Uniform: {
    PositionSet s;
    s.guard = emit.wrap(outside(c->value), {0, 1});
    if (!c->truth)
      s.guard = emit.negate(s.guard);
    return {s, s};
  }
  case Kind::Compare:
    return compare(c, along, scope);
  case Kind::Unknown:
    return {PositionSet::all(), PositionSet::none()};
  case Kind::And:
  case Kind::Or: {
    Visibility r = visibilityOf(c->parts.front(), along, scope);
    for (const Condition *part : ArrayRef(c->parts).drop_front()) {
      const Visibility &next = visibilityOf(part, along, scope);
      r = c->kind == Kind::And ? conjunction(r, next) : disjunction(r, next);
    }
    if (c->kind == Kind::Or && along == kSolved && scope.rows == 0)
      addRowByRow(c, r, scope);
    return r;
  }
  }
  llvm_unreachable("all kinds are covered");
}

/// A range of the rows of `scope` in which one of `parts` must hold over the
/// block of `scope`.
PositionSet MaskVisibility::rowsThatMust(ArrayRef<const Condition *> parts,
                                         Scope scope) {
  const Span span = rows[scope.rows];
  PositionSet all, r = PositionSet::none();
  all.low = span.first;
  all.high = emit.add(span.last, ScalarEmitter::constant(1));
  for (const Condition *part : parts) {
    const PositionSet &must = visibilityOf(part, kFixed, {0, scope.block}).must;
    if (!must.isUnbounded())
      r = largestPart(r, intersection(must, all));
  }
  return r;
}

/// `i < 4 or j <= i`: what the rows from 4 on must see, all must.
void MaskVisibility::addRowByRow(const Condition *c, Visibility &v,
                                 Scope scope) {
  SmallVector<const Condition *> ofRows, others;
  for (const Condition *part : c->parts)
    (part->kind == Kind::Compare && !part->onSolved() ? ofRows : others)
        .push_back(part);
  PositionSet byRow = rowsThatMust(ofRows, scope);
  if (byRow.isNone() || others.empty())
    return;
  Scope left = scope;
  left.rows = indexOf(rows, without(rows.front(), byRow), 0);
  PositionSet must = PositionSet::none();
  for (const Condition *part : others)
    must = largestPart(must, visibilityOf(part, kSolved, left).must);
  // No row may be left.
  Scalar covered = covers(byRow, rows.front());
  if (must.low)
    must.low = emit.select(covered, tile.low, *must.low);
  if (must.high)
    must.high = emit.select(covered, tile.high, *must.high);
  must.guard = emit.either(covered, must.guard);
  v.must = largestPart(must, v.must);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// `span` as a member of `spans`, of which there are a few; else `otherwise`,
/// which holds more.
unsigned MaskVisibility::indexOf(SmallVectorImpl<Span> &spans, const Span &span,
                                 unsigned otherwise) {
  for (auto [index, known] : llvm::enumerate(spans))
    if (known.first == span.first && known.last == span.last)
      return index;
  if (spans.size() >= kSpans)
    return otherwise;
  spans.push_back(span);
  return spans.size() - 1;
}

BlockClass MaskVisibility::classOf(const Visibility &v, const Span &block) {
  BlockClass r{v.may.guard, covers(v.must, block)};
  if (!v.may.periods.empty()) {
    auto [low, high] = clip(v.may, block.first,
                            emit.add(block.last, ScalarEmitter::constant(1)));
    r.may = emit.both(r.may, emit.less(low, high));
    return r;
  }
  // An empty range need not be told from one in the middle of the block.
  if (v.may.low)
    r.may = emit.both(r.may, emit.lessEqual(*v.may.low, block.last));
  if (v.may.high)
    r.may = emit.both(r.may, emit.less(block.first, *v.may.high));
  return r;
}

/// By the bounds of both sides over the block.
BlockClass MaskVisibility::classOfComparison(const Condition *c, Scope scope) {
  Scalar hold = obligationsHold(c->lhs, c->rhs);
  auto [left, right] = sidesOf(c);
  ScalarBounds lhs = evaluate(left, scope), rhs = evaluate(right, scope);
  auto before = [&](const ScalarBounds &a, const ScalarBounds &b,
                    bool strict) -> BlockClass {
    if (strict)
      return {emit.less(a.min, b.max), emit.less(a.max, b.min)};
    return {emit.lessEqual(a.min, b.max), emit.lessEqual(a.max, b.min)};
  };
  BlockClass r;
  if (c->relation == Relation::LessEqual) {
    r = before(lhs, rhs, c->strict);
  } else {
    bool isEqual = c->relation == Relation::Equal;
    BlockClass below = before(lhs, rhs, !isEqual);
    BlockClass above = before(rhs, lhs, !isEqual);
    Scalar meet = mayBeEqual(c, scope);
    r = isEqual ? BlockClass{emit.both(emit.both(below.may, above.may), meet),
                             emit.both(below.must, above.must)}
                : BlockClass{emit.either(below.may, above.may),
                             emit.either(emit.either(below.must, above.must),
                                         emit.negate(meet))};
  }
  return {emit.either(emit.negate(hold), r.may), emit.both(hold, r.must)};
}

BlockClass MaskVisibility::classOf(const Condition *c, Scope scope) {
  Key key{c, kSolved, scope.rows, scope.block};
  auto it = classes.find(key);
  if (it == classes.end())
    it = classes.try_emplace(key, computeClass(c, scope)).first;
  return it->second;
}

BlockClass MaskVisibility::computeClass(const Condition *c, Scope scope) {
  Scope whole{scope.rows, 0};
  // A copy: what follows may compute others.
  const Visibility v = visibilityOf(c, kSolved, whole);
  const Span block = blocks[scope.block];
  if (!v.blockwise)
    return classOf(v, block);
  BlockClass r = c->kind == Kind::Compare ? classOfComparison(c, scope)
                 : c->kind == Kind::And   ? classOfConjunction(c, scope)
                                          : classOfDisjunction(c, scope);
  // Conditions that recur with a period are told together.
  if (!v.may.periods.empty())
    r.may = emit.both(r.may, classOf(v, block).may);
  return r;
}

/// The parts that are no ranges are looked at where the others may hold.
BlockClass MaskVisibility::classOfConjunction(const Condition *c, Scope scope) {
  Scope whole{scope.rows, 0};
  Visibility ranges{PositionSet::all(), PositionSet::all()};
  SmallVector<const Condition *> others;
  for (const Condition *part : c->parts) {
    const Visibility &v = visibilityOf(part, kSolved, whole);
    if (v.blockwise)
      others.push_back(part);
    else
      ranges = conjunction(ranges, v);
  }
  const Span block = blocks[scope.block];
  BlockClass r = classOf(ranges, block);
  scope.block = indexOf(blocks, narrowed(block, ranges.may), scope.block);
  for (const Condition *part : others) {
    BlockClass next = classOf(part, scope);
    r = {emit.both(r.may, next.may), emit.both(r.must, next.must)};
  }
  return r;
}

/// The parts that are no ranges are looked at where the others need not hold:
/// in the rest of the block, or in the rest of the rows.
BlockClass MaskVisibility::classOfDisjunction(const Condition *c, Scope scope) {
  Scope whole{scope.rows, 0};
  const Span block = blocks[scope.block], span = rows[scope.rows];
  Visibility ranges{PositionSet::none(), PositionSet::none()};
  BlockClass r{ScalarEmitter::boolean(false), ScalarEmitter::boolean(false)};
  SmallVector<const Condition *> solved, others;
  for (const Condition *part : c->parts) {
    const Visibility &v = visibilityOf(part, kSolved, whole);
    if (v.blockwise) {
      others.push_back(part);
      continue;
    }
    solved.push_back(part);
    ranges = disjunction(ranges, v);
    BlockClass next = classOf(v, block);
    r = {emit.either(r.may, next.may), emit.either(r.must, next.must)};
  }
  PositionSet rowsThatSee = rowsThatMust(solved, scope);
  // A block may be covered by two parts together and by neither alone.
  r.must = emit.either(r.must, covers(ranges.must, block));
  r.must = emit.either(r.must, covers(rowsThatSee, span));
  Scope rest = scope, otherRows = scope;
  rest.block = indexOf(blocks, without(block, ranges.must), scope.block);
  otherRows.rows = indexOf(rows, without(span, rowsThatSee), scope.rows);
  for (const Condition *part : others) {
    BlockClass next = classOf(part, rest);
    r = {emit.either(r.may, next.may), emit.either(r.must, next.must)};
    if (otherRows.rows != scope.rows && part->onFixed())
      r.must = emit.either(r.must, classOf(part, otherRows).must);
  }
  return r;
}

BlockClass MaskVisibility::classify(Scalar first, Scalar count) {
  Scalar one = ScalarEmitter::constant(1);
  blocks.push_back({first, emit.sub(emit.add(first, count), one)});
  return classOf(root, {0, static_cast<unsigned>(blocks.size() - 1)});
}
