//===- Codegen.cpp - Tile level to the LLVM dialect -----------------------===//

#include "compiler/codegen/cpu/Codegen.h"

#include "compiler/codegen/cpu/Passes.h"
#include "compiler/transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

void ladon::cpu::buildVectorPipeline(OpPassManager &pm,
                                     const CpuTarget &target) {
  pm.addNestedPass<func::FuncOp>(createLowerIndexChecks());
  // Linalg first, while there is little else to look at.
  ContractToCpuOptions contract;
  contract.vectorBits = target.vectorBits;
  // As many sums as attention keeps, in two vectors of columns.
  contract.rowsAtOnce = target.registerRows * target.registerColumns / 2;
  // Unrolled further, a module takes a twentieth longer to build and no less to
  // run.
  contract.unroll = 2;
  pm.addNestedPass<func::FuncOp>(createContractToCpu(contract));
  pm.addNestedPass<func::FuncOp>(createParallelizeLinalg());
  pm.addNestedPass<func::FuncOp>(createFuseRowMax());
  pm.addNestedPass<func::FuncOp>(createSummarizeRanges());
  pm.addPass(createOutlineRanges());
  pm.addNestedPass<func::FuncOp>(createLowerTileControl());
  pm.addNestedPass<func::FuncOp>(createBufferizeTiles());
  // The rest of linalg, with the copies of bufferization.
  pm.addNestedPass<func::FuncOp>(createLinalgToLoops());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  TileToVectorsOptions tile;
  tile.vectorBits = target.vectorBits;
  tile.rowsAtOnce = target.registerRows;
  tile.unroll = target.unroll;
  pm.addNestedPass<func::FuncOp>(createTileToVectors(tile));
}

/// Arithmetic in place of instructions that the CPU has not. Products of
/// vectors need none: their conversion lets LLVM choose.
static void buildMissing(OpPassManager &pm,
                         const MissingInstructions &missing) {
  if (missing.multiplyAdd) {
    math::MathExpandOpsPassOptions expand;
    expand.opMnemonics = {"fma"};
    pm.addPass(math::createMathExpandOpsPass(expand));
  }
  if (missing.half) {
    // A module may compute in f16.
    pm.addPass(math::createMathExtendToSupportedTypes());
    arith::ArithEmulateUnsupportedFloatsOptions emulate;
    emulate.sourceTypeStrs = {"f16"};
    emulate.targetTypeStr = "f32";
    pm.addPass(arith::createArithEmulateUnsupportedFloats(emulate));
    pm.addPass(createExpandHalf());
  }
}

/// Vectors to tasks, a function each, and launches of them.
static void buildTasks(OpPassManager &pm, const MissingInstructions &missing) {
  pm.addPass(createApproximateMath());
  buildMissing(pm, missing);
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createLoopInvariantCodeMotionPass());
  pm.addPass(createOutlineParallel());
}

void ladon::cpu::buildConversionPipeline(OpPassManager &pm) {
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  // CPUs have no instruction to round to bf16 below AVX512-BF16, and a library
  // may not need a function of the compiler's runtime.
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addPass(arith::createArithExpandOpsPass(expand));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createCpuToLLVM());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void ladon::cpu::buildCodePipeline(OpPassManager &pm,
                                   const MissingInstructions &missing) {
  buildTasks(pm, missing);
  // The projections of q, k and v are one task.
  pm.addPass(func::createDuplicateFunctionEliminationPass());
  pm.addPass(createEmitEntry());
  buildConversionPipeline(pm);
}

void ladon::cpu::buildLoopPipeline(OpPassManager &pm,
                                   const MissingInstructions &missing) {
  buildTasks(pm, missing);
  pm.addPass(createCpuToSCF());
}
