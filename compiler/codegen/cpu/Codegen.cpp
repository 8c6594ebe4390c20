//===- Codegen.cpp - Tile level to object code ----------------------------===//

#include "compiler/codegen/cpu/Codegen.h"

#include "compiler/codegen/cpu/Passes.h"
#include "compiler/transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Passes/PassBuilder.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

void ladon::cpu::buildVectorPipeline(OpPassManager &pm,
                                     const CpuTarget &target) {
  // Linalg first, while there is little else to look at.
  ContractToCpuOptions contract;
  contract.vectorBits = target.vectorBits;
  contract.rowsAtOnce = target.registerRows;
  contract.unroll = target.unroll;
  pm.addNestedPass<func::FuncOp>(createContractToCpu(contract));
  pm.addNestedPass<func::FuncOp>(createParallelizeLinalg());
  pm.addNestedPass<func::FuncOp>(createFuseRowMax());
  pm.addNestedPass<func::FuncOp>(createLowerTileControl());
  pm.addNestedPass<func::FuncOp>(createBufferizeTiles());
  // The rest of linalg, with the copies of bufferization.
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  TileToVectorsOptions tile;
  tile.vectorBits = target.vectorBits;
  tile.rowsAtOnce = target.registerRows;
  tile.unroll = target.unroll;
  pm.addNestedPass<func::FuncOp>(createTileToVectors(tile));
}

void ladon::cpu::buildCodePipeline(OpPassManager &pm) {
  pm.addPass(createApproximateMath());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createLoopInvariantCodeMotionPass());
  pm.addPass(createOutlineParallel());
  // The projections of q, k and v are one task.
  pm.addPass(func::createDuplicateFunctionEliminationPass());
  pm.addPass(createEmitEntry());

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

/// Translates a module in the LLVM dialect.
static llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(ModuleOp module, llvm::LLVMContext &context,
                llvm::TargetMachine &machine) {
  registerBuiltinDialectTranslation(*module->getContext());
  registerLLVMDialectTranslation(*module->getContext());
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(module, context, "ladon");
  if (!result)
    return llvm::createStringError("translation to LLVM IR failed");
  result->setTargetTriple(machine.getTargetTriple());
  result->setDataLayout(machine.createDataLayout());
  for (llvm::Function &function : *result)
    if (!function.isDeclaration()) {
      function.addFnAttr("target-cpu", machine.getTargetCPU());
      function.addFnAttr(llvm::Attribute::NoUnwind);
    }
  return result;
}

/// What is left for LLVM to do: code comes with its loops tiled, vectorised,
/// unrolled and free of common expressions. This short list takes a fifth of
/// the time of O2, and the kernels are as fast. The loop vectoriser pays for
/// scans of captured tensors.
static constexpr llvm::StringLiteral optimisations =
    "function(sroa,early-cse<memssa>,simplifycfg,"
    "instcombine<no-verify-fixpoint>),"
    "cgscc(inline),"
    "function(loop-mssa(loop-rotate,licm),gvn<no-pre;no-load-pre>,"
    "loop(indvars,loop-deletion),loop-vectorize,"
    "instcombine<no-verify-fixpoint>,simplifycfg),"
    "globaldce";

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  llvm::ModulePassManager passes;
  llvm::cantFail(builder.parsePassPipeline(passes, optimisations));
  passes.run(module, modules);
}

static llvm::Expected<std::string> emitFile(llvm::Module &module,
                                            llvm::TargetMachine &machine,
                                            llvm::CodeGenFileType type) {
  llvm::SmallString<0> buffer;
  llvm::raw_svector_ostream stream(buffer);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, type,
                                  /*DisableVerify=*/true))
    return llvm::createStringError("target cannot emit this kind of file");
  passes.run(module);
  return std::string(buffer);
}

llvm::Expected<std::string>
ladon::cpu::emitModule(ModuleOp module,
                       llvm::ArrayRef<artifact::ProgramSpec> programs,
                       llvm::TargetMachine &machine, CodeKind kind) {
  llvm::LLVMContext context;
  auto code = translateToLLVM(module, context, machine);
  if (!code)
    return code.takeError();
  for (const artifact::ProgramSpec &program : programs)
    if (llvm::Error error = artifact::addEntryPoint(**code, program))
      return std::move(error);
  optimize(**code, machine);
  if (kind != CodeKind::LlvmIr)
    return emitFile(**code, machine,
                    kind == CodeKind::Assembly
                        ? llvm::CodeGenFileType::AssemblyFile
                        : llvm::CodeGenFileType::ObjectFile);
  std::string text;
  llvm::raw_string_ostream os(text);
  (*code)->print(os, nullptr);
  return text;
}
