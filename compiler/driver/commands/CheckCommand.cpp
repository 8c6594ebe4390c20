//===- CheckCommand.cpp - ladon check -------------------------------------===//

#include "compiler/codegen/artifact/Signature.h"
#include "compiler/driver/check/InterpreterTrial.h"
#include "compiler/driver/commands/Session.h"
#include "compiler/driver/host/HostCall.h"
#include "compiler/driver/host/Sizes.h"
#include "compiler/support/Progress.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>

using namespace ladon;

namespace {

struct CheckOptions {
  CommonOptions common;
  std::vector<std::string> sizes;
  std::optional<uint64_t> seed;
  bool checkIndices = false;
};

/// Compares one entry point with what is right, on the inputs of a trial.
using TrialFn =
    llvm::function_ref<llvm::Expected<TrialReport>(const Trial &trial)>;

} // namespace

/// The sizes to try: those given, or a table of edges of tiles.
static llvm::Expected<std::vector<SizeMap>>
sizesToTry(const ast::Attention &attention, const CheckOptions &options) {
  if (options.sizes.empty()) {
    std::vector<SizeMap> sizes = edgeSizes(attention);
    if (sizes.empty())
      return llvm::createStringError(
          "none of the sizes that 'check' tries fits the tensors of '" +
          attention.name + "'; give sizes that do with '--size'");
    return sizes;
  }
  std::vector<SizeMap> all;
  for (const std::string &text : options.sizes) {
    auto sizes = parseSizes(text);
    if (!sizes)
      return sizes.takeError();
    if (llvm::Error error = checkSizeNames(attention, *sizes))
      return std::move(error);
    all.push_back(std::move(*sizes));
  }
  return all;
}

static void print(const ast::Attention &attention,
                  llvm::ArrayRef<GateSummary> summaries, bool isModule) {
  std::vector<std::string> names = attention.writtenNames();
  for (size_t index = 0; index < summaries.size(); ++index) {
    const GateSummary &summary = summaries[index];
    llvm::outs() << names[index]
                 << llvm::format(": largest scaled error %.3g, bound %.3g, ",
                                 summary.error, summary.bound);
    if (!isModule)
      llvm::outs() << llvm::format("correlation 1 - %.1g, ",
                                   1 - summary.correlation);
    llvm::outs() << summary.elements << " elements";
    if (summary.unchecked > 0)
      llvm::outs() << ", " << summary.unchecked << " decided by rounding";
    if (summary.vacuous > 0)
      llvm::outs() << ", in " << summary.vacuous << " of " << summary.results
                   << " trials most bounds are wider than the values";
    llvm::outs() << "\n";
  }
}

/// Runs all trials of one entry point and returns the exit code. `checked`, if
/// not null, is `program` with its indices checked.
static int checkEntry(const ast::Attention &attention,
                      llvm::ArrayRef<SizeMap> sizes,
                      const CheckOptions &options, TrialFn run,
                      ProgramFn program, ProgramFn checked, bool isModule) {
  // Every kind of values and views at every size, or all sizes of the table.
  size_t trials =
      options.sizes.empty() ? 2 * sizes.size() : pairsOfKinds() * sizes.size();
  std::vector<GateSummary> summaries(attention.writtenNames().size());
  size_t failed = 0, clamped = 0;
  std::string firstClamped;
  Progress progress("checking " + attention.name);
  for (size_t number = 0; number < trials; ++number) {
    progress.update(number, trials, "trials");
    Trial trial = makeTrial(
        sizes, options.sizes.empty() ? number : number % pairsOfKinds());
    if (!options.sizes.empty())
      trial.sizes = sizes[number / pairsOfKinds()];
    if (options.seed)
      trial.seed = *options.seed;
    auto report = run(trial);
    std::string problem =
        report ? report->problem() : llvm::toString(report.takeError());
    if (problem.empty())
      problem = llvm::toString(checkRefusals(attention, program, trial));
    if (problem.empty() && checked) {
      auto sentence = compareIndexChecks(attention, checked, trial);
      if (!sentence)
        problem = llvm::toString(sentence.takeError());
      else if (!sentence->empty() && ++clamped == 1)
        firstClamped = describe(trial) + ": " + *sentence;
    }
    if (report)
      for (size_t index = 0; index < summaries.size(); ++index)
        summaries[index].add(report->results[index]);
    if (problem.empty())
      continue;
    progress.print("failed at " + describe(trial) + ": " + problem + "\n");
    if (++failed == 10)
      break;
  }
  progress.finish();
  print(attention, summaries, isModule);
  if (checked)
    llvm::outs() << "indices leave their tensor in " << clamped << " of "
                 << trials << " trials\n";
  if (clamped > 0)
    llvm::outs() << "first at " << firstClamped << "\n";
  llvm::outs() << attention.name << ": " << (failed ? "failed" : "passed")
               << (isModule ? ", compared with the tile interpreter\n" : "\n");
  return failed ? ExitUserError : ExitSuccess;
}

namespace {
/// While it lives, libraries that are called for the first time take the code
/// of one level.
class HeldToLevel {
public:
  explicit HeldToLevel(llvm::StringRef level) {
    if (const char *set = std::getenv(variable))
      before = set;
    setenv(variable, level.str().c_str(), /*overwrite=*/1);
  }
  ~HeldToLevel() {
    if (before)
      setenv(variable, before->c_str(), /*overwrite=*/1);
    else
      unsetenv(variable);
  }
  HeldToLevel(const HeldToLevel &) = delete;

private:
  static constexpr const char *variable = "LADON_MAX_CPU";
  std::optional<std::string> before;
};
} // namespace

/// Has one target checked, or of a list of levels each one that runs here.
static int forEachLevel(Session &session,
                        llvm::function_ref<int(const Compilation &)> check) {
  llvm::ArrayRef<Compilation *> levels = session.compilations();
  if (levels.empty())
    return session.exitCode;
  if (levels.size() == 1)
    return check(*levels.front());
  int exitCode = ExitSuccess;
  bool isChecked = false;
  for (const Compilation *level : levels) {
    const Target &target = level->getTarget();
    llvm::outs() << target.getName() << " (" << target.getInstructions()
                 << "): ";
    if (!target.runsHere()) {
      llvm::outs() << "not checked, this machine lacks it\n";
      continue;
    }
    llvm::outs() << '\n';
    HeldToLevel held(target.getName());
    exitCode = std::max(exitCode, check(*level));
    isChecked = true;
  }
  if (!isChecked)
    return reportUser(llvm::createStringError("this machine has none of " +
                                              session.targetNames()));
  return exitCode;
}

/// A spec is compared with the reference.
static int checkSpec(Session &session, const CheckOptions &options) {
  const ast::Attention &attention = session.attention();
  auto sizes = sizesToTry(attention, options);
  if (!sizes)
    return reportUser(sizes.takeError());
  return forEachLevel(session, [&](const Compilation &level) {
    std::unique_ptr<LoadedAttention> loaded = session.load();
    if (!loaded)
      return session.exitCode;
    auto program = [&](llvm::ArrayRef<HostTensor> inputs,
                       llvm::ArrayRef<HostTensor> outputs, int threads) {
      return callOnHost(*loaded, inputs, outputs, threads);
    };
    auto checked = [&](llvm::ArrayRef<HostTensor> inputs,
                       llvm::ArrayRef<HostTensor> outputs, int threads) {
      return callOnHost(*loaded, inputs, outputs, threads,
                        /*checkIndices=*/true);
    };
    auto run = [&](const Trial &trial) {
      return runTrial(attention, program, trial,
                      arithmeticOf(level.getTarget()));
    };
    return checkEntry(attention, *sizes, options, run, program,
                      options.checkIndices ? ProgramFn(checked) : ProgramFn(),
                      /*isModule=*/false);
  });
}

namespace {
/// What the interpreter runs of one level: its tiles.
struct InterpretedLevel {
  std::vector<InterpretedProgram> programs;
  mlir::OwningOpRef<mlir::ModuleOp> tiles;
};
} // namespace

/// Keeps the functions of a compilation at the tile level, when it gets there.
static void keepTiles(Compilation &compilation, InterpretedLevel &level) {
  compilation.setHook([&](Stage stage, mlir::ModuleOp module) {
    if (stage == Stage::Attn)
      for (auto [function, program] : llvm::zip_equal(
               artifact::entryPoints(module), compilation.getPrograms()))
        level.programs.push_back(
            {describeParameters(program), inputRoles(function), nullptr});
    if (stage == Stage::Tile) {
      level.tiles = module.clone();
      for (auto [function, program] :
           llvm::zip_equal(artifact::entryPoints(*level.tiles), level.programs))
        program.tileFunction = function;
    }
    return llvm::Error::success();
  });
}

/// A module is compared with the tile interpreter, function by function.
static int checkModule(Session &session, const CheckOptions &options) {
  std::map<const Compilation *, InterpretedLevel> levels;
  for (Compilation *compilation : session.compilations())
    keepTiles(*compilation, levels[compilation]);
  if (!session.artefact())
    return session.exitCode;
  return forEachLevel(session, [&](const Compilation &level) {
    int exitCode = ExitSuccess;
    size_t index = 0;
    for (const InterpretedProgram &program : levels[&level].programs) {
      auto sizes = sizesToTry(program.attention, options);
      if (!sizes)
        return reportUser(sizes.takeError());
      std::unique_ptr<LoadedAttention> loaded = session.load(index++);
      if (!loaded)
        return session.exitCode;
      auto compiled = [&](llvm::ArrayRef<HostTensor> inputs,
                          llvm::ArrayRef<HostTensor> outputs, int threads) {
        return callOnHost(*loaded, inputs, outputs, threads);
      };
      auto run = [&](const Trial &trial) {
        return runInterpreterTrial(program, compiled, trial);
      };
      exitCode =
          std::max(exitCode, checkEntry(program.attention, *sizes, options, run,
                                        compiled, /*checked=*/{},
                                        /*isModule=*/true));
    }
    return exitCode;
  });
}

static int runCheck(const CheckOptions &options) {
  Session session(options.common);
  if (!session.open())
    return session.exitCode;
  if (session.isModule() && options.checkIndices)
    return reportUser(llvm::createStringError(
        "--check-indices: expected a spec, as a module has no reference to "
        "compare with; calls of its library can set check_indices"));
  return session.isModule() ? checkModule(session, options)
                            : checkSpec(session, options);
}

void ladon::addCheckCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App *command = app.add_subcommand(
      "check", "Compare a compiled spec with the f64 reference, or a compiled "
               "module with the tile interpreter");
  addCommonOptions(*command, options->common, "A spec, or a module of MLIR");
  addCodegenOption(*command, options->common);
  command
      ->add_option("--size", options->sizes,
                   "Sizes to try, repeatable; without any, a table of them")
      ->allow_extra_args(false)
      ->type_name("S=128,T=128,...");
  command->add_flag("--check-indices", options->checkIndices,
                    "Also make each call with its indices checked, and compare "
                    "what it finds with the reference");
  command->add_option("--seed", options->seed, "For the random inputs")
      ->check(wholeNumber());
  command->callback([options, &exitCode] { exitCode = runCheck(*options); });
}
