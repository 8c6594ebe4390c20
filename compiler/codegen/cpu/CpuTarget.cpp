//===- CpuTarget.cpp - What the code generator knows of a CPU -------------===//

#include "compiler/codegen/cpu/CpuTarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

using namespace ladon::cpu;

static const CpuTarget targets[] = {
    {"x86-64-v3", "AVX2 + FMA", 3, 256, 4, 3, 4, 128},
    {"x86-64-v4", "AVX-512", 4, 512, 8, 3, 4, 128},
};

std::optional<CpuTarget> ladon::cpu::findCpuTarget(llvm::StringRef name) {
  for (const CpuTarget &target : targets)
    if (target.name == name)
      return target;
  return std::nullopt;
}

std::optional<CpuTarget> ladon::cpu::hostCpuTarget() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto has = [&](std::initializer_list<llvm::StringRef> names) {
    return llvm::all_of(names,
                        [&](llvm::StringRef f) { return features.lookup(f); });
  };
  if (!has({"avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt", "movbe"}))
    return std::nullopt;
  if (has({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    return findCpuTarget("x86-64-v4");
  return findCpuTarget("x86-64-v3");
}

std::string ladon::cpu::cpuTargetNames() {
  return llvm::join(
      llvm::map_range(targets, [](const CpuTarget &t) { return t.name.str(); }),
      ", ");
}
