//===- Levels.cpp - The code of several levels in one library -------------===//
//
// Levels differ in their tiles, so each goes through the passes by itself, in a
// context and on a thread of its own; what they have in common is the library:
// its entry points, which are compiled with the code of the lowest level but
// for any CPU, and the runtime, which picks the code of a level at each call.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/compile/Compile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ThreadPool.h"

using namespace ladon;
using artifact::ProgramSpec;

/// Does `work` for every level, side by side. Of several errors the first is
/// that of the lowest level: the others say the same of the same text.
static llvm::Error forEachLevel(llvm::ArrayRef<Compilation *> levels,
                                llvm::function_ref<llvm::Error(size_t)> work) {
  if (levels.size() == 1)
    return work(0);
  std::vector<std::optional<llvm::Error>> errors(levels.size());
  llvm::DefaultThreadPool threads(llvm::hardware_concurrency(levels.size()));
  for (size_t index = 0; index < levels.size(); ++index)
    threads.async(
        [&work, &errors, index] { errors[index].emplace(work(index)); });
  threads.wait();
  llvm::Error first = llvm::Error::success();
  for (std::optional<llvm::Error> &error : errors) {
    if (!first)
      first = std::move(*error);
    else
      llvm::consumeError(std::move(*error));
  }
  return first;
}

/// The programs of the lowest level with what all have: facts that are the same
/// are those of the program.
static std::vector<ProgramSpec> join(llvm::ArrayRef<Compilation *> levels) {
  std::vector<ProgramSpec> programs = levels.front()->getPrograms().vec();
  if (levels.size() == 1)
    return programs;
  for (auto [index, program] : llvm::enumerate(programs)) {
    auto factsOf = [&, index = index](Compilation *level) -> auto & {
      return level->getPrograms()[index].facts;
    };
    auto isCommon = [&](const auto &fact) {
      return llvm::all_of(levels, [&](Compilation *level) {
        return llvm::is_contained(factsOf(level), fact);
      });
    };
    for (Compilation *level : levels) {
      llvm::StringRef name = level->getTarget().getName();
      const ProgramSpec &own = level->getPrograms()[index];
      artifact::LevelSpec spec{name.str(), own.cpuLevel, own.facts};
      llvm::erase_if(spec.facts, isCommon);
      program.levels.push_back(std::move(spec));
      if (level != levels.front())
        program.target += ", " + name.str();
    }
    llvm::erase_if(program.facts, [&](const auto &f) { return !isCommon(f); });
  }
  return programs;
}

llvm::Expected<Artefact>
ladon::makeArtefact(llvm::ArrayRef<Compilation *> levels) {
  // One after the other: they read the same text.
  for (Compilation *level : levels)
    if (llvm::Error error = level->run(Stage::Attn))
      return std::move(error);
  if (llvm::Error error = forEachLevel(levels, [&](size_t index) {
        return levels[index]->run(Stage::Llvm);
      }))
    return std::move(error);

  std::vector<ProgramSpec> programs = join(levels);
  std::vector<std::vector<std::string>> objects(levels.size());
  auto emit = [&](size_t index) -> llvm::Error {
    Compilation &level = *levels[index];
    // The entry points are with the code of the lowest level.
    llvm::ArrayRef<ProgramSpec> entryPoints;
    if (index == 0)
      entryPoints = programs;
    std::string suffix;
    if (levels.size() > 1)
      suffix = artifact::symbolSuffix(level.getTarget().getName());
    auto emitted = level.emitObjects(entryPoints, suffix);
    if (!emitted)
      return emitted.takeError();
    objects[index] = std::move(*emitted);
    return llvm::Error::success();
  };
  if (llvm::Error error = forEachLevel(levels, emit))
    return std::move(error);

  llvm::SmallVector<llvm::StringRef> files;
  for (const std::vector<std::string> &ofLevel : objects)
    files.append(ofLevel.begin(), ofLevel.end());
  files.push_back(levels.front()->getTarget().getRuntimeObject());
  std::vector<std::string> entries;
  for (const ProgramSpec &program : programs)
    entries.push_back(program.name);
  const std::string &name = levels.front()->getLibraryName();
  auto library = artifact::linkSharedLibrary(
      files, name, entries, levels.front()->getTarget().sanitizesAddresses());
  if (!library)
    return library.takeError();
  return Artefact{name, std::move(programs), std::move(*library)};
}
