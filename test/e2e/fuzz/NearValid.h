//===- NearValid.h - Specs with a mistake in them --------------*- C++ -*-===//
//
// A valid spec of which a token or two were changed. The front end accepts it,
// or says where and why not; what it accepts compiles and computes what the
// reference does.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_FUZZ_NEARVALID_H
#define LADON_TEST_E2E_FUZZ_NEARVALID_H

#include "test/e2e/fuzz/Cases.h"

namespace ladon::e2e {

/// `text` with one to three changes.
std::string mutateSpec(Choices &choices, llvm::StringRef text);

std::unique_ptr<RandomCase> writeNearValid(Choices &choices);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_NEARVALID_H
