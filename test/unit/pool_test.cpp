//===- pool_test.cpp - Loops, threads and forks ---------------------------===//

#include "runtime_loops.h"
#include "runtime_program.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sched.h>
#include <set>
#include <thread>
#include <unistd.h>

using namespace ladon::test;

extern "C" int32_t ladon_cpu_count(void);

namespace {

ladon_options withThreads(int32_t threads) {
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = threads;
  return options;
}

} // namespace

//===--- Loops ------------------------------------------------------------===//

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

/// How many threads take part in a call on `extent` elements, of which each
/// waits for a second one.
static size_t threadsFor(int64_t extent) {
  static std::mutex mutex;
  static std::set<std::thread::id> ids;
  ids.clear();
  static const int64_t dims[] = {-1};
  static const ladon_param_info param = {"x",  LADON_KIND_INPUT, 2, 32, 1,
                                         dims, nullptr};
  static const char *const symbols[] = {"N"};
  static const ladon_program program = {
      "threads",
      1,
      &param,
      1,
      symbols,
      1,
      [](ladon_ctx *ctx, void **) {
        loop(ctx, 2, 0, [](int64_t, void *) {
          auto isAlone = [] {
            std::lock_guard<std::mutex> lock(mutex);
            ids.insert(std::this_thread::get_id());
            return ids.size() == 1;
          };
          auto begin = std::chrono::steady_clock::now();
          while (isAlone() && std::chrono::steady_clock::now() - begin <
                                  std::chrono::milliseconds(200))
            std::this_thread::yield();
        });
      },
      0,
      0,
      nullptr,
      nullptr,
      nullptr,
      nullptr};
  // All elements are one.
  float element = 0;
  int64_t stride = 0;
  DLTensor tensor = {&element, {kDLCPU, 0}, 1, {2, 32, 1}, &extent, &stride, 0};
  void *args[] = {&tensor};
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_OK);
  return ids.size();
}

TEST(Pool, aTinyCallIsTheCallersAlone) {
  EXPECT_EQ(threadsFor(700), 1u);
  if (ladon_cpu_count() == 1)
    GTEST_SKIP() << "there is one CPU";
  EXPECT_GT(threadsFor(800), 1u);
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

//===--- Fork and exit ----------------------------------------------------===//

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

//===--- Data races -------------------------------------------------------===//

TEST(Pool, threadSanitizerFindsNothing) {
#ifdef LADON_POOL_STRESS
  EXPECT_EQ(std::system(LADON_POOL_STRESS), 0);
#else
  GTEST_SKIP() << "the compiler has no thread sanitizer";
#endif
}
