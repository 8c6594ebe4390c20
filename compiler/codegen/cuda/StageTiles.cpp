//===- StageTiles.cpp - Tiles that all threads read, in shared memory -----===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Passes.h"

#include "compiler/codegen/cuda/ThreadTile.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/Support/MathExtras.h"

namespace ladon::cuda {
#define GEN_PASS_DEF_STAGETILES
#include "compiler/codegen/cuda/Passes.h.inc"
} // namespace ladon::cuda

using namespace mlir;
using namespace ladon;
using namespace ladon::cuda;

//===----------------------------------------------------------------------===//
// Scores beyond the end
//===----------------------------------------------------------------------===//

/// The scores with those of columns from `keys` on minus infinity, where a
/// block has fewer keys than the tile.
static Value hideBeyond(ImplicitLocOpBuilder &b, Value scores, Value keys) {
  auto type = cast<RankedTensorType>(scores.getType());
  Value width = arith::ConstantIndexOp::create(b, type.getDimSize(1));
  Value isPart =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, keys, width);
  auto branch = scf::IfOp::create(b, TypeRange{type}, isPart,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, scores);
  b.setInsertionPointToStart(branch.thenBlock());
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value end = arith::IndexCastOp::create(b, b.getI32Type(), keys);
  auto mask = tile::MaskOp::create(b, TypeRange{type}, scores, zero, zero, zero,
                                   zero, width, ValueRange{end},
                                   /*outs=*/ValueRange(), AffineMapAttr(),
                                   /*transposed=*/false);
  scf::YieldOp::create(b, mask.getResult());
  Type i32 = b.getI32Type();
  Block *body = b.createBlock(&mask.getBody(), {}, {i32, i32, i32, i32, i32},
                              SmallVector<Location>(5, b.getLoc()));
  Value isKey = arith::CmpIOp::create(
      b, arith::CmpIPredicate::slt, body->getArgument(3), body->getArgument(4));
  tile::YieldOp::create(b, isKey);
  return branch.getResult(0);
}

/// Before the largest score of a row is taken; the weights are made of the same
/// scores.
static void hideScores(::mlir::gpu::GPUFuncOp kernel) {
  kernel.walk([](tile::RowMaxOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value scores = op.getScores(), hidden = hideBeyond(b, scores, op.getKeys());
    auto *made = hidden.getDefiningOp();
    DominanceInfo dominance;
    scores.replaceUsesWithIf(hidden, [&](OpOperand &use) {
      return use.getOwner() != made && !made->isAncestor(use.getOwner()) &&
             dominance.properlyDominates(made, use.getOwner());
    });
  });
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

namespace {
/// Which buffer a load fills.
enum Role { Keys, Values, NumRoles };

/// A load whose tile all threads read, in one operation.
struct Staged {
  tile::LoadOp load;
  Operation *user;
  Role role;
};
} // namespace

/// The only reader of the tile of `load` as keys or values.
static std::optional<Staged> asStaged(tile::LoadOp load) {
  if (!load.getTile() || !load.getTile().hasOneUse())
    return std::nullopt;
  Operation *user = *load.getTile().getUsers().begin();
  if (auto contract = dyn_cast<tile::ContractOp>(user))
    if (contract.getRight() == load.getTile())
      return Staged{load, user, Keys};
  if (auto accumulate = dyn_cast<tile::AccumulateOp>(user))
    if (accumulate.getValue() == load.getTile())
      return Staged{load, user, Values};
  return std::nullopt;
}

/// Keys that are their own values are loaded twice: a load fills one buffer.
static void splitUses(::mlir::gpu::GPUFuncOp kernel) {
  kernel.walk([](tile::LoadOp load) {
    if (!load.getTile())
      return;
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : load.getTile().getUses())
      uses.push_back(&use);
    OpBuilder b(load);
    for (OpOperand *use : llvm::drop_end(uses))
      use->set(b.clone(*load)->getResult(0));
  });
}

/// Moves the copy of values to that of the keys of the same block, if there is
/// one, so that both are under way at once. What it needs is known there.
static void startTogether(ArrayRef<Staged> staged) {
  for (Staged values : staged) {
    if (values.role != Values)
      continue;
    DominanceInfo dominance;
    for (Staged keys : staged)
      if (keys.role == Keys &&
          keys.load->getBlock() == values.load->getBlock() &&
          keys.load->isBeforeInBlock(values.load) &&
          llvm::all_of(values.load->getOperands(), [&](Value operand) {
            return dominance.properlyDominates(operand, keys.load);
          }))
        values.load->moveAfter(keys.load);
  }
}

namespace {
struct StageTiles : public ladon::cuda::impl::StageTilesBase<StageTiles> {
  void runOnOperation() override {
    WalkResult paged = getOperation().walk([](tile::LoadOp load) {
      if (!load.getPages())
        return WalkResult::advance();
      load.emitError("cannot be compiled for a GPU: there are no keys and "
                     "values in pages yet; build it for a CPU");
      return WalkResult::interrupt();
    });
    if (paged.wasInterrupted())
      return signalPassFailure();
    hideScores(getOperation());
    splitUses(getOperation());
    SmallVector<Staged> staged;
    getOperation().walk([&](tile::LoadOp load) {
      if (auto found = asStaged(load))
        staged.push_back(*found);
    });
    startTogether(staged);
    placeBuffers(staged);
    // In the order of the code: a walk is what finds out what is under way.
    staged.clear();
    getOperation().walk([&](tile::LoadOp load) {
      if (auto found = asStaged(load))
        staged.push_back(*found);
    });
    for (Staged one : staged)
      stage(one);
  }

private:
  /// A place for each role, as large as the largest tile of it.
  void placeBuffers(ArrayRef<Staged> staged) {
    int64_t sizes[NumRoles] = {0, 0};
    for (Staged one : staged)
      sizes[one.role] =
          std::max(sizes[one.role], sharedBytes(one.load.getTile().getType()));
    offsets[Keys] = 0;
    offsets[Values] = sizes[Keys];
    getOperation()->setAttr(
        sharedBytesAttr, OpBuilder(&getContext())
                             .getI64IntegerAttr(sizes[Keys] + sizes[Values]));
  }

  Value buffer(ImplicitLocOpBuilder &b, Staged one) {
    auto space = ::mlir::gpu::AddressSpaceAttr::get(
        &getContext(), ::mlir::gpu::AddressSpace::Workgroup);
    auto bytes = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(),
                                 AffineMap(), space);
    Value all = ::mlir::gpu::DynamicSharedMemoryOp::create(b, bytes);
    auto rows = sharedTile(one.load.getTile().getType(), space);
    Value view = memref::ViewOp::create(
        b, rows, all, arith::ConstantIndexOp::create(b, offsets[one.role]),
        ValueRange());
    // The tile without the ends of its rows.
    auto tile = cast<RankedTensorType>(one.load.getTile().getType());
    auto zero = b.getIndexAttr(0), unit = b.getIndexAttr(1);
    return memref::SubViewOp::create(b, view,
                                     ArrayRef<OpFoldResult>{zero, zero},
                                     {b.getIndexAttr(tile.getDimSize(0)),
                                      b.getIndexAttr(tile.getDimSize(1))},
                                     {unit, unit});
  }

  /// Fills a buffer where the load is, and waits for it where it is read.
  void stage(Staged one) {
    ImplicitLocOpBuilder b(one.load.getLoc(), one.load);
    // Somebody may still read what the buffer has held so far. A copy that
    // starts with another one needs no barrier of its own.
    bool follows = isCommit(one.load->getPrevNode());
    if (!follows)
      ::mlir::gpu::BarrierOp::create(b);
    Value shared = buffer(b, one);
    tile::LoadOp load = one.load;
    tile::LoadOp::create(b, TypeRange(), load.getSource(), load.getBatch(),
                         load.getHead(), load.getRow(), load.getRows(),
                         load.getPages(), ValueRange{shared},
                         load.getPageSizeAttr(), load.getScaleAttr(),
                         load.getRowMapAttr(), load.getTransposed());
    NVVM::CpAsyncCommitGroupOp::create(b);
    one.load.getTile().replaceAllUsesWith(shared);
    one.load.erase();

    b.setInsertionPoint(one.user);
    // What started later may still be under way.
    int64_t later = one.role == Keys ? startedBefore(one.user) : 0;
    NVVM::CpAsyncWaitGroupOp::create(b, static_cast<uint32_t>(later));
    ::mlir::gpu::BarrierOp::create(b);
  }

  static bool isCommit(Operation *op) {
    return isa_and_nonnull<NVVM::CpAsyncCommitGroupOp>(op);
  }

  /// Whether the copy of the values is between that of the keys and `user`.
  static int64_t startedBefore(Operation *user) {
    for (Operation *op = user->getPrevNode(); op; op = op->getPrevNode())
      if (auto load = dyn_cast<tile::LoadOp>(op))
        if (auto found = asStaged(load); found && found->role == Values)
          return 1;
    return 0;
  }

  int64_t offsets[NumRoles] = {0, 0};
};
} // namespace
