//===- SemaScalar.cpp - Operators and conversions -------------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Fold.h"
#include "compiler/frontend/Sema.h"

#include "llvm/ADT/ScopeExit.h"

using namespace ladon;
using ast::BinaryOp;
using ast::ScalarType;
using ast::UnaryOp;
using llvm::StringRef;
using Kind = ast::Expr::Kind;
using SyntaxKind = syntax::Expr::Kind;

//===--- Nodes and limits -------------------------------------------------===//

ast::Expr *Sema::create(Kind kind, const syntax::Expr *expr, const Scope *scope,
                        ScalarType type) {
  Expr *result =
      spec.context.create(kind, callOf(scope) ? scope->outermost : expr->range);
  result->type.element = type;
  return result;
}

ast::Expr *Sema::integerLiteral(const syntax::Expr *expr, const Scope *scope,
                                int64_t value, ScalarType type) {
  Expr *result = create(Kind::IntLit, expr, scope, type);
  result->intValue = value;
  return result;
}

ast::Expr *Sema::boolLiteral(const syntax::Expr *expr, const Scope *scope,
                             bool value) {
  Expr *result = create(Kind::BoolLit, expr, scope, ScalarType::Bool);
  result->intValue = value;
  return result;
}

ast::Expr *Sema::elaborate(const syntax::Expr *expr, const Scope *scope,
                           const Place &place) {
  if (exhausted || expr->kind == SyntaxKind::Error)
    return nullptr;
  llvm::scope_exit leave([&] { --depth; });
  if (++depth + expr->depth > maxDepth + 1) {
    exhausted = true;
    report(DiagId::ExpansionTooDeep, expr->range, scope, maxDepth);
    return nullptr;
  }
  if (++operations > maxOperations) {
    exhausted = true;
    report(DiagId::ExpansionTooLarge, expr->range, scope, maxOperations);
    return nullptr;
  }
  Expr *value = elaborateKind(expr, scope, place);
  if (types && value) {
    llvm::SmallVector<std::string, 1> &known = (*types)[expr];
    if (std::string type = value->type.str(); !llvm::is_contained(known, type))
      known.push_back(type);
  }
  return value;
}

ast::Expr *Sema::elaborateKind(const syntax::Expr *expr, const Scope *scope,
                               const Place &place) {
  switch (expr->kind) {
  case SyntaxKind::Error:
    return nullptr;
  case SyntaxKind::Integer:
    return integerLiteral(expr, scope, expr->intValue,
                          expr->intValue > INT32_MAX ? ScalarType::I64
                                                     : ScalarType::I32);
  case SyntaxKind::Float: {
    Expr *result = create(Kind::FloatLit, expr, scope, place.floatType);
    result->floatValue = expr->floatValue;
    return result;
  }
  case SyntaxKind::Bool:
    return boolLiteral(expr, scope, expr->intValue);
  case SyntaxKind::Name:
    return elaborateName(expr, scope, place);
  case SyntaxKind::Unary:
    return elaborateUnary(expr, scope, place);
  case SyntaxKind::Binary:
    return elaborateBinary(expr, scope, place);
  case SyntaxKind::If:
    return elaborateIf(expr, scope, place);
  case SyntaxKind::Block:
    return elaborateBlock(expr, scope, place);
  case SyntaxKind::Reduce:
    return elaborateReduce(expr, scope, place);
  case SyntaxKind::Call:
    return elaborateCall(expr, scope, place);
  case SyntaxKind::Index:
    return elaborateIndex(expr, scope, place);
  case SyntaxKind::Range:
    report(DiagId::SliceOutside, expr->range, scope);
    return nullptr;
  case SyntaxKind::List:
    report(DiagId::ListOutside, expr->range, scope);
    return nullptr;
  case SyntaxKind::Member:
    return elaborateMember(expr, scope, place);
  }
  return nullptr;
}

//===--- Conversions ------------------------------------------------------===//

ast::Expr *Sema::toFloat(Expr *value, ScalarType type) {
  if (value->type.element == type)
    return value;
  Expr *result = spec.context.create(Kind::FloatLit, value->range);
  result->type.element = type;
  if (value->kind == Kind::IntLit) {
    result->floatValue = double(value->intValue);
    return result;
  }
  result->kind = Kind::Call;
  result->name = "float";
  result->builtin = ast::Builtin::Float;
  result->args = {value};
  return result;
}

std::optional<ScalarType> Sema::unify(llvm::MutableArrayRef<Expr *> values,
                                      const Place &place) {
  bool anyFloat = false, anyI64 = false;
  for (Expr *value : values) {
    if (value->type.isTensor() || value->type.element == ScalarType::Bool)
      return std::nullopt;
    anyFloat |= value->type.isFloat();
    anyI64 |= value->type.element == ScalarType::I64;
  }
  if (anyFloat) {
    for (Expr *&value : values)
      value = toFloat(value, place.floatType);
    return place.floatType;
  }
  if (!anyI64)
    return ScalarType::I32;
  for (Expr *value : values)
    if (value->kind == Kind::IntLit)
      value->type.element = ScalarType::I64;
  return ScalarType::I64;
}

ast::Expr *Sema::asScalar(Expr *value, const syntax::Expr *expr,
                          const Scope *scope) {
  if (!value || !value->type.isTensor())
    return value;
  // Name the tensor if the text does; the note shows the way out.
  std::string name = value->kind == Kind::Name ? value->name : "this value";
  Diagnostic &result = report(DiagId::TensorAsScalar, expr->range, scope, name);
  if (value->kind == Kind::Name && value->param)
    result.note(value->param->range,
                llvm::formatv("it has {0}: read one value with {1}[...]",
                              counted(value->type.dims->size(), "axis"), name)
                    .str());
  return nullptr;
}

ast::Expr *Sema::elaborateScalar(const syntax::Expr *expr, const Scope *scope,
                                 const Place &place) {
  return asScalar(elaborate(expr, scope, place), expr, scope);
}

//===--- Operators --------------------------------------------------------===//

ast::Expr *Sema::elaborateUnary(const syntax::Expr *expr, const Scope *scope,
                                const Place &place) {
  Expr *operand = elaborate(expr->args[0], scope, place);
  if (place.kind != Place::Tensor)
    operand = asScalar(operand, expr->args[0], scope);
  if (!operand)
    return nullptr;
  const ast::Type &type = operand->type;
  UnaryOp op = expr->unaryOp;
  bool isBool = type.element == ScalarType::Bool;
  StringRef wanted = op == UnaryOp::Not      ? "a bool"
                     : op == UnaryOp::BitNot ? "an integer"
                                             : "a number";
  bool good = op == UnaryOp::Not      ? isBool && !type.isTensor()
              : op == UnaryOp::BitNot ? type.isInteger() && !type.isTensor()
                                      : !isBool;
  if (!good) {
    Diagnostic &result = report(DiagId::OperandType, expr->args[0]->range,
                                scope, spelling(op), wanted, describe(type));
    if (op == UnaryOp::BitNot && isBool)
      result.note({}, "of a bool write 'not'").fixIt(expr->name.range, "not ");
    return nullptr;
  }
  if (type.isTensor()) {
    // -x is written as x * -1, which is exact.
    Expr *factor = integerLiteral(expr, scope, -1, ScalarType::I32);
    syntax::Expr product = *expr;
    product.binaryOp = BinaryOp::Mul;
    product.args = {expr->args[0], expr->args[0]};
    return tensorBinary(&product, scope, operand, factor);
  }
  if (operand->kind == Kind::BoolLit)
    return boolLiteral(expr, scope, !operand->intValue);
  if (operand->kind == Kind::IntLit) {
    std::optional<int64_t> value =
        op == UnaryOp::Neg ? foldInteger(BinaryOp::Sub, 0, operand->intValue)
                           : ~operand->intValue;
    // 2147483648 is an i64 only until its sign is known.
    ScalarType folded =
        value == INT32_MIN && expr->args[0]->kind == SyntaxKind::Integer
            ? ScalarType::I32
            : type.element;
    if (value && (folded == ScalarType::I64 || *value <= INT32_MAX))
      return integerLiteral(expr, scope, *value, folded);
    report(DiagId::ConstantOverflow, expr->range, scope, describe(type));
    return nullptr;
  }
  if (operand->kind == Kind::FloatLit && op == UnaryOp::Neg) {
    Expr *result = create(Kind::FloatLit, expr, scope, type.element);
    result->floatValue = -operand->floatValue;
    return result;
  }
  Expr *result = create(Kind::Unary, expr, scope, type.element);
  result->unaryOp = op;
  result->args = {operand};
  return result;
}

static StringRef operandsOf(BinaryOp op) {
  switch (op) {
  case BinaryOp::And:
  case BinaryOp::Or:
    return "bools";
  case BinaryOp::BitAnd:
  case BinaryOp::BitOr:
  case BinaryOp::BitXor:
  case BinaryOp::Shl:
  case BinaryOp::Shr:
    return "integers";
  case BinaryOp::MatMul:
    return "tensors";
  default:
    return "numbers";
  }
}

ast::Expr *Sema::elaborateBinary(const syntax::Expr *expr, const Scope *scope,
                                 const Place &place) {
  BinaryOp op = expr->binaryOp;
  bool isLogic = op == BinaryOp::And || op == BinaryOp::Or;
  Place rightPlace = place;
  rightPlace.guarded |= isLogic;
  Expr *left = elaborate(expr->args[0], scope, place);
  Expr *right = elaborate(expr->args[1], scope, rightPlace);
  if (!left || !right)
    return nullptr;
  if (place.kind == Place::Tensor &&
      (left->type.isTensor() || right->type.isTensor()))
    return tensorBinary(expr, scope, left, right);
  left = asScalar(left, expr->args[0], scope);
  right = asScalar(right, expr->args[1], scope);
  if (!left || !right)
    return nullptr;

  StringRef wanted = operandsOf(op);
  auto reject = [&](unsigned side, Expr *operand) -> Expr * {
    Diagnostic &result =
        report(DiagId::OperandType, expr->args[side]->range, scope,
               spelling(op), wanted, describe(operand->type));
    bool isBool = operand->type.element == ScalarType::Bool;
    StringRef ofBools = op == BinaryOp::BitAnd   ? "and"
                        : op == BinaryOp::BitOr  ? "or"
                        : op == BinaryOp::BitXor ? "!="
                                                 : "";
    if (isBool && !ofBools.empty())
      result.note({}, "of bools write '" + ofBools.str() + "'")
          .fixIt(expr->name.range, ofBools);
    else if (isBool && wanted != "tensors")
      result.note({}, "int(x) makes 0 or 1 of a bool");
    else if (op == BinaryOp::BitXor && operand->type.isFloat())
      result.note({}, "a power is pow(x, y)");
    return nullptr;
  };
  auto isBool = [](Expr *operand) {
    return operand->type.element == ScalarType::Bool;
  };
  bool isEquality = op == BinaryOp::Eq || op == BinaryOp::Ne;
  for (unsigned side = 0; side < 2; ++side) {
    Expr *operand = side ? right : left;
    bool good = wanted == "bools"      ? isBool(operand)
                : wanted == "integers" ? operand->type.isInteger()
                : wanted == "tensors"  ? false
                : isEquality           ? isBool(left) == isBool(right)
                                       : !isBool(operand);
    if (!good)
      return reject(isEquality ? isBool(right) : side,
                    isEquality ? (isBool(right) ? right : left) : operand);
  }
  if (isLogic || (isEquality && isBool(left))) {
    if (left->kind == Kind::BoolLit && right->kind == Kind::BoolLit) {
      bool x = left->intValue, y = right->intValue;
      return boolLiteral(expr, scope,
                         op == BinaryOp::And ? x && y
                         : op == BinaryOp::Or
                             ? x || y
                             : (x == y) == (op == BinaryOp::Eq));
    }
    Expr *result = create(Kind::Binary, expr, scope, ScalarType::Bool);
    result->binaryOp = op;
    result->args = {left, right};
    return result;
  }
  return integerBinary(expr, scope, place, left, right);
}

/// Numbers on both sides: integers fold, floats stay as written.
ast::Expr *Sema::integerBinary(const syntax::Expr *expr, const Scope *scope,
                               const Place &place, Expr *left, Expr *right) {
  BinaryOp op = expr->binaryOp;
  bool divides =
      op == BinaryOp::Div || op == BinaryOp::FloorDiv || op == BinaryOp::Mod;
  if (divides && right->kind == Kind::IntLit && right->intValue == 0) {
    report(DiagId::DivisionByZero, expr->args[1]->range, scope);
    return nullptr;
  }
  if (op == BinaryOp::Div) {
    left = toFloat(left, place.floatType);
    right = toFloat(right, place.floatType);
  }
  bool isShift = op == BinaryOp::Shl || op == BinaryOp::Shr;
  Expr *operands[] = {left, right};
  ScalarType type = isShift ? left->type.element : *unify(operands, place);
  if (isShift && right->kind == Kind::IntLit) {
    int64_t most = type == ScalarType::I64 ? 63 : 31;
    if (right->intValue < 0 || right->intValue > most) {
      report(DiagId::ShiftRange, expr->args[1]->range, scope, right->intValue,
             most, spelling(type));
      return nullptr;
    }
    right->type.element = type;
  }
  bool isCompare = op >= BinaryOp::Lt && op <= BinaryOp::Ne;
  if (operands[0]->kind == Kind::IntLit && operands[1]->kind == Kind::IntLit)
    return foldedBinary(expr, scope, type, operands[0], operands[1]);
  Expr *result =
      create(Kind::Binary, expr, scope, isCompare ? ScalarType::Bool : type);
  result->binaryOp = op;
  result->args = {operands[0], operands[1]};
  return result;
}

ast::Expr *Sema::foldedBinary(const syntax::Expr *expr, const Scope *scope,
                              ScalarType type, const Expr *left,
                              const Expr *right) {
  BinaryOp op = expr->binaryOp;
  if (op >= BinaryOp::Lt && op <= BinaryOp::Ne)
    return boolLiteral(expr, scope,
                       foldCompare(op, left->intValue, right->intValue));
  std::optional<int64_t> value =
      foldInteger(op, left->intValue, right->intValue);
  if (value &&
      (type == ScalarType::I64 || (*value >= INT32_MIN && *value <= INT32_MAX)))
    return integerLiteral(expr, scope, *value, type);
  report(DiagId::ConstantOverflow, expr->range, scope, spelling(type));
  return nullptr;
}

ast::Expr *Sema::elaborateIf(const syntax::Expr *expr, const Scope *scope,
                             const Place &place) {
  Expr *condition = elaborateScalar(expr->args[0], scope, place);
  Place branch = place;
  branch.guarded = true;
  Expr *sides[] = {elaborateScalar(expr->args[1], scope, branch),
                   elaborateScalar(expr->args[2], scope, branch)};
  if (condition && condition->type.element != ScalarType::Bool) {
    report(DiagId::ConditionType, expr->args[0]->range, scope,
           describe(condition->type));
    return nullptr;
  }
  if (!condition || !sides[0] || !sides[1])
    return nullptr;
  std::optional<ScalarType> type = unify(sides, place);
  if (!type && sides[0]->type.element == sides[1]->type.element)
    type = sides[0]->type.element;
  if (!type) {
    report(DiagId::BranchTypes, expr->range, scope, describe(sides[0]->type),
           describe(sides[1]->type));
    return nullptr;
  }
  if (condition->kind == Kind::BoolLit) {
    Expr *taken = sides[condition->intValue ? 0 : 1];
    // The other side may be wider; only an i32 side of an i64 `if` is.
    if (taken->type.element == *type)
      return taken;
  }
  Expr *result = create(Kind::If, expr, scope, *type);
  result->args = {condition, sides[0], sides[1]};
  return result;
}
