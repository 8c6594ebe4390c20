//===- Cases.h - A random spec, its inputs, and what came of it -*- C++ -*-===//

#ifndef LADON_TEST_E2E_FUZZ_CASES_H
#define LADON_TEST_E2E_FUZZ_CASES_H

#include "compiler/driver/check/NumericTrial.h"
#include "test/e2e/Runner.h"
#include "test/e2e/fuzz/Specs.h"

#include <optional>

namespace ladon::e2e {

/// A spec, and on what to run it.
struct Case {
  GeneratedSpec spec;
  std::vector<Trial> trials;
  /// Whether the tile interpreter runs it too, which is slow.
  bool isInterpreted = false;
};

Case writeCase(Choices &choices);

/// Where a case went wrong: two failures of one stage are taken for the same.
enum class FailureStage { FrontEnd, Compiler, Values, Interpreter };

struct Failure {
  FailureStage stage;
  std::string what;
  std::optional<Trial> trial; ///< Of Values and Interpreter.
};

struct CaseReport {
  std::optional<Failure> failure;
  bool isRefused = false; ///< The front end found a rightful reason.
  int passed = 0;         ///< Trials.
  GateSummary worst;
};

/// What runs the specs under test, and the tile interpreter.
struct CaseRunners {
  Runner &compiled;
  Runner &interpreter;
};

CaseReport runCase(const Case &test, const CaseRunners &runners);

/// The spec with the sizes and values that it fails on.
std::string describe(const Case &test, const Failure &failure);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_CASES_H
