/*===- call.h - The state of one call -------------------------------------===*\
 *
 * The ground that the rest of the runtime stands on: what a call was asked for,
 * how it went, and its memory. Includes point one way:
 *
 *   entry -> checks -> call          loop -> pool -> call
 *   entry -> loop                    entry, loop, pool -> cpu
 *
 * Nothing here leaves the library. The state that outlives a call is in two
 * places only: the pool's threads and scratch buffers, in pool.c, and the
 * sentence of a thread's last call, in entry.c.
 *
\*===----------------------------------------------------------------------===*/

#ifndef LADON_RUNTIME_CALL_H
#define LADON_RUNTIME_CALL_H

#include "cpu.h"
#include "kernel_abi.h"
#include "ladon/ladon.h"
#include "machine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { LADON_MESSAGE_SIZE = 512, LADON_ALLOCATION_ALIGNMENT = 64 };

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
  ladon_options options;        /**< zero where the caller gave nothing */
  ladon_float_state host_float; /**< of the calling thread, before the call */
  ladon_report report;          /**< written under `mutex` while a loop runs */
  pthread_mutex_t mutex;        /**< guards `report`, `blocks`, the allocator */
  ladon_block *blocks;          /**< of ladon_rt_alloc */
  ladon_block **scratch;        /**< [workers], null until used */
  int32_t workers;              /**< 0 until the first loop */
  atomic_bool failed;           /**< report.status != LADON_OK */
  atomic_bool in_loop;          /**< a loop that starts meanwhile is nested */
};

/** Records a failure unless there is one. Thread-safe. Returns false, so that
 *  a check can end with `return ladon_fail(...)`. */
bool ladon_fail(ladon_ctx *ctx, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Memory from the host's allocator, or from libc; null when there is none.
 *  Called with the call's mutex held. */
ladon_block *ladon_allocate_block(ladon_ctx *ctx, int64_t bytes);
void ladon_free_block(ladon_ctx *ctx, ladon_block *block);

/** Gives back all that ladon_rt_alloc and ladon_rt_try_alloc have given. */
void ladon_free_blocks(ladon_ctx *ctx);

/** The memory that a block describes. */
static inline void *ladon_block_memory(ladon_block *block) {
  return (char *)block + LADON_ALLOCATION_ALIGNMENT;
}

/** The bytes of that memory. */
static inline size_t ladon_block_capacity(const ladon_block *block) {
  return block->bytes - LADON_ALLOCATION_ALIGNMENT;
}

#endif /* LADON_RUNTIME_CALL_H */
