/*===- cpu.h - What this CPU can run, and how it computes -----------------===*/

#ifndef LADON_RUNTIME_CPU_H
#define LADON_RUNTIME_CPU_H

#include <stdint.h>

#if !defined(__x86_64__)
#include <fenv.h>
#endif

enum { LADON_MAX_THREADS = 4096 };

/** The x86-64 level of this CPU and operating system, 1 to 4. */
int32_t ladon_cpu_level(void);

/** What a level asks of a CPU, in words. */
const char *ladon_cpu_level_name(int32_t level);

/** The number of CPUs that the process may use, at least 1. */
int32_t ladon_cpu_count(void);

/** How a thread computes with floating-point numbers: rounding, what happens to
 *  subnormals, traps, and the flags of what has happened so far. */
#if defined(__x86_64__)
typedef uint32_t ladon_float_state; /* MXCSR; no code here uses the x87 */
#else
typedef fenv_t ladon_float_state;
#endif

/** Makes the thread round to nearest, keep subnormals and trap nothing, which
 *  is what the generated code is made for. Returns what it did before. */
ladon_float_state ladon_float_begin(void);

/** Makes the thread compute as `state` says. */
void ladon_float_end(ladon_float_state state);

#endif /* LADON_RUNTIME_CPU_H */
