//===- ImportRotate.cpp - Rotary positions --------------------------------===//

#include "compiler/frontend/Importer.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace ladon;
using ast::Expr;

/// Features `first`, `first + step`, ... of a tensor, `count` of them.
static tensor::ExtractSliceOp features(ImplicitLocOpBuilder &b, Value source,
                                       int64_t first, int64_t count,
                                       int64_t step) {
  auto type = cast<RankedTensorType>(source.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      sizes = tensor::getMixedSizes(b, b.getLoc(), source),
      steps(type.getRank(), b.getIndexAttr(1));
  offsets.back() = b.getIndexAttr(first);
  sizes.back() = b.getIndexAttr(count);
  steps.back() = b.getIndexAttr(step);
  return tensor::ExtractSliceOp::create(b, source, offsets, sizes, steps);
}

/// Each half of the pairs, and the features beyond them, are a loop of their
/// own, whose innermost axis is that of the features.
Value Importer::rotate(const Expr *expr) {
  Value x = tensor(expr->args[0]), cosines = tensor(expr->args[1]),
        sines = tensor(expr->args[2]), result = empty(expr->type);
  auto type = cast<RankedTensorType>(result.getType());
  Type element = type.getElementType();
  int64_t rank = type.getRank(), size = type.getDimSize(rank - 1);
  int64_t pairs = cast<RankedTensorType>(cosines.getType()).getShape().back();
  int64_t step = expr->intValue ? 2 : 1, second = expr->intValue ? 1 : pairs;
  AffineMap all = b.getMultiDimIdentityMap(rank);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  // A table has the axes (batch,) positions, pairs.
  auto tableMap = [&](Value table) {
    SmallVector<AffineExpr> at(all.getResults().take_back(2));
    if (cast<RankedTensorType>(table.getType()).getRank() > 2)
      at.insert(at.begin(), all.getResult(0));
    return AffineMap::get(rank, /*symbolCount=*/0, at, b.getContext());
  };
  using Body = llvm::function_ref<Value(OpBuilder &, Location, ValueRange)>;
  auto write = [&](int64_t first, int64_t count, int64_t by, ValueRange inputs,
                   ArrayRef<AffineMap> maps, Body body) {
    auto part = features(b, result, first, count, by);
    auto generic = linalg::GenericOp::create(
        b, part.getType(), inputs, part.getResult(), maps, iterators,
        [&](OpBuilder &builder, Location loc, ValueRange args) {
          SmallVector<Value> wide;
          for (Value arg : args.drop_back())
            wide.push_back(convertFloat(builder, loc, arg, element));
          linalg::YieldOp::create(builder, loc, body(builder, loc, wide));
        });
    result = tensor::InsertSliceOp::create(
        b, generic.getResult(0), result, part.getMixedOffsets(),
        part.getMixedSizes(), part.getMixedStrides());
  };

  Value low = features(b, x, 0, pairs, step),
        high = features(b, x, second, pairs, step);
  AffineMap maps[] = {all, all, tableMap(cosines), tableMap(sines), all};
  auto turn = [&](bool isHigh) {
    return [isHigh](OpBuilder &builder, Location loc, ValueRange in) -> Value {
      Value along = arith::MulFOp::create(builder, loc, in[0], in[2]);
      Value across = arith::MulFOp::create(builder, loc, in[1], in[3]);
      if (isHigh)
        return arith::AddFOp::create(builder, loc, along, across);
      return arith::SubFOp::create(builder, loc, along, across);
    };
  };
  write(0, pairs, step, {low, high, cosines, sines}, maps, turn(false));
  write(second, pairs, step, {high, low, cosines, sines}, maps, turn(true));
  if (int64_t rest = size - 2 * pairs)
    write(2 * pairs, rest, 1, {features(b, x, 2 * pairs, rest, 1).getResult()},
          {all, all},
          [](OpBuilder &, Location, ValueRange in) { return in[0]; });
  return result;
}
