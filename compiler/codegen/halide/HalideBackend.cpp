//===- HalideBackend.cpp - Code of attends by Halide ----------------------===//

#include "compiler/codegen/halide/HalideBackend.h"

#include "compiler/codegen/cpu/x86/X86Backend.h"
#include "compiler/codegen/halide/KernelCompiler.h"
#include "compiler/codegen/halide/Passes.h"
#include "compiler/transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Transforms/Passes.h"

#include <limits>

using namespace ladon;
using namespace ladon::halide;

/// Keys of a block: scores and weights of a tile fit the first cache.
static constexpr int64_t keysOfBlock = 128;

namespace {

class HalideTarget : public Target {
public:
  explicit HalideTarget(std::unique_ptr<Target> machine)
      : machine(std::move(machine)) {}

  llvm::StringRef getName() const override { return machine->getName(); }
  llvm::StringRef getInstructions() const override {
    return machine->getInstructions();
  }
  TileShape getTiles(mlir::Type element, mlir::Type stored, int64_t headDim,
                     int64_t valueDim, int64_t heads) const override {
    TileShape shape =
        machine->getTiles(element, stored, headDim, valueDim, heads);
    return {shape.queries, keysOfBlock, /*fewQueries=*/0, /*chunkKeys=*/0};
  }
  bool refusesSpecs() const override { return true; }
  void buildTilePipeline(mlir::OpPassManager &pm) const override {
    pm.addNestedPass<mlir::func::FuncOp>(createTileAppends());
    pm.addPass(createOutlineAttend());
    pm.addPass(mlir::createCanonicalizerPass());
    pm.addPass(mlir::createCSEPass());
  }
  void buildVectorPipeline(mlir::OpPassManager &pm) const override {
    machine->buildVectorPipeline(pm);
  }
  void buildCodePipeline(mlir::OpPassManager &pm) const override {
    machine->buildCodePipeline(pm);
  }
  llvm::Expected<std::string>
  explainSchedule(mlir::ModuleOp module) const override;
  void describe(artifact::ProgramSpec &program) const override {
    machine->describe(program);
    // Offsets are 32 bits in Halide.
    program.maxSpan = std::numeric_limits<int32_t>::max();
    program.facts.emplace_back("codegen", "halide");
  }
  /// The code around the kernels; they are objects only.
  llvm::Expected<std::string>
  emit(mlir::ModuleOp module, llvm::ArrayRef<artifact::ProgramSpec> programs,
       CodeKind kind) const override {
    return machine->emit(module, programs, kind);
  }
  llvm::Expected<std::vector<std::string>>
  emitObjects(mlir::ModuleOp module,
              llvm::ArrayRef<artifact::ProgramSpec> programs,
              llvm::StringRef suffix) const override;
  llvm::StringRef getRuntimeObject() const override {
    return machine->getRuntimeObject();
  }
  PeakKernels getPeakKernels(bool isDouble) const override {
    return machine->getPeakKernels(isDouble);
  }

private:
  std::unique_ptr<Target> machine;
};

class HalideBackend : public Backend {
public:
  llvm::StringRef getName() const override {
    return cpu::x86Backend().getName();
  }
  llvm::StringRef getCodegen() const override { return "halide"; }
  /// Those that the pipelines have a schedule for: with AVX.
  std::vector<llvm::StringRef> getLevels() const override {
    std::vector<llvm::StringRef> levels = cpu::x86Backend().getLevels();
    llvm::erase_if(levels, [](llvm::StringRef level) {
      return cpu::findX86Level(level)->vectorBits < 256;
    });
    return levels;
  }
  llvm::Expected<std::unique_ptr<Target>>
  createTarget(llvm::StringRef level) const override {
    if (llvm::Error error = findKernelCompiler().takeError())
      return std::move(error);
    if (level.contains(','))
      return llvm::createStringError("--codegen halide: expected one level, "
                                     "found --cpu " +
                                     level);
    auto machine = cpu::x86Backend().createTarget(level);
    if (!machine)
      return machine.takeError();
    if (!llvm::is_contained(getLevels(), (*machine)->getName()))
      return llvm::createStringError("--codegen halide: expected --cpu " +
                                     getLevelNames() + ", found " +
                                     (*machine)->getName());
    return std::make_unique<HalideTarget>(std::move(*machine));
  }
};

} // namespace

/// The functions of a module whose code Halide makes.
static std::vector<KernelJob> kernelsOf(mlir::ModuleOp module,
                                        llvm::StringRef level) {
  std::vector<KernelJob> jobs;
  for (mlir::Operation &function : *module.getBody())
    if (auto text = function.getAttrOfType<mlir::StringAttr>(kernelName))
      jobs.push_back({mlir::SymbolTable::getSymbolName(&function).str(),
                      text.str(), level.str(), function.hasAttr(guardedName)});
  return jobs;
}

llvm::Expected<std::string>
HalideTarget::explainSchedule(mlir::ModuleOp module) const {
  std::string text;
  for (const KernelJob &kernel : kernelsOf(module, getName())) {
    if (kernel.guarded)
      continue;
    auto loops = printLoops(kernel);
    if (!loops)
      return loops.takeError();
    text += kernel.symbol + ", one tile of queries of a head:\n" + *loops;
  }
  return text;
}

llvm::Expected<std::vector<std::string>>
HalideTarget::emitObjects(mlir::ModuleOp module,
                          llvm::ArrayRef<artifact::ProgramSpec> programs,
                          llvm::StringRef suffix) const {
  std::vector<KernelJob> jobs = kernelsOf(module, getName());
  auto kernels = compileKernels(jobs);
  if (!kernels)
    return kernels.takeError();
  auto objects = machine->emitObjects(module, programs, suffix);
  if (objects)
    for (std::string &kernel : *kernels)
      objects->push_back(std::move(kernel));
  return objects;
}

const Backend &ladon::halide::halideBackend() {
  static const HalideBackend backend;
  return backend;
}
