//===- FuseRowMax.cpp - Maxima where scores are made ----------------------===//
//
// A pass over the scores for their maximum costs 6 % of the time at D = 64: its
// chain is bound by latency. Whatever made the scores last has them in
// registers, and takes the maximum along.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#define DEBUG_TYPE "tile-fuse-row-max"

namespace ladon {
#define GEN_PASS_DEF_FUSEROWMAX
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

/// Whether `op`, which makes the scores, can give the maximum of their rows
/// over as many rows and columns as `max` asks for.
static bool canGive(Operation *op, tile::RowMaxOp max) {
  if (auto contract = dyn_cast<tile::ContractOp>(op)) {
    AffineMap product = contract.getMap(2);
    bool rowLast = product.getDimPosition(1) == tile::ContractOp::Row;
    return contract.getColumns() == max.getKeys() &&
           contract.getRows() == max.getRows() &&
           rowLast == max.getTransposed();
  }
  auto position = [&](auto op) {
    return op.getKeys() == max.getKeys() && op.getRows() == max.getRows() &&
           op.getTransposed() == max.getTransposed();
  };
  if (auto modify = dyn_cast<tile::ModifyOp>(op))
    return position(modify);
  if (auto mask = dyn_cast<tile::MaskOp>(op))
    return position(mask);
  return false;
}

/// The position of the maximum among the results of `op`.
static constexpr unsigned maxResult = 1;

static LogicalResult fuse(tile::RowMaxOp max, PatternRewriter &rewriter) {
  Operation *op = max.getScores().getDefiningOp();
  if (!op || !canGive(op, max))
    return rewriter.notifyMatchFailure(max, "expected scores made by an "
                                            "operation over the same columns");
  if (op->getNumResults() > maxResult) {
    rewriter.replaceOp(max, op->getResult(maxResult));
    return success();
  }
  rewriter.setInsertionPoint(op);
  SmallVector<Type> types(op->getResultTypes());
  types.push_back(max.getMax().getType());
  Operation *fused = Operation::create(
      op->getLoc(), op->getName(), types, op->getOperands(),
      op->getDiscardableAttrDictionary(), op->getPropertiesStorage(),
      /*successors=*/{}, op->getNumRegions());
  for (auto [from, to] : llvm::zip(op->getRegions(), fused->getRegions()))
    rewriter.inlineRegionBefore(from, to, to.end());
  rewriter.insert(fused);
  rewriter.replaceOp(max, fused->getResult(maxResult));
  rewriter.replaceOp(op, fused->getResults().drop_back());
  return success();
}

/// Takes the maximum of scores that come from a branch within the branch, if
/// what makes them there can give it.
static LogicalResult sink(tile::RowMaxOp max, PatternRewriter &rewriter) {
  auto branch = max.getScores().getDefiningOp<scf::IfOp>();
  if (!branch)
    return rewriter.notifyMatchFailure(max, "expected scores of a branch");
  for (Value count : max->getOperands().drop_front()) {
    Operation *made = count.getDefiningOp();
    if (made && made->getBlock() == branch->getBlock() &&
        branch->isBeforeInBlock(made))
      return rewriter.notifyMatchFailure(max,
                                         "expected the numbers of keys and "
                                         "rows to be known before the "
                                         "branch");
  }
  unsigned number = cast<OpResult>(max.getScores()).getResultNumber();
  for (Block *block : {branch.thenBlock(), branch.elseBlock()}) {
    Operation *made =
        block->getTerminator()->getOperand(number).getDefiningOp();
    if (!made || !canGive(made, max))
      return rewriter.notifyMatchFailure(max, "expected both sides of the "
                                              "branch to make scores over the "
                                              "same columns");
  }
  SmallVector<Type> types(branch.getResultTypes());
  types.push_back(max.getMax().getType());
  rewriter.setInsertionPoint(branch);
  auto wider = scf::IfOp::create(rewriter, branch.getLoc(), types,
                                 branch.getCondition(), /*addThenBlock=*/false,
                                 /*addElseBlock=*/false);
  for (auto [from, to] : llvm::zip(branch->getRegions(), wider->getRegions())) {
    rewriter.inlineRegionBefore(from, to, to.end());
    Operation *yield = to.front().getTerminator();
    rewriter.setInsertionPoint(yield);
    Operation *inner = rewriter.clone(*max);
    inner->setOperand(0, yield->getOperand(number));
    rewriter.modifyOpInPlace(yield, [&] {
      yield->insertOperands(yield->getNumOperands(), inner->getResults());
    });
  }
  rewriter.replaceOp(max, wider.getResults().back());
  rewriter.replaceOp(branch, wider.getResults().drop_back());
  return success();
}

namespace {
struct FuseRowMax : public ladon::impl::FuseRowMaxBase<FuseRowMax> {
  int64_t countMaxima() {
    int64_t count = 0;
    getOperation().walk([&](tile::RowMaxOp) { ++count; });
    return count;
  }

  void runOnOperation() override {
    int64_t before = countMaxima();
    RewritePatternSet patterns(&getContext());
    patterns.add(::fuse);
    patterns.add(::sink);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    int64_t after = countMaxima();
    fused += before - after;
    kept += after;
  }
};
} // namespace
