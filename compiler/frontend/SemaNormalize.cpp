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

/// What a normaliser other than a softmax makes of a tensor of scores.
static Expr *weightOf(TreeBuilder &tree, StringRef normalizer, Expr *scores) {
  if (normalizer == "sigmoid")
    return tree.call(Builtin::Sigmoid, "sigmoid", {scores});
  Expr *weight = tree.call(Builtin::Relu, "relu", {scores});
  return normalizer == "relu2" ? tree.binary(BinaryOp::Mul, weight, weight)
                               : weight;
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
  Expr *result, *lse = nullptr, *scores = tree.member(attend, "scores"),
                *weights = nullptr;
  if (name == "softmax_plus_one") {
    Expr *share =
        tree.call(Builtin::Sigmoid, "sigmoid", {tree.member(attend, "lse")});
    result = tree.binary(BinaryOp::Mul, attend, tree.repeat(share, dims));
    lse =
        tree.call(Builtin::Softplus, "softplus", {tree.member(attend, "lse")});
    weights = tree.binary(BinaryOp::Mul, tree.member(attend, "weights"),
                          tree.repeat(share, *scores->type.dims));
  } else {
    Expr *score = attend->attend->score;
    if (!score) {
      score = tree.create(Kind::Name, {attend->type.element, std::nullopt});
      score->name = "s";
      score->indexVar = IndexVar::Score;
    }
    auto withScore = [&](Expr *of) {
      Expr *one = tree.create(Kind::Attend, attend->type);
      one->attend = spec.context.createAttend();
      *one->attend = *attend->attend;
      one->attend->score = of;
      return one;
    };
    auto weighted = [&](Expr *of) {
      Expr *one = withScore(logOfWeight(tree, name, of));
      Expr *sum = tree.call(Builtin::Exp, "exp", {tree.member(one, "lse")});
      return tree.binary(BinaryOp::Mul, one, tree.repeat(sum, dims));
    };
    result = weighted(score);
    weights = weightOf(tree, name, scores);
    if (name == "linear") {
      Expr *negative = tree.negative(score);
      result = tree.binary(BinaryOp::Sub, result, weighted(negative));
      // What is hidden is hidden from both, and has neither weight.
      Expr *others = tree.member(withScore(negative), "scores");
      weights =
          tree.binary(BinaryOp::Sub, weights, weightOf(tree, name, others));
    }
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
    weights = tree.binary(BinaryOp::Div, weights, value);
  }
  membersOfNormalized[result] = {
      {"lse", lse}, {"scores", scores}, {"weights", weights}};
  return result;
}
