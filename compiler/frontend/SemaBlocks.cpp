//===- SemaBlocks.cpp - Blocks and the names that they define -------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Sema.h"

#include <algorithm>

using namespace ladon;
using ast::IndexVar;
using ast::ScalarType;
using Kind = ast::Expr::Kind;
using SyntaxKind = syntax::Expr::Kind;

//===--- Names, by the text alone -----------------------------------------===//

void Sema::checkBlocks(const syntax::Expr *expr,
                       std::vector<syntax::Name> &visible) {
  // What is deeper is reported where it is elaborated.
  if (expr->depth > maxDepth)
    return;
  if (expr->kind == SyntaxKind::Block)
    return checkBlock(expr, visible);
  if (expr->kind == SyntaxKind::Name)
    for (const syntax::Name &name : llvm::reverse(visible))
      if (name.text == expr->name.text) {
        localsUsed.insert(name.text.data());
        break;
      }
  for (const syntax::Expr *arg : expr->args)
    checkBlocks(arg, visible);
}

void Sema::checkBlock(const syntax::Expr *block,
                      std::vector<syntax::Name> &visible) {
  size_t before = visible.size();
  for (size_t at = 0; at < block->argNames.size(); ++at) {
    // A let sees only what stands above it.
    checkBlocks(block->args[at], visible);
    const syntax::Name &name = block->argNames[at];
    llvm::StringMap<llvm::SMRange> around = names;
    for (const syntax::Name &other : visible)
      around.insert_or_assign(other.text, other.range);
    declare(name, around);
    visible.push_back(name);
  }
  checkBlocks(block->args.back(), visible);
  for (size_t at = before; at < visible.size(); ++at)
    if (!localsUsed.contains(visible[at].text.data()))
      unusedLocals.push_back(visible[at]);
  visible.resize(before);
}

//===--- Values -----------------------------------------------------------===//

ast::Expr *Sema::elaborateBlock(const syntax::Expr *expr, const Scope *scope,
                                const Place &place) {
  const Scope *call = callOf(scope);
  scopes.push_back(
      {nullptr, scope, expr, call ? call->outermost : llvm::SMRange(), {}});
  Scope &block = scopes.back();
  bool good = true;
  for (size_t at = 0; at < expr->argNames.size(); ++at) {
    Expr *value = elaborateScalar(expr->args[at], &block, place);
    good &= value != nullptr;
    block.locals.push_back(localOf(expr->argNames[at], value));
  }
  Expr *result = elaborate(expr->args.back(), &block, place);
  return good ? result : nullptr;
}

/// What is known of a value, from what is known of the lets in it.
Sema::Local Sema::localOf(const syntax::Name &name, Expr *value) {
  Local local{name.text, nullptr, 0, std::nullopt};
  if (!value)
    return local;
  auto *let = spec.context.createLocal();
  *let = {name.text.str(), value, name.range};
  local.let = let;
  std::vector<std::pair<const Expr *, unsigned>> work = {{value, 1}};
  while (!work.empty()) {
    auto [expr, depth] = work.back();
    work.pop_back();
    local.depth = std::max(local.depth, depth);
    std::optional<IndexVar> found = expr->indexVar;
    if (expr->let) {
      const Local &inner = localLets.find(expr->let)->second;
      local.depth = std::max(local.depth, depth + inner.depth);
      found = inner.position;
    }
    if (found == IndexVar::Query || found == IndexVar::Key ||
        found == IndexVar::Score)
      local.position = found;
    for (const Expr *arg : expr->args)
      work.push_back({arg, depth + 1});
  }
  localLets[let] = local;
  return local;
}

/// A name for a value that is computed once. Where the value is a name or a
/// literal itself, it stands in its place.
ast::Expr *Sema::elaborateLocal(const syntax::Expr *expr, const Scope *scope,
                                const Place &place, const Local &local) {
  if (!local.let)
    return nullptr;
  const Expr *value = local.let->value;
  if (place.inWindow && local.position) {
    report(DiagId::WindowPosition, expr->range, scope,
           positionName(*local.position));
    return nullptr;
  }
  if (depth + local.depth > maxDepth) {
    exhausted = true;
    report(DiagId::ExpansionTooDeep, expr->range, scope, maxDepth);
    return nullptr;
  }
  Expr *result = create(Kind::Name, expr, scope, value->type.element);
  if (value->args.empty()) {
    llvm::SMRange range = result->range;
    *result = *value;
    result->range = range;
    return result;
  }
  result->name = local.let->name;
  result->let = local.let;
  return result;
}
