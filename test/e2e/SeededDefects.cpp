//===- SeededDefects.cpp - Plausible mistakes of a compiler ---------------===//

#include "dialects/tile/Tile.h"
#include "test/e2e/Defects.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace ladon;
using namespace ladon::e2e;
using namespace mlir;

//===--- Making defects --------------------------------------------------===//

/// Applies `change` to every operation of a kind; whether any was changed.
template <typename Op>
static bool changeAll(ModuleOp module, llvm::function_ref<bool(Op)> change) {
  SmallVector<Op> ops;
  module.walk([&](Op op) { ops.push_back(op); });
  bool changed = false;
  for (Op op : ops)
    changed |= change(op);
  return changed;
}

static Value constant(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

static Value addConstant(OpBuilder &builder, Value to, int64_t value) {
  return arith::AddIOp::create(builder, to.getLoc(), to,
                               constant(builder, to.getLoc(), value));
}

/// Replaces a comparison of the masks by the one beside it.
static bool changePredicate(ModuleOp module, arith::CmpIPredicate from,
                            arith::CmpIPredicate to) {
  return changeAll<arith::CmpIOp>(module, [&](arith::CmpIOp op) {
    if (!op->getParentOfType<tile::MaskOp>() || op.getPredicate() != from)
      return false;
    op.setPredicate(to);
    return true;
  });
}

/// The loads of keys (1) or of values (2).
static bool changeLoads(ModuleOp module, unsigned argument,
                        llvm::function_ref<bool(tile::LoadOp)> change) {
  return changeAll<tile::LoadOp>(module, [&](tile::LoadOp load) {
    auto source = dyn_cast<BlockArgument>(load.getSource());
    return source && source.getArgNumber() == argument && change(load);
  });
}

template <typename Op>
static bool zeroOperand(ModuleOp module, OpOperand &(*get)(Op)) {
  return changeAll<Op>(module, [&](Op op) {
    OpBuilder builder(op);
    get(op).set(constant(builder, op.getLoc(), 0));
    return true;
  });
}

/// Updates of the online softmax, `state = state * factor + block`, at the
/// vector level, take the factor 1: of the output, whose factor is read from
/// memory, or of the sum.
static bool loseRescale(ModuleOp module, bool ofOutput) {
  return changeAll<vector::FMAOp>(module, [&](vector::FMAOp op) {
    auto state = op.getLhs().getDefiningOp<vector::LoadOp>();
    if (!state)
      return false;
    bool isUpdate = llvm::any_of(op->getUsers(), [&](Operation *user) {
      auto store = dyn_cast<vector::StoreOp>(user);
      return store && store.getBase() == state.getBase();
    });
    bool isOutput = op.getRhs().getDefiningOp<vector::LoadOp>() != nullptr;
    if (!isUpdate || isOutput != ofOutput)
      return false;
    OpBuilder builder(op);
    auto type = op.getType();
    op.getRhsMutable().assign(arith::ConstantOp::create(
        builder, op.getLoc(),
        DenseElementsAttr::get(
            type, builder.getFloatAttr(type.getElementType(), 1))));
    return true;
  });
}

/// The maximum that a block finds is not kept for the next one.
static bool keepOldMaximum(ModuleOp module) {
  return changeAll<vector::StoreOp>(module, [](vector::StoreOp store) {
    Operation *maximum = store.getValueToStore().getDefiningOp();
    if (!isa_and_nonnull<arith::MaximumFOp, arith::MaxNumFOp, arith::SelectOp>(
            maximum))
      return false;
    for (Value operand : maximum->getOperands())
      if (auto load = operand.getDefiningOp<vector::LoadOp>())
        if (load.getBase() == store.getBase()) {
          store.erase();
          return true;
        }
    return false;
  });
}

/// The blocks without a mask, or those around them, are not visited.
static bool skipBlocks(ModuleOp module, bool full) {
  return changeAll<tile::KeyLoopOp>(module, [&](tile::KeyLoopOp loop) {
    if (!loop.getFullUpper())
      return false;
    if (full) {
      loop.getLowerMutable().assign(loop.getFullUpper());
      loop.getFullLowerMutable().assign(loop.getFullUpper());
    } else {
      loop.getLowerMutable().assign(loop.getFullLower());
      loop.getUpperMutable().assign(loop.getFullUpper());
    }
    return true;
  });
}

/// The full range takes a key that the mask should decide.
static bool widenFullRange(ModuleOp module) {
  return changeAll<tile::KeyLoopOp>(module, [](tile::KeyLoopOp loop) {
    if (!loop.getFullUpper())
      return false;
    OpBuilder builder(loop);
    Value wider = arith::MinSIOp::create(
        builder, loop.getLoc(), addConstant(builder, loop.getFullUpper(), 1),
        loop.getUpper());
    loop.getFullUpperMutable().assign(wider);
    return true;
  });
}

/// Blocks with a mask are taken for some without.
static bool loseMask(ModuleOp module) {
  return changeAll<tile::KeyLoopOp>(module, [](tile::KeyLoopOp loop) {
    if (!loop.getFullUpper())
      return false;
    auto builder = OpBuilder::atBlockBegin(&loop.getBody().front());
    loop.getIsFull().replaceAllUsesWith(
        arith::ConstantIntOp::create(builder, loop.getLoc(), 1, 1));
    return true;
  });
}

static bool loseTailOfKeys(ModuleOp module) {
  return changeAll<tile::KeyLoopOp>(module, [](tile::KeyLoopOp loop) {
    OpBuilder builder(loop);
    Value step = constant(builder, loop.getLoc(), loop.getStep());
    Value blocks =
        arith::DivSIOp::create(builder, loop.getLoc(), loop.getUpper(), step);
    loop.getUpperMutable().assign(
        arith::MulIOp::create(builder, loop.getLoc(), blocks, step));
    return true;
  });
}

static bool loseFirstKey(ModuleOp module) {
  return changeAll<tile::KeyLoopOp>(module, [](tile::KeyLoopOp loop) {
    if (loop.getFullUpper())
      return false;
    OpBuilder builder(loop);
    loop.getLowerMutable().assign(addConstant(builder, loop.getLower(), 1));
    return true;
  });
}

static bool loseLastQuery(ModuleOp module) {
  return changeAll<tile::StoreOp>(module, [](tile::StoreOp store) {
    OpBuilder builder(store);
    store.getRowsMutable().assign(addConstant(builder, store.getRows(), -1));
    return true;
  });
}

/// The query head of the grid point that `load` is in.
static Value queryHeadNear(tile::LoadOp load) {
  Value head;
  load->getParentOfType<tile::GridOp>().walk([&](tile::LoadOp other) {
    auto source = dyn_cast<BlockArgument>(other.getSource());
    if (source && source.getArgNumber() == 0)
      head = other.getHead();
  });
  return head;
}

/// Key heads taken in turns by the query heads, not in groups.
static bool interleaveHeads(ModuleOp module) {
  auto change = [&](tile::LoadOp load) {
    OpBuilder builder(load);
    int64_t heads = cast<MemRefType>(load.getSource().getType()).getDimSize(1);
    load.getHeadMutable().assign(
        arith::RemSIOp::create(builder, load.getLoc(), queryHeadNear(load),
                               constant(builder, load.getLoc(), heads)));
    return true;
  };
  return changeLoads(module, 1, change) && changeLoads(module, 2, change);
}

static bool scaleBy(ModuleOp module, double factor) {
  return changeLoads(module, 0, [&](tile::LoadOp load) {
    if (!load.getScale())
      return false;
    load.setScaleAttr(
        Builder(module.getContext())
            .getF64FloatAttr(load.getScale()->convertToDouble() * factor));
    return true;
  });
}

static bool loseOffset(ModuleOp module) {
  return changeAll<tile::MaskOp>(module, [](tile::MaskOp mask) {
    OpBuilder builder(mask);
    bool changed = false;
    for (OpOperand &capture : mask.getCapturesMutable())
      if (capture.get().getType().isInteger(32)) {
        capture.set(
            arith::ConstantIntOp::create(builder, mask.getLoc(), 0, 32));
        changed = true;
      }
    return changed;
  });
}

/// The score comes after the mask and shows hidden keys again.
static bool maskBeforeScore(ModuleOp module) {
  return changeAll<tile::MaskOp>(module, [](tile::MaskOp mask) {
    auto score = mask.getScores().getDefiningOp<tile::ModifyOp>();
    // With few rows the mask is under a condition, and stays.
    if (!score || score->getBlock() != mask->getBlock())
      return false;
    mask.getResult().replaceAllUsesWith(score.getResult());
    mask.getScoresMutable().assign(score.getScores());
    score.getScoresMutable().assign(mask.getResult());
    score->moveAfter(mask);
    return true;
  });
}

/// One row fewer than a tile has: it shows where that row has a register of its
/// own.
static bool oneRowFewer(ModuleOp module) {
  return changeAll<tile::AccumulateOp>(module, [](tile::AccumulateOp op) {
    if (!op.getRows())
      return false;
    OpBuilder builder(op);
    op.getRowsMutable().assign(addConstant(builder, op.getRows(), -1));
    return true;
  });
}

static bool narrowRanges(ModuleOp module) {
  return changeAll<tile::ValueRangeOp>(module, [](tile::ValueRangeOp range) {
    range.getUpperMutable().assign(range.getLower());
    return true;
  });
}

static bool compareBoolsWithOne(ModuleOp module) {
  return changeAll<arith::CmpIOp>(module, [](arith::CmpIOp op) {
    if (!op->getParentOfType<tile::MaskOp>() ||
        !op.getLhs().getType().isInteger(8))
      return false;
    OpBuilder builder(op);
    op.getRhsMutable().assign(
        arith::ConstantIntOp::create(builder, op.getLoc(), 1, 8));
    op.setPredicate(arith::CmpIPredicate::eq);
    return true;
  });
}

static bool truncateDivision(ModuleOp module) {
  return changeAll<arith::FloorDivSIOp>(module, [](arith::FloorDivSIOp op) {
    OpBuilder builder(op);
    op.replaceAllUsesWith(
        arith::DivSIOp::create(builder, op.getLoc(), op.getLhs(), op.getRhs())
            .getResult());
    return true;
  });
}

static bool neverRecompute(ModuleOp module) {
  return changeAll<tile::HasNonFiniteOp>(module, [](tile::HasNonFiniteOp op) {
    OpBuilder builder(op);
    Value no = arith::ConstantIntOp::create(builder, op.getLoc(), 0, 1);
    op.getResult().replaceAllUsesWith(no);
    return true;
  });
}

/// The reciprocal of the sum of weights, at the vector level, becomes zero: so
/// does every output.
static bool outputZero(ModuleOp module) {
  return changeAll<arith::DivFOp>(module, [](arith::DivFOp op) {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type)
      return false;
    OpBuilder builder(op);
    op.replaceAllUsesWith(arith::ConstantOp::create(builder, op.getLoc(),
                                                    builder.getZeroAttr(type))
                              .getResult());
    return true;
  });
}

/// The logarithm of the sum of weights becomes that of zero.
static bool emptyLse(ModuleOp module) {
  return changeAll<math::LogOp>(module, [](math::LogOp op) {
    OpBuilder builder(op);
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type)
      return false;
    auto zero = arith::ConstantOp::create(builder, op.getLoc(),
                                          builder.getZeroAttr(type));
    op.getOperandMutable().assign(zero);
    return true;
  });
}

/// Outputs below the normal numbers become zero, as with flush-to-zero.
static bool flushOutputs(ModuleOp module) {
  return changeAll<arith::MulFOp>(module, [](arith::MulFOp op) {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || !op.getRhs().getDefiningOp<arith::DivFOp>())
      return false;
    OpBuilder builder(op);
    builder.setInsertionPointAfter(op);
    auto splat = [&](double value) {
      return arith::ConstantOp::create(
          builder, op.getLoc(),
          DenseElementsAttr::get(
              type, builder.getFloatAttr(type.getElementType(), value)));
    };
    Value size = math::AbsFOp::create(builder, op.getLoc(), op.getResult());
    Value isTiny = arith::CmpFOp::create(
        builder, op.getLoc(), arith::CmpFPredicate::OLT, size, splat(0x1p-126));
    Value flushed = arith::SelectOp::create(builder, op.getLoc(), isTiny,
                                            splat(0), op.getResult());
    op.getResult().replaceUsesWithIf(flushed, [&](OpOperand &use) {
      return use.getOwner() != size.getDefiningOp() &&
             use.getOwner() != flushed.getDefiningOp();
    });
    return true;
  });
}

static const Defect defects[] = {
    {"causal mask one key short", "examples/causal_cache",
     [](ModuleOp module) {
       return changePredicate(module, arith::CmpIPredicate::sle,
                              arith::CmpIPredicate::slt);
     }},
    {"window one key short", "test/e2e/specs/window_two_sided",
     [](ModuleOp module) {
       return changePredicate(module, arith::CmpIPredicate::sle,
                              arith::CmpIPredicate::slt);
     }},
    {"partial key taken as full", "examples/causal_cache", widenFullRange},
    {"mask taken off partial blocks", "examples/causal_cache", loseMask},
    {"partial blocks skipped", "examples/causal_cache",
     [](ModuleOp module) { return skipBlocks(module, false); }},
    {"full blocks skipped", "examples/causal_cache",
     [](ModuleOp module) { return skipBlocks(module, true); }},
    {"tail of the keys lost", "examples/mha", loseTailOfKeys},
    {"first key lost", "examples/mha", loseFirstKey},
    {"last query of a tile lost", "examples/mha", loseLastQuery},
    {"maximum not kept", "examples/mha", keepOldMaximum, Stage::Vector},
    {"rescaling of the output lost", "examples/mha",
     [](ModuleOp module) { return loseRescale(module, true); }, Stage::Vector},
    {"rescaling of the sum lost", "examples/mha",
     [](ModuleOp module) { return loseRescale(module, false); }, Stage::Vector},
    {"rescaling lost", "examples/mha",
     [](ModuleOp module) {
       return loseRescale(module, true) && loseRescale(module, false);
     },
     Stage::Vector},
    {"key heads interleaved", "examples/gqa", interleaveHeads},
    {"values of the first head", "examples/mha",
     [](ModuleOp module) {
       return changeLoads(module, 2, [](tile::LoadOp load) {
         OpBuilder builder(load);
         load.getHeadMutable().assign(constant(builder, load.getLoc(), 0));
         return true;
       });
     }},
    {"keys of the first batch", "examples/mha",
     [](ModuleOp module) {
       return changeLoads(module, 1, [](tile::LoadOp load) {
         OpBuilder builder(load);
         load.getBatchMutable().assign(constant(builder, load.getLoc(), 0));
         return true;
       });
     }},
    {"keys in place of values", "examples/mha",
     [](ModuleOp module) {
       Value keys;
       changeLoads(module, 1, [&](tile::LoadOp load) {
         keys = load.getSource();
         return true;
       });
       return changeLoads(module, 2, [&](tile::LoadOp load) {
         load.getSourceMutable().assign(keys);
         return true;
       });
     }},
    {"scale 1/D", "examples/mha",
     [](ModuleOp module) { return scaleBy(module, 0.125); }},
    {"scale off by one part in ten thousand", "examples/mha",
     [](ModuleOp module) { return scaleBy(module, 1.0001); }},
    {"wrong base of the exponential", "examples/mha",
     [](ModuleOp module) {
       return changeAll<tile::SoftmaxWeightsOp>(module, [](auto op) {
         op.setBase2(!op.getBase2());
         return true;
       });
     }},
    {"lse in the wrong base", "examples/with_lse",
     [](ModuleOp module) {
       return changeAll<tile::SoftmaxFinishOp>(module, [](auto op) {
         op.setBase2(!op.getBase2());
         return true;
       });
     }},
    {"offset lost", "examples/causal_cache", loseOffset},
    {"mask at the first query of the tile", "examples/causal_cache",
     [](ModuleOp module) {
       return zeroOperand<tile::MaskOp>(
           module,
           [](tile::MaskOp op) -> OpOperand & { return op.getQueryMutable(); });
     }},
    {"mask at the first key of the block", "examples/causal_cache",
     [](ModuleOp module) {
       return zeroOperand<tile::MaskOp>(
           module,
           [](tile::MaskOp op) -> OpOperand & { return op.getKeyMutable(); });
     }},
    {"mask of another head", "test/e2e/specs/mask_by_head",
     [](ModuleOp module) {
       return zeroOperand<tile::MaskOp>(
           module,
           [](tile::MaskOp op) -> OpOperand & { return op.getHeadMutable(); });
     }},
    {"mask of another batch", "examples/bool_mask",
     [](ModuleOp module) {
       return zeroOperand<tile::MaskOp>(
           module,
           [](tile::MaskOp op) -> OpOperand & { return op.getBatchMutable(); });
     }},
    {"score of another head", "examples/alibi",
     [](ModuleOp module) {
       return zeroOperand<tile::ModifyOp>(module,
                                          [](tile::ModifyOp op) -> OpOperand & {
                                            return op.getHeadMutable();
                                          });
     }},
    {"score one key off", "examples/t5_bias",
     [](ModuleOp module) {
       return changeAll<tile::ModifyOp>(module, [](tile::ModifyOp op) {
         OpBuilder builder(op);
         op.getKeyMutable().assign(addConstant(builder, op.getKey(), 1));
         return true;
       });
     }},
    {"one row fewer accumulated", "examples/mha", oneRowFewer},
    {"mask before the score", "test/e2e/specs/score_constant", maskBeforeScore},
    {"ranges of the first element only", "examples/packed_documents",
     narrowRanges},
    {"bools compared with 1", "examples/bool_mask", compareBoolsWithOne},
    {"division truncates", "test/e2e/specs/integers_floor", truncateDivision},
    {"all zero for large scores", "test/e2e/large/scores", outputZero,
     Stage::Vector},
    {"lse of no keys for large scores", "test/e2e/large/scores", emptyLse,
     Stage::Vector},
    {"scale off by one part in ten thousand of large scores",
     "test/e2e/large/scores",
     [](ModuleOp module) { return scaleBy(module, 1.0001); }},
    {"subnormal outputs flushed", "examples/mha", flushOutputs, Stage::Vector},
    {"masked NaN not kept out", "examples/causal_cache", neverRecompute},
};

ArrayRef<Defect> e2e::seededDefects() { return defects; }
