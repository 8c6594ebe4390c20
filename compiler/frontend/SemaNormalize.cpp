//===- SemaNormalize.cpp - Weights other than those of a softmax ----------===//
//
// With weights w, `exp(score)` of a softmax whose score is log(w), an attend
// gives the sum of w v divided by that of w, and the logarithm of that: so all
// weights that are not negative are a softmax with another score, multiplied by
// the exponential of its lse. Others are the difference of two.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Fold.h"
#include "compiler/frontend/Sema.h"
#include "compiler/frontend/TreeBuilder.h"

using namespace ladon;
using ast::BinaryOp;
using ast::Builtin;
using ast::Expr;
using ast::IndexVar;
using llvm::StringRef;
using Kind = Expr::Kind;

/// The logarithm of what a normaliser makes of a score.
static Expr *logOfWeight(TreeBuilder &tree, StringRef normalizer, Expr *score) {
  if (normalizer == "sigmoid")
    return tree.negative(
        tree.call(Builtin::Softplus, "softplus", {tree.negative(score)}));
  Expr *log = tree.call(Builtin::Log, "log",
                        {tree.call(Builtin::Relu, "relu", {score})});
  return normalizer == "relu2" ? tree.binary(BinaryOp::Mul, log, 2) : log;
}

ast::Expr *Sema::normalized(const Arguments &given, const Scope *scope,
                            Expr *attend) {
  const syntax::Expr *at = given.lookup("normalize");
  StringRef name = at ? at->name.text : "softmax";
  bool isKnown =
      !at || (at->kind == syntax::Expr::Kind::Name &&
              llvm::is_contained({"softmax", "softmax_plus_one", "sigmoid",
                                  "relu", "relu2", "linear"},
                                 name));
  if (!isKnown) {
    report(DiagId::Normalizer, at->range, scope);
    return nullptr;
  }
  bool isSoftmax = name.starts_with("softmax");
  const syntax::Expr *divisor = given.lookup("divisor");
  if (isSoftmax && divisor) {
    report(DiagId::DivisorOfSoftmax, divisor->range, scope, name);
    return nullptr;
  }
  if (!isSoftmax && attend->attend->sinks) {
    report(DiagId::SinksOfOther, given.lookup("sinks")->range, scope, name);
    return nullptr;
  }
  if (name == "softmax")
    return attend;

  TreeBuilder tree(spec, attend->range);
  const auto &dims = *attend->type.dims;
  Expr *result, *lse = nullptr;
  if (name == "softmax_plus_one") {
    Expr *share = tree.call(Builtin::Sigmoid, "sigmoid", {tree.lse(attend)});
    result = tree.binary(BinaryOp::Mul, attend, tree.repeat(share, dims));
    lse = tree.call(Builtin::Softplus, "softplus", {tree.lse(attend)});
  } else {
    Expr *score = attend->attend->score;
    if (!score) {
      score = tree.create(Kind::Name, {attend->type.element, std::nullopt});
      score->name = "s";
      score->indexVar = IndexVar::Score;
    }
    auto weighted = [&](Expr *of) {
      Expr *one = tree.create(Kind::Attend, attend->type);
      one->attend = spec.context.createAttend();
      *one->attend = *attend->attend;
      one->attend->score = logOfWeight(tree, name, of);
      Expr *sum = tree.call(Builtin::Exp, "exp", {tree.lse(one)});
      return tree.binary(BinaryOp::Mul, one, tree.repeat(sum, dims));
    };
    result = weighted(score);
    if (name == "linear")
      result =
          tree.binary(BinaryOp::Sub, result, weighted(tree.negative(score)));
  }
  if (divisor) {
    Expr *value = elaborateScalar(divisor, scope, {Place::Tensor});
    value =
        value ? uniform(divisor, scope, value, attend->type.element) : nullptr;
    if (!value)
      return nullptr;
    if (value->kind == Kind::FloatLit && value->floatValue == 0) {
      report(DiagId::DivisionByZero, divisor->range, scope);
      return nullptr;
    }
    result = tree.binary(BinaryOp::Div, result, value);
  }
  lseOfNormalized[result] = lse;
  return result;
}
