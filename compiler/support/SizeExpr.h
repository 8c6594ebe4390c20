//===- SizeExpr.h - Sizes that are computed from others --------*- C++ -*-===//
//
// `2 * S - 1`, `P + S`, `(S + 15) // 16`: a sum of products of named sizes and
// of quotients, rounded down. The text of an expression is canonical: two that
// are equal by the laws of + and * have one text, by which sizes are compared
// and handed on. The runtime evaluates it at entry (runtime/lib/checks.c).
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_SUPPORT_SIZEEXPR_H
#define LADON_COMPILER_SUPPORT_SIZEEXPR_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ladon {

class SizeExpr {
public:
  /// What two sizes are joined by.
  enum class Op { Add, Mul, FloorDiv };

  static SizeExpr constant(int64_t value);
  static SizeExpr name(llvm::StringRef name);
  /// Reads a text of names, integers, + - * // and parentheses; none where it
  /// is not one, or divides by anything but a positive constant.
  static std::optional<SizeExpr> parse(llvm::StringRef text);
  /// None where a constant overflows, and for divisions by anything but a
  /// positive constant.
  static std::optional<SizeExpr> join(Op op, const SizeExpr &left,
                                      const SizeExpr &right);

  std::string str() const;
  std::optional<int64_t> asConstant() const;
  /// Whether it is at least 0 for any sizes, as far as its signs show.
  bool isNatural() const;
  /// Calls `visit` for every name, some more than once.
  void forEachName(llvm::function_ref<void(llvm::StringRef)> visit) const;
  /// The value for sizes of those names; none when a step overflows.
  std::optional<int64_t>
  evaluate(llvm::function_ref<int64_t(llvm::StringRef)> sizeOf) const;

  /// Builds the expression from the values of its parts.
  template <typename T>
  T fold(llvm::function_ref<T(int64_t)> constant,
         llvm::function_ref<T(llvm::StringRef)> name,
         llvm::function_ref<T(Op, T, T)> join) const {
    std::optional<T> sum;
    for (const auto &[product, coefficient] : terms) {
      std::optional<T> value;
      if (coefficient != 1 || product.empty())
        value = constant(coefficient);
      for (const Factor &factor : product) {
        T next = factor.of
                     ? join(Op::FloorDiv,
                            factor.of->template fold<T>(constant, name, join),
                            constant(factor.divisor))
                     : name(factor.text);
        value = value ? join(Op::Mul, *value, next) : next;
      }
      sum = sum ? join(Op::Add, *sum, *value) : *value;
    }
    return sum ? *sum : constant(0);
  }

private:
  /// A name, or a quotient of an expression.
  struct Factor {
    std::string text;
    std::shared_ptr<const SizeExpr> of;
    int64_t divisor = 1;
    bool operator<(const Factor &other) const { return text < other.text; }
  };
  using Product = std::vector<Factor>; ///< In the order of their texts.

  static std::string text(const Product &product, int64_t size);

  std::map<Product, int64_t> terms; ///< Coefficients, none of them zero.
};

/// Whether `size` is computed from others, not a name itself.
bool isComputedSize(llvm::StringRef size);

} // namespace ladon

#endif // LADON_COMPILER_SUPPORT_SIZEEXPR_H
