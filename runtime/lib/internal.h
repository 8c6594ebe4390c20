/*===- internal.h - Between the parts of the runtime ----------------------===*\
 *
 * Nothing here leaves the library. The state that outlives a call is in two
 * places only: the pool's threads and scratch buffers, in pool.c, and the
 * sentence of a thread's last call, in entry.c.
 *
\*===----------------------------------------------------------------------===*/

#ifndef LADON_RUNTIME_INTERNAL_H
#define LADON_RUNTIME_INTERNAL_H

#include "kernel_abi.h"
#include "ladon/ladon.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
  LADON_MAX_THREADS = 4096,
  LADON_MESSAGE_SIZE = 512,
  LADON_ALLOCATION_ALIGNMENT = 64
};

/** The outcome of a call: the first failure stays. */
typedef struct ladon_report {
  int32_t status;
  char text[LADON_MESSAGE_SIZE];
} ladon_report;

/** One allocation of a call, in front of the memory that it describes. */
typedef struct ladon_block {
  struct ladon_block *next;
  size_t bytes; /**< header included */
} ladon_block;

/** One call. Lives on the stack of the calling thread. */
struct ladon_ctx {
  const ladon_program *program;
  ladon_options options; /**< zero where the caller gave nothing */
  ladon_report report;   /**< written under `mutex` while a loop runs */
  pthread_mutex_t mutex; /**< guards `report`, `blocks` and the allocator */
  ladon_block *blocks;   /**< of ladon_rt_alloc */
  ladon_block **scratch; /**< [workers], null until used */
  int32_t workers;       /**< 0 until the first loop */
  atomic_bool failed;    /**< report.status != LADON_OK */
  atomic_bool in_loop;   /**< a loop that starts meanwhile is nested */
};

/** Records a failure unless there is one. Thread-safe. Returns false, so that
 *  a check can end with `return ladon_fail(...)`. */
bool ladon_fail(ladon_ctx *ctx, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*===--- checks.c ---------------------------------------------------------===*/

/** Copies the options that the caller knows of into the call's. */
bool ladon_check_options(ladon_ctx *ctx, const void *options);

/** Number of 64-bit words that the descriptors of all tensors take. */
size_t ladon_descriptor_words(const ladon_program *program);

/** Checks every argument and builds the descriptors: run_args[i] points into
 *  `words` for a tensor and at the value for a scalar. `symbols` has room for
 *  the sizes and the binding parameter of each symbol: 2 * num_symbols. */
bool ladon_check_arguments(ladon_ctx *ctx, void *const *args, int64_t *words,
                           int64_t *symbols, void **run_args);

/*===--- cpu.c ------------------------------------------------------------===*/

/** The x86-64 level of this CPU and operating system, 1 to 4. */
int32_t ladon_cpu_level(void);

/** What a level asks of a CPU, in words. */
const char *ladon_cpu_level_name(int32_t level);

/** The number of CPUs that the process may use, at least 1. */
int32_t ladon_cpu_count(void);

/*===--- pool.c -----------------------------------------------------------===*/

/** One parallel loop, on the stack of the thread that runs it. */
typedef struct ladon_loop {
  void (*body)(void *env, int64_t i, void *scratch);
  void *env;
  int64_t count;
  atomic_llong next;
} ladon_loop;

/** Runs indices until there are no more, or until `stop` (may be null). */
void ladon_loop_work(ladon_loop *work, void *scratch, const atomic_bool *stop);

/** Runs a loop on this thread and up to `workers` - 1 helpers. The call has
 *  scratch for as many. */
void ladon_pool_run(ladon_ctx *ctx, ladon_loop *work, int32_t workers);

/** A scratch buffer that an earlier call left, of any size, or null. */
ladon_block *ladon_pool_take_scratch(void);

/** Keeps a buffer for a later call. */
void ladon_pool_keep_scratch(ladon_block *block);

/*===--- loop.c -----------------------------------------------------------===*/

/** Gives the call's scratch buffers back. */
void ladon_release_scratch(ladon_ctx *ctx);

/*===--- entry.c ----------------------------------------------------------===*/

/** Memory from the host's allocator, or from libc; null when there is none.
 *  Called with the call's mutex held. */
ladon_block *ladon_allocate_block(ladon_ctx *ctx, int64_t bytes);
void ladon_free_block(ladon_ctx *ctx, ladon_block *block);

/** The memory that a block describes. */
static inline void *ladon_block_memory(ladon_block *block) {
  return (char *)block + LADON_ALLOCATION_ALIGNMENT;
}

/** The bytes of that memory. */
static inline size_t ladon_block_capacity(const ladon_block *block) {
  return block->bytes - LADON_ALLOCATION_ALIGNMENT;
}

#endif /* LADON_RUNTIME_INTERNAL_H */
