//===- PeakKernels.cpp - What an x86-64 core can do at best ---------------===//

#include "compiler/codegen/cpu/x86/X86Backend.h"

#include <immintrin.h>

using namespace ladon;

/// Independent chains of dependent multiply-adds: enough to hide a latency of
/// 5 cycles at two per cycle, few enough for the 16 registers of AVX2.
constexpr int chains = 12;
/// Steps of every chain between two looks at the clock: some 100 microseconds.
constexpr int steps = 1 << 16;

// Without the instruction, it is two.
#define LADON_TWO_PS(X, Y, Z) _mm_add_ps(_mm_mul_ps(X, Y), Z)
#define LADON_TWO_PD(X, Y, Z) _mm_add_pd(_mm_mul_pd(X, Y), Z)

// Each value tends to 2 and stays normal; the caller keeps the sum alive.
#define LADON_FMA_CHAINS(NAME, TARGET, VECTOR, PREFIX, SUFFIX, FMA)            \
  __attribute__((target(TARGET), noinline)) static double NAME(double half) {  \
    VECTOR factor = PREFIX##_set1_##SUFFIX(half);                              \
    VECTOR addend = PREFIX##_set1_##SUFFIX(1);                                 \
    VECTOR value[chains];                                                      \
    for (int chain = 0; chain < chains; ++chain)                               \
      value[chain] = PREFIX##_set1_##SUFFIX(chain);                            \
    for (int step = 0; step < steps; ++step)                                   \
      for (int chain = 0; chain < chains; ++chain)                             \
        value[chain] = FMA(value[chain], factor, addend);                      \
    double sum = 0;                                                            \
    for (int chain = 0; chain < chains; ++chain)                               \
      sum += value[chain][0];                                                  \
    return sum;                                                                \
  }

LADON_FMA_CHAINS(chainsOf4Floats, "sse4.2", __m128, _mm, ps, LADON_TWO_PS)
LADON_FMA_CHAINS(chainsOf2Doubles, "sse4.2", __m128d, _mm, pd, LADON_TWO_PD)
LADON_FMA_CHAINS(chainsOf8Floats, "avx2,fma", __m256, _mm256, ps,
                 _mm256_fmadd_ps)
LADON_FMA_CHAINS(chainsOf4Doubles, "avx2,fma", __m256d, _mm256, pd,
                 _mm256_fmadd_pd)
LADON_FMA_CHAINS(chainsOf16Floats, "avx512f", __m512, _mm512, ps,
                 _mm512_fmadd_ps)
LADON_FMA_CHAINS(chainsOf8Doubles, "avx512f", __m512d, _mm512, pd,
                 _mm512_fmadd_pd)

#undef LADON_FMA_CHAINS
#undef LADON_TWO_PS
#undef LADON_TWO_PD

#define LADON_READ_ALL(NAME, TARGET, VECTOR, PREFIX, BITS)                     \
  __attribute__((target(TARGET), noinline)) static int NAME(const char *from,  \
                                                            int64_t bytes) {   \
    VECTOR seen[8];                                                            \
    for (VECTOR &part : seen)                                                  \
      part = PREFIX##_setzero_si##BITS();                                      \
    for (int64_t at = 0; at < bytes; at += sizeof(seen))                       \
      for (int part = 0; part < 8; ++part) {                                   \
        auto *address = reinterpret_cast<const VECTOR *>(from + at) + part;    \
        seen[part] =                                                           \
            PREFIX##_or_si##BITS(seen[part], PREFIX##_load_si##BITS(address)); \
      }                                                                        \
    for (int part = 1; part < 8; ++part)                                       \
      seen[0] = PREFIX##_or_si##BITS(seen[0], seen[part]);                     \
    return PREFIX##_testz_si##BITS(seen[0], seen[0]);                          \
  }

LADON_READ_ALL(read16Bytes, "sse4.2", __m128i, _mm, 128)
LADON_READ_ALL(read32Bytes, "avx2", __m256i, _mm256, 256)

#undef LADON_READ_ALL

PeakKernels ladon::cpu::x86PeakKernels(int64_t vectorBits, bool isDouble) {
  bool isWide = vectorBits == 512, isNarrow = vectorBits == 128;
  double lanes = double(vectorBits) / (isDouble ? 64 : 32);
  PeakKernels kernels;
  if (isDouble)
    kernels.multiplyAdd = isWide     ? chainsOf8Doubles
                          : isNarrow ? chainsOf2Doubles
                                     : chainsOf4Doubles;
  else
    kernels.multiplyAdd = isWide     ? chainsOf16Floats
                          : isNarrow ? chainsOf4Floats
                                     : chainsOf8Floats;
  kernels.operations = double(steps) * chains * lanes * 2;
  kernels.read = isNarrow ? read16Bytes : read32Bytes;
  return kernels;
}
