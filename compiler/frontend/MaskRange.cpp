//===- MaskRange.cpp - Masks that are decided at compile time -------------===//

#include "compiler/frontend/MaskRange.h"

#include "compiler/frontend/Fold.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <map>

using namespace ladon;
using namespace ladon::ast;
using Kind = ast::Expr::Kind;

namespace {

/// Bounds are kept within this, far inside of what Wide can hold.
using Wide = __int128;
constexpr Wide infinity = Wide(1) << 90;

Wide clampWide(Wide value) {
  return std::min(std::max(value, -infinity), infinity);
}

struct Interval {
  Wide low = -infinity, high = infinity;
};

Interval times(Interval value, Wide factor) {
  auto scaled = [&](Wide bound) {
    return bound <= -infinity || bound >= infinity
               ? ((bound > 0) == (factor > 0) ? infinity : -infinity)
               : clampWide(bound * factor);
  };
  Interval result = {scaled(value.low), scaled(value.high)};
  if (factor < 0)
    std::swap(result.low, result.high);
  return result;
}

Interval plus(Interval left, Interval right) {
  return {left.low <= -infinity || right.low <= -infinity
              ? -infinity
              : clampWide(left.low + right.low),
          left.high >= infinity || right.high >= infinity
              ? infinity
              : clampWide(left.high + right.high)};
}

/// constant + sum of coefficient * atom. Terms with coefficient 0 are absent.
struct Linear {
  std::map<unsigned, Wide> terms;
  Wide constant = 0;
};

constexpr size_t maxTerms = 16;
/// Sizes are taken to be at most this, so that i + 1 is known not to wrap.
constexpr Wide maxSize = Wide(1) << 30;
constexpr size_t maxConstraints = 16;
/// Bounds asked for before giving up, so that no mask takes long.
constexpr unsigned maxQueries = 20000;
constexpr Wide maxCoefficient = Wide(1) << 62;

class MaskDecider {
public:
  explicit MaskDecider(const AttendShape &shape) : shape(shape) {
    // Where there is a query and a key, every axis has at least one element.
    atoms = {{0, extent(shape.batch) - 1},
             {0, extent(shape.heads) - 1},
             {0, extent(shape.kvHeads) - 1},
             {0, extent(shape.queries) - 1},
             {0, extent(shape.keys) - 1}};
  }

  Truth decide(const Expr *expr, bool negated, std::vector<Linear> *conjuncts);

private:
  static Wide extent(const Dim &dim) {
    return dim.isStatic() ? std::max<Wide>(dim.size, 1) : maxSize;
  }

  //===--- Integers ------------------------------------------------------===//
  Linear atom(Interval interval) {
    atoms.push_back(interval);
    return of(atoms.size() - 1);
  }
  static Linear of(unsigned atom, Wide coefficient = 1) {
    Linear form;
    form.terms[atom] = coefficient;
    return form;
  }
  static Linear constant(Wide value) {
    Linear form;
    form.constant = value;
    return form;
  }
  Linear combine(const Linear &left, const Linear &right, Wide factor);
  Linear sizeOf(const Dim &dim);
  Linear evaluate(const Expr *expr);
  Linear evaluateExact(const Expr *expr);
  Linear evaluateBinary(const Expr *expr);
  Linear evaluateCall(const Expr *expr);
  Interval bounds(const Linear &form) const;
  Interval refinedBounds(const Linear &form);

  //===--- Booleans ------------------------------------------------------===//
  /// `form <= 0`, remembered as a conjunct when it is not decided.
  Truth notPositive(const Linear &form, std::vector<Linear> *conjuncts);
  Truth compare(BinaryOp op, const Linear &left, const Linear &right,
                std::vector<Linear> *conjuncts);
  Truth maskForm(const Expr *expr, bool negated,
                 std::vector<Linear> *conjuncts);
  Truth all(llvm::ArrayRef<const Expr *> parts, bool negated,
            std::vector<Linear> *conjuncts);
  Truth any(llvm::ArrayRef<const Expr *> parts, bool negated);
  bool contradict(const std::vector<Linear> &conjuncts);

  enum : unsigned { AtomBatch, AtomHead, AtomKvHead, AtomQuery, AtomKey };
  void append(std::vector<Linear> *to, const std::vector<Linear> &from) {
    if (to)
      for (const Linear &form : from)
        if (to->size() < maxConstraints)
          to->push_back(form);
  }

  const AttendShape &shape;
  unsigned queries = 0;
  std::vector<Interval> atoms;
  std::map<std::string, unsigned> sizes;
  std::map<const Param *, unsigned> scalars;
};

Linear MaskDecider::combine(const Linear &left, const Linear &right,
                            Wide factor) {
  Linear form = left;
  form.constant = clampWide(form.constant + clampWide(right.constant * factor));
  bool tooLarge = factor > maxCoefficient || -factor > maxCoefficient;
  for (auto [name, coefficient] : right.terms) {
    if (tooLarge)
      break;
    Wide &sum = form.terms[name];
    // Both factors are below 2^62 in magnitude, so the product fits.
    sum += coefficient * factor;
    tooLarge |= sum > maxCoefficient || -sum > maxCoefficient;
    if (sum == 0)
      form.terms.erase(name);
  }
  if (tooLarge || form.terms.size() > maxTerms || form.constant >= infinity ||
      form.constant <= -infinity)
    return atom({});
  return form;
}

Linear MaskDecider::sizeOf(const Dim &dim) {
  if (dim.isStatic())
    return constant(dim.size);
  auto [entry, isNew] = sizes.try_emplace(dim.name, atoms.size());
  if (isNew) {
    bool positive =
        dim == shape.batch || dim == shape.queries || dim == shape.keys;
    atoms.push_back({Wide(positive), maxSize});
  }
  return of(entry->second);
}

/// Integers wrap at run time; a form that may leave its type says nothing.
Linear MaskDecider::evaluate(const Expr *expr) {
  Linear form = evaluateExact(expr);
  bool isI64 = expr->type.element == ScalarType::I64;
  Interval type = {isI64 ? Wide(INT64_MIN) : Wide(INT32_MIN),
                   isI64 ? Wide(INT64_MAX) : Wide(INT32_MAX)};
  Interval range = refinedBounds(form);
  if (range.low < type.low || range.high > type.high)
    return atom(type);
  return form;
}

Linear MaskDecider::evaluateExact(const Expr *expr) {
  switch (expr->kind) {
  case Kind::IntLit:
    return constant(expr->intValue);
  case Kind::Name:
    if (expr->isOffset)
      return combine(sizeOf(shape.keys), sizeOf(shape.queries), -1);
    if (expr->size)
      return sizeOf(*expr->size);
    if (expr->indexVar && *expr->indexVar != IndexVar::Score)
      return of(unsigned(*expr->indexVar));
    if (expr->param) {
      auto [entry, isNew] = scalars.try_emplace(expr->param, atoms.size());
      if (isNew)
        atoms.push_back(expr->type.element == ScalarType::I32
                            ? Interval{INT32_MIN, INT32_MAX}
                            : Interval{INT64_MIN, INT64_MAX});
      return of(entry->second);
    }
    return atom({});
  case Kind::Unary:
    if (expr->unaryOp == UnaryOp::Neg)
      return combine(constant(0), evaluate(expr->args[0]), -1);
    if (expr->unaryOp == UnaryOp::BitNot)
      return combine(constant(-1), evaluate(expr->args[0]), -1);
    return atom({});
  case Kind::Binary:
    return evaluateBinary(expr);
  case Kind::Call:
    return evaluateCall(expr);
  case Kind::If: {
    Interval then = bounds(evaluate(expr->args[1]));
    Interval otherwise = bounds(evaluate(expr->args[2]));
    return atom({std::min(then.low, otherwise.low),
                 std::max(then.high, otherwise.high)});
  }
  default:
    return atom({});
  }
}

Linear MaskDecider::evaluateBinary(const Expr *expr) {
  Linear left = evaluate(expr->args[0]), right = evaluate(expr->args[1]);
  bool byConstant = right.terms.empty();
  Interval range = bounds(left);
  auto floorDiv = [&](Wide bound) -> Wide {
    if (bound <= -infinity || bound >= infinity)
      return bound;
    Wide quotient = bound / right.constant;
    return quotient - (bound % right.constant < 0);
  };
  switch (expr->binaryOp) {
  case BinaryOp::Add:
    return combine(left, right, 1);
  case BinaryOp::Sub:
    return combine(left, right, -1);
  case BinaryOp::Mul:
    if (byConstant)
      return combine(constant(0), left, right.constant);
    if (left.terms.empty())
      return combine(constant(0), right, left.constant);
    return atom({});
  case BinaryOp::Mod:
    if (byConstant && right.constant > 0)
      return atom({0, right.constant - 1});
    return atom({});
  case BinaryOp::FloorDiv:
    if (byConstant && right.constant > 0)
      return atom({floorDiv(range.low), floorDiv(range.high)});
    return atom({});
  case BinaryOp::BitAnd:
    if (byConstant && right.constant >= 0)
      return atom({0, right.constant});
    return atom({});
  default:
    return atom({});
  }
}

Linear MaskDecider::evaluateCall(const Expr *expr) {
  llvm::SmallVector<Interval, 4> ranges;
  for (const Expr *arg : expr->args) {
    if (!arg->type.isInteger())
      return atom({});
    ranges.push_back(bounds(evaluate(arg)));
  }
  Interval result = ranges[0];
  switch (expr->builtin) {
  case Builtin::Min:
  case Builtin::Max: {
    bool isMin = expr->builtin == Builtin::Min;
    for (Interval range : ranges) {
      result.low = isMin ? std::min(result.low, range.low)
                         : std::max(result.low, range.low);
      result.high = isMin ? std::min(result.high, range.high)
                          : std::max(result.high, range.high);
    }
    return atom(result);
  }
  case Builtin::Abs: {
    Wide far = std::max(result.high, -result.low);
    Wide near = result.low > 0    ? result.low
                : result.high < 0 ? -result.high
                                  : 0;
    return atom({near, far});
  }
  case Builtin::Clamp: {
    // min(max(x, low), high), as the language defines it.
    auto bound = [&](Wide x, Wide low, Wide high) {
      return std::min(std::max(x, low), high);
    };
    return atom({bound(result.low, ranges[1].low, ranges[2].low),
                 bound(result.high, ranges[1].high, ranges[2].high)});
  }
  default:
    return atom({});
  }
}

Interval MaskDecider::bounds(const Linear &form) const {
  Interval sum = {form.constant, form.constant};
  for (auto [name, coefficient] : form.terms)
    sum = plus(sum, times(atoms[name], coefficient));
  return sum;
}

/// Also counts positions from the end (j = T - 1 - j'), which decides
/// comparisons with a size that is not known.
Interval MaskDecider::refinedBounds(const Linear &form) {
  if (++queries > maxQueries)
    return {};
  Interval best = bounds(form);
  const std::pair<unsigned, const Dim *> axes[] = {{AtomQuery, &shape.queries},
                                                   {AtomKey, &shape.keys},
                                                   {AtomBatch, &shape.batch}};
  for (unsigned subset = 1; subset < 8; ++subset) {
    Linear flipped = form;
    for (unsigned axis = 0; axis < 3; ++axis) {
      auto term = flipped.terms.find(axes[axis].first);
      if (!(subset >> axis & 1) || term == flipped.terms.end())
        continue;
      Wide coefficient = term->second;
      term->second = -coefficient;
      Linear last = combine(sizeOf(*axes[axis].second), constant(1), -1);
      flipped = combine(flipped, last, coefficient);
    }
    Interval range = bounds(flipped);
    best.low = std::max(best.low, range.low);
    best.high = std::min(best.high, range.high);
  }
  return best;
}

//===--- Booleans
//----------------------------------------------------------===//

Truth negate(Truth value) {
  return value == Truth::Unknown ? value
         : value == Truth::True  ? Truth::False
                                 : Truth::True;
}

Truth MaskDecider::notPositive(const Linear &form,
                               std::vector<Linear> *conjuncts) {
  Interval range = refinedBounds(form);
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
  Linear difference = combine(left, right, -1);
  Linear reversed = combine(right, left, -1);
  auto below = [&](Linear form) {
    return notPositive(combine(form, constant(1), 1), conjuncts);
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
  Linear position = of(AtomQuery);
  if (expr->maskForm != MaskForm::CausalTopLeft)
    position = combine(
        position, combine(sizeOf(shape.keys), sizeOf(shape.queries), -1), 1);
  Linear key = of(AtomKey);
  auto *kept = negated ? nullptr : conjuncts;
  Truth value;
  if (expr->maskForm != MaskForm::Window) {
    value = compare(negated ? BinaryOp::Gt : BinaryOp::Le, key, position,
                    conjuncts);
    return value;
  }
  Linear first = combine(position, evaluate(expr->args[0]), -1);
  Linear last = combine(position, evaluate(expr->args[1]), 1);
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
      if (refinedBounds(combine(conjuncts[left], conjuncts[right], 1)).low > 0)
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
  auto apply = [&](Truth value) { return negated ? negate(value) : value; };
  if (std::optional<double> value = foldFloat(expr))
    return apply(*value != 0 ? Truth::True : Truth::False);
  switch (expr->kind) {
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
  if (negated) {
    switch (op) {
    case BinaryOp::Lt:
      op = BinaryOp::Ge;
      break;
    case BinaryOp::Le:
      op = BinaryOp::Gt;
      break;
    case BinaryOp::Gt:
      op = BinaryOp::Le;
      break;
    case BinaryOp::Ge:
      op = BinaryOp::Lt;
      break;
    case BinaryOp::Eq:
      op = BinaryOp::Ne;
      break;
    default:
      op = BinaryOp::Eq;
      break;
    }
  }
  return compare(op, evaluate(expr->args[0]), evaluate(expr->args[1]),
                 conjuncts);
}

} // namespace

Truth ladon::decideMask(const Expr *mask, const AttendShape &shape) {
  for (const Dim *dim : {&shape.batch, &shape.queries, &shape.keys})
    if (dim->size == 0)
      return Truth::Unknown;
  return MaskDecider(shape).decide(mask, /*negated=*/false, nullptr);
}
