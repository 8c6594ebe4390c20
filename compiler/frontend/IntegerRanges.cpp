//===- IntegerRanges.cpp - Integers of a mask as linear forms -------------===//

#include "compiler/frontend/IntegerRanges.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace ladon;
using namespace ladon::ast;
using Kind = ast::Expr::Kind;

static constexpr size_t maxTerms = 16;
static constexpr Wide maxCoefficient = Wide(1) << 62;
/// Sizes are taken to be at most this, so that i + 1 is known not to wrap.
static constexpr Wide maxSize = Wide(1) << 30;
/// Bounds asked for before giving up, so that no mask takes long.
static constexpr unsigned maxQueries = 20000;

static Wide clampWide(Wide value) {
  return std::min(std::max(value, -infiniteBound), infiniteBound);
}

static Interval times(Interval value, Wide factor) {
  auto scaled = [&](Wide bound) {
    return bound <= -infiniteBound || bound >= infiniteBound
               ? ((bound > 0) == (factor > 0) ? infiniteBound : -infiniteBound)
               : clampWide(bound * factor);
  };
  Interval result = {scaled(value.low), scaled(value.high)};
  if (factor < 0)
    std::swap(result.low, result.high);
  return result;
}

static Interval plus(Interval left, Interval right) {
  return {left.low <= -infiniteBound || right.low <= -infiniteBound
              ? -infiniteBound
              : clampWide(left.low + right.low),
          left.high >= infiniteBound || right.high >= infiniteBound
              ? infiniteBound
              : clampWide(left.high + right.high)};
}

static Wide extent(const Dim &dim) {
  return dim.isStatic() ? std::max<Wide>(dim.size, 1) : maxSize;
}

IntegerRanges::IntegerRanges(const AttendShape &shape) : shape(shape) {
  // Where there is a query and a key, every axis has at least one element.
  for (const Dim *dim : {&shape.batch, &shape.heads, &shape.kvHeads,
                         &shape.queries, &shape.keys})
    atoms.push_back({0, extent(*dim) - 1});
}

Linear IntegerRanges::combine(const Linear &left, const Linear &right,
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
  if (tooLarge || form.terms.size() > maxTerms ||
      form.constant >= infiniteBound || form.constant <= -infiniteBound)
    return atom({});
  return form;
}

Linear IntegerRanges::sizeOf(const Dim &dim) {
  if (dim.isStatic())
    return Linear::number(dim.size);
  auto [entry, isNew] = sizes.try_emplace(dim.name, atoms.size());
  if (isNew) {
    bool positive =
        dim == shape.batch || dim == shape.queries || dim == shape.keys;
    atoms.push_back({Wide(positive), maxSize});
  }
  return Linear::of(entry->second);
}

/// Integers wrap at run time; a form that may leave its type says nothing.
Linear IntegerRanges::evaluate(const Expr *expr) {
  Linear form = evaluateExact(expr);
  bool isI64 = expr->type.element == ScalarType::I64;
  Interval type = {isI64 ? Wide(INT64_MIN) : Wide(INT32_MIN),
                   isI64 ? Wide(INT64_MAX) : Wide(INT32_MAX)};
  Interval range = bounds(form);
  if (range.low < type.low || range.high > type.high)
    return atom(type);
  return form;
}

Linear IntegerRanges::evaluateExact(const Expr *expr) {
  switch (expr->kind) {
  case Kind::IntLit:
    return Linear::number(expr->intValue);
  case Kind::Name:
    if (expr->isOffset)
      return offset();
    if (expr->size)
      return sizeOf(*expr->size);
    if (expr->indexVar && *expr->indexVar != IndexVar::Score)
      return Linear::of(unsigned(*expr->indexVar));
    if (expr->param) {
      auto [entry, isNew] = scalars.try_emplace(expr->param, atoms.size());
      if (isNew)
        atoms.push_back(expr->type.element == ScalarType::I32
                            ? Interval{INT32_MIN, INT32_MAX}
                            : Interval{INT64_MIN, INT64_MAX});
      return Linear::of(entry->second);
    }
    return atom({});
  case Kind::Unary:
    if (expr->unaryOp == UnaryOp::Neg)
      return combine(Linear::number(0), evaluate(expr->args[0]), -1);
    if (expr->unaryOp == UnaryOp::BitNot)
      return combine(Linear::number(-1), evaluate(expr->args[0]), -1);
    return atom({});
  case Kind::Binary:
    return evaluateBinary(expr);
  case Kind::Call:
    return evaluateCall(expr);
  case Kind::If: {
    Interval then = plainBounds(evaluate(expr->args[1]));
    Interval otherwise = plainBounds(evaluate(expr->args[2]));
    return atom({std::min(then.low, otherwise.low),
                 std::max(then.high, otherwise.high)});
  }
  default:
    return atom({});
  }
}

Linear IntegerRanges::evaluateBinary(const Expr *expr) {
  Linear left = evaluate(expr->args[0]), right = evaluate(expr->args[1]);
  bool byConstant = right.terms.empty();
  Interval range = plainBounds(left);
  auto floorDiv = [&](Wide bound) -> Wide {
    if (bound <= -infiniteBound || bound >= infiniteBound)
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
      return combine(Linear::number(0), left, right.constant);
    if (left.terms.empty())
      return combine(Linear::number(0), right, left.constant);
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

Linear IntegerRanges::evaluateCall(const Expr *expr) {
  llvm::SmallVector<Interval, 4> ranges;
  for (const Expr *arg : expr->args) {
    if (!arg->type.isInteger())
      return atom({});
    ranges.push_back(plainBounds(evaluate(arg)));
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

Interval IntegerRanges::plainBounds(const Linear &form) const {
  Interval sum = {form.constant, form.constant};
  for (auto [name, coefficient] : form.terms)
    sum = plus(sum, times(atoms[name], coefficient));
  return sum;
}

Interval IntegerRanges::bounds(const Linear &form) {
  if (++queries > maxQueries)
    return {};
  Interval best = plainBounds(form);
  const std::pair<unsigned, const Dim *> axes[] = {
      {Query, &shape.queries}, {Key, &shape.keys}, {Batch, &shape.batch}};
  for (unsigned subset = 1; subset < 8; ++subset) {
    Linear flipped = form;
    for (unsigned axis = 0; axis < 3; ++axis) {
      auto term = flipped.terms.find(axes[axis].first);
      if (!(subset >> axis & 1) || term == flipped.terms.end())
        continue;
      Wide coefficient = term->second;
      term->second = -coefficient;
      Linear last = combine(sizeOf(*axes[axis].second), Linear::number(1), -1);
      flipped = combine(flipped, last, coefficient);
    }
    Interval range = plainBounds(flipped);
    best.low = std::max(best.low, range.low);
    best.high = std::min(best.high, range.high);
  }
  return best;
}
