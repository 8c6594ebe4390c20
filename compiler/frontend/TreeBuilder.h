//===- TreeBuilder.h - Checked trees that stand for one call ---*- C++ -*-===//
//
// For constructs that are made of others: the call is written once, all nodes
// have its place in the text.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_TREEBUILDER_H
#define LADON_COMPILER_FRONTEND_TREEBUILDER_H

#include "compiler/frontend/CheckedSpec.h"
#include "compiler/support/SizeExpr.h"

namespace ladon {

class TreeBuilder {
public:
  using Expr = ast::Expr;
  using Kind = Expr::Kind;
  using Dims = llvm::SmallVector<ast::Dim, 4>;

  TreeBuilder(CheckedSpec &spec, llvm::SMRange range)
      : spec(spec), range(range) {}

  /// The type of what is computed from elements of `type`.
  static ast::Type computed(ast::Type type) {
    type.element = computedType(type.element);
    return type;
  }

  /// T: that of the keys, or where they lie in pages that of all pages.
  static ast::Dim keyCount(const ast::AttendArgs &attend) {
    const ast::Dim &keys = (*attend.k->type.dims)[2];
    if (!attend.pages)
      return keys;
    const ast::Dim &pages = attend.pages->type.dims->back();
    if (pages.isStatic())
      return {pages.size * keys.size, ""};
    SizeExpr count =
        *SizeExpr::join(SizeExpr::Op::Mul, *SizeExpr::parse(pages.name),
                        SizeExpr::constant(keys.size));
    return {-1, count.str()};
  }

  Expr *create(Kind kind, ast::Type type, llvm::ArrayRef<Expr *> args = {}) {
    Expr *result = spec.context.create(kind, range);
    result->type = std::move(type);
    result->args.assign(args.begin(), args.end());
    return result;
  }
  Expr *literal(double value, ast::ScalarType element) {
    Expr *result = create(Kind::FloatLit, {element, std::nullopt});
    result->floatValue = value;
    return result;
  }
  /// `left` has the shape of the result.
  Expr *binary(ast::BinaryOp op, Expr *left, Expr *right) {
    Expr *result = create(Kind::Binary, computed(left->type), {left, right});
    result->binaryOp = op;
    return result;
  }
  Expr *binary(ast::BinaryOp op, Expr *left, double right) {
    return binary(op, left, literal(right, computedType(left->type.element)));
  }
  /// A function whose first argument has the type of the result.
  Expr *call(ast::Builtin builtin, llvm::StringRef name,
             llvm::ArrayRef<Expr *> args) {
    Expr *result = create(Kind::Call, computed(args[0]->type), args);
    result->builtin = builtin;
    result->name = name.str();
    return result;
  }
  Expr *negative(Expr *value) { return binary(ast::BinaryOp::Mul, value, -1); }
  /// Numbers as floats.
  Expr *toFloat(Expr *value, ast::ScalarType element) {
    if (value->type.element == element)
      return value;
    Expr *result = call(ast::Builtin::Float, "float", {value});
    result->type.element = element;
    return result;
  }
  Expr *iota(const ast::Dim &dim, ast::ScalarType element) {
    return toFloat(create(Kind::Iota, {ast::ScalarType::I32, Dims{dim}}),
                   element);
  }
  Expr *repeat(Expr *value, const Dims &dims) {
    return create(Kind::Repeat, {computedType(value->type.element), dims},
                  {value});
  }
  /// What joins the elements along an axis, as a tensor without it.
  Expr *along(ast::Reduction reduction, Expr *value, size_t axis) {
    ast::Type type = computed(value->type);
    type.dims->erase(type.dims->begin() + axis);
    Expr *result = create(Kind::Along, type, {value});
    result->reduction = reduction;
    result->intValue = int64_t(axis);
    return result;
  }
  /// The sums over the last axis.
  Expr *sum(Expr *value) {
    return along(ast::Reduction::Sum, value, value->type.dims->size() - 1);
  }
  /// A result of an attend, by its name; `of` is the attend or stands for it.
  Expr *member(Expr *of, const Expr &attend, llvm::StringRef name) {
    ast::Type type = attend.type;
    if (name != "out")
      type.dims->pop_back();
    if (name == "scores" || name == "weights")
      type.dims->push_back(keyCount(*attend.attend));
    Expr *result = create(Kind::Member, type, {of});
    result->name = name.str();
    return result;
  }
  Expr *member(Expr *attend, llvm::StringRef name) {
    return member(attend, *attend, name);
  }
  /// `value` as a tensor that is computed once, however often it is read.
  Expr *named(Expr *value, llvm::StringRef name) {
    if (value->kind == Kind::Name)
      return value;
    spec.attention->lets.push_back(
        std::make_unique<ast::Let>(ast::Let{name.str(), value, value->range}));
    Expr *result = spec.context.create(Kind::Name, value->range);
    result->name = name.str();
    result->type = value->type;
    result->let = spec.attention->lets.back().get();
    return result;
  }

private:
  CheckedSpec &spec;
  llvm::SMRange range;
};

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_TREEBUILDER_H
