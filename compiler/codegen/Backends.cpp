//===- Backends.cpp - The list of back ends -------------------------------===//

#include "compiler/codegen/Backend.h"
#include "compiler/codegen/cpu/aarch64/AArch64Backend.h"
#include "compiler/codegen/cpu/x86/X86Backend.h"
#include "compiler/codegen/cuda/CudaBackend.h"
#include "compiler/codegen/halide/HalideBackend.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace ladon;

llvm::ArrayRef<const Backend *> ladon::backends() {
  static const Backend *const all[] = {
      &cpu::x86Backend(),
      &cpu::aarch64Backend(),
      &cuda::cudaBackend(),
      &halide::halideBackend(),
  };
  return all;
}

const Backend *ladon::findBackend(llvm::StringRef name,
                                  llvm::StringRef codegen) {
  // Of a list, all are levels of the same one.
  name = name.split(',').first;
  auto *found = llvm::find_if(backends(), [&](const Backend *backend) {
    bool isNamed = backend->getName() == name ||
                   llvm::is_contained(backend->getLevels(), name);
    return isNamed && backend->getCodegen() == codegen;
  });
  return found == backends().end() ? nullptr : *found;
}

std::string Backend::getLevelNames() const {
  return llvm::join(getLevels(), ", ");
}

llvm::Expected<std::unique_ptr<Target>>
Backend::createSimulated(llvm::StringRef level) const {
  return llvm::createStringError("--simulate: expected the target of a GPU, "
                                 "found " +
                                 level);
}
