//===- GpuDefects.cpp - Plausible mistakes in kernels of a GPU ------------===//
//
// Made in kernels whose tiles are what threads hold of them: copies, barriers,
// fragments and what goes between threads. The simulator or the numeric gate
// has to notice each.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Passes.h"
#include "dialects/tile/Tile.h"
#include "test/e2e/Defects.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

using namespace ladon;
using namespace ladon::e2e;
using namespace mlir;

//===--- Making defects --------------------------------------------------===//

/// Applies `change` to every operation of a kind in kernels; whether any was
/// changed.
template <typename Op>
static bool changeAll(ModuleOp module, llvm::function_ref<bool(Op)> change) {
  SmallVector<Op> ops;
  module.walk([&](Op op) {
    if (op->template getParentOfType<::mlir::gpu::GPUFuncOp>())
      ops.push_back(op);
  });
  bool changed = false;
  for (Op op : ops)
    changed |= change(op);
  return changed;
}

template <typename Op> static bool eraseAll(ModuleOp module) {
  return changeAll<Op>(module, [](Op op) {
    op->erase();
    return true;
  });
}

/// The value of an i32 or index constant.
static std::optional<int64_t> constantOf(Value value) {
  IntegerAttr attribute;
  if (!matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  return attribute.getInt();
}

static Value integer(OpBuilder &b, Operation *at, int64_t value,
                     unsigned width = 32) {
  return arith::ConstantIntOp::create(b, at->getLoc(), value, width);
}

//===--- Copies and barriers ---------------------------------------------===//

/// Waits leave one group more under way.
static bool waitForOneLess(ModuleOp module) {
  return changeAll<NVVM::CpAsyncWaitGroupOp>(module, [](auto op) {
    op.setN(op.getN() + 1);
    return true;
  });
}

/// Some of the threads do not come to a barrier.
static bool halfComesToBarriers(ModuleOp module) {
  return changeAll<::mlir::gpu::BarrierOp>(module, [](auto op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value thread = ::mlir::gpu::ThreadIdOp::create(
        b, b.getIndexType(), ::mlir::gpu::Dimension::x, IntegerAttr());
    Value isFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, thread,
                              arith::ConstantIndexOp::create(b, 64));
    auto branch = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
    op->moveBefore(branch.thenBlock()->getTerminator());
    return true;
  });
}

/// Nothing of a row is copied: all of it is the zeros of missing bytes.
static bool copyZeros(ModuleOp module) {
  return changeAll<NVVM::CpAsyncOp>(module, [](NVVM::CpAsyncOp op) {
    OpBuilder b(op);
    op.getCpSizeMutable().assign(integer(b, op, 0));
    return true;
  });
}

/// Copies go `bytes` behind their place in shared memory.
static bool moveCopies(ModuleOp module, int64_t bytes) {
  return changeAll<NVVM::CpAsyncOp>(module, [&](NVVM::CpAsyncOp op) {
    OpBuilder b(op);
    op.getDstMutable().assign(LLVM::GEPOp::create(
        b, op.getLoc(), op.getDst().getType(), b.getI8Type(), op.getDst(),
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)}));
    return true;
  });
}

/// Values lie where the keys of the same block do.
static bool valuesOverKeys(ModuleOp module) {
  return changeAll<memref::ViewOp>(module, [](memref::ViewOp op) {
    auto sum = op.getByteShift().getDefiningOp<arith::AddIOp>();
    if (!sum || !constantOf(sum.getRhs()))
      return false;
    op.getByteShiftMutable().assign(sum.getLhs());
    return true;
  });
}

/// All blocks of keys are in one place.
static bool oneStage(ModuleOp module) {
  return changeAll<arith::RemUIOp>(module, [](arith::RemUIOp op) {
    if (constantOf(op.getRhs()) != 2)
      return false;
    OpBuilder b(op);
    op.replaceAllUsesWith(
        arith::ConstantIndexOp::create(b, op.getLoc(), 0).getResult());
    return true;
  });
}

/// A kernel asks for too little shared memory.
static bool halveSharedMemory(ModuleOp module) {
  bool changed = false;
  module.walk([&](::mlir::gpu::GPUFuncOp kernel) {
    auto bytes = kernel->getAttrOfType<IntegerAttr>(cuda::sharedBytesAttr);
    if (!bytes || bytes.getInt() == 0)
      return;
    Builder b(module.getContext());
    kernel->setAttr(cuda::sharedBytesAttr,
                    b.getI64IntegerAttr(bytes.getInt() / 2));
    changed = true;
  });
  return changed;
}

/// The next block is copied from where this one is.
static bool copySameBlock(ModuleOp module) {
  return changeAll<scf::ForOp>(module, [](scf::ForOp loop) {
    bool changed = false;
    for (Operation &op : llvm::make_early_inc_range(*loop.getBody())) {
      auto next = dyn_cast<arith::AddIOp>(op);
      if (!next || next.getLhs() != loop.getInductionVar() ||
          next.getRhs() != loop.getStep())
        continue;
      next.replaceAllUsesWith(loop.getInductionVar());
      changed = true;
    }
    return changed;
  });
}

//===--- Fragments -------------------------------------------------------===//

static bool turnMatrices(ModuleOp module, NVVM::MMALayout from) {
  return changeAll<NVVM::LdMatrixOp>(module, [&](NVVM::LdMatrixOp op) {
    if (op.getLayout() != from)
      return false;
    op.setLayout(from == NVVM::MMALayout::row ? NVVM::MMALayout::col
                                              : NVVM::MMALayout::row);
    return true;
  });
}

/// Two operands of products change places.
static bool swapOperands(ModuleOp module, bool ofLeft, unsigned first,
                         unsigned second) {
  return changeAll<NVVM::MmaOp>(module, [&](NVVM::MmaOp op) {
    MutableOperandRange range =
        ofLeft ? op.getOperandAMutable() : op.getOperandBMutable();
    Value x = range[first].get(), y = range[second].get();
    range[first].set(y);
    range[second].set(x);
    return true;
  });
}

/// Two accumulators change places behind products.
static bool swapResults(ModuleOp module, int64_t first, int64_t second) {
  return changeAll<LLVM::ExtractValueOp>(module, [&](auto op) {
    if (!op.getContainer().template getDefiningOp<NVVM::MmaOp>())
      return false;
    int64_t at = op.getPosition()[0];
    if (at != first && at != second)
      return false;
    op.setPosition({at == first ? second : first});
    return true;
  });
}

/// 16-bit numbers are taken for those of the other type.
static bool takeForHalf(ModuleOp module) {
  return changeAll<NVVM::MmaOp>(module, [](NVVM::MmaOp op) {
    if (op.getMultiplicandAPtxType() != NVVM::MMATypes::bf16)
      return false;
    op.setMultiplicandAPtxType(NVVM::MMATypes::f16);
    op.setMultiplicandBPtxType(NVVM::MMATypes::f16);
    return true;
  });
}

/// Products of f32 lack those of the rests.
static bool loseRests(ModuleOp module) {
  return changeAll<arith::SubFOp>(module, [](arith::SubFOp op) {
    if (!op.getType().isF32() || !op.getRhs().getDefiningOp<arith::BitcastOp>())
      return false;
    OpBuilder b(op);
    op.replaceAllUsesWith(
        arith::ConstantOp::create(b, op.getLoc(), b.getF32FloatAttr(0))
            .getResult());
    return true;
  });
}

//===--- Threads ---------------------------------------------------------===//

/// A part of a thread's number is taken for zero.
static bool loseBits(ModuleOp module, int64_t shift) {
  return changeAll<arith::ShRUIOp>(module, [&](arith::ShRUIOp op) {
    if (constantOf(op.getRhs()) != shift)
      return false;
    OpBuilder b(op);
    op.replaceAllUsesWith(integer(b, op, 0));
    return true;
  });
}

/// Exchanges over `from` lanes go over `to`.
static bool changeExchanges(ModuleOp module, int64_t from, int64_t to) {
  return changeAll<NVVM::ShflOp>(module, [&](NVVM::ShflOp op) {
    if (op.getKind() != NVVM::ShflKind::bfly ||
        constantOf(op.getOffset()) != from)
      return false;
    OpBuilder b(op);
    op.getOffsetMutable().assign(integer(b, op, to));
    return true;
  });
}

/// What there is once per row is that of a thread's first row.
static bool spreadFirstRow(ModuleOp module) {
  return changeAll<vector::ShuffleOp>(module, [](vector::ShuffleOp op) {
    if (op.getV1() != op.getV2() ||
        op.getResultVectorType().getNumElements() <= 4)
      return false;
    op.setMask(SmallVector<int64_t>(op.getMask().size(), 0));
    return true;
  });
}

static bool everyBlockIsTheFirst(ModuleOp module) {
  return changeAll<::mlir::gpu::BlockIdOp>(module, [](auto op) {
    OpBuilder b(op);
    op.replaceAllUsesWith(
        arith::ConstantIndexOp::create(b, op.getLoc(), 0).getResult());
    return true;
  });
}

/// Whether an output is finite is asked of no thread.
static bool neverRecompute(ModuleOp module) {
  return changeAll<NVVM::BarrierOp>(module, [](NVVM::BarrierOp op) {
    if (!op.getReductionPredicate())
      return false;
    OpBuilder b(op);
    op.getReductionPredicateMutable().assign(integer(b, op, 0));
    return true;
  });
}

/// Hidden keys take part in the second pass.
static bool loseGuard(ModuleOp module) {
  return changeAll<arith::CmpFOp>(module, [](arith::CmpFOp op) {
    if (op.getPredicate() != arith::CmpFPredicate::UNE ||
        !op.getLhs().getDefiningOp<NVVM::ShflOp>())
      return false;
    OpBuilder b(op);
    op.replaceAllUsesWith(integer(b, op, 1, 1));
    return true;
  });
}

/// Scores beyond the last key are not hidden.
static bool showBeyond(ModuleOp module) {
  return changeAll<scf::IfOp>(module, [](scf::IfOp op) {
    auto isPart = op.getCondition().getDefiningOp<arith::CmpIOp>();
    if (op.getNumResults() != 1 || !isPart ||
        isPart.getPredicate() != arith::CmpIPredicate::slt ||
        !isa<VectorType>(op.getResult(0).getType()) ||
        !constantOf(isPart.getRhs()))
      return false;
    OpBuilder b(op);
    op.getConditionMutable().assign(integer(b, op, 0, 1));
    return true;
  });
}

//===--- The table -------------------------------------------------------===//

static const Defect defects[] = {
    {"copies not waited for", "test/e2e/specs/bf16_all",
     eraseAll<NVVM::CpAsyncWaitGroupOp>, Stage::Vector},
    {"waits one group short", "test/e2e/specs/bf16_all", waitForOneLess,
     Stage::Vector},
    {"copies without a group", "test/e2e/specs/bf16_all",
     eraseAll<NVVM::CpAsyncCommitGroupOp>, Stage::Vector},
    {"barriers lost", "test/e2e/specs/bf16_all",
     eraseAll<::mlir::gpu::BarrierOp>, Stage::Vector},
    {"half of the threads at barriers", "test/e2e/specs/bf16_all",
     halfComesToBarriers, Stage::Vector},
    {"nothing copied", "test/e2e/specs/bf16_all", copyZeros, Stage::Vector},
    {"copies one unit behind", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return moveCopies(module, 16); }, Stage::Vector},
    {"copies not aligned", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return moveCopies(module, 8); }, Stage::Vector},
    {"values over keys", "test/e2e/specs/bf16_all", valuesOverKeys,
     Stage::Vector},
    {"next block over this one", "test/e2e/specs/bf16_all", oneStage,
     Stage::Vector},
    {"same block copied again", "test/e2e/specs/bf16_all", copySameBlock,
     Stage::Vector},
    {"too little shared memory", "test/e2e/specs/bf16_all", halveSharedMemory,
     Stage::Vector},
    {"keys transposed", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return turnMatrices(module, NVVM::MMALayout::row); },
     Stage::Vector},
    {"values not transposed", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return turnMatrices(module, NVVM::MMALayout::col); },
     Stage::Vector},
    {"rows of the left operand in the wrong order", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return swapOperands(module, true, 1, 2); },
     Stage::Vector},
    {"halves of the right operand exchanged", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return swapOperands(module, false, 0, 1); },
     Stage::Vector},
    {"rows of accumulators exchanged", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return swapResults(module, 0, 2); }, Stage::Vector},
    {"columns of accumulators exchanged", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return swapResults(module, 0, 1); }, Stage::Vector},
    {"bf16 taken for f16", "test/e2e/specs/bf16_all", takeForHalf,
     Stage::Vector},
    {"products of f32 in tf32", "examples/mha", loseRests, Stage::Vector},
    {"all warps on the first rows", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return loseBits(module, 5); }, Stage::Vector},
    {"all lanes in the first group", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return loseBits(module, 2); }, Stage::Vector},
    {"rows reduced over two lanes", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return changeExchanges(module, 2, 1); },
     Stage::Vector},
    {"rows reduced with others", "test/e2e/specs/bf16_all",
     [](ModuleOp module) { return changeExchanges(module, 2, 4); },
     Stage::Vector},
    {"first row for all rows", "test/e2e/specs/bf16_all", spreadFirstRow,
     Stage::Vector},
    {"first block for all blocks", "test/e2e/specs/bf16_all",
     everyBlockIsTheFirst, Stage::Vector},
    {"masked NaN not kept out", "test/e2e/specs/f16_causal_lse", neverRecompute,
     Stage::Vector},
    {"hidden keys in the second pass", "test/e2e/specs/f16_causal_lse",
     loseGuard, Stage::Vector},
    {"keys beyond the last", "test/e2e/specs/bf16_all", showBeyond,
     Stage::Vector},
};

ArrayRef<Defect> e2e::gpuDefects() { return defects; }
