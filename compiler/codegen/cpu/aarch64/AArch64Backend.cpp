//===- AArch64Backend.cpp - Code for 64-bit Arm ---------------------------===//

#include "compiler/codegen/cpu/aarch64/AArch64Backend.h"

#include "compiler/codegen/cpu/CpuMachine.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

using namespace ladon;
using namespace ladon::cpu;

static constexpr llvm::StringLiteral triple = "aarch64-unknown-linux-gnu";

/// Every AArch64 CPU has it: 32 registers of 128 bits, multiply-adds, and
/// conversions of f16. A query tile has 24 queries of f32, as with AVX2: keys
/// and values are then read as rarely.
static const CpuTarget level{"armv8-a", "NEON", 1, 128, 4, 5, 4, 128};

/// LLVM's description of the machine, as part of this program.
static const llvm::Target &llvmTarget(const llvm::Triple &parsed) {
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
  std::string message;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(parsed, message);
  assert(target && "LLVM is linked with AArch64");
  return *target;
}

static std::unique_ptr<llvm::TargetMachine> createMachine(llvm::StringRef) {
  static const llvm::Triple parsed(triple);
  static const llvm::Target &target = llvmTarget(parsed);
  return std::unique_ptr<llvm::TargetMachine>(target.createTargetMachine(
      parsed, "generic", /*Features=*/"", llvm::TargetOptions(),
      llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

/// Ladon itself runs on other machines: there is nothing to be timed.
static PeakKernels noPeakKernels(int64_t, bool) { return {}; }
static int32_t noLevel() { return 0; }

namespace {
class AArch64Backend : public Backend {
public:
  llvm::StringRef getName() const override { return "aarch64"; }
  llvm::StringRef getCodegen() const override { return "llvm"; }
  std::vector<llvm::StringRef> getLevels() const override {
    return {level.name};
  }
  /// The machine that Ladon runs on is another one: native is what all have.
  llvm::Expected<std::unique_ptr<Target>>
  createTarget(llvm::StringRef name) const override {
    if (name != "native" && name != level.name)
      return llvm::createStringError(
          "--cpu " + name + ": expected native, or one of " + getLevelNames());
    if (aarch64RuntimeObject().empty())
      return llvm::createStringError(
          "this ladon was built without the headers that the runtime for "
          "aarch64 needs: install libc6-dev-arm64-cross and build it again");
    return createCpuTarget({"aarch64-linux-gnu", "generic", createMachine,
                            noLevel, aarch64RuntimeObject, noPeakKernels},
                           level);
  }
};
} // namespace

const Backend &ladon::cpu::aarch64Backend() {
  static const AArch64Backend backend;
  return backend;
}
