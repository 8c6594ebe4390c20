//===- PeakKernels.cpp - What an x86-64 core can do at best ---------------===//

#include "compiler/codegen/cpu/x86/X86Backend.h"

#include <immintrin.h>

using namespace ladon;

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

PeakKernels ladon::cpu::x86PeakKernels(int64_t vectorBits, bool isDouble) {
  bool isWide = vectorBits == 512;
  double lanes = double(vectorBits) / (isDouble ? 64 : 32);
  PeakKernels kernels;
  kernels.multiplyAdd = isDouble
                            ? (isWide ? chainsOf8Doubles : chainsOf4Doubles)
                            : (isWide ? chainsOf16Floats : chainsOf8Floats);
  kernels.operations = double(steps) * chains * lanes * 2;
  kernels.read = readAll;
  return kernels;
}
