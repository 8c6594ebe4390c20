//===- SemaIndex.cpp - Captured tensors -----------------------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/ForeignWords.h"
#include "compiler/frontend/Sema.h"

using namespace ladon;
using ast::IndexVar;
using ast::ScalarType;
using llvm::StringRef;
using Kind = ast::Expr::Kind;
using SyntaxKind = syntax::Expr::Kind;

/// Whether `expr`, which stands where tensors are computed on, is a part of a
/// tensor: a single value of a parameter has an index for each axis.
bool Sema::isSlice(const syntax::Expr *expr, const Scope *scope) const {
  const syntax::Expr *base = expr->args[0];
  for (Binding bound; base->kind == SyntaxKind::Name &&
                      (bound = bindingOf(base->name.text, scope)).argument;
       scope = bound.scope)
    base = bound.argument;
  if (base->kind != SyntaxKind::Name)
    return base->kind != SyntaxKind::Error;
  if (auto param = params.find(base->name.text); param != params.end())
    return param->second->type.isTensor() &&
           expr->args.size() - 1 != param->second->type.dims->size();
  return tensorLets.contains(base->name.text);
}

ast::Expr *Sema::elaborateIndex(const syntax::Expr *expr, const Scope *scope,
                                const Place &place) {
  bool hasRange = llvm::any_of(expr->args, [](const syntax::Expr *arg) {
    return arg->kind == SyntaxKind::Range;
  });
  if (place.kind == Place::Tensor && (hasRange || isSlice(expr, scope)))
    return elaborateSlice(expr, scope);
  if (hasRange) {
    report(DiagId::SliceOutside, expr->range, scope);
    return nullptr;
  }
  // The base may be an argument of a macro, or of the macro around it.
  const syntax::Expr *base = expr->args[0];
  const Scope *baseScope = scope;
  while (base->kind == SyntaxKind::Name) {
    Binding bound = bindingOf(base->name.text, baseScope);
    if (bound.local) {
      report(DiagId::NotIndexable, expr->args[0]->range, scope,
             ", '" + base->name.text.str() + "' is a single value");
      return nullptr;
    }
    if (!bound)
      break;
    base = bound.argument;
    baseScope = bound.scope;
  }
  baseScope = callOf(baseScope);
  llvm::SmallVector<Expr *, 4> indices;
  for (const syntax::Expr *index : llvm::ArrayRef(expr->args).drop_front())
    indices.push_back(elaborateScalar(index, scope, place));

  if (base->kind == SyntaxKind::Error)
    return nullptr;
  if (base->kind != SyntaxKind::Name) {
    Diagnostic &result =
        report(DiagId::NotIndexable, expr->args[0]->range, scope, "");
    // `bias[i][j]`: the inner bracket ends the range of the inner expression.
    if (base == expr->args[0] && base->kind == SyntaxKind::Index &&
        base->range.End.getPointer()[-1] == ']' && expr->args.size() > 1) {
      auto close =
          llvm::SMLoc::getFromPointer(base->range.End.getPointer() - 1);
      result.note({}, "all indices stand in one pair of brackets: x[i, j]")
          .fixIt({close, expr->args[1]->range.Start}, ", ");
    }
    const ForeignWord *word = base->kind == SyntaxKind::Member
                                  ? findForeignMember(base->name.text)
                                  : nullptr;
    if (word)
      result.note({}, word->advice.str());
    return nullptr;
  }
  StringRef name = base->name.text;
  auto found = params.find(name);
  auto let = tensorLets.find(name);
  bool isLet = !baseScope && let != tensorLets.end();
  if (!isLet &&
      (baseScope || found == params.end() || !found->second->type.isTensor())) {
    if (broken.contains(name))
      return nullptr;
    if (!names.contains(name) && !fileNames.contains(name) &&
        !sizes.contains(name) && reservedMeaning(name).empty()) {
      reportUndefined(base->name, baseScope);
      return nullptr;
    }
    used.insert(name);
    report(DiagId::NotIndexable, expr->args[0]->range, scope,
           ", '" + name.str() + "' is a single value");
    return nullptr;
  }
  used.insert(name);
  Expr *tensor = create(Kind::Name, base, baseScope, ScalarType::F32);
  tensor->name = name.str();
  llvm::SMRange declared;
  if (isLet) {
    tensor->let = let->second;
    tensor->type = let->second->value->type;
    declared = let->second->range;
  } else {
    tensor->param = found->second;
    tensor->type = found->second->type;
    declared = found->second->range;
    if (isCacheRead(*tensor->param, expr->args[0], scope))
      return nullptr;
  }
  if (place.kind == Place::Uniform) {
    report(DiagId::TensorAsScalar, expr->range, scope, base->name.text)
        .note({}, "a tensor of one entry combines with others as it is");
    return nullptr;
  }
  if (place.kind == Place::Constant) {
    report(DiagId::NotConstant, expr->range, scope,
           llvm::formatv("'{0}' is given at run time", name).str());
    return nullptr;
  }
  size_t rank = tensor->type.dims->size();
  if (indices.size() != rank) {
    report(DiagId::IndexCount, expr->range, scope, name, counted(rank, "axis"),
           indices.size() == 1 ? "1 index"
                               : std::to_string(indices.size()) + " indices")
        .note(declared, "it is declared here");
    return nullptr;
  }
  bool good = true;
  for (size_t axis = 0; axis < rank; ++axis) {
    const syntax::Expr *at = expr->args[axis + 1];
    if (Expr *index = indices[axis]; !index) {
      good = false;
    } else if (!index->type.isInteger()) {
      report(DiagId::IndexType, at->range, scope, describe(index->type));
      good = false;
    } else {
      checkIndexRange(at, index, *tensor, declared, axis, scope, place);
    }
  }
  if (!good)
    return nullptr;
  Expr *result =
      create(Kind::Index, expr, scope, computedType(tensor->type.element));
  result->args = {tensor};
  result->args.append(indices.begin(), indices.end());
  if (!tensor->type.isFloat() || place.kind == Place::Tensor)
    return result;
  if (tensor->type.element == ScalarType::F64 &&
      place.floatType == ScalarType::F32) {
    report(DiagId::NarrowingFloat, expr->range, scope)
        .note(declared, "'" + tensor->name + "' is declared here");
    return nullptr;
  }
  return toFloat(result, place.floatType);
}

/// Rejects indices that surely leave the tensor. Where that depends on the
/// position, indices are clamped at run time.
void Sema::checkIndexRange(const syntax::Expr *at, const Expr *index,
                           const Expr &tensor, llvm::SMRange declared,
                           unsigned axis, const Scope *scope,
                           const Place &place) {
  const ast::Dim &dim = (*tensor.type.dims)[axis];
  if (index->kind == Kind::IntLit &&
      (index->intValue < 0 ||
       (dim.isStatic() && index->intValue >= dim.size))) {
    report(DiagId::IndexOutOfRange, at->range, scope, index->intValue, axis,
           tensor.name, dim.isStatic() ? std::to_string(dim.size) : dim.name)
        .note(declared, "it is declared here");
    return;
  }
  // Every head is evaluated, unless a condition stands before.
  if (!index->indexVar || !place.shape || place.guarded || !dim.isStatic())
    return;
  const ast::Dim *extent =
      *index->indexVar == IndexVar::Head     ? &place.shape->heads
      : *index->indexVar == IndexVar::KvHead ? &place.shape->kvHeads
                                             : nullptr;
  if (extent && extent->isStatic() && extent->size > dim.size)
    report(DiagId::IndexReachesOutside, at->range, scope, index->name,
           extent->size - 1, axis, tensor.name, dim.size)
        .note(declared, "it is declared here");
}
