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

void Sema::checkBlocks(const syntax::Expr *expr, VisibleNames &visible) {
  // What is deeper is reported where it is elaborated.
  if (expr->depth > maxDepth)
    return;
  if (expr->kind == SyntaxKind::Block || expr->kind == SyntaxKind::Reduce)
    return checkBlock(expr, visible);
  if (expr->kind == SyntaxKind::Name)
    if (const syntax::Name *name = visible.find(expr->name.text))
      localsUsed.insert(name->text.data());
  for (const syntax::Expr *arg : expr->args)
    checkBlocks(arg, visible);
}

void Sema::checkBlock(const syntax::Expr *block, VisibleNames &visible) {
  size_t before = visible.size();
  // A let sees only what stands above it, a range nothing of its reduction.
  size_t outside = block->args.size() - 1 - block->argNames.size();
  for (size_t at = 0; at < outside; ++at)
    checkBlocks(block->args[at], visible);
  for (size_t at = 0; at < block->argNames.size(); ++at) {
    checkBlocks(block->args[outside + at], visible);
    const syntax::Name &name = block->argNames[at];
    // What it may not hide: of the attention, or nearer.
    llvm::StringMap<llvm::SMRange> around;
    if (auto outer = names.find(name.text); outer != names.end())
      around.insert({name.text, outer->second});
    if (const syntax::Name *other = visible.find(name.text))
      around.insert_or_assign(name.text, other->range);
    declare(name, around);
    visible.push(name);
  }
  checkBlocks(block->args.back(), visible);
  for (size_t at = before; at < visible.size(); ++at)
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): a place
    if (!localsUsed.contains(visible[at].text.data()))
      unusedLocals.push_back(visible[at]);
  visible.shrink(before);
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
  if (local.variable) {
    Expr *result = create(Kind::Name, expr, scope, local.variable->type);
    result->name = local.variable->name;
    result->variable = local.variable;
    return result;
  }
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

//===--- Reductions -------------------------------------------------------===//

/// Terms are joined in pairs: fewer roundings in a row, and no deep tree.
ast::Expr *Sema::joinTerms(const syntax::Expr *expr, const Scope *scope,
                           const Place &place, llvm::ArrayRef<Expr *> terms) {
  if (terms.size() == 1)
    return terms.front();
  size_t half = (terms.size() + 1) / 2;
  Expr *left = joinTerms(expr, scope, place, terms.take_front(half));
  Expr *right = joinTerms(expr, scope, place, terms.drop_front(half));
  if (!left || !right)
    return nullptr;
  if (expr->name.text == "sum") {
    syntax::Expr sum = *expr;
    sum.kind = SyntaxKind::Binary;
    sum.binaryOp = ast::BinaryOp::Add;
    sum.args = {expr->args[2], expr->args[2]};
    return integerBinary(&sum, scope, place, left, right);
  }
  bool isAll = expr->name.text == "all";
  // A term that is known decides, or falls away.
  if (left->kind == Kind::BoolLit)
    return bool(left->intValue) == isAll ? right : left;
  if (right->kind == Kind::BoolLit)
    return bool(right->intValue) == isAll ? left : right;
  Expr *result = create(Kind::Binary, expr, scope, ScalarType::Bool);
  result->binaryOp = isAll ? ast::BinaryOp::And : ast::BinaryOp::Or;
  result->args = {left, right};
  return result;
}

ast::Expr *Sema::elaborateTerm(const syntax::Expr *expr, const Scope *scope,
                               const Place &place, const Local &variable,
                               bool isLogic) {
  const Scope *call = callOf(scope);
  scopes.push_back({nullptr,
                    scope,
                    expr,
                    call ? call->outermost : llvm::SMRange(),
                    {variable}});
  Expr *term = elaborateScalar(expr->args[2], &scopes.back(), place);
  if (!term || (term->type.element == ScalarType::Bool) == isLogic)
    return term;
  report(DiagId::OperandType, expr->args[2]->range, scope, expr->name.text,
         isLogic ? "bools" : "numbers", describe(term->type));
  return nullptr;
}

ast::Expr *Sema::elaborateReduce(const syntax::Expr *expr, const Scope *scope,
                                 const Place &place) {
  llvm::StringRef name = expr->name.text;
  bool isLogic = name == "any" || name == "all";
  bool isExtreme = name == "min" || name == "max";
  if (!isLogic && !isExtreme && name != "sum") {
    report(DiagId::NotAReduction, expr->name.range, scope, name);
    return nullptr;
  }
  // A score or mask may have ends that the call gives.
  bool mayRun = place.inExpansion();
  int64_t bounds[2];
  Expr *ends[2];
  bool isKnown = true;
  for (unsigned side = 0; side < 2; ++side) {
    const syntax::Expr *written = expr->args[side];
    const char *which = side ? "end" : "beginning";
    Expr *bound = ends[side] = elaborateScalar(
        written, scope, mayRun ? place : Place{Place::Constant});
    if (!bound)
      return nullptr;
    bool isGood =
        mayRun ? bound->type.isInteger() : bound->kind == Kind::IntLit;
    if (!isGood) {
      report(DiagId::RangeBounds, written->range, scope, which,
             mayRun ? "an integer" : "a compile-time integer",
             describe(bound->type));
      return nullptr;
    }
    if (auto position = positionOf(bound)) {
      report(DiagId::RangePosition, written->range, scope, which,
             positionName(*position));
      return nullptr;
    }
    isKnown &= bound->kind == Kind::IntLit;
    bounds[side] = bound->intValue;
  }
  if (!isKnown)
    return elaborateLoop(expr, scope, place, ends);
  Place inside = place;
  inside.guarded |= isLogic;
  llvm::SmallVector<Expr *, 16> terms;
  for (int64_t at = bounds[0]; at < bounds[1]; ++at) {
    Expr *value = integerLiteral(
        expr, scope, at, at == int32_t(at) ? ScalarType::I32 : ScalarType::I64);
    Expr *term = elaborateTerm(expr, scope, inside,
                               localOf(expr->argNames[0], value), isLogic);
    if (!term)
      return nullptr;
    terms.push_back(term);
  }
  if (terms.empty() && isLogic)
    return boolLiteral(expr, scope, name == "all");
  if (terms.empty() && !isExtreme)
    return integerLiteral(expr, scope, 0, ScalarType::I32);
  if (terms.empty()) {
    report(DiagId::EmptyRange, expr->range, scope, name);
    return nullptr;
  }
  if (!isExtreme || terms.size() == 1)
    return joinTerms(expr, scope, place, terms);
  ScalarType type = *unify(terms, place);
  Expr *result = create(Kind::Call, expr, scope, type);
  result->name = name.str();
  result->builtin = name == "min" ? ast::Builtin::Min : ast::Builtin::Max;
  result->args.assign(terms.begin(), terms.end());
  return isInteger(type) ? foldedBuiltin(expr, scope, result) : result;
}

/// A position that a value depends on, and that differs between the queries or
/// keys, or the heads, of a tile.
std::optional<IndexVar> Sema::positionOf(const Expr *value) const {
  llvm::SmallVector<const Expr *> work = {value};
  llvm::DenseSet<const ast::Let *> visited;
  while (!work.empty()) {
    const Expr *expr = work.pop_back_val();
    if (expr->indexVar && *expr->indexVar != IndexVar::Batch)
      return expr->indexVar;
    if (expr->let && visited.insert(expr->let).second)
      work.push_back(expr->let->value);
    work.append(expr->args.begin(), expr->args.end());
  }
  return std::nullopt;
}

ast::Expr *Sema::elaborateLoop(const syntax::Expr *expr, const Scope *scope,
                               const Place &place,
                               llvm::ArrayRef<Expr *> bounds) {
  llvm::StringRef name = expr->name.text;
  ast::Reduction reduction = *ast::findReduction(name);
  bool isLogic =
      reduction == ast::Reduction::Any || reduction == ast::Reduction::All;
  ast::RangeVariable *variable = spec.context.createVariable();
  *variable = {expr->argNames[0].text.str(),
               std::max(bounds[0]->type.element, bounds[1]->type.element)};
  Local local{variable->name, nullptr, 1, std::nullopt};
  local.variable = variable;
  Place inside = place;
  inside.guarded = true; // The range may be empty.
  Expr *term = elaborateTerm(expr, scope, inside, local, isLogic);
  if (!term)
    return nullptr;
  Expr *result = create(Kind::Reduce, expr, scope, term->type.element);
  result->name = name.str();
  result->reduction = reduction;
  result->variable = variable;
  result->args = {bounds[0], bounds[1], term};
  return result;
}
