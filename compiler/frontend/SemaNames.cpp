//===- SemaNames.cpp - Scopes, suggestions, bodies of macros --------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/ForeignWords.h"
#include "compiler/frontend/Sema.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace ladon;
using ast::IndexVar;
using ast::ScalarType;
using llvm::StringRef;
using SyntaxKind = syntax::Expr::Kind;

//===--- Suggestions ------------------------------------------------------===//

std::optional<std::string> Sema::suggestion(StringRef name,
                                            llvm::ArrayRef<StringRef> more) {
  std::vector<StringRef> candidates = reservedNames();
  candidates.insert(candidates.end(), more.begin(), more.end());
  for (auto &entry : fileNames)
    candidates.push_back(entry.first());
  for (auto &entry : names)
    candidates.push_back(entry.first());
  for (auto &entry : sizes)
    candidates.push_back(entry.first());
  unsigned best = std::min<size_t>(name.size() / 3 + 1, 3);
  StringRef found;
  // Names of one letter are all alike.
  constexpr unsigned mostSearches = 20;
  if (name.size() > 1 && diagnostics.errorCount() <= mostSearches)
    for (StringRef candidate : candidates) {
      unsigned distance =
          name.edit_distance(candidate, /*AllowReplacements=*/true, best);
      if (candidate.size() > 1 && distance != 0 &&
          (distance < best || (distance == best && candidate < found) ||
           (distance == best && found.empty()))) {
        best = distance;
        found = candidate;
      }
    }
  return found.empty() ? std::nullopt : std::optional(found.str());
}

Diagnostic &Sema::reportUndefined(const syntax::Name &name, const Scope *scope,
                                  llvm::ArrayRef<StringRef> more) {
  Diagnostic &result =
      report(DiagId::UndefinedName, name.range, scope, name.text);
  // A spec starts with a keyword, so there is text before every name.
  const char *before = name.text.begin();
  while (before[-1] == ' ')
    --before;
  if (before[-1] == '/' && before[-2] == '/')
    result.note({llvm::SMLoc::getFromPointer(before - 2),
                 llvm::SMLoc::getFromPointer(before)},
                "'//' divides here, a comment starts with '#'");
  if (const ForeignWord *word = findForeignWord(name.text)) {
    result.note({}, word->advice.str());
    if (!word->replacement.empty())
      result.fixIt(name.range, word->replacement);
    return result;
  }
  std::string upper = name.text.upper();
  if (sizes.contains(upper))
    result.note(name.range, "did you mean the size '" + upper + "'?");
  else if (std::optional<std::string> close = suggestion(name.text, more))
    result.note(name.range, "did you mean '" + *close + "'?");
  else if (llvm::isUpper(name.text[0]) && name.text.size() <= 2)
    result.note({}, "a size has a name when an axis of a parameter is "
                    "declared by that name");
  return result;
}

//===--- Bodies of macros -------------------------------------------------===//

void Sema::checkFns() {
  fnBroken.assign(file.fns.size(), false);
  fnArgUsed.resize(file.fns.size());
  for (size_t at = 0; at < file.fns.size(); ++at)
    checkFnBody(at);
}

/// Checks what can be checked without a call, so that a mistake is reported
/// once and also in a fn that is not used.
void Sema::checkFnBody(size_t index) {
  const syntax::Fn &fn = file.fns[index];
  unsigned before = diagnostics.errorCount();
  llvm::StringMap<llvm::SMRange> own;
  for (const syntax::Name &param : fn.params) {
    // Positions may be shadowed: `fn softcap(s, cap) = ...`.
    if (!findPosition(param.text))
      declare(param, own);
    else if (!own.try_emplace(param.text, param.range).second)
      diagnostics.report(DiagId::Redefinition, param.range, param.text)
          .note(own[param.text], "the first definition is here");
  }
  fnArgUsed[index].assign(fn.params.size(), false);
  if (fn.body->depth > maxDepth) {
    diagnostics.report(DiagId::ExpansionTooDeep, fn.body->range, maxDepth);
    fnBroken[index] = true;
    return;
  }
  VisibleNames visible;
  for (const syntax::Name &param : fn.params)
    visible.push(param);
  checkBlocks(fn.body, visible);
  // A block defines its names for itself only, which the expansion checks.
  llvm::StringSet<> locals;
  auto usesParam = [&](StringRef name) {
    auto param = llvm::find_if(
        fn.params, [&](const syntax::Name &own) { return own.text == name; });
    if (param == fn.params.end())
      return false;
    fnArgUsed[index][param - fn.params.begin()] = true;
    return true;
  };
  std::vector<const syntax::Expr *> work = {fn.body};
  while (!work.empty()) {
    const syntax::Expr *expr = work.back();
    work.pop_back();
    if (expr->kind == SyntaxKind::Block || expr->kind == SyntaxKind::Reduce)
      for (const syntax::Name &name : expr->argNames)
        locals.insert(name.text);
    StringRef name = expr->name.text;
    if (expr->kind == SyntaxKind::Name) {
      if (!usesParam(name) && !locals.contains(name))
        checkFnName(index, expr);
    } else if (expr->kind == SyntaxKind::Call && !usesParam(name)) {
      checkFnCall(index, expr);
    }
    work.insert(work.end(), expr->args.rbegin(), expr->args.rend());
  }
  fnBroken[index] = diagnostics.errorCount() != before;
}

void Sema::checkFnName(size_t index, const syntax::Expr *expr) {
  const syntax::Fn &fn = file.fns[index];
  StringRef name = expr->name.text;
  if (auto other = fns.find(name); other != fns.end())
    return checkFnOrder(index, other->second, expr->range);
  if (!reservedMeaning(name).empty() || fileNames.contains(name))
    return;
  const syntax::Attention &attention = file.attentions[0];
  // A size is known by its name everywhere.
  for (const syntax::TypedName &param : attention.params)
    for (const syntax::Expr *dim : param.type.dims)
      if (dim->kind == SyntaxKind::Name && dim->name.text == name)
        return;
  for (const syntax::TypedName &param : attention.params)
    if (param.name.text == name) {
      diagnostics.report(DiagId::CaptureInFn, expr->range, name)
          .note(fn.name.range, "add a parameter to '" + fn.name.text.str() +
                                   "' and pass '" + name.str() + "' to it");
      return;
    }
  llvm::SmallVector<StringRef, 4> own;
  for (const syntax::Name &param : fn.params)
    own.push_back(param.text);
  reportUndefined(expr->name, nullptr, own);
}

void Sema::checkFnCall(size_t index, const syntax::Expr *expr) {
  StringRef name = expr->name.text;
  if (name == "attend") {
    diagnostics.report(DiagId::AttendInFn, expr->range);
    return;
  }
  auto fn = fns.find(name);
  if (fn == fns.end()) {
    if (fileNames.contains(name))
      diagnostics.report(DiagId::NotAFunction, expr->name.range, name);
    else if (reservedMeaning(name).empty())
      reportUndefined(expr->name, nullptr);
    return;
  }
  checkFnOrder(index, fn->second, expr->range);
}

void Sema::checkFnOrder(size_t index, size_t other, llvm::SMRange range) {
  const syntax::Name &name = file.fns[other].name;
  if (other == index)
    diagnostics.report(DiagId::RecursiveFn, range, name.text)
        .note(name.range, "a fn is expanded where it is called, so it cannot "
                          "recur");
  else if (other > index)
    diagnostics.report(DiagId::FnBelow, range, name.text)
        .note(name.range, "it is defined here");
}

//===--- Names in expressions ---------------------------------------------===//

Sema::Binding Sema::bindingOf(StringRef name, const Scope *scope) {
  for (; scope; scope = scope->outer) {
    for (const Local &local : llvm::reverse(scope->locals))
      if (local.name == name)
        return {nullptr, nullptr, &local};
    if (!scope->fn)
      continue;
    for (size_t at = 0; at < scope->fn->params.size(); ++at)
      if (scope->fn->params[at].text == name)
        return {scope->call->args[at], scope->outer, nullptr};
    break;
  }
  return {};
}

const Sema::Scope *Sema::callOf(const Scope *scope) {
  while (scope && !scope->fn)
    scope = scope->outer;
  return scope;
}

ast::Expr *Sema::elaborateName(const syntax::Expr *expr, const Scope *scope,
                               const Place &place) {
  StringRef name = expr->name.text;
  if (Binding bound = bindingOf(name, scope); bound.local)
    return elaborateLocal(expr, scope, place, *bound.local);
  else if (bound)
    return elaborate(bound.argument, bound.scope, place);
  used.insert(name);
  if (!callOf(scope)) {
    if (auto let = tensorLets.find(name); let != tensorLets.end()) {
      Expr *result = create(Expr::Kind::Name, expr, scope, ScalarType::F32);
      result->name = name.str();
      result->let = let->second;
      result->type = let->second->value->type;
      return result;
    }
    if (auto let = scalarLets.find(name); let != scalarLets.end())
      return elaborate(let->second, scope, place);
    if (auto param = params.find(name); param != params.end())
      return elaborateParamName(expr, scope, place, param->second);
  }
  if (broken.contains(name))
    return nullptr;
  if (auto constant = constants.find(name); constant != constants.end()) {
    const ConstValue &value = constant->second;
    if (value.type == ScalarType::Bool)
      return boolLiteral(expr, scope, value.integer);
    if (value.type == ScalarType::I32 || value.type == ScalarType::I64)
      return integerLiteral(expr, scope, value.integer, value.type);
    Expr *result = create(Expr::Kind::FloatLit, expr, scope, place.floatType);
    result->floatValue = value.number;
    return result;
  }
  if (const PositionInfo *position = findPosition(name))
    return elaboratePosition(expr, scope, place, position->var);
  if (name == "inf") {
    Expr *result = create(Expr::Kind::FloatLit, expr, scope, place.floatType);
    result->floatValue = INFINITY;
    return result;
  }
  if (name == "offset") {
    if (!place.inExpansion()) {
      report(DiagId::PositionOutside, expr->range, scope, name,
             reservedMeaning(name));
      return nullptr;
    }
    Expr *result = create(Expr::Kind::Name, expr, scope, ScalarType::I32);
    result->name = name.str();
    result->isOffset = true;
    return result;
  }
  if (std::optional<ast::MaskForm> form = findMaskForm(name)) {
    if (*form == ast::MaskForm::Window) {
      report(DiagId::NeedsCall, expr->range, scope, name);
      return nullptr;
    }
    return elaborateMaskForm(expr, scope, place, *form);
  }
  if (sizes.contains(name)) {
    if (place.kind == Place::Constant) {
      report(
          DiagId::NotConstant, expr->range, scope,
          llvm::formatv("'{0}' is a size known only at run time", name).str());
      return nullptr;
    }
    Expr *result = create(Expr::Kind::Name, expr, scope, ScalarType::I32);
    result->name = name.str();
    result->size = ast::Dim{-1, name.str()};
    return result;
  }
  if (findBuiltin(name) || fns.contains(name) ||
      reservedMeaning(name) == "a tensor operation")
    report(DiagId::NeedsCall, expr->range, scope, name);
  else
    reportUndefined(expr->name, scope);
  return nullptr;
}

ast::Expr *Sema::elaboratePosition(const syntax::Expr *expr, const Scope *scope,
                                   const Place &place, IndexVar var) {
  StringRef name = expr->name.text;
  if (!place.inExpansion()) {
    report(DiagId::PositionOutside, expr->range, scope, name,
           findPosition(name)->meaning);
    return nullptr;
  }
  if (var == IndexVar::Score && place.kind == Place::Mask) {
    report(DiagId::ScoreInMask, expr->range, scope)
        .note({}, "to drop keys by their score, return -inf from 'score'");
    return nullptr;
  }
  if (place.inWindow && (var == IndexVar::Query || var == IndexVar::Key ||
                         var == IndexVar::Score)) {
    report(DiagId::WindowPosition, expr->range, scope, name);
    return nullptr;
  }
  Expr *result =
      create(Expr::Kind::Name, expr, scope,
             var == IndexVar::Score ? place.floatType : ScalarType::I32);
  result->name = name.str();
  result->indexVar = var;
  return result;
}

ast::Expr *Sema::elaborateParamName(const syntax::Expr *expr,
                                    const Scope *scope, const Place &place,
                                    const ast::Param *param) {
  if (place.kind == Place::Constant) {
    report(DiagId::NotConstant, expr->range, scope,
           llvm::formatv("'{0}' is given at run time", param->name).str())
        .note(param->range, "it is declared here");
    return nullptr;
  }
  if (!isCachePlace && isCacheRead(*param, expr, scope))
    return nullptr;
  Expr *result = create(Expr::Kind::Name, expr, scope, param->type.element);
  result->name = param->name;
  result->param = param;
  result->type = param->type;
  if (param->type.isTensor() || place.kind == Place::Tensor ||
      !param->type.isFloat())
    return result;
  if (param->type.element == ScalarType::F64 &&
      place.floatType == ScalarType::F32) {
    report(DiagId::NarrowingFloat, expr->range, scope)
        .note(param->range, "'" + param->name + "' is declared here");
    return nullptr;
  }
  return toFloat(result, place.floatType);
}
