/*===- cpu.c - The CPUs of this process -----------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "cpu.h"

#include "machine.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *ladon_cpu_limit(void) { return secure_getenv("LADON_MAX_CPU"); }

/** The level with that name, or 0. */
static int32_t level_named(const char *name) {
  size_t length = strlen(name);
  for (int32_t level = ladon_machine_levels(); level > 0; --level) {
    const char *whole = ladon_machine_level_name(level);
    if (strcspn(whole, " ") == length && strncmp(whole, name, length) == 0)
      return level;
  }
  return 0;
}

int32_t ladon_cpu_level(void) {
  static atomic_int cached; /* 1 more; every thread finds the same */
  int32_t level = atomic_load_explicit(&cached, memory_order_relaxed) - 1;
  if (level < 0) {
    level = ladon_machine_level();
    const char *limit = ladon_cpu_limit();
    if (limit) {
      int32_t most = level_named(limit);
      level = most < level ? most : level;
    }
    atomic_store_explicit(&cached, level + 1, memory_order_relaxed);
  }
  return level;
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
