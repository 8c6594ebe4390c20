//===- Cases.cpp - A random spec, its inputs, and what came of it ---------===//

#include "test/e2e/fuzz/Cases.h"
#include "test/e2e/fuzz/NearValid.h"
#include "test/e2e/fuzz/Relations.h"

#include "llvm/ADT/STLExtras.h"

using namespace ladon;
using namespace ladon::e2e;

/// As many scores of a trial as the reference computes in some milliseconds.
static constexpr int64_t mostScores = 60000;

/// A length out of `lengths`, of those that leave at most `most`.
static int64_t chooseLength(Choices &choices, llvm::ArrayRef<int64_t> lengths,
                            int64_t most) {
  llvm::SmallVector<int64_t> fitting;
  for (int64_t length : lengths)
    if (length <= most)
      fitting.push_back(length);
  return choices.pick<int64_t>(fitting);
}

SizeMap e2e::chooseSizes(Choices &choices, const GeneratedSpec &spec) {
  static const int64_t few[] = {1, 2, 0, 3, 4, 5, 6, 7, 8, 10, 13};
  static const int64_t many[] = {9,  15, 16, 17, 23, 24, 25, 31, 47,  48,
                                 49, 63, 64, 65, 72, 95, 96, 97, 128, 129};
  static const int64_t longest[] = {1,   0,   5,   31,  63,  64,  65, 127,
                                    128, 129, 200, 511, 512, 513, 700};
  static const int64_t pools[] = {5, 1, 9, 0, 30};
  SizeMap sizes;
  int64_t left = mostScores / spec.heads / spec.attends;
  for (const std::string &name : spec.sizes) {
    int64_t size;
    if (name == "B")
      size = choices.pick<int64_t>({1, 2, 3});
    else if (name == "N")
      size = choices.pick<int64_t>(pools);
    else if (name == "S")
      size = choices.chance(60) ? chooseLength(choices, many, left)
                                : choices.pick<int64_t>(few);
    else
      size = chooseLength(choices, longest,
                          std::max<int64_t>(left, 65) / spec.pageSize);
    sizes[name] = size;
    left /= std::max<int64_t>(size, 1);
  }
  return sizes;
}

bool e2e::isRightfulRefusal(llvm::StringRef message) {
  return llvm::any_of(std::initializer_list<const char *>{"LDN0501", "LDN0313",
                                                          "LDN0314", "LDN0315",
                                                          "LDN0317"},
                      [&](const char *code) { return message.contains(code); });
}

/// Whether the interpreter can afford a trial.
static bool isSmall(const Trial &trial) {
  int64_t product = 1;
  for (const auto &entry : trial.sizes)
    product *= std::max<int64_t>(entry.second, 1);
  return product <= 3000;
}

namespace {

/// A spec, and on what to run it.
class NumericCase : public RandomCase {
public:
  CaseReport run(const CaseRunners &runners) const override;

  std::vector<Trial> trials;
  /// Whether the tile interpreter runs it too, which is slow.
  bool isInterpreted = false;
};

} // namespace

CaseReport NumericCase::run(const CaseRunners &runners) const {
  CaseReport report;
  auto fail = [&](FailureStage stage, std::string what,
                  std::optional<Trial> trial = std::nullopt) {
    report.failure = Failure{stage, std::move(what), std::move(trial)};
    return report;
  };
  auto spec = parseSpec(text, "random.attn", {});
  if (!spec) {
    std::string message = llvm::toString(spec.takeError());
    report.isRefused = isRightfulRefusal(message);
    return report.isRefused ? report : fail(FailureStage::FrontEnd, message);
  }
  auto compiled = runners.compiled.prepare(**spec);
  if (!compiled)
    return fail(FailureStage::Compiler, llvm::toString(compiled.takeError()));
  report.hasNoCode = !*compiled;
  if (report.hasNoCode)
    return report;
  std::unique_ptr<Program> interpreted;
  if (isInterpreted) {
    auto program = runners.interpreter.prepare(**spec);
    if (!program)
      return fail(FailureStage::Compiler, llvm::toString(program.takeError()));
    interpreted = std::move(*program);
  }
  /// What the gate says of one trial; empty if it passed.
  auto problemOf = [&](Program &program, const Runner &runner,
                       const Trial &trial) {
    auto run = [&](llvm::ArrayRef<HostTensor> inputs,
                   llvm::ArrayRef<HostTensor> outputs, int threads) {
      return program.run(inputs, outputs, threads);
    };
    auto result =
        runTrial((*spec)->attention(), run, trial, runner.arithmetic());
    if (!result)
      return llvm::toString(result.takeError());
    for (const GateReport &gate : result->results)
      report.worst.add(gate);
    return result->problem();
  };
  for (Trial trial : trials) {
    makeRoom((*spec)->attention(), trial.sizes, /*more=*/0);
    std::string problem = problemOf(**compiled, runners.compiled, trial);
    if (!problem.empty())
      return fail(FailureStage::Values, problem, trial);
    if (interpreted && isSmall(trial))
      problem = problemOf(*interpreted, runners.interpreter, trial);
    if (!problem.empty())
      return fail(FailureStage::Interpreter, problem, trial);
    ++report.passed;
  }
  return report;
}

std::unique_ptr<RandomCase> e2e::writeNumericCase(Choices &choices) {
  auto result = std::make_unique<NumericCase>();
  GeneratedSpec spec = writeSpec(choices);
  result->text = spec.text;
  result->isInterpreted = choices.chance(15);
  int64_t trials = 1 + choices.below(4);
  for (int64_t number = 0; number < trials; ++number) {
    Choices::Mark span(choices, SpanKind::Trial);
    Trial trial;
    trial.sizes = chooseSizes(choices, spec);
    trial.values = choices.pick(allValueKinds());
    trial.views = choices.pick(allViewKinds());
    trial.seed = 1 + choices.below(1 << 20);
    result->trials.push_back(std::move(trial));
  }
  return result;
}

std::unique_ptr<RandomCase> e2e::writeCase(Choices &choices) {
  switch (choices.below(10)) {
  case 8:
  case 9:
    return writeRelation(choices);
  case 7:
    return writeNearValid(choices);
  default:
    return writeNumericCase(choices);
  }
}

std::string e2e::describe(const RandomCase &test, const Failure &failure) {
  static const char *const stages[] = {"front end", "compiler", "values",
                                       "tile interpreter", "relation"};
  std::string text = stages[int(failure.stage)];
  if (failure.trial)
    text += " at " + ladon::describe(*failure.trial);
  return text + ": " + failure.what + "\n" + test.text;
}
