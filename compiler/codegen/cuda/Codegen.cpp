//===- Codegen.cpp - Tile level to kernels and host code ------------------===//

#include "compiler/codegen/cuda/Codegen.h"

#include "compiler/codegen/cpu/Codegen.h"
#include "compiler/codegen/cpu/Passes.h"
#include "compiler/codegen/cuda/Passes.h"
#include "compiler/transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cuda;

void ladon::cuda::buildVectorPipeline(OpPassManager &pm, int64_t shared,
                                      int64_t threads) {
  pm.addNestedPass<func::FuncOp>(createTileProducts());
  pm.addNestedPass<func::FuncOp>(createParallelizeLinalg());
  pm.addNestedPass<func::FuncOp>(createLowerTileControl());
  // Before anything folds a loop of one iteration, which is a kernel, too.
  OutlineKernelsOptions outline;
  outline.wanted = threads;
  pm.addPass(createOutlineKernels(outline));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  auto &kernels = pm.nest<::mlir::gpu::GPUModuleOp>();
  StageTilesOptions stage;
  stage.shared = shared;
  kernels.addNestedPass<::mlir::gpu::GPUFuncOp>(createStageTiles(stage));
  kernels.addNestedPass<::mlir::gpu::GPUFuncOp>(createTilesToThreads());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
}

void ladon::cuda::buildCodePipeline(OpPassManager &pm,
                                    const ImageOptions &options) {
  auto &kernels = pm.nest<::mlir::gpu::GPUModuleOp>();
  kernels.addPass(cpu::createApproximateMath());
  kernels.addPass(createLoopInvariantCodeMotionPass());
  kernels.addPass(memref::createExpandStridedMetadataPass());
  kernels.addPass(createLowerAffinePass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createConvertVectorToSCFPass());
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(createKernelsToLLVM());
  kernels.addPass(createConvertNVVMToLLVMPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  EmbedKernelsOptions embed;
  embed.target = options.target;
  embed.simulate = options.simulate;
  embed.driver = options.driver;
  pm.addPass(createEmbedKernels(embed));
  cpu::buildCodePipeline(pm);
  pm.addPass(createLaunchToLLVM());
  pm.addPass(createReconcileUnrealizedCastsPass());
}
