//===- MaskRange.cpp - Masks that are decided at compile time -------------===//

#include "compiler/frontend/MaskRange.h"

#include "compiler/frontend/IntegerRanges.h"

#include <algorithm>

using namespace ladon;
using namespace ladon::ast;
using Kind = ast::Expr::Kind;

namespace {

/// Undecided conditions kept to find two that exclude each other.
constexpr size_t maxConstraints = 16;

class MaskDecider {
public:
  explicit MaskDecider(const AttendShape &shape) : integers(shape) {}

  /// The value of `expr`, or of its negation. Conditions `form <= 0` that hold
  /// where it is true are added to `conjuncts`, which may be null.
  Truth decide(const Expr *expr, bool negated, std::vector<Linear> *conjuncts);

private:
  Truth notPositive(const Linear &form, std::vector<Linear> *conjuncts);
  Truth compare(BinaryOp op, const Linear &left, const Linear &right,
                std::vector<Linear> *conjuncts);
  Truth maskForm(const Expr *expr, bool negated,
                 std::vector<Linear> *conjuncts);
  Truth all(llvm::ArrayRef<const Expr *> parts, bool negated,
            std::vector<Linear> *conjuncts);
  Truth any(llvm::ArrayRef<const Expr *> parts, bool negated);
  bool contradict(const std::vector<Linear> &conjuncts);
  static void append(std::vector<Linear> *to, const std::vector<Linear> &from) {
    if (to)
      for (const Linear &form : from)
        if (to->size() < maxConstraints)
          to->push_back(form);
  }

  IntegerRanges integers;
};

Truth negate(Truth value) {
  return value == Truth::Unknown ? value
         : value == Truth::True  ? Truth::False
                                 : Truth::True;
}

BinaryOp negate(BinaryOp op) {
  switch (op) {
  case BinaryOp::Lt:
    return BinaryOp::Ge;
  case BinaryOp::Le:
    return BinaryOp::Gt;
  case BinaryOp::Gt:
    return BinaryOp::Le;
  case BinaryOp::Ge:
    return BinaryOp::Lt;
  case BinaryOp::Eq:
    return BinaryOp::Ne;
  default:
    return BinaryOp::Eq;
  }
}

Truth MaskDecider::notPositive(const Linear &form,
                               std::vector<Linear> *conjuncts) {
  Interval range = integers.bounds(form);
  if (range.high <= 0)
    return Truth::True;
  if (range.low > 0)
    return Truth::False;
  if (conjuncts && conjuncts->size() < maxConstraints)
    conjuncts->push_back(form);
  return Truth::Unknown;
}

Truth MaskDecider::compare(BinaryOp op, const Linear &left, const Linear &right,
                           std::vector<Linear> *conjuncts) {
  Linear difference = integers.combine(left, right, -1);
  Linear reversed = integers.combine(right, left, -1);
  auto below = [&](Linear form) {
    return notPositive(integers.combine(form, Linear::number(1), 1), conjuncts);
  };
  switch (op) {
  case BinaryOp::Le:
    return notPositive(difference, conjuncts);
  case BinaryOp::Ge:
    return notPositive(reversed, conjuncts);
  case BinaryOp::Lt:
    return below(difference);
  case BinaryOp::Gt:
    return below(reversed);
  case BinaryOp::Eq: {
    Truth atMost = notPositive(difference, conjuncts);
    Truth atLeast = notPositive(reversed, conjuncts);
    if (atMost == Truth::False || atLeast == Truth::False)
      return Truth::False;
    return atMost == atLeast ? atMost : Truth::Unknown;
  }
  default:
    return negate(compare(BinaryOp::Eq, left, right, nullptr));
  }
}

Truth MaskDecider::maskForm(const Expr *expr, bool negated,
                            std::vector<Linear> *conjuncts) {
  Linear position = Linear::of(IntegerRanges::Query);
  if (expr->maskForm != MaskForm::CausalTopLeft)
    position = integers.combine(position, integers.offset(), 1);
  Linear key = Linear::of(IntegerRanges::Key);
  auto *kept = negated ? nullptr : conjuncts;
  Truth value;
  if (expr->maskForm != MaskForm::Window) {
    value = compare(negated ? BinaryOp::Gt : BinaryOp::Le, key, position,
                    conjuncts);
    return value;
  }
  Linear first =
      integers.combine(position, integers.evaluate(expr->args[0]), -1);
  Linear last = integers.combine(position, integers.evaluate(expr->args[1]), 1);
  std::vector<Linear> own;
  Truth left = compare(BinaryOp::Ge, key, first, &own);
  Truth right = compare(BinaryOp::Le, key, last, &own);
  if (left == Truth::False || right == Truth::False || contradict(own))
    value = Truth::False;
  else
    value = left == right ? left : Truth::Unknown;
  append(kept, own);
  return negated ? negate(value) : value;
}

/// Two undecided conjuncts that exclude each other: a <= 0 and b <= 0 while
/// a + b > 0 everywhere.
bool MaskDecider::contradict(const std::vector<Linear> &conjuncts) {
  size_t count = std::min(conjuncts.size(), maxConstraints);
  for (size_t left = 0; left < count; ++left)
    for (size_t right = left + 1; right < count; ++right)
      if (integers
              .bounds(integers.combine(conjuncts[left], conjuncts[right], 1))
              .low > 0)
        return true;
  return false;
}

Truth MaskDecider::all(llvm::ArrayRef<const Expr *> parts, bool negated,
                       std::vector<Linear> *conjuncts) {
  std::vector<Linear> own;
  Truth result = Truth::True;
  for (const Expr *part : parts) {
    Truth value = decide(part, negated, &own);
    if (value == Truth::False)
      return Truth::False;
    if (value == Truth::Unknown)
      result = Truth::Unknown;
  }
  // An enclosing conjunction looks at all pairs itself.
  if (conjuncts) {
    append(conjuncts, own);
    return result;
  }
  return contradict(own) ? Truth::False : result;
}

Truth MaskDecider::any(llvm::ArrayRef<const Expr *> parts, bool negated) {
  Truth result = Truth::False;
  for (const Expr *part : parts) {
    Truth value = decide(part, negated, nullptr);
    if (value == Truth::True)
      return Truth::True;
    if (value == Truth::Unknown)
      result = Truth::Unknown;
  }
  return result;
}

Truth MaskDecider::decide(const Expr *expr, bool negated,
                          std::vector<Linear> *conjuncts) {
  switch (expr->kind) {
  case Kind::BoolLit:
    return (expr->intValue != 0) != negated ? Truth::True : Truth::False;
  case Kind::Unary:
    if (expr->unaryOp == UnaryOp::Not)
      return decide(expr->args[0], !negated, conjuncts);
    return Truth::Unknown;
  case Kind::Mask:
    return maskForm(expr, negated, conjuncts);
  case Kind::If: {
    Truth condition = decide(expr->args[0], false, nullptr);
    if (condition != Truth::Unknown)
      return decide(expr->args[condition == Truth::True ? 1 : 2], negated,
                    conjuncts);
    Truth then = decide(expr->args[1], negated, nullptr);
    Truth otherwise = decide(expr->args[2], negated, nullptr);
    return then == otherwise ? then : Truth::Unknown;
  }
  case Kind::Binary:
    break;
  default:
    return Truth::Unknown;
  }
  BinaryOp op = expr->binaryOp;
  if (op == BinaryOp::And || op == BinaryOp::Or)
    return (op == BinaryOp::And) != negated
               ? all(expr->args, negated, conjuncts)
               : any(expr->args, negated);
  if (!expr->args[0]->type.isInteger() || !expr->args[1]->type.isInteger())
    return Truth::Unknown;
  if (negated)
    op = negate(op);
  return compare(op, integers.evaluate(expr->args[0]),
                 integers.evaluate(expr->args[1]), conjuncts);
}

} // namespace

Truth ladon::decideMask(const Expr *mask, const AttendShape &shape) {
  for (const Dim *dim : {&shape.batch, &shape.queries, &shape.keys})
    if (dim->size == 0)
      return Truth::Unknown;
  return MaskDecider(shape).decide(mask, /*negated=*/false, nullptr);
}
