//===- MaskOperations.cpp - Operations of a mask that are not linear ------===//
//
// Each is brought to the simplest form that stands for it, and becomes an atom
// only if nothing simpler does.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskExpression.h"

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ladon::analysis;

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Linear MaskExpression::floorDiv(Linear a, Linear b, Value value) {
  if (b.isConstant() && b.constant < 0)
    return floorDiv(scaled(a, -1), scaled(b, -1), value);
  if (b.isConstant(0) || !b.isUniform() || a.overflowed || b.overflowed)
    return opaque(value);
  StaticRange ra = a.range(), rb = b.range();
  if (rb.max < 1)
    return opaque(value);
  if (!b.isConstant()) {
    if (rb.min < 1) {
      auto o = std::make_unique<Obligation>(Obligation{b, 1, kScalarLimit});
      b.obligations.push_back(o.get());
      obligations.push_back(std::move(o));
    }
    Wide low = std::min<Wide>(ra.min, 0), high = std::max<Wide>(ra.max, 0);
    return atomForm(atom(Atom::Kind::FloorDiv, {a, b}, {low, high}));
  }
  // Multiples of the divisor come out: (d x + y) // d = x + y // d.
  int64_t d = b.constant;
  auto floor = [&](Wide w) { return w >= 0 ? w / d : -((-w + d - 1) / d); };
  Linear quotient, rest;
  quotient.constant = static_cast<int64_t>(floor(a.constant));
  rest.constant = a.constant - quotient.constant * d;
  rest.obligations = a.obligations;
  for (auto term : a.terms) {
    if (term.second % d == 0)
      quotient.terms.push_back({term.first, term.second / d});
    else
      rest.terms.push_back(term);
  }
  StaticRange r = rest.range();
  Linear tail = rest;
  if (r.min >= 0 && r.max < d) {
    tail = Linear();
    tail.obligations = rest.obligations;
  } else {
    tail = atomForm(
        atom(Atom::Kind::FloorDiv, {rest, b}, {floor(r.min), floor(r.max)}));
  }
  return add(quotient, tail);
}

Linear MaskExpression::floorMod(Linear a, Linear b, Value value) {
  if (b.isConstant() && b.constant < 0)
    return scaled(floorMod(scaled(a, -1), scaled(b, -1), value), -1);
  if (!b.isConstant()) {
    // x mod d = x - d (x // d) shares the obligations of the division.
    Linear quotient = floorDiv(a, b, value);
    if (quotient.terms.size() != 1 ||
        quotient.terms[0].first->kind != Atom::Kind::FloorDiv)
      return opaque(value);
    const Atom *division = quotient.terms[0].first;
    return atomForm(atom(Atom::Kind::FloorMod, division->args,
                         {0, std::max<Wide>(b.range().max - 1, 0)}));
  }
  if (b.isConstant(0) || a.overflowed)
    return opaque(value);
  int64_t d = b.constant;
  StaticRange r = a.range();
  if (r.min >= 0 && r.max < d)
    return a;
  llvm::erase_if(a.terms, [&](auto &t) { return t.second % d == 0; });
  a.constant = (a.constant % d + d) % d;
  r = a.range();
  if (r.min >= 0 && r.max < d)
    return a;
  return atomForm(atom(Atom::Kind::FloorMod, {a, b}, {0, d - 1}));
}

Linear MaskExpression::minimum(const Linear &a, const Linear &b, bool isMax) {
  StaticRange ra = a.range(), rb = b.range();
  if (sameForm(a, b))
    return a;
  StaticRange r =
      isMax ? StaticRange{std::max(ra.min, rb.min), std::max(ra.max, rb.max)}
            : StaticRange{std::min(ra.min, rb.min), std::min(ra.max, rb.max)};
  return atomForm(atom(isMax ? Atom::Kind::Max : Atom::Kind::Min, {a, b}, r));
}

Linear MaskExpression::absolute(const Linear &a) {
  StaticRange r = a.range();
  if (r.min >= 0)
    return a;
  if (r.max <= 0)
    return scaled(a, -1);
  return atomForm(atom(Atom::Kind::Abs, {a}, {0, std::max(-r.min, r.max)}));
}

Linear MaskExpression::multiply(const Linear &a, const Linear &b, Value value) {
  if (b.isConstant())
    return scaled(a, b.constant);
  if (a.isConstant())
    return scaled(b, a.constant);
  StaticRange ra = a.range(), rb = b.range();
  if (!a.isWithin(kScalarLimit >> 31) || !b.isWithin(int64_t(1) << 31))
    return opaque(value);
  Wide corners[] = {ra.min * rb.min, ra.min * rb.max, ra.max * rb.min,
                    ra.max * rb.max};
  StaticRange r{*std::min_element(corners, corners + 4),
                *std::max_element(corners, corners + 4)};
  if (sameForm(a, b))
    r.min = std::max<Wide>(r.min, 0);
  return atomForm(atom(Atom::Kind::Mul, {a, b}, r));
}

Linear MaskExpression::bits(Operation *op, const Linear &a, const Linear &b) {
  Value value = op->getResult(0);
  if (isa<arith::XOrIOp>(op) && b.isConstant(-1))
    return add(Linear{-1, {}, {}, false}, a, -1);
  StaticRange ra = a.range(), rb = b.range();
  if (isa<arith::AndIOp>(op) && b.isConstant() && b.constant > 0 &&
      llvm::isMask_64(b.constant))
    return floorMod(a, Linear{b.constant + 1, {}, {}, false}, value);
  if (isa<arith::AndIOp>(op) && b.isConstant() && b.constant < 0 &&
      llvm::isPowerOf2_64(-static_cast<uint64_t>(b.constant)) &&
      b.constant > -kScalarLimit)
    return add(a, floorMod(a, Linear{-b.constant, {}, {}, false}, value), -1);
  if (isa<arith::AndIOp>(op) && (ra.min >= 0 || rb.min >= 0)) {
    Wide max = ra.min < 0   ? rb.max
               : rb.min < 0 ? ra.max
                            : std::min(ra.max, rb.max);
    return atomForm(atom(Atom::Kind::BitsAnd, {a, b}, {0, max}));
  }
  if (!isa<arith::AndIOp>(op) && ra.min >= 0 && rb.min >= 0 &&
      ra.max < kScalarLimit && rb.max < kScalarLimit)
    return atomForm(atom(Atom::Kind::BitsOr, {a, b}, {0, ra.max + rb.max}));
  return opaque(value);
}

Linear MaskExpression::read(Operation *op) {
  Value result = op->getResult(0);
  auto arg = dyn_cast<BlockArgument>(op->getOperand(0));
  if (!arg || arg.getOwner() != &body || arg.getArgNumber() < 4)
    return opaque(result);
  Value tensor = site.captures[arg.getArgNumber() - 4];
  auto type = dyn_cast<MemRefType>(tensor.getType());
  if (!type || !emitter.isOutside(tensor) || type.getElementTypeBitWidth() == 1)
    return opaque(result);
  SmallVector<Linear> indices;
  for (Value index : op->getOperands().drop_front())
    indices.push_back(linear(index));
  return atomForm(
      atom(Atom::Kind::Read, indices, rangeOfType(result.getType()), tensor));
}

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

/// Whether `cond` says that `rem`, a remainder by a positive `divisor`, is
/// negative: `rem < 0`, possibly with `rem != 0` beside it and with the sign of
/// the divisor taken into account.
static bool saysNegative(Value cond, Value rem, Value divisor) {
  using arith::CmpIPredicate;
  Operation *op = cond.getDefiningOp();
  auto isSignOf = [](Value v, Value of) {
    auto cmp = v.getDefiningOp<arith::CmpIOp>();
    return cmp && cmp.getPredicate() == CmpIPredicate::slt &&
           cmp.getLhs() == of && matchPattern(cmp.getRhs(), m_Zero());
  };
  auto differs = [&](Value a, Value b) {
    return (isSignOf(a, rem) && isSignOf(b, divisor)) ||
           (isSignOf(b, rem) && isSignOf(a, divisor));
  };
  if (isSignOf(cond, rem))
    return true;
  if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(op)) {
    if (cmp.getPredicate() == CmpIPredicate::ne)
      return differs(cmp.getLhs(), cmp.getRhs());
    auto product = cmp.getLhs().getDefiningOp<arith::XOrIOp>();
    return cmp.getPredicate() == CmpIPredicate::slt && product &&
           matchPattern(cmp.getRhs(), m_Zero()) &&
           llvm::is_contained(product->getOperands(), rem) &&
           llvm::is_contained(product->getOperands(), divisor);
  }
  if (isa_and_nonnull<arith::XOrIOp>(op))
    return differs(op->getOperand(0), op->getOperand(1));
  if (!isa_and_nonnull<arith::AndIOp>(op))
    return false;
  auto isNonZero = [&](Value v) {
    auto cmp = v.getDefiningOp<arith::CmpIOp>();
    return cmp && cmp.getPredicate() == CmpIPredicate::ne &&
           cmp.getLhs() == rem && matchPattern(cmp.getRhs(), m_Zero());
  };
  Value a = op->getOperand(0), b = op->getOperand(1);
  return (isNonZero(a) && saysNegative(b, rem, divisor)) ||
         (isNonZero(b) && saysNegative(a, rem, divisor));
}

Linear MaskExpression::select(arith::SelectOp op) {
  Value result = op.getResult(), onFalse = op.getFalseValue();
  // Floor remainder from a truncating one: r + d where r is negative, else r.
  if (auto rem = onFalse.getDefiningOp<arith::RemSIOp>())
    if (auto sum = op.getTrueValue().getDefiningOp<arith::AddIOp>()) {
      Value divisor = rem.getRhs();
      bool sums = (sum.getLhs() == rem && sum.getRhs() == divisor) ||
                  (sum.getRhs() == rem && sum.getLhs() == divisor);
      Linear d = linear(divisor);
      if (sums && d.range().min >= 1 &&
          saysNegative(op.getCondition(), rem, divisor))
        return floorMod(linear(rem.getLhs()), d, result);
    }
  const Condition *cond = condition(op.getCondition(), true);
  Linear a = linear(op.getTrueValue()), b = linear(onFalse);
  if (cond->kind == Condition::Kind::Constant)
    return cond->truth ? a : b;
  if (sameForm(a, b))
    return a;
  if (cond->kind == Condition::Kind::LessEqual && cond->rhs.isConstant(0) &&
      cond->lhs.obligations.empty()) {
    // `x <= 0` or `x < 0` between x and -x, between a and b where x = a - b.
    auto isAbout = [&](const Linear &x) {
      return sameForm(cond->lhs, x) ||
             sameForm(cond->lhs, add(x, {1, {}, {}, false}));
    };
    // Adding nothing of a and b keeps their obligations.
    auto from = [&](Linear form) { return add(add(form, a, 0), b, 0); };
    if (sameForm(a, scaled(b, -1))) {
      if (isAbout(b))
        return from(absolute(b));
      if (isAbout(a))
        return from(scaled(absolute(a), -1));
    }
    if (isAbout(add(a, b, -1)))
      return from(minimum(a, b, /*isMax=*/false));
    if (isAbout(add(b, a, -1)))
      return from(minimum(a, b, /*isMax=*/true));
  }
  StaticRange ra = a.range(), rb = b.range();
  StaticRange r{std::min(ra.min, rb.min), std::max(ra.max, rb.max)};
  const Atom *chosen = atom(Atom::Kind::Select, {a, b}, r, {}, cond);
  const_cast<Atom *>(chosen)->otherwise = condition(op.getCondition(), false);
  return atomForm(chosen);
}
