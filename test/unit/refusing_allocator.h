//===- refusing_allocator.h - A host that has no memory --------*- C++ -*-===//

#ifndef LADON_TEST_UNIT_REFUSING_ALLOCATOR_H
#define LADON_TEST_UNIT_REFUSING_ALLOCATOR_H

#include "runtime/include/ladon/ladon.h"

#include <cstdlib>
#include <vector>

namespace ladon::test {

/// Notes the sizes of all requests, and refuses one of them.
struct RefusingAllocator {
  int refused = -1; ///< The number of the request; none below 0.
  std::vector<size_t> requests;
  int live = 0; ///< Blocks that have not been given back.

  ladon_options options(int threads) {
    ladon_options r = LADON_OPTIONS_INIT;
    r.threads = threads;
    r.allocator_user = this;
    r.allocate = [](void *user, size_t bytes, size_t align) -> void * {
      auto &self = *static_cast<RefusingAllocator *>(user);
      int number = static_cast<int>(self.requests.size());
      self.requests.push_back(bytes);
      if (number == self.refused)
        return nullptr;
      ++self.live;
      return aligned_alloc(align, bytes);
    };
    r.deallocate = [](void *user, void *memory, size_t) {
      --static_cast<RefusingAllocator *>(user)->live;
      free(memory);
    };
    return r;
  }
};

} // namespace ladon::test

#endif // LADON_TEST_UNIT_REFUSING_ALLOCATOR_H
