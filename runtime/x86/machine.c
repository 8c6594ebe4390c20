/*===- machine.c - What an x86-64 CPU can run, and how it computes --------===*\
 *
 * The levels of the x86-64 psABI, a level of our own beyond them, and the
operating system's part in them: the
 * wide registers exist only when the system saves them. Written with cpuid
 * itself, because the compilers' own helpers live in their support libraries.
 *
\*===----------------------------------------------------------------------===*/

#include "machine.h"

#include <cpuid.h>
#include <stdbool.h>

/*===--- Levels -----------------------------------------------------------===*/

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

int32_t ladon_machine_level(void) {
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
  uint32_t more[4] = {0};
  __get_cpuid_count(7, 1, &more[EAX], &more[EBX], &more[ECX], &more[EDX]);
  if (!has_all(seven[ECX], bit_AVX512VNNI) ||
      !has_all(more[EAX], bit_AVX512BF16))
    return 4;
  return 5;
}

static const char *const level_names[] = {
    "x86-64",
    "x86-64-v2 (SSE4.2)",
    "x86-64-v3 (AVX2 and FMA)",
    "x86-64-v4 (AVX-512)",
    "x86-64-v4-bf16 (AVX-512 with BF16 and VNNI)",
};

int32_t ladon_machine_levels(void) {
  return sizeof level_names / sizeof *level_names;
}

const char *ladon_machine_level_name(int32_t level) {
  int32_t highest = ladon_machine_levels();
  return level_names[(level < highest ? level : highest) - 1];
}

/*===--- Threads ----------------------------------------------------------===*/

void ladon_machine_relax(void) { __builtin_ia32_pause(); }

/* Of MXCSR, for no code here uses the x87: every exception masked and no flag
 * set, to nearest, subnormals kept. It is what a process starts with. */
static const uint32_t default_mxcsr = 0x1f80;

ladon_float_state ladon_float_begin(void) {
  ladon_float_state before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(default_mxcsr);
  return before;
}

void ladon_float_end(ladon_float_state state) {
  __builtin_ia32_ldmxcsr((uint32_t)state);
}
