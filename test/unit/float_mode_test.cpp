//===- float_mode_test.cpp - The caller's rounding and subnormals ---------===//
//
// Whatever modes of floating-point arithmetic a caller has set, the code runs
// in the default ones, on every thread, and the caller finds its own again.
//
//===----------------------------------------------------------------------===//

#include "runtime_loops.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#if defined(__x86_64__)

#include <immintrin.h>

using namespace ladon::test;

namespace {

constexpr unsigned defaultMode = 0x1f80, flagsMask = 0x3f;

/// What a caller may have set: upward, downward, to zero; flush to zero,
/// subnormal operands as zero; traps on overflow and on division by zero; a
/// flag from an earlier computation.
const unsigned callerModes[] = {0x5f80, 0x3f80, 0x7f80, 0x9f80,
                                0x1fc0, 0xffc0, 0x1980, 0x1fa1};

/// Sets the mode of this thread for the life of the object.
struct ModeGuard {
  unsigned before = _mm_getcsr();
  explicit ModeGuard(unsigned mode) { _mm_setcsr(mode); }
  ~ModeGuard() { _mm_setcsr(before); }
};

/// Whether bodies of loops see anything but the default mode, on `threads`
/// threads that all take part.
bool seesOtherMode(ladon_options &options, int threads) {
  std::atomic<bool> other{false};
  std::atomic<int> arrived{0};
  options.threads = threads;
  EXPECT_EQ(enter(
                [&](ladon_ctx *ctx) {
                  if ((_mm_getcsr() & ~flagsMask) != defaultMode)
                    other = true;
                  loop(ctx, threads, 0, [&](int64_t, void *) {
                    if ((_mm_getcsr() & ~flagsMask) != defaultMode)
                      other = true;
                    ++arrived;
                    while (arrived < threads)
                      std::this_thread::yield();
                  });
                  if ((_mm_getcsr() & ~flagsMask) != defaultMode)
                    other = true;
                },
                &options),
            LADON_OK)
      << ladon_rt_last_error();
  return other;
}

/// One thread per worker, each in the mode that `user` points at.
int32_t parallelForInMode(void *user, int64_t count, int32_t workers,
                          ladon_parallel_body body, void *env) {
  unsigned mode = *static_cast<unsigned *>(user);
  std::vector<std::thread> threads;
  std::atomic<int32_t> changed{0};
  if (_mm_getcsr() != mode)
    return 1; // The host's own code runs in the host's mode.
  for (int32_t worker = 0; worker < workers; ++worker)
    threads.emplace_back([=, &changed] {
      _mm_setcsr(mode);
      for (int64_t i = worker; i < count; i += workers)
        body(env, i, worker);
      if (_mm_getcsr() != mode)
        changed = 2;
    });
  for (std::thread &thread : threads)
    thread.join();
  return changed;
}

} // namespace

TEST(FloatMode, theCodeRunsInTheDefaultOneOnEveryThread) {
  for (unsigned mode : callerModes)
    for (int threads : {1, 2, 3}) {
      ModeGuard guard(mode);
      ladon_options options = LADON_OPTIONS_INIT;
      EXPECT_FALSE(seesOtherMode(options, threads)) << mode;
    }
}

TEST(FloatMode, threadsThatStartUnderAnotherModeTakeNoneOfIt) {
  // A new process has no threads yet: each starts under the caller's mode.
  for (unsigned mode : callerModes)
    EXPECT_EQ(inChild([=] {
                _mm_setcsr(mode);
                ladon_options options = LADON_OPTIONS_INIT;
                return !seesOtherMode(options, 5);
              }),
              0)
        << mode;
}

TEST(FloatMode, theCallerFindsItsOwnAgain) {
  for (unsigned mode : callerModes) {
    ModeGuard guard(mode);
    ladon_options options = LADON_OPTIONS_INIT;
    options.threads = 2;
    EXPECT_EQ(enter(
                  [&](ladon_ctx *ctx) {
                    loop(ctx, 8, 0, [&](int64_t i, void *) {
                      volatile float x = 1.0f + float(i), y = x / 3.0f;
                      (void)y; // raises the inexact flag
                    });
                  },
                  &options),
              LADON_OK);
    EXPECT_EQ(_mm_getcsr(), mode);
    // A refused call as well.
    options.threads = -1;
    EXPECT_EQ(enter([](ladon_ctx *) {}, &options), LADON_BAD_OPTIONS);
    EXPECT_EQ(_mm_getcsr(), mode);
  }
}

TEST(FloatMode, theHostsThreadsKeepTheirs) {
  for (unsigned mode : callerModes) {
    ModeGuard guard(mode);
    ladon_options options = LADON_OPTIONS_INIT;
    options.parallel_for = parallelForInMode;
    options.parallel_for_user = &mode;
    EXPECT_FALSE(seesOtherMode(options, 3)) << mode;
    EXPECT_EQ(_mm_getcsr(), mode);
  }
}

TEST(FloatMode, sumsHaveTheSameBitsUnderAnyMode) {
  // Each piece is a sum whose value depends on rounding and on subnormals.
  auto compute = [](int threads) {
    std::vector<float> sums(64);
    ladon_options options = LADON_OPTIONS_INIT;
    options.threads = threads;
    EXPECT_EQ(enter(
                  [&](ladon_ctx *ctx) {
                    loop(ctx, 64, 0, [&](int64_t i, void *) {
                      volatile float sum = 1e-39f * float(i);
                      for (int k = 1; k < 50; ++k)
                        sum = sum + 1.0f / float(k + i);
                      volatile float tiny = 1e-39f;
                      sums[i] = sum + tiny * 1e38f;
                    });
                  },
                  &options),
              LADON_OK);
    return sums;
  };
  std::vector<float> expected = compute(1);
  for (unsigned mode : callerModes) {
    ModeGuard guard(mode);
    for (int threads : {1, 2, 4})
      EXPECT_EQ(compute(threads), expected) << mode;
  }
}

#endif
