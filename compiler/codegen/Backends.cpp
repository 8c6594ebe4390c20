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

llvm::Expected<std::unique_ptr<Target>>
ladon::createTargetOfLevel(llvm::StringRef level) {
  const Backend *backend = findBackend(level);
  return (backend ? *backend : cpu::x86Backend()).createTarget(level);
}

/// What is wrong with a list of levels; empty if nothing is.
static std::string problemOfList(const Backend &backend,
                                 llvm::ArrayRef<llvm::StringRef> names) {
  for (auto [index, name] : llvm::enumerate(names)) {
    if (llvm::is_contained(names.take_front(index), name))
      return name.str() + " is in the list twice";
    if (llvm::is_contained(backend.getLevels(), name))
      continue;
    if (name == "native")
      return "native stands alone: say its level, which ladon doctor prints";
    for (const Backend *other : backends())
      if (llvm::is_contained(other->getLevels(), name))
        return name.str() + " is a level of --target " +
               other->getName().str() + ", and a library is for one target";
    return "expected levels of " + backend.getLevelNames() + ", found '" +
           name.str() + "'";
  }
  return "";
}

llvm::Expected<std::vector<std::unique_ptr<Target>>>
Backend::createTargets(llvm::StringRef levels) const {
  std::vector<llvm::StringRef> names = {levels};
  if (joinsTargets() && levels.contains(',')) {
    llvm::SmallVector<llvm::StringRef> list;
    levels.split(list, ',');
    std::string problem = problemOfList(*this, list);
    if (!problem.empty())
      return llvm::createStringError("--cpu " + levels + ": " + problem);
    // As they stand in the table.
    names = getLevels();
    llvm::erase_if(names, [&](llvm::StringRef name) {
      return !llvm::is_contained(list, name);
    });
  }
  std::vector<std::unique_ptr<Target>> targets;
  for (llvm::StringRef name : names) {
    auto target = createTarget(name);
    if (!target)
      return target.takeError();
    targets.push_back(std::move(*target));
  }
  return targets;
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
