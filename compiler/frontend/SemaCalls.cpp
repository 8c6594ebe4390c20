//===- SemaCalls.cpp - Functions, macros, masks ---------------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Fold.h"
#include "compiler/frontend/Sema.h"

#include <algorithm>
#include <climits>
#include <cmath>

using namespace ladon;
using ast::Builtin;
using ast::ScalarType;
using llvm::StringRef;
using Kind = ast::Expr::Kind;

bool Sema::checkArgCount(const syntax::Expr *call, const Scope *scope,
                         unsigned least, unsigned most) {
  size_t count = call->args.size();
  if (count >= least && count <= most)
    return true;
  std::string wanted = most == UINT_MAX
                           ? "at least " + counted(least, "argument")
                           : counted(least, "argument");
  report(DiagId::ArgumentCount, call->range, scope, call->name.text, wanted,
         count);
  return false;
}

bool Sema::rejectNamed(const syntax::Expr *call, const Scope *scope) {
  bool good = true;
  for (const syntax::Name &name : call->argNames)
    if (!name.text.empty()) {
      report(DiagId::NamedArgument, name.range, scope, call->name.text,
             name.text);
      good = false;
    }
  return good;
}

ast::Expr *Sema::elaborateCall(const syntax::Expr *expr, const Scope *scope,
                               const Place &place) {
  StringRef name = expr->name.text;
  if (name == "attend" || name == "split" || name == "concat") {
    if (place.kind != Place::Tensor) {
      report(DiagId::OperandType, expr->range, scope, "this place",
             "a single value", "the tensor of '" + name.str() + "'");
      return nullptr;
    }
    return name == "attend"  ? elaborateAttend(expr, scope)
           : name == "split" ? elaborateSplit(expr, scope, place)
                             : elaborateConcat(expr, scope, place);
  }
  if (std::optional<ast::MaskForm> form = findMaskForm(name))
    return elaborateMaskForm(expr, scope, place, *form);
  if (findBuiltin(name))
    return elaborateBuiltin(expr, scope, place);
  if (auto fn = fns.find(name); fn != fns.end()) {
    used.insert(name);
    if (fnBroken[fn->second])
      return nullptr;
    return expandFn(expr, scope, place, file.fns[fn->second]);
  }
  if (names.contains(name) || fileNames.contains(name) ||
      !reservedMeaning(name).empty() || argument(name, scope)) {
    Diagnostic &result =
        report(DiagId::NotAFunction, expr->name.range, scope, name);
    if (auto tensor = params.find(name);
        tensor != params.end() && tensor->second->type.isTensor())
      result.note({},
                  "a tensor is read with brackets: " + name.str() + "[...]");
    return nullptr;
  }
  llvm::SmallVector<StringRef, 8> fnNames;
  for (const syntax::Fn &fn : file.fns)
    fnNames.push_back(fn.name.text);
  reportUndefined(expr->name, scope, fnNames);
  return nullptr;
}

//===--- Builtin functions ------------------------------------------------===//

ast::Expr *Sema::elaborateBuiltin(const syntax::Expr *expr, const Scope *scope,
                                  const Place &place) {
  const BuiltinInfo &info = *findBuiltin(expr->name.text);
  bool good = rejectNamed(expr, scope);
  good &= checkArgCount(expr, scope, info.minArgs, info.maxArgs);
  llvm::SmallVector<Expr *, 4> args;
  bool converts =
      info.builtin == Builtin::Float || info.builtin == Builtin::Int;
  for (const syntax::Expr *arg : expr->args) {
    Expr *value = elaborateScalar(arg, scope, place);
    good &= value != nullptr;
    args.push_back(value);
    if (!value || converts || value->type.element != ScalarType::Bool)
      continue;
    good = false;
    report(DiagId::OperandType, arg->range, scope, info.name, "a number",
           describe(value->type))
        .note({}, "int(x) and float(x) make 0 or 1 of a bool");
  }
  if (!good)
    return nullptr;
  // int of an integer and float of a float change nothing.
  if (info.builtin == Builtin::Int && args[0]->type.isInteger())
    return args[0];
  if (info.builtin == Builtin::Float && args[0]->type.isFloat())
    return args[0];
  if (info.builtin == Builtin::Float && args[0]->kind == Kind::IntLit)
    return toFloat(args[0], place.floatType);

  ScalarType type = place.floatType;
  if (info.takesIntegers)
    type = *unify(args, place);
  else if (info.builtin == Builtin::Int)
    type = ScalarType::I32;
  else if (!converts)
    for (Expr *&arg : args)
      arg = toFloat(arg, place.floatType);
  Expr *result = create(Kind::Call, expr, scope, type);
  result->name = info.name.str();
  result->builtin = info.builtin;
  result->args.assign(args.begin(), args.end());
  if (result->type.isInteger())
    return foldedBuiltin(expr, scope, result);
  return result;
}

/// A call with integer result and constant arguments is a literal.
ast::Expr *Sema::foldedBuiltin(const syntax::Expr *expr, const Scope *scope,
                               const Expr *call) {
  auto *unfolded = const_cast<Expr *>(call);
  if (call->builtin == Builtin::Int) {
    std::optional<double> value = foldFloat(call);
    if (!value)
      return unfolded;
    if (*value >= INT32_MIN && *value <= INT32_MAX)
      return integerLiteral(expr, scope, int64_t(*value), ScalarType::I32);
    report(DiagId::ConstantOverflow, expr->range, scope, "i32");
    return nullptr;
  }
  llvm::SmallVector<int64_t, 4> values;
  for (const Expr *arg : call->args) {
    if (arg->kind != Kind::IntLit)
      return unfolded;
    values.push_back(arg->intValue);
  }
  ScalarType type = call->type.element;
  int64_t value = values[0];
  switch (call->builtin) {
  case Builtin::Min:
    value = *std::min_element(values.begin(), values.end());
    break;
  case Builtin::Max:
    value = *std::max_element(values.begin(), values.end());
    break;
  case Builtin::Clamp:
    value = std::min(std::max(value, values[1]), values[2]);
    break;
  case Builtin::Abs:
    if (value == (type == ScalarType::I32 ? INT32_MIN : INT64_MIN)) {
      report(DiagId::ConstantOverflow, expr->range, scope, spelling(type));
      return nullptr;
    }
    value = value < 0 ? -value : value;
    break;
  default:
    return unfolded;
  }
  return integerLiteral(expr, scope, value, type);
}

//===--- Macros -----------------------------------------------------------===//

ast::Expr *Sema::expandFn(const syntax::Expr *expr, const Scope *scope,
                          const Place &place, const syntax::Fn &fn) {
  bool named = !rejectNamed(expr, scope);
  if (!checkArgCount(expr, scope, fn.params.size(), fn.params.size()) || named)
    return nullptr;
  // An argument that the body does not read is still part of the spec.
  const std::vector<bool> &isUsed = fnArgUsed[fns.lookup(fn.name.text)];
  bool good = true;
  for (size_t at = 0; at < fn.params.size(); ++at)
    if (!isUsed[at]) {
      bool isTensorName = expr->args[at]->kind == syntax::Expr::Kind::Name;
      good &= isTensorName || elaborate(expr->args[at], scope, place);
    }
  scopes.push_back({&fn, scope, expr, scope ? scope->outermost : expr->range});
  Expr *result = elaborate(fn.body, &scopes.back(), place);
  return good ? result : nullptr;
}

//===--- Masks ------------------------------------------------------------===//

ast::Expr *Sema::elaborateMaskForm(const syntax::Expr *expr, const Scope *scope,
                                   const Place &place, ast::MaskForm form) {
  bool isCall = expr->kind == syntax::Expr::Kind::Call;
  if (place.kind != Place::Mask) {
    report(DiagId::MaskFormOutside, expr->range, scope, maskFormName(form));
    return nullptr;
  }
  if (isCall && form != ast::MaskForm::Window) {
    report(DiagId::NotAFunction, expr->name.range, scope, maskFormName(form))
        .note({}, "write it without parentheses");
    return nullptr;
  }
  Expr *result = create(Kind::Mask, expr, scope, ScalarType::Bool);
  result->maskForm = form;
  result->name = maskFormName(form).str();
  if (!isCall)
    return result;
  bool good = rejectNamed(expr, scope);
  good &= checkArgCount(expr, scope, 2, 2);
  Place side = place;
  side.inWindow = true;
  for (const syntax::Expr *arg : expr->args) {
    Expr *value = elaborateScalar(arg, scope, side);
    if (value && value->type.element != ScalarType::I32) {
      report(DiagId::OperandType, arg->range, scope, "window", "i32",
             describe(value->type));
      value = nullptr;
    }
    good &= value != nullptr;
    result->args.push_back(value);
  }
  return good ? result : nullptr;
}
