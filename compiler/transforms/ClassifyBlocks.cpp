//===- ClassifyBlocks.cpp - Visit only the keys that a mask lets through --===//
//
// Restricts key loops to the keys that the query tile can see, and takes the
// mask off blocks where every row sees every key. What can be seen is computed
// at run time by scalar code that compiler/analysis emits from the mask.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/analysis/MaskVisibility.h"
#include "compiler/support/Debug.h"
#include "dialects/tile/Tile.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"

#define DEBUG_TYPE "classify-blocks"

namespace ladon {
#define GEN_PASS_DEF_CLASSIFYBLOCKS
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;
using analysis::PositionSet;
using analysis::Scalar;

//===----------------------------------------------------------------------===//
// The loop and its mask
//===----------------------------------------------------------------------===//

/// The number of rows that the query tile under `scores` holds, if it shows.
static Value rowsOfTile(Value scores, Value firstQuery) {
  while (auto modify = scores.getDefiningOp<tile::ModifyOp>())
    scores = modify.getScores();
  auto product = scores.getDefiningOp<tile::ContractOp>();
  auto load = product ? product.getLeft().getDefiningOp<tile::LoadOp>()
                      : tile::LoadOp();
  return load && load.getRow() == firstQuery ? load.getRows() : Value();
}

/// The heads n of a row map (r) -> (r mod n, r floordiv n), else 0.
static int64_t headsOfRows(AffineMap map) {
  auto heads = dyn_cast<AffineBinaryOpExpr>(map.getResult(0));
  auto size = heads ? dyn_cast<AffineConstantExpr>(heads.getRHS())
                    : AffineConstantExpr();
  AffineExpr row = getAffineDimExpr(0, map.getContext());
  if (!size || map.getResult(0) != row % size ||
      map.getResult(1) != row.floorDiv(size))
    return 0;
  return size.getValue();
}

namespace {
/// Rewrites one key loop.
class LoopClassifier {
public:
  LoopClassifier(tile::KeyLoopOp loop, tile::MaskOp mask)
      : loop(loop), mask(mask), emit(loop, mask.getLoc()), tile(findTile()),
        condition(mask.getBody().front(), findSite()),
        visibility(condition, tile, emit) {}

  /// What became of the loop.
  enum Outcome : unsigned {
    Untouched = 0,
    Tightened = 1, ///< Its bounds depend on the mask.
    Unmasked = 2,  ///< Some or all of its keys go without the mask.
    Tested = 4     ///< Its body is under a test of the block.
  };
  unsigned run();

private:
  analysis::MaskSite findSite();
  analysis::MaskTile findTile();
  bool setBounds(const analysis::Visibility &visible);
  void splitOffFull(const analysis::Visibility &visible);
  scf::IfOp liftMask(Value isFull);
  unsigned testBlocks(bool guarded);
  void reportUnknown(const analysis::Visibility &visible);

  tile::KeyLoopOp loop;
  tile::MaskOp mask;
  analysis::ScalarEmitter emit;
  analysis::MaskTile tile;
  analysis::MaskCondition condition;
  analysis::MaskVisibility visibility;
  /// Where the block of a key begins, in an aligned loop; else the key.
  Scalar blockOf(Scalar key) {
    Scalar step = loop.getAligned() ? int64_t(loop.getStep()) : 1;
    return floorDiv(key, step) * step;
  }

  Scalar low, high; ///< The keys that may be visible.
};
} // namespace

analysis::MaskSite LoopClassifier::findSite() {
  analysis::MaskSite site;
  site.captures = mask.getCaptures();
  site.loop = &loop.getBody();
  site.step = static_cast<int64_t>(loop.getStep());
  return site;
}

analysis::MaskTile LoopClassifier::findTile() {
  int64_t size = cast<ShapedType>(mask.getScores().getType())
                     .getDimSize(mask.getTransposed() ? 1 : 0);
  Scalar first = emit.wrap(mask.getQuery(), analysis::kPositions);
  Value rows;
  if (std::optional<AffineMap> map = mask.getRowMap())
    size = llvm::divideCeil(size, headsOfRows(*map));
  else
    rows = rowsOfTile(mask.getScores(), mask.getQuery());
  Scalar count =
      rows && emit.isOutside(rows) ? emit.wrap(rows, {1, size}) : Scalar(size);
  return {mask.getBatch(),
          mask.getHead(),
          first,
          first + (count - 1),
          emit.wrap(loop.getLower(), analysis::kPositions),
          emit.wrap(loop.getUpper(), analysis::kPositions)};
}

/// Whether the bounds of the loop have changed.
bool LoopClassifier::setBounds(const analysis::Visibility &visible) {
  const PositionSet &may = visible.may;
  std::tie(low, high) = visibility.clip(may, tile.low, tile.high);
  low = blockOf(low);
  // An empty range is left as it is unless another range refers to it.
  high = select(may.guard, high, low);
  loop.getLowerMutable().assign(emit.index(low));
  loop.getUpperMutable().assign(emit.index(high));
  return !isSame(low, tile.low) || !isSame(high, tile.high);
}

/// Leaves the mask out where `isFull` holds. Blocks with and without a mask
/// have one body: two would take twice the time to compile and do the same
/// work.
scf::IfOp LoopClassifier::liftMask(Value isFull) {
  OpBuilder builder(mask);
  auto branch =
      scf::IfOp::create(builder, mask.getLoc(), mask.getResult().getType(),
                        isFull, /*withElseRegion=*/true);
  mask.getResult().replaceAllUsesWith(branch.getResult(0));
  builder.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(builder, mask.getLoc(), mask.getScores());
  builder.setInsertionPointToStart(branch.elseBlock());
  auto yield = scf::YieldOp::create(builder, mask.getLoc(), mask.getResult());
  mask->moveBefore(yield);
  return branch;
}

/// Puts the keys that every row sees into blocks of their own, without a mask.
/// Fewer of them than half a block stay with the others: a block more costs
/// more than their mask.
void LoopClassifier::splitOffFull(const analysis::Visibility &visible) {
  const PositionSet &must = visible.must;
  high = max(high, low);
  Scalar fullLow = must.hasLow() ? clamp(must.low, low, high) : low;
  Scalar fullHigh = must.hasHigh() ? clamp(must.high, fullLow, high) : high;
  loop.getUpperMutable().assign(emit.index(high));
  auto step = static_cast<int64_t>(loop.getStep());
  if (loop.getAligned()) {
    fullLow = blockOf(fullLow + (step - 1));
    fullHigh = select(high <= fullHigh, high, blockOf(fullHigh));
  }
  int64_t enough = (step + 1) / 2;
  Scalar isEnough = must.guard & (enough <= fullHigh - fullLow);
  // Rounded up, it may be behind the last key.
  if (loop.getAligned())
    fullLow = select(isEnough, fullLow, low);
  fullHigh = select(isEnough, fullHigh, fullLow);
  loop.addFullRange(emit.index(fullLow), emit.index(fullHigh));
  liftMask(loop.getIsFull());
}

/// Makes the body of the loop conditional on the class of its block. Loads are
/// inside, so that nothing is read for a block that no row sees.
unsigned LoopClassifier::testBlocks(bool guarded) {
  Block &body = loop.getBody().front();
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    ops.push_back(&op);
  analysis::BlockClass found = visibility.classify(
      emit.wrap(loop.getFirstKey(), analysis::kPositions),
      emit.wrap(loop.getKeyCount(), {1, static_cast<int64_t>(loop.getStep())}));
  unsigned outcome = Untouched;
  if (!guarded && !found.must.isFalse()) {
    *llvm::find(ops, mask) = liftMask(emit.bit(found.must));
    outcome = Tested | Unmasked;
  }
  if (found.may.isTrue())
    return outcome;

  Operation *yield = body.getTerminator();
  OpBuilder builder(yield);
  SmallVector<Value> state(yield->getOperands());
  auto branch = scf::IfOp::create(builder, mask.getLoc(), loop.getResultTypes(),
                                  emit.bit(found.may), /*withElseRegion=*/true);
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, mask.getLoc(), loop.getStateArgs());
  builder.setInsertionPointToStart(branch.thenBlock());
  auto end = scf::YieldOp::create(builder, mask.getLoc(), state);
  for (Operation *op : ops)
    op->moveBefore(end);
  yield->setOperands(branch.getResults());
  return outcome | Tested;
}

void LoopClassifier::reportUnknown(const analysis::Visibility &visible) {
  const analysis::Condition *unknown = condition.firstUnknown();
  if (!unknown)
    return;
  bool nothing =
      visible.may.isAll() && visible.must.isNone() && !visible.blockwise;
  InFlightDiagnostic remark = mask.emitRemark();
  remark << (nothing ? "every key is visited and every position tested: "
                     : "a part of the mask has no bounds: ")
         << unknown->reason;
  remark.attachNote(unknown->value.getLoc()) << "used here";
}

unsigned LoopClassifier::run() {
  bool guarded = false;
  loop.walk([&](tile::AccumulateOp op) { guarded |= bool(op.getGuard()); });
  analysis::Visibility visible = visibility.visible();
  if (visible.must.isAll()) {
    mask.getResult().replaceAllUsesWith(mask.getScores());
    mask.erase();
    return Unmasked;
  }
  if (!guarded)
    reportUnknown(visible);
  unsigned outcome = setBounds(visible) ? Tightened : Untouched;
  if (visible.blockwise)
    return outcome | testBlocks(guarded);
  if (guarded || visible.must.isNone())
    return outcome;
  splitOffFull(visible);
  return outcome | Unmasked;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// The mask that this pass can act on, or null with a remark that says why not.
static tile::MaskOp maskOf(tile::KeyLoopOp loop) {
  SmallVector<tile::MaskOp> masks;
  loop.walk([&](tile::MaskOp op) { masks.push_back(op); });
  if (masks.empty())
    return {};
  auto refuse = [&](const Twine &reason) {
    loop.emitRemark("blocks are not classified: ") << reason;
    return tile::MaskOp();
  };
  if (masks.size() > 1)
    return refuse("expected one mask in the loop, found " +
                  Twine(masks.size()));
  tile::MaskOp mask = masks.front();
  if (mask->getParentOp() != loop)
    return refuse("the mask is under a condition");
  if (loop.getFullLower())
    return refuse("the loop has a full range already");
  if (mask.getKey() != loop.getFirstKey() ||
      mask.getKeys() != loop.getKeyCount())
    return refuse("the mask is not on the block of the loop");
  if (std::optional<AffineMap> map = mask.getRowMap()) {
    if (headsOfRows(*map) == 0)
      return refuse("the rows are mapped in a way that is not analysed");
    if (!mask.getBody().getArgument(1).use_empty())
      return refuse("the mask depends on the head, in which the rows differ");
  }
  for (Value position : {mask.getBatch(), mask.getHead(), mask.getQuery()})
    if (loop.getBody().isAncestor(position.getParentRegion()))
      return refuse("the batch, head or query changes within the loop");
  return mask;
}

namespace {
struct ClassifyBlocks : public ladon::impl::ClassifyBlocksBase<ClassifyBlocks> {
  void runOnOperation() override {
    SmallVector<tile::KeyLoopOp> loops;
    getOperation().walk([&](tile::KeyLoopOp loop) { loops.push_back(loop); });
    for (tile::KeyLoopOp loop : loops) {
      tile::MaskOp mask = maskOf(loop);
      if (!mask)
        continue;
      LADON_DEBUG("loop with " << mask << '\n');
      unsigned outcome = LoopClassifier(loop, mask).run();
      tightened += (outcome & LoopClassifier::Tightened) != 0;
      unmasked += (outcome & LoopClassifier::Unmasked) != 0;
      tested += (outcome & LoopClassifier::Tested) != 0;
      LADON_DEBUG("becomes " << *loop->getParentOp() << '\n');
    }
    // The analysis computes bounds that may turn out not to be needed.
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }
};
} // namespace
