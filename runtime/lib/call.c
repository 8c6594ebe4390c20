/*===- call.c - The failure and the memory of a call ----------------------===*/

#include "call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool ladon_fail(ladon_ctx *ctx, int32_t status, const char *format, ...) {
  pthread_mutex_lock(&ctx->mutex);
  if (ctx->report.status == LADON_OK) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ctx->report.text, sizeof ctx->report.text, format, arguments);
    va_end(arguments);
    ctx->report.status = status;
    atomic_store(&ctx->failed, true);
  }
  pthread_mutex_unlock(&ctx->mutex);
  return false;
}

ladon_block *ladon_allocate_block(ladon_ctx *ctx, int64_t bytes) {
  const size_t alignment = LADON_ALLOCATION_ALIGNMENT;
  if (bytes < 0 || (uint64_t)bytes > SIZE_MAX / 4)
    return NULL;
  /* Whole cache lines, so that no two threads ever share one. */
  size_t total =
      ((size_t)bytes + alignment - 1) / alignment * alignment + alignment;
  ladon_block *block = NULL;
  if (ctx->options.allocate) {
    block =
        ctx->options.allocate(ctx->options.allocator_user, total, alignment);
    if (block && (uintptr_t)block % alignment != 0) {
      ctx->options.deallocate(ctx->options.allocator_user, block, total);
      block = NULL;
    }
  } else {
    block = aligned_alloc(alignment, total);
  }
  if (!block)
    return NULL;
  block->next = NULL;
  block->bytes = total;
  return block;
}

void ladon_free_block(ladon_ctx *ctx, ladon_block *block) {
  if (ctx->options.deallocate)
    ctx->options.deallocate(ctx->options.allocator_user, block, block->bytes);
  else
    free(block);
}

void ladon_free_blocks(ladon_ctx *ctx) {
  while (ctx->blocks) {
    ladon_block *block = ctx->blocks;
    ctx->blocks = block->next;
    ladon_free_block(ctx, block);
  }
}

void *ladon_rt_try_alloc(ladon_ctx *ctx, int64_t bytes) {
  if (atomic_load(&ctx->failed))
    return NULL;
  pthread_mutex_lock(&ctx->mutex);
  ladon_block *block = ladon_allocate_block(ctx, bytes);
  if (block) {
    block->next = ctx->blocks;
    ctx->blocks = block;
  }
  pthread_mutex_unlock(&ctx->mutex);
  return block ? ladon_block_memory(block) : NULL;
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
