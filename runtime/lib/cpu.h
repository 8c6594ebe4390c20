/*===- cpu.h - The CPUs of this process -----------------------------------===*/

#ifndef LADON_RUNTIME_CPU_H
#define LADON_RUNTIME_CPU_H

#include <stdint.h>

enum { LADON_MAX_THREADS = 4096 };

/** The level of the CPU; found out once. */
int32_t ladon_cpu_level(void);

/** The number of CPUs that the process may use, at least 1. */
int32_t ladon_cpu_count(void);

#endif /* LADON_RUNTIME_CPU_H */
