/*===- memory.c - The memory of a call ------------------------------------===*\
 *
 * From the host's allocator, or from libc. Large blocks of libc stay for the
 * next call: fresh pages cost a fault each, some hundred microseconds for every
 * MiB, which is a tenth of the time of a whole module. They are kept in a list
 * that a call takes as a whole and puts back at its end; one that finds none,
 * because another one has them, does without. So nobody waits for anybody, and
 * a fork finds no lock taken.
 *
\*===----------------------------------------------------------------------===*/

#include "memory.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
  LARGE_BYTES = 256 << 10, /* below, libc itself keeps what is freed */
  HUGE_PAGE_BYTES = 2 << 20,
  KEPT_BYTES = 256 << 20 /* the most that stays between calls */
};

static _Atomic(ladon_block *) kept_blocks;

/** Frees a list of blocks of libc. */
static void free_all(ladon_block *blocks) {
  while (blocks) {
    ladon_block *next = blocks->next;
    free(blocks);
    blocks = next;
  }
}

static ladon_block *allocate_from_libc(size_t total) {
  if (total < HUGE_PAGE_BYTES)
    return aligned_alloc(LADON_ALLOCATION_ALIGNMENT, total);
  /* Rows of a tensor that lie pages apart would need an entry of the TLB each.
   * Where the system has no large pages this changes nothing. */
  void *memory = aligned_alloc(HUGE_PAGE_BYTES, total);
  if (memory)
    (void)madvise(memory, total & ~(size_t)(HUGE_PAGE_BYTES - 1),
                  MADV_HUGEPAGE);
  return memory;
}

/** The smallest kept block that is large enough, but not twice as large. */
static ladon_block *take_kept(ladon_ctx *ctx, size_t total) {
  if (!ctx->has_taken_kept) {
    ctx->kept = atomic_exchange(&kept_blocks, NULL);
    ctx->has_taken_kept = true;
  }
  ladon_block **best = NULL;
  for (ladon_block **at = &ctx->kept; *at; at = &(*at)->next)
    if ((*at)->bytes >= total && (*at)->bytes / 2 <= total &&
        (!best || (*at)->bytes < (*best)->bytes))
      best = at;
  if (!best)
    return NULL;
  ladon_block *block = *best;
  *best = block->next;
  return block;
}

/** A block of `total` bytes or more that records its size; null without. */
static ladon_block *allocate_or_reuse(ladon_ctx *ctx, size_t total) {
  ladon_block *block = total >= LARGE_BYTES ? take_kept(ctx, total) : NULL;
  if (block)
    return block;
  block = allocate_from_libc(total);
  if (!block && ctx->kept) {
    free_all(ctx->kept);
    ctx->kept = NULL;
    block = allocate_from_libc(total);
  }
  if (block)
    block->bytes = total;
  return block;
}

static ladon_block *allocate_from_host(ladon_ctx *ctx, size_t total) {
  const size_t alignment = LADON_ALLOCATION_ALIGNMENT;
  const ladon_options *options = &ctx->options;
  ladon_block *block =
      options->allocate(options->allocator_user, total, alignment);
  if (block && (uintptr_t)block % alignment != 0) {
    options->deallocate(options->allocator_user, block, total);
    return NULL;
  }
  if (block)
    block->bytes = total;
  return block;
}

ladon_block *ladon_allocate_block(ladon_ctx *ctx, int64_t bytes) {
  const size_t alignment = LADON_ALLOCATION_ALIGNMENT;
  if (bytes < 0 || (uint64_t)bytes > SIZE_MAX / 4)
    return NULL;
  /* Whole cache lines, so that no two threads ever share one. */
  size_t total =
      ((size_t)bytes + alignment - 1) / alignment * alignment + alignment;
  ladon_block *block = ctx->options.allocate ? allocate_from_host(ctx, total)
                                             : allocate_or_reuse(ctx, total);
  if (block)
    block->next = NULL;
  return block;
}

void ladon_free_block(ladon_ctx *ctx, ladon_block *block) {
  if (ctx->options.deallocate) {
    ctx->options.deallocate(ctx->options.allocator_user, block, block->bytes);
  } else if (block->bytes < LARGE_BYTES) {
    free(block);
  } else {
    block->next = ctx->kept;
    ctx->kept = block;
  }
}

void ladon_end_memory(ladon_ctx *ctx) {
  while (ctx->blocks) {
    ladon_block *block = ctx->blocks;
    ctx->blocks = block->next;
    ladon_free_block(ctx, block);
  }
  /* What this call used comes first, and stays. */
  size_t kept = 0;
  ladon_block **at = &ctx->kept;
  while (*at && (kept += (*at)->bytes) <= KEPT_BYTES)
    at = &(*at)->next;
  free_all(*at);
  *at = NULL;
  /* What another call put back meanwhile makes way. */
  if (ctx->kept)
    free_all(atomic_exchange(&kept_blocks, ctx->kept));
}

/** When the library is unloaded, or the process exits. */
__attribute__((destructor)) static void free_kept_blocks(void) {
  free_all(atomic_exchange(&kept_blocks, NULL));
}

/** Some of the memory that the call has itself; null where that is used up, or
 *  the host wants to be asked. */
static void *allocate_near(ladon_ctx *ctx, int64_t bytes) {
  const int64_t alignment = LADON_ALLOCATION_ALIGNMENT;
  if (ctx->options.allocate || bytes < 0 ||
      bytes > LADON_NEAR_BYTES - (int64_t)ctx->near_used)
    return NULL;
  void *memory = ctx->near + ctx->near_used;
  ctx->near_used += (size_t)((bytes + alignment - 1) / alignment * alignment);
  return memory;
}

void *ladon_rt_try_alloc(ladon_ctx *ctx, int64_t bytes) {
  if (atomic_load(&ctx->failed))
    return NULL;
  pthread_mutex_lock(&ctx->mutex);
  void *memory = allocate_near(ctx, bytes);
  if (!memory) {
    ladon_block *block = ladon_allocate_block(ctx, bytes);
    if (block) {
      block->next = ctx->blocks;
      ctx->blocks = block;
      memory = ladon_block_memory(block);
    }
  }
  pthread_mutex_unlock(&ctx->mutex);
  return memory;
}

void *ladon_rt_alloc(ladon_ctx *ctx, int64_t bytes) {
  void *memory = ladon_rt_try_alloc(ctx, bytes);
  /* Of a call that has failed, the first failure stays. */
  if (!memory)
    ladon_fail(ctx, LADON_OUT_OF_MEMORY,
               "out of memory: %lld bytes could not be allocated",
               (long long)bytes);
  return memory;
}
