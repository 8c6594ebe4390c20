//===- Shrink.h - The smallest case that still fails -----------*- C++ -*-===//

#ifndef LADON_TEST_E2E_FUZZ_SHRINK_H
#define LADON_TEST_E2E_FUZZ_SHRINK_H

#include "test/e2e/fuzz/Choices.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace ladon::e2e {

/// Whether what is made of `choices` still fails; draws from all of them.
using FailsFn = llvm::function_ref<bool(Choices &choices)>;

/// Fewer and smaller draws than `draws`, which fail, that fail too: parts are
/// replaced by parts of themselves, left out, and made simpler, until nothing
/// helps or `attempts` are used up.
std::vector<uint32_t> shrink(std::vector<uint32_t> draws, FailsFn fails,
                             int attempts);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_SHRINK_H
