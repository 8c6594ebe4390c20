//===- ImportTensor.cpp - Operations on tensors but attend ----------------===//

#include "compiler/frontend/Importer.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ladon;
using ast::BinaryOp;
using ast::Dim;
using ast::Expr;
using ast::ScalarType;
using Kind = Expr::Kind;

Value Importer::tensor(const Expr *expr) {
  if (Value known = tensors.lookup(expr))
    return known;
  Location outer = b.getLoc();
  Location loc = locations.get(expr->range);
  if (StringRef name = letNames.lookup(expr); !name.empty())
    loc = NameLoc::get(b.getStringAttr(name), loc);
  b.setLoc(loc);
  Value value = emitTensor(expr);
  b.setLoc(outer);
  return tensors[expr] = value;
}

/// `x @ w + bias`: the sum starts at the bias.
static bool isBiasedProduct(const Expr *expr) {
  if (expr->kind != Kind::Binary || expr->binaryOp != BinaryOp::Add)
    return false;
  const Expr *product = expr->args[0], *bias = expr->args[1];
  return product->kind == Kind::Binary &&
         product->binaryOp == BinaryOp::MatMul && bias->type.isTensor() &&
         bias->type.dims->size() < product->type.dims->size();
}

Value Importer::emitTensor(const Expr *expr) {
  switch (expr->kind) {
  case Kind::Name:
    return expr->let ? tensor(expr->let->value) : params.lookup(expr->param);
  case Kind::Attend:
    return attend(expr).getResult(0);
  case Kind::Member: {
    const Expr *source = findAttend(expr->args[0]);
    Value out = tensor(source);
    return expr->name == "lse" ? attends.lookup(source).getResult(1) : out;
  }
  case Kind::Split: {
    Value source = tensor(expr->args[0]);
    auto stored = cast<RankedTensorType>(source.getType()).getElementType();
    return attn::SplitHeadsOp::create(
        b, cast<RankedTensorType>(tensorType(expr->type).clone(stored)), source,
        expr->headCount);
  }
  case Kind::Concat: {
    Value source = tensor(expr->args[0]);
    auto stored = cast<RankedTensorType>(source.getType()).getElementType();
    return attn::ConcatHeadsOp::create(
        b, cast<RankedTensorType>(tensorType(expr->type).clone(stored)),
        source);
  }
  case Kind::Transpose: {
    Value source = tensor(expr->args[0]);
    Type stored = cast<RankedTensorType>(source.getType()).getElementType();
    Value init = empty(expr->type);
    init.setType(cast<RankedTensorType>(init.getType()).clone(stored));
    return linalg::TransposeOp::create(b, source, init, ArrayRef<int64_t>{1, 0})
        ->getResult(0);
  }
  case Kind::Call:
    return elementwise(expr);
  case Kind::Binary:
    if (expr->binaryOp == BinaryOp::MatMul)
      return matmul(expr, /*bias=*/nullptr);
    if (isBiasedProduct(expr))
      return matmul(expr->args[0], expr->args[1]);
    return elementwise(expr);
  default:
    llvm_unreachable("a checked tensor operation");
  }
}

/// [.., M, K] @ [K, N], from zero or from a bias repeated over leading axes.
Value Importer::matmul(const Expr *expr, const Expr *bias) {
  Value x = tensor(expr->args[0]), w = tensor(expr->args[1]);
  Value init = empty(expr->type);
  auto type = cast<RankedTensorType>(init.getType());
  int64_t rank = type.getRank();
  if (bias) {
    Value from = computed(tensor(bias));
    int64_t missing = rank - cast<RankedTensorType>(from.getType()).getRank();
    init = linalg::BroadcastOp::create(
               b, from, init, llvm::to_vector(llvm::seq<int64_t>(0, missing)))
               ->getResult(0);
  } else {
    Value zero =
        arith::ConstantOp::create(b, b.getFloatAttr(type.getElementType(), 0));
    init = linalg::FillOp::create(b, zero, init).getResult(0);
  }
  // Dimensions: the axes of the result, then k.
  MLIRContext *context = b.getContext();
  AffineMap all = b.getMultiDimIdentityMap(rank + 1);
  AffineExpr k = b.getAffineDimExpr(rank), n = b.getAffineDimExpr(rank - 1);
  SmallVector<AffineExpr> rows(all.getResults().take_front(rank - 1));
  SmallVector<AffineExpr> xAxes = rows, outAxes = rows;
  xAxes.push_back(k);
  outAxes.push_back(n);
  ArrayAttr maps =
      b.getAffineMapArrayAttr({AffineMap::get(rank + 1, 0, xAxes, context),
                               AffineMap::get(rank + 1, 0, {k, n}, context),
                               AffineMap::get(rank + 1, 0, outAxes, context)});
  return linalg::ContractOp::create(b, init.getType(), ValueRange{x, w},
                                    ValueRange{init}, maps)
      ->getResult(0);
}

/// Whether `expr` is computed element by element from its operands.
static bool isElementwise(const Expr *expr) {
  return expr->kind == Kind::Call ||
         (expr->kind == Kind::Binary && expr->binaryOp != BinaryOp::MatMul &&
          !isBiasedProduct(expr));
}

/// The tensors at the leaves of an elementwise expression.
static void collectLeaves(const Expr *expr,
                          SmallVectorImpl<const Expr *> &leaves) {
  if (isElementwise(expr))
    for (const Expr *arg : expr->args)
      collectLeaves(arg, leaves);
  else if (expr->type.isTensor())
    leaves.push_back(expr);
}

/// A whole tree of elementwise operations is one loop.
Value Importer::elementwise(const Expr *expr) {
  SmallVector<const Expr *> leaves;
  collectLeaves(expr, leaves);
  Value init = empty(expr->type);
  auto type = cast<RankedTensorType>(init.getType());
  int64_t rank = type.getRank();
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  for (const Expr *leaf : leaves) {
    bool isRepeated = leaf->kind == Kind::Repeat;
    if (isRepeated)
      leaf = leaf->args[0];
    inputs.push_back(tensor(leaf));
    size_t axes = leaf->type.dims->size();
    maps.push_back(AffineMap::get(rank, /*symbolCount=*/0,
                                  isRepeated
                                      ? identity.getResults().take_front(axes)
                                      : identity.getResults().take_back(axes),
                                  b.getContext()));
  }
  maps.push_back(identity);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);

  auto buildBody = [&](OpBuilder &builder, Location, ValueRange args) {
    unsigned next = 0;
    std::function<Value(const Expr *)> emit = [&](const Expr *e) -> Value {
      if (e->kind == Kind::Call) {
        SmallVector<Value> args;
        for (const Expr *arg : e->args)
          args.push_back(emit(arg));
        Position nowhere;
        return ExprImporter(builder, locations, nowhere).emitCall(e, args);
      }
      if (isElementwise(e)) {
        Value left = emit(e->args[0]), right = emit(e->args[1]);
        Location loc = locations.get(e->range);
        switch (e->binaryOp) {
        case BinaryOp::Add:
          return arith::AddFOp::create(builder, loc, left, right);
        case BinaryOp::Sub:
          return arith::SubFOp::create(builder, loc, left, right);
        case BinaryOp::Mul:
          return arith::MulFOp::create(builder, loc, left, right);
        default:
          return arith::DivFOp::create(builder, loc, left, right);
        }
      }
      if (e->type.isTensor())
        return convertFloat(builder, locations.get(e->range), args[next++],
                            type.getElementType());
      return arith::ConstantOp::create(
          builder, locations.get(e->range),
          builder.getFloatAttr(type.getElementType(), e->floatValue));
    };
    Value result = emit(expr);
    linalg::YieldOp::create(builder, b.getLoc(), result);
  };
  return linalg::GenericOp::create(b, init.getType(), inputs, init, maps,
                                   iterators, buildBody)
      .getResult(0);
}
