/*===- cpu.h - The CPUs of this process -----------------------------------===*/

#ifndef LADON_RUNTIME_CPU_H
#define LADON_RUNTIME_CPU_H

#include <stdint.h>

enum { LADON_MAX_THREADS = 4096 };

/** The level of the CPU, or a lower one that the environment asks for; found
 *  out once. 0 where it asks for what is no level. */
int32_t ladon_cpu_level(void);

/** What the environment asks for: the name of a level, LADON_MAX_CPU; or null.
 */
const char *ladon_cpu_limit(void);

/** The number of CPUs that the process may use, at least 1. */
int32_t ladon_cpu_count(void);

#endif /* LADON_RUNTIME_CPU_H */
