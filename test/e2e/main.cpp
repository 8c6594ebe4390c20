//===- main.cpp - ladon-e2e: specs through the numeric gate ---------------===//

#include "test/e2e/Suites.h"

#include "llvm/Support/Parallel.h"
#include "llvm/Support/raw_ostream.h"

// Not LLVM's command line: the linker, which runs in this process, resets it.
#include <CLI/CLI.hpp>

using namespace ladon::e2e;
using Targets = std::vector<std::unique_ptr<ladon::Target>>;

/// The levels, the lowest first, or the one that is simulated.
static llvm::Expected<Targets> chooseTargets(const ladon::Backend &backend,
                                             const std::string &levels,
                                             const std::string &simulated) {
  if (simulated.empty())
    return backend.createTargets(levels);
  auto target = backend.createSimulated(simulated);
  if (!target)
    return target.takeError();
  Targets targets;
  targets.push_back(std::move(*target));
  return targets;
}

/// The options that decide what runs random specs, as they were given.
static std::string chosenRunner(const CLI::App &app) {
  std::string text;
  for (const char *name : {"--target", "--cpu", "--codegen", "--simulate",
                           "--fuse-projections", "--reference"}) {
    const CLI::Option *option = app.get_option(name);
    if (option->count() == 0)
      continue;
    text += std::string(" ") + name;
    if (option->get_type_size() > 0)
      text += " " + option->as<std::string>();
  }
  return text;
}

int main(int argc, char **argv) {
  std::vector<std::string> directories;
  std::string onnx, optionsFile, simulate, machine = "cpu", cpu = "native",
                                           codegen = "llvm";
  GalleryOptions gallery;
  RandomOptions random;
  MutantOptions mutants;
  random.count = 0;
  unsigned threads = 0;
  bool reference = false, defects = false, fuseAll = false;
  CLI::App app("Runs tables of specs through the numeric gate; "
               "without arguments, all tables");
  app.add_option("directories", directories, "Directories of specs");
  app.add_option("--onnx", onnx, "Run the ONNX cases of this directory");
  app.add_option("--options", optionsFile, "Parameters and sizes of specs");
  app.add_option("--seeds", gallery.seeds, "Rounds through the sizes");
  app.add_option("--shard", gallery.shard, "Of the specs only every N-th");
  app.add_option("--shards", gallery.shards, "That N");
  app.add_option("--threads", threads, "Specs at a time; 0: as many as cores");
  app.add_option("--target", machine,
                 "What to make code for; what this "
                 "machine cannot run, LADON_LAUNCHER does");
  app.add_option("--cpu", cpu,
                 "The code's CPU level: native, x86-64-v3, ..., or several, "
                 "separated by commas, in one library");
  app.add_option("--codegen", codegen, "What makes the code of attends");
  app.add_option("--simulate", simulate,
                 "Code for this GPU, on the simulator: of directories, and "
                 "with --defects");
  app.add_option("--trials", gallery.trials, "So many trials of each spec");
  app.add_flag("--fuse-projections", fuseAll,
               "Compute output projections in the nests of attends wherever "
               "that is possible");
  app.add_flag("--verbose", gallery.verbose,
               "Print a line for every spec, and random specs");
  app.add_option("--random", random.count, "Run so many random specs");
  app.add_option("--minutes", random.minutes, "Run random specs for so long");
  app.add_option("--seed", random.seed, "Of the first random spec");
  app.add_option("--shrink", random.shrinkSeconds,
                 "For how many seconds a failing one is made smaller");
  app.add_flag("--defects", defects,
               "Compile with seeded defects, which must be caught");
  app.add_option("--mutants", mutants.count,
                 "Try so many small changes to compiled modules, which must be "
                 "caught");
  app.add_option("--mutant", mutants.only,
                 "Try this change, 'SPEC LEVEL NUMBER' as it is printed, and "
                 "show what stands around it");
  app.add_flag("--reference", reference,
               "Test the reference in place of compiled code");
  CLI11_PARSE(app, argc, argv);
  if (gallery.shard >= gallery.shards) {
    llvm::errs() << "--shard: expected less than --shards\n";
    return 2;
  }
  llvm::parallel::strategy = llvm::hardware_concurrency(threads);

  const std::string source = LADON_SOURCE_DIR;
  if (directories.empty() && onnx.empty() && !defects && random.count == 0 &&
      random.minutes == 0 && mutants.count == 0 && mutants.only.empty()) {
    // Everything there is.
    defects = !reference;
    random.count = 60;
    onnx = source + "/test/e2e/onnx";
    directories = {source + "/examples", source + "/test/e2e/specs"};
    if (optionsFile.empty())
      optionsFile = source + "/test/e2e/options.txt";
  }
  const ladon::Backend *backend =
      ladon::findBackend(simulate.empty() ? machine : simulate, codegen);
  if (!backend) {
    llvm::errs() << "--target " << machine << ", --codegen " << codegen
                 << ", --simulate '" << simulate
                 << "': there is no such back end\n";
    return 2;
  }
  auto targets = chooseTargets(*backend, cpu, simulate);
  if (!targets) {
    llvm::errs() << llvm::toString(targets.takeError()) << "\n";
    return 2;
  }
  if (fuseAll)
    for (std::unique_ptr<ladon::Target> &target : *targets)
      if (llvm::Error error =
              target->fuseProjections(ladon::ProjectionFusion::Always)) {
        llvm::errs() << llvm::toString(std::move(error)) << "\n";
        return 2;
      }
  const ladon::Target &target = *targets->back();
  std::unique_ptr<Runner> runner =
      reference ? referenceRunner() : compiledRunner(*targets);
  if (!optionsFile.empty()) {
    auto table = readOptions(optionsFile);
    if (!table) {
      llvm::errs() << llvm::toString(table.takeError()) << "\n";
      return 2;
    }
    gallery.specs = std::move(*table);
  }
  gallery.generator = simulate.empty() ? codegen : "gpu";
  Counts counts;
  if (!onnx.empty())
    counts += runOnnxCases(onnx, *runner);
  for (const std::string &directory : directories)
    counts += runGallery(directory, *runner, gallery);
  random.verbose = gallery.verbose;
  random.runner = chosenRunner(app);
  if (random.count > 0 || random.minutes > 0) {
    // The interpreter runs tiles, which not every code generator makes.
    auto tiled = ladon::findBackend("cpu")->createTargets(cpu);
    if (!tiled) {
      llvm::errs() << llvm::toString(tiled.takeError()) << "\n";
      return 2;
    }
    counts +=
        runRandomSpecs(random, *runner, *interpreterRunner(*tiled->back()));
  }
  if (mutants.count > 0 || !mutants.only.empty()) {
    mutants.seed = random.seed;
    mutants.processes = llvm::parallel::strategy.compute_thread_count();
    mutants.verbose = gallery.verbose;
    mutants.specs = gallery.specs;
    counts += runMutants(source, target, mutants);
  }
  if (defects)
    counts += runDefects(source, target, /*ofKernels=*/!simulate.empty(),
                         gallery.verbose);
  llvm::outs() << counts.passed << " passed, " << counts.failed << " failed\n";
  return counts.failed != 0;
}
