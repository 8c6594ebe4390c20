//===- SemaAttend.cpp - The attend operation ------------------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Fold.h"
#include "compiler/frontend/Sema.h"

#include <cmath>

using namespace ladon;
using ast::Dim;
using ast::ScalarType;
using llvm::StringRef;
using Kind = ast::Expr::Kind;

static std::string text(const Dim &dim) {
  return dim.isStatic() ? std::to_string(dim.size) : dim.name;
}

/// Whether an axis fits any other.
static bool isOne(const Dim &dim) { return dim.size == 1; }

/// Whether `expr` is a parameter [heads] that is computed in `computed`.
static bool isSinks(const ast::Expr &expr, const Dim &heads,
                    ScalarType computed) {
  return expr.kind == Kind::Name && expr.param && expr.type.dims->size() == 1 &&
         expr.type.dims->front() == heads &&
         computedType(expr.type.element) == computed;
}

bool ladon::isPageTable(const ast::Expr &expr, const Dim &batch) {
  return expr.kind == Kind::Name && expr.param && expr.type.isTensor() &&
         expr.type.element == ScalarType::I32 && expr.type.dims->size() == 2 &&
         expr.type.dims->front() == batch;
}

ast::Expr *Sema::elaborateAttend(const syntax::Expr *expr, const Scope *scope) {
  ast::AttendArgs *attend = spec.context.createAttend();
  Arguments given;
  unsigned before = diagnostics.errorCount();
  matchArguments(expr, scope, given);
  auto operand = [&](StringRef name) {
    const syntax::Expr *at = given.lookup(name);
    return at ? elaborateTensor(at, scope) : nullptr;
  };
  attend->q = operand("q");
  attend->k = operand("k");
  attend->v = operand("v");

  std::optional<AttendShape> shape;
  if (attend->q && attend->k && attend->v)
    shape = checkAttendShapes(given, scope, *attend);
  Place place{Place::Score};
  place.floatType =
      attend->q ? computedType(attend->q->type.element) : ScalarType::F32;
  place.shape = shape ? &*shape : nullptr;
  if (shape) {
    const auto &dims = *attend->q->type.dims;
    attend->scaleValue = 1 / std::sqrt(double(dims[3].size));
  }
  if (const syntax::Expr *scale = given.lookup("scale"))
    checkScale(scale, scope, *attend);
  if (const syntax::Expr *score = given.lookup("score"))
    checkScore(score, scope, place, *attend);
  if (const syntax::Expr *sinks = given.lookup("sinks"); sinks && shape) {
    attend->sinks = elaborateTensor(sinks, scope);
    if (attend->sinks &&
        !isSinks(*attend->sinks, attend->heads, place.floatType))
      report(DiagId::SinksType, sinks->range, scope, text(attend->heads),
             spelling(place.floatType), describe(attend->sinks->type));
  }
  if (const syntax::Expr *pages = given.lookup("pages"); pages && shape)
    checkPages(pages, scope, *attend);
  if (const syntax::Expr *kept = given.lookup("keep_heads"); kept && shape)
    checkKeptHeads(kept, scope, *attend);
  checkDropout(expr, scope, given, *attend);
  place.kind = Place::Mask;
  if (const syntax::Expr *mask = given.lookup("mask"))
    checkMask(mask, scope, place, *attend);
  if (!shape || diagnostics.errorCount() != before)
    return nullptr;
  Expr *result = create(Kind::Attend, expr, scope, place.floatType);
  result->attend = attend;
  result->type.dims = {attend->batch, attend->heads, (*attend->q->type.dims)[2],
                       attend->v->type.dims->back()};
  return normalized(given, scope, result);
}

std::optional<AttendShape> Sema::checkAttendShapes(const Arguments &given,
                                                   const Scope *scope,
                                                   ast::AttendArgs &attend) {
  const Expr *tensors[] = {attend.q, attend.k, attend.v};
  const StringRef what[] = {"queries", "keys", "values"};
  // Keys and values in pages: the third axis is one page, and the first counts
  // the pages of all batch entries.
  bool paged = given.contains("pages");
  StringRef ofKeys = paged ? "[pages, heads, keys of a page, features]"
                           : "[batch, heads, keys, features]";
  const StringRef axes[] = {"[batch, heads, queries, features]", ofKeys,
                            ofKeys};
  const syntax::Expr *at[] = {given.lookup("q"), given.lookup("k"),
                              given.lookup("v")};
  bool good = true;
  for (unsigned side = 0; side < 3; ++side) {
    if (tensors[side]->type.dims->size() != 4) {
      report(DiagId::AttendRank, at[side]->range, scope, what[side], axes[side],
             describe(tensors[side]->type));
      good = false;
    } else if (computedType(tensors[side]->type.element) !=
               computedType(attend.q->type.element)) {
      report(DiagId::ElementMismatch, at[side]->range, scope,
             "the type of the queries", spelling(attend.q->type.element),
             "that of the " + what[side].str(),
             spelling(tensors[side]->type.element));
      good = false;
    }
  }
  if (!good)
    return std::nullopt;
  const auto &q = *attend.q->type.dims, &k = *attend.k->type.dims,
             &v = *attend.v->type.dims;
  const llvm::SmallVector<Dim, 4> *dims[] = {&q, &k, &v};
  for (unsigned side = 0; side < 3; ++side) {
    std::string of = " of the " + what[side].str();
    good &= isStatic((*dims[side])[1], "number of heads" + of, at[side], scope);
    good &=
        isStatic((*dims[side])[3], "number of features" + of, at[side], scope);
    if (paged && side > 0)
      good &=
          isStatic((*dims[side])[2], "size of a page" + of, at[side], scope);
  }
  if (!good)
    return std::nullopt;
  auto type = [&](unsigned side) {
    return "the " + what[side].str() + " are " + describe(tensors[side]->type);
  };
  if (paged && !(k[0] == v[0])) {
    report(DiagId::PageCount, at[2]->range, scope, text(k[0]), text(v[0]))
        .note(at[1]->range, type(1));
    good = false;
  }
  // The first batch that is not 1 is the one of the result.
  unsigned first = 0;
  attend.batch = q[0];
  for (unsigned side = 1; side < 3 && !paged; ++side) {
    const Dim &batch = (*dims[side])[0];
    if (isOne(batch) || batch == attend.batch)
      continue;
    if (isOne(attend.batch)) {
      attend.batch = batch;
      first = side;
      continue;
    }
    report(DiagId::BatchMismatch, at[side]->range, scope, what[first],
           text(attend.batch), what[side], text(batch))
        .note(at[first]->range, type(first));
    good = false;
  }
  if (!(q[3] == k[3])) {
    report(DiagId::FeatureMismatch, at[1]->range, scope, q[3].size, k[3].size)
        .note(at[0]->range, type(0));
    good = false;
  }
  if (!(k[2] == v[2])) {
    report(DiagId::KeyLengthMismatch, at[2]->range, scope, text(k[2]),
           text(v[2]))
        .note(at[1]->range, type(1));
    good = false;
  }
  attend.kvHeads = isOne(k[1]) ? v[1] : k[1];
  attend.heads = isOne(q[1]) ? attend.kvHeads : q[1];
  if (!(k[1] == v[1]) && !isOne(k[1]) && !isOne(v[1])) {
    report(DiagId::KvHeadMismatch, at[2]->range, scope, k[1].size, v[1].size)
        .note(at[1]->range, type(1));
    good = false;
  }
  if (attend.heads.size % attend.kvHeads.size) {
    unsigned side = isOne(k[1]) ? 2 : 1;
    report(DiagId::HeadGroups, at[side]->range, scope, attend.heads.size,
           attend.kvHeads.size)
        .note(at[0]->range, type(0));
    good = false;
  }
  if (!good)
    return std::nullopt;
  attend.headsPerKeyValueHead = attend.heads.size / attend.kvHeads.size;
  return AttendShape{attend.heads, attend.kvHeads, findAppend(*attend.k)};
}

void Sema::checkPages(const syntax::Expr *expr, const Scope *scope,
                      ast::AttendArgs &attend) {
  // A table of integers is no tensor that is computed on.
  Expr *table = elaborate(expr, scope, {Place::Tensor});
  if (!table)
    return;
  if (isOne(attend.batch) && table->type.isTensor())
    attend.batch = table->type.dims->front();
  if (!isPageTable(*table, attend.batch)) {
    report(DiagId::PagesType, expr->range, scope, text(attend.batch),
           describe(table->type));
    return;
  }
  const Dim &pages = table->type.dims->back();
  int64_t page = (*attend.k->type.dims)[2].size;
  if (pages.isStatic() && pages.size > maxDim / page) {
    report(DiagId::DimRange, expr->range, scope, pages.size * page);
    return;
  }
  attend.pages = table;
}

void Sema::checkKeptHeads(const syntax::Expr *expr, const Scope *scope,
                          ast::AttendArgs &attend) {
  int64_t last = attend.heads.size - 1;
  if (expr->kind != syntax::Expr::Kind::List || expr->args.empty()) {
    report(DiagId::KeptHeads, expr->range, scope, last,
           expr->kind == syntax::Expr::Kind::List ? "none" : "no list")
        .note({}, "write the numbers of the heads: 'keep_heads = [0, 2]'");
    return;
  }
  for (const syntax::Expr *item : expr->args) {
    Expr *head = elaborateScalar(item, scope, {Place::Constant});
    if (!head)
      return;
    bool isHead = head->kind == Kind::IntLit && head->intValue >= 0 &&
                  head->intValue <= last;
    if (!isHead || llvm::is_contained(attend.keptHeads, head->intValue)) {
      report(DiagId::KeptHeads, item->range, scope, last,
             isHead                       ? "one twice"
             : head->kind == Kind::IntLit ? std::to_string(head->intValue)
                                          : describe(head->type));
      return;
    }
    attend.keptHeads.push_back(head->intValue);
  }
  llvm::sort(attend.keptHeads);
  if (int64_t(attend.keptHeads.size()) == attend.heads.size)
    attend.keptHeads.clear();
}

void Sema::checkDropout(const syntax::Expr *call, const Scope *scope,
                        const Arguments &given, ast::AttendArgs &attend) {
  const syntax::Expr *share = given.lookup("dropout"),
                     *seed = given.lookup("seed");
  if (!share && !seed)
    return;
  if (!share || !seed) {
    report(DiagId::MissingArgument, call->range, scope, "attend",
           share ? "'seed = ...', which decides what is dropped"
                 : "'dropout = ...' where there is a seed");
    return;
  }
  Expr *value = elaborateScalar(share, scope, {Place::Constant});
  Expr *key = elaborateScalar(seed, scope, {Place::Uniform});
  if (!value || !key)
    return;
  std::optional<double> number = foldFloat(value);
  bool isNumber = number && value->type.element != ScalarType::Bool;
  if (!isNumber || !(*number >= 0 && *number < 1)) {
    report(DiagId::DropoutValue, share->range, scope,
           isNumber ? numberText(*number) : describe(value->type));
    return;
  }
  if (!key->type.isInteger()) {
    report(DiagId::SeedType, seed->range, scope, describe(key->type));
    return;
  }
  if (*number == 0)
    return;
  attend.dropoutValue = *number;
  attend.dropout = value;
  attend.seed = key;
  if (key->type.element == ScalarType::I64)
    return;
  attend.seed = create(Kind::Call, seed, scope, ScalarType::I64);
  attend.seed->name = "i64";
  attend.seed->builtin = ast::Builtin::ToI64;
  attend.seed->args = {key};
}

void Sema::checkScale(const syntax::Expr *expr, const Scope *scope,
                      ast::AttendArgs &attend) {
  Expr *value = elaborateScalar(expr, scope, {Place::Constant});
  if (!value)
    return;
  std::optional<double> number = foldFloat(value);
  if (value->type.element == ScalarType::Bool || !number ||
      !std::isfinite(*number) || *number == 0) {
    report(DiagId::ScaleValue, expr->range, scope,
           value->type.element == ScalarType::Bool || !number
               ? describe(value->type)
               : numberText(*number));
    return;
  }
  attend.scale = value;
  attend.scaleValue = *number;
}

void Sema::checkScore(const syntax::Expr *expr, const Scope *scope,
                      const Place &place, ast::AttendArgs &attend) {
  Expr *value = elaborateScalar(expr, scope, place);
  if (!value)
    return;
  if (value->type.element == ScalarType::Bool) {
    report(DiagId::ScoreType, expr->range, scope, describe(value->type))
        .note({}, "conditions on positions belong in 'mask'");
    return;
  }
  attend.score = toFloat(value, place.floatType);
}

void Sema::checkMask(const syntax::Expr *expr, const Scope *scope,
                     const Place &place, ast::AttendArgs &attend) {
  Expr *value = elaborateScalar(expr, scope, place);
  if (!value)
    return;
  if (value->type.element != ScalarType::Bool) {
    Diagnostic &result =
        report(DiagId::MaskType, expr->range, scope, describe(value->type));
    if (value->type.isInteger())
      result.note({}, "a key is visible where the mask is true: compare with "
                      "'!= 0'");
    return;
  }
  attend.mask = value;
  // Whether the mask says anything is found out after import.
  Diagnostic expansions{};
  noteExpansions(expansions, scope);
  spec.masks.push_back({value, expr->range, std::move(expansions.notes)});
}
