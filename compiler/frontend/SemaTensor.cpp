//===- SemaTensor.cpp - Operations on whole tensors -----------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Fold.h"
#include "compiler/frontend/Sema.h"

using namespace ladon;
using ast::BinaryOp;
using ast::Dim;
using llvm::StringRef;
using Kind = ast::Expr::Kind;

ast::Expr *Sema::elaborateTensor(const syntax::Expr *expr, const Scope *scope) {
  Expr *value = elaborate(expr, scope, {Place::Tensor});
  if (!value)
    return nullptr;
  if (!value->type.isTensor()) {
    report(DiagId::ScalarAsTensor, expr->range, scope, describe(value->type));
    return nullptr;
  }
  if (!value->type.isFloat()) {
    report(DiagId::ElementNotFloat, expr->range, scope,
           "a tensor that is computed on", spelling(value->type.element),
           listTypes(isFloat, "or"));
    return nullptr;
  }
  return value;
}

bool Sema::isStatic(const Dim &dim, StringRef what, const syntax::Expr *at,
                    const Scope *scope) {
  if (!dim.isStatic()) {
    report(DiagId::AxisNotStatic, at->range, scope, what, dim.name);
    return false;
  }
  if (dim.size == 0) {
    report(DiagId::EmptyAxis, at->range, scope, what);
    return false;
  }
  return true;
}

//===--- Heads ------------------------------------------------------------===//

ast::Expr *Sema::elaborateSplit(const syntax::Expr *expr, const Scope *scope) {
  Arguments given;
  bool good = matchArguments(expr, scope, given);
  const syntax::Expr *tensor = given.lookup("tensor");
  const syntax::Expr *heads = given.lookup("heads");
  Expr *value = tensor ? elaborateTensor(tensor, scope) : nullptr;
  Expr *count =
      heads ? elaborateScalar(heads, scope, {Place::Constant}) : nullptr;
  if (!good || !value || !count)
    return nullptr;
  if (count->kind != Kind::IntLit || count->intValue < 1 ||
      count->intValue > maxDim) {
    report(DiagId::HeadCount, heads->range, scope,
           count->kind == Kind::IntLit ? std::to_string(count->intValue)
                                       : describe(count->type));
    return nullptr;
  }
  if (value->type.dims->size() != 3) {
    report(DiagId::SplitRank, tensor->range, scope, describe(value->type));
    return nullptr;
  }
  const Dim &features = (*value->type.dims)[2];
  if (!isStatic(features, "number of features", tensor, scope))
    return nullptr;
  if (features.size % count->intValue) {
    report(DiagId::SplitDivides, heads->range, scope, features.size,
           count->intValue);
    return nullptr;
  }
  Expr *result = create(Kind::Split, expr, scope, value->type.element);
  result->args = {value};
  result->headCount = count->intValue;
  result->type.dims = {(*value->type.dims)[0], Dim{count->intValue, ""},
                       (*value->type.dims)[1],
                       Dim{features.size / count->intValue, ""}};
  return result;
}

ast::Expr *Sema::elaborateConcat(const syntax::Expr *expr, const Scope *scope) {
  Arguments given;
  if (!matchArguments(expr, scope, given))
    return nullptr;
  const syntax::Expr *tensor = given.lookup("tensor");
  Expr *value = elaborateTensor(tensor, scope);
  if (!value)
    return nullptr;
  if (value->type.dims->size() != 4) {
    report(DiagId::ConcatRank, tensor->range, scope, describe(value->type));
    return nullptr;
  }
  const auto &dims = *value->type.dims;
  if (!isStatic(dims[1], "number of heads", tensor, scope) ||
      !isStatic(dims[3], "number of features", tensor, scope))
    return nullptr;
  int64_t features = dims[1].size * dims[3].size;
  if (features > maxDim) {
    report(DiagId::DimRange, expr->range, scope, features);
    return nullptr;
  }
  Expr *result = create(Kind::Concat, expr, scope, value->type.element);
  result->args = {value};
  result->type.dims = {dims[0], dims[2], Dim{features, ""}};
  return result;
}

ast::Expr *Sema::elaborateTranspose(const syntax::Expr *expr,
                                    const Scope *scope) {
  Arguments given;
  if (!matchArguments(expr, scope, given))
    return nullptr;
  const syntax::Expr *tensor = given.lookup("tensor");
  Expr *value = elaborateTensor(tensor, scope);
  if (!value)
    return nullptr;
  if (value->type.dims->size() != 2) {
    report(DiagId::TransposeRank, tensor->range, scope, describe(value->type));
    return nullptr;
  }
  Expr *result = create(Kind::Transpose, expr, scope, value->type.element);
  result->args = {value};
  result->type.dims = {value->type.dims->back(), value->type.dims->front()};
  return result;
}

//===--- Results of an attend ---------------------------------------------===//

ast::Expr *Sema::elaborateMember(const syntax::Expr *expr, const Scope *scope,
                                 const Place &place) {
  StringRef name = expr->name.text;
  const syntax::Expr *of = expr->args[0];
  if (of->kind == syntax::Expr::Kind::Name && findPosition(of->name.text)) {
    report(DiagId::MemberOfOther, expr->range, scope, name);
    return nullptr;
  }
  Expr *base = elaborate(of, scope, {Place::Tensor});
  if (!base)
    return nullptr;
  if (place.kind != Place::Tensor) {
    report(DiagId::TensorAsScalar, expr->range, scope, "." + name.str());
    return nullptr;
  }
  const Expr *attend = base;
  while (attend->kind == Kind::Name && attend->let)
    attend = attend->let->value;
  if (attend->kind != Kind::Attend) {
    report(DiagId::MemberOfOther, expr->range, scope, name);
    return nullptr;
  }
  if (name != "out" && name != "lse") {
    report(DiagId::UnknownMember, expr->name.range, scope, name);
    return nullptr;
  }
  Expr *result = create(Kind::Member, expr, scope, attend->type.element);
  result->name = name.str();
  result->args = {base};
  result->type = attend->type;
  if (name == "lse")
    result->type.dims->pop_back();
  return result;
}

//===--- Arithmetic -------------------------------------------------------===//

std::optional<ast::Type>
Sema::combineTensors(const syntax::Expr *expr,
                     llvm::ArrayRef<syntax::Expr *> written, const Scope *scope,
                     llvm::MutableArrayRef<Expr *> operands) {
  Expr *full = nullptr;
  for (auto [operand, at] : llvm::zip(operands, written)) {
    if (!operand->type.isTensor())
      continue;
    if (!operand->type.isFloat()) {
      report(DiagId::ElementNotFloat, at->range, scope,
             "a tensor that is computed on", spelling(operand->type.element),
             listTypes(isFloat, "or"));
      return std::nullopt;
    }
    if (!full || operand->type.dims->size() > full->type.dims->size())
      full = operand;
  }
  ast::Type result = full->type;
  result.element = computedType(result.element);
  for (auto [operand, at] : llvm::zip(operands, written)) {
    if (!operand->type.isTensor()) {
      std::optional<double> constant = foldFloat(operand);
      if (!constant || operand->type.element == ast::ScalarType::Bool) {
        report(DiagId::NotConstant, at->range, scope,
               "a tensor is combined with tensors and constants");
        return std::nullopt;
      }
      operand = create(Kind::FloatLit, at, scope, result.element);
      operand->floatValue = *constant;
      continue;
    }
    if (computedType(operand->type.element) != result.element) {
      bool isLeft = operand == operands[0];
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
    llvm::ArrayRef<Dim> whole = *full->type.dims, part = *operand->type.dims;
    if (whole.take_back(part.size()) == part)
      continue;
    if (whole.take_front(part.size()) == part) {
      Expr *repeated = create(Kind::Repeat, at, scope, operand->type.element);
      repeated->type.dims = full->type.dims;
      repeated->args = {operand};
      operand = repeated;
      continue;
    }
    bool isLeft = operand == operands[0];
    report(DiagId::ElementwiseShape, expr->range, scope, expr->name.text,
           describe(isLeft ? operand->type : full->type),
           describe(isLeft ? full->type : operand->type))
        .note({}, "the shapes must be equal, or the right one must be the end "
                  "of the left one, or its beginning, or the other way round");
    return std::nullopt;
  }
  return result;
}

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

ast::Expr *Sema::matmul(const syntax::Expr *expr, const Scope *scope,
                        Expr *left, Expr *right) {
  const Expr *sides[] = {left, right};
  for (unsigned side = 0; side < 2; ++side)
    if (sides[side]->type.isTensor() && !sides[side]->type.isFloat()) {
      report(DiagId::ElementNotFloat, expr->args[side]->range, scope,
             "a tensor that is computed on",
             spelling(sides[side]->type.element), listTypes(isFloat, "or"));
      return nullptr;
    }
  bool good = left->type.isTensor() && right->type.isTensor() &&
              left->type.dims->size() >= 2 && right->type.dims->size() == 2;
  if (!good) {
    report(DiagId::MatmulRank, expr->range, scope, describe(left->type),
           describe(right->type));
    return nullptr;
  }
  if (computedType(left->type.element) != computedType(right->type.element)) {
    report(DiagId::ElementMismatch, expr->range, scope, "the left side",
           spelling(left->type.element), "the right side",
           spelling(right->type.element));
    return nullptr;
  }
  auto text = [](const Dim &dim) {
    return dim.isStatic() ? std::to_string(dim.size) : dim.name;
  };
  const Dim &features = left->type.dims->back();
  const Dim &rows = right->type.dims->front();
  if (!(features == rows)) {
    report(DiagId::MatmulShape, expr->range, scope, text(features), text(rows))
        .note(expr->args[0]->range, "this is " + describe(left->type))
        .note(expr->args[1]->range, "this is " + describe(right->type));
    return nullptr;
  }
  Expr *result =
      create(Kind::Binary, expr, scope, computedType(left->type.element));
  result->binaryOp = BinaryOp::MatMul;
  result->args = {left, right};
  result->type.dims = left->type.dims;
  result->type.dims->back() = right->type.dims->back();
  return result;
}
