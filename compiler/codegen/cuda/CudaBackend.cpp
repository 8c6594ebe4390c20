//===- CudaBackend.cpp - Code for NVIDIA GPUs -----------------------------===//

#include "compiler/codegen/cuda/CudaBackend.h"

#include "compiler/codegen/cpu/EmitCode.h"
#include "compiler/codegen/cpu/x86/X86Backend.h"
#include "compiler/codegen/cuda/Codegen.h"
#include "compiler/codegen/cuda/EmitKernels.h"
#include "compiler/codegen/cuda/Schedule.h"
#include "compiler/codegen/cuda/ThreadTile.h"
#include "compiler/transforms/Pipelines.h"
#include "llvm/ADT/StringExtras.h"
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
  /// The newest target first.
  CudaBackendTarget(llvm::ArrayRef<CudaTarget> targets, ImageOptions images)
      : targets(targets), images(std::move(images)) {
    auto names = [&](llvm::StringRef CudaTarget::*member, const char *between) {
      return llvm::join(llvm::map_range(targets,
                                        [&](const CudaTarget &target) {
                                          return (target.*member).str();
                                        }),
                        between);
    };
    this->images.target = name = names(&CudaTarget::name, ",");
    gpus = names(&CudaTarget::gpus, "; ");
    shared = targets.front().shared;
    for (const CudaTarget &target : targets)
      shared = std::min(shared, target.shared);
  }

  llvm::StringRef getName() const override { return name; }
  llvm::StringRef getInstructions() const override { return gpus; }

  llvm::Error setTiles(llvm::StringRef text) override {
    auto parsed = parseSchedule(text);
    if (!parsed)
      return parsed.takeError();
    wanted = *parsed;
    return llvm::Error::success();
  }

  TileShape getTiles(mlir::Type, mlir::Type stored, int64_t headDim,
                     int64_t valueDim, int64_t) const override {
    Schedule schedule = wanted ? *wanted
                               : chooseSchedule(stored.getIntOrFloatBitWidth(),
                                                std::max(headDim, valueDim));
    return {schedule.rows,   schedule.keys,    fewQueries,  shortestChunk,
            /*narrow=*/true, schedule.fewKeys, productRows, mostChunks};
  }
  void buildTilePipeline(mlir::OpPassManager &pm) const override {
    ladon::buildTilePipeline(pm, /*onDevice=*/true);
  }
  void buildVectorPipeline(mlir::OpPassManager &pm) const override {
    cuda::buildVectorPipeline(pm, shared, wanted ? wanted->threads : 0);
  }
  void buildCodePipeline(mlir::OpPassManager &pm) const override {
    cuda::buildCodePipeline(pm, images);
  }
  void describe(artifact::ProgramSpec &program) const override {
    program.cpuLevel = 1;
    program.device = dlpackCuda;
    program.driver = images.driver;
    program.target = "x86_64-linux-gnu, " + name;
    program.baselineCpu = hostLevel.str();
    program.facts.emplace_back("gpu", gpus);
  }
  llvm::Expected<std::string>
  emit(mlir::ModuleOp module, llvm::ArrayRef<artifact::ProgramSpec> programs,
       CodeKind kind) const override {
    return cpu::emitModule(module, programs, createMachine, kind);
  }
  llvm::Expected<std::vector<std::string>>
  emitObjects(mlir::ModuleOp module,
              llvm::ArrayRef<artifact::ProgramSpec> programs,
              llvm::StringRef suffix) const override {
    return cpu::emitObjects(module, programs, createMachine, suffix);
  }
  bool refusesSpecs() const override { return true; }
  bool usesMatrixUnits() const override { return true; }
  /// Tables are on the GPU, and a call waits for nothing.
  bool checksIndices() const override { return false; }
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

  llvm::SmallVector<CudaTarget> targets;
  ImageOptions images;
  std::string name, gpus;
  int64_t shared; ///< Of a block, on all of them.
  std::optional<Schedule> wanted;
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
    auto found = parseTargets(level);
    if (!found)
      return llvm::createStringError("--target " + level + ": " +
                                     llvm::toString(found.takeError()));
    return std::make_unique<CudaBackendTarget>(*found, std::move(images));
  }
};

} // namespace

const Backend &ladon::cuda::cudaBackend() {
  static const CudaBackend backend;
  return backend;
}
