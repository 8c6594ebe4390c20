//===- Sema.cpp - Declarations, params, the attention as a whole ----------===//

#include "compiler/frontend/Sema.h"

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Fold.h"
#include "compiler/support/ReservedNames.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace ladon;
using ast::ScalarType;
using llvm::SMRange;
using llvm::StringRef;

std::string ladon::describe(const ast::Type &type) { return type.str(); }

std::string ladon::counted(size_t count, StringRef noun) {
  std::string text = count == 1        ? noun.str()
                     : noun == "axis"  ? "axes"
                     : noun == "index" ? "indices"
                                       : noun.str() + "s";
  return std::to_string(count) + " " + text;
}

void Sema::noteExpansions(Diagnostic &diagnostic, const Scope *scope) {
  // The innermost and the outermost calls say the most.
  constexpr unsigned mostNotes = 4;
  unsigned notes = 0;
  for (scope = callOf(scope); scope;) {
    const Scope *caller = callOf(scope->outer);
    if (notes++ < mostNotes || !caller)
      diagnostic.note(scope->call->range, "in the expansion of '" +
                                              scope->fn->name.text.str() +
                                              "' called here");
    scope = caller;
  }
}

void Sema::run() {
  if (file.attentions.empty()) {
    diagnostics.report(DiagId::NoAttention, file.end);
    return;
  }
  for (size_t at = 1; at < file.attentions.size(); ++at)
    diagnostics
        .report(DiagId::SecondAttention, file.attentions[at].name.range,
                file.attentions[at].name.text)
        .note(file.attentions[0].name.range, "the first attention is here");
  declareNames();
  checkOverrides();
  checkFns();
  for (const syntax::ConstParam &param : file.params)
    evaluateParam(param);
  checkAttention(file.attentions[0]);
  if (!diagnostics.hasErrors())
    warnUnused(file.attentions[0]);
}

//===--- Names ------------------------------------------------------------===//

void Sema::declare(const syntax::Name &name, llvm::StringMap<SMRange> &in) {
  if (StringRef meaning = reservedMeaning(name.text); !meaning.empty()) {
    diagnostics.report(DiagId::ReservedName, name.range, name.text, meaning);
    return;
  }
  for (auto *scope : {&fileNames, &in})
    if (auto other = scope->find(name.text); other != scope->end()) {
      diagnostics.report(DiagId::Redefinition, name.range, name.text)
          .note(other->second, "the first definition is here");
      return;
    }
  in.try_emplace(name.text, name.range);
}

void Sema::declareNames() {
  for (const syntax::ConstParam &param : file.params)
    declare(param.name, fileNames);
  for (size_t at = 0; at < file.fns.size(); ++at) {
    declare(file.fns[at].name, fileNames);
    fns.try_emplace(file.fns[at].name.text, at);
  }
}

void Sema::checkForeignName(const syntax::Name &name, StringRef where) {
  if (isKeywordOfC(name.text))
    diagnostics.report(DiagId::ForeignKeyword, name.range, name.text, where);
}

/// The name of the attention becomes a symbol of a library.
void Sema::checkFunctionName(const syntax::Name &name) {
  checkForeignName(name, "the function");
  StringRef problem = functionNameProblem(name.text);
  if (!problem.empty() && !isKeywordOfC(name.text))
    diagnostics.report(DiagId::FunctionName, name.range, name.text, problem);
}

//===--- Compile-time params ----------------------------------------------===//

void Sema::checkOverrides() {
  llvm::StringSet<> seen;
  for (const auto &[name, value] : overrides) {
    if (!seen.insert(name).second)
      diagnostics.report(DiagId::RepeatedOverride, {}, name);
    auto isIt = [&, &name = name](const syntax::ConstParam &param) {
      return param.name.text == name;
    };
    if (llvm::any_of(file.params, isIt))
      continue;
    Diagnostic &report = diagnostics.report(DiagId::UnknownOverride, {}, name);
    for (const syntax::ConstParam &param : file.params)
      report.note(param.name.range,
                  "'" + param.name.text.str() + "' can be given");
  }
}

/// Whether an integer is a value of the integer type.
static bool fits(int64_t value, ScalarType type) {
  return type == ScalarType::I64 || (value >= INT32_MIN && value <= INT32_MAX);
}

/// Whether a number is finite as a value of the float type.
static bool fits(double value, ScalarType type) {
  return std::isfinite(type == ScalarType::F32 ? float(value) : value);
}

std::optional<Sema::ConstValue>
Sema::overrideValue(const syntax::ConstParam &param) {
  for (const auto &[name, text] : overrides) {
    if (name != param.name.text)
      continue;
    ConstValue value{param.type.element};
    StringRef given = text;
    bool good = true;
    switch (infoOf(value.type).kind) {
    case ScalarKind::Bool:
      good = given == "true" || given == "false";
      value.integer = given == "true";
      break;
    case ScalarKind::Integer:
      good = !given.getAsInteger(10, value.integer) &&
             fits(value.integer, value.type);
      value.number = double(value.integer);
      break;
    case ScalarKind::Float:
      good = !given.getAsDouble(value.number) && fits(value.number, value.type);
      break;
    }
    if (good)
      return value;
    diagnostics
        .report(DiagId::BadOverride, {}, name, text,
                value.type == ScalarType::Bool
                    ? "true or false"
                    : "a value of type " + spelling(value.type).str())
        .note(param.name.range, "the param is declared here");
    return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Sema::ConstValue>
Sema::defaultValue(const syntax::ConstParam &param) {
  ScalarType type = param.type.element;
  ast::Expr *value = elaborateScalar(param.value, nullptr, {Place::Constant});
  if (!value)
    return std::nullopt;
  ConstValue result{type};
  bool good = false;
  std::optional<double> number = foldFloat(value);
  ast::Type wanted{type, std::nullopt};
  if (type == ScalarType::Bool) {
    good = value->type.element == ScalarType::Bool && number;
    result.integer = good && *number != 0;
  } else if (wanted.isInteger()) {
    good =
        value->kind == ast::Expr::Kind::IntLit && fits(value->intValue, type);
    result.integer = value->intValue;
    result.number = double(value->intValue);
  } else {
    good = value->type.element != ScalarType::Bool && number;
    result.number = number.value_or(0);
    if (good && !fits(result.number, type)) {
      diagnostics.report(DiagId::ConstantOverflow, param.value->range,
                         spelling(type));
      return std::nullopt;
    }
  }
  if (good)
    return result;
  diagnostics.report(DiagId::ParamDefault, param.value->range, param.name.text,
                     spelling(type), describe(value->type));
  return std::nullopt;
}

void Sema::evaluateParam(const syntax::ConstParam &param) {
  if (param.type.isTensor) {
    diagnostics.report(DiagId::Expected, param.type.range,
                       "a scalar type for a compile-time param", "a tensor");
    broken.insert(param.name.text);
    return;
  }
  if (isStorageOnly(param.type.element)) {
    diagnostics.report(DiagId::StorageScalar, param.type.range,
                       spelling(param.type.element),
                       spelling(computedType(param.type.element)));
    broken.insert(param.name.text);
    return;
  }
  std::optional<ConstValue> value = defaultValue(param);
  if (std::optional<ConstValue> given = overrideValue(param))
    value = given;
  if (!value) {
    broken.insert(param.name.text);
    return;
  }
  if (!constants.try_emplace(param.name.text, *value).second)
    return;
  std::string text =
      value->type == ScalarType::Bool ? (value->integer ? "true" : "false")
      : value->type == ScalarType::I32 || value->type == ScalarType::I64
          ? std::to_string(value->integer)
          : numberText(value->number);
  spec.params.push_back({param.name.text.str(), value->type, text});
}

//===--- The attention ----------------------------------------------------===//

void Sema::checkAttention(const syntax::Attention &attention) {
  spec.attention = std::make_unique<ast::Attention>();
  spec.attention->name = attention.name.text.str();
  spec.attention->range = attention.range;
  checkFunctionName(attention.name);
  for (const syntax::TypedName &param : attention.params) {
    declare(param.name, names);
    checkForeignName(param.name, "a parameter");
  }
  collectSizes(attention);
  for (const syntax::TypedName &param : attention.params) {
    std::optional<ast::Type> type =
        checkType(param.type, "'" + param.name.text.str() + "'");
    if (!type) {
      broken.insert(param.name.text);
      continue;
    }
    SMRange range = {param.name.range.Start, param.type.range.End};
    spec.attention->params.push_back(std::make_unique<ast::Param>());
    ast::Param *checked = spec.attention->params.back().get();
    checked->name = param.name.text.str();
    checked->type = *type;
    checked->range = range;
    checked->isInout = param.isInout;
    if (param.isInout && !checkInout(*checked))
      broken.insert(param.name.text);
    else
      params.try_emplace(param.name.text, checked);
  }
  for (const syntax::Let &let : attention.lets)
    checkLet(let);
  checkResults(attention);
  checkAppends();
}

void Sema::checkLet(const syntax::Let &let) {
  VisibleNames visible;
  checkBlocks(let.value, visible);
  std::vector<ast::Expr *> values;
  if (let.names.size() == 1) {
    values = {elaborate(let.value, nullptr, {Place::Tensor})};
  } else {
    std::string whole;
    for (const syntax::Name &name : let.names)
      whole += (whole.empty() ? "" : "_") + name.text.str();
    values = elaborateParts(let.value, let.names.size(), whole);
    values.resize(let.names.size());
  }
  // A let sees only what stands above it, so its names come after its value.
  for (auto [name, value] : llvm::zip_equal(let.names, values)) {
    declare(name, names);
    if (!value) {
      broken.insert(name.text);
    } else if (!value->type.isTensor()) {
      scalarLets.try_emplace(name.text, let.value);
    } else {
      spec.attention->lets.push_back(std::make_unique<ast::Let>(
          ast::Let{name.text.str(), value, name.range}));
      tensorLets.try_emplace(name.text, spec.attention->lets.back().get());
    }
  }
}

void Sema::checkResults(const syntax::Attention &attention) {
  llvm::StringMap<SMRange> resultNames;
  for (const syntax::TypedName &result : attention.results) {
    // The results stand beside the parameters in the C function.
    if (auto param = names.find(result.name.text);
        param != names.end() && params.contains(result.name.text))
      diagnostics
          .report(DiagId::Redefinition, result.name.range, result.name.text)
          .note(param->second, "the first definition is here");
    else
      declare(result.name, resultNames);
    checkForeignName(result.name, "a result");
  }
  if (attention.results.size() != attention.returned.size())
    diagnostics.report(DiagId::ResultCount, attention.returnRange,
                       counted(attention.results.size(), "result"),
                       attention.returned.size());
  for (size_t at = 0;
       at < std::max(attention.results.size(), attention.returned.size());
       ++at) {
    std::optional<ast::Type> declared;
    if (at < attention.results.size()) {
      const syntax::TypedName &result = attention.results[at];
      declared =
          checkType(result.type, "result '" + result.name.text.str() + "'");
    }
    if (at >= attention.returned.size())
      continue;
    const syntax::Expr *returned = attention.returned[at];
    VisibleNames visible;
    checkBlocks(returned, visible);
    ast::Expr *value = elaborateTensor(returned, nullptr);
    if (!value || !declared)
      continue;
    const syntax::TypedName &result = attention.results[at];
    const ast::Expr *source = value;
    while (source->kind == ast::Expr::Kind::Name && source->let)
      source = source->let->value;
    if (source->kind == ast::Expr::Kind::Append) {
      diagnostics.report(DiagId::AppendReturned, returned->range,
                         source->args[0]->name);
      continue;
    }
    // A result may be stored in fewer bits than it is computed in.
    ast::Type computed = value->type;
    if (computedType(computed.element) == computedType(declared->element))
      computed.element = declared->element;
    if (declared->str() != computed.str()) {
      diagnostics
          .report(DiagId::ResultType, returned->range, result.name.text,
                  describe(*declared), describe(value->type))
          .note(result.type.range, "the result is declared here");
      continue;
    }
    spec.attention->results.push_back(
        {result.name.text.str(), *declared, value, result.name.range});
  }
}

void Sema::warnUnused(const syntax::Attention &attention) {
  for (const syntax::ConstParam &param : file.params)
    if (!used.contains(param.name.text))
      diagnostics.report(DiagId::UnusedParam, param.name.range,
                         param.name.text);
  for (size_t at = 0; at < file.fns.size(); ++at) {
    const syntax::Fn &fn = file.fns[at];
    if (!used.contains(fn.name.text))
      diagnostics.report(DiagId::UnusedFn, fn.name.range, fn.name.text);
    for (size_t arg = 0; arg < fn.params.size(); ++arg)
      if (!fnArgUsed[at][arg])
        diagnostics.report(DiagId::UnusedParameter, fn.params[arg].range,
                           fn.params[arg].text);
  }
  for (const syntax::TypedName &param : attention.params)
    if (!used.contains(param.name.text))
      diagnostics.report(DiagId::UnusedParameter, param.name.range,
                         param.name.text);
  for (const syntax::Let &let : attention.lets)
    for (const syntax::Name &name : let.names)
      if (auto tensor = tensorLets.find(name.text);
          !used.contains(name.text) &&
          !(tensor != tensorLets.end() &&
            tensor->second->value->kind == ast::Expr::Kind::Append))
        diagnostics.report(DiagId::UnusedLet, name.range, name.text);
  for (const syntax::Name &name : unusedLocals)
    diagnostics.report(DiagId::UnusedLet, name.range, name.text);
}
