//===- Peak.cpp - What this machine can do at best ------------------------===//

#include "compiler/driver/bench/Peak.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace ladon;
using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Runs work(thread) on `threads` threads, the calling one included, which
/// start together; returns the seconds until the last one is done.
static double runTogether(int threads, llvm::function_ref<void(int)> work) {
  std::atomic<int> waiting = 0;
  std::atomic<bool> go = false;
  std::vector<std::thread> helpers;
  for (int thread = 1; thread < threads; ++thread)
    helpers.emplace_back([&, thread] {
      ++waiting;
      while (!go)
        std::this_thread::yield();
      work(thread);
    });
  while (waiting < threads - 1)
    std::this_thread::yield();
  Clock::time_point start = Clock::now();
  go = true;
  work(0);
  for (std::thread &helper : helpers)
    helper.join();
  return secondsSince(start);
}

//===--- Arithmetic ------------------------------------------------------===//

double ladon::measureFmaPeak(const PeakKernels &kernels, int threads) {
  constexpr double duration = 0.01;
  std::atomic<int64_t> calls = 0;
  double seconds = runTogether(threads, [&](int) {
    Clock::time_point start = Clock::now();
    volatile double half = 0.5, sink;
    int64_t done = 0;
    do {
      sink = kernels.multiplyAdd(half);
      ++done;
    } while (secondsSince(start) < duration);
    (void)sink;
    calls += done;
  });
  return double(calls) * kernels.operations / seconds * 1e-9;
}

//===--- Memory ----------------------------------------------------------===//

void ReadBandwidth::Free::operator()(char *memory) const { std::free(memory); }

ReadBandwidth::ReadBandwidth(int threads) : threads(threads) {
  constexpr int64_t mebi = 1 << 20, page = 2 * mebi;
  int64_t cache = std::max<int64_t>(0, sysconf(_SC_LEVEL3_CACHE_SIZE));
  for (int64_t size = std::clamp(4 * cache, 128 * mebi, 1024 * mebi);
       size >= 32 * mebi && !buffer; size /= 2) {
    share = size / threads / 4096 * 4096;
    int64_t whole = (share * threads + page - 1) / page * page;
    buffer.reset(static_cast<char *>(std::aligned_alloc(page, whole)));
    // Large pages, where the system has them, keep address translation out of
    // the measurement; the tensors of a call have them, too (HostTensor.h).
    if (buffer)
      (void)madvise(buffer.get(), whole, MADV_HUGEPAGE);
  }
  if (buffer)
    runTogether(threads, [&](int thread) {
      std::memset(buffer.get() + thread * share, 1, share);
    });
}

double ReadBandwidth::measure(const PeakKernels &kernels) const {
  if (!buffer)
    return 0;
  double seconds = runTogether(threads, [&](int thread) {
    volatile int sink = kernels.read(buffer.get() + thread * share, share);
    (void)sink;
  });
  return double(share) * threads / seconds * 1e-9;
}
