//===- MaskBounds.cpp - Bounds of values over a tile ----------------------===//
//
// ScalarBounds arithmetic on linear forms and atoms, over the rows of the tile
// and a range of keys.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskVisibility.h"
#include "dialects/tile/Tile.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace ladon::analysis;

ScalarBounds MaskVisibility::evaluate(const LinearForm &x, Scope scope) {
  if (x.isAtom())
    return evaluate(x.terms.front().first, scope);
  Scalar c = ScalarEmitter::constant(x.constant);
  std::optional<ScalarBounds> sum;
  // Additions first: a - b needs no 0 - b.
  for (auto [atom, coefficient] : x.terms) {
    if (coefficient < 0)
      continue;
    ScalarBounds a = evaluate(atom, scope);
    Scalar factor = ScalarEmitter::constant(coefficient);
    a = {emit.mul(a.min, factor), emit.mul(a.max, factor)};
    sum =
        sum ? ScalarBounds{emit.add(sum->min, a.min), emit.add(sum->max, a.max)}
            : a;
  }
  ScalarBounds r =
      sum ? ScalarBounds{emit.add(sum->min, c), emit.add(sum->max, c)}
          : ScalarBounds{c, c};
  for (auto [atom, coefficient] : x.terms) {
    if (coefficient > 0)
      continue;
    ScalarBounds a = evaluate(atom, scope);
    Scalar factor = ScalarEmitter::constant(-coefficient);
    r = {emit.sub(r.min, emit.mul(a.max, factor)),
         emit.sub(r.max, emit.mul(a.min, factor))};
  }
  return r;
}

ScalarBounds MaskVisibility::evaluate(const Atom *atom, Scope scope) {
  if (!atom->onSolved || atom->isCoarse)
    scope.block = 0;
  if (!atom->onFixed)
    scope.rows = 0;
  Key key{atom, 0, scope.rows, scope.block};
  auto it = bounds.find(key);
  if (it != bounds.end())
    return it->second;
  ScalarBounds v = computeAtom(atom, scope);
  bounds[key] = v;
  return v;
}

static ScalarBounds staticBounds(const Atom *atom) {
  return {ScalarEmitter::constant(static_cast<int64_t>(atom->range.min)),
          ScalarEmitter::constant(static_cast<int64_t>(atom->range.max))};
}

/// x mod d. Within one period the remainder runs with x; else it is anything.
ScalarBounds MaskVisibility::remainder(const ScalarBounds &x,
                                       const ScalarBounds &divisor) {
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

ScalarBounds MaskVisibility::product(const ScalarBounds &a,
                                     const ScalarBounds &b) {
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

/// |x|.
ScalarBounds MaskVisibility::magnitude(const ScalarBounds &x) {
  Scalar high = emit.max(emit.neg(x.min), x.max);
  if (x.min == x.max)
    return {high, high};
  Scalar low = emit.max(x.min, emit.neg(x.max));
  return {emit.max(ScalarEmitter::constant(0), low), high};
}

ScalarBounds MaskVisibility::read(const Atom *atom, Scope scope) {
  SmallVector<Value> lower, upper;
  bool isPoint = true;
  for (const LinearForm &index : atom->args) {
    ScalarBounds v = evaluate(index, scope);
    isPoint &= v.min == v.max;
    lower.push_back(emit.index(v.min));
    upper.push_back(emit.index(v.max));
  }
  SmallVector<Value> operands{atom->source};
  operands.append(lower);
  operands.append(upper);
  auto op = ladon::tile::ValueRangeOp::create(
      emit.builderFor(operands), emit.getLoc(), atom->source, lower, upper);
  Scalar low = emit.fromInteger(op.getMin(), atom->range);
  // One element is its own minimum and maximum.
  if (isPoint)
    return {low, low};
  Scalar high = emit.fromInteger(op.getMax(), atom->range);
  // A byte is a boolean: its range says all.
  Value bits = op.getSignature();
  if (op.getMin().getType().getIntOrFloatBitWidth() <= 8)
    return {low, high};
  return {low, high, emit.fromInteger(bits, rangeOfType(bits.getType()))};
}

Value MaskVisibility::outside(Value value) {
  Value &result = clones[value];
  if (result)
    return result;
  Value made;
  const MaskSite &site = condition.getSite();
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    unsigned n = arg.getArgNumber();
    if (n >= 4) {
      made = site.captures[n - 4];
    } else {
      Value source = n == 0 ? tile.batch : tile.head;
      made = arith::IndexCastOp::create(emit.builderFor(source), value.getLoc(),
                                        value.getType(), source);
    }
  } else {
    Operation *op = value.getDefiningOp();
    IRMapping map;
    for (Value operand : op->getOperands())
      map.map(operand, outside(operand));
    made = emit.builderFor({}).clone(*op, map)->getResult(0);
  }
  return clones[value] = made;
}

ScalarBounds MaskVisibility::computeAtom(const Atom *atom, Scope scope) {
  auto arg = [&](unsigned i) { return evaluate(atom->args[i], scope); };
  Scalar zero = ScalarEmitter::constant(0), one = ScalarEmitter::constant(1);
  switch (atom->kind) {
  case Atom::Kind::Query:
  case Atom::Kind::Key: {
    const Span &span = atom->onSolved ? blocks[scope.block] : rows[scope.rows];
    return {span.first, span.last};
  }
  case Atom::Kind::Uniform: {
    Value value = outside(atom->value);
    // An index that a cast keeps whole is used without the cast.
    if (auto cast = value.getDefiningOp<arith::IndexCastOp>())
      if (Value in = cast.getIn();
          in.getType().isIndex() &&
          rangeOfType(cast.getType()).contains(condition.getRanges().of(in)))
        value = in;
    Scalar v = emit.fromInteger(value, atom->range);
    return {v, v};
  }
  case Atom::Kind::FloorDiv: {
    ScalarBounds x = arg(0), divisor = arg(1);
    if (!(divisor.min == divisor.max))
      return staticBounds(atom);
    Scalar d = emit.max(divisor.min, one);
    return {emit.floorDiv(x.min, d), emit.floorDiv(x.max, d)};
  }
  case Atom::Kind::FloorMod: {
    if (atom->isCoarse)
      return staticBounds(atom);
    ScalarBounds divisor = arg(1);
    if (!(divisor.min == divisor.max))
      return staticBounds(atom);
    return remainder(arg(0), divisor);
  }
  case Atom::Kind::Min: {
    ScalarBounds a = arg(0), b = arg(1);
    return {emit.min(a.min, b.min), emit.min(a.max, b.max)};
  }
  case Atom::Kind::Max: {
    ScalarBounds a = arg(0), b = arg(1);
    return {emit.max(a.min, b.min), emit.max(a.max, b.max)};
  }
  case Atom::Kind::Abs:
    return magnitude(arg(0));
  case Atom::Kind::Mul: {
    if (!sameForm(atom->args[0], atom->args[1]))
      return product(arg(0), arg(1));
    ScalarBounds x = magnitude(arg(0));
    return product(x, x);
  }
  case Atom::Kind::Select: {
    ScalarBounds a = arg(0), b = arg(1);
    ScalarBounds both{emit.min(a.min, b.min), emit.max(a.max, b.max)};
    if (atom->condition->onSolved() && scope.block == 0)
      return both;
    BlockClass c = classOf(atom->condition, scope);
    auto chosen = [&](Scalar x, Scalar y, Scalar either) {
      return emit.select(c.must, x, emit.select(c.may, either, y));
    };
    return {chosen(a.min, b.min, both.min), chosen(a.max, b.max, both.max)};
  }
  case Atom::Kind::Read:
    return read(atom, scope);
  case Atom::Kind::BitsAnd: {
    ScalarBounds a = arg(0), b = arg(1);
    if (atom->args[0].range().min < 0)
      return {zero, b.max};
    if (atom->args[1].range().min < 0)
      return {zero, a.max};
    return {zero, emit.min(a.max, b.max)};
  }
  case Atom::Kind::BitsOr: {
    ScalarBounds a = arg(0), b = arg(1);
    return {zero, emit.add(a.max, b.max)};
  }
  case Atom::Kind::Opaque:
    return staticBounds(atom);
  }
  llvm_unreachable("all kinds are covered");
}
