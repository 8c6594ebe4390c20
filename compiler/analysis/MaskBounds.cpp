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
  auto point = [](int64_t c) { return Interval<Scalar>{c, c}; };
  // Additions first: a - b needs no 0 - b.
  bool adds = llvm::any_of(x.terms, [](auto &t) { return t.second > 0; });
  Interval<Scalar> r = point(adds ? 0 : x.constant);
  for (auto [atom, coefficient] : x.terms)
    if (coefficient > 0)
      r = r + evaluate(atom, scope) * point(coefficient);
  if (adds)
    r = r + point(x.constant);
  for (auto [atom, coefficient] : x.terms)
    if (coefficient < 0)
      r = r - evaluate(atom, scope) * point(-coefficient);
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

ScalarBounds MaskVisibility::read(const Atom *atom, Scope scope) {
  SmallVector<Value> lower, upper;
  bool isPoint = true;
  for (const LinearForm &index : atom->args) {
    ScalarBounds v = evaluate(index, scope);
    isPoint &= v.isPoint();
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
    return Interval<Scalar>{low, low};
  Scalar high = emit.fromInteger(op.getMax(), atom->range);
  // A byte is a boolean: its range says all.
  Value bits = op.getSignature();
  if (op.getMin().getType().getIntOrFloatBitWidth() <= 8)
    return Interval<Scalar>{low, high};
  return {{low, high}, emit.fromInteger(bits, rangeOfType(bits.getType()))};
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

/// A choice by a condition that the tile or block may decide.
ScalarBounds MaskVisibility::choice(const Atom *atom, Scope scope) {
  ScalarBounds a = evaluate(atom->args[0], scope),
               b = evaluate(atom->args[1], scope);
  Interval<Scalar> both = hull<Scalar>(a, b);
  if (atom->condition->onSolved() && scope.block == 0)
    return both;
  BlockClass c = classOf(atom->condition, scope);
  auto chosen = [&](Scalar x, Scalar y, Scalar either) {
    return select(c.must, x, select(c.may, either, y));
  };
  return Interval<Scalar>{chosen(a.min, b.min, both.min),
                          chosen(a.max, b.max, both.max)};
}

ScalarBounds MaskVisibility::computeAtom(const Atom *atom, Scope scope) {
  if (atom->isPosition()) {
    const Span &span = atom->onSolved ? blocks[scope.block] : rows[scope.rows];
    return Interval<Scalar>{span.first, span.last};
  }
  if (atom->kind == Atom::Kind::Uniform) {
    Value value = outside(atom->source);
    // An index that a cast keeps whole is used without the cast.
    if (auto cast = value.getDefiningOp<arith::IndexCastOp>())
      if (Value in = cast.getIn();
          in.getType().isIndex() &&
          rangeOfType(cast.getType()).contains(condition.getRanges().of(in)))
        value = in;
    Scalar v = emit.fromInteger(value, atom->range);
    return Interval<Scalar>{v, v};
  }
  if (atom->kind == Atom::Kind::Read)
    return read(atom, scope);
  if (atom->kind == Atom::Kind::Select)
    return choice(atom, scope);
  if (atom->kind == Atom::Kind::Opaque ||
      (atom->kind == Atom::Kind::FloorMod && atom->isCoarse))
    return Interval<Scalar>{static_cast<int64_t>(atom->range.min),
                            static_cast<int64_t>(atom->range.max)};
  SmallVector<Interval<Scalar>> args;
  for (const LinearForm &arg : atom->args)
    args.push_back(evaluate(arg, scope));
  return boundsOf<Scalar>(atom->kind, args);
}
