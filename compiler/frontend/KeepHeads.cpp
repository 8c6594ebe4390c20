//===- KeepHeads.cpp - Parts of what a spec computes ----------------------===//

#include "compiler/frontend/KeepHeads.h"

#include "llvm/ADT/MapVector.h"

#include <numeric>

using namespace ladon;
using ast::BinaryOp;
using ast::Dim;
using Kind = ast::Expr::Kind;

AxisRuns ladon::runsOf(llvm::ArrayRef<int64_t> numbers, int64_t size) {
  AxisRuns runs;
  for (int64_t number : numbers)
    if (!runs.empty() && runs.back().from + runs.back().count == number * size)
      runs.back().count += size;
    else
      runs.push_back({number * size, size});
  return runs;
}

static int64_t total(const AxisRuns &runs) {
  int64_t sum = 0;
  for (const AxisRun &run : runs)
    sum += run.count;
  return sum;
}

static AxisRuns scaled(const AxisRuns &runs, int64_t by) {
  AxisRuns result;
  for (const AxisRun &run : runs)
    result.push_back({run.from * by, run.count * by});
  return result;
}

//===----------------------------------------------------------------------===//
// Who needs what
//===----------------------------------------------------------------------===//

/// What `expr` is, whoever else reads the names of it.
static const ast::Expr *valueOf(const ast::Expr *expr) {
  while (expr->kind == Kind::Name && expr->let)
    expr = expr->let->value;
  return expr;
}

/// The attend with some heads of which `expr` multiplies all by a matrix; null
/// for anything else.
static const ast::Expr *keptAttendOf(const ast::Expr *expr) {
  if (expr->kind != Kind::Binary || expr->binaryOp != BinaryOp::MatMul)
    return nullptr;
  const ast::Expr *concat = valueOf(expr->args[0]);
  if (concat->kind != Kind::Concat)
    return nullptr;
  const ast::Expr *attend = valueOf(concat->args[0]);
  return attend->kind == Kind::Attend && !attend->attend->keptHeads.empty()
             ? attend
             : nullptr;
}

PartBuilder::PartBuilder(const ast::Attention &attention) {
  for (const ast::Result &result : attention.results)
    markWhole(result.value);
  for (const Expr *append : attention.appends)
    markWhole(append);
}

/// Of the operands of an attend with some heads parts may do.
void PartBuilder::markWhole(const Expr *expr) {
  if (!expr)
    return;
  if (expr->let && whole.insert(expr->let).second)
    markWhole(expr->let->value);
  const Expr *ofKept = keptAttendOf(expr);
  for (const Expr *arg : llvm::ArrayRef(expr->args).drop_front(ofKept ? 1 : 0))
    markWhole(arg);
  const ast::AttendArgs *attend = ofKept ? ofKept->attend : expr->attend;
  if (!attend)
    return;
  for (const Expr *part : {attend->score, attend->mask, attend->seed})
    markWhole(part);
  if (!ofKept)
    for (const Expr *operand : {attend->q, attend->k, attend->v})
      markWhole(operand);
}

/// What a name stands for, where nobody reads all of it.
const ast::Expr *PartBuilder::skipLets(const Expr *expr) const {
  while (expr->kind == Kind::Name && expr->let && !whole.contains(expr->let))
    expr = expr->let->value;
  return expr;
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

ast::Expr *PartBuilder::resized(const Expr *expr, int64_t axis,
                                int64_t extent) {
  Expr *copy = context.create(expr->kind, expr->range);
  *copy = *expr;
  (*copy->type.dims)[axis] = Dim{extent, ""};
  return copy;
}

const ast::Expr *PartBuilder::part(const Expr *expr, int64_t axis,
                                   const AxisRuns &runs) {
  // Several runs may name an element twice, and another not at all.
  if (runs.size() == 1 && runs[0].count == (*expr->type.dims)[axis].size)
    return expr;
  auto [entry, isNew] = known.try_emplace({expr, axis, runs}, nullptr);
  if (!isNew)
    return entry->second;
  const Expr *made = make(expr, axis, runs);
  return known[{expr, axis, runs}] = made;
}

/// The elements themselves: a view, or a copy of what is known in size.
const ast::Expr *PartBuilder::cut(const Expr *expr, int64_t axis,
                                  const AxisRuns &runs) {
  bool isWeight = llvm::all_of(*expr->type.dims,
                               [](const Dim &dim) { return dim.isStatic(); });
  if (runs.size() > 1 && !isWeight)
    return nullptr;
  Expr *joined = resized(expr, axis, total(runs));
  joined->kind = Kind::Join;
  joined->intValue = axis;
  joined->args.clear();
  for (const AxisRun &run : runs) {
    Expr *slice = resized(expr, axis, run.count);
    slice->kind = Kind::Slice;
    slice->intValue = axis;
    slice->other = run.from;
    slice->args = {const_cast<Expr *>(expr)};
    joined->args.push_back(slice);
  }
  return runs.size() == 1 ? joined->args[0] : joined;
}

const ast::Expr *PartBuilder::slice(const Expr *expr, int64_t axis,
                                    const AxisRuns &runs) {
  const Expr *source = expr->args[0];
  bool dropsAxis = expr->type.dims->size() < source->type.dims->size();
  if (!dropsAxis && axis == expr->intValue) {
    AxisRuns moved = runs;
    for (AxisRun &run : moved)
      run.from += expr->other;
    return part(source, axis, moved);
  }
  source = part(source, axis + (dropsAxis && axis >= expr->intValue), runs);
  if (!source)
    return nullptr;
  Expr *result = resized(expr, axis, total(runs));
  result->args = {const_cast<Expr *>(source)};
  return result;
}

const ast::Expr *PartBuilder::elementwise(const Expr *expr, int64_t axis,
                                          const AxisRuns &runs) {
  Expr *result = resized(expr, axis, total(runs));
  auto rank = int64_t(expr->type.dims->size());
  for (Expr *&arg : result->args) {
    if (!arg->type.isTensor())
      continue;
    // What lacks leading axes, or is repeated along this one, stays.
    int64_t own = axis - rank + int64_t(arg->type.dims->size());
    if (own < 0 || (*arg->type.dims)[own].size == 1)
      continue;
    arg = const_cast<Expr *>(part(arg, own, runs));
    if (!arg)
      return nullptr;
  }
  return result;
}

const ast::Expr *PartBuilder::make(const Expr *expr, int64_t axis,
                                   const AxisRuns &runs) {
  auto rank = int64_t(expr->type.dims->size());
  // The same operation on a part of its first argument.
  auto ofFirst = [&](int64_t ownAxis, const AxisRuns &ownRuns) -> Expr * {
    const Expr *first = part(expr->args[0], ownAxis, ownRuns);
    if (!first)
      return nullptr;
    Expr *result = resized(expr, axis, total(runs));
    result->args[0] = const_cast<Expr *>(first);
    return result;
  };
  switch (expr->kind) {
  case Kind::Name:
    if (const Expr *value = skipLets(expr); value != expr)
      return part(value, axis, runs);
    return cut(expr, axis, runs);
  case Kind::Split: {
    if (axis != 1)
      return cut(expr, axis, runs);
    Expr *result = ofFirst(2, scaled(runs, (*expr->type.dims)[3].size));
    if (result)
      result->headCount = total(runs);
    return result;
  }
  case Kind::Transpose:
    return ofFirst(axis == expr->intValue ? expr->other
                   : axis == expr->other  ? expr->intValue
                                          : axis,
                   runs);
  case Kind::Slice:
    return slice(expr, axis, runs);
  case Kind::Along:
    return ofFirst(axis + (axis >= expr->intValue), runs);
  case Kind::Repeat:
    if (axis >= int64_t(expr->args[0]->type.dims->size()) ||
        (*expr->args[0]->type.dims)[axis].size == 1)
      return resized(expr, axis, total(runs));
    return ofFirst(axis, runs);
  case Kind::Rotate:
    return axis < rank - 2 && axis > 0 ? ofFirst(axis, runs)
                                       : cut(expr, axis, runs);
  case Kind::Binary:
    if (expr->binaryOp == BinaryOp::MatMul) {
      if (axis != rank - 1)
        return cut(expr, axis, runs);
      const Expr *columns = part(expr->args[1], 1, runs);
      if (!columns)
        return nullptr;
      Expr *result = resized(expr, axis, total(runs));
      result->args[1] = const_cast<Expr *>(columns);
      return result;
    }
    return elementwise(expr, axis, runs);
  case Kind::Unary:
  case Kind::Call:
    return elementwise(expr, axis, runs);
  default:
    return cut(expr, axis, runs);
  }
}

//===----------------------------------------------------------------------===//
// Heads that are kept
//===----------------------------------------------------------------------===//

/// The key heads of an attend that has the kept heads only, each of which is
/// shared by as many. One that more of them read than others is there more than
/// once.
static llvm::SmallVector<int64_t> keyHeadsOf(const ast::AttendArgs &args) {
  llvm::MapVector<int64_t, int64_t> readers;
  for (int64_t head : args.keptHeads)
    ++readers[head / args.headsPerKeyValueHead];
  int64_t each = 0;
  for (auto [keyHead, count] : readers)
    each = std::gcd(each, count);
  llvm::SmallVector<int64_t> keyHeads;
  for (auto [keyHead, count] : readers)
    keyHeads.append(count / each, keyHead);
  return keyHeads;
}

/// An attend that has the kept heads only; null where it would have more to
/// project than all heads have, or where operands cannot be had in parts.
const ast::Expr *PartBuilder::keptAttend(const Expr *expr) {
  const ast::AttendArgs &args = *expr->attend;
  llvm::SmallVector<int64_t> keyHeads = keyHeadsOf(args);
  auto all = args.heads.size + args.kvHeads.size;
  if (args.pages || int64_t(args.keptHeads.size() + keyHeads.size()) > all)
    return nullptr;
  auto heads = [&](const Expr *operand,
                   llvm::ArrayRef<int64_t> kept) -> const Expr * {
    return (*operand->type.dims)[1].size == 1
               ? operand
               : part(operand, 1, runsOf(kept, 1));
  };
  const Expr *q = heads(args.q, args.keptHeads), *k = heads(args.k, keyHeads),
             *v = heads(args.v, keyHeads);
  const Expr *sinks =
      args.sinks ? part(args.sinks, 0, runsOf(args.keptHeads, 1)) : nullptr;
  if (!q || !k || !v || !sinks != !args.sinks)
    return nullptr;
  Expr *result = resized(expr, 1, int64_t(args.keptHeads.size()));
  result->attend = context.createAttend();
  *result->attend = args;
  result->attend->q = const_cast<Expr *>(q);
  result->attend->k = const_cast<Expr *>(k);
  result->attend->v = const_cast<Expr *>(v);
  result->attend->sinks = const_cast<Expr *>(sinks);
  result->attend->heads.size = int64_t(args.keptHeads.size());
  result->attend->kvHeads.size = int64_t(keyHeads.size());
  return result;
}

const ast::Expr *PartBuilder::productOfKept(const Expr *product) {
  const Expr *attend = keptAttendOf(product);
  if (!attend)
    return nullptr;
  const Expr *concat = skipLets(product->args[0]);
  if (concat->kind != Kind::Concat || skipLets(concat->args[0]) != attend)
    return nullptr;
  const Expr *kept = keptAttend(attend);
  const Expr *rows = kept ? part(product->args[1], 0,
                                 runsOf(attend->attend->keptHeads,
                                        attend->type.dims->back().size))
                          : nullptr;
  if (!rows)
    return nullptr;
  Expr *joined = resized(concat, 2, (*rows->type.dims)[0].size);
  joined->args = {const_cast<Expr *>(kept)};
  Expr *result = context.create(product->kind, product->range);
  *result = *product;
  result->args = {joined, const_cast<Expr *>(rows)};
  return result;
}
