/*===- entry.c - One call from beginning to end ---------------------------===*\
 *
 * Options, arguments, the generated code, and the clean-up after it; the
 * sentence that explains its status.
 *
\*===----------------------------------------------------------------------===*/

#include "checks.h"
#include "loop.h"
#include "memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*===--- The sentence -----------------------------------------------------===*/

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

/*===--- The call ---------------------------------------------------------===*/

/** Sets `run` to the code for this CPU. */
static bool choose_code(ladon_ctx *ctx, ladon_run **run) {
  const ladon_program *program = ctx->program;
  int32_t level = ladon_cpu_level();
  const char *needed = ladon_machine_level_name(program->cpu_level);
  if (level == 0) {
    const char *limit = ladon_cpu_limit();
    return ladon_fail(ctx, LADON_CPU,
                      "LADON_MAX_CPU: expected a level such as %.*s, found "
                      "'%s'",
                      (int)strcspn(needed, " "), needed, limit ? limit : "");
  }
  if (level < program->cpu_level)
    return ladon_fail(ctx, LADON_CPU,
                      "%s: expected a CPU of level %s, found %s", program->name,
                      needed, ladon_machine_level_name(level));
  const ladon_level *better = program->better;
  while (better && better->cpu_level > level)
    ++better;
  *run = better && better->cpu_level ? better->run : program->run;
  return true;
}

/** Checks the arguments, then runs the code on their descriptors. */
static void check_and_run(ladon_ctx *ctx, void *const *args,
                          const void *options) {
  const ladon_program *program = ctx->program;
  if (!ladon_check_options(ctx, options))
    return;
  ladon_run *run;
  if (!choose_code(ctx, &run))
    return;

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
    run(ctx, run_args);
  if (ctx->options.workspace_needed && !atomic_load(&ctx->failed))
    *ctx->options.workspace_needed = ctx->workspace_used;
  if (table != on_stack)
    free(table);
}

int32_t ladon_rt_enter(const ladon_program *program, void *const *args,
                       const void *options) {
  ladon_ctx ctx;
  memset(&ctx, 0, offsetof(ladon_ctx, near));
  ctx.program = program;
  ctx.device_id = -1;
  pthread_mutex_init(&ctx.mutex, NULL);
  ctx.host_float = ladon_float_begin();
  check_and_run(&ctx, args, options);
  ladon_float_end(ctx.host_float);
  if (ctx.release_device)
    ctx.release_device(&ctx);
  ladon_release_scratch(&ctx);
  ladon_end_memory(&ctx);
  pthread_mutex_destroy(&ctx.mutex);
  strcpy(message_of_thread(), ctx.report.text);
  return ctx.report.status;
}
