//===- PoisonedMemory.cpp - Working memory full of NaN --------------------===//

#include "test/e2e/PoisonedMemory.h"

#include "llvm/Support/MathExtras.h"

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace ladon;

/// The runtime asks for whole cache lines, so that a block that ends with a
/// page is aligned.
static void *allocate(void *poison, size_t bytes, size_t) {
  size_t page = sysconf(_SC_PAGESIZE), pages = llvm::alignTo(bytes, page);
  void *memory = mmap(nullptr, pages + page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  char *end = static_cast<char *>(memory) + pages;
  mprotect(end, page, PROT_NONE);
  return std::memset(end - bytes, *static_cast<const unsigned char *>(poison),
                     bytes);
}

static void deallocate(void *, void *memory, size_t bytes) {
  size_t page = sysconf(_SC_PAGESIZE), pages = llvm::alignTo(bytes, page);
  munmap(static_cast<char *>(memory) + bytes - pages, pages + page);
}

ladon_options e2e::poisonedOptions(int threads, Poison poison) {
  static auto nan = Poison::NaN, number = Poison::Number;
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = threads;
  options.allocate = allocate;
  options.deallocate = deallocate;
  options.allocator_user = poison == Poison::NaN ? &nan : &number;
  return options;
}
