//===- Peak.cpp - What this machine can do at best ------------------------===//

#include "compiler/driver/bench/Peak.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <immintrin.h>
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

/// Independent chains of dependent multiply-adds: enough to hide a latency of
/// 5 cycles at two per cycle, few enough for the 16 registers of AVX2.
constexpr int chains = 12;
/// Steps of every chain between two looks at the clock: some 100 microseconds.
constexpr int steps = 1 << 16;

// Each value tends to 2 and stays normal; the caller keeps the sum alive.
#define LADON_FMA_CHAINS(NAME, TARGET, VECTOR, PREFIX, SUFFIX)                 \
  __attribute__((target(TARGET), noinline)) static double NAME(double half) {  \
    VECTOR factor = PREFIX##_set1_##SUFFIX(half);                              \
    VECTOR addend = PREFIX##_set1_##SUFFIX(1);                                 \
    VECTOR value[chains];                                                      \
    for (int chain = 0; chain < chains; ++chain)                               \
      value[chain] = PREFIX##_set1_##SUFFIX(chain);                            \
    for (int step = 0; step < steps; ++step)                                   \
      for (int chain = 0; chain < chains; ++chain)                             \
        value[chain] = PREFIX##_fmadd_##SUFFIX(value[chain], factor, addend);  \
    double sum = 0;                                                            \
    for (int chain = 0; chain < chains; ++chain)                               \
      sum += value[chain][0];                                                  \
    return sum;                                                                \
  }

LADON_FMA_CHAINS(chainsOf8Floats, "avx2,fma", __m256, _mm256, ps)
LADON_FMA_CHAINS(chainsOf4Doubles, "avx2,fma", __m256d, _mm256, pd)
LADON_FMA_CHAINS(chainsOf16Floats, "avx512f", __m512, _mm512, ps)
LADON_FMA_CHAINS(chainsOf8Doubles, "avx512f", __m512d, _mm512, pd)

#undef LADON_FMA_CHAINS

double ladon::measureFmaPeak(int64_t vectorBits, ast::ScalarType element,
                             int threads) {
  bool isDouble = element == ast::ScalarType::F64;
  bool isWide = vectorBits == 512;
  auto *kernel = isDouble ? (isWide ? chainsOf8Doubles : chainsOf4Doubles)
                          : (isWide ? chainsOf16Floats : chainsOf8Floats);
  constexpr double duration = 0.01;
  std::atomic<int64_t> calls = 0;
  double seconds = runTogether(threads, [&](int) {
    Clock::time_point start = Clock::now();
    volatile double half = 0.5, sink;
    int64_t done = 0;
    do {
      sink = kernel(half);
      ++done;
    } while (secondsSince(start) < duration);
    (void)sink;
    calls += done;
  });
  double lanes = double(vectorBits) / (isDouble ? 64 : 32);
  return double(calls) * steps * chains * lanes * 2 / seconds * 1e-9;
}

//===--- Memory ----------------------------------------------------------===//

/// Reads `bytes` bytes, a multiple of 256.
__attribute__((target("avx2"), noinline)) static int readAll(const char *from,
                                                             int64_t bytes) {
  __m256i seen[8];
  for (__m256i &part : seen)
    part = _mm256_setzero_si256();
  for (int64_t at = 0; at < bytes; at += sizeof(seen))
    for (int part = 0; part < 8; ++part) {
      auto *address = reinterpret_cast<const __m256i *>(from + at) + part;
      seen[part] = _mm256_or_si256(seen[part], _mm256_load_si256(address));
    }
  for (int part = 1; part < 8; ++part)
    seen[0] = _mm256_or_si256(seen[0], seen[part]);
  return _mm256_testz_si256(seen[0], seen[0]);
}

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
    // the measurement; without them it is only a little lower.
    if (buffer)
      (void)madvise(buffer.get(), whole, MADV_HUGEPAGE);
  }
  if (buffer)
    runTogether(threads, [&](int thread) {
      std::memset(buffer.get() + thread * share, 1, share);
    });
}

double ReadBandwidth::measure() const {
  if (!buffer)
    return 0;
  double seconds = runTogether(threads, [&](int thread) {
    volatile int sink = readAll(buffer.get() + thread * share, share);
    (void)sink;
  });
  return double(share) * threads / seconds * 1e-9;
}
