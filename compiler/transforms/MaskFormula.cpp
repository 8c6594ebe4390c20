//===- MaskFormula.cpp - A mask as a tree of comparisons ------------------===//

#include "compiler/transforms/MaskFormula.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::attn;
using Predicate = arith::CmpIPredicate;

FormulaBuilder::FormulaBuilder(AttendOp op)
    : key(op.getMask().getArgument(3)), forms(op, /*firstPosition=*/0) {}

//===----------------------------------------------------------------------===//
// Bounds as written
//===----------------------------------------------------------------------===//

std::pair<Predicate, int64_t> Formula::getWritten() const {
  if (predicate == Predicate::sle && form.constant == -1)
    return {Predicate::slt, 0};
  if (predicate == Predicate::sge && form.constant == 1)
    return {Predicate::sgt, 0};
  return {predicate, form.constant};
}

SmallVector<std::pair<mlir::Value, int64_t>> Formula::getOrderedTerms() const {
  SmallVector<std::pair<mlir::Value, int64_t>> ordered;
  for (bool isPositive : {true, false})
    for (auto term : form.terms)
      if ((term.second > 0) == isPositive)
        ordered.push_back(term);
  return ordered;
}

/// Whether no partial sum of the right side can wrap.
bool FormulaBuilder::canWrite(const Formula &bound) {
  IntegerRange all = rangeOfType(key.getType());
  LinearForm partial;
  for (auto term : bound.getOrderedTerms()) {
    partial.terms.push_back(term);
    LinearForm product{0, {{term.first, std::abs(term.second)}}};
    for (const LinearForm &form : {partial, product}) {
      IntegerRange values = forms.range(form);
      if (values.min < all.min || values.max > all.max)
        return false;
    }
  }
  partial.constant = bound.getWritten().second;
  IntegerRange values = forms.range(partial);
  return values.min >= all.min && values.max <= all.max;
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

/// The predicate of `y ? x` for that of `x ? y`, signed.
static Predicate swapSides(Predicate predicate) {
  static constexpr Predicate swapped[] = {Predicate::eq,  Predicate::ne,
                                          Predicate::sgt, Predicate::sge,
                                          Predicate::slt, Predicate::sle};
  return swapped[unsigned(predicate)];
}

static Formula truthValue(bool truth, Location loc) {
  return {truth ? Formula::True : Formula::False, loc};
}

/// Whether one of two parts implies the other; `known` becomes the one to keep.
static bool mergeParts(Formula::Kind kind, Formula &known,
                       const Formula &next) {
  if (known.kind != next.kind || known.predicate != next.predicate)
    return false;
  if (known.kind == Formula::Value)
    return known.value == next.value && known.negated == next.negated;
  if (known.kind == Formula::Compare)
    return known.left == next.left && known.right == next.right;
  if (known.kind != Formula::Bound || !known.form.hasTerms(next.form))
    return false;
  bool isUpper = known.predicate == Predicate::sle;
  if (!isUpper && known.predicate != Predicate::sge)
    return known.form.constant == next.form.constant;
  // The smaller of two upper bounds is the stricter one.
  bool keepSmaller = isUpper == (kind == Formula::And);
  if (keepSmaller == (next.form.constant < known.form.constant))
    known.form.constant = next.form.constant;
  return true;
}

/// Flattens, decides, and drops what another part implies.
static Formula combine(Formula::Kind kind, Formula left, Formula right,
                       Location loc) {
  Formula::Kind neutral = kind == Formula::And ? Formula::True : Formula::False;
  Formula::Kind decisive =
      kind == Formula::And ? Formula::False : Formula::True;
  if (left.kind == decisive || right.kind == neutral)
    return left;
  if (right.kind == decisive || left.kind == neutral)
    return right;
  Formula result{kind, loc};
  // The left side of a chain has all parts so far.
  if (left.kind == kind)
    result.parts = std::move(left.parts);
  else
    result.parts.push_back(std::move(left));
  std::vector<Formula> added;
  if (right.kind == kind)
    added = std::move(right.parts);
  else
    added.push_back(std::move(right));
  for (Formula &part : added) {
    // A long chain is searched in part only, to stay linear in its length.
    MutableArrayRef<Formula> last = result.parts;
    last = last.take_back(32);
    bool isMerged = llvm::any_of(
        last, [&](Formula &known) { return mergeParts(kind, known, part); });
    if (!isMerged)
      result.parts.push_back(std::move(part));
  }
  if (result.parts.size() > 1)
    return result;
  Formula only = std::move(result.parts.front());
  return only;
}

Formula FormulaBuilder::build(Value value, bool truth) {
  Location loc = value.getLoc();
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return truthValue(constant.isOne() == truth, loc);
  Operation *op = value.getDefiningOp();
  if (budget == 0)
    op = nullptr;
  else
    --budget;
  if (auto compare = dyn_cast_or_null<arith::CmpIOp>(op))
    return buildCompare(compare, truth);
  if (isa_and_nonnull<arith::AndIOp, arith::OrIOp>(op))
    return combine(isa<arith::AndIOp>(op) == truth ? Formula::And : Formula::Or,
                   build(op->getOperand(0), truth),
                   build(op->getOperand(1), truth), loc);
  if (isa_and_nonnull<arith::XOrIOp>(op) &&
      matchPattern(op->getOperand(1), m_One()))
    return build(op->getOperand(0), !truth);
  return {Formula::Value, loc, value, /*negated=*/!truth};
}

Formula FormulaBuilder::buildCompare(arith::CmpIOp op, bool truth) {
  Location loc = op.getLoc();
  Predicate predicate = op.getPredicate();
  if (!truth)
    predicate = arith::invertPredicate(predicate);
  Value left = op.getLhs(), right = op.getRhs();
  Formula asWritten{Formula::Compare, loc};
  asWritten.predicate = predicate;
  asWritten.left = left;
  asWritten.right = right;
  bool isSigned = predicate <= Predicate::sge;
  if (!isSigned || left.getType() != key.getType())
    return asWritten;

  // |x| to the left.
  if (!left.getDefiningOp<math::AbsIOp>() &&
      right.getDefiningOp<math::AbsIOp>()) {
    std::swap(left, right);
    predicate = swapSides(predicate);
  }
  auto rightForm = forms.linear(right);
  if (!rightForm)
    return asWritten;
  if (auto absolute = left.getDefiningOp<math::AbsIOp>()) {
    auto bounds =
        buildAbsolute(predicate, absolute.getOperand(), *rightForm, loc);
    return bounds ? *bounds : asWritten;
  }
  auto leftForm = forms.linear(left);
  if (!leftForm)
    return asWritten;
  auto bound = buildBound(predicate, *leftForm, *rightForm, loc);
  return bound ? *bound : asWritten;
}

/// `|inside| predicate limit` as two bounds: |x| <= y is x <= y and x >= -y,
/// |x| > y is x > y or x < -y, whatever the sign of y.
std::optional<Formula> FormulaBuilder::buildAbsolute(Predicate predicate,
                                                     Value inside,
                                                     const LinearForm &limit,
                                                     Location loc) {
  // The absolute value of the smallest integer is that integer.
  if (predicate == Predicate::eq || predicate == Predicate::ne ||
      forms.range(inside).min == rangeOfType(inside.getType()).min)
    return std::nullopt;
  auto form = forms.linear(inside);
  auto negated = forms.sum({}, limit, -1);
  if (!form || !negated || form->coefficient(key) == 0)
    return std::nullopt;
  auto first = buildBound(predicate, *form, limit, loc);
  auto second = buildBound(swapSides(predicate), *form, *negated, loc);
  if (!first || !second)
    return std::nullopt;
  bool isBelow = predicate == Predicate::slt || predicate == Predicate::sle;
  return combine(isBelow ? Formula::And : Formula::Or, std::move(*first),
                 std::move(*second), loc);
}

/// `left predicate right` as a bound of the key position or, where ranges
/// decide it, a truth value.
std::optional<Formula> FormulaBuilder::buildBound(Predicate predicate,
                                                  const LinearForm &left,
                                                  const LinearForm &right,
                                                  Location loc) {
  auto difference = forms.sum(left, right, -1);
  if (!difference)
    return std::nullopt;
  // To `difference <= 0`, `>= 0`, `== 0` or `!= 0`.
  if (predicate == Predicate::slt)
    difference->constant += 1;
  if (predicate == Predicate::sgt)
    difference->constant -= 1;
  bool isUpper = predicate == Predicate::slt || predicate == Predicate::sle;
  bool isEquality = predicate == Predicate::eq || predicate == Predicate::ne;
  IntegerRange values = forms.range(*difference);
  if (isEquality && (values.min > 0 || values.max < 0))
    return truthValue(predicate == Predicate::ne, loc);
  if (isEquality && values.min == 0 && values.max == 0)
    return truthValue(predicate == Predicate::eq, loc);
  if (!isEquality && (isUpper ? values.max <= 0 : values.min >= 0))
    return truthValue(true, loc);
  if (!isEquality && (isUpper ? values.min > 0 : values.max < 0))
    return truthValue(false, loc);

  int64_t factor = difference->coefficient(key);
  if (factor != 1 && factor != -1)
    return std::nullopt;
  Formula bound{Formula::Bound, loc};
  bound.predicate = predicate;
  if (!isEquality)
    bound.predicate =
        isUpper == (factor == 1) ? Predicate::sle : Predicate::sge;
  // factor * j + rest against 0 is j against -rest / factor.
  auto rest = forms.sum(*difference, LinearForm{0, {{key, 1}}}, -factor);
  auto solved = rest ? forms.sum({}, *rest, -factor) : std::nullopt;
  if (!solved)
    return std::nullopt;
  bound.form = *solved;
  // Keys are below their number.
  if (!isEquality && solved->terms.size() == 1 &&
      solved->terms[0].second == 1 &&
      forms.isKeyCount(solved->terms[0].first)) {
    if (bound.predicate == Predicate::sle && solved->constant >= -1)
      return truthValue(true, loc);
    if (bound.predicate == Predicate::sge && solved->constant >= 0)
      return truthValue(false, loc);
  }
  if (!canWrite(bound))
    return std::nullopt;
  return bound;
}
