//===- RandomSpecs.cpp - Specs from a grammar, by seed --------------------===//
//
// Writes specs at random, compiles them, and puts them through the numeric gate
// at sizes around the edges of tiles. The seeds of a run are consecutive. One
// that fails is made smaller and printed, with the command that repeats it.
//
//===----------------------------------------------------------------------===//

#include "compiler/support/Progress.h"
#include "test/e2e/Suites.h"
#include "test/e2e/fuzz/Cases.h"
#include "test/e2e/fuzz/Shrink.h"
#include "test/e2e/fuzz/Watch.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <mutex>

using namespace ladon;
using namespace ladon::e2e;
using Clock = std::chrono::steady_clock;

/// How many smaller cases are tried for one that fails.
static constexpr int shrinkAttempts = 400;
/// After so many failures a run ends.
static constexpr int mostFailures = 20;
/// From how many specs on the shares of a run are judged.
static constexpr int enoughForShares = 20;

namespace {

/// A run over consecutive seeds, on several threads.
class RandomRun {
public:
  RandomRun(const RandomOptions &options, const CaseRunners &runners)
      : options(options), runners(runners), start(Clock::now()),
        progress("random specs from seed " + std::to_string(options.seed)) {}

  Counts run();

private:
  void work();
  bool nextSeed(uint64_t &seed);
  void runSeed(uint64_t seed);
  std::string shrinkFailure(uint64_t seed, const Choices &choices,
                            const Failure &failure);
  void add(const CaseReport &report, llvm::StringRef failure);
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  const RandomOptions &options;
  const CaseRunners &runners;
  Clock::time_point start;
  Progress progress;
  std::mutex mutex; ///< Of what follows.
  int started = 0, finished = 0, refused = 0, withoutCode = 0, compared = 0;
  Counts counts;
  GateSummary worst;
};

} // namespace

bool RandomRun::nextSeed(uint64_t &seed) {
  std::lock_guard<std::mutex> lock(mutex);
  bool isOver = options.minutes > 0 ? seconds() > 60 * options.minutes
                                    : started == options.count;
  if (isOver || counts.failed >= mostFailures)
    return false;
  seed = options.seed + started++;
  return true;
}

/// The smallest case like the one that failed, in words.
std::string RandomRun::shrinkFailure(uint64_t seed, const Choices &choices,
                                     const Failure &failure) {
  // Each attempt compiles a spec.
  double end = seconds() + options.shrinkSeconds;
  auto fails = [&](Choices &choices) {
    if (seconds() > end)
      return false;
    std::unique_ptr<RandomCase> test = writeCase(choices);
    Note note("a smaller spec of seed " + std::to_string(seed) + "\n" +
              test->text);
    CaseReport report = test->run(runners);
    return report.failure && report.failure->stage == failure.stage;
  };
  Choices smallest(shrink(choices.draws(), fails, shrinkAttempts));
  std::unique_ptr<RandomCase> test = writeCase(smallest);
  CaseReport report = test->run(runners);
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "FAIL random spec, seed " << seed << ": "
     << describe(*test, report.failure ? *report.failure : failure)
     << "repeat: build/bin/ladon-e2e" << options.runner << " --random 1 --seed "
     << seed << "\n";
  return text;
}

void RandomRun::runSeed(uint64_t seed) {
  Choices choices(seed);
  std::unique_ptr<RandomCase> test = writeCase(choices);
  std::string text;
  CaseReport report;
  {
    Note note("random spec, seed " + std::to_string(seed) + "\n" + test->text);
    report = test->run(runners);
  }
  if (options.verbose)
    text = "seed " + std::to_string(seed) +
           (report.isRefused ? ", refused" : "") + "\n" + test->text;
  if (report.failure)
    text += shrinkFailure(seed, choices, *report.failure);
  add(report, text);
}

void RandomRun::add(const CaseReport &report, llvm::StringRef failure) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!failure.empty())
    progress.print(failure);
  ++finished;
  refused += report.isRefused;
  withoutCode += report.hasNoCode;
  compared += !report.isRefused && !report.hasNoCode && !report.failure;
  counts.passed += report.passed;
  counts.failed += bool(report.failure);
  worst.add(report.worst);
  progress.update(std::to_string(finished) + " done, " +
                  std::to_string(counts.failed) + " failed");
}

void RandomRun::work() {
  uint64_t seed;
  while (nextSeed(seed))
    runSeed(seed);
}

Counts RandomRun::run() {
  llvm::outs() << "random specs from seed " << options.seed << "\n";
  llvm::outs().flush();
  startWatch(/*seconds=*/300);
  llvm::parallelFor(0, llvm::parallel::strategy.compute_thread_count(),
                    [&](size_t) { work(); });
  progress.finish();
  // A grammar that writes nonsense, or scores that nobody can check, would pass
  // unseen. A few specs say nothing about it.
  if (finished >= enoughForShares &&
      (refused * 50 > finished || worst.unchecked * 20 > worst.elements ||
       worst.vacuous * 50 > worst.results)) {
    llvm::outs() << "FAIL random specs: " << refused << " of " << finished
                 << " refused, rounding decides " << worst.unchecked << " of "
                 << worst.elements << " elements; " << worst.describe() << "\n";
    ++counts.failed;
  }
  llvm::outs() << llvm::format(
                      "random specs: %d without a mismatch, %d "
                      "refused, %d without code, %d with; nearest to a "
                      "bound at %.0f %% of it, %.2f %% of the "
                      "elements decided by rounding\n",
                      compared, refused, withoutCode,
                      finished - compared - refused - withoutCode,
                      100 * worst.ratio,
                      worst.elements ? 100 * double(worst.unchecked) /
                                           double(worst.elements)
                                     : 0)
               << worst.describe() << "\n";
  return counts;
}

Counts e2e::runRandomSpecs(const RandomOptions &options, Runner &compiled,
                           Runner &interpreter) {
  return RandomRun(options, {compiled, interpreter}).run();
}
