/*===- machine.c - How an AArch64 CPU computes ----------------------------===*\
 *
 * There is one level, what every CPU has.
 *
\*===----------------------------------------------------------------------===*/

#include "machine.h"

int32_t ladon_machine_level(void) { return 1; }

int32_t ladon_machine_levels(void) { return 1; }

const char *ladon_machine_level_name(int32_t level) {
  (void)level;
  return "armv8-a (NEON)";
}

void ladon_machine_relax(void) { __asm__ volatile("yield"); }

/* FPCR in the lower half, FPSR in the upper one. Zero is to nearest, subnormals
 * kept, no trap, no flag: what a process starts with. */

ladon_float_state ladon_float_begin(void) {
  uint64_t control, status;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  __asm__ volatile("mrs %0, fpsr" : "=r"(status));
  __asm__ volatile("msr fpcr, xzr\n\tmsr fpsr, xzr" ::: "memory");
  return status << 32 | (control & 0xffffffffu);
}

void ladon_float_end(ladon_float_state state) {
  uint64_t control = state & 0xffffffffu, status = state >> 32;
  __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1" ::"r"(control), "r"(status)
                   : "memory");
}
