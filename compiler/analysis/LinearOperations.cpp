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

/// `kind` applied to `args`, with the condition `choice` of a selection.
LinearForm MaskCondition::operation(Atom::Kind kind, ArrayRef<LinearForm> args,
                                    Value choice) {
  SmallVector<IntegerRange> ranges;
  for (const LinearForm &arg : args)
    ranges.push_back(arg.range());
  return atomForm(atom(kind, args, boundsOf<Wide>(kind, ranges), choice));
}

LinearForm MaskCondition::floorDiv(const LinearForm &a, LinearForm b) {
  if (b.isConstant() && b.constant < 0)
    return floorDiv(scaled(a, -1), scaled(b, -1));
  if (b.range().max < 1 || !b.isUniform() || a.overflowed || b.overflowed)
    return LinearForm::nothing();
  if (!b.isConstant()) {
    if (b.range().min < 1)
      oblige(b, 1, kScalarLimit);
    return operation(Atom::Kind::FloorDiv, {a, b});
  }
  // Multiples of the divisor come out: (d x + y) // d = x + y // d.
  int64_t d = b.constant;
  LinearForm quotient(
      static_cast<int64_t>(analysis::floorDiv(Wide(a.constant), Wide(d))));
  LinearForm rest = add(a, d, -quotient.constant);
  for (auto term : a.terms)
    if (term.second % d == 0)
      quotient.terms.push_back({term.first, term.second / d});
  llvm::erase_if(rest.terms, [&](auto &t) { return t.second % d == 0; });
  IntegerRange r = rest.range();
  if (r.min >= 0 && r.max < d)
    return keepObligations(quotient, rest);
  return add(quotient, operation(Atom::Kind::FloorDiv, {rest, b}));
}

LinearForm MaskCondition::floorMod(LinearForm a, const LinearForm &b) {
  if (b.isConstant() && b.constant < 0)
    return scaled(floorMod(scaled(a, -1), scaled(b, -1)), -1);
  if (!b.isConstant()) {
    // x mod d = x - d (x // d) shares the obligations of the division.
    LinearForm quotient = floorDiv(a, b);
    if (quotient.terms.size() != 1 ||
        quotient.terms[0].first->kind != Atom::Kind::FloorDiv)
      return LinearForm::nothing();
    return operation(Atom::Kind::FloorMod, quotient.terms[0].first->args);
  }
  if (b.isConstant(0) || a.overflowed)
    return LinearForm::nothing();
  int64_t d = b.constant;
  auto isReduced = [&](IntegerRange r) { return r.min >= 0 && r.max < d; };
  if (isReduced(a.range()))
    return a;
  llvm::erase_if(a.terms, [&](auto &t) { return t.second % d == 0; });
  a.constant = (a.constant % d + d) % d;
  if (isReduced(a.range()))
    return a;
  // A common factor comes out: (c x + r) mod (c e) = c (x mod e) + r for r < c.
  int64_t factor = commonFactor(a, d), rest = a.constant % factor;
  a.constant /= factor;
  for (auto &term : a.terms)
    term.second /= factor;
  return add(LinearForm(rest), operation(Atom::Kind::FloorMod, {a, d / factor}),
             factor);
}

LinearForm MaskCondition::minimum(const LinearForm &a, const LinearForm &b,
                                  bool isMax) {
  return sameForm(a, b)
             ? a
             : operation(isMax ? Atom::Kind::Max : Atom::Kind::Min, {a, b});
}

LinearForm MaskCondition::absolute(const LinearForm &a) {
  IntegerRange r = a.range();
  if (r.min >= 0)
    return a;
  return r.max <= 0 ? scaled(a, -1) : operation(Atom::Kind::Abs, {a});
}

LinearForm MaskCondition::multiply(const LinearForm &a, const LinearForm &b) {
  if (b.isConstant())
    return scaled(a, b.constant);
  if (a.isConstant())
    return scaled(b, a.constant);
  if (!a.isWithin(kScalarLimit >> 31) || !b.isWithin(int64_t(1) << 31))
    return LinearForm::nothing();
  // That a square is natural is seen where both sides are.
  if (sameForm(a, b) && a.range().min < 0)
    return multiply(absolute(a), absolute(b));
  return operation(Atom::Kind::Mul, {a, b});
}

LinearForm MaskCondition::bits(Operation *op, LinearForm a, LinearForm b) {
  if (a.isConstant() || (isa<arith::AndIOp>(op) && a.range().min < 0))
    std::swap(a, b);
  bool areNatural = a.range().min >= 0 && b.range().min >= 0;
  if (isa<arith::AndIOp>(op)) {
    if (b.isConstant() && b.constant > 0 && llvm::isMask_64(b.constant))
      return floorMod(a, b.constant + 1);
    if (b.isConstant() && b.constant < 0 && b.constant > -kScalarLimit &&
        llvm::isPowerOf2_64(-b.constant))
      return add(a, floorMod(a, -b.constant), -1);
    return a.range().min >= 0 ? operation(Atom::Kind::BitsAnd, {a, b})
                              : LinearForm::nothing();
  }
  if (isa<arith::XOrIOp>(op) && b.isConstant(-1))
    return add(LinearForm(-1), a, -1);
  if (areNatural && a.range().max < kScalarLimit &&
      b.range().max < kScalarLimit)
    return operation(Atom::Kind::BitsOr, {a, b});
  return LinearForm::nothing();
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

/// A floor remainder from a truncating one: r + d where r < 0, else r.
std::optional<LinearForm>
MaskCondition::correctedRemainder(arith::SelectOp op) {
  auto rem = op.getFalseValue().getDefiningOp<arith::RemSIOp>();
  auto sum = op.getTrueValue().getDefiningOp<arith::AddIOp>();
  if (!rem || !sum ||
      !llvm::is_contained(sum->getOperands(), rem.getResult()) ||
      !llvm::is_contained(sum->getOperands(), rem.getRhs()))
    return std::nullopt;
  const Condition *isNegative = condition(op.getCondition());
  LinearForm d = linear(rem.getRhs());
  if (isNegative->kind != Condition::Kind::Compare || d.range().min < 1 ||
      isNegative->relation != Condition::Relation::LessEqual ||
      !sameForm(isNegative->form, add(linear(rem), 1)))
    return std::nullopt;
  return floorMod(linear(rem.getLhs()), d);
}

/// `yes` where the condition is true, else `no`.
LinearForm MaskCondition::choice(Value value, const LinearForm &yes,
                                 const LinearForm &no) {
  const Condition *cond = condition(value);
  if (cond->kind == Condition::Kind::Constant)
    return cond->truth ? yes : no;
  if (sameForm(yes, no))
    return keepObligations(yes, no);
  if (cond->kind == Condition::Kind::Compare &&
      cond->relation == Condition::Relation::LessEqual &&
      cond->form.obligations.empty()) {
    // `x <= 0` or `x < 0` between x and -x, between a and b where x = a - b.
    auto isAbout = [&](const LinearForm &x) {
      return sameForm(cond->form, x) || sameForm(cond->form, add(x, 1));
    };
    auto from = [&](const LinearForm &form) {
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
  return operation(Atom::Kind::Select, {yes, no}, value);
}
