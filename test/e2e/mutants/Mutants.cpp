//===- Mutants.cpp - Which small changes to its output go unnoticed? ------===//
//
// Specs are compiled with one small change to the module at the tile or the
// vector level, and what comes of it goes through the numeric gate. A mutant
// may write anywhere and run for ever, so each has a process of its own.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/check/NumericTrial.h"
#include "compiler/driver/compile/Compile.h"
#include "compiler/driver/host/HostCall.h"
#include "test/e2e/PoisonedMemory.h"
#include "test/e2e/Suites.h"
#include "test/e2e/mutants/Mutations.h"

#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ladon;
using namespace ladon::e2e;
using llvm::StringRef;

/// Seconds after which a mutant counts as one that hangs.
static constexpr unsigned patience = 60;
/// Trials of a mutant that none of them catches.
static constexpr size_t mostTrials = 220;
/// Bytes that a mutant may ask for.
static constexpr rlim_t mostMemory = rlim_t(6) << 30;

namespace {

/// What came of a mutant; the exit status of its process.
enum class Fate {
  Survived,
  Caught,
  Repaired,     ///< Where nothing was computed again, it would be caught.
  NotRun,       ///< Survived: no trial executes what was changed.
  NoDifference, ///< The library is the same to the byte.
  Invalid       ///< It is no valid module, or a pass refuses it.
};

/// One of the changes to one spec.
struct Mutant {
  const char *spec;
  Stage stage;
  size_t number;
};

/// What the mutants of a spec are held to. Their processes inherit it, so that
/// the reference computes each trial once.
struct Original {
  std::unique_ptr<Spec> spec;
  std::string library;
  std::vector<PreparedTrial> trials;
  /// Which of them are right where nothing is computed again.
  std::vector<bool> isRightAtOnce;
};

using Change = llvm::function_ref<void(mlir::ModuleOp)>;

/// Runs mutants, each in a process.
class MutantRun {
public:
  MutantRun(StringRef source, const Target &target,
            const MutantOptions &options)
      : source(source), target(target), options(options) {}

  Counts run();

private:
  std::unique_ptr<Spec> load(StringRef name) const;
  void visit(StringRef spec, Stage stage,
             llvm::function_ref<void(const std::vector<Mutation> &)> use) const;
  std::vector<Mutant> collect(const char *spec, Stage stage) const;
  std::string surroundingsOf(const Mutant &mutant) const;
  std::vector<Mutant> choose() const;
  llvm::Expected<Artefact> compile(const Original &original, Stage stage,
                                   Change change) const;
  std::string problemOf(const Original &original, LoadedAttention &code,
                        const PreparedTrial &trial) const;
  Original prepare(StringRef name);
  Fate fateOf(const Mutant &mutant, const Original &original, int reportTo,
              std::string &reason) const;
  [[noreturn]] void runInChild(const Mutant &mutant, const Original &original,
                               int reportTo) const;
  void judge(const Mutant &mutant, int status, StringRef report);
  StringRef excuse(StringRef where) const;
  void readEquivalents();

  StringRef source;
  const Target &target;
  const MutantOptions &options;
  std::map<std::string, int> fates;
  int caught = 0, survived = 0, excused = 0;
  int wrong = 0; ///< Trials that fail without a change.
  /// Why mutants in whose line all of some texts stand change nothing that a
  /// caller can see.
  std::vector<std::pair<std::string, std::string>> equivalents;
};

} // namespace

/// Specs that together have every operation of the two levels.
static const char *const specs[] = {"examples/causal_cache",
                                    "examples/with_lse",
                                    "examples/packed_documents",
                                    "examples/paged_cache",
                                    "examples/sliding_window",
                                    "examples/t5_bias",
                                    "examples/bool_mask",
                                    "test/e2e/specs/bf16_all",
                                    "test/e2e/specs/f64_causal_lse",
                                    "test/e2e/specs/sinks_causal_gqa",
                                    "test/e2e/specs/int8_offset",
                                    "test/e2e/specs/concat_causal",
                                    "test/e2e/specs/rope_halves",
                                    "test/e2e/specs/norms_qk",
                                    "test/e2e/specs/gated_module",
                                    "test/e2e/specs/integers_floor",
                                    "test/e2e/specs/mask_every_other_block"};

//===--- One mutant ------------------------------------------------------===//

std::unique_ptr<Spec> MutantRun::load(StringRef name) const {
  return llvm::cantFail(loadSpec(
      (source + "/" + name + ".attn").str(),
      options.specs.lookup(llvm::sys::path::filename(name)).overrides));
}

/// Calls `use` with all changes to a module.
void MutantRun::visit(
    StringRef name, Stage stage,
    llvm::function_ref<void(const std::vector<Mutation> &)> use) const {
  std::unique_ptr<Spec> spec = load(name);
  Compilation compilation(*spec->checked, spec->sources, target);
  compilation.setHook([&](Stage reached, mlir::ModuleOp module) -> llvm::Error {
    if (reached == stage)
      use(mutationsOf(module));
    return llvm::Error::success();
  });
  llvm::cantFail(compilation.run(stage));
}

std::vector<Mutant> MutantRun::collect(const char *name, Stage stage) const {
  std::vector<Mutant> mutants;
  visit(name, stage, [&](const std::vector<Mutation> &mutations) {
    while (mutants.size() < mutations.size())
      mutants.push_back({name, stage, mutants.size()});
  });
  return mutants;
}

std::string MutantRun::surroundingsOf(const Mutant &mutant) const {
  std::string text;
  visit(mutant.spec, mutant.stage, [&](const std::vector<Mutation> &mutations) {
    text = mutations[mutant.number].surroundings();
  });
  return text;
}

/// Bytes from the first element of a tensor to the end of its last one.
static size_t spanOf(const HostTensor &tensor) {
  if (tensor.size() == 0)
    return 0;
  int64_t elements = 1;
  for (auto [extent, stride] : llvm::zip_equal(tensor.shape, tensor.strides))
    elements += (extent - 1) * stride;
  return elements * byteSize(tensor.element);
}

/// A copy of a tensor whose last byte is the last before a page that faults.
static HostTensor guarded(const HostTensor &tensor) {
  HostTensor copy = tensor;
  if (tensor.size() == 0)
    return copy;
  size_t bytes = spanOf(tensor), page = sysconf(_SC_PAGESIZE);
  size_t pages = llvm::alignTo(bytes, page);
  void *memory = mmap(nullptr, pages + page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    _exit(int(Fate::Invalid));
  char *end = static_cast<char *>(memory) + pages;
  mprotect(end, page, PROT_NONE);
  std::shared_ptr<void> mapped(memory,
                               [=](void *at) { munmap(at, pages + page); });
  copy.data = end - bytes;
  copy.owner = std::shared_ptr<std::vector<char>>(mapped, tensor.owner.get());
  std::memcpy(copy.data, tensor.data, bytes);
  return copy;
}

static void tell(int pipe, StringRef text) {
  if (write(pipe, text.data(), text.size()) < 0)
    _exit(int(Fate::Invalid));
}

/// A spec with a change to the module at a stage.
llvm::Expected<Artefact> MutantRun::compile(const Original &original,
                                            Stage stage, Change change) const {
  Compilation compilation(*original.spec->checked, original.spec->sources,
                          target);
  compilation.setHook([&](Stage reached, mlir::ModuleOp module) -> llvm::Error {
    if (reached != stage)
      return llvm::Error::success();
    change(module);
    if (mlir::succeeded(mlir::verify(module)))
      return llvm::Error::success();
    return llvm::createStringError("invalid");
  });
  return compilation.makeArtefact();
}

/// What is wrong with a trial; empty when nothing is.
std::string MutantRun::problemOf(const Original &original,
                                 LoadedAttention &code,
                                 const PreparedTrial &trial) const {
  auto program = [&](llvm::ArrayRef<HostTensor> inputs,
                     llvm::ArrayRef<HostTensor> outputs, int threads) {
    std::vector<HostTensor> ins(inputs.size()), outs(outputs.size());
    std::transform(inputs.begin(), inputs.end(), ins.begin(), guarded);
    std::transform(outputs.begin(), outputs.end(), outs.begin(), guarded);
    // The two calls of a trial must give the same.
    Poison poison = threads == 1 ? Poison::Number : Poison::NaN;
    llvm::Error error =
        HostArguments(ins, outs).call(code, poisonedOptions(threads, poison));
    // With the gaps, which must be as they were.
    for (auto [from, to] : llvm::zip_equal(outs, outputs))
      std::memcpy(to.data, from.data, spanOf(to));
    return error;
  };
  auto report = runTrial(original.spec->attention(), program, trial);
  return report ? report->problem() : llvm::toString(report.takeError());
}

/// All sizes with all kinds of values: the suite has them over many specs. Two
/// kinds only mutants need.
Original MutantRun::prepare(StringRef name) {
  Original original;
  original.spec = load(name);
  const ast::Attention &attention = original.spec->attention();
  Artefact artefact =
      llvm::cantFail(compile(original, Stage::Tile, [](mlir::ModuleOp) {}));
  original.library = artefact.library;
  std::vector<SizeMap> sizes =
      options.specs.lookup(llvm::sys::path::filename(name)).sizes;
  if (sizes.empty()) {
    sizes = edgeSizes(attention);
    // Few queries with keys for three chunks that are merged, and many. An odd
    // number of sizes, so that each meets seeds of both kinds.
    sizes.push_back(sizes.back());
    for (const char *name : {"T", "P"})
      if (sizes.back().count(name))
        sizes.back()[name] = 1100;
    sizes.push_back(sizes.back());
    for (const char *name : {"S", "N"})
      if (sizes.back().count(name))
        sizes.back()[name] = 40;
    // A third batch entry is what neither the first nor the last of two is.
    if (sizes.back().count("B"))
      sizes.back()["B"] = 3;
    // Several blocks of keys where they are as many as queries.
    if (!sizes.back().count("T")) {
      sizes.push_back({{"B", 1}, {"S", 300}});
      sizes.push_back({{"B", 2}, {"S", 129}});
    }
  }
  size_t count = std::min(sizes.size() * allValueKinds().size(), mostTrials);
  std::vector<Trial> trials;
  for (size_t number = 0; number < count; ++number)
    trials.push_back(makeTrial(sizes, number));
  for (size_t number = 0; number < 4 * sizes.size(); ++number) {
    ValueKind values = number % 2 ? ValueKind::Peak : ValueKind::Ascending;
    trials.push_back(
        {sizes[number % sizes.size()], values, ViewKind::Dense, number + 1});
  }
  auto program = llvm::cantFail(LoadedAttention::load(artefact));
  for (const Trial &trial : trials) {
    original.trials.push_back(
        llvm::cantFail(prepareTrial(attention, trial, arithmeticOf(target))));
    // What is wrong without a change would count for every mutant.
    std::string problem = problemOf(original, *program, original.trials.back());
    if (problem.empty())
      continue;
    llvm::outs() << "FAIL " << name << ": (" << describe(trial) << ") "
                 << problem << "\n";
    ++wrong;
    original.trials.pop_back();
  }
  auto trusting = llvm::cantFail(LoadedAttention::load(
      llvm::cantFail(compile(original, Stage::Tile, trustFewQueries))));
  for (const PreparedTrial &trial : original.trials)
    original.isRightAtOnce.push_back(
        problemOf(original, *trusting, trial).empty());
  return original;
}

/// Compiles the mutant and tries it; `reason` is why it was caught. What it is
/// is reported before anything can happen.
Fate MutantRun::fateOf(const Mutant &mutant, const Original &original,
                       int reportTo, std::string &reason) const {
  auto artefact = compile(original, mutant.stage, [&](mlir::ModuleOp module) {
    Mutation mutation = mutationsOf(module)[mutant.number];
    tell(reportTo, mutation.describe() + "\n");
    mutation.make();
  });
  if (!artefact) {
    reason = llvm::toString(artefact.takeError());
    return Fate::Invalid;
  }
  if (artefact->library == original.library)
    return Fate::NoDifference;
  auto load = [&](Change change) -> std::unique_ptr<LoadedAttention> {
    auto changed = compile(original, mutant.stage, change);
    if (!changed)
      return llvm::consumeError(changed.takeError()), nullptr;
    auto loaded = LoadedAttention::load(*changed);
    if (!loaded)
      return llvm::consumeError(loaded.takeError()), nullptr;
    return std::move(*loaded);
  };
  auto isCaught = [&](LoadedAttention &code, bool onlyRightAtOnce) {
    for (auto [trial, isRightAtOnce] :
         llvm::zip_equal(original.trials, original.isRightAtOnce)) {
      if (onlyRightAtOnce && !isRightAtOnce)
        continue;
      reason = problemOf(original, code, trial);
      if (!reason.empty())
        return true;
    }
    return false;
  };
  auto loaded = LoadedAttention::load(*artefact);
  if (!loaded) {
    reason = llvm::toString(loaded.takeError());
    return Fate::Caught;
  }
  if (isCaught(**loaded, /*onlyRightAtOnce=*/false))
    return Fate::Caught;
  auto trusting = load([&](mlir::ModuleOp module) {
    Mutation mutation = mutationsOf(module)[mutant.number];
    trustFewQueries(module);
    mutation.make();
  });
  if (trusting && isCaught(*trusting, /*onlyRightAtOnce=*/true))
    return Fate::Repaired;
  // Is the place reached at all?
  auto probing = load([&](mlir::ModuleOp module) {
    mutationsOf(module)[mutant.number].makeProbe();
  });
  if (!probing)
    return Fate::Survived;
  std::signal(SIGABRT, [](int) { _exit(int(Fate::Survived)); });
  return isCaught(*probing, /*onlyRightAtOnce=*/false) ? Fate::Survived
                                                       : Fate::NotRun;
}

/// In a folder of its own, for what failed compilations leave.
void MutantRun::runInChild(const Mutant &mutant, const Original &original,
                           int reportTo) const {
  int nowhere = open("/dev/null", O_WRONLY);
  dup2(nowhere, STDOUT_FILENO);
  if (options.only.empty())
    dup2(nowhere, STDERR_FILENO);
  rlimit limit{mostMemory, mostMemory};
  setrlimit(RLIMIT_AS, &limit);
  rlimit noCore{0, 0};
  setrlimit(RLIMIT_CORE, &noCore);
  alarm(patience);
  std::string reason;
  Fate fate = fateOf(mutant, original, reportTo, reason);
  tell(reportTo, reason);
  _exit(int(fate));
}

//===--- All of them -----------------------------------------------------===//

static std::string nameOf(const Mutant &mutant) {
  return std::string(mutant.spec) +
         (mutant.stage == Stage::Tile ? " tile " : " vector ") +
         std::to_string(mutant.number);
}

/// So many of all there are, at random; or the only one.
std::vector<Mutant> MutantRun::choose() const {
  std::vector<Mutant> all;
  for (const char *spec : specs)
    for (Stage stage : {Stage::Tile, Stage::Vector}) {
      // One that is asked for by name is in one module.
      Mutant first{spec, stage, 0};
      if (!options.only.empty() &&
          !StringRef(options.only)
               .starts_with(StringRef(nameOf(first)).drop_back()))
        continue;
      std::vector<Mutant> own = collect(spec, stage);
      all.insert(all.end(), own.begin(), own.end());
    }
  if (!options.only.empty()) {
    llvm::erase_if(all, [&](const Mutant &mutant) {
      return nameOf(mutant) != options.only;
    });
    return all;
  }
  llvm::outs() << all.size() << " changes to " << std::size(specs)
               << " specs at two levels, of which " << options.count
               << " at random from seed " << options.seed << "\n";
  llvm::outs().flush();
  Random random(options.seed);
  for (size_t at = 0; at + 1 < all.size(); ++at)
    std::swap(all[at], all[random.integer(at, all.size() - 1)]);
  all.resize(std::min<size_t>(all.size(), options.count));
  // Those of a spec one after the other.
  llvm::stable_sort(all, [](const Mutant &one, const Mutant &other) {
    return StringRef(one.spec) < other.spec;
  });
  return all;
}

/// Lines "TEXT & TEXT => WHY".
void MutantRun::readEquivalents() {
  auto file = llvm::MemoryBuffer::getFile(
      (source + "/test/e2e/mutants/equivalent.txt").str());
  if (!file)
    return;
  llvm::SmallVector<StringRef> lines;
  (*file)->getBuffer().split(lines, '\n');
  for (StringRef line : lines) {
    auto [text, why] = line.split(" => ");
    if (!line.starts_with("#") && !why.empty())
      equivalents.emplace_back(text.trim().str(), why.trim().str());
  }
}

StringRef MutantRun::excuse(StringRef where) const {
  for (const auto &[texts, why] : equivalents) {
    llvm::SmallVector<StringRef> parts;
    StringRef(texts).split(parts, " & ");
    if (llvm::all_of(parts,
                     [&](StringRef part) { return where.contains(part); }))
      return why;
  }
  return "";
}

void MutantRun::judge(const Mutant &mutant, int status, StringRef report) {
  auto [what, reason] = report.split('\n');
  Fate fate = WIFEXITED(status) ? Fate(WEXITSTATUS(status)) : Fate::Caught;
  std::string where = nameOf(mutant) + ", " + what.str();
  if (!WIFEXITED(status)) {
    bool isHang = WTERMSIG(status) == SIGALRM;
    ++fates[isHang ? "by a hang" : "by a crash"];
    ++caught;
  } else if (fate == Fate::Caught) {
    ++fates["by the gate"];
    ++caught;
  } else if (fate == Fate::Repaired) {
    ++fates["by the code itself, which computed again what was NaN"];
    ++caught;
  } else if (fate == Fate::NoDifference) {
    ++fates["without a difference in the code"];
  } else if (fate == Fate::Invalid) {
    ++fates["that are no valid module"];
  } else if (StringRef why = excuse(where); !why.empty()) {
    ++excused;
    if (options.verbose)
      llvm::outs() << "equivalent: " << where << " (" << why << ")\n";
    return;
  } else {
    ++survived;
    llvm::outs() << (fate == Fate::NotRun ? "SURVIVED, never run "
                                          : "SURVIVED ")
                 << where << "\n";
    if (options.verbose || !options.only.empty())
      llvm::outs() << surroundingsOf(mutant) << "\n";
    return;
  }
  if (options.verbose)
    llvm::outs() << (fate == Fate::Invalid ? "invalid: " : "caught: ") << where
                 << " (" << reason.substr(0, 100) << ")\n";
}

Counts MutantRun::run() {
  readEquivalents();
  std::vector<Mutant> chosen = choose();
  struct Child {
    const Mutant *mutant;
    int reports;
  };
  std::map<pid_t, Child> running;
  // Where failed compilations leave their folders.
  llvm::SmallString<128> folder;
  if (llvm::sys::fs::createUniqueDirectory("ladon-mutants", folder)) {
    llvm::outs() << "FAIL mutants: no folder for temporary files\n";
    return {0, 1};
  }
  auto waitForOne = [&] {
    int status = 0;
    pid_t child = wait(&status);
    auto [mutant, reports] = running.at(child);
    char text[1024];
    ssize_t bytes = std::max<ssize_t>(read(reports, text, sizeof text), 0);
    close(reports);
    running.erase(child);
    judge(*mutant, status, StringRef(text, bytes));
    llvm::outs().flush();
  };
  Original original;
  const char *prepared = nullptr;
  for (const Mutant &mutant : chosen) {
    if (mutant.spec != prepared)
      original = prepare(prepared = mutant.spec);
    if (running.size() >= options.processes)
      waitForOne();
    int ends[2];
    if (pipe(ends))
      llvm::report_fatal_error("no pipe");
    llvm::outs().flush();
    pid_t child = fork();
    if (child == 0) {
      if (chdir(folder.c_str()))
        _exit(int(Fate::Invalid));
      runInChild(mutant, original, ends[1]);
    }
    close(ends[1]);
    running[child] = {&mutant, ends[0]};
  }
  while (!running.empty())
    waitForOne();
  llvm::sys::fs::remove_directories(folder);
  for (const auto &[how, count] : fates)
    llvm::outs() << "  " << count << " " << how << "\n";
  llvm::outs() << "  " << excused << " are equivalent\n"
               << "mutants: " << caught << " of " << caught + survived
               << " were caught\n";
  return {caught, survived + wrong};
}

Counts e2e::runMutants(StringRef source, const Target &target,
                       const MutantOptions &options) {
  return MutantRun(source, target, options).run();
}
