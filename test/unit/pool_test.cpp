//===- pool_test.cpp - Loops, threads, scratch and the host's hooks -------===//

#include "runtime_program.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <sched.h>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace ladon::test;

extern "C" int32_t ladon_cpu_count(void);

namespace {

/// A function over (index, scratch) as the body of a loop.
using Body = std::function<void(int64_t, void *)>;

void loop(ladon_ctx *ctx, int64_t n, int64_t scratchBytes, const Body &body) {
  ladon_rt_parallel_for(
      ctx, n, scratchBytes,
      [](void *env, int64_t i, void *scratch) {
        (*static_cast<const Body *>(env))(i, scratch);
      },
      const_cast<Body *>(&body));
}

/// Runs `code` as the body of a program without parameters but one scalar,
/// which carries the function.
int32_t enter(const std::function<void(ladon_ctx *)> &code,
              const ladon_options *options) {
  static const ladon_param_info param = {"code", LADON_KIND_SCALAR, 0,      64,
                                         0,      nullptr,           nullptr};
  static const ladon_program program = {
      "any", 1, &param, 0, nullptr, 1, [](ladon_ctx *ctx, void **args) {
        (*static_cast<const std::function<void(ladon_ctx *)> *>(args[0]))(ctx);
      }};
  void *args[] = {const_cast<std::function<void(ladon_ctx *)> *>(&code)};
  return ladon_rt_enter(&program, args, options);
}

ladon_options withThreads(int32_t threads) {
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = threads;
  return options;
}

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

/// Runs in a forked child; the child's exit code is 0 when `code` is true.
int inChild(const std::function<bool()> &code) {
  fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(code() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

} // namespace

//===--- Loops
//-------------------------------------------------------------===//

TEST(Pool, everyIndexRunsOnceForAnyNumberOfThreads) {
  for (int threads : {1, 2, 3, 8, 33})
    for (int64_t n : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> seen(n);
      ladon_options options = withThreads(threads);
      EXPECT_EQ(enter(
                    [&](ladon_ctx *ctx) {
                      loop(ctx, n, 0, [&](int64_t i, void *) { ++seen[i]; });
                    },
                    &options),
                LADON_OK);
      for (auto &count : seen)
        EXPECT_EQ(count, 1);
    }
}

TEST(Pool, aNegativeCountIsAnEmptyLoop) {
  bool ran = false;
  enter(
      [&](ladon_ctx *ctx) {
        loop(ctx, -5, 0, [&](int64_t, void *) { ran = true; });
      },
      nullptr);
  EXPECT_FALSE(ran);
}

TEST(Pool, oneThreadIsTheCallerAndGoesUpwards) {
  std::vector<int64_t> order;
  std::set<std::thread::id> ids;
  ladon_options options = withThreads(1);
  enter(
      [&](ladon_ctx *ctx) {
        loop(ctx, 50, 0, [&](int64_t i, void *) {
          order.push_back(i);
          ids.insert(std::this_thread::get_id());
        });
      },
      &options);
  ASSERT_EQ(order.size(), 50u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(ids, std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST(Pool, asManyThreadsAsAskedForWorkAtOnce) {
  // Each of four indices waits for the other three.
  std::atomic<int> arrived{0};
  ladon_options options = withThreads(4);
  enter(
      [&](ladon_ctx *ctx) {
        loop(ctx, 4, 0, [&](int64_t, void *) {
          ++arrived;
          while (arrived < 4)
            std::this_thread::yield();
        });
      },
      &options);
  EXPECT_EQ(arrived, 4);
}

TEST(Pool, theDefaultIsTheCpusOfTheProcess) {
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_EQ(ladon_cpu_count(), CPU_COUNT(&set));
}

TEST(Pool, scratchIsPrivateAlignedAndLargeEnough) {
  for (int64_t bytes : {1, 64, 1000, 100000}) {
    std::atomic<bool> clean{true};
    ladon_options options = withThreads(4);
    enter(
        [&](ladon_ctx *ctx) {
          loop(ctx, 64, bytes, [&](int64_t i, void *scratch) {
            if (uintptr_t(scratch) % 64 != 0)
              clean = false;
            memset(scratch, int(i), bytes);
            std::this_thread::yield();
            for (int64_t at = 0; at < bytes; at += 63)
              if (static_cast<unsigned char *>(scratch)[at] != i)
                clean = false;
          });
        },
        &options);
    EXPECT_TRUE(clean);
  }
}

TEST(Pool, loopsOfOneCallMayAskForDifferentScratch) {
  ladon_options options = withThreads(3);
  EXPECT_EQ(enter(
                [&](ladon_ctx *ctx) {
                  for (int64_t bytes : {100, 5000, 10, 70000})
                    loop(ctx, 20, bytes, [&](int64_t, void *scratch) {
                      memset(scratch, 1, bytes);
                    });
                },
                &options),
            LADON_OK);
}

TEST(Pool, aLoopInsideALoopRunsOnItsThread) {
  std::atomic<int> sum{0};
  std::atomic<bool> same{true};
  ladon_options options = withThreads(4);
  EXPECT_EQ(enter(
                [&](ladon_ctx *ctx) {
                  loop(ctx, 8, 64, [&](int64_t, void *outer) {
                    auto id = std::this_thread::get_id();
                    memset(outer, 7, 64);
                    loop(ctx, 8, 64, [&](int64_t, void *inner) {
                      memset(inner, 1, 64);
                      if (std::this_thread::get_id() != id)
                        same = false;
                      ++sum;
                    });
                    if (static_cast<char *>(outer)[63] != 7)
                      same = false;
                  });
                },
                &options),
            LADON_OK);
  EXPECT_EQ(sum, 64);
  EXPECT_TRUE(same);
}

TEST(Pool, concurrentCallersShareThePool) {
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 100; ++round) {
        ExampleCall call;
        call.options.threads = 1 + (caller + round) % 5;
        if (call.run() != LADON_OK || !call.isRight())
          ++wrong;
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Pool, signalsAreNotDeliveredToItsThreads) {
  std::atomic<int> blocked{0}, helpers{0};
  auto self = std::this_thread::get_id();
  ladon_options options = withThreads(3);
  std::atomic<int> arrived{0};
  enter(
      [&](ladon_ctx *ctx) {
        loop(ctx, 3, 0, [&](int64_t, void *) {
          ++arrived;
          while (arrived < 3)
            std::this_thread::yield();
          if (std::this_thread::get_id() == self)
            return;
          sigset_t set;
          pthread_sigmask(SIG_BLOCK, nullptr, &set);
          ++helpers;
          blocked += sigismember(&set, SIGINT);
        });
      },
      &options);
  EXPECT_EQ(helpers, 2);
  EXPECT_EQ(blocked, 2);
}

//===--- Fork and exit
//-----------------------------------------------------===//

TEST(Pool, aForkedChildHasItsOwnPool) {
  ExampleCall warm;
  warm.options.threads = 4;
  ASSERT_EQ(warm.run(), LADON_OK);
  EXPECT_EQ(inChild([] {
              ExampleCall call;
              call.options.threads = 4;
              bool first = call.run() == LADON_OK && call.isRight();
              return first && inChild([] {
                                ExampleCall call;
                                call.options.threads = 3;
                                return call.run() == LADON_OK && call.isRight();
                              }) == 0;
            }),
            0);
  EXPECT_EQ(warm.run(), LADON_OK);
}

TEST(Pool, aForkDuringCallsOfOtherThreadsIsSafe) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i)
    callers.emplace_back([&] {
      while (!stop) {
        ExampleCall call;
        call.options.threads = 3;
        call.run();
      }
    });
  for (int round = 0; round < 20; ++round)
    EXPECT_EQ(inChild([] {
                ExampleCall call;
                call.options.threads = 3;
                return call.run() == LADON_OK && call.isRight();
              }),
              0);
  stop = true;
  for (std::thread &caller : callers)
    caller.join();
}

TEST(Pool, theProcessMayExitDuringACall) {
  int status = inChild([] {
    std::atomic<bool> started{false};
    std::thread([&] {
      for (;;) {
        ExampleCall call;
        call.options.threads = 4;
        call.run();
        started = true;
      }
    }).detach();
    while (!started)
      std::this_thread::yield();
    exit(0); // with destructors, unlike the end of inChild
    return false;
  });
  EXPECT_EQ(status, 0);
}

//===--- The host's parallel-for
//-------------------------------------------===//

namespace {

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

//===--- The host's allocator
//----------------------------------------------===//

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
  static int returned = 0;
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

//===--- Data races
//--------------------------------------------------------===//

TEST(Pool, threadSanitizerFindsNothing) {
#ifdef LADON_POOL_STRESS
  EXPECT_EQ(std::system(LADON_POOL_STRESS), 0);
#else
  GTEST_SKIP() << "the compiler has no thread sanitizer";
#endif
}
