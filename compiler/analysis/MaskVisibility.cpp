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
  blocks.push_back({tile.low, tile.high - 1});
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
    r.may.guard = 0 <= bound.max;
    r.must.guard = 0 <= bound.min;
    return r;
  }
  // c a <= b is a <= b // c for c > 0, and a >= -(b // -c) for c < 0.
  bool isLower = coefficient < 0;
  auto limit = [&, c = coefficient](Scalar b) {
    return isLower ? 0 - floorDiv(b, -c) : floorDiv(b, c);
  };
  Scalar may = limit(bound.max), must = limit(bound.min);
  if (auto period = along == kSolved ? PeriodicBound::of(atom) : std::nullopt) {
    Scalar least = 0, most = static_cast<int64_t>(atom->range.max);
    (isLower ? period->low : period->high) = may;
    r.may.periods.push_back(*period);
    r.may.guard = isLower ? may <= most : least <= may;
    r.must.guard = isLower ? must <= least : most <= must;
    r.blockwise = !atom->isCoarse;
    return r;
  }
  if (!atom->isPosition())
    return std::nullopt;
  if (isLower) {
    r.may.low = may;
    r.must.low = must;
  } else {
    r.may.high = may + 1;
    r.must.high = must + 1;
  }
  return r;
}

/// Whether the integers of a comparison do not wrap.
Scalar MaskVisibility::obligationsHold(const LinearForm &form) {
  Scalar hold = true;
  for (const Obligation *o : form.obligations) {
    ScalarBounds v = evaluate(o->value, {});
    hold = hold & ((o->min <= v.min) & (v.max <= o->max));
  }
  return hold;
}

/// Where form <= 0.
Visibility MaskVisibility::notPositive(const LinearForm &form, Along along,
                                       Scope scope) {
  std::optional<Visibility> solved;
  if (form.isWithin(kUnbounded - 1))
    solved = solve(form, along, scope);
  if (!solved) {
    solved = Visibility{PositionSet::all(), PositionSet::none()};
    solved->blockwise = llvm::any_of(form.terms, [](auto &t) {
      return t.first->onSolved && !t.first->isCoarse;
    });
  }
  Scalar hold = obligationsHold(form);
  if (hold.isTrue())
    return *solved;
  PositionSet &may = solved->may, &must = solved->must;
  may.low = select(hold, may.low, -kUnbounded);
  may.high = select(hold, may.high, kUnbounded);
  may.periods.clear();
  may.guard = may.guard | !hold;
  must.guard = must.guard & hold;
  return *solved;
}

/// The two sides of a comparison: what is subtracted goes to the right one.
/// None if a side may leave 64 bits.
std::optional<MaskVisibility::Sides>
MaskVisibility::sidesOf(const LinearForm &form, Scope scope) {
  LinearForm left = form;
  llvm::erase_if(left.terms, [](auto &t) { return t.second < 0; });
  if (!left.terms.empty())
    left.constant = 0;
  LinearForm right = add(left, form, -1);
  // Of numbers without room for the 1 that makes a < b of a <= b - 1.
  bool isStrict = form.constant == 1 && !form.isWithin(kScalarLimit);
  if (isStrict)
    right = add(right, 1);
  for (const LinearForm *side : {&left, &right})
    if (!side->isAtom() && !side->isWithin(kScalarLimit))
      return std::nullopt;
  return Sides{evaluate(left, scope), evaluate(right, scope), isStrict};
}

/// Whether signatures leave it open that two values are equal.
static Scalar mayBeEqual(const ScalarBounds &a, const ScalarBounds &b) {
  auto signature = [&](const ScalarBounds &v) -> std::optional<Scalar> {
    return v.isPoint() ? signatureOf(v.min) : v.signature;
  };
  // Of two single values, bounds say all.
  if (!a.signature && !b.signature)
    return true;
  std::optional<Scalar> ofA = signature(a), ofB = signature(b);
  return ofA && ofB ? meet(*ofA, *ofB) : true;
}

Visibility MaskVisibility::compare(const Condition *c, Along along,
                                   Scope scope) {
  if (c->relation == Relation::LessEqual)
    return notPositive(c->form, along, scope);
  bool isEqual = c->relation == Relation::Equal;
  int64_t strict = isEqual ? 0 : 1;
  Visibility below = notPositive(add(c->form, strict), along, scope);
  Visibility above =
      notPositive(add(scaled(c->form, -1), strict), along, scope);
  Visibility r =
      isEqual ? conjunction(below, above) : disjunction(below, above);
  if (along != kSolved || c->onSolved())
    return r;
  // The same for all positions: all or none.
  auto sides = sidesOf(c->form, scope);
  if (!sides)
    return r;
  Scalar apart =
      obligationsHold(c->form) & !mayBeEqual(sides->left, sides->right);
  if (isEqual)
    r.may.guard = r.may.guard & !apart;
  else
    r.must.guard = r.must.guard | apart;
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
      s.guard = !s.guard;
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
  all.high = span.last + 1;
  for (const Condition *part : parts) {
    const PositionSet &must = visibilityOf(part, kFixed, {0, scope.block}).must;
    if (!must.isUnbounded())
      r = unite(r, must & all, /*isMust=*/true);
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
    must = unite(must, visibilityOf(part, kSolved, left).must, /*isMust=*/true);
  // No row may be left.
  Scalar covered = covers(byRow, rows.front());
  must.low = select(covered, -kUnbounded, must.low);
  must.high = select(covered, kUnbounded, must.high);
  must.guard = covered | must.guard;
  v.must = unite(must, v.must, /*isMust=*/true);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// `span` as a member of `spans`, of which there are a few; else `otherwise`,
/// which holds more.
unsigned MaskVisibility::indexOf(SmallVectorImpl<Span> &spans, const Span &span,
                                 unsigned otherwise) {
  for (auto [index, known] : llvm::enumerate(spans))
    if (isSame(known.first, span.first) && isSame(known.last, span.last))
      return index;
  if (spans.size() >= kSpans)
    return otherwise;
  spans.push_back(span);
  return spans.size() - 1;
}

BlockClass MaskVisibility::classOf(const Visibility &v, const Span &block) {
  Scalar must = covers(v.must, block);
  if (v.may.periods.empty()) // An empty range need not be told from one inside.
    return {v.may.guard & (v.may.low <= block.last) &
                (block.first < v.may.high),
            must};
  auto [low, high] = clip(v.may, block.first, block.last + 1);
  return {v.may.guard & (low < high), must};
}

/// By the bounds of both sides over the block.
BlockClass MaskVisibility::classOfComparison(const Condition *c, Scope scope) {
  auto sides = sidesOf(c->form, scope);
  if (!sides)
    return {true, false};
  auto &[lhs, rhs, isStrict] = *sides;
  BlockClass below{lhs.min <= rhs.max, lhs.max <= rhs.min};
  BlockClass above{rhs.min <= lhs.max, rhs.max <= lhs.min};
  BlockClass r = isStrict ? !above : below;
  if (c->relation == Relation::Equal) {
    Scalar meet = mayBeEqual(lhs, rhs);
    r = {below.may & above.may & meet, below.must & above.must};
  } else if (c->relation == Relation::NotEqual) {
    r = !below | !above;
    r.must = r.must | !mayBeEqual(lhs, rhs);
  }
  Scalar hold = obligationsHold(c->form);
  return {!hold | r.may, hold & r.must};
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
    r.may = r.may & classOf(v, block).may;
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
  for (const Condition *part : others)
    r = r & classOf(part, scope);
  return r;
}

/// The parts that are no ranges are looked at where the others need not hold:
/// in the rest of the block, or in the rest of the rows.
BlockClass MaskVisibility::classOfDisjunction(const Condition *c, Scope scope) {
  Scope whole{scope.rows, 0};
  const Span block = blocks[scope.block], span = rows[scope.rows];
  Visibility ranges{PositionSet::none(), PositionSet::none()};
  BlockClass r{false, false};
  SmallVector<const Condition *> solved, others;
  for (const Condition *part : c->parts) {
    const Visibility &v = visibilityOf(part, kSolved, whole);
    if (v.blockwise) {
      others.push_back(part);
      continue;
    }
    solved.push_back(part);
    ranges = disjunction(ranges, v);
    r = r | classOf(v, block);
  }
  PositionSet rowsThatSee = rowsThatMust(solved, scope);
  // A block may be covered by two parts together and by neither alone.
  r.must = r.must | covers(ranges.must, block) | covers(rowsThatSee, span);
  Scope rest = scope, otherRows = scope;
  rest.block = indexOf(blocks, without(block, ranges.must), scope.block);
  otherRows.rows = indexOf(rows, without(span, rowsThatSee), scope.rows);
  for (const Condition *part : others) {
    r = r | classOf(part, rest);
    if (otherRows.rows != scope.rows && part->onFixed())
      r.must = r.must | classOf(part, otherRows).must;
  }
  return r;
}

BlockClass MaskVisibility::classify(Scalar first, Scalar count) {
  blocks.push_back({first, first + count - 1});
  return classOf(root, {0, static_cast<unsigned>(blocks.size() - 1)});
}
