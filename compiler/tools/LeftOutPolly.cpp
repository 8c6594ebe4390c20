//===- LeftOutPolly.cpp - Polly, where LLVM is linked in ------------------===//
//
// Distributions build LLVM with Polly, which lld's link-time optimiser names.
// Ladon links object files: that optimiser never runs, and the archive of Polly
// is not needed.
//
//===----------------------------------------------------------------------===//

#include "llvm/Plugins/PassPlugin.h"

llvm::PassPluginLibraryInfo getPollyPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "Polly", "left out",
          [](llvm::PassBuilder &) {}, nullptr};
}
