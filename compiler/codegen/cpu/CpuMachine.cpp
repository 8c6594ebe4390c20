//===- CpuMachine.cpp - Targets of one kind of CPU ------------------------===//

#include "compiler/codegen/cpu/CpuMachine.h"

#include "compiler/codegen/cpu/Codegen.h"
#include "compiler/codegen/cpu/EmitCode.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/Pipelines.h"

#include <numeric>

using namespace ladon;
using namespace ladon::cpu;

namespace {

class LevelOfMachine : public Target {
public:
  LevelOfMachine(const CpuMachine &machine, const CpuTarget &figures)
      : machine(machine), figures(figures) {}

  llvm::StringRef getName() const override { return figures.name; }
  llvm::StringRef getInstructions() const override { return figures.isa; }

  /// A row of registers of queries, whatever the features are. The form for
  /// few takes up to as many rows as it is faster for, of all heads that share
  /// lanes in the other (docs/design/cpu-kernels.md).
  TileShape getTiles(mlir::Type element, mlir::Type stored, int64_t headDim,
                     int64_t, int64_t heads) const override {
    int64_t bits = element.getIntOrFloatBitWidth();
    TileShape shape{figures.queryTile(bits), figures.keyTile, /*fewQueries=*/0,
                    /*chunkKeys=*/4 * figures.keyTile};
    shape.pairs = multipliesPairs() && stored.isBF16() && headDim % 2 == 0;
    int64_t mostFew = headDim < 128 ? 24 : 32; // Of 32 bits.
    int64_t fewRows = shape.pairs ? 10 : mostFew * 32 / bits;
    shape.fewQueries =
        std::max<int64_t>(1, fewRows / std::gcd(heads, shape.queries));
    shape.fewRows = 8;
    shape.lanes = figures.vectorBits / bits;
    return shape;
  }
  void buildTensorPipeline(mlir::OpPassManager &pm) const override {
    ladon::buildStoredOperandsPipeline(pm);
  }
  llvm::Error fuseProjections(ProjectionFusion which) override {
    projections = which;
    return llvm::Error::success();
  }
  llvm::Error sanitizeAddresses() override {
    isSanitized = true;
    return llvm::Error::success();
  }
  bool sanitizesAddresses() const override { return isSanitized; }
  void buildBufferPipeline(mlir::OpPassManager &pm) const override {
    if (projections != ProjectionFusion::Never)
      pm.addNestedPass<mlir::func::FuncOp>(createFuseProjection(
          {/*always=*/projections == ProjectionFusion::Always}));
  }
  void buildTilePipeline(mlir::OpPassManager &pm) const override {
    ladon::buildTilePipeline(pm);
  }
  void buildVectorPipeline(mlir::OpPassManager &pm) const override {
    cpu::buildVectorPipeline(pm, figures);
  }
  void buildCodePipeline(mlir::OpPassManager &pm) const override {
    if (machine.addPasses)
      machine.addPasses(pm, figures);
    cpu::buildCodePipeline(pm, missing());
  }
  llvm::Error buildLoopPipeline(mlir::OpPassManager &pm) const override {
    buildTilePipeline(pm);
    buildVectorPipeline(pm);
    if (machine.addPasses)
      machine.addPasses(pm, figures);
    cpu::buildLoopPipeline(pm, missing());
    return llvm::Error::success();
  }
  void describe(artifact::ProgramSpec &program) const override {
    program.cpuLevel = figures.level;
    program.target = (machine.name + " " + figures.name).str();
    program.baselineCpu = machine.baselineCpu.str();
    program.facts.emplace_back("isa", figures.isa.str());
  }
  llvm::Expected<std::string>
  emit(mlir::ModuleOp module, llvm::ArrayRef<artifact::ProgramSpec> programs,
       CodeKind kind) const override {
    return emitModule(
        module, programs, [&] { return machine.createMachine(figures.name); },
        kind, isSanitized);
  }
  llvm::Expected<std::vector<std::string>>
  emitObjects(mlir::ModuleOp module,
              llvm::ArrayRef<artifact::ProgramSpec> programs,
              llvm::StringRef suffix) const override {
    return cpu::emitObjects(
        module, programs, [&] { return machine.createMachine(figures.name); },
        suffix, isSanitized);
  }
  bool runsHere() const override {
    return figures.level <= machine.hostLevel();
  }
  bool multipliesPairs() const override { return figures.pairs; }
  llvm::StringRef getRuntimeObject() const override {
    return machine.getRuntimeObject();
  }
  PeakKernels getPeakKernels(bool isDouble) const override {
    return machine.getPeakKernels(figures.vectorBits, isDouble);
  }

private:
  MissingInstructions missing() const {
    return {/*multiplyAdd=*/!figures.hasMultiplyAdd,
            /*half=*/!figures.hasHalf};
  }

  CpuMachine machine;
  CpuTarget figures;
  ProjectionFusion projections = ProjectionFusion::Auto;
  bool isSanitized = false;
};

} // namespace

std::unique_ptr<Target> ladon::cpu::createCpuTarget(const CpuMachine &machine,
                                                    const CpuTarget &figures) {
  return std::make_unique<LevelOfMachine>(machine, figures);
}
