//===- StageTiles.cpp - Tiles that all threads read, in shared memory -----===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Passes.h"

#include "compiler/codegen/cuda/ThreadTile.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
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
  auto mask =
      tile::MaskOp::create(b, TypeRange{type}, scores, zero, zero, zero, zero,
                           width, /*rows=*/Value(), ValueRange{end},
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
enum Role { Queries, Keys, Values, NumRoles };

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

/// Keys and values, in the order of the code.
static SmallVector<Staged> findStaged(::mlir::gpu::GPUFuncOp kernel) {
  SmallVector<Staged> staged;
  kernel.walk([&](tile::LoadOp load) {
    if (auto found = asStaged(load))
      staged.push_back(*found);
  });
  return staged;
}

/// Rows of queries that would take too many registers of each thread: products
/// read them from shared memory.
static bool isLargeQuery(tile::LoadOp load, int64_t threads) {
  if (!load.getTile() || load.getScale() || load.getTile().use_empty())
    return false;
  for (OpOperand &use : load.getTile().getUses()) {
    auto contract = dyn_cast<tile::ContractOp>(use.getOwner());
    if (!contract || contract.getLeft() != load.getTile() ||
        contract.getRight() == load.getTile())
      return false;
  }
  constexpr int64_t mostRegisters = 32;
  VectorType held = threadVector(load.getTile().getType(), threads);
  return held.getNumElements() * held.getElementTypeBitWidth() / 32 >
         mostRegisters;
}

/// States of several chunks are read at once: each is a wait for memory, and
/// nothing else is to be done meanwhile. So many features fit the registers.
static void unrollMerges(::mlir::gpu::GPUFuncOp kernel) {
  constexpr int64_t features = 384, mostAtOnce = 4;
  SmallVector<std::pair<scf::ForOp, int64_t>> loops;
  kernel.walk([&](tile::MergeOp op) {
    auto acc = cast<ShapedType>(op.getAcc().getType());
    if (auto loop = dyn_cast<scf::ForOp>(op->getParentOp()))
      loops.emplace_back(loop,
                         std::min(features / acc.getDimSize(1), mostAtOnce));
  });
  for (auto [loop, atOnce] : loops)
    if (atOnce > 1)
      (void)loopUnrollByFactor(loop, atOnce);
}

/// Keys that are their own values are loaded twice: a load fills one buffer.
static void splitUses(::mlir::gpu::GPUFuncOp kernel) {
  kernel.walk([](tile::LoadOp load) {
    if (!load.getTile())
      return;
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : load.getTile().getUses())
      if (!isa<tile::ContractOp>(use.getOwner()) || use.getOperandNumber() != 0)
        uses.push_back(&use);
    bool isLeft = uses.size() < llvm::range_size(load.getTile().getUses());
    OpBuilder b(load);
    for (OpOperand *use : isLeft ? uses : llvm::drop_end(uses))
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

//===----------------------------------------------------------------------===//
// Blocks ahead of time
//===----------------------------------------------------------------------===//

namespace {
/// A loop whose body copies keys and values of one block and uses them.
struct KeyLoop {
  scf::ForOp loop;
  Staged keys, values;
  /// What the operands of both loads are computed by, in the order of the body:
  /// of the loop's variable and of what is outside of it.
  SmallVector<Operation *> positions;
};
} // namespace

/// Whether `op` may be done once more, earlier: it reads nothing, or a table
/// that the kernel only reads, such as that of pages.
static bool isRepeatable(Operation *op) {
  if (op->getNumRegions() != 0)
    return false;
  auto load = dyn_cast<memref::LoadOp>(op);
  if (!load)
    return isMemoryEffectFree(op);
  return isa<BlockArgument>(load.getMemRef()) &&
         llvm::all_of(load.getMemRef().getUsers(), [](Operation *user) {
           return isa<memref::LoadOp, memref::DimOp, tile::LoadOp>(user);
         });
}

/// Adds what `value` is computed by inside of `loop`; false if that needs more
/// than the number of the iteration, or cannot be done once more.
static bool addPositions(Value value, scf::ForOp loop,
                         llvm::SetVector<Operation *> &positions) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument == loop.getInductionVar() ||
           argument.getOwner() != loop.getBody();
  Operation *op = value.getDefiningOp();
  if (op->getBlock() != loop.getBody() || positions.contains(op))
    return true;
  if (!isRepeatable(op))
    return false;
  positions.insert(op);
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return addPositions(operand, loop, positions);
  });
}

/// The loop around `keys`, if the next block of it can be copied while this one
/// is worked on.
static std::optional<KeyLoop> asKeyLoop(Staged keys, ArrayRef<Staged> staged) {
  auto loop = dyn_cast<scf::ForOp>(keys.load->getParentOp());
  if (keys.role != Keys || !loop)
    return std::nullopt;
  for (Staged values : staged) {
    if (values.role != Values || values.load->getParentOp() != loop)
      continue;
    if (keys.user->getBlock() != loop.getBody() ||
        values.user->getBlock() != loop.getBody())
      return std::nullopt;
    llvm::SetVector<Operation *> positions;
    for (tile::LoadOp load : {keys.load, values.load})
      for (Value operand : load->getOperands())
        if (!addPositions(operand, loop, positions))
          return std::nullopt;
    KeyLoop found{loop, keys, values, positions.takeVector()};
    llvm::sort(found.positions, [](Operation *x, Operation *y) {
      return x->isBeforeInBlock(y);
    });
    return found;
  }
  return std::nullopt;
}

static SmallVector<KeyLoop> findKeyLoops(ArrayRef<Staged> staged) {
  SmallVector<KeyLoop> loops;
  for (Staged one : staged)
    if (auto loop = asKeyLoop(one, staged))
      loops.push_back(*loop);
  return loops;
}

namespace {
struct StageTiles : public ladon::cuda::impl::StageTilesBase<StageTiles> {
  using StageTilesBase::StageTilesBase;

  void runOnOperation() override {
    ::mlir::gpu::GPUFuncOp kernel = getOperation();
    if (threadsOf(kernel) == 0) {
      kernel.emitOpError("expected a known block size; run "
                         "cuda-outline-kernels before");
      return signalPassFailure();
    }
    unrollMerges(kernel);
    hideScores(kernel);
    splitUses(kernel);
    SmallVector<tile::LoadOp> queries;
    kernel.walk([&](tile::LoadOp load) {
      if (isLargeQuery(load, threadsOf(kernel)))
        queries.push_back(load);
    });
    SmallVector<Staged> staged = findStaged(kernel);
    placeBuffers(queries, staged);
    for (tile::LoadOp load : queries)
      stageQueries(load);
    if (stages > 1)
      for (KeyLoop &loop : findKeyLoops(staged)) {
        copyAhead(loop);
        ++ahead;
      }
    // All that is left is copied where it is used.
    staged = findStaged(kernel);
    startTogether(staged);
    // In the order of the code: a walk is what finds out what is under way.
    for (Staged one : findStaged(kernel))
      stage(one);
  }

private:
  /// A place for each role, as large as the largest tile of it; two for keys
  /// and values where there is room.
  void placeBuffers(ArrayRef<tile::LoadOp> queries, ArrayRef<Staged> staged) {
    int64_t sizes[NumRoles] = {0, 0, 0};
    auto enlarge = [&](Role role, tile::LoadOp load) {
      sizes[role] =
          std::max(sizes[role], sharedBytes(load.getTile().getType()));
    };
    for (tile::LoadOp load : queries)
      enlarge(Queries, load);
    for (Staged one : staged)
      enlarge(one.role, one.load);
    offsets[Queries] = 0;
    offsets[Keys] = sizes[Queries];
    offsets[Values] = sizes[Queries] + sizes[Keys];
    stageBytes = sizes[Keys] + sizes[Values];
    bool hasRoom = sizes[Queries] + 2 * stageBytes <= shared;
    bool isLoop = llvm::any_of(
        staged, [&](Staged one) { return asKeyLoop(one, staged).has_value(); });
    stages = hasRoom && isLoop ? 2 : 1;
    getOperation()->setAttr(
        sharedBytesAttr,
        OpBuilder(&getContext())
            .getI64IntegerAttr(sizes[Queries] + stages * stageBytes));
  }

  /// The place of a tile; `stage` is an index, or null for the first.
  Value buffer(ImplicitLocOpBuilder &b, Role role, RankedTensorType tile,
               Value stage = Value()) {
    auto space = ::mlir::gpu::AddressSpaceAttr::get(
        &getContext(), ::mlir::gpu::AddressSpace::Workgroup);
    auto bytes = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(),
                                 AffineMap(), space);
    Value all = ::mlir::gpu::DynamicSharedMemoryOp::create(b, bytes);
    Value offset = arith::ConstantIndexOp::create(b, offsets[role]);
    if (stage) {
      Value size = arith::ConstantIndexOp::create(b, stageBytes);
      offset = arith::AddIOp::create(b, offset,
                                     arith::MulIOp::create(b, stage, size));
    }
    Value view = memref::ViewOp::create(b, sharedTile(tile, space), all, offset,
                                        ValueRange());
    // The tile without the ends of its rows.
    auto zero = b.getIndexAttr(0), unit = b.getIndexAttr(1);
    return memref::SubViewOp::create(b, view,
                                     ArrayRef<OpFoldResult>{zero, zero},
                                     {b.getIndexAttr(tile.getDimSize(0)),
                                      b.getIndexAttr(tile.getDimSize(1))},
                                     {unit, unit});
  }

  /// The copy that `load` stands for, with its operands mapped.
  static void copy(ImplicitLocOpBuilder &b, tile::LoadOp load, Value to,
                   const IRMapping &map = {}) {
    auto mapped = [&](Value v) { return v ? map.lookupOrDefault(v) : v; };
    tile::LoadOp::create(
        b, TypeRange(), load.getSource(), mapped(load.getBatch()),
        mapped(load.getHead()), mapped(load.getRow()), mapped(load.getRows()),
        mapped(load.getPages()), ValueRange{to}, load.getPageSizeAttr(),
        load.getScaleAttr(), load.getRowMapAttr(), load.getTransposed());
  }

  /// Fills the buffer of queries once. Whoever waits for keys waits for them,
  /// too.
  void stageQueries(tile::LoadOp load) {
    ImplicitLocOpBuilder b(load.getLoc(), load);
    Value to = buffer(b, Queries, load.getTile().getType());
    copy(b, load, to);
    NVVM::CpAsyncCommitGroupOp::create(b);
    load.getTile().replaceAllUsesWith(to);
    load.erase();
  }

  /// Copies of the next block start when those of this one have arrived: the
  /// whole of this block's work is there for them. One barrier says that all
  /// copies have arrived, and that the other buffers are not read any more.
  void copyAhead(KeyLoop &keyLoop) {
    scf::ForOp loop = keyLoop.loop;
    Staged both[] = {keyLoop.keys, keyLoop.values};
    auto fill = [&](ImplicitLocOpBuilder &b, Value iteration, Value stage) {
      Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                           iteration, loop.getUpperBound());
      auto branch = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(branch.thenBlock());
        IRMapping map;
        map.map(loop.getInductionVar(), iteration);
        for (Operation *op : keyLoop.positions)
          b.clone(*op, map);
        for (Staged one : both)
          copy(b, one.load,
               buffer(b, one.role, one.load.getTile().getType(), stage), map);
      }
      NVVM::CpAsyncCommitGroupOp::create(b);
    };
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    // Another loop may still read the buffers.
    ::mlir::gpu::BarrierOp::create(b);
    fill(b, loop.getLowerBound(), arith::ConstantIndexOp::create(b, 0));

    b.setInsertionPointToStart(loop.getBody());
    Value iteration = loop.getInductionVar();
    Value two = arith::ConstantIndexOp::create(b, 2);
    Value number = arith::DivUIOp::create(
        b, arith::SubIOp::create(b, iteration, loop.getLowerBound()),
        loop.getStep());
    Value stage = arith::RemUIOp::create(b, number, two);
    Value other =
        arith::SubIOp::create(b, arith::ConstantIndexOp::create(b, 1), stage);
    NVVM::CpAsyncWaitGroupOp::create(b, 0);
    ::mlir::gpu::BarrierOp::create(b);
    fill(b, arith::AddIOp::create(b, iteration, loop.getStep()), other);
    for (Staged one : both) {
      Value from = buffer(b, one.role, one.load.getTile().getType(), stage);
      one.load.getTile().replaceAllUsesWith(from);
      one.load.erase();
    }
  }

  /// Fills a buffer where the load is, and waits for it where it is read.
  void stage(Staged one) {
    ImplicitLocOpBuilder b(one.load.getLoc(), one.load);
    // Somebody may still read what the buffer has held so far. A copy that
    // starts with another one needs no barrier of its own.
    bool follows = isCommit(one.load->getPrevNode());
    if (!follows)
      ::mlir::gpu::BarrierOp::create(b);
    Value to = buffer(b, one.role, one.load.getTile().getType());
    copy(b, one.load, to);
    NVVM::CpAsyncCommitGroupOp::create(b);
    one.load.getTile().replaceAllUsesWith(to);
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

  int64_t offsets[NumRoles] = {0, 0, 0};
  int64_t stageBytes = 0; ///< Of keys and values of one block.
  int64_t stages = 1;
};
} // namespace
