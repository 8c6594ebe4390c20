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

Value Importer::emitTensor(const Expr *expr) {
  switch (expr->kind) {
  case Kind::Name:
    return expr->let ? tensor(expr->let->value) : params.lookup(expr->param);
  case Kind::Attend:
    return attend(expr).getResult(0);
  case Kind::Member: {
    const Expr *source = findAttend(expr->args[0]);
    if (expr->name == "scores") {
      attn::AttendOp &op = scores[source];
      if (!op)
        op = createAttend(source, /*hasLse=*/true, /*hasScores=*/true);
      return op.getResult(2);
    }
    Value out = tensor(source);
    if (expr->name == "out")
      return out;
    return attends.lookup(source).getResult(expr->name == "lse" ? 1 : 2);
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
    auto axes = llvm::to_vector(llvm::seq<int64_t>(
        0, cast<RankedTensorType>(init.getType()).getRank()));
    std::swap(axes[expr->intValue], axes[expr->other]);
    return linalg::TransposeOp::create(b, source, init, axes)->getResult(0);
  }
  case Kind::Slice:
    return slice(expr);
  case Kind::Call:
  case Kind::Iota:
  case Kind::Repeat:
    return elementwise(expr);
  case Kind::Join:
    return join(expr);
  case Kind::Append:
    return append(expr);
  case Kind::Along:
    return reduceAlong(expr);
  case Kind::Rotate:
    return rotate(expr);
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

/// Sizes are those of the function's arguments, so that they are known.
SmallVector<OpFoldResult> Importer::mixedSizes(const ast::Type &type) {
  Location loc = b.getLoc();
  SmallVector<OpFoldResult> sizes;
  for (const Dim &dim : *type.dims)
    sizes.push_back(dim.isStatic() ? OpFoldResult(b.getIndexAttr(dim.size))
                                   : OpFoldResult(extent(dim)));
  b.setLoc(loc);
  return sizes;
}

Value Importer::slice(const Expr *expr) {
  const Expr *whole = expr->args[0];
  Value source = tensor(whole);
  auto type = cast<RankedTensorType>(source.getType());
  int64_t axis = expr->intValue, rank = type.getRank();
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)),
      steps(rank, b.getIndexAttr(1)), sizes = mixedSizes(whole->type);
  offsets[axis] = b.getIndexAttr(expr->other);
  bool dropsAxis = expr->type.dims->size() < whole->type.dims->size();
  sizes[axis] = b.getIndexAttr(dropsAxis ? 1 : (*expr->type.dims)[axis].size);
  auto part = cast<RankedTensorType>(
      tensorType(expr->type).clone(type.getElementType()));
  // Which of several axes of 1 is dropped cannot be told from a type with any
  // strides: there it is dropped in a step of its own.
  bool isUnclear = dropsAxis && llvm::is_contained(part.getShape(), 1);
  if (!isUnclear)
    return tensor::ExtractSliceOp::create(b, part, source, offsets, sizes,
                                          steps);
  Value kept = tensor::ExtractSliceOp::create(b, source, offsets, sizes, steps);
  // With its left neighbour, or the first with the right one.
  SmallVector<ReassociationIndices> groups(rank - 1);
  for (int64_t each = 0; each < rank; ++each)
    groups[std::max<int64_t>(each - (each >= std::max<int64_t>(axis, 1)), 0)]
        .push_back(each);
  return tensor::CollapseShapeOp::create(b, part, kept, groups);
}

/// Each part is copied to its place.
Value Importer::join(const Expr *expr) {
  Value result = empty(expr->type, expr->type.element);
  int64_t rank = cast<RankedTensorType>(result.getType()).getRank();
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)),
      steps(rank, b.getIndexAttr(1));
  for (const Expr *arg : expr->args) {
    Value part = tensor(arg);
    SmallVector<OpFoldResult> sizes = mixedSizes(arg->type);
    b.setLoc(locations.get(expr->range));
    auto place =
        tensor::ExtractSliceOp::create(b, result, offsets, sizes, steps);
    Value copy = convertElements(part, place);
    result =
        tensor::InsertSliceOp::create(b, copy, result, offsets, sizes, steps);
    // Of more than two parts the sizes are known.
    OpFoldResult &offset = offsets[expr->intValue];
    OpFoldResult size = sizes[expr->intValue];
    std::optional<int64_t> before = getConstantIntValue(offset),
                           count = getConstantIntValue(size);
    offset =
        before && count ? OpFoldResult(b.getIndexAttr(*before + *count)) : size;
  }
  return result;
}

Value Importer::append(const Expr *expr) {
  Value source = tensor(expr->args[1]),
        cache = params.lookup(expr->args[0]->param),
        at = params.lookup(ast::placesOf(*expr)), pages;
  if (expr->args.size() > 3)
    pages = params.lookup(expr->args[3]->param);
  return attn::AppendOp::create(b, cache.getType(), source, at, pages, cache,
                                expr->intValue)
      .getResult();
}

/// [.., M, K] @ [K, N], from zero or from a bias repeated over leading axes.
Value Importer::matmul(const Expr *expr, const Expr *bias) {
  if (const Expr *ofKept = parts.productOfKept(expr))
    expr = ofKept;
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
