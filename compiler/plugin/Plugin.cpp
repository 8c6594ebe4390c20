//===- Plugin.cpp - Ladon in other tools of MLIR --------------------------===//
//
// What `--load-dialect-plugin` and `--load-pass-plugin` of mlir-opt, or of any
// tool that is made of MlirOptMain, ask for. The plugin has no MLIR of its own:
// it shares that of the tool.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/Passes.h"
#include "compiler/transforms/InitLadon.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

#include <dlfcn.h>
#include <link.h>

static constexpr char name[] = "Ladon";
static constexpr char library[] = "libMLIR.so." LADON_MLIR_VERSION;

namespace {
/// Where two addresses are in the list of what is loaded, which is in the order
/// of loading.
struct LoadOrder {
  uintptr_t mlir, plugin;
  int count = 0, mlirAt = -1, pluginAt = -1;
};
} // namespace

static int noteObject(dl_phdr_info *object, size_t, void *data) {
  auto &order = *static_cast<LoadOrder *>(data);
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr) &part = object->dlpi_phdr[i];
    uintptr_t begin = object->dlpi_addr + part.p_vaddr;
    auto has = [&](uintptr_t at) {
      return part.p_type == PT_LOAD && at - begin < part.p_memsz;
    };
    if (has(order.mlir))
      order.mlirAt = order.count;
    if (has(order.plugin))
      order.pluginAt = order.count;
  }
  ++order.count;
  return 0;
}

/// The version of the interface, if the tool has the MLIR that this plugin was
/// made for; else, with a message, one that no tool has. Symbols of MLIR say no
/// version: those of another one would be taken, and would not fit.
static uint32_t checkTool() {
  void *ofMLIR = reinterpret_cast<void *>(&mlir::registerAsmPrinterCLOptions);
  LoadOrder order{reinterpret_cast<uintptr_t>(ofMLIR),
                  reinterpret_cast<uintptr_t>(&checkTool)};
  dl_iterate_phdr(noteObject, &order);
  Dl_info info;
  const char *found = "none";
  // What was loaded after the plugin was loaded for it.
  if (order.mlirAt < order.pluginAt && dladdr(ofMLIR, &info)) {
    found = info.dli_fname;
    llvm::StringRef file(found);
    if (file.substr(file.rfind('/') + 1) == library)
      return MLIR_PLUGIN_API_VERSION;
  }
  fprintf(stderr,
          "%s: this plugin is for tools that share %s with it, found %s\n",
          name, library, found);
  return 0;
}

extern "C" mlir::DialectPluginLibraryInfo LLVM_ATTRIBUTE_VISIBILITY_DEFAULT
mlirGetDialectPluginInfo() {
  return {checkTool(), name, LADON_VERSION,
          [](mlir::DialectRegistry *registry) {
            ladon::registerDialects(*registry);
          }};
}

extern "C" mlir::PassPluginLibraryInfo LLVM_ATTRIBUTE_VISIBILITY_DEFAULT
mlirGetPassPluginInfo() {
  return {checkTool(), name, LADON_VERSION, [] {
            ladon::registerPasses();
            ladon::registerCodegenPasses();
          }};
}
