//===- PoisonedMemory.h - Working memory full of NaN -----------*- C++ -*-===//
//
// A host's allocator whose blocks hold NaN (all bits set) and end before a page
// that faults: what a call reads before it has written it, or beyond a block,
// shows.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_POISONEDMEMORY_H
#define LADON_TEST_E2E_POISONEDMEMORY_H

#include "runtime/include/ladon/ladon.h"

namespace ladon::e2e {

/// Options of a call on so many threads, with that allocator.
ladon_options poisonedOptions(int threads);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_POISONEDMEMORY_H
