//===- Cases.h - A random spec, its inputs, and what came of it -*- C++ -*-===//

#ifndef LADON_TEST_E2E_FUZZ_CASES_H
#define LADON_TEST_E2E_FUZZ_CASES_H

#include "compiler/driver/check/NumericTrial.h"
#include "test/e2e/Runner.h"
#include "test/e2e/fuzz/Specs.h"

#include <optional>

namespace ladon::e2e {

/// Where a case went wrong: two failures of one stage are taken for the same.
enum class FailureStage { FrontEnd, Compiler, Values, Interpreter, Relation };

struct Failure {
  FailureStage stage;
  std::string what;
  std::optional<Trial> trial; ///< Of the stages that run.
};

struct CaseReport {
  std::optional<Failure> failure;
  bool isRefused = false; ///< The front end found a rightful reason.
  bool hasNoCode = false; ///< For this target, which says so.
  int passed = 0;         ///< Trials.
  GateSummary worst;
};

/// What runs the specs under test, and the tile interpreter.
struct CaseRunners {
  Runner &compiled;
  Runner &interpreter;
};

/// A spec, and what to do with it.
class RandomCase {
public:
  virtual ~RandomCase() = default;
  virtual CaseReport run(const CaseRunners &runners) const = 0;

  std::string text; ///< Of the spec.
};

/// A case of any kind.
std::unique_ptr<RandomCase> writeCase(Choices &choices);

/// A spec that goes through the numeric gate.
std::unique_ptr<RandomCase> writeNumericCase(Choices &choices);

/// The failure, where it was found, and the spec.
std::string describe(const RandomCase &test, const Failure &failure);

/// Whether the front end may say so of what the grammar writes: that a mask
/// hides everything, that an index is surely outside of its tensor, that a
/// constant divides by zero.
bool isRightfulRefusal(llvm::StringRef message);

/// Sizes at the edges of tiles, of which the reference computes few scores.
SizeMap chooseSizes(Choices &choices, const GeneratedSpec &spec);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_CASES_H
