//===- host_test.cpp - The host's parallel-for and allocator --------------===//

#include "runtime_loops.h"
#include "runtime_program.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

using namespace ladon::test;

//===--- The host's parallel-for ------------------------------------------===//

namespace {

/// An allocator that counts, and fails from its `failAt`th call on.
struct CountingAllocator {
  int calls = 0, failAt = -1;
  size_t live = 0, peak = 0;
  std::map<void *, size_t> blocks;
  std::atomic<int> inside{0};
  bool concurrent = false;

  void attach(ladon_options &options) {
    options.allocator_user = this;
    options.allocate = [](void *user, size_t bytes, size_t align) -> void * {
      auto &self = *static_cast<CountingAllocator *>(user);
      self.concurrent |= self.inside++ != 0;
      void *memory = nullptr;
      if (self.failAt < 0 || self.calls < self.failAt) {
        memory = aligned_alloc(align, bytes);
        self.blocks[memory] = bytes;
        self.live += bytes;
        self.peak = std::max(self.peak, self.live);
      }
      ++self.calls;
      --self.inside;
      return memory;
    };
    options.deallocate = [](void *user, void *memory, size_t bytes) {
      auto &self = *static_cast<CountingAllocator *>(user);
      self.concurrent |= self.inside++ != 0;
      EXPECT_EQ(self.blocks.at(memory), bytes);
      self.blocks.erase(memory);
      self.live -= bytes;
      free(memory);
      --self.inside;
    };
  }
};

/// A parallel-for with threads of its own; each takes every workers-th index.
int32_t hostParallelFor(void *user, int64_t count, int32_t workers,
                        ladon_parallel_body body, void *env) {
  ++*static_cast<std::atomic<int> *>(user);
  std::vector<std::thread> threads;
  for (int32_t worker = 0; worker < workers; ++worker)
    threads.emplace_back([=] {
      for (int64_t i = worker; i < count; i += workers)
        body(env, i, worker);
    });
  for (std::thread &thread : threads)
    thread.join();
  return 0;
}

/// Runs the example on a parallel-for that breaks the contract.
void expectBroken(ladon_parallel_for function, const char *sentence) {
  ExampleCall call;
  call.options.threads = 2;
  call.options.parallel_for = function;
  EXPECT_EQ(call.run(), LADON_PARALLEL_FOR);
  EXPECT_STREQ(ladon_rt_last_error(), sentence);
}

} // namespace

TEST(HostParallelFor, runsEveryLoop) {
  for (int threads : {0, 1, 3, 16}) {
    std::atomic<int> loops{0};
    ExampleCall call;
    call.options.threads = threads;
    call.options.parallel_for = hostParallelFor;
    call.options.parallel_for_user = &loops;
    EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
    EXPECT_TRUE(call.isRight());
    EXPECT_EQ(loops, 2);
  }
}

TEST(HostParallelFor, failure) {
  expectBroken([](void *, int64_t, int32_t, ladon_parallel_body,
                  void *) -> int32_t { return 9; },
               "options: parallel_for failed and returned 9");
}

TEST(HostParallelFor, missingIndex) {
  expectBroken(
      [](void *, int64_t n, int32_t, ladon_parallel_body body,
         void *env) -> int32_t {
        for (int64_t i = 1; i < n; ++i)
          body(env, i, 0);
        return 0;
      },
      "options: parallel_for ran 7 indices, expected 8");
}

TEST(HostParallelFor, indexOrWorkerThatDoesNotExist) {
  const char *sentence = "options: parallel_for passed an index or a worker "
                         "that does not exist";
  expectBroken(
      [](void *, int64_t n, int32_t workers, ladon_parallel_body body,
         void *env) -> int32_t {
        for (int64_t i = 0; i < n; ++i)
          body(env, i, workers);
        return 0;
      },
      sentence);
  expectBroken(
      [](void *, int64_t n, int32_t, ladon_parallel_body body,
         void *env) -> int32_t {
        for (int64_t i = 0; i <= n; ++i)
          body(env, i, 0);
        return 0;
      },
      sentence);
}

TEST(HostParallelFor, anIndexTwiceAndAnotherNever) {
  const char *sentence = "options: parallel_for ran an index more than once, "
                         "and another not at all";
  expectBroken(
      [](void *, int64_t n, int32_t, ladon_parallel_body body,
         void *env) -> int32_t {
        for (int64_t i = 0; i < n; ++i)
          body(env, i == 0 ? 1 : i, 0);
        return 0;
      },
      sentence);
  expectBroken(
      [](void *, int64_t n, int32_t, ladon_parallel_body body,
         void *env) -> int32_t {
        for (int64_t i = 0; i < n; ++i)
          body(env, 0, 0);
        return 0;
      },
      sentence);
}

TEST(HostParallelFor, anExchangeThatKeepsTheSumsIsSeen) {
  // Both halves of 0..15 have the same sums of first, second and third powers.
  ladon_options options = LADON_OPTIONS_INIT;
  options.parallel_for = [](void *, int64_t, int32_t, ladon_parallel_body body,
                            void *env) -> int32_t {
    for (int64_t i : {0, 3, 5, 6, 9, 10, 12, 15}) {
      body(env, i, 0);
      body(env, i, 0);
    }
    return 0;
  };
  EXPECT_EQ(
      enter([](ladon_ctx *ctx) { loop(ctx, 16, 0, [](int64_t, void *) {}); },
            &options),
      LADON_PARALLEL_FOR);
  EXPECT_STREQ(ladon_rt_last_error(),
               "options: parallel_for ran an index more than once, and another "
               "not at all");
}

TEST(HostParallelFor, anyOrderWillDo) {
  ladon_options options = LADON_OPTIONS_INIT;
  options.parallel_for = [](void *, int64_t count, int32_t workers,
                            ladon_parallel_body body, void *env) -> int32_t {
    for (int64_t i = count; i-- > 0;)
      body(env, i * 7 % count, int32_t(i % workers)); // 7 does not divide 1000
    return 0;
  };
  int64_t sum = 0;
  EXPECT_EQ(enter(
                [&](ladon_ctx *ctx) {
                  loop(ctx, 1000, 0, [&](int64_t i, void *) { sum += i; });
                },
                &options),
            LADON_OK)
      << ladon_rt_last_error();
  EXPECT_EQ(sum, 999 * 1000 / 2);
}

//===--- The host's allocator ---------------------------------------------===//

TEST(HostAllocator, seesAllMemoryAndGetsItBack) {
  for (int threads : {1, 4}) {
    CountingAllocator allocator;
    ExampleCall call;
    call.options.threads = threads;
    allocator.attach(call.options);
    EXPECT_EQ(call.run(), LADON_OK);
    EXPECT_TRUE(call.isRight());
    EXPECT_EQ(allocator.live, 0u);
    EXPECT_FALSE(allocator.concurrent);
    // Sums per head, slots of the workers, and scratch for each of them.
    EXPECT_EQ(allocator.calls, 2 + threads);
    EXPECT_GE(allocator.peak, threads * 256u + 32u);
    EXPECT_LE(allocator.peak, threads * (256u + 64u) + 256u);
  }
}

TEST(HostAllocator, noMoreWorkersHaveScratchThanThereAreIndices) {
  // The example's loops have 8 indices and 2.
  for (int threads : {7, 8, 9, 64}) {
    CountingAllocator allocator;
    ExampleCall call;
    call.options.threads = threads;
    allocator.attach(call.options);
    EXPECT_EQ(call.run(), LADON_OK);
    EXPECT_TRUE(call.isRight());
    EXPECT_EQ(allocator.calls, 2 + std::min(threads, 8)) << threads;
  }
}

TEST(HostAllocator, withoutMemoryNothingIsWritten) {
  // The allocations are: sums, slots, then scratch of the caller.
  for (int failAt : {0, 1, 2}) {
    CountingAllocator allocator;
    allocator.failAt = failAt;
    ExampleCall call;
    call.options.threads = 4;
    allocator.attach(call.options);
    EXPECT_EQ(call.run(), LADON_OUT_OF_MEMORY);
    EXPECT_EQ(std::string(ladon_rt_last_error()),
              "out of memory: " + std::string(failAt == 2 ? "256" : "32") +
                  " bytes could not be allocated");
    EXPECT_TRUE(call.isUntouched());
    EXPECT_EQ(allocator.live, 0u);
  }
}

TEST(HostAllocator, withMemoryForFewerThreadsFewerWork) {
  for (bool host : {false, true}) {
    CountingAllocator allocator;
    allocator.failAt = 4; // two workers have scratch
    std::atomic<int> loops{0};
    ExampleCall call;
    call.options.threads = 8;
    allocator.attach(call.options);
    if (host) {
      call.options.parallel_for = hostParallelFor;
      call.options.parallel_for_user = &loops;
    }
    EXPECT_EQ(call.run(), LADON_OK);
    EXPECT_TRUE(call.isRight());
    EXPECT_EQ(allocator.live, 0u);
  }
}

TEST(HostAllocator, memoryThatIsNotAlignedIsNone) {
  static char buffer[4096];
  static int returned;
  returned = 0;
  ExampleCall call;
  call.options.allocate = [](void *, size_t, size_t) -> void * {
    uintptr_t start = (uintptr_t(buffer) + 63) / 64 * 64;
    return reinterpret_cast<void *>(start + 16);
  };
  call.options.deallocate = [](void *, void *, size_t) { ++returned; };
  EXPECT_EQ(call.run(), LADON_OUT_OF_MEMORY);
  EXPECT_EQ(returned, 1);
  EXPECT_TRUE(call.isUntouched());
}

TEST(HostAllocator, anImpossibleSizeIsOutOfMemory) {
  for (int64_t bytes : {INT64_MAX, int64_t(-1)}) {
    void *memory = &bytes;
    bool ran = false;
    EXPECT_EQ(enter(
                  [&](ladon_ctx *ctx) {
                    memory = ladon_rt_alloc(ctx, bytes);
                    loop(ctx, 4, 0, [&](int64_t, void *) { ran = true; });
                  },
                  nullptr),
              LADON_OUT_OF_MEMORY);
    EXPECT_EQ(memory, nullptr);
    EXPECT_FALSE(ran);
  }
}

//===--- Memory that the code can do without ------------------------------===//

TEST(OptionalMemory, aRefusalIsNoFailure) {
  CountingAllocator allocator;
  allocator.failAt = 1; // the first allocation is granted
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = 1;
  allocator.attach(options);
  void *first = nullptr, *second = &options;
  EXPECT_EQ(enter(
                [&](ladon_ctx *ctx) {
                  first = ladon_rt_try_alloc(ctx, 100);
                  second = ladon_rt_try_alloc(ctx, 100);
                },
                &options),
            LADON_OK);
  EXPECT_STREQ(ladon_rt_last_error(), "");
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(uintptr_t(first) % 64, 0u);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(allocator.live, 0u);
}

TEST(OptionalMemory, loopsRunWithoutIt) {
  CountingAllocator allocator;
  allocator.failAt = 0;
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = 1;
  allocator.attach(options);
  bool ran = false;
  EXPECT_EQ(enter(
                [&](ladon_ctx *ctx) {
                  EXPECT_EQ(ladon_rt_try_alloc(ctx, 1 << 20), nullptr);
                  allocator.failAt = -1; // slots and scratch are granted
                  loop(ctx, 4, 64, [&](int64_t, void *) { ran = true; });
                },
                &options),
            LADON_OK);
  EXPECT_TRUE(ran);
  EXPECT_EQ(allocator.live, 0u);
}

TEST(OptionalMemory, anImpossibleSizeIsRefused) {
  EXPECT_EQ(enter(
                [&](ladon_ctx *ctx) {
                  EXPECT_EQ(ladon_rt_try_alloc(ctx, INT64_MAX), nullptr);
                  EXPECT_EQ(ladon_rt_try_alloc(ctx, -1), nullptr);
                  EXPECT_NE(ladon_rt_try_alloc(ctx, 0), nullptr);
                },
                nullptr),
            LADON_OK);
}

TEST(OptionalMemory, aCallThatHasFailedGetsNone) {
  EXPECT_EQ(enter(
                [&](ladon_ctx *ctx) {
                  EXPECT_EQ(ladon_rt_alloc(ctx, -1), nullptr);
                  EXPECT_EQ(ladon_rt_try_alloc(ctx, 64), nullptr);
                },
                nullptr),
            LADON_OUT_OF_MEMORY);
}
