//===- SemaCalls.cpp - Functions, macros, masks ---------------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Fold.h"
#include "compiler/frontend/ForeignWords.h"
#include "compiler/frontend/Sema.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <climits>
#include <cmath>

using namespace ladon;
using ast::Builtin;
using ast::ScalarType;
using llvm::StringRef;
using Kind = ast::Expr::Kind;

/// "q, k and v".
static std::string listed(llvm::ArrayRef<StringRef> names) {
  if (names.size() == 1)
    return names[0].str();
  return llvm::join(names.drop_back(), ", ") + " and " + names.back().str();
}

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

bool Sema::matchArguments(const syntax::Expr *call, const Scope *scope,
                          Arguments &given) {
  StringRef callee = call->name.text;
  llvm::SmallVector<StringRef, 4> positional, named;
  size_t needed = 0;
  for (const ArgumentInfo &info : argumentsOf(callee)) {
    needed += info.use == ArgumentInfo::Positional;
    if (info.use <= ArgumentInfo::Optional)
      positional.push_back(info.name);
    if (info.use >= ArgumentInfo::Optional)
      named.push_back(info.name);
  }
  unsigned before = diagnostics.errorCount();
  size_t count = 0;
  for (size_t at = 0; at < call->args.size(); ++at) {
    const syntax::Name &name = call->argNames[at];
    if (name.text.empty()) {
      if (count < positional.size())
        given[positional[count]] = call->args[at];
      ++count;
      continue;
    }
    if (!llvm::is_contained(named, name.text)) {
      Diagnostic &result =
          report(DiagId::NamedArgument, name.range, scope, callee, name.text);
      const ForeignWord *word =
          callee == "attend" ? findForeignArgument(name.text) : nullptr;
      if (word) {
        result.note({}, word->advice.str());
        if (!word->replacement.empty())
          result.fixIt(name.range, word->replacement);
      } else if (!named.empty())
        result.note({}, "named arguments are " + listed(named));
      continue;
    }
    const syntax::Expr *&slot = given[name.text];
    if (slot)
      report(DiagId::RepeatedArgument, name.range, scope, name.text)
          .note(slot->range, "the first one is here");
    slot = call->args[at];
  }
  llvm::ArrayRef<StringRef> first = llvm::ArrayRef(positional);
  if (count < needed)
    first = first.take_front(needed);
  std::string order = first.size() == 1 ? "a " + first[0].str()
                                        : listed(first) + " in this order";
  if (count > positional.size())
    report(DiagId::ArgumentCount, call->range, scope, callee,
           named.empty() ? counted(positional.size(), "argument")
                         : order + ", everything else is named",
           counted(count, "argument"));
  if (count < needed)
    report(DiagId::MissingArgument, call->range, scope, callee, order);
  for (const ArgumentInfo &info : argumentsOf(callee))
    if (info.use == ArgumentInfo::Required && !given.contains(info.name))
      report(DiagId::MissingArgument, call->range, scope, callee,
             "'" + info.name.str() + " = ...'");
  return diagnostics.errorCount() == before;
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

const syntax::Expr *Sema::resolveCallee(const syntax::Expr *call,
                                        const Scope *scope) {
  const syntax::Expr *callee = nullptr;
  StringRef name = call->name.text;
  for (Binding bound = bindingOf(name, scope); bound.argument;
       bound = bindingOf(name, bound.scope)) {
    callee = bound.argument;
    name = callee->name.text;
    if (callee->kind != syntax::Expr::Kind::Name)
      break;
  }
  if (!callee)
    return call;
  bool isFunction = callee->kind == syntax::Expr::Kind::Name &&
                    (fns.contains(name) || findBuiltin(name) ||
                     findMaskForm(name) == ast::MaskForm::Window);
  if (!isFunction) {
    report(DiagId::NotAFunction, call->name.range, scope, call->name.text)
        .note(callee->range, "it stands for this; what can be called is a fn, "
                             "a function or 'window'");
    return nullptr;
  }
  resolvedCalls.push_back(*call);
  resolvedCalls.back().name.text = name;
  return &resolvedCalls.back();
}

ast::Expr *Sema::elaborateCall(const syntax::Expr *expr, const Scope *scope,
                               const Place &place) {
  expr = resolveCallee(expr, scope);
  if (!expr)
    return nullptr;
  StringRef name = expr->name.text;
  if (!argumentsOf(name).empty()) {
    if (place.kind != Place::Tensor) {
      report(DiagId::TensorAsScalar, expr->range, scope, name);
      return nullptr;
    }
    return elaborateTensorCall(expr, scope);
  }
  if (isAlongAxis(*expr))
    return elaborateAlong(expr, scope, place);
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
      !reservedMeaning(name).empty() || bindingOf(name, scope)) {
    Diagnostic &result =
        report(DiagId::NotAFunction, expr->name.range, scope, name);
    if (reservedMeaning(name) == "a reduction")
      result.note({}, "a range is reduced: " + name.str() + "(p in 0..8, ...)" +
                          (name == "sum" ? ", a tensor along an axis: sum(x, "
                                           "axis = 1)"
                                         : ""));
    if (auto tensor = params.find(name);
        tensor != params.end() && tensor->second->type.isTensor())
      result.note({},
                  "a tensor is read with brackets: " + name.str() + "[...]");
    else if (findScalarType(name))
      result.note({}, "a number is converted by 'float(x)' and 'int(x)'");
    return nullptr;
  }
  llvm::SmallVector<StringRef, 8> fnNames;
  for (const syntax::Fn &fn : file.fns)
    fnNames.push_back(fn.name.text);
  Diagnostic &result = reportUndefined(expr->name, scope, fnNames);
  const ForeignWord *word = findForeignWord(name);
  if (!word || word->call.empty())
    return nullptr;
  llvm::SmallVector<StringRef, 4> arguments;
  for (const syntax::Expr *arg : expr->args)
    arguments.push_back(textOf(arg->range));
  if (std::string call = expandCall(word->call, arguments); !call.empty())
    result.fixIt(expr->range, call);
  return nullptr;
}

ast::Expr *Sema::elaborateTensorCall(const syntax::Expr *expr,
                                     const Scope *scope) {
  StringRef name = expr->name.text;
  if (name == "attend")
    return elaborateAttend(expr, scope);
  Arguments given;
  if (!matchArguments(expr, scope, given))
    return nullptr;
  return name == "split"       ? elaborateSplit(expr, scope, given)
         : name == "concat"    ? elaborateConcat(expr, scope, given)
         : name == "transpose" ? elaborateTranspose(expr, scope, given)
         : name == "append"    ? elaborateAppend(expr, scope, given)
         : name == "rope"      ? elaborateRope(expr, scope, given)
                               : elaborateNorm(expr, scope, given);
}

//===--- Builtin functions ------------------------------------------------===//

ast::Expr *Sema::elaborateBuiltin(const syntax::Expr *expr, const Scope *scope,
                                  const Place &place) {
  const BuiltinInfo &info = *findBuiltin(expr->name.text);
  bool good = rejectNamed(expr, scope);
  good &= checkArgCount(expr, scope, info.minArgs, info.maxArgs);
  llvm::SmallVector<Expr *, 4> args;
  bool converts = info.operands == Operands::Anything;
  // A function of numbers takes tensors element by element, and `float` makes
  // them of integers and bools.
  bool takesTensors =
      place.kind == Place::Tensor &&
      (info.operands == Operands::Floats ||
       info.operands == Operands::Numbers || info.builtin == Builtin::Float);
  bool hasTensor = false;
  for (const syntax::Expr *arg : expr->args) {
    Expr *value = elaborate(arg, scope, place);
    hasTensor |= value && value->type.isTensor();
    if (!takesTensors)
      value = asScalar(value, arg, scope);
    good &= value != nullptr;
    args.push_back(value);
    if (!value || converts)
      continue;
    bool isBool =
        value->type.element == ScalarType::Bool && !value->type.isTensor();
    bool wantsInteger = info.operands == Operands::Integers;
    if (wantsInteger ? value->type.isInteger() : !isBool)
      continue;
    good = false;
    Diagnostic &result =
        report(DiagId::OperandType, arg->range, scope, info.name,
               wantsInteger ? "an integer" : "a number", describe(value->type));
    if (isBool)
      result.note({}, wantsInteger
                          ? "int(x) makes 0 or 1 of a bool"
                          : "int(x) and float(x) make 0 or 1 of a bool");
  }
  if (!good)
    return nullptr;
  if (hasTensor && converts && args[0]->type.isFloat())
    return args[0];
  if (hasTensor) {
    std::optional<ast::Type> type =
        converts ? ast::Type{ScalarType::F32, args[0]->type.dims}
                 : combineTensors(expr, expr->args, scope, args);
    if (!type)
      return nullptr;
    Expr *result = create(Kind::Call, expr, scope, type->element);
    result->type = *type;
    result->name = info.name.str();
    result->builtin = info.builtin;
    result->args.assign(args.begin(), args.end());
    return result;
  }
  // int of an integer and float of a float change nothing.
  if (info.builtin == Builtin::Int && args[0]->type.isInteger())
    return args[0];
  if (info.builtin == Builtin::ToI64 && args[0]->kind == Kind::IntLit)
    return integerLiteral(expr, scope, args[0]->intValue, ScalarType::I64);
  if (info.builtin == Builtin::ToI64 &&
      args[0]->type.element == ScalarType::I64)
    return args[0];
  if (info.builtin == Builtin::Float && args[0]->type.isFloat())
    return args[0];
  if (info.builtin == Builtin::Float && args[0]->kind == Kind::IntLit)
    return toFloat(args[0], place.floatType);

  ScalarType type = place.floatType;
  if (info.operands == Operands::Numbers || info.operands == Operands::Integers)
    type = *unify(args, place);
  else if (info.builtin == Builtin::Int)
    type = ScalarType::I32;
  else if (info.builtin == Builtin::ToI64)
    type = ScalarType::I64;
  else if (!converts)
    for (Expr *&arg : args)
      arg = toFloat(arg, place.floatType);
  if (info.operands == Operands::Tested)
    type = ScalarType::Bool;
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
  ScalarType type = call->type.element;
  if (ast::changesType(call->builtin)) {
    std::optional<double> value = foldFloat(call);
    if (!value)
      return unfolded;
    double limit = type == ScalarType::I64 ? 0x1p63 : 0x1p31;
    if (*value >= -limit && *value < limit)
      return integerLiteral(expr, scope, int64_t(*value), type);
    report(DiagId::ConstantOverflow, expr->range, scope, spelling(type));
    return nullptr;
  }
  llvm::SmallVector<int64_t, 4> values;
  for (const Expr *arg : call->args) {
    if (arg->kind != Kind::IntLit)
      return unfolded;
    values.push_back(arg->intValue);
  }
  unsigned bits = 8 * byteSize(type);
  // Its absolute value is no number of its type.
  bool isLowest = values[0] == llvm::minIntN(bits);
  if (call->builtin == Builtin::Abs && isLowest) {
    report(DiagId::ConstantOverflow, expr->range, scope, spelling(type));
    return nullptr;
  }
  std::optional<int64_t> value = foldInteger(call->builtin, values, bits);
  if (!value)
    return unfolded;
  return integerLiteral(expr, scope, *value, type);
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
  bool isOutermost = !callOf(scope);
  scopes.push_back(
      {&fn, scope, expr, isOutermost ? expr->range : scope->outermost, {}});
  Expr *result = elaborate(fn.body, &scopes.back(), place);
  return good ? result : nullptr;
}

//===--- Masks ------------------------------------------------------------===//

ast::Expr *Sema::elaborateMaskForm(const syntax::Expr *expr, const Scope *scope,
                                   const Place &place, ast::MaskForm form) {
  bool isCall = expr->kind == syntax::Expr::Kind::Call;
  if (place.kind != Place::Mask) {
    Diagnostic &result =
        report(DiagId::MaskFormOutside, expr->range, scope, maskFormName(form));
    if (place.kind == Place::Score)
      result.note({}, form == ast::MaskForm::Causal
                          ? "in a score compare positions: 'j <= i + offset'"
                      : form == ast::MaskForm::CausalTopLeft
                          ? "in a score compare positions: 'j <= i'"
                          : "in a score compare positions: "
                            "'abs(j - (i + offset)) <= n'");
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
  if (form != ast::MaskForm::CausalTopLeft && place.shape &&
      place.shape->append)
    warnOfCapacity(expr, scope, form, *place.shape->append);
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
