//===- Specs.h - Whole specs at random -------------------------*- C++ -*-===//

#ifndef LADON_TEST_E2E_FUZZ_SPECS_H
#define LADON_TEST_E2E_FUZZ_SPECS_H

#include "test/e2e/fuzz/Expressions.h"

namespace ladon::e2e {

/// A spec and what its inputs may be.
struct GeneratedSpec {
  std::string text;
  /// The names of run-time sizes, a batch first, and how many query heads and
  /// attends there are: what the reference's time depends on.
  std::vector<std::string> sizes;
  int64_t heads = 1, attends = 1;
};

/// Any spec: an attend, several, one that feeds another, packed heads, a module
/// with projections.
GeneratedSpec writeSpec(Choices &choices);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_SPECS_H
