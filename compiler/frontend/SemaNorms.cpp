//===- SemaNorms.cpp - Norms and rotary positions -------------------------===//
//
// Both are made of other operations on tensors, here and once: the importer and
// the reference only know those.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Fold.h"
#include "compiler/frontend/Sema.h"
#include "compiler/frontend/TreeBuilder.h"

#include <cmath>

using namespace ladon;
using ast::BinaryOp;
using ast::Builtin;
using ast::Dim;
using ast::Expr;
using ast::ScalarType;
using llvm::StringRef;
using Kind = Expr::Kind;
using Dims = llvm::SmallVector<Dim, 4>;

std::optional<double> Sema::constantNumber(const syntax::Expr *expr,
                                           const Scope *scope) {
  Expr *value = elaborateScalar(expr, scope, {Place::Constant});
  std::optional<double> number = value ? foldFloat(value) : std::nullopt;
  if (!number || value->type.element == ScalarType::Bool)
    return std::nullopt;
  return number;
}

//===--- Norms ------------------------------------------------------------===//

ast::Expr *Sema::elaborateNorm(const syntax::Expr *expr, const Scope *scope,
                               const Arguments &given) {
  StringRef name = expr->name.text;
  bool isLength = name == "l2_norm", isLayer = name == "layer_norm";
  const syntax::Expr *tensor = given.lookup("tensor");
  Expr *x = elaborateTensor(tensor, scope);
  Expr *parts[2] = {};
  const syntax::Expr *written[] = {given.lookup("weight"),
                                   given.lookup("bias")};
  for (unsigned part = 0; part < 2; ++part)
    if (written[part] && !(parts[part] = elaborateTensor(written[part], scope)))
      return nullptr;
  double eps = isLength ? 1e-12 : isLayer ? 1e-5 : 1e-6;
  if (const syntax::Expr *at = given.lookup("eps")) {
    unsigned before = diagnostics.errorCount();
    double number = constantNumber(at, scope).value_or(-1);
    if (!(number >= 0) || !std::isfinite(number)) {
      if (diagnostics.errorCount() == before)
        report(DiagId::NormEps, at->range, scope, name);
      return nullptr;
    }
    eps = number;
  }
  if (!x ||
      !isStatic(x->type.dims->back(), "number of features", tensor, scope))
    return nullptr;

  TreeBuilder tree(spec, rangeOf(expr, scope));
  Dims dims = *x->type.dims;
  double share = 1 / double(dims.back().size);
  x = tree.named(x, name);
  if (isLayer) {
    Expr *mean = tree.binary(BinaryOp::Mul, tree.sum(x), share);
    x = tree.binary(BinaryOp::Sub, x, tree.repeat(mean, dims));
  }
  Expr *squares = tree.sum(tree.binary(BinaryOp::Mul, x, x)), *result;
  if (isLength) {
    Expr *length = tree.call(Builtin::Sqrt, "sqrt", {squares});
    Expr *least = tree.literal(eps, computedType(x->type.element));
    length = tree.call(Builtin::Max, "max", {length, least});
    result = tree.binary(BinaryOp::Div, x, tree.repeat(length, dims));
  } else {
    Expr *mean = tree.binary(BinaryOp::Mul, squares, share);
    mean = tree.binary(BinaryOp::Add, mean, eps);
    Expr *factor = tree.call(Builtin::Rsqrt, "rsqrt", {mean});
    result = tree.binary(BinaryOp::Mul, x, tree.repeat(factor, dims));
  }
  for (unsigned part = 0; part < 2; ++part) {
    if (!parts[part])
      continue;
    Expr *sides[] = {result, parts[part]};
    syntax::Expr *places[] = {const_cast<syntax::Expr *>(tensor),
                              const_cast<syntax::Expr *>(written[part])};
    std::optional<ast::Type> type = combineTensors(expr, places, scope, sides);
    if (!type)
      return nullptr;
    if (*type->dims != dims) {
      report(DiagId::ElementwiseShape, written[part]->range, scope, name,
             describe(x->type), describe(parts[part]->type));
      return nullptr;
    }
    result =
        tree.binary(part ? BinaryOp::Add : BinaryOp::Mul, sides[0], sides[1]);
  }
  return result;
}

//===--- Rotary positions -------------------------------------------------===//

std::pair<Expr *, Expr *> Sema::angles(const syntax::Expr *expr,
                                       const Scope *scope,
                                       const Arguments &given, const Expr *x,
                                       int64_t dims) {
  std::pair<Expr *, Expr *> failure;
  auto expected = [&](const syntax::Expr *at, const llvm::Twine &what,
                      const llvm::Twine &found) {
    report(DiagId::RopeArgument, at->range, scope, what.str(), found.str());
    return failure;
  };
  TreeBuilder tree(spec, rangeOf(expr, scope));
  constexpr ScalarType F64 = ScalarType::F64;
  ScalarType element = computedType(x->type.element);
  llvm::ArrayRef<Dim> axes = *x->type.dims;
  const Dim &length = axes[axes.size() - 2], pairs = Dim{dims / 2, ""};

  Expr *frequencies;
  if (const syntax::Expr *at = given.lookup("frequencies")) {
    frequencies = elaborateTensor(at, scope);
    if (!frequencies)
      return failure;
    if (*frequencies->type.dims != Dims{pairs})
      return expected(at,
                      "a tensor [" + llvm::Twine(pairs.size) +
                          "] in 'frequencies', one for each pair",
                      describe(frequencies->type));
    frequencies = tree.toFloat(frequencies, F64);
  } else {
    double base = 10000;
    if (const syntax::Expr *at = given.lookup("base")) {
      unsigned before = diagnostics.errorCount();
      base = constantNumber(at, scope).value_or(0);
      if (!(base > 0) || !std::isfinite(base))
        return diagnostics.errorCount() == before
                   ? expected(at, "a positive constant in 'base'",
                              "another value")
                   : failure;
    }
    frequencies = tree.call(Builtin::Exp2, "exp2",
                            {tree.binary(BinaryOp::Mul, tree.iota(pairs, F64),
                                         -2 * std::log2(base) / double(dims))});
  }

  Expr *positions;
  if (const syntax::Expr *at = given.lookup("positions")) {
    positions = elaborate(at, scope, {Place::Tensor});
    if (!positions)
      return failure;
    bool fits = positions->type.isTensor() && positions->type.isInteger();
    fits = fits && (*positions->type.dims == Dims{length} ||
                    *positions->type.dims == Dims{axes[0], length});
    if (!fits) {
      Dims wanted{axes[0], length};
      ast::Type type{ScalarType::I32, wanted};
      return expected(at,
                      "integers like " + describe(type) +
                          " in 'positions', or without the first axis",
                      describe(positions->type));
    }
    positions = tree.toFloat(positions, F64);
  } else {
    positions = tree.iota(length, F64);
  }
  if (const syntax::Expr *at = given.lookup("start")) {
    Expr *start = elaborateScalar(at, scope, {Place::Uniform, F64});
    if (!start)
      return failure;
    if (!start->type.isInteger())
      return expected(at, "an integer in 'start'", describe(start->type));
    positions = tree.binary(BinaryOp::Add, positions, toFloat(start, F64));
  }

  Dims table = *positions->type.dims;
  table.push_back(pairs);
  Expr *angle = tree.binary(BinaryOp::Mul, tree.repeat(positions, table),
                            tree.named(frequencies, "frequencies"));
  auto rounded = [&](Builtin builtin, StringRef name) {
    return tree.toFloat(tree.call(builtin, name, {angle}), element);
  };
  return {rounded(Builtin::Cos, "cos"), rounded(Builtin::Sin, "sin")};
}

ast::Expr *Sema::elaborateRope(const syntax::Expr *expr, const Scope *scope,
                               const Arguments &given) {
  const syntax::Expr *tensor = given.lookup("tensor");
  Expr *x = elaborateTensor(tensor, scope);
  if (!x)
    return nullptr;
  auto expected = [&](const syntax::Expr *at, const llvm::Twine &what,
                      const llvm::Twine &found) -> Expr * {
    report(DiagId::RopeArgument, at->range, scope, what.str(), found.str());
    return nullptr;
  };
  llvm::ArrayRef<Dim> axes = *x->type.dims;
  if (axes.size() < 2)
    return expected(tensor, "a tensor [.., positions, features]",
                    describe(x->type));
  if (!isStatic(axes.back(), "number of features", tensor, scope))
    return nullptr;
  int64_t features = axes.back().size, dims = features;
  bool interleaved = false;
  if (const syntax::Expr *at = given.lookup("interleaved")) {
    Expr *value = elaborateScalar(at, scope, {Place::Constant});
    if (!value)
      return nullptr;
    if (value->kind != Kind::BoolLit)
      return expected(at, "true or false in 'interleaved'",
                      describe(value->type));
    interleaved = value->intValue;
  }
  if (const syntax::Expr *at = given.lookup("dims")) {
    Expr *value = elaborateScalar(at, scope, {Place::Constant});
    if (!value)
      return nullptr;
    dims = value->kind == Kind::IntLit ? value->intValue : 0;
  }
  const syntax::Expr *at = given.lookup("dims");
  const syntax::Expr *tables[] = {given.lookup("cos"), given.lookup("sin")};
  if (!tables[0] != !tables[1])
    return expected(expr, "both 'cos' and 'sin'", "one of them");
  if (dims < 2 || dims > features || dims % 2)
    return expected(at ? at : tensor,
                    "an even number of features to turn, 2 to " +
                        llvm::Twine(features),
                    at ? "another" : std::to_string(dims));

  std::pair<Expr *, Expr *> turns;
  if (tables[0]) {
    for (StringRef other : {"base", "start", "positions", "frequencies"})
      if (const syntax::Expr *beside = given.lookup(other))
        return expected(beside, "'cos' and 'sin' without '" + other + "'",
                        "both");
    Expr *values[2] = {};
    for (unsigned side = 0; side < 2; ++side) {
      values[side] = elaborateTensor(tables[side], scope);
      if (!values[side])
        return nullptr;
      Dims shared{axes[axes.size() - 2], Dim{dims / 2, ""}}, own = shared;
      own.insert(own.begin(), axes[0]);
      bool fits =
          *values[side]->type.dims == shared || *values[side]->type.dims == own;
      if (!fits || computedType(values[side]->type.element) !=
                       computedType(x->type.element))
        return expected(tables[side],
                        "a tensor like " + describe({x->type.element, own}) +
                            ", or without the first axis",
                        describe(values[side]->type));
    }
    turns = {values[0], values[1]};
  } else {
    turns = angles(expr, scope, given, x, dims);
    if (!turns.first)
      return nullptr;
  }
  TreeBuilder tree(spec, rangeOf(expr, scope));
  Expr *result =
      tree.create(Kind::Rotate, TreeBuilder::computed(x->type),
                  {tree.named(x, "rope"), tree.named(turns.first, "cos"),
                   tree.named(turns.second, "sin")});
  result->intValue = interleaved;
  return result;
}
