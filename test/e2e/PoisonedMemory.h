//===- PoisonedMemory.h - Working memory full of NaN -----------*- C++ -*-===//
//
// A host's allocator whose blocks hold NaN, or numbers that no call would make,
// and end before a page that faults: what a call reads before it has written
// it, or beyond a block, shows.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_POISONEDMEMORY_H
#define LADON_TEST_E2E_POISONEDMEMORY_H

#include "runtime/include/ladon/ladon.h"

namespace ladon::e2e {

/// A byte whose repetition is a NaN of every type, or some 1e9 of f32 and bf16,
/// 30 of f16. Code that computes again by other means what comes out as NaN
/// hides that it read the first.
enum class Poison : unsigned char { NaN = 0xff, Number = 0x4f };

/// Options of a call on so many threads, with that allocator.
ladon_options poisonedOptions(int threads, Poison poison = Poison::NaN);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_POISONEDMEMORY_H
