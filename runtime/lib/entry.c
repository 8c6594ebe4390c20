/*===- entry.c - One call from beginning to end ---------------------------===*\
 *
 * Options, arguments, the generated code, and the clean-up after it; the
 * memory of a call; the sentence that explains its status.
 *
\*===----------------------------------------------------------------------===*/

#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*===--- Failure ----------------------------------------------------------===*/

static _Thread_local char last_message[LADON_MESSAGE_SIZE];

/* Thread-local storage is reached through a TLS descriptor, whose resolver in
 * some versions of glibc does not preserve the vector registers. Behind a real
 * call there are none to preserve. */
static __attribute__((noinline)) char *message_of_thread(void) {
  char *message = last_message;
  __asm__ volatile("" : "+r"(message));
  return message;
}

const char *ladon_rt_last_error(void) { return message_of_thread(); }

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

/*===--- Memory -----------------------------------------------------------===*/

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

void *ladon_rt_alloc(ladon_ctx *ctx, int64_t bytes) {
  if (atomic_load(&ctx->failed))
    return NULL;
  pthread_mutex_lock(&ctx->mutex);
  ladon_block *block = ladon_allocate_block(ctx, bytes);
  if (block) {
    block->next = ctx->blocks;
    ctx->blocks = block;
  }
  pthread_mutex_unlock(&ctx->mutex);
  if (block)
    return ladon_block_memory(block);
  ladon_fail(ctx, LADON_OUT_OF_MEMORY,
             "out of memory: %lld bytes could not be allocated",
             (long long)bytes);
  return NULL;
}

/*===--- The call ---------------------------------------------------------===*/

/** Checks the arguments, then runs the code on their descriptors. */
static void check_and_run(ladon_ctx *ctx, void *const *args,
                          const void *options) {
  const ladon_program *program = ctx->program;
  if (!ladon_check_options(ctx, options))
    return;
  if (ladon_cpu_level() < program->cpu_level) {
    ladon_fail(ctx, LADON_CPU, "%s: expected a CPU of level %s, found %s",
               program->name, ladon_cpu_level_name(program->cpu_level),
               ladon_cpu_level_name(ladon_cpu_level()));
    return;
  }

  /* One table: descriptors, symbols with their binders, argument pointers. */
  size_t descriptors = ladon_descriptor_words(program);
  size_t symbols = 2 * (size_t)program->num_symbols;
  size_t words = descriptors + symbols + (size_t)program->num_params;
  int64_t on_stack[256];
  int64_t *table = on_stack;
  if (words > sizeof on_stack / sizeof *on_stack) {
    table = malloc(words * sizeof *table);
    if (!table) {
      ladon_fail(ctx, LADON_OUT_OF_MEMORY,
                 "out of memory: %zu bytes could not be allocated",
                 words * sizeof *table);
      return;
    }
  }
  void **run_args = (void **)(table + descriptors + symbols);
  if (ladon_check_arguments(ctx, args, table, table + descriptors, run_args))
    program->run(ctx, run_args);
  if (table != on_stack)
    free(table);
}

int32_t ladon_rt_enter(const ladon_program *program, void *const *args,
                       const void *options) {
  ladon_ctx ctx;
  memset(&ctx, 0, sizeof ctx);
  ctx.program = program;
  pthread_mutex_init(&ctx.mutex, NULL);
  check_and_run(&ctx, args, options);
  ladon_release_scratch(&ctx);
  while (ctx.blocks) {
    ladon_block *block = ctx.blocks;
    ctx.blocks = block->next;
    ladon_free_block(&ctx, block);
  }
  pthread_mutex_destroy(&ctx.mutex);
  strcpy(message_of_thread(), ctx.report.text);
  return ctx.report.status;
}
