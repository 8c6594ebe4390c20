//===- SizeExpr.cpp - Sizes that are computed from others -----------------===//

#include "compiler/support/SizeExpr.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace ladon;
using llvm::StringRef;

//===--- Building ---------------------------------------------------------===//

SizeExpr SizeExpr::constant(int64_t value) {
  SizeExpr result;
  if (value)
    result.terms[{}] = value;
  return result;
}

SizeExpr SizeExpr::name(StringRef name) {
  SizeExpr result;
  result.terms[{Factor{name.str(), nullptr}}] = 1;
  return result;
}

std::optional<int64_t> SizeExpr::asConstant() const {
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.begin()->first.empty())
    return terms.begin()->second;
  return std::nullopt;
}

static int64_t floorDivide(int64_t left, int64_t right) {
  return left / right - (left % right < 0);
}

std::optional<SizeExpr> SizeExpr::join(Op op, const SizeExpr &left,
                                       const SizeExpr &right) {
  SizeExpr result;
  auto add = [&](const Product &product, std::optional<int64_t> coefficient) {
    int64_t &sum = result.terms[product];
    std::optional<int64_t> total =
        coefficient ? llvm::checkedAdd(sum, *coefficient) : std::nullopt;
    sum = total.value_or(0);
    if (!sum)
      result.terms.erase(product);
    return total.has_value();
  };
  if (op == Op::Add) {
    for (const SizeExpr *side : {&left, &right})
      for (const auto &[product, coefficient] : side->terms)
        if (!add(product, coefficient))
          return std::nullopt;
    return result;
  }
  if (op == Op::Mul) {
    for (const auto &[product, coefficient] : left.terms)
      for (const auto &[other, factor] : right.terms) {
        Product both = product;
        both.insert(both.end(), other.begin(), other.end());
        llvm::sort(both);
        if (!add(both, llvm::checkedMul(coefficient, factor)))
          return std::nullopt;
      }
    return result;
  }
  std::optional<int64_t> divisor = right.asConstant();
  if (!divisor || *divisor < 1)
    return std::nullopt;
  bool isWhole = llvm::all_of(
      left.terms, [&](auto &term) { return term.second % *divisor == 0; });
  if (isWhole) {
    for (const auto &[product, coefficient] : left.terms)
      result.terms[product] = coefficient / *divisor;
    return result;
  }
  if (std::optional<int64_t> value = left.asConstant())
    return constant(floorDivide(*value, *divisor));
  std::string inner = left.str();
  bool isName =
      llvm::all_of(inner, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  Factor factor{(isName ? inner : "(" + inner + ")") + " // " +
                    std::to_string(*divisor),
                std::make_shared<SizeExpr>(left), *divisor};
  result.terms[{factor}] = 1;
  return result;
}

//===--- Reading ----------------------------------------------------------===//

std::optional<int64_t>
SizeExpr::evaluate(llvm::function_ref<int64_t(StringRef)> sizeOf) const {
  using Number = std::optional<int64_t>;
  return fold<Number>([](int64_t value) { return value; },
                      [&](StringRef name) { return sizeOf(name); },
                      [](Op op, Number left, Number right) -> Number {
                        if (!left || !right)
                          return std::nullopt;
                        switch (op) {
                        case Op::Add:
                          return llvm::checkedAdd(*left, *right);
                        case Op::Mul:
                          return llvm::checkedMul(*left, *right);
                        case Op::FloorDiv:
                          return floorDivide(*left, *right);
                        }
                        return std::nullopt;
                      });
}

bool SizeExpr::isNatural() const {
  return llvm::all_of(terms, [](auto &term) {
    return term.second >= 0 && llvm::all_of(term.first, [](const Factor &part) {
             return !part.of || part.of->isNatural();
           });
  });
}

void SizeExpr::forEachName(llvm::function_ref<void(StringRef)> visit) const {
  fold<bool>([](int64_t) { return true; },
             [&](StringRef name) {
               visit(name);
               return true;
             },
             [](Op, bool, bool) { return true; });
}

//===--- Text -------------------------------------------------------------===//

/// A product with a coefficient of that size.
std::string SizeExpr::text(const Product &product, int64_t size) {
  std::string text;
  bool isAlone = product.size() == 1 && size == 1;
  if (product.empty() || size != 1)
    text = std::to_string(size);
  for (const Factor &factor : product)
    text += (text.empty() ? "" : " * ") +
            (factor.of && !isAlone ? "(" + factor.text + ")" : factor.text);
  return text;
}

/// Products in the order of their names, then those that are subtracted; the
/// constant is the last.
std::string SizeExpr::str() const {
  std::string result;
  auto add = [&](const Product &product, int64_t coefficient) {
    bool isNegative = coefficient < 0;
    result += result.empty() ? (isNegative ? "-" : "")
              : isNegative   ? " - "
                             : " + ";
    result += text(product, isNegative ? -coefficient : coefficient);
  };
  for (bool isNegative : {false, true})
    for (const auto &[product, coefficient] : terms)
      if (!product.empty() && (coefficient < 0) == isNegative)
        add(product, coefficient);
  if (auto known = terms.find({}); known != terms.end())
    add({}, known->second);
  return result.empty() ? "0" : result;
}

namespace {
/// Reads what `str` writes, and what people write.
struct Reader {
  StringRef rest;
  unsigned depth = 0;

  bool take(StringRef token) {
    rest = rest.ltrim();
    return rest.consume_front(token);
  }
  std::optional<SizeExpr> primary() {
    if (++depth > 64)
      return std::nullopt;
    std::optional<SizeExpr> result;
    if (take("(")) {
      result = sum();
      if (!take(")"))
        return std::nullopt;
    } else if (take("-")) {
      result = primary();
      if (result)
        result =
            SizeExpr::join(SizeExpr::Op::Mul, *result, SizeExpr::constant(-1));
    } else {
      StringRef word =
          rest.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
      rest = rest.drop_front(word.size());
      int64_t value;
      if (!word.empty() && !llvm::isDigit(word[0]))
        result = SizeExpr::name(word);
      else if (!word.getAsInteger(10, value))
        result = SizeExpr::constant(value);
    }
    --depth;
    return result;
  }
  std::optional<SizeExpr> product() {
    std::optional<SizeExpr> left = primary();
    while (left) {
      SizeExpr::Op op;
      if (take("//"))
        op = SizeExpr::Op::FloorDiv;
      else if (take("*"))
        op = SizeExpr::Op::Mul;
      else
        break;
      std::optional<SizeExpr> right = primary();
      left = right ? SizeExpr::join(op, *left, *right) : std::nullopt;
    }
    return left;
  }
  std::optional<SizeExpr> sum() {
    std::optional<SizeExpr> left = product();
    while (left) {
      bool isDifference = take("-");
      if (!isDifference && !take("+"))
        break;
      std::optional<SizeExpr> right = product();
      if (right && isDifference)
        right =
            SizeExpr::join(SizeExpr::Op::Mul, *right, SizeExpr::constant(-1));
      left = right ? SizeExpr::join(SizeExpr::Op::Add, *left, *right)
                   : std::nullopt;
    }
    return left;
  }
};
} // namespace

std::optional<SizeExpr> SizeExpr::parse(StringRef text) {
  Reader reader{text};
  std::optional<SizeExpr> result = reader.sum();
  return reader.rest.trim().empty() ? result : std::nullopt;
}

bool ladon::isComputedSize(StringRef size) {
  return llvm::any_of(size,
                      [](char c) { return !llvm::isAlnum(c) && c != '_'; });
}
