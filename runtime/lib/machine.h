/*===- machine.h - What differs from one kind of CPU to another -----------===*\
 *
 * Each kind has a folder beside this one, with a machine.c and how to compile
 * the runtime for it.
 *
\*===----------------------------------------------------------------------===*/

#ifndef LADON_RUNTIME_MACHINE_H
#define LADON_RUNTIME_MACHINE_H

#include <stdint.h>

/** The level of this CPU and operating system, from 1; one includes those below
 *  it. Finds out each time. */
int32_t ladon_machine_level(void);

/** How many levels there are. */
int32_t ladon_machine_levels(void);

/** The name of a level, then what it asks of a CPU: "x86-64-v2 (SSE4.2)". One
 *  beyond all there are is the highest. */
const char *ladon_machine_level_name(int32_t level);

/** Tells the CPU that the thread waits for another. */
void ladon_machine_relax(void);

/** How a thread computes with floating-point numbers: rounding, what happens to
 *  subnormals, traps, and the flags of what has happened so far. */
typedef uint64_t ladon_float_state;

/** Makes the thread round to nearest, keep subnormals and trap nothing, which
 *  is what the generated code is made for. Returns what it did before. */
ladon_float_state ladon_float_begin(void);

/** Makes the thread compute as `state` says. */
void ladon_float_end(ladon_float_state state);

#endif /* LADON_RUNTIME_MACHINE_H */
