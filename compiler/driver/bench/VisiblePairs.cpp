//===- VisiblePairs.cpp - How many pairs a mask lets through --------------===//

#include "compiler/driver/bench/VisiblePairs.h"
#include "compiler/reference/PointExpr.h"

#include "llvm/Support/Parallel.h"

#include <algorithm>
#include <atomic>

using namespace ladon;
using namespace ladon::ast;
using Kind = Expr::Kind;

//===--- What an expression depends on -----------------------------------===//

/// The expression that a name bound by `let` stands for.
static const Expr *resolve(const Expr *expr) {
  while (expr->kind == Kind::Name && expr->let)
    expr = expr->let->value;
  return expr;
}

namespace {

/// Which position variables the value of an expression depends on.
struct Dependence {
  bool batch = false, head = false, query = false, key = false;
  /// Nothing but j - i is used of i and j.
  bool onlyDistance = true;
};

} // namespace

static bool isPosition(const Expr *expr, IndexVar var) {
  expr = resolve(expr);
  return expr->kind == Kind::Name && expr->indexVar == var;
}

static void collect(const Expr *expr, Dependence &found) {
  expr = resolve(expr);
  if (expr->kind == Kind::Name && expr->indexVar) {
    switch (*expr->indexVar) {
    case IndexVar::Batch:
      found.batch = true;
      break;
    case IndexVar::Head:
    case IndexVar::KvHead:
      found.head = true;
      break;
    case IndexVar::Query:
      found.query = true;
      found.onlyDistance = false;
      break;
    case IndexVar::Key:
      found.key = true;
      found.onlyDistance = false;
      break;
    case IndexVar::Score:
      found = {true, true, true, true, false};
      break;
    }
    return;
  }
  bool isDistance = expr->kind == Kind::Binary &&
                    expr->binaryOp == BinaryOp::Sub &&
                    ((isPosition(expr->args[0], IndexVar::Query) &&
                      isPosition(expr->args[1], IndexVar::Key)) ||
                     (isPosition(expr->args[0], IndexVar::Key) &&
                      isPosition(expr->args[1], IndexVar::Query)));
  if (isDistance || expr->kind == Kind::Mask)
    found.query = found.key = true;
  if (isDistance)
    return;
  for (const Expr *arg : expr->args)
    collect(arg, found);
}

static Dependence dependence(const Expr *expr) {
  Dependence found;
  collect(expr, found);
  return found;
}

//===--- Rows of a mask --------------------------------------------------===//

namespace {

/// What all parts of a mask share.
struct MaskScope {
  const Bindings &bindings;
  int64_t queries, keys;
  ScalarType scoreType;
};

/// A bool expression, evaluated for all keys of a query at once. A part whose
/// value depends on the key alone, or on the distance of key and query alone,
/// or which compares such values, is evaluated at S + T points rather than
/// S * T.
class RowMask {
public:
  RowMask(const Expr *expr, const MaskScope &scope);

  /// Makes `row` answer for the batch and head of `point`.
  void prepare(Point point);

  /// visible[j] = wanted[j] and the mask at (query, j); all are 0 or 1. Safe
  /// from several threads.
  void row(int64_t query, const uint8_t *wanted, uint8_t *visible) const;

private:
  enum Form { And, Or, Not, If, ByQuery, ByKey, ByDistance, Compare, General };

  void operand(const Expr *expr) {
    operands.push_back(std::make_unique<RowMask>(expr, scope));
  }
  void bind(const Expr *expr) {
    values.push_back(std::make_unique<PointExpr>(
        expr, scope.bindings, scope.keys - scope.queries, scope.scoreType));
  }
  bool bindComparison(const Expr *expr);
  int64_t evaluate(const PointExpr &value, int64_t query, int64_t key) const;
  void logicalRow(int64_t query, const uint8_t *wanted, uint8_t *visible) const;
  template <typename Fn>
  void select(const uint8_t *wanted, uint8_t *visible, Fn test) const {
    for (int64_t key = 0; key < scope.keys; ++key)
      visible[key] = wanted[key] & uint8_t(test(key));
  }

  MaskScope scope;
  Form form = General;
  std::vector<std::unique_ptr<RowMask>> operands; ///< And, Or, Not, If.
  std::vector<std::unique_ptr<PointExpr>> values; ///< Compare: query's, key's.
  BinaryOp comparison{};                          ///< key's op query's.
  Point head;                                     ///< Batch and head.
  std::vector<int64_t> ofKey;                     ///< Compare: key's values.
  std::vector<uint8_t> table;                     ///< ByKey, ByDistance.
};

} // namespace

/// The operator `op'` for which a op b is b op' a; none unless a comparison.
static std::optional<BinaryOp> mirrored(BinaryOp op) {
  switch (op) {
  case BinaryOp::Lt:
    return BinaryOp::Gt;
  case BinaryOp::Le:
    return BinaryOp::Ge;
  case BinaryOp::Gt:
    return BinaryOp::Lt;
  case BinaryOp::Ge:
    return BinaryOp::Le;
  case BinaryOp::Eq:
  case BinaryOp::Ne:
    return op;
  default:
    return std::nullopt;
  }
}

/// Recognises a comparison of integers with the query on one side and the key
/// on the other.
bool RowMask::bindComparison(const Expr *expr) {
  std::optional<BinaryOp> turned =
      expr->kind == Kind::Binary ? mirrored(expr->binaryOp) : std::nullopt;
  if (!turned || expr->args[0]->type.isFloat() || expr->args[1]->type.isFloat())
    return false;
  Dependence left = dependence(expr->args[0]),
             right = dependence(expr->args[1]);
  if (left.key == right.key || (left.key ? left.query : right.query))
    return false;
  form = Compare;
  comparison = left.key ? expr->binaryOp : *turned;
  bind(expr->args[left.key ? 1 : 0]);
  bind(expr->args[left.key ? 0 : 1]);
  return true;
}

RowMask::RowMask(const Expr *expr, const MaskScope &scope) : scope(scope) {
  expr = resolve(expr);
  Dependence found = dependence(expr);
  if (!found.key || !found.query || found.onlyDistance) {
    form = !found.key ? ByQuery : !found.query ? ByKey : ByDistance;
    bind(expr);
    return;
  }
  bool isAnd = expr->kind == Kind::Binary && expr->binaryOp == BinaryOp::And;
  bool isOr = expr->kind == Kind::Binary && expr->binaryOp == BinaryOp::Or;
  bool isNot = expr->kind == Kind::Unary && expr->unaryOp == UnaryOp::Not;
  if (isAnd || isOr || isNot || expr->kind == Kind::If) {
    form = isAnd ? And : isOr ? Or : isNot ? Not : If;
    for (const Expr *arg : expr->args)
      operand(arg);
    return;
  }
  if (!bindComparison(expr))
    bind(expr);
}

int64_t RowMask::evaluate(const PointExpr &value, int64_t query,
                          int64_t key) const {
  Point point = head;
  point.query = query;
  point.key = key;
  // As a compiled mask computes it: every float rounded to its type.
  ScalarMath math;
  math.floatType = scope.scoreType;
  math.roundResults = true;
  return value.evaluate(point, math).i;
}

void RowMask::prepare(Point point) {
  head = point;
  for (auto &operand : operands)
    operand->prepare(point);
  if (form == Compare) {
    ofKey.resize(scope.keys);
    for (int64_t key = 0; key < scope.keys; ++key)
      ofKey[key] = evaluate(*values[1], 0, key);
  } else if (form == ByKey) {
    table.resize(scope.keys);
    for (int64_t key = 0; key < scope.keys; ++key)
      table[key] = evaluate(*values[0], 0, key) != 0;
  } else if (form == ByDistance) {
    // Entry j - i + S - 1.
    table.resize(scope.queries + scope.keys - 1);
    for (size_t entry = 0; entry < table.size(); ++entry) {
      int64_t distance = int64_t(entry) - (scope.queries - 1);
      int64_t query = std::max<int64_t>(0, -distance);
      table[entry] = evaluate(*values[0], query, query + distance) != 0;
    }
  }
}

void RowMask::logicalRow(int64_t query, const uint8_t *wanted,
                         uint8_t *visible) const {
  std::vector<uint8_t> first(scope.keys), second(scope.keys);
  operands[0]->row(query, wanted, first.data());
  switch (form) {
  case And:
    operands[1]->row(query, first.data(), visible);
    return;
  case Not:
    select(wanted, visible, [&](int64_t key) { return !first[key]; });
    return;
  default:
    break;
  }
  // What is not decided by the first operand is up to the last one.
  select(wanted, second.data(), [&](int64_t key) { return !first[key]; });
  operands.back()->row(query, second.data(), second.data());
  if (form == If)
    operands[1]->row(query, first.data(), first.data());
  for (int64_t key = 0; key < scope.keys; ++key)
    visible[key] = first[key] | second[key];
}

void RowMask::row(int64_t query, const uint8_t *wanted,
                  uint8_t *visible) const {
  switch (form) {
  case And:
  case Or:
  case Not:
  case If:
    return logicalRow(query, wanted, visible);
  case ByQuery: {
    bool value = evaluate(*values[0], query, 0) != 0;
    return select(wanted, visible, [&](int64_t) { return value; });
  }
  case ByKey:
    return select(wanted, visible, [&](int64_t key) { return table[key]; });
  case ByDistance: {
    const uint8_t *row = table.data() + (scope.queries - 1 - query);
    return select(wanted, visible, [&](int64_t key) { return row[key]; });
  }
  case General:
    return select(wanted, visible, [&](int64_t key) {
      return wanted[key] && evaluate(*values[0], query, key);
    });
  case Compare:
    break;
  }
  int64_t value = evaluate(*values[0], query, 0);
  const int64_t *of = ofKey.data();
  switch (comparison) {
  case BinaryOp::Lt:
    return select(wanted, visible, [&](int64_t j) { return of[j] < value; });
  case BinaryOp::Le:
    return select(wanted, visible, [&](int64_t j) { return of[j] <= value; });
  case BinaryOp::Gt:
    return select(wanted, visible, [&](int64_t j) { return of[j] > value; });
  case BinaryOp::Ge:
    return select(wanted, visible, [&](int64_t j) { return of[j] >= value; });
  case BinaryOp::Eq:
    return select(wanted, visible, [&](int64_t j) { return of[j] == value; });
  default:
    return select(wanted, visible, [&](int64_t j) { return of[j] != value; });
  }
}

//===--- Counting --------------------------------------------------------===//

/// The visible pairs of one batch and head.
static int64_t countPairs(const RowMask &mask, int64_t queries, int64_t keys) {
  constexpr int64_t rowsPerTask = 64;
  std::atomic<int64_t> total = 0;
  std::vector<uint8_t> all(keys, 1);
  size_t tasks = (queries + rowsPerTask - 1) / rowsPerTask;
  llvm::parallelFor(0, tasks, [&](size_t task) {
    std::vector<uint8_t> visible(keys);
    int64_t count = 0, first = int64_t(task) * rowsPerTask;
    int64_t last = std::min(queries, first + rowsPerTask);
    for (int64_t query = first; query < last; ++query) {
      mask.row(query, all.data(), visible.data());
      count += std::count(visible.begin(), visible.end(), 1);
    }
    total += count;
  });
  return total;
}

int64_t ladon::countVisiblePairs(const AttendArgs &args,
                                 const Bindings &bindings) {
  Extents q = bindings.shape(args.q->type);
  int64_t batches = bindings.extent(args.batch), heads = args.heads.size,
          queries = q[2], keys = bindings.keyCount(args);
  int64_t all = batches * heads * queries * keys;
  if (!args.mask || all == 0)
    return all;
  Dependence found = dependence(args.mask);
  int64_t batchesToVisit = found.batch ? batches : 1;
  int64_t headsToVisit = found.head ? heads : 1;
  RowMask mask(args.mask,
               MaskScope{bindings, queries, keys, args.q->type.element});
  int64_t count = 0;
  Point point;
  for (point.batch = 0; point.batch < batchesToVisit; ++point.batch)
    for (point.head = 0; point.head < headsToVisit; ++point.head) {
      point.kvHead = point.head / (heads / args.kvHeads.size);
      mask.prepare(point);
      count += countPairs(mask, queries, keys);
    }
  return count * (batches / batchesToVisit) * (heads / headsToVisit);
}
