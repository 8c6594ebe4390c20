//===- InputRoles.cpp - What parameters are used for ----------------------===//

#include "compiler/driver/check/InputRoles.h"

using namespace ladon;
using namespace ladon::ast;
using Kind = Expr::Kind;
using Role = InputRole;

InputRoles::InputRoles(const Attention &attention) {
  for (const auto &let : attention.lets)
    visit(let->value);
  for (const Result &result : attention.results)
    visit(result.value);
  for (const Expr *append : attention.appends)
    visit(append);
}

void InputRoles::visit(const Expr *expr) {
  if (!expr || !seen.insert(expr).second)
    return;
  if (expr->kind == Kind::Attend) {
    mark(expr->attend->q, Role::Query);
    mark(expr->attend->k, Role::Key);
    mark(expr->attend->v, Role::Value);
    if (const Expr *table = expr->attend->pages) {
      mark(table, Role::Pages);
      tables[table->param] = expr->attend;
      indexed.insert(table->param);
    }
    for (const Expr *part :
         {expr->attend->q, expr->attend->k, expr->attend->v,
          expr->attend->score, expr->attend->mask, expr->attend->seed})
      visit(part);
  }
  if (expr->kind == Kind::Append) {
    indexed.insert(placesOf(*expr));
    if (expr->args.size() > 3) {
      roles[expr->args[3]->param] = Role::Pages;
      indexed.insert(expr->args[3]->param);
    }
  }
  if (expr->kind == Kind::Name && expr->let)
    visit(expr->let->value);
  if (expr->kind == Kind::Index) {
    mark(expr->args[0], Role::Captured);
    if (expr->args[0]->param)
      indexed.insert(expr->args[0]->param);
  }
  if (expr->kind == Kind::Binary && expr->binaryOp == BinaryOp::MatMul)
    mark(expr->args[1], Role::Weight);
  for (const Expr *arg : expr->args)
    visit(arg);
}

/// The parameter that `expr` is, but for its layout.
void InputRoles::mark(const Expr *expr, Role role) {
  if (expr->kind == Kind::Split || expr->kind == Kind::Concat ||
      expr->kind == Kind::Transpose || expr->kind == Kind::Slice ||
      expr->kind == Kind::Rotate)
    mark(expr->args[0], role);
  else if (expr->kind == Kind::Append) // The cache, and what joins it.
    for (const Expr *part : llvm::ArrayRef(expr->args).take_front(2))
      mark(part, role);
  else if (expr->kind == Kind::Join && role != Role::Value)
    for (const Expr *part : expr->args) // Sums of values that are each near
      mark(part, role);                 // the largest would overflow.
  else if (expr->kind == Kind::Name && expr->let)
    mark(expr->let->value, role);
  else if (expr->kind == Kind::Name && expr->param)
    roles.try_emplace(expr->param, role);
}
