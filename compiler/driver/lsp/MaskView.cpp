//===- MaskView.cpp - What a mask lets through ----------------------------===//

#include "compiler/driver/lsp/MaskView.h"

#include "compiler/driver/bench/VisiblePairs.h"
#include "compiler/driver/check/InputGenerator.h"
#include "compiler/driver/host/Sizes.h"
#include "compiler/reference/PointExpr.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace ladon;
using namespace ladon::lsp;
using ast::Expr;

namespace {

/// More operations than these, each of some nanoseconds, are not done while
/// somebody waits.
constexpr double mostCounted = 1 << 28, mostDrawn = 1 << 26;

/// What evaluating a mask takes.
struct MaskCost {
  double nodes = 0;                 ///< Of the expression.
  bool batch = false, head = false; ///< Whether it tells these apart.

  explicit MaskCost(const Expr *mask) { add(mask); }

private:
  llvm::DenseSet<const Expr *> seen;

  void add(const Expr *expr) {
    if (!seen.insert(expr).second)
      return;
    ++nodes;
    batch |= expr->indexVar == ast::IndexVar::Batch;
    head |= expr->indexVar == ast::IndexVar::Head ||
            expr->indexVar == ast::IndexVar::KvHead;
    if (expr->let)
      add(expr->let->value);
    for (const Expr *arg : expr->args)
      add(arg);
  }
};

/// Finds the attend that has a mask.
class AttendFinder {
public:
  explicit AttendFinder(const Expr *mask) : mask(mask) {}

  const ast::AttendArgs *find(const Expr *expr) {
    if (!expr || !seen.insert(expr).second)
      return nullptr;
    if (expr->attend && expr->attend->mask == mask)
      return expr->attend;
    llvm::SmallVector<const Expr *> inner(expr->args.begin(), expr->args.end());
    if (expr->attend)
      inner.append({expr->attend->q, expr->attend->k, expr->attend->v});
    if (expr->let)
      inner.push_back(expr->let->value);
    for (const Expr *arg : inner)
      if (const ast::AttendArgs *found = find(arg))
        return found;
    return nullptr;
  }

private:
  const Expr *mask;
  llvm::DenseSet<const Expr *> seen;
};

} // namespace

/// A line for some queries, a cell for some keys: black where all are visible,
/// grey where some are.
static std::string draw(const ast::AttendArgs &attend, const Bindings &bindings,
                        int64_t queries, int64_t keys) {
  int64_t lines = std::min<int64_t>(queries, 16);
  int64_t columns = std::min<int64_t>(keys, 32);
  PointExpr mask(attend.mask, bindings, keys - queries, attend.q->type.element);
  std::string picture;
  for (int64_t line = 0; line < lines; ++line) {
    for (int64_t column = 0; column < columns; ++column) {
      int64_t visible = 0, all = 0;
      Point point;
      for (point.query = line * queries / lines;
           point.query < (line + 1) * queries / lines; ++point.query)
        for (point.key = column * keys / columns;
             point.key < (column + 1) * keys / columns; ++point.key, ++all) {
          ScalarMath math;
          math.floatType = attend.q->type.element;
          math.roundResults = true;
          visible += mask.evaluate(point, math).i;
        }
      picture += visible == all ? "█" : visible ? "▒" : "·";
    }
    picture += "\n";
  }
  return picture;
}

std::optional<MaskView> ladon::lsp::viewMask(const CheckedSpec &spec,
                                             const WrittenMask &mask,
                                             bool wantPicture) {
  const ast::Attention &attention = *spec.attention;
  AttendFinder finder(mask.value);
  const ast::AttendArgs *attend = nullptr;
  for (const ast::Result &result : attention.results)
    if (!attend)
      attend = finder.find(result.value);
  if (!attend)
    return std::nullopt;

  InputOptions options;
  options.sizes = usualSizes(attention);
  options.typical = true;
  options.shapesOnly = true;
  llvm::Expected<std::vector<HostTensor>> inputs =
      generateInputs(attention, options);
  llvm::Expected<Bindings> bindings =
      inputs ? bindInputs(attention, *inputs)
             : llvm::Expected<Bindings>(inputs.takeError());
  if (!bindings) {
    llvm::consumeError(bindings.takeError());
    return std::nullopt;
  }
  int64_t queries = bindings->shape(attend->q->type)[2];
  int64_t keys = bindings->keyCount(*attend);
  double batches = double(bindings->extent(attend->batch));
  double heads = double(attend->heads.size);
  double ofOne = double(queries) * double(keys);
  double pairs = batches * heads * ofOne;
  MaskCost cost(attend->mask);
  double work =
      ofOne * cost.nodes * (cost.batch ? batches : 1) * (cost.head ? heads : 1);
  if (pairs == 0 || work > mostCounted)
    return std::nullopt;

  MaskView view;
  view.share =
      llvm::formatv("{0:F1} % of {1} pairs visible",
                    100 * double(countVisiblePairs(*attend, *bindings)) / pairs,
                    int64_t(pairs))
          .str();
  for (const std::string &name : sizeNames(attention))
    view.sizes += (view.sizes.empty() ? "" : " ") + name + "=" +
                  std::to_string(options.sizes[name]);
  if (wantPicture && ofOne * cost.nodes <= mostDrawn)
    view.picture = draw(*attend, *bindings, queries, keys);
  return view;
}
