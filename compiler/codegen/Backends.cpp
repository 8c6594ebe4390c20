//===- Backends.cpp - The list of back ends -------------------------------===//

#include "compiler/codegen/Backend.h"
#include "compiler/codegen/cpu/x86/X86Backend.h"
#include "compiler/codegen/halide/HalideBackend.h"

#include "llvm/ADT/STLExtras.h"

using namespace ladon;

llvm::ArrayRef<const Backend *> ladon::backends() {
  static const Backend *const all[] = {
      &cpu::x86Backend(),
      &halide::halideBackend(),
  };
  return all;
}

const Backend *ladon::findBackend(llvm::StringRef name,
                                  llvm::StringRef codegen) {
  auto *found = llvm::find_if(backends(), [&](const Backend *backend) {
    return backend->getName() == name && backend->getCodegen() == codegen;
  });
  return found == backends().end() ? nullptr : *found;
}
