//===- CudaBackend.cpp - Code for NVIDIA GPUs -----------------------------===//

#include "compiler/codegen/cuda/CudaBackend.h"

#include "compiler/codegen/cpu/EmitCode.h"
#include "compiler/codegen/cpu/x86/X86Backend.h"
#include "compiler/codegen/cuda/Codegen.h"
#include "compiler/codegen/cuda/EmitKernels.h"
#include "compiler/codegen/cuda/Schedule.h"
#include "compiler/transforms/Pipelines.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace ladon;
using namespace ladon::cuda;

namespace {

/// The type of device of DLPack.
constexpr int dlpackCuda = 2;

/// The host's part of the code runs on any x86-64.
constexpr llvm::StringLiteral hostLevel = "x86-64";

class CudaBackendTarget : public Target {
public:
  CudaBackendTarget(CudaTarget target, ImageOptions images)
      : target(target), images(std::move(images)) {}

  llvm::StringRef getName() const override { return target.name; }
  llvm::StringRef getInstructions() const override { return target.gpus; }

  TileShape getTiles(mlir::Type, mlir::Type stored, int64_t headDim,
                     int64_t valueDim) const override {
    Schedule schedule = chooseSchedule(stored.getIntOrFloatBitWidth(),
                                       std::max(headDim, valueDim));
    return {schedule.rows, schedule.keys, /*fewQueries=*/0, /*chunkKeys=*/0,
            /*narrow=*/true};
  }
  void buildTilePipeline(mlir::OpPassManager &pm) const override {
    ladon::buildTilePipeline(pm);
  }
  void buildVectorPipeline(mlir::OpPassManager &pm) const override {
    cuda::buildVectorPipeline(pm, target.shared);
  }
  void buildCodePipeline(mlir::OpPassManager &pm) const override {
    cuda::buildCodePipeline(pm, images);
  }
  void describe(artifact::ProgramSpec &program) const override {
    program.cpuLevel = 1;
    program.device = dlpackCuda;
    program.driver = images.driver;
    program.target = ("x86_64-linux-gnu, " + target.name).str();
    program.baselineCpu = hostLevel.str();
    program.facts.emplace_back("gpu", target.gpus.str());
  }
  llvm::Expected<std::string>
  emit(mlir::ModuleOp module, llvm::ArrayRef<artifact::ProgramSpec> programs,
       CodeKind kind) const override {
    return cpu::emitModule(module, programs, createMachine, kind);
  }
  llvm::Expected<std::vector<std::string>>
  emitObjects(mlir::ModuleOp module,
              llvm::ArrayRef<artifact::ProgramSpec> programs) const override {
    return cpu::emitObjects(module, programs, createMachine);
  }
  bool refusesSpecs() const override { return true; }
  bool usesMatrixUnits() const override { return true; }
  llvm::StringRef getRuntimeObject() const override {
    return cpu::x86RuntimeObject();
  }
  PeakKernels getPeakKernels(bool isDouble) const override {
    return cpu::x86PeakKernels(256, isDouble);
  }

private:
  static std::unique_ptr<llvm::TargetMachine> createMachine() {
    return cpu::createX86Machine(hostLevel);
  }

  CudaTarget target;
  ImageOptions images;
};

/// The library of the simulated driver: beside the folder of this program.
llvm::Expected<std::string> simulatedDriver() {
  static int anchor;
  llvm::SmallString<256> path(
      llvm::sys::fs::getMainExecutable(nullptr, &anchor));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "..", "lib", "libladon-cuda-sim.so");
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  if (llvm::sys::fs::exists(path))
    return std::string(path);
  return llvm::createStringError("--simulate: cannot find the simulator, '" +
                                 path + "'");
}

class CudaBackend : public Backend {
public:
  llvm::StringRef getName() const override { return "cuda"; }
  llvm::StringRef getCodegen() const override { return "llvm"; }

  std::vector<llvm::StringRef> getLevels() const override {
    std::vector<llvm::StringRef> names;
    for (const CudaTarget &target : cudaTargets())
      names.push_back(target.name);
    return names;
  }
  llvm::Expected<std::unique_ptr<Target>>
  createTarget(llvm::StringRef level) const override {
    return create(level, {});
  }
  llvm::Expected<std::unique_ptr<Target>>
  createSimulated(llvm::StringRef level) const override {
    auto driver = simulatedDriver();
    if (!driver)
      return driver.takeError();
    ImageOptions images;
    images.simulate = true;
    images.driver = *driver;
    return create(level, std::move(images));
  }

private:
  llvm::Expected<std::unique_ptr<Target>> create(llvm::StringRef level,
                                                 ImageOptions images) const {
    std::optional<CudaTarget> found = findTarget(level);
    if (!found)
      return llvm::createStringError("--target " + level +
                                     ": expected one of " + getLevelNames());
    images.target = found->name.str();
    return std::make_unique<CudaBackendTarget>(*found, std::move(images));
  }
};

} // namespace

const Backend &ladon::cuda::cudaBackend() {
  static const CudaBackend backend;
  return backend;
}
