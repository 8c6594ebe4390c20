//===- Session.cpp - One run of a command ---------------------------------===//

#include "compiler/driver/commands/Session.h"

#include "compiler/driver/compile/ModuleInput.h"
#include "compiler/driver/host/RemoteCall.h"
#include "compiler/frontend/CheckMasks.h"
#include "compiler/support/Debug.h"

#include "llvm/Support/Path.h"

using namespace ladon;

bool Session::open() {
  setDebugTypes(options.debugTypes);
  ParamOverrides overrides;
  if (!parseOverrides(options.params, overrides))
    return false;
  file.buffer = readSource(options.file, file.sources);
  if (!file.buffer)
    return false;
  llvm::StringRef text = file.sources.getMemoryBuffer(file.buffer)->getBuffer();
  if (isModuleFile(options.file, text)) {
    if (overrides.empty())
      return true;
    reportUser(llvm::createStringError(
        "-D " + overrides.front().first +
        ": a module of MLIR has no compile-time params"));
    return false;
  }
  checked =
      parseAndCheck(file.sources, file.buffer, overrides, file.diagnostics);
  if (checked)
    checkMasks(*checked, file.sources, file.diagnostics);
  file.printDiagnostics();
  return checked && !file.diagnostics.hasErrors();
}

bool Session::openSpec(llvm::StringRef command) {
  if (!open())
    return false;
  if (!isModule())
    return true;
  reportUser(llvm::createStringError(
      options.file + ": ladon " + command +
      " takes a spec, found a module of MLIR (ladon build and ladon check take "
      "modules)"));
  return false;
}

const Target *Session::target() {
  if (chosen)
    return chosen.get();
  const Backend *backend = findBackend(options.target, options.codegen);
  if (!backend) {
    reportUser(llvm::createStringError("--codegen " + options.codegen +
                                       " has no --target " + options.target));
    return nullptr;
  }
  // A level may stand in place of its back end.
  const std::string &level =
      backend->getName() == options.target ? options.cpu : options.target;
  auto target = options.simulate ? backend->createSimulated(level)
                                 : backend->createTarget(level);
  if (!target) {
    reportUser(target.takeError());
    return nullptr;
  }
  if (!options.cudaTile.empty())
    if (llvm::Error error = (*target)->setTiles(options.cudaTile)) {
      reportUser(std::move(error));
      return nullptr;
    }
  chosen = std::move(*target);
  return chosen.get();
}

Compilation *Session::compilation() {
  if (compiled || !target())
    return compiled.get();
  if (!isModule()) {
    compiled = std::make_unique<Compilation>(*checked, file.sources, *chosen);
    return compiled.get();
  }
  compiled = std::make_unique<Compilation>(file.sources, file.buffer, *chosen);
  if (options.file != "-")
    compiled->setLibraryName(llvm::sys::path::stem(options.file));
  return compiled.get();
}

std::unique_ptr<LoadedAttention> Session::load() {
  if (!compilation())
    return nullptr;
  auto artefact = compiled->makeArtefact();
  auto loaded = artefact ? LoadedAttention::load(*artefact)
                         : llvm::Expected<std::unique_ptr<LoadedAttention>>(
                               artefact.takeError());
  if (!loaded) {
    exitCode = report(loaded.takeError());
    return nullptr;
  }
  if (!(*loaded)->getForeignLibrary().empty())
    if (llvm::Error error = checkLauncher()) {
      exitCode = reportUser(std::move(error));
      return nullptr;
    }
  return std::move(*loaded);
}

int Session::report(llvm::Error error) const {
  bool isUsers = isModule() || (compiled && compiled->isRefused());
  return isUsers ? reportUser(std::move(error))
                 : reportInternal(std::move(error));
}
