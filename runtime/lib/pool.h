/*===- pool.h - The threads of the library --------------------------------===*/

#ifndef LADON_RUNTIME_POOL_H
#define LADON_RUNTIME_POOL_H

#include "memory.h"

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

#endif /* LADON_RUNTIME_POOL_H */
