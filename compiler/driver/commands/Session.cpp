//===- Session.cpp - One run of a command ---------------------------------===//

#include "compiler/driver/commands/Session.h"

#include "compiler/driver/compile/ModuleInput.h"
#include "compiler/driver/host/RemoteCall.h"
#include "compiler/frontend/CheckMasks.h"
#include "compiler/support/Debug.h"
#include "compiler/support/Progress.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
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

llvm::ArrayRef<std::unique_ptr<Target>> Session::targets() {
  if (!chosen.empty())
    return chosen;
  const Backend *backend = findBackend(options.target, options.codegen);
  if (!backend) {
    reportUser(llvm::createStringError("--codegen " + options.codegen +
                                       " has no --target " + options.target));
    return {};
  }
  // A level may stand in place of its back end.
  const std::string &level =
      backend->getName() == options.target ? options.cpu : options.target;
  std::vector<std::unique_ptr<Target>> found;
  if (options.simulate) {
    auto target = backend->createSimulated(level);
    if (!target) {
      reportUser(target.takeError());
      return {};
    }
    found.push_back(std::move(*target));
  } else {
    auto targets = backend->createTargets(level);
    if (!targets) {
      reportUser(targets.takeError());
      return {};
    }
    found = std::move(*targets);
  }
  if (!options.cudaTile.empty())
    for (std::unique_ptr<Target> &target : found)
      if (llvm::Error error = target->setTiles(options.cudaTile)) {
        reportUser(std::move(error));
        return {};
      }
  if (options.fuseProjection != "auto")
    for (std::unique_ptr<Target> &target : found)
      if (llvm::Error error = target->fuseProjections(
              options.fuseProjection == "always" ? ProjectionFusion::Always
                                                 : ProjectionFusion::Never)) {
        reportUser(std::move(error));
        return {};
      }
  if (!options.sanitize.empty())
    for (std::unique_ptr<Target> &target : found)
      if (llvm::Error error = target->sanitizeAddresses()) {
        reportUser(std::move(error));
        return {};
      }
  chosen = std::move(found);
  return chosen;
}

const Target *Session::target() {
  if (targets().empty())
    return nullptr;
  for (const std::unique_ptr<Target> &target : llvm::reverse(chosen))
    if (target->runsHere())
      return target.get();
  return chosen.front().get();
}

std::string Session::targetNames() const {
  return llvm::join(llvm::map_range(chosen,
                                    [](const std::unique_ptr<Target> &target) {
                                      return target->getName().str();
                                    }),
                    ",");
}

llvm::ArrayRef<Compilation *> Session::compilations() {
  if (!levels.empty())
    return levels;
  for (const std::unique_ptr<Target> &target : targets()) {
    if (isModule()) {
      compiled.push_back(
          std::make_unique<Compilation>(file.sources, file.buffer, *target));
      if (options.file != "-")
        compiled.back()->setLibraryName(llvm::sys::path::stem(options.file));
    } else {
      compiled.push_back(
          std::make_unique<Compilation>(*checked, file.sources, *target));
    }
    levels.push_back(compiled.back().get());
  }
  return levels;
}

Compilation *Session::compilation() {
  const Target *wanted = target();
  if (!wanted)
    return nullptr;
  return *llvm::find_if(compilations(), [&](Compilation *level) {
    return &level->getTarget() == wanted;
  });
}

const Artefact *Session::artefact() {
  if (made || compilations().empty())
    return made ? &*made : nullptr;
  auto artefact = [&] {
    Progress progress(("compiling " + llvm::sys::path::filename(options.file) +
                       " for " + targetNames())
                          .str());
    return makeArtefact(levels);
  }();
  if (!artefact) {
    exitCode = report(artefact.takeError());
    return nullptr;
  }
  made = std::move(*artefact);
  return &*made;
}

std::unique_ptr<LoadedAttention> Session::load(size_t index) {
  if (!artefact())
    return nullptr;
  auto loaded = LoadedAttention::load(*made, index);
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
  bool isUsers = isModule() || llvm::any_of(levels, [](Compilation *level) {
                   return level->isRefused();
                 });
  return isUsers ? reportUser(std::move(error))
                 : reportInternal(std::move(error));
}
