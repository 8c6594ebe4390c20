//===- SemaTensor.cpp - Operations on whole tensors -----------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Fold.h"
#include "compiler/frontend/ForeignWords.h"
#include "compiler/frontend/Sema.h"
#include "compiler/frontend/TreeBuilder.h"

#include "llvm/ADT/StringExtras.h"

using namespace ladon;
using ast::BinaryOp;
using ast::Dim;
using llvm::StringRef;
using Kind = ast::Expr::Kind;

ast::Expr *Sema::elaborateTensor(const syntax::Expr *expr, const Scope *scope) {
  Expr *value = elaborate(expr, scope, {Place::Tensor});
  if (!value)
    return nullptr;
  if (!value->type.isTensor()) {
    report(DiagId::ScalarAsTensor, expr->range, scope, describe(value->type));
    return nullptr;
  }
  if (!value->type.isFloat()) {
    report(DiagId::ElementNotFloat, expr->range, scope,
           "a tensor that is computed on", spelling(value->type.element),
           listTypes(isFloat, "or"));
    return nullptr;
  }
  return value;
}

bool Sema::isStatic(const Dim &dim, StringRef what, const syntax::Expr *at,
                    const Scope *scope) {
  if (!dim.isStatic()) {
    Diagnostic &result =
        report(DiagId::AxisNotStatic, at->range, scope, what, dim.name);
    if (llvm::all_of(dim.name, llvm::isAlnum))
      result.note({}, "write a number, or declare 'param " + dim.name +
                          ": i32 = ...' above the attention");
    return false;
  }
  if (dim.size == 0) {
    report(DiagId::EmptyAxis, at->range, scope, what);
    return false;
  }
  return true;
}

//===--- Heads ------------------------------------------------------------===//

ast::Expr *Sema::elaborateConcat(const syntax::Expr *expr, const Scope *scope,
                                 const Arguments &given) {
  if (given.contains("second") || given.contains("axis"))
    return elaborateJoin(expr, scope, given);
  const syntax::Expr *tensor = given.lookup("tensor");
  Expr *value = elaborateTensor(tensor, scope);
  if (!value)
    return nullptr;
  if (value->type.dims->size() != 4) {
    report(DiagId::ConcatRank, tensor->range, scope, describe(value->type));
    return nullptr;
  }
  const auto &dims = *value->type.dims;
  if (!isStatic(dims[1], "number of heads", tensor, scope) ||
      !isStatic(dims[3], "number of features", tensor, scope))
    return nullptr;
  int64_t features = dims[1].size * dims[3].size;
  if (features > maxDim) {
    report(DiagId::DimRange, expr->range, scope, features);
    return nullptr;
  }
  Expr *result = create(Kind::Concat, expr, scope, value->type.element);
  result->args = {value};
  result->type.dims = {dims[0], dims[2], Dim{features, ""}};
  return result;
}

/// Two tensors one after the other, along positions unless an axis is given.
ast::Expr *Sema::elaborateJoin(const syntax::Expr *expr, const Scope *scope,
                               const Arguments &given) {
  const syntax::Expr *second = given.lookup("second"),
                     *first = given.lookup("tensor");
  if (!second) {
    report(DiagId::MissingArgument, expr->range, scope, "concat",
           "a second tensor where there is an axis");
    return nullptr;
  }
  Expr *left = elaborateTensor(first, scope);
  Expr *right = elaborateTensor(second, scope);
  if (!left || !right)
    return nullptr;
  auto rank = static_cast<int64_t>(left->type.dims->size()), axis = rank - 2;
  if (const syntax::Expr *at = given.lookup("axis")) {
    std::optional<int64_t> chosen = constantAxis(at, scope, "concat", rank);
    if (!chosen)
      return nullptr;
    axis = *chosen;
  }
  axis = std::max<int64_t>(axis, 0);
  ast::Type type = left->type;
  bool fits = right->type.dims->size() == type.dims->size();
  for (int64_t other = 0; fits && other < rank; ++other)
    fits = other == axis || (*type.dims)[other] == (*right->type.dims)[other];
  if (!fits) {
    report(DiagId::JoinShape, expr->range, scope, describe(left->type),
           describe(right->type), axis);
    return nullptr;
  }
  if (computedType(type.element) != computedType(right->type.element)) {
    report(DiagId::ElementMismatch, expr->range, scope, "the first tensor",
           spelling(type.element), "the second", spelling(right->type.element));
    return nullptr;
  }
  if (type.element != right->type.element)
    type.element = computedType(type.element);
  auto sizeOf = [&](const Expr *part) {
    const Dim &dim = (*part->type.dims)[axis];
    return dim.isStatic() ? SizeExpr::constant(dim.size)
                          : *SizeExpr::parse(dim.name);
  };
  std::optional<SizeExpr> sum =
      SizeExpr::join(SizeExpr::Op::Add, sizeOf(left), sizeOf(right));
  std::optional<int64_t> known = sum ? sum->asConstant() : -1;
  if (known && (*known < 0 || *known > maxDim)) {
    report(DiagId::DimRange, expr->range, scope, *known);
    return nullptr;
  }
  (*type.dims)[axis] = known ? Dim{*known, ""} : Dim{-1, sum->str()};
  Expr *result = create(Kind::Join, expr, scope, type.element);
  result->type = type;
  result->intValue = axis;
  result->args = {left, right};
  return result;
}

ast::Expr *Sema::elaborateTranspose(const syntax::Expr *expr,
                                    const Scope *scope,
                                    const Arguments &given) {
  const syntax::Expr *tensor = given.lookup("tensor");
  Expr *value = elaborateTensor(tensor, scope);
  if (!value)
    return nullptr;
  auto rank = static_cast<int64_t>(value->type.dims->size());
  const syntax::Expr *first = given.lookup("first"),
                     *second = given.lookup("second");
  if (!first != !second) {
    report(DiagId::MissingArgument, expr->range, scope, "transpose",
           "both axes or none");
    return nullptr;
  }
  if (!first && rank != 2) {
    report(DiagId::TransposeRank, tensor->range, scope, describe(value->type))
        .note({}, "with the two axes to exchange it takes any tensor: "
                  "transpose(x, 1, 2)");
    return nullptr;
  }
  int64_t axes[] = {0, 1};
  const syntax::Expr *places[] = {first, second};
  for (auto [axis, at] : llvm::zip(axes, places)) {
    if (!at)
      continue;
    std::optional<int64_t> chosen = constantAxis(at, scope, "transpose", rank);
    if (!chosen)
      return nullptr;
    axis = *chosen;
  }
  Expr *result = create(Kind::Transpose, expr, scope, value->type.element);
  result->args = {value};
  std::tie(result->intValue, result->other) = std::minmax(axes[0], axes[1]);
  result->type.dims = value->type.dims;
  std::swap((*result->type.dims)[axes[0]], (*result->type.dims)[axes[1]]);
  return result;
}

//===--- Results of an attend ---------------------------------------------===//

ast::Expr *Sema::elaborateMember(const syntax::Expr *expr, const Scope *scope,
                                 const Place &place) {
  StringRef name = expr->name.text;
  const syntax::Expr *of = expr->args[0];
  auto noteMember = [&](Diagnostic &result) {
    if (const ForeignWord *word = findForeignMember(name))
      result.note({}, word->advice.str());
  };
  if (of->kind == syntax::Expr::Kind::Name && findPosition(of->name.text)) {
    noteMember(report(DiagId::MemberOfOther, expr->range, scope, name));
    return nullptr;
  }
  Expr *base = elaborate(of, scope, {Place::Tensor});
  if (!base)
    return nullptr;
  if (place.kind != Place::Tensor) {
    noteMember(
        report(DiagId::TensorAsScalar, expr->range, scope, "." + name.str()));
    return nullptr;
  }
  const Expr *attend = base;
  while (attend->kind == Kind::Name && attend->let)
    attend = attend->let->value;
  auto normalized = membersOfNormalized.find(attend);
  bool isNormalized = normalized != membersOfNormalized.end();
  if (attend->kind != Kind::Attend && !isNormalized) {
    noteMember(report(DiagId::MemberOfOther, expr->range, scope, name));
    return nullptr;
  }
  if (!llvm::is_contained({"out", "lse", "scores", "weights", "mean_weights"},
                          name)) {
    noteMember(report(DiagId::UnknownMember, expr->name.range, scope, name));
    return nullptr;
  }
  if (isNormalized && name == "out")
    return base;
  TreeBuilder tree(spec, expr->range);
  bool isMean = name == "mean_weights";
  if (isMean)
    name = "weights";
  Expr *member = isNormalized ? normalized->second.lookup(name)
                              : tree.member(base, *attend, name);
  if (!member)
    report(DiagId::NoLse, expr->range, scope);
  if (!isMean)
    return member;
  double heads = double((*member->type.dims)[1].size);
  return tree.binary(BinaryOp::Mul, tree.along(ast::Reduction::Sum, member, 1),
                     1 / heads);
}

//===--- Products ---------------------------------------------------------===//

ast::Expr *Sema::matmul(const syntax::Expr *expr, const Scope *scope,
                        Expr *left, Expr *right) {
  const Expr *sides[] = {left, right};
  for (unsigned side = 0; side < 2; ++side)
    if (sides[side]->type.isTensor() && !sides[side]->type.isFloat()) {
      report(DiagId::ElementNotFloat, expr->args[side]->range, scope,
             "a tensor that is computed on",
             spelling(sides[side]->type.element), listTypes(isFloat, "or"));
      return nullptr;
    }
  bool good = left->type.isTensor() && right->type.isTensor() &&
              left->type.dims->size() >= 2 && right->type.dims->size() == 2;
  if (!good) {
    Diagnostic &result = report(DiagId::MatmulRank, expr->range, scope,
                                describe(left->type), describe(right->type));
    if (right->type.isTensor() && right->type.dims->size() == 4)
      result.note({}, "weights that are there multiply values as scores: "
                      "'attend(q, k, v, normalize = linear, divisor = 1, "
                      "score = w[b, h, i, j])'");
    if (left->type.isTensor() && left->type.dims->size() == 4 &&
        right->type.isTensor() && right->type.dims->size() > 2)
      result.note({},
                  "a matrix for each head, w of [1, heads, a, c], is read as "
                  "keys: 'attend(x, t, t, scale = 1).scores' with 't = "
                  "transpose(w, 2, 3)'");
    return nullptr;
  }
  if (computedType(left->type.element) != computedType(right->type.element)) {
    report(DiagId::ElementMismatch, expr->range, scope, "the left side",
           spelling(left->type.element), "the right side",
           spelling(right->type.element));
    return nullptr;
  }
  auto text = [](const Dim &dim) {
    return dim.isStatic() ? std::to_string(dim.size) : dim.name;
  };
  const Dim &features = left->type.dims->back();
  const Dim &rows = right->type.dims->front();
  if (!(features == rows)) {
    report(DiagId::MatmulShape, expr->range, scope, text(features), text(rows))
        .note(expr->args[0]->range, "this is " + describe(left->type))
        .note(expr->args[1]->range, "this is " + describe(right->type));
    return nullptr;
  }
  Expr *result =
      create(Kind::Binary, expr, scope, computedType(left->type.element));
  result->binaryOp = BinaryOp::MatMul;
  result->args = {left, right};
  result->type.dims = left->type.dims;
  result->type.dims->back() = right->type.dims->back();
  return result;
}
