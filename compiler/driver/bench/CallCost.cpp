//===- CallCost.cpp - How much work a spec is -----------------------------===//

#include "compiler/driver/bench/CallCost.h"
#include "compiler/driver/bench/VisiblePairs.h"

#include "llvm/ADT/DenseSet.h"

using namespace ladon;
using namespace ladon::ast;
using Kind = Expr::Kind;

namespace {

/// Adds up the work of the expressions that the results need, each once.
class WorkCounter {
public:
  explicit WorkCounter(const Bindings &bindings) : bindings(bindings) {}
  void visit(const Expr *expr);

  Work work;

private:
  void addAttend(const AttendArgs &args);

  const Bindings &bindings;
  llvm::DenseSet<const Expr *> seen;
};

} // namespace

void WorkCounter::addAttend(const AttendArgs &args) {
  Extents q = bindings.shape(args.q->type), v = bindings.shape(args.v->type);
  int64_t visible = countVisiblePairs(args, bindings);
  work.pairs += bindings.extent(args.batch) * args.heads.size * q[2] *
                bindings.keyCount(args);
  work.visiblePairs += visible;
  work.flops += double(visible) * double(2 * q[3] + 2 * v[3]);
}

void WorkCounter::visit(const Expr *expr) {
  while (expr->kind == Kind::Name && expr->let)
    expr = expr->let->value;
  if (!expr->type.isTensor() && expr->kind != Kind::Attend)
    return;
  if (!seen.insert(expr).second)
    return;
  if (expr->kind == Kind::Attend) {
    visit(expr->attend->q);
    visit(expr->attend->k);
    visit(expr->attend->v);
    addAttend(*expr->attend);
    return;
  }
  if (expr->kind == Kind::Binary && expr->binaryOp == BinaryOp::MatMul)
    work.flops += 2.0 * double(elementCount(bindings.shape(expr->type))) *
                  double(bindings.shape(expr->args[1]->type)[0]);
  for (const Expr *arg : expr->args)
    visit(arg);
}

Work ladon::countWork(const Attention &attention, const Bindings &bindings) {
  WorkCounter counter(bindings);
  auto move = [&](const Type &type) {
    counter.work.bytes +=
        elementCount(bindings.shape(type)) * byteSize(type.element);
  };
  for (const auto &param : attention.params)
    move(param->type);
  for (const Result &result : attention.results) {
    move(result.type);
    counter.visit(result.value);
  }
  for (const Expr *append : attention.appends) {
    move(append->args[1]->type);
    counter.visit(append);
  }
  return counter.work;
}
