//===- X86Backend.cpp - Code for x86-64 -----------------------------------===//

#include "compiler/codegen/cpu/x86/X86Backend.h"

#include "compiler/codegen/cpu/CpuMachine.h"
#include "compiler/codegen/cpu/x86/Passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

#include <cstdlib>

using namespace ladon;
using namespace ladon::cpu;

static constexpr llvm::StringLiteral triple = "x86_64-unknown-linux-gnu";

//===--- Levels ----------------------------------------------------------===//

static const CpuTarget levels[] = {
    {"x86-64-v2", "SSE4.2", 2, 128, 4, 2, 4, 128,
     /*hasMultiplyAdd=*/false, /*hasHalf=*/false},
    {"x86-64-v3", "AVX2 + FMA", 3, 256, 4, 3, 4, 128},
    {"x86-64-v4", "AVX-512", 4, 512, 8, 3, 4, 128},
    {"x86-64-v4-bf16", "AVX-512 with BF16 and VNNI", 5, 512, 8, 3, 4, 128,
     /*hasMultiplyAdd=*/true, /*hasHalf=*/true, /*pairs=*/true},
};

std::optional<CpuTarget> ladon::cpu::findX86Level(llvm::StringRef name) {
  for (const CpuTarget &level : levels)
    if (level.name == name)
      return level;
  return std::nullopt;
}

/// The best level that the running machine has, as runtime/x86/machine.c finds
/// it; or none.
static std::optional<CpuTarget> levelOfMachine() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto has = [&](std::initializer_list<llvm::StringRef> names) {
    return llvm::all_of(names,
                        [&](llvm::StringRef f) { return features.lookup(f); });
  };
  if (!has({"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cx16", "sahf"}))
    return std::nullopt;
  if (!has({"avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt", "movbe"}))
    return findX86Level("x86-64-v2");
  if (!has({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    return findX86Level("x86-64-v3");
  return findX86Level(has({"avx512bf16", "avx512vnni"}) ? "x86-64-v4-bf16"
                                                        : "x86-64-v4");
}

/// The same, or the level that compiled code is limited to.
static std::optional<CpuTarget> hostLevel() {
  std::optional<CpuTarget> level = levelOfMachine();
  const char *name = std::getenv("LADON_MAX_CPU");
  std::optional<CpuTarget> limit = name ? findX86Level(name) : std::nullopt;
  return level && limit && limit->level < level->level ? limit : level;
}

static int32_t hostLevelNumber() {
  std::optional<CpuTarget> level = hostLevel();
  return level ? level->level : 0;
}

//===--- The target ------------------------------------------------------===//

/// LLVM's description of the machine, as part of this program.
static const llvm::Target &llvmTarget(const llvm::Triple &parsed) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  std::string message;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(parsed, message);
  assert(target && "LLVM is linked with x86");
  return *target;
}

std::unique_ptr<llvm::TargetMachine>
ladon::cpu::createX86Machine(llvm::StringRef level) {
  static const llvm::Triple parsed(triple);
  static const llvm::Target &target = llvmTarget(parsed);
  // x86-64-v4 alone makes LLVM prefer 256-bit registers for what it vectorises
  // itself; ours are 512 bits wide by type.
  llvm::TargetOptions options;
  // The psABI has no name for what is beyond its last level.
  llvm::StringRef features =
      level.consume_back("-bf16") ? "+avx512bf16,+avx512vnni" : "";
  return std::unique_ptr<llvm::TargetMachine>(target.createTargetMachine(
      parsed, level, features, options, llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
}

namespace {

class X86Backend : public Backend {
public:
  llvm::StringRef getName() const override { return "cpu"; }
  llvm::StringRef getCodegen() const override { return "llvm"; }

  std::vector<llvm::StringRef> getLevels() const override {
    std::vector<llvm::StringRef> names;
    for (const CpuTarget &level : levels)
      names.push_back(level.name);
    return names;
  }
  bool joinsTargets() const override { return true; }
  llvm::Expected<std::unique_ptr<Target>>
  createTarget(llvm::StringRef level) const override {
    std::optional<CpuTarget> found =
        level == "native" ? hostLevel() : findX86Level(level);
    if (found)
      return createX86Target(*found);
    if (level == "native")
      return llvm::createStringError(
          "this CPU has no supported vector instructions; give --cpu, one of " +
          getLevelNames());
    return llvm::createStringError(
        "--cpu " + level + ": expected native, or one of " + getLevelNames());
  }
};

} // namespace

static void addPasses(mlir::OpPassManager &pm, const CpuTarget &figures) {
  pm.addNestedPass<mlir::func::FuncOp>(createSplitProducts());
  if (figures.pairs)
    pm.addNestedPass<mlir::func::FuncOp>(createPairsToX86());
}

std::unique_ptr<Target> ladon::cpu::createX86Target(const CpuTarget &figures) {
  return createCpuTarget({"x86_64-linux-gnu", "x86-64", createX86Machine,
                          hostLevelNumber, x86RuntimeObject, x86PeakKernels,
                          addPasses},
                         figures);
}

const Backend &ladon::cpu::x86Backend() {
  static const X86Backend backend;
  return backend;
}
