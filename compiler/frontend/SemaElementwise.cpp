//===- SemaElementwise.cpp - Arithmetic of tensors ------------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Fold.h"
#include "compiler/frontend/Sema.h"

using namespace ladon;
using ast::BinaryOp;
using ast::Dim;
using ast::ScalarType;
using Kind = ast::Expr::Kind;

//===--- Shapes -----------------------------------------------------------===//

/// Whether axes of `part` stand beside those of `whole` that begin at `first`:
/// each is equal, or one of the two has one entry. Where that is the axis of
/// `whole`, it gets the other's extent.
static bool broadcasts(llvm::ArrayRef<Dim> part,
                       llvm::MutableArrayRef<Dim> whole, size_t first) {
  auto isOne = [](const Dim &dim) { return dim.size == 1; };
  for (auto [axis, dim] : llvm::enumerate(part))
    if (const Dim &other = whole[first + axis];
        !(dim == other) && !isOne(dim) && !isOne(other))
      return false;
  for (auto [axis, dim] : llvm::enumerate(part))
    if (isOne(whole[first + axis]))
      whole[first + axis] = dim;
  return true;
}

/// A single value in a place where tensors are combined, as a float.
ast::Expr *Sema::uniform(const syntax::Expr *expr, const Scope *scope,
                         Expr *value, ScalarType element) {
  if (value->type.element == ScalarType::Bool) {
    report(DiagId::OperandType, expr->range, scope, "arithmetic of tensors",
           "numbers", describe(value->type))
        .note({}, "int(x) and float(x) make 0 or 1 of a bool");
    return nullptr;
  }
  if (std::optional<double> constant = foldFloat(value)) {
    Expr *literal = create(Kind::FloatLit, expr, scope, element);
    literal->floatValue = *constant;
    return literal;
  }
  // Once more, now that the type is known which its operations are in.
  value = elaborateScalar(expr, scope, {Place::Uniform, element});
  return value ? toFloat(value, element) : nullptr;
}

std::optional<ast::Type>
Sema::combineTensors(const syntax::Expr *expr,
                     llvm::ArrayRef<syntax::Expr *> written, const Scope *scope,
                     llvm::MutableArrayRef<Expr *> operands) {
  const Expr *full = nullptr;
  for (auto [operand, at] : llvm::zip(operands, written)) {
    if (!operand->type.isTensor())
      continue;
    if (!operand->type.isFloat()) {
      report(DiagId::ElementNotFloat, at->range, scope,
             "a tensor that is computed on", spelling(operand->type.element),
             listTypes(isFloat, "or"))
          .note({}, "float(x) makes floats of integers and bools");
      return std::nullopt;
    }
    if (!full || operand->type.dims->size() > full->type.dims->size())
      full = operand;
  }
  ast::Type result = full->type;
  result.element = computedType(result.element);
  for (auto [operand, at] : llvm::zip(operands, written)) {
    if (!operand->type.isTensor()) {
      operand = uniform(at, scope, operand, result.element);
      if (!operand)
        return std::nullopt;
      continue;
    }
    bool isLeft = operand == operands[0];
    if (computedType(operand->type.element) != result.element) {
      const Expr *left = isLeft ? operand : full,
                 *right = isLeft ? full : operand;
      bool isOperator = expr->kind == syntax::Expr::Kind::Binary;
      report(DiagId::ElementMismatch, expr->range, scope,
             isOperator ? "the left side" : "one argument",
             spelling(left->type.element),
             isOperator ? "the right side" : "another",
             spelling(right->type.element));
      return std::nullopt;
    }
    llvm::ArrayRef<Dim> part = *operand->type.dims, whole = *result.dims;
    if (whole.take_back(part.size()) == part)
      continue;
    bool isBeginning = whole.take_front(part.size()) == part;
    if (!isBeginning &&
        broadcasts(part, *result.dims, result.dims->size() - part.size()))
      continue;
    if (isBeginning || broadcasts(part, *result.dims, 0)) {
      Expr *repeated = create(Kind::Repeat, at, scope, operand->type.element);
      repeated->args = {operand};
      operand = repeated;
      continue;
    }
    Diagnostic &error =
        report(DiagId::ElementwiseShape, expr->range, scope, expr->name.text,
               describe(isLeft ? operand->type : full->type),
               describe(isLeft ? full->type : operand->type))
            .note({}, "the shapes must be equal, or the right one must be the "
                      "end of the left one, or its beginning, or the other way "
                      "round; an axis of 1 fits any other");
    if (whole.size() == 4 && part.size() == 1 && whole[1] == part[0])
      error.note({}, "a number for each head has the axes [" +
                         std::to_string(part[0].size) + ", 1, 1]");
    return std::nullopt;
  }
  for (Expr *operand : operands)
    if (operand->kind == Kind::Repeat && !operand->type.dims)
      operand->type.dims = result.dims;
  return result;
}

//===--- Operators --------------------------------------------------------===//

ast::Expr *Sema::tensorBinary(const syntax::Expr *expr, const Scope *scope,
                              Expr *left, Expr *right) {
  BinaryOp op = expr->binaryOp;
  Expr *sides[] = {left, right};
  if (op > BinaryOp::Div && op != BinaryOp::MatMul) {
    unsigned side = left->type.isTensor() ? 0 : 1;
    report(DiagId::OperandType, expr->args[side]->range, scope, spelling(op),
           "single values", describe(sides[side]->type));
    return nullptr;
  }
  if (op == BinaryOp::MatMul)
    return matmul(expr, scope, left, right);
  std::optional<ast::Type> type =
      combineTensors(expr, expr->args, scope, sides);
  if (!type)
    return nullptr;
  if (op == BinaryOp::Div && sides[1]->kind == Kind::FloatLit &&
      sides[1]->floatValue == 0) {
    report(DiagId::DivisionByZero, expr->args[1]->range, scope);
    return nullptr;
  }
  Expr *result = create(Kind::Binary, expr, scope, type->element);
  result->type = *type;
  result->binaryOp = op;
  result->args = {sides[0], sides[1]};
  return result;
}
