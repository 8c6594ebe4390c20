/*===- call.h - The state of one call -------------------------------------===*\
 *
 * The ground that the rest of the runtime stands on: what a call was asked for,
 * how it went, and its memory. Includes point one way:
 *
 *   entry -> checks -> call          loop -> pool -> memory -> call
 *   entry -> loop                    entry, loop, pool -> cpu
 *   launch -> call
 *
 * Nothing here leaves the library. The state that outlives a call is in three
 * places only: the pool's threads and scratch buffers, in pool.c, large blocks
 * of memory, in memory.c, and the sentence of a thread's last call, in entry.c.
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

enum {
  LADON_MESSAGE_SIZE = 512,
  LADON_ALLOCATION_ALIGNMENT = 64,
  LADON_NEAR_BYTES = 8192 /**< what small calls allocate, and more */
};

/** The outcome of a call: the first failure stays. */
typedef struct ladon_report {
  int32_t status;
  char text[LADON_MESSAGE_SIZE];
} ladon_report;

typedef struct ladon_block ladon_block;
typedef struct ladon_device_block ladon_device_block;

/** One call. Lives on the stack of the calling thread. */
struct ladon_ctx {
  const ladon_program *program;
  ladon_options options;        /**< zero where the caller gave nothing */
  ladon_float_state host_float; /**< of the calling thread, before the call */
  ladon_report report;          /**< written under `mutex` while a loop runs */
  pthread_mutex_t mutex;        /**< guards `report`, blocks, the allocator */
  ladon_block *blocks;          /**< of ladon_rt_alloc */
  ladon_block *kept;            /**< of earlier calls, not in use */
  bool has_taken_kept;          /**< `kept` is all that there was */
  ladon_block **scratch;        /**< [workers], null until used */
  int32_t workers;              /**< 0 until the first loop */
  int32_t device_id;            /**< of the GPU that all tensors lie on */
  uint64_t workspace_used;      /**< bytes of the workspace on the GPU */
  ladon_device_block *device_blocks; /**< memory of the GPU, from its driver */
  /** Gives them back; null where there is no code for a GPU. */
  void (*release_device)(ladon_ctx *ctx);
  atomic_bool failed;  /**< report.status != LADON_OK */
  atomic_bool in_loop; /**< a loop that starts meanwhile is nested */
  /** The elements of the largest tensor times the longest axis of any: products
   *  and attends have a few operations for each, or fewer. 0 without tensors.
   */
  uint64_t work;
  size_t near_used; /**< of `near`, by ladon_rt_alloc */
  /** Memory of a small call, which need not ask for any; not initialised. */
  _Alignas(LADON_ALLOCATION_ALIGNMENT) unsigned char near[LADON_NEAR_BYTES];
};

/** Records a failure unless there is one. Thread-safe. Returns false, so that
 *  a check can end with `return ladon_fail(...)`. */
bool ladon_fail(ladon_ctx *ctx, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* LADON_RUNTIME_CALL_H */
