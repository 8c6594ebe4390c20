/*===- memory.h - The memory of a call ------------------------------------===*/

#ifndef LADON_RUNTIME_MEMORY_H
#define LADON_RUNTIME_MEMORY_H

#include "call.h"

/** One allocation of a call, in front of the memory that it describes. */
struct ladon_block {
  struct ladon_block *next;
  size_t bytes; /**< header included */
};

/** Memory from the host's allocator, or from libc; null when there is none.
 *  Called with the call's mutex held. */
ladon_block *ladon_allocate_block(ladon_ctx *ctx, int64_t bytes);
void ladon_free_block(ladon_ctx *ctx, ladon_block *block);

/** Gives back all that ladon_rt_alloc and ladon_rt_try_alloc have given, and
 *  keeps large blocks of libc for the next call. */
void ladon_end_memory(ladon_ctx *ctx);

/** The memory that a block describes. */
static inline void *ladon_block_memory(ladon_block *block) {
  return (char *)block + LADON_ALLOCATION_ALIGNMENT;
}

/** The bytes of that memory. */
static inline size_t ladon_block_capacity(const ladon_block *block) {
  return block->bytes - LADON_ALLOCATION_ALIGNMENT;
}

#endif /* LADON_RUNTIME_MEMORY_H */
