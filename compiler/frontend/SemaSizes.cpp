//===- SemaSizes.cpp - Sizes, and the types that they make
//-----------------===//

#include "compiler/frontend/Sema.h"

#include "compiler/frontend/Builtins.h"

#include "llvm/ADT/StringExtras.h"

using namespace ladon;
using ast::ScalarType;
using llvm::SMRange;
using llvm::StringRef;

void Sema::collectSizes(const syntax::Attention &attention) {
  for (const syntax::TypedName &param : attention.params)
    for (const syntax::Expr *dim : param.type.dims)
      if (dim->kind == syntax::Expr::Kind::Name &&
          llvm::isUpper(dim->name.text[0]) &&
          !fileNames.contains(dim->name.text)) {
        sizes.insert(dim->name.text);
        if (auto other = names.find(dim->name.text); other != names.end())
          diagnostics.report(DiagId::Redefinition, dim->range, dim->name.text)
              .note(other->second, "the first definition is here");
      }
  sizesKnown = true;
}

/// Whether `dim` mentions a size that is bound at run time.
bool Sema::mentionsSize(const syntax::Expr *dim) {
  if (dim->kind == syntax::Expr::Kind::Name)
    return llvm::isUpper(dim->name.text[0]) &&
           !fileNames.contains(dim->name.text);
  return llvm::any_of(
      dim->args, [&](const syntax::Expr *arg) { return mentionsSize(arg); });
}

std::optional<SizeExpr> Sema::sizeOf(const syntax::Expr *dim, bool isAlone) {
  using SyntaxKind = syntax::Expr::Kind;
  if (!mentionsSize(dim)) {
    ast::Expr *value = elaborateScalar(dim, nullptr, {Place::Constant});
    if (value && value->kind == ast::Expr::Kind::IntLit)
      return SizeExpr::constant(value->intValue);
    if (value)
      diagnostics.report(DiagId::DimNotInteger, dim->range,
                         describe(value->type));
    return std::nullopt;
  }
  if (dim->kind == SyntaxKind::Name) {
    StringRef name = dim->name.text;
    if (!sizes.contains(name)) {
      Diagnostic &result =
          diagnostics.report(DiagId::UnboundSize, dim->range, name);
      if (!isAlone)
        result.note({}, "an axis of a parameter must be '" + name.str() +
                            "' alone");
      return std::nullopt;
    }
    used.insert(name);
    return SizeExpr::name(name);
  }
  using ast::BinaryOp;
  BinaryOp op = dim->kind == SyntaxKind::Binary ? dim->binaryOp : BinaryOp::Lt;
  bool isNegation =
      dim->kind == SyntaxKind::Unary && dim->unaryOp == ast::UnaryOp::Neg;
  if (isNegation || op <= BinaryOp::Mul || op == BinaryOp::FloorDiv) {
    std::optional<SizeExpr> left = sizeOf(dim->args.front(), false);
    std::optional<SizeExpr> right =
        isNegation ? SizeExpr::constant(-1) : sizeOf(dim->args.back(), false);
    if (!left || !right)
      return std::nullopt;
    if (op == BinaryOp::Sub)
      right = SizeExpr::join(SizeExpr::Op::Mul, *right, SizeExpr::constant(-1));
    auto by = isNegation || op == BinaryOp::Mul ? SizeExpr::Op::Mul
              : op == BinaryOp::FloorDiv        ? SizeExpr::Op::FloorDiv
                                                : SizeExpr::Op::Add;
    if (right)
      right = SizeExpr::join(by, *left, *right);
    if (right)
      return right;
  }
  diagnostics.report(DiagId::ComputedSize, dim->range);
  return std::nullopt;
}

std::optional<ast::Dim> Sema::checkDim(const syntax::Expr *dim) {
  if (mentionsSize(dim)) {
    std::optional<SizeExpr> size = sizeOf(dim, /*isAlone=*/true);
    if (!size)
      return std::nullopt;
    std::optional<int64_t> known = size->asConstant();
    if (!known)
      return ast::Dim{-1, size->str()};
    if (*known >= 0 && *known <= maxDim)
      return ast::Dim{*known, ""};
    diagnostics.report(DiagId::DimRange, dim->range, *known);
    return std::nullopt;
  }
  if (dim->kind == syntax::Expr::Kind::Name &&
      !fileNames.contains(dim->name.text) && !params.contains(dim->name.text)) {
    const PositionInfo *position = findPosition(dim->name.text);
    (position ? diagnostics.report(DiagId::PositionOutside, dim->range,
                                   dim->name.text, position->meaning)
              : diagnostics.report(DiagId::UndefinedName, dim->range,
                                   dim->name.text))
        .note({}, "the name of a size bound at run time begins with an "
                  "upper-case letter")
        .fixIt(dim->range, dim->name.text.upper());
    return std::nullopt;
  }
  ast::Expr *value = elaborateScalar(dim, nullptr, {Place::Constant});
  if (!value)
    return std::nullopt;
  if (value->kind != ast::Expr::Kind::IntLit) {
    diagnostics.report(DiagId::DimNotInteger, dim->range,
                       describe(value->type));
    return std::nullopt;
  }
  if (value->intValue < 0 || value->intValue > maxDim) {
    diagnostics.report(DiagId::DimRange, dim->range, value->intValue);
    return std::nullopt;
  }
  return ast::Dim{value->intValue, ""};
}

std::optional<ast::Type> Sema::checkType(const syntax::TypeExpr &type,
                                         StringRef what) {
  ast::Type result;
  result.element = type.element;
  if (!type.isTensor && isStorageOnly(type.element)) {
    diagnostics.report(DiagId::StorageScalar, type.range,
                       spelling(type.element),
                       spelling(computedType(type.element)));
    return std::nullopt;
  }
  if (!type.isTensor)
    return result;
  result.dims.emplace();
  bool good = true;
  // 2^62 bytes leave room for any stride arithmetic in 64 bits.
  __int128 bytes = 8;
  for (const syntax::Expr *dim : type.dims) {
    std::optional<ast::Dim> checked = checkDim(dim);
    good &= checked.has_value();
    if (!checked)
      continue;
    if (checked->isStatic() && checked->size > 0 &&
        bytes <= (__int128(1) << 62))
      bytes *= checked->size;
    result.dims->push_back(*checked);
  }
  if (bytes > (__int128(1) << 62)) {
    diagnostics.report(DiagId::TensorTooLarge, type.range, what);
    good = false;
  }
  return good ? std::optional(result) : std::nullopt;
}
