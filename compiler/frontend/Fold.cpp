//===- Fold.cpp - Values of constant expressions --------------------------===//

#include "compiler/frontend/Fold.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace ladon;
using namespace ladon::ast;
using Kind = ast::Expr::Kind;

static std::optional<double> foldCall(const Expr *expr) {
  llvm::SmallVector<double, 4> x;
  for (const Expr *arg : expr->args) {
    std::optional<double> value = foldFloat(arg);
    if (!value)
      return std::nullopt;
    x.push_back(*value);
  }
  switch (expr->builtin) {
#define INTEGER_BUILTIN(id, ...)                                               \
  case Builtin::id:                                                            \
    return std::nullopt;
#define BUILTIN(id, name, least, most, operands, value, meaning)               \
  case Builtin::id:                                                            \
    return value;
#include "compiler/frontend/Builtins.def"
  }
  return std::nullopt;
}

std::optional<int64_t> ladon::foldInteger(Builtin builtin,
                                          llvm::ArrayRef<int64_t> x,
                                          [[maybe_unused]] unsigned bits) {
  switch (builtin) {
#define FLOAT_BUILTIN(id, ...)
#define PREDICATE(id, ...)
#define CONVERSION(id, ...)
#define BUILTIN(id, name, least, most, operands, value, meaning)               \
  case Builtin::id:                                                            \
    return value;
#include "compiler/frontend/Builtins.def"
  default:
    return std::nullopt;
  }
}

static std::optional<double> foldBinary(BinaryOp op, double left,
                                        double right) {
  switch (op) {
  case BinaryOp::Add:
    return left + right;
  case BinaryOp::Sub:
    return left - right;
  case BinaryOp::Mul:
    return left * right;
  case BinaryOp::Div:
    return left / right;
  case BinaryOp::FloorDiv:
    return std::floor(left / right);
  case BinaryOp::Mod:
    return left - std::floor(left / right) * right;
  case BinaryOp::Lt:
    return left < right;
  case BinaryOp::Le:
    return left <= right;
  case BinaryOp::Gt:
    return left > right;
  case BinaryOp::Ge:
    return left >= right;
  case BinaryOp::Eq:
    return left == right;
  case BinaryOp::Ne:
    return left != right;
  case BinaryOp::And:
    return left != 0 && right != 0;
  case BinaryOp::Or:
    return left != 0 || right != 0;
  default:
    return std::nullopt;
  }
}

/// The value in f64 of an expression whose operands have their own type's
/// values.
static std::optional<double> foldExact(const Expr *expr) {
  switch (expr->kind) {
  case Kind::IntLit:
  case Kind::BoolLit:
    return double(expr->intValue);
  case Kind::FloatLit:
    return expr->floatValue;
  case Kind::Unary: {
    std::optional<double> value = foldFloat(expr->args[0]);
    if (!value || expr->unaryOp == UnaryOp::BitNot)
      return std::nullopt;
    return expr->unaryOp == UnaryOp::Neg ? -*value : double(*value == 0);
  }
  case Kind::Binary: {
    std::optional<double> left = foldFloat(expr->args[0]);
    std::optional<double> right = foldFloat(expr->args[1]);
    if (!left || !right)
      return std::nullopt;
    return foldBinary(expr->binaryOp, *left, *right);
  }
  case Kind::If: {
    std::optional<double> condition = foldFloat(expr->args[0]);
    if (!condition)
      return std::nullopt;
    return foldFloat(expr->args[*condition != 0 ? 1 : 2]);
  }
  case Kind::Call:
    return foldCall(expr);
  case Kind::Name:
    return expr->let ? foldFloat(expr->let->value) : std::nullopt;
  default:
    return std::nullopt;
  }
}

std::optional<double> ladon::foldFloat(const Expr *expr) {
  std::optional<double> value = foldExact(expr);
  if (value && expr->type.element == ScalarType::F32)
    value = float(*value);
  return value;
}

std::optional<int64_t> ladon::foldInteger(BinaryOp op, int64_t left,
                                          int64_t right) {
  int64_t result;
  switch (op) {
  case BinaryOp::Add:
    return llvm::AddOverflow(left, right, result) ? std::nullopt
                                                  : std::optional(result);
  case BinaryOp::Sub:
    return llvm::SubOverflow(left, right, result) ? std::nullopt
                                                  : std::optional(result);
  case BinaryOp::Mul:
    return llvm::MulOverflow(left, right, result) ? std::nullopt
                                                  : std::optional(result);
  case BinaryOp::FloorDiv:
  case BinaryOp::Mod: {
    if (right == 0)
      return std::nullopt;
    if (right == -1)
      return op == BinaryOp::Mod ? std::optional<int64_t>(0)
                                 : foldInteger(BinaryOp::Sub, 0, left);
    int64_t remainder = left % right;
    bool adjust = remainder != 0 && (remainder < 0) != (right < 0);
    if (op == BinaryOp::Mod)
      return adjust ? remainder + right : remainder;
    return left / right - adjust;
  }
  case BinaryOp::BitAnd:
    return left & right;
  case BinaryOp::BitOr:
    return left | right;
  case BinaryOp::BitXor:
    return left ^ right;
  case BinaryOp::Shl:
    if (right < 0 || right > 62)
      return std::nullopt;
    return foldInteger(BinaryOp::Mul, left, int64_t(1) << right);
  case BinaryOp::Shr:
    if (right < 0 || right > 63)
      return std::nullopt;
    return left >> right;
  default:
    return std::nullopt;
  }
}

bool ladon::foldCompare(BinaryOp op, int64_t left, int64_t right) {
  switch (op) {
  case BinaryOp::Lt:
    return left < right;
  case BinaryOp::Le:
    return left <= right;
  case BinaryOp::Gt:
    return left > right;
  case BinaryOp::Ge:
    return left >= right;
  case BinaryOp::Eq:
    return left == right;
  default:
    return left != right;
  }
}

std::string ladon::numberText(double value) {
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  if (value == std::trunc(value) && std::fabs(value) < 1e15)
    return std::to_string(int64_t(value));
  std::string text;
  for (int digits = 1; digits <= 17; ++digits) {
    char buffer[40];
    snprintf(buffer, sizeof(buffer), "%.*g", digits, value);
    text = buffer;
    if (strtod(buffer, nullptr) == value)
      break;
  }
  return text;
}
