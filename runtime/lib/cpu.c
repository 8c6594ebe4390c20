/*===- cpu.c - What this CPU can run, and how it computes -----------------===*\
 *
 * The levels of the x86-64 psABI, and the operating system's part in them: the
 * wide registers exist only when the system saves them. Written with cpuid
 * itself, because the compilers' own helpers live in their support libraries.
 *
\*===----------------------------------------------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "cpu.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

enum { EAX, EBX, ECX, EDX };

static bool has_all(uint32_t word, uint32_t bits) {
  return (word & bits) == bits;
}

/** The register sets that the operating system saves on a context switch. */
static uint64_t saved_registers(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

static int32_t detect_level(void) {
  uint32_t one[4] = {0}, seven[4] = {0}, extended[4] = {0};
  __get_cpuid(1, &one[EAX], &one[EBX], &one[ECX], &one[EDX]);
  __get_cpuid_count(7, 0, &seven[EAX], &seven[EBX], &seven[ECX], &seven[EDX]);
  __get_cpuid(0x80000001u, &extended[EAX], &extended[EBX], &extended[ECX],
              &extended[EDX]);

  const uint32_t level2 = bit_SSE3 | bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 |
                          bit_POPCNT | bit_CMPXCHG16B;
  if (!has_all(one[ECX], level2) || !has_all(extended[ECX], bit_LAHF_LM))
    return 1;

  const uint32_t level3 =
      bit_AVX | bit_F16C | bit_FMA | bit_MOVBE | bit_OSXSAVE;
  if (!has_all(one[ECX], level3) || !has_all(extended[ECX], bit_LZCNT) ||
      !has_all(seven[EBX], bit_AVX2 | bit_BMI | bit_BMI2))
    return 2;
  const uint64_t saved = saved_registers();
  const uint64_t xmm_ymm = 0x06, masks_zmm = 0xe0;
  if ((saved & xmm_ymm) != xmm_ymm)
    return 2;

  const uint32_t level4 =
      bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  if (!has_all(seven[EBX], level4) || (saved & masks_zmm) != masks_zmm)
    return 3;
  return 4;
}

/* Every exception masked and no flag set, to nearest, subnormals kept: what a
 * process starts with. */
static const uint32_t default_mxcsr = 0x1f80;

ladon_float_state ladon_float_begin(void) {
  ladon_float_state before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(default_mxcsr);
  return before;
}

void ladon_float_end(ladon_float_state state) { __builtin_ia32_ldmxcsr(state); }
#else
static int32_t detect_level(void) { return 1; }

ladon_float_state ladon_float_begin(void) {
  ladon_float_state before;
  fegetenv(&before);
  fesetenv(FE_DFL_ENV);
  return before;
}

void ladon_float_end(ladon_float_state state) { fesetenv(&state); }
#endif

int32_t ladon_cpu_level(void) {
  static atomic_int cached; /* 0: not asked yet; every thread finds the same */
  int32_t level = atomic_load_explicit(&cached, memory_order_relaxed);
  if (level == 0) {
    level = detect_level();
    atomic_store_explicit(&cached, level, memory_order_relaxed);
  }
  return level;
}

const char *ladon_cpu_level_name(int32_t level) {
  switch (level) {
  case 1:
    return "x86-64";
  case 2:
    return "x86-64-v2 (SSE4.2)";
  case 3:
    return "x86-64-v3 (AVX2 and FMA)";
  default:
    return "x86-64-v4 (AVX-512)";
  }
}

int32_t ladon_cpu_count(void) {
  /* The kernel refuses a set smaller than its own, whose size it does not
   * tell, so larger ones are tried. */
  for (size_t cpus = 1024; cpus <= 1u << 20; cpus *= 4) {
    cpu_set_t *set = CPU_ALLOC(cpus);
    if (!set)
      break;
    size_t bytes = CPU_ALLOC_SIZE(cpus);
    int result = sched_getaffinity(0, bytes, set);
    int error = errno;
    int count = result == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0)
      return count < LADON_MAX_THREADS ? count : LADON_MAX_THREADS;
    if (error != EINVAL)
      break;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  if (online < 1)
    return 1;
  return online < LADON_MAX_THREADS ? (int32_t)online : LADON_MAX_THREADS;
}
