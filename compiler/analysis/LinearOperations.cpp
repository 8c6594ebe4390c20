//===- LinearOperations.cpp - Operations of a mask that are not linear ----===//
//
// Each is brought to the simplest form that stands for it, and becomes an atom
// only if nothing simpler does.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskCondition.h"

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ladon::analysis;

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

LinearForm MaskCondition::floorDiv(LinearForm a, LinearForm b, Value value) {
  if (b.isConstant() && b.constant < 0)
    return floorDiv(scaled(a, -1), scaled(b, -1), value);
  if (b.isConstant(0) || !b.isUniform() || a.overflowed || b.overflowed)
    return opaque(value);
  IntegerRange ra = a.range(), rb = b.range();
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
  LinearForm quotient, rest;
  quotient.constant = static_cast<int64_t>(floor(a.constant));
  rest.constant = a.constant - quotient.constant * d;
  rest.obligations = a.obligations;
  for (auto term : a.terms) {
    if (term.second % d == 0)
      quotient.terms.push_back({term.first, term.second / d});
    else
      rest.terms.push_back(term);
  }
  IntegerRange r = rest.range();
  LinearForm tail = rest;
  if (r.min >= 0 && r.max < d) {
    tail = LinearForm();
    tail.obligations = rest.obligations;
  } else {
    tail = atomForm(
        atom(Atom::Kind::FloorDiv, {rest, b}, {floor(r.min), floor(r.max)}));
  }
  return add(quotient, tail);
}

LinearForm MaskCondition::floorMod(LinearForm a, LinearForm b, Value value) {
  if (b.isConstant() && b.constant < 0)
    return scaled(floorMod(scaled(a, -1), scaled(b, -1), value), -1);
  if (!b.isConstant()) {
    // x mod d = x - d (x // d) shares the obligations of the division.
    LinearForm quotient = floorDiv(a, b, value);
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
  IntegerRange r = a.range();
  if (r.min >= 0 && r.max < d)
    return a;
  llvm::erase_if(a.terms, [&](auto &t) { return t.second % d == 0; });
  a.constant = (a.constant % d + d) % d;
  r = a.range();
  if (r.min >= 0 && r.max < d)
    return a;
  return atomForm(atom(Atom::Kind::FloorMod, {a, b}, {0, d - 1}));
}

LinearForm MaskCondition::minimum(const LinearForm &a, const LinearForm &b,
                                  bool isMax) {
  IntegerRange ra = a.range(), rb = b.range();
  if (sameForm(a, b))
    return a;
  IntegerRange r =
      isMax ? IntegerRange{std::max(ra.min, rb.min), std::max(ra.max, rb.max)}
            : IntegerRange{std::min(ra.min, rb.min), std::min(ra.max, rb.max)};
  return atomForm(atom(isMax ? Atom::Kind::Max : Atom::Kind::Min, {a, b}, r));
}

LinearForm MaskCondition::absolute(const LinearForm &a) {
  IntegerRange r = a.range();
  if (r.min >= 0)
    return a;
  if (r.max <= 0)
    return scaled(a, -1);
  return atomForm(atom(Atom::Kind::Abs, {a}, {0, std::max(-r.min, r.max)}));
}

LinearForm MaskCondition::multiply(const LinearForm &a, const LinearForm &b,
                                   Value value) {
  if (b.isConstant())
    return scaled(a, b.constant);
  if (a.isConstant())
    return scaled(b, a.constant);
  IntegerRange ra = a.range(), rb = b.range();
  if (!a.isWithin(kScalarLimit >> 31) || !b.isWithin(int64_t(1) << 31))
    return opaque(value);
  Wide corners[] = {ra.min * rb.min, ra.min * rb.max, ra.max * rb.min,
                    ra.max * rb.max};
  IntegerRange r{*std::min_element(corners, corners + 4),
                 *std::max_element(corners, corners + 4)};
  if (sameForm(a, b))
    r.min = std::max<Wide>(r.min, 0);
  return atomForm(atom(Atom::Kind::Mul, {a, b}, r));
}

LinearForm MaskCondition::bits(Operation *op, const LinearForm &a,
                               const LinearForm &b) {
  Value value = op->getResult(0);
  if (isa<arith::XOrIOp>(op) && b.isConstant(-1))
    return add(LinearForm(-1), a, -1);
  IntegerRange ra = a.range(), rb = b.range();
  if (isa<arith::AndIOp>(op) && b.isConstant() && b.constant > 0 &&
      llvm::isMask_64(b.constant))
    return floorMod(a, LinearForm(b.constant + 1), value);
  if (isa<arith::AndIOp>(op) && b.isConstant() && b.constant < 0 &&
      llvm::isPowerOf2_64(-static_cast<uint64_t>(b.constant)) &&
      b.constant > -kScalarLimit)
    return add(a, floorMod(a, LinearForm(-b.constant), value), -1);
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

LinearForm MaskCondition::read(Operation *op) {
  Value result = op->getResult(0);
  auto arg = dyn_cast<BlockArgument>(op->getOperand(0));
  if (!arg || arg.getOwner() != &body || arg.getArgNumber() < 4)
    return opaque(result);
  Value tensor = site.captures[arg.getArgNumber() - 4];
  auto type = dyn_cast<MemRefType>(tensor.getType());
  bool changes = site.loop && site.loop->isAncestor(tensor.getParentRegion());
  if (!type || changes || type.getElementTypeBitWidth() == 1)
    return opaque(result);
  SmallVector<LinearForm> indices;
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

LinearForm MaskCondition::select(arith::SelectOp op) {
  Value result = op.getResult(), onFalse = op.getFalseValue();
  // Floor remainder from a truncating one: r + d where r is negative, else r.
  if (auto rem = onFalse.getDefiningOp<arith::RemSIOp>())
    if (auto sum = op.getTrueValue().getDefiningOp<arith::AddIOp>()) {
      Value divisor = rem.getRhs();
      bool sums = (sum.getLhs() == rem && sum.getRhs() == divisor) ||
                  (sum.getRhs() == rem && sum.getLhs() == divisor);
      LinearForm d = linear(divisor);
      if (sums && d.range().min >= 1 &&
          saysNegative(op.getCondition(), rem, divisor))
        return floorMod(linear(rem.getLhs()), d, result);
    }
  return choice(op.getCondition(), linear(op.getTrueValue()), linear(onFalse));
}

/// `yes` where the condition is true, else `no`.
LinearForm MaskCondition::choice(Value value, const LinearForm &yes,
                                 const LinearForm &no) {
  const Condition *cond = condition(value, true);
  if (cond->kind == Condition::Kind::Constant)
    return cond->truth ? yes : no;
  if (sameForm(yes, no))
    return keepObligations(yes, no);
  if (cond->kind == Condition::Kind::Compare && cond->rhs.isConstant(0) &&
      cond->relation == Condition::Relation::LessEqual &&
      cond->lhs.obligations.empty()) {
    // `x <= 0` or `x < 0` between x and -x, between a and b where x = a - b.
    auto isAbout = [&](const LinearForm &x) {
      return sameForm(cond->lhs, x) || sameForm(cond->lhs, add(x, 1));
    };
    auto from = [&](LinearForm form) {
      return keepObligations(keepObligations(form, yes), no);
    };
    if (sameForm(yes, scaled(no, -1))) {
      if (isAbout(no))
        return from(absolute(no));
      if (isAbout(yes))
        return from(scaled(absolute(yes), -1));
    }
    if (isAbout(add(yes, no, -1)))
      return from(minimum(yes, no, /*isMax=*/false));
    if (isAbout(add(no, yes, -1)))
      return from(minimum(yes, no, /*isMax=*/true));
  }
  IntegerRange a = yes.range(), b = no.range();
  Atom *chosen =
      atom(Atom::Kind::Select, {yes, no},
           {std::min(a.min, b.min), std::max(a.max, b.max)}, {}, cond);
  if (chosen)
    chosen->otherwise = condition(value, false);
  return atomForm(chosen);
}
