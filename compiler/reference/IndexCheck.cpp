//===- IndexCheck.cpp - Indices that leave their tensor -------------------===//

#include "compiler/reference/IndexCheck.h"
#include "compiler/reference/PointExpr.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace ladon;
using namespace ladon::ast;
using Attends = llvm::SetVector<const AttendArgs *>;

/// Those that an expression needs, in the order of their evaluation.
static void findAttends(const Expr *expr, Attends &attends) {
  if (!expr)
    return;
  if (expr->kind == Expr::Kind::Name && expr->let)
    return findAttends(expr->let->value, attends);
  for (const Expr *arg : expr->args)
    findAttends(arg, attends);
  if (!expr->attend)
    return;
  for (const Expr *part : {expr->attend->q, expr->attend->k, expr->attend->v,
                           expr->attend->score, expr->attend->mask})
    findAttends(part, attends);
  attends.insert(expr->attend);
}

static std::string describe(const IndexSearch &found, const Point &point) {
  const char *what = found.axis < 0 ? "page" : "index";
  std::string expected =
      found.extent > 0
          ? llvm::formatv("{0} {1} of 0 to {2}", found.axis < 0 ? "a" : "an",
                          what, found.extent - 1)
                .str()
          : "no " + std::string(what) +
                (found.axis < 0 ? ", as there are none" : "");
  if (found.axis >= 0)
    expected += " on axis " + std::to_string(found.axis);
  return llvm::formatv("{0}: expected {1}, found {2} at b = {3}, h = {4}, "
                       "i = {5}, j = {6}",
                       found.tensor, expected, found.index, point.batch,
                       point.head, point.query, point.key);
}

namespace {
/// The search through one attend.
struct AttendSearch {
  const AttendArgs &args;
  const Bindings &bindings;
  std::optional<PointExpr> score = std::nullopt, mask = std::nullopt;
  IndexSearch found = {};

  bool visit(const Point &point);
  void run(IndexCheck &result);
};
} // namespace

/// Whether something is found at a position.
bool AttendSearch::visit(const Point &point) {
  ScalarMath math;
  math.floatType = args.q->type.element;
  math.roundResults = true;
  bool isVisible = !mask || mask->evaluate(point, math, &found).i;
  if (found.hit || !isVisible)
    return found.hit;
  if (args.pages) {
    const HostTensor &table = bindings.inputs.find(args.pages->param)->second;
    int64_t size = bindings.shape(args.k->type)[2];
    found.check(args.pages->name, /*ofAxis=*/-1,
                table.getInteger({point.batch, point.key / size}),
                bindings.shape(args.k->type)[0]);
  }
  if (score && !found.hit)
    score->evaluate(point, math, &found);
  return found.hit;
}

void AttendSearch::run(IndexCheck &result) {
  int64_t batches = bindings.extent(args.batch),
          heads = bindings.extent(args.heads),
          group = heads / bindings.extent(args.kvHeads),
          queries = bindings.shape(args.q->type)[2],
          keys = bindings.keyCount(args);
  ScalarType type = args.q->type.element;
  if (args.score)
    score.emplace(args.score, bindings, keys - queries, type);
  if (args.mask)
    mask.emplace(args.mask, bindings, keys - queries, type);
  if (!args.pages && !(score && score->hasReads()) &&
      !(mask && mask->hasReads()))
    return;
  result.hasReads = true;
  for (const std::optional<PointExpr> *expr : {&score, &mask})
    if (*expr && !(*expr)->computedTensor().empty())
      found.unchecked = (*expr)->computedTensor();
  Point point;
  for (point.batch = 0; point.batch < batches; ++point.batch)
    for (point.head = 0; point.head < heads; ++point.head) {
      if (!args.keepsHead(point.head))
        continue;
      for (point.query = 0; point.query < queries; ++point.query)
        for (point.key = 0; point.key < keys; ++point.key) {
          point.kvHead = point.head / group;
          if (!visit(point))
            continue;
          if (result.clamped.empty())
            result.clamped = describe(found, point);
          return;
        }
    }
}

llvm::Expected<IndexCheck>
ladon::checkIndices(const Attention &attention,
                    llvm::ArrayRef<HostTensor> inputs) {
  llvm::Expected<Bindings> bindings = bindInputs(attention, inputs);
  if (!bindings)
    return bindings.takeError();
  Attends attends;
  for (const Expr *append : attention.appends)
    findAttends(append, attends);
  for (const Result &result : attention.results)
    findAttends(result.value, attends);
  IndexCheck result;
  for (const AttendArgs *args : attends) {
    AttendSearch search{*args, *bindings};
    search.run(result);
    if (result.unchecked.empty())
      result.unchecked = search.found.unchecked;
  }
  return result;
}
