//===- MaskIntervals.cpp - Bounds of values over a tile -------------------===//
//
// Interval arithmetic on linear forms and atoms, over the rows of the tile and
// a range of keys.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskAnalysis.h"
#include "dialects/tile/Tile.h"

using namespace mlir;
using namespace ladon::analysis;

Interval MaskAnalysis::evaluate(const Linear &x, Scope scope) {
  Scalar c = ScalarEmitter::constant(x.constant);
  std::optional<Interval> sum;
  // Additions first: a - b needs no 0 - b.
  for (auto [atom, coefficient] : x.terms) {
    if (coefficient < 0)
      continue;
    Interval a = evaluate(atom, scope);
    Scalar factor = ScalarEmitter::constant(coefficient);
    a = {emit.mul(a.min, factor), emit.mul(a.max, factor)};
    sum = sum ? Interval{emit.add(sum->min, a.min), emit.add(sum->max, a.max)}
              : a;
  }
  Interval r = sum ? Interval{emit.add(sum->min, c), emit.add(sum->max, c)}
                   : Interval{c, c};
  for (auto [atom, coefficient] : x.terms) {
    if (coefficient > 0)
      continue;
    Interval a = evaluate(atom, scope);
    Scalar factor = ScalarEmitter::constant(-coefficient);
    r = {emit.sub(r.min, emit.mul(a.max, factor)),
         emit.sub(r.max, emit.mul(a.min, factor))};
  }
  return r;
}

Interval MaskAnalysis::evaluate(const Atom *atom, Scope scope) {
  if (!atom->onKey)
    scope = Scope::Rows;
  auto key = std::make_pair(atom, unsigned(scope));
  auto it = intervals.find(key);
  if (it != intervals.end())
    return it->second;
  Interval v = computeAtom(atom, scope);
  intervals[key] = v;
  return v;
}

static Interval staticInterval(const Atom *atom) {
  return {ScalarEmitter::constant(static_cast<int64_t>(atom->range.min)),
          ScalarEmitter::constant(static_cast<int64_t>(atom->range.max))};
}

/// x mod d. Within one period the remainder runs with x; else it is anything.
Interval MaskAnalysis::remainder(const Interval &x, const Interval &divisor) {
  Scalar one = ScalarEmitter::constant(1), zero = ScalarEmitter::constant(0);
  Scalar d = emit.max(divisor.min, one);
  Scalar low = emit.mul(emit.floorDiv(x.min, d), d);
  if (x.min == x.max) {
    Scalar r = emit.sub(x.min, low);
    return {r, r};
  }
  Scalar high = emit.mul(emit.floorDiv(x.max, d), d);
  Scalar samePeriod = emit.equal(low, high);
  return {emit.select(samePeriod, emit.sub(x.min, low), zero),
          emit.select(samePeriod, emit.sub(x.max, low), emit.sub(d, one))};
}

Interval MaskAnalysis::product(const Interval &a, const Interval &b) {
  if (a.min == a.max && b.min == b.max) {
    Scalar p = emit.mul(a.min, b.min);
    return {p, p};
  }
  if (a.min.min >= 0 && b.min.min >= 0)
    return {emit.mul(a.min, b.min), emit.mul(a.max, b.max)};
  Scalar p[] = {emit.mul(a.min, b.min), emit.mul(a.min, b.max),
                emit.mul(a.max, b.min), emit.mul(a.max, b.max)};
  return {emit.min(emit.min(p[0], p[1]), emit.min(p[2], p[3])),
          emit.max(emit.max(p[0], p[1]), emit.max(p[2], p[3]))};
}

Interval MaskAnalysis::read(const Atom *atom, Scope scope) {
  SmallVector<Value> lower, upper;
  bool isPoint = true;
  for (const Linear &index : atom->args) {
    Interval v = evaluate(index, scope);
    isPoint &= v.min == v.max;
    lower.push_back(emit.index(v.min));
    upper.push_back(emit.index(v.max));
  }
  SmallVector<Value> operands{atom->value};
  operands.append(lower);
  operands.append(upper);
  Type element = cast<MemRefType>(atom->value.getType()).getElementType();
  auto op = ladon::tile::ValueRangeOp::create(emit.builderFor(operands),
                                              emit.getLoc(), element, element,
                                              atom->value, lower, upper);
  int64_t min = static_cast<int64_t>(atom->range.min);
  int64_t max = static_cast<int64_t>(atom->range.max);
  Scalar low = emit.fromInteger(op.getMin(), min, max);
  // One element is its own minimum and maximum.
  return {low, isPoint ? low : emit.fromInteger(op.getMax(), min, max)};
}

Interval MaskAnalysis::computeAtom(const Atom *atom, Scope scope) {
  auto arg = [&](unsigned i) { return evaluate(atom->args[i], scope); };
  Scalar zero = ScalarEmitter::constant(0), one = ScalarEmitter::constant(1);
  switch (atom->kind) {
  case Atom::Kind::Query:
    return {tile.firstQuery, tile.lastQuery};
  case Atom::Kind::Key:
    if (scope == Scope::Block)
      return {blockLow, emit.sub(blockHigh, one)};
    return {tile.keyLow, emit.sub(tile.keyHigh, one)};
  case Atom::Kind::Uniform: {
    Scalar v =
        emit.fromInteger(atom->value, static_cast<int64_t>(atom->range.min),
                         static_cast<int64_t>(atom->range.max));
    return {v, v};
  }
  case Atom::Kind::FloorDiv: {
    Interval x = arg(0), divisor = evaluate(atom->args[1], Scope::Rows);
    if (!(divisor.min == divisor.max))
      return staticInterval(atom);
    Scalar d = emit.max(divisor.min, one);
    return {emit.floorDiv(x.min, d), emit.floorDiv(x.max, d)};
  }
  case Atom::Kind::FloorMod: {
    // A remainder that is not bounded block by block: see Atom::onKey.
    if (!atom->onKey && atom->args[0].dependsOnKey())
      return staticInterval(atom);
    Interval divisor = evaluate(atom->args[1], Scope::Rows);
    if (!(divisor.min == divisor.max))
      return staticInterval(atom);
    return remainder(arg(0), divisor);
  }
  case Atom::Kind::Min: {
    Interval a = arg(0), b = arg(1);
    return {emit.min(a.min, b.min), emit.min(a.max, b.max)};
  }
  case Atom::Kind::Max: {
    Interval a = arg(0), b = arg(1);
    return {emit.max(a.min, b.min), emit.max(a.max, b.max)};
  }
  case Atom::Kind::Abs: {
    Interval x = arg(0);
    Scalar high = emit.max(emit.neg(x.min), x.max);
    if (x.min == x.max)
      return {high, high};
    return {emit.max(zero, emit.max(x.min, emit.neg(x.max))), high};
  }
  case Atom::Kind::Mul: {
    if (!sameForm(atom->args[0], atom->args[1]))
      return product(arg(0), arg(1));
    Interval x = arg(0);
    Scalar high = emit.max(emit.neg(x.min), x.max);
    Scalar low = emit.max(zero, emit.max(x.min, emit.neg(x.max)));
    if (x.min == x.max)
      low = high;
    return product({low, high}, {low, high});
  }
  case Atom::Kind::Select: {
    Interval a = arg(0), b = arg(1);
    Interval both{emit.min(a.min, b.min), emit.max(a.max, b.max)};
    if (scope == Scope::AllKeys)
      return both;
    BlockClass c;
    if (scope == Scope::Block) {
      c = classOf(atom->condition);
    } else {
      // The condition does not depend on j: its sets are all or nothing.
      const Visibility &v = visibilityOf(atom->condition);
      c = {v.may.guard, v.must.guard};
    }
    auto chosen = [&](Scalar x, Scalar y, Scalar either) {
      return emit.select(c.must, x, emit.select(c.may, either, y));
    };
    return {chosen(a.min, b.min, both.min), chosen(a.max, b.max, both.max)};
  }
  case Atom::Kind::Read:
    return read(atom, scope);
  case Atom::Kind::BitsAnd: {
    Interval a = arg(0), b = arg(1);
    if (atom->args[0].range().min < 0)
      return {zero, b.max};
    if (atom->args[1].range().min < 0)
      return {zero, a.max};
    return {zero, emit.min(a.max, b.max)};
  }
  case Atom::Kind::BitsOr: {
    Interval a = arg(0), b = arg(1);
    return {zero, emit.add(a.max, b.max)};
  }
  case Atom::Kind::Opaque:
    return staticInterval(atom);
  }
  llvm_unreachable("all kinds are covered");
}
