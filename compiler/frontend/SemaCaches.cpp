//===- SemaCaches.cpp - Inout parameters and append -----------------------===//
//
// A cache is written in place, so it has one append and no other reader: one
// that reads the parameter would see old or new positions by the order of the
// code.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Sema.h"

using namespace ladon;
using ast::Dim;
using ast::ScalarType;
using Kind = ast::Expr::Kind;

static std::string text(const Dim &dim) {
  return dim.isStatic() ? std::to_string(dim.size) : dim.name;
}

static SizeExpr sizeOf(const Dim &dim) {
  return dim.isStatic() ? SizeExpr::constant(dim.size)
                        : *SizeExpr::parse(dim.name);
}

/// Numbers that are computed on, and those that they are rounded to.
static bool isCacheElement(ScalarType element) {
  return isFloat(element) || element == ScalarType::I8;
}

bool Sema::checkInout(const ast::Param &param) {
  const ast::Type &type = param.type;
  if (type.isTensor() && isCacheElement(type.element) &&
      type.dims->size() >= 2 && type.dims->size() <= 4)
    return true;
  diagnostics.report(DiagId::InoutType, param.range, describe(type));
  return false;
}

bool Sema::isCacheRead(const ast::Param &param, const syntax::Expr *expr,
                       const Scope *scope) {
  if (param.isInout)
    report(DiagId::CacheRead, expr->range, scope, param.name)
        .note(param.range, "it is declared here");
  return param.isInout;
}

ast::Expr *Sema::elaborateCache(const syntax::Expr *expr, const Scope *scope) {
  isCachePlace = true;
  Expr *cache = elaborate(expr, scope, {Place::Tensor});
  isCachePlace = false;
  if (!cache)
    return nullptr;
  if (cache->kind == Kind::Name && cache->param && cache->param->isInout)
    return cache;
  bool isParam = cache->kind == Kind::Name && cache->param;
  Diagnostic &result =
      report(DiagId::AppendCache, expr->range, scope,
             isParam ? "'" + cache->name + "'" : describe(cache->type));
  if (isParam)
    result.note(cache->param->range, "write 'inout' before it")
        .fixIt({cache->param->range.Start, cache->param->range.Start},
               "inout ");
  return nullptr;
}

/// Whether `expr` is an i32 or i64 parameter of the rank.
static bool isIntegerParam(const ast::Expr &expr, size_t rank) {
  if (expr.kind != Kind::Name || !expr.param)
    return false;
  const ast::Type &type = expr.param->type;
  return (type.element == ScalarType::I32 || type.element == ScalarType::I64) &&
         (type.isTensor() ? type.dims->size() : 0) == rank;
}

/// What decides where memory is written must be known before the call begins:
/// a parameter, and nothing computed.
ast::Expr *Sema::elaboratePlace(const syntax::Expr *expr, const Scope *scope,
                                const Dim &batch) {
  Expr *at = elaborate(expr, scope, {Place::Mask, ScalarType::F32});
  if (!at)
    return nullptr;
  bool isEntry = at->kind == Kind::Index && at->args.size() == 2 &&
                 isIntegerParam(*at->args[0], 1) &&
                 at->args[1]->indexVar == ast::IndexVar::Batch;
  if (isEntry && at->args[0]->param->type.dims->front() == batch)
    return at;
  if (isIntegerParam(*at, 0))
    return at;
  const ast::Expr *param = isEntry ? at->args[0] : at;
  report(DiagId::AppendPlace, expr->range, scope, text(batch),
         param->kind == Kind::Name && param->param
             ? describe(param->param->type)
             : "an expression of type " + describe(at->type));
  return nullptr;
}

ast::Expr *Sema::elaboratePageTable(const syntax::Expr *expr,
                                    const Scope *scope, const Dim &batch) {
  Expr *table = elaborate(expr, scope, {Place::Tensor});
  if (!table || isPageTable(*table, batch))
    return table;
  report(DiagId::PagesType, expr->range, scope, text(batch),
         describe(table->type));
  return nullptr;
}

std::optional<int64_t> Sema::positionsOfCache(const syntax::Expr *expr,
                                              const Scope *scope,
                                              const ast::Type &cache) {
  auto rank = static_cast<int64_t>(cache.dims->size());
  int64_t axis = std::max<int64_t>(rank - 2, 1);
  if (!expr)
    return axis;
  std::optional<int64_t> chosen = constantAxis(expr, scope, "append", rank);
  if (!chosen || *chosen == axis || (rank == 3 && *chosen == 2))
    return chosen;
  report(DiagId::AppendAxis, expr->range, scope, describe(cache),
         rank == 3 ? "1 or 2" : std::to_string(axis), *chosen);
  return std::nullopt;
}

/// Whether `part` has the extents of a cache `whole` but for that of `axis`,
/// and in pages for the number of these.
static bool fitsCache(llvm::ArrayRef<Dim> part, llvm::ArrayRef<Dim> whole,
                      size_t positions, bool hasPages) {
  if (part.size() != whole.size() || (hasPages && positions != 2))
    return false;
  for (size_t axis = 0; axis < whole.size(); ++axis)
    if (axis != positions && (axis != 0 || !hasPages) &&
        !(whole[axis] == part[axis]))
      return false;
  return true;
}

bool Sema::checkAppendShape(const syntax::Expr *expr, const Scope *scope,
                            const Expr *append) {
  const Expr *cache = append->args[0], *source = append->args[1];
  bool hasPages = append->args.size() > 3;
  const auto &whole = *cache->type.dims, &part = *source->type.dims;
  size_t positions = append->intValue;
  if (!fitsCache(part, whole, positions, hasPages)) {
    Diagnostic &error = report(DiagId::AppendShape, expr->args[1]->range, scope,
                               describe(source->type), describe(cache->type),
                               static_cast<int64_t>(positions));
    if (positions == 1 && fitsCache(part, whole, 2, hasPages))
      error.note({}, "without features, positions are its last axis: write "
                     "'axis = 2'");
    return false;
  }
  // What is read of i8 is f32.
  ScalarType computed = isFloat(cache->type.element)
                            ? computedType(cache->type.element)
                            : ScalarType::F32;
  if (computedType(source->type.element) != computed) {
    report(DiagId::ElementMismatch, expr->args[1]->range, scope, "the cache",
           spelling(cache->type.element), "what is appended",
           spelling(source->type.element));
    return false;
  }
  const syntax::Expr *at = expr->args[0];
  bool hasFeatures = positions + 1 < whole.size();
  return (!hasFeatures ||
          isStatic(whole.back(), "number of features of a cache", at, scope)) &&
         (!hasPages || isStatic(whole[2], "size of a page", at, scope));
}

/// How many positions are new.
static const Dim &addedPositions(const ast::Expr &append) {
  return (*append.args[1]->type.dims)[append.intValue];
}

/// How many positions a cache has for each batch entry.
static std::optional<SizeExpr> capacityOf(const ast::Expr &append) {
  SizeExpr size = sizeOf((*append.type.dims)[append.intValue]);
  if (append.args.size() < 4)
    return size;
  return SizeExpr::join(SizeExpr::Op::Mul,
                        sizeOf(append.args[3]->type.dims->back()), size);
}

const ast::Expr *ladon::findAppend(const ast::Expr &keys) {
  llvm::SmallVector<const ast::Expr *> work = {&keys};
  llvm::DenseSet<const ast::Let *> visited;
  while (!work.empty()) {
    const ast::Expr *expr = work.pop_back_val();
    if (expr->kind == Kind::Append)
      return expr;
    // What is joined or cut has other positions.
    if (!expr->type.isTensor() || expr->type.dims->size() < 2 ||
        !(expr->type.dims->end()[-2] == keys.type.dims->end()[-2]))
      continue;
    if (expr->let && visited.insert(expr->let).second)
      work.push_back(expr->let->value);
    work.append(expr->args.begin(), expr->args.end());
  }
  return nullptr;
}

void Sema::warnOfCapacity(const syntax::Expr *expr, const Scope *scope,
                          ast::MaskForm form, const Expr &append) {
  std::optional<SizeExpr> capacity = capacityOf(append);
  if (!capacity) // Too large, which is said elsewhere.
    return;
  const ast::Param *places = placesOf(append);
  std::string past = places->name + (places->type.isTensor() ? "[b]" : "");
  Diagnostic &warning = report(DiagId::FormOfCapacity, expr->range, scope,
                               maskFormName(form), capacity->str());
  if (form == ast::MaskForm::Window) {
    warning.note({}, "query i is at i + " + past + ": compare 'i + " + past +
                         " - j' with the sides");
    return;
  }
  warning.note({}, "query i is at i + " + past + ": write 'j <= i + " + past +
                       "', or 'j <= i + offset' if this is meant");
  if (!callOf(scope))
    warning.fixIt(expr->range, "(j <= i + " + past + ")");
}

/// The last place where what is appended fits; negative where it never does.
static std::optional<SizeExpr> restOf(const ast::Expr &append) {
  using Op = SizeExpr::Op;
  std::optional<SizeExpr> capacity = capacityOf(append),
                          less = SizeExpr::join(Op::Mul,
                                                sizeOf(addedPositions(append)),
                                                SizeExpr::constant(-1));
  return capacity && less ? SizeExpr::join(Op::Add, *capacity, *less)
                          : std::nullopt;
}

bool Sema::checkCapacity(const syntax::Expr *expr, const Scope *scope,
                         const Expr *append) {
  std::optional<SizeExpr> capacity = capacityOf(*append),
                          rest = restOf(*append);
  if (!rest) {
    report(DiagId::ComputedSize, expr->range, scope);
    return false;
  }
  std::optional<int64_t> known = capacity->asConstant();
  if (known && *known > maxDim) {
    report(DiagId::DimRange, expr->range, scope, *known);
    return false;
  }
  known = rest->asConstant();
  if (!known || *known >= 0)
    return true;
  report(DiagId::AppendOverflow, expr->range, scope,
         text(addedPositions(*append)), capacity->str());
  return false;
}

ast::Expr *Sema::elaborateAppend(const syntax::Expr *expr, const Scope *scope,
                                 const Arguments &given) {
  Expr *cache = elaborateCache(given.lookup("cache"), scope);
  Expr *source = elaborateTensor(given.lookup("tensor"), scope);
  if (cache) {
    // Even if the rest is wrong, there is an append.
    auto [known, isNew] =
        appends.try_emplace(cache->param, Append{expr->range});
    if (!isNew) {
      report(DiagId::AppendTwice, expr->range, scope, cache->name)
          .note(known->second.range, "the first append is here");
      return nullptr;
    }
  }
  if (!cache || !source)
    return nullptr;
  const Dim &batch = source->type.dims->front();
  Expr *at = elaboratePlace(given.lookup("at"), scope, batch);
  const syntax::Expr *table = given.lookup("pages");
  Expr *pages = table ? elaboratePageTable(table, scope, batch) : nullptr;
  std::optional<int64_t> axis =
      positionsOfCache(given.lookup("axis"), scope, cache->type);
  if (!at || (table && !pages) || !axis)
    return nullptr;
  Expr *result = create(Kind::Append, expr, scope, cache->type.element);
  result->type = cache->type;
  result->intValue = *axis;
  result->args = {cache, source, at};
  if (pages)
    result->args.push_back(pages);
  if (!checkAppendShape(expr, scope, result) ||
      !checkCapacity(expr, scope, result))
    return nullptr;
  return appends[cache->param].value = result;
}

/// The parameter itself, to which something is added.
static ast::Param &ownParam(ast::Attention &attention,
                            const ast::Param *param) {
  return **llvm::find_if(attention.params,
                         [&](const auto &own) { return own.get() == param; });
}

void Sema::checkAppends() {
  for (const auto &param : spec.attention->params) {
    if (!param->isInout || broken.contains(param->name))
      continue;
    Expr *append = appends.lookup(param.get()).value;
    if (append)
      spec.attention->appends.push_back(append);
    else if (!diagnostics.hasErrors())
      diagnostics.report(DiagId::InoutUnused, param->range, param->name);
  }
  for (const Expr *append : spec.attention->appends) {
    const ast::Param *at = placesOf(*append);
    std::string most = restOf(*append)->str();
    auto &known = ownParam(*spec.attention, at).most;
    if (!llvm::is_contained(known, most))
      known.push_back(most);
    if (append->args.size() < 4)
      continue;
    const auto &pool = *append->type.dims;
    ownParam(*spec.attention, append->args[3]->param)
        .writes.push_back(
            {at->name, addedPositions(*append), pool[2].size, pool[0]});
  }
}
