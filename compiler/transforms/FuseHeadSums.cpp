//===- FuseHeadSums.cpp - Sum weights over the heads where they are made --===//
//
// The mean of the weights over the heads is a small tensor beside the weights
// of all heads, which nobody may want. A nest that goes through the heads can
// add the weights of each to the sum, and forget them.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

#define DEBUG_TYPE "attn-fuse-head-sums"

namespace ladon {
#define GEN_PASS_DEF_FUSEHEADSUMS
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;
using attn::AttendOp;

/// Whether `op` is, of a tensor (b, h, i, j), the sum over h from zero on.
static bool isSumOverHeads(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op.getNumLoops() != 4)
    return false;
  AffineMap all = op.getIndexingMapsArray()[0],
            sum = op.getIndexingMapsArray()[1];
  if (!all.isPermutation() || sum != all.dropResults(ArrayRef<int64_t>{1}))
    return false;
  auto start = op.getOutputs()[0].getDefiningOp<linalg::FillOp>();
  if (!start || !matchPattern(start.getInputs()[0], m_AnyZeroFloat()))
    return false;
  Block &body = *op.getBody();
  auto add = dyn_cast<arith::AddFOp>(body.front());
  return add && body.getOperations().size() == 2 &&
         body.getTerminator()->getOperand(0) == add.getResult() &&
         llvm::is_contained(add->getOperands(), body.getArgument(0)) &&
         llvm::is_contained(add->getOperands(), body.getArgument(1));
}

/// The sum over the heads that alone reads the weights of `op`, or null.
static linalg::GenericOp findSum(AttendOp op) {
  if (!op.getNormalized() || op.getResults().empty())
    return {};
  constexpr unsigned number = AttendOp::Scores - AttendOp::Out;
  Value weights = op.getResults()[number];
  if (!weights.hasOneUse() ||
      op.getMap(AttendOp::Scores) !=
          AttendOp::getCanonicalMap(
              op.getContext(), AttendOp::Scores,
              static_cast<int64_t>(op.getHeads()),
              static_cast<int64_t>(op.getKeyValueHeads())))
    return {};
  auto sum = dyn_cast<linalg::GenericOp>(*weights.getUsers().begin());
  if (!sum || !isSumOverHeads(sum) ||
      cast<ShapedType>(weights.getType()).getElementType() !=
          op.getElementType())
    return {};
  return sum;
}

/// The same attend with the sum in place of its weights.
static AttendOp withSum(AttendOp op, linalg::GenericOp sum) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto type = cast<RankedTensorType>(sum.getResult(0).getType());
  SmallVector<Value> operands(op->getOperands());
  auto sizes = tensor::getMixedSizes(b, b.getLoc(), operands.back());
  sizes.erase(sizes.begin() + 1);
  operands.back() =
      tensor::EmptyOp::create(b, sizes, type.getElementType()).getResult();
  SmallVector<Type> types(op->getResultTypes());
  types.back() = type;
  auto result = cast<AttendOp>(Operation::create(
      op.getLoc(), op->getName(), types, operands,
      op->getDiscardableAttrDictionary(), op->getPropertiesStorage(),
      /*successors=*/{}, op->getNumRegions()));
  for (auto [from, to] : llvm::zip(op->getRegions(), result->getRegions()))
    to.takeBody(from);
  SmallVector<AffineMap> maps;
  for (unsigned operand = 0; operand < op.getNumMaps(); ++operand)
    maps.push_back(op.getMap(operand));
  maps.back() = maps.back().dropResults(ArrayRef<int64_t>{1});
  result.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
  b.insert(result);
  return result;
}

namespace {
struct FuseHeadSums : ladon::impl::FuseHeadSumsBase<FuseHeadSums> {
  void runOnOperation() override {
    SmallVector<AttendOp> attends;
    getOperation().walk([&](AttendOp op) { attends.push_back(op); });
    for (AttendOp op : attends) {
      linalg::GenericOp sum = findSum(op);
      if (!sum)
        continue;
      AttendOp fusedOp = withSum(op, sum);
      sum.getResult(0).replaceAllUsesWith(fusedOp.getResults().back());
      sum.erase();
      for (auto [from, to] : llvm::zip(op.getResults(), fusedOp.getResults()))
        if (!from.use_empty())
          from.replaceAllUsesWith(to);
      op.erase();
      ++fused;
    }
  }
};
} // namespace
