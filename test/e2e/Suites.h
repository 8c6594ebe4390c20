//===- Suites.h - The tables of end-to-end tests ---------------*- C++ -*-===//
//
// Each suite prints a line for every failure and returns its counts.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_SUITES_H
#define LADON_TEST_E2E_SUITES_H

#include "compiler/driver/check/InputGenerator.h"
#include "test/e2e/Runner.h"

namespace ladon::e2e {

struct Counts {
  int passed = 0, failed = 0;
  Counts &operator+=(Counts other) {
    passed += other.passed;
    failed += other.failed;
    return *this;
  }
};

/// The ONNX cases in `directory`, compared with the results that come with
/// them. Lists the cases that run in part and those that do not run.
Counts runOnnxCases(llvm::StringRef directory, Runner &runner);

/// How one spec is tested.
struct SpecOptions {
  ParamOverrides overrides;
  std::vector<SizeMap> sizes;         ///< Empty: the table of sizes.
  std::vector<std::string> refusedBy; ///< Code generators that have no code.
};
using OptionTable = llvm::StringMap<SpecOptions>;

/// Reads a file as options.txt, which explains itself.
llvm::Expected<OptionTable> readOptions(llvm::StringRef path);

struct GalleryOptions {
  OptionTable specs;              ///< By the name of the file, without ".attn".
  std::string generator = "llvm"; ///< Of code: "llvm", "halide" or "gpu".
  int seeds = 2;                  ///< Rounds through the sizes.
  size_t trials = 0; ///< So many of the trials only, unless it is 0.
  bool verbose = false;
  /// Only the specs whose place in their directory is `shard` modulo `shards`.
  unsigned shard = 0, shards = 1;
};

/// Every spec of `directory` at its sizes through the numeric gate; the kinds
/// of values and of memory layouts take turns.
Counts runGallery(llvm::StringRef directory, Runner &runner,
                  const GalleryOptions &options);

/// How many specs are written at random.
struct RandomOptions {
  uint64_t seed = 1;         ///< Of the first; the others follow.
  int count = 60;            ///< Specs, unless there is a time.
  double minutes = 0;        ///< How long, if more than 0.
  double shrinkSeconds = 30; ///< How long a failing spec is made smaller.
  bool verbose = false;      ///< Print each spec.
  std::string runner;        ///< The options that repeat a run with its runner.
};

/// Specs written at random through the numeric gate; a failing one is made
/// smaller.
Counts runRandomSpecs(const RandomOptions &options, Runner &compiled,
                      Runner &interpreter);

/// Compiles specs of the source tree `source` with seeded defects, each of
/// which a trial must catch: those of code for a CPU, or `ofKernels`.
Counts runDefects(llvm::StringRef source, const Target &target, bool ofKernels,
                  bool verbose);

/// How many small changes to modules are tried.
struct MutantOptions {
  uint64_t seed = 1;
  unsigned count = 0;
  unsigned processes = 1; ///< At a time.
  bool verbose = false;   ///< Print the fate of each.
  /// "SPEC LEVEL NUMBER" as it is printed: this one, with what stands around
  /// it, in place of some at random.
  std::string only;
  OptionTable specs;
};

/// Compiles specs of the source tree with one small change each to the module
/// at the tile or vector level; a trial must notice, unless the change is known
/// to be none that a caller can see (test/e2e/mutants/equivalent.txt).
Counts runMutants(llvm::StringRef source, const Target &target,
                  const MutantOptions &options);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_SUITES_H
