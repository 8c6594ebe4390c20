//===- FuseWeights.cpp - Read the weights of products as they are stored --===//
//
// A layer's weights often lie as [out, in] (PyTorch's nn.Linear), or are small
// integers with a scale per column, and a product wants numbers as [in, out].
// The product's indexing map can say the one, and factors of a column can be
// those of the result. Then there is no copy of the weights, which for a few
// rows would be most of the work.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"
#include "compiler/transforms/ScaledElements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

#define DEBUG_TYPE "attn-fuse-weights"

namespace ladon {
#define GEN_PASS_DEF_FUSEWEIGHTS
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

//===----------------------------------------------------------------------===//
// Transposed weights
//===----------------------------------------------------------------------===//

/// `map` reads the result of `transpose`; the map that reads its source.
static AffineMap throughTranspose(AffineMap map,
                                  linalg::TransposeOp transpose) {
  SmallVector<AffineExpr> axes(map.getNumResults());
  for (auto [axis, from] : llvm::enumerate(transpose.getPermutation()))
    axes[from] = map.getResult(axis);
  return AffineMap::get(map.getNumDims(), /*symbolCount=*/0, axes,
                        map.getContext());
}

/// The same product with another second operand, whose type its body depends
/// on.
static linalg::ContractOp withWeights(linalg::ContractOp op, Value weights,
                                      AffineMap map) {
  OpBuilder b(op);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  maps[1] = map;
  auto result = linalg::ContractOp::create(
      b, op.getLoc(), op.getResultTypes(),
      ValueRange{op.getInputs()[0], weights}, op.getOutputs(),
      b.getAffineMapArrayAttr(maps));
  op.replaceAllUsesWith(result);
  op.erase();
  return result;
}

/// The product without the transpose of its weights; null if there is none.
static linalg::ContractOp fuseTranspose(linalg::ContractOp op) {
  auto transpose = op.getInputs()[1].getDefiningOp<linalg::TransposeOp>();
  if (!transpose)
    return {};
  AffineMap map = op.getIndexingMapsArray()[1];
  return withWeights(op, transpose.getInput(),
                     throughTranspose(map, transpose));
}

//===----------------------------------------------------------------------===//
// Scaled weights
//===----------------------------------------------------------------------===//

/// What the sums start from, and how a loop nest over the result reads it; null
/// for zero.
static std::pair<Value, AffineMap> findStart(Value init) {
  MLIRContext *context = init.getContext();
  auto all = AffineMap::getMultiDimIdentityMap(
      cast<ShapedType>(init.getType()).getRank(), context);
  if (auto fill = init.getDefiningOp<linalg::FillOp>();
      fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat()))
    return {Value(), all};
  if (auto broadcast = init.getDefiningOp<linalg::BroadcastOp>())
    return {broadcast.getInput(), all.dropResults(broadcast.getDimensions())};
  return {init, all};
}

/// A copy of what makes `value` in a body, given copies of its arguments; what
/// is made outside of the body stays.
static Value copyValue(OpBuilder &b, Value value, IRMapping &values) {
  Operation *made = value.getDefiningOp();
  if (Value known = values.lookupOrNull(value))
    return known;
  if (!made || !isa<linalg::GenericOp>(made->getParentOp()))
    return value;
  for (Value operand : made->getOperands())
    copyValue(b, operand, values);
  b.clone(*made, values);
  return values.lookup(value);
}

/// Makes the sums of a product start from zero, and returns them times
/// `factors`, to which is added what they started from. The factors are values
/// of the body of `weights`, whose loops are, in this order, those of the
/// product that `weightMap` names.
static Operation *scaleResult(linalg::ContractOp product,
                              linalg::GenericOp weights, AffineMap weightMap,
                              ArrayRef<Factor> factors) {
  ImplicitLocOpBuilder b(weights.getLoc(), product);
  Value sums = product.getResult(0), init = product.getOutputs()[0];
  auto type = cast<RankedTensorType>(sums.getType());
  int64_t rank = type.getRank();
  Value start;
  AffineMap startMap;
  std::tie(start, startMap) = findStart(init);
  if (start) {
    Value zero =
        arith::ConstantOp::create(b, b.getFloatAttr(type.getElementType(), 0));
    Value empty = tensor::EmptyOp::create(
        b, tensor::getMixedSizes(b, b.getLoc(), init), type.getElementType());
    product.getOutputsMutable()[0].set(
        linalg::FillOp::create(b, zero, empty).getResult(0));
  }

  // What factors are made of. The loops of the result are the first ones of the
  // product, and that of the sums is in none of these maps.
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<BlockArgument> read;
  for (OpOperand *operand : weights.getDpsInputOperands()) {
    AffineMap map =
        weights.getMatchingIndexingMap(operand).replaceDimsAndSymbols(
            weightMap.getResults(), {}, weightMap.getNumDims(), 0);
    if (map.isFunctionOfDim(rank))
      continue;
    inputs.push_back(operand->get());
    maps.push_back(AffineMap::get(rank, 0, map.getResults(), b.getContext()));
    read.push_back(weights.getMatchingBlockArgument(operand));
  }
  inputs.push_back(sums);
  maps.push_back(b.getMultiDimIdentityMap(rank));
  if (start) {
    inputs.push_back(start);
    maps.push_back(startMap);
  }
  maps.push_back(b.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
  b.setInsertionPointAfter(product);
  return linalg::GenericOp::create(
      b, type, inputs, product.getOutputs()[0], maps, kinds,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        IRMapping values;
        for (auto [from, to] : llvm::zip(read, args))
          values.map(from, to);
        Value result = args[read.size()];
        for (Factor factor : factors) {
          Value value = copyValue(nested, factor.value, values);
          result = factor.divides
                       ? arith::DivFOp::create(nested, loc, result, value)
                             .getResult()
                       : arith::MulFOp::create(nested, loc, result, value)
                             .getResult();
        }
        if (start)
          result =
              arith::AddFOp::create(nested, loc, result, args[read.size() + 1]);
        linalg::YieldOp::create(nested, loc, result);
      });
}

/// The product of stored weights; null if they are not what it says above.
static linalg::ContractOp fuseScales(linalg::ContractOp op) {
  auto weights = op.getInputs()[1].getDefiningOp<linalg::GenericOp>();
  AffineMap map = op.getIndexingMapsArray()[1];
  unsigned rank = cast<ShapedType>(op.getResult(0).getType()).getRank();
  std::optional<unsigned> summed =
      map.getResultPosition(getAffineDimExpr(rank, op.getContext()));
  if (!weights || !summed)
    return {};
  ScaledElements scaled(weights, *summed);
  if (!scaled.match())
    return {};
  if (!scaled.getFactors().empty()) {
    Operation *result = scaleResult(op, weights, map, scaled.getFactors());
    op.getResult(0).replaceAllUsesExcept(result->getResult(0), result);
  }
  return withWeights(op, scaled.getStored(), map);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct FuseWeights : ladon::impl::FuseWeightsBase<FuseWeights> {
  void runOnOperation() override {
    SmallVector<linalg::ContractOp> products;
    getOperation().walk([&](linalg::ContractOp op) {
      if (op.hasPureTensorSemantics())
        products.push_back(op);
    });
    for (linalg::ContractOp op : products)
      while (op) {
        linalg::ContractOp next = fuseTranspose(op);
        op = next ? next : fuseScales(op);
        fused += bool(op);
      }
  }
};
} // namespace
