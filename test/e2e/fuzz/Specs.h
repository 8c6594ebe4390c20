//===- Specs.h - Whole specs at random -------------------------*- C++ -*-===//

#ifndef LADON_TEST_E2E_FUZZ_SPECS_H
#define LADON_TEST_E2E_FUZZ_SPECS_H

#include "test/e2e/fuzz/Tensors.h"

namespace ladon::e2e {

/// A spec and what its inputs may be.
struct GeneratedSpec {
  std::string text;
  /// The names of run-time sizes, a batch first, and how many query heads and
  /// attends there are: what the reference's time depends on.
  std::vector<std::string> sizes;
  int64_t heads = 1, keyHeads = 1, attends = 1;
  int64_t pageSize = 1; ///< How many keys there are for each of the size P.
};

/// Any spec: an attend, several, one that feeds another, packed heads, a module
/// with projections.
GeneratedSpec writeSpec(Choices &choices);

/// What a spec of one attend must be like.
struct SpecDemands {
  AttendScope scope;  ///< What score and mask may depend on.
  std::string tensor; ///< Another parameter, "seen: bool[B, S, T]".
  std::string mask;   ///< Of every attend, before any other condition.
  bool hasOnlyThisMask = false;
  bool mayHaveSinks = true;
  bool mayNormalize = true; ///< In other ways than by a softmax.
};

/// A spec of one attend with the results `out` and `lse` in its float type,
/// and the sizes B, S and T.
GeneratedSpec writeAttendSpec(Choices &choices, const SpecDemands &demands);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_SPECS_H
