//===- runtime_memory_test.cpp - Memory that stays between calls ----------===//
//
// Large blocks of libc are kept for the next call of the library: which of them
// are used again, how much may stay, and who never sees them.
//
//===----------------------------------------------------------------------===//

#include "refusing_allocator.h"
#include "runtime_loops.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <sys/mman.h>
#include <sys/resource.h>
#include <thread>

using namespace ladon::test;

namespace {

constexpr int64_t MiB = 1 << 20;
/// More than is kept: after a call that uses it, nothing is.
constexpr int64_t tooMuch = 300 * MiB;

/// One call that asks for `sizes`, and writes to all that it gets.
std::vector<void *> allocate(const std::vector<int64_t> &sizes,
                             const ladon_options *options = nullptr) {
  std::vector<void *> blocks;
  enter(
      [&](ladon_ctx *ctx) {
        for (int64_t size : sizes) {
          blocks.push_back(ladon_rt_alloc(ctx, size));
          ASSERT_NE(blocks.back(), nullptr);
          memset(blocks.back(), 0x5a, size);
        }
      },
      options);
  return blocks;
}

/// One call that asks for one block, and leaves it alone.
void *touchNone(int64_t bytes) {
  void *block = nullptr;
  enter([&](ladon_ctx *ctx) { block = ladon_rt_alloc(ctx, bytes); }, nullptr);
  EXPECT_NE(block, nullptr);
  return block;
}

/// Starts without anything kept.
class RuntimeMemory : public testing::Test {
protected:
  void SetUp() override { touchNone(tooMuch); }
};

/// Those that the call has itself, and those that it asks libc for.
TEST_F(RuntimeMemory, small_blocks_are_apart) {
  enter(
      [&](ladon_ctx *ctx) {
        std::vector<std::pair<unsigned char *, int64_t>> blocks;
        for (int64_t number = 0; number < 60; ++number) {
          int64_t size = number * 37 % 1000;
          void *block = ladon_rt_alloc(ctx, size);
          ASSERT_NE(block, nullptr);
          EXPECT_EQ(uintptr_t(block) % 64, 0u);
          memset(block, int(number), size);
          blocks.emplace_back(static_cast<unsigned char *>(block), size);
        }
        for (size_t number = 0; number < blocks.size(); ++number)
          for (int64_t at = 0; at < blocks[number].second; ++at)
            ASSERT_EQ(blocks[number].first[at], number);
      },
      nullptr);
}

TEST_F(RuntimeMemory, large_blocks_are_used_again) {
  auto first = allocate({8 * MiB, MiB});
  auto second = allocate({8 * MiB, MiB});
  EXPECT_EQ(first, second);
  // In any order: by size, not by number.
  auto third = allocate({MiB, 8 * MiB});
  EXPECT_EQ(third[0], first[1]);
  EXPECT_EQ(third[1], first[0]);
}

TEST_F(RuntimeMemory, the_smallest_that_is_large_enough) {
  auto first = allocate({4 * MiB, 3 * MiB, 5 * MiB});
  EXPECT_EQ(allocate({3 * MiB - 4096})[0], first[1]);
  EXPECT_EQ(allocate({3 * MiB + 4096})[0], first[0]);
  EXPECT_EQ(allocate({3 * MiB})[0], first[1]);
}

TEST_F(RuntimeMemory, no_block_is_twice_as_large_as_asked_for) {
  void *large = allocate({16 * MiB})[0];
  void *small = allocate({7 * MiB})[0];
  EXPECT_NE(small, large);
  // The large one stays beside it.
  EXPECT_EQ(allocate({16 * MiB})[0], large);
  EXPECT_EQ(allocate({9 * MiB})[0], large);
}

TEST_F(RuntimeMemory, blocks_of_one_call_are_different) {
  allocate({2 * MiB, 2 * MiB});
  auto blocks = allocate({2 * MiB, 2 * MiB, 2 * MiB});
  EXPECT_NE(blocks[0], blocks[1]);
  EXPECT_NE(blocks[1], blocks[2]);
  EXPECT_NE(blocks[0], blocks[2]);
}

/// Whether an address is in use; such large blocks are mappings of their own.
bool isMapped(void *block) {
  auto page = reinterpret_cast<uintptr_t>(block) / 4096 * 4096;
  return msync(reinterpret_cast<void *>(page), 4096, MS_ASYNC) == 0;
}

TEST_F(RuntimeMemory, only_so_much_is_kept) {
  void *first = touchNone(200 * MiB);
  EXPECT_TRUE(isMapped(first));
  // 200 and 50 may stay, 200, 50 and 90 may not: the oldest goes.
  void *second = touchNone(50 * MiB);
  EXPECT_TRUE(isMapped(first) && isMapped(second));
  void *third = touchNone(90 * MiB);
  EXPECT_FALSE(isMapped(first));
  EXPECT_TRUE(isMapped(second) && isMapped(third));
  void *huge = touchNone(tooMuch);
  EXPECT_FALSE(isMapped(huge));
}

/// The bytes of the address space that this process uses.
int64_t addressSpace() {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  EXPECT_EQ(fscanf(file, "%ld", &pages), 1);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

TEST_F(RuntimeMemory, what_is_kept_makes_way_where_memory_is_short) {
  touchNone(200 * MiB);
  int status = inChild([] {
    auto most = static_cast<rlim_t>(addressSpace() + 100 * MiB);
    rlimit limit = {most, most};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
      return false;
    void *block = nullptr;
    int32_t done =
        enter([&](ladon_ctx *ctx) { block = ladon_rt_alloc(ctx, 250 * MiB); },
              nullptr);
    int32_t refused =
        enter([&](ladon_ctx *ctx) { ladon_rt_alloc(ctx, 350 * MiB); }, nullptr);
    return done == LADON_OK && block && refused == LADON_OUT_OF_MEMORY;
  });
  EXPECT_EQ(status, 0);
}

TEST_F(RuntimeMemory, a_hosts_allocator_gets_everything_back) {
  void *kept = allocate({4 * MiB})[0];
  RefusingAllocator host;
  ladon_options options = host.options(1);
  EXPECT_NE(allocate({4 * MiB}, &options)[0], kept);
  EXPECT_EQ(host.requests.size(), 1u);
  EXPECT_EQ(host.live, 0);
  // And what was kept before is there after.
  EXPECT_EQ(allocate({4 * MiB})[0], kept);
}

TEST_F(RuntimeMemory, a_failed_call_keeps_its_memory) {
  void *block = nullptr;
  int32_t status = enter(
      [&](ladon_ctx *ctx) {
        block = ladon_rt_alloc(ctx, 4 * MiB);
        EXPECT_EQ(ladon_rt_alloc(ctx, -1), nullptr);
      },
      nullptr);
  EXPECT_EQ(status, LADON_OUT_OF_MEMORY);
  EXPECT_EQ(allocate({4 * MiB})[0], block);
}

TEST_F(RuntimeMemory, a_call_inside_of_a_call_has_memory_of_its_own) {
  void *kept = allocate({4 * MiB})[0];
  enter(
      [&](ladon_ctx *ctx) {
        void *outer = ladon_rt_alloc(ctx, 4 * MiB);
        EXPECT_EQ(outer, kept);
        memset(outer, 1, 4 * MiB);
        void *inner = allocate({4 * MiB})[0];
        EXPECT_NE(inner, outer);
        EXPECT_EQ(static_cast<char *>(outer)[4 * MiB - 1], 1);
      },
      nullptr);
  // What the inner call put back made way for what the outer one did.
  EXPECT_EQ(allocate({4 * MiB})[0], kept);
}

TEST_F(RuntimeMemory, concurrent_calls_share_nothing) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int n = 0; n < 50; ++n)
        enter(
            [&](ladon_ctx *ctx) {
              int64_t bytes = MiB / 2 + (t + n) % 3 * MiB / 4;
              auto *block = static_cast<char *>(ladon_rt_alloc(ctx, bytes));
              memset(block, t, bytes);
              std::this_thread::yield();
              for (int64_t i = 0; i < bytes; i += 1024)
                wrong += block[i] != t;
            },
            nullptr);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

} // namespace
