//===- Suites.h - The tables of end-to-end tests ---------------*- C++ -*-===//
//
// Each suite prints a line for every failure and returns its counts.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_SUITES_H
#define LADON_TEST_E2E_SUITES_H

#include "test/e2e/Backend.h"

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
Counts runOnnxCases(llvm::StringRef directory, Backend &backend);

/// Every spec of `directory` at a table of sizes, `seeds` times, through the
/// numeric gate; the kinds of values and of memory layouts take turns.
Counts runGallery(llvm::StringRef directory, Backend &backend, int seeds,
                  bool verbose);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_SUITES_H
