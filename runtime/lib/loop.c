/*===- loop.c - Parallel loops and their scratch --------------------------===*\
 *
 * Decides where a loop runs: on the threads of the pool, on those of the host,
 * or, inside another loop, on the thread at hand; and gives every thread that
 * takes part its scratch before the loop begins, so that a loop either runs
 * whole or not at all.
 *
\*===----------------------------------------------------------------------===*/

#include "loop.h"
#include "pool.h"

#include <stdlib.h>

/*===--- Scratch ----------------------------------------------------------===*/

/** A buffer for one thread of a loop: from the host's allocator, or one that an
 *  earlier call left, or a new one. Called with the call's mutex held. */
static ladon_block *acquire_scratch(ladon_ctx *ctx, int64_t bytes) {
  if (ctx->options.allocate)
    return ladon_allocate_block(ctx, bytes);
  ladon_block *block = ladon_pool_take_scratch();
  if (block && ladon_block_capacity(block) >= (size_t)bytes)
    return block;
  /* Too small for this library's largest loop; it need not be kept. */
  free(block);
  return ladon_allocate_block(ctx, bytes);
}

static void release_scratch(ladon_ctx *ctx, ladon_block *block) {
  if (block && ctx->options.allocate)
    ladon_free_block(ctx, block);
  else if (block)
    ladon_pool_keep_scratch(block);
}

void ladon_release_scratch(ladon_ctx *ctx) {
  for (int32_t worker = ctx->workers; worker-- > 0;)
    release_scratch(ctx, ctx->scratch[worker]);
}

/** Gives workers [0, wanted) at least `bytes` each. Returns how many have
 *  them, which is 0 with a failed call when there is none at all. */
static int32_t prepare_scratch(ladon_ctx *ctx, int32_t wanted, int64_t bytes) {
  int32_t ready = 0;
  pthread_mutex_lock(&ctx->mutex);
  for (; ready < wanted; ++ready) {
    ladon_block **slot = &ctx->scratch[ready];
    if (*slot && ladon_block_capacity(*slot) >= (size_t)bytes)
      continue;
    release_scratch(ctx, *slot);
    *slot = acquire_scratch(ctx, bytes);
    if (!*slot)
      break;
  }
  pthread_mutex_unlock(&ctx->mutex);
  if (ready == 0)
    ladon_fail(ctx, LADON_OUT_OF_MEMORY,
               "out of memory: %lld bytes could not be allocated",
               (long long)bytes);
  return ready;
}

/** Whether other threads would take longer to wake than the call takes: a few
 *  microseconds. To count the CPUs is a system call, which shows there, too. */
static bool is_tiny(const ladon_ctx *ctx) {
  return ctx->work > 0 && ctx->work < UINT64_C(1) << 19;
}

/** How many threads the library takes where the caller does not say. */
static int32_t default_workers(const ladon_ctx *ctx) {
  return is_tiny(ctx) && !ctx->options.parallel_for ? 1 : ladon_cpu_count();
}

/** Decides, once per call, how many threads it may use. */
static bool prepare_workers(ladon_ctx *ctx) {
  if (ctx->workers > 0)
    return true;
  int32_t workers =
      ctx->options.threads ? ctx->options.threads : default_workers(ctx);
  ladon_block **slots =
      ladon_rt_alloc(ctx, (int64_t)workers * (int64_t)sizeof *slots);
  if (!slots)
    return false;
  for (int32_t worker = 0; worker < workers; ++worker)
    slots[worker] = NULL;
  ctx->scratch = slots;
  ctx->workers = workers;
  return true;
}

/*===--- Loops ------------------------------------------------------------===*/

/** A loop inside a loop: in order, with a buffer of its own. */
static void run_nested(ladon_ctx *ctx, ladon_loop *work,
                       int64_t scratch_bytes) {
  pthread_mutex_lock(&ctx->mutex);
  ladon_block *block = acquire_scratch(ctx, scratch_bytes);
  pthread_mutex_unlock(&ctx->mutex);
  if (!block) {
    ladon_fail(ctx, LADON_OUT_OF_MEMORY,
               "out of memory: %lld bytes could not be allocated",
               (long long)scratch_bytes);
    return;
  }
  ladon_loop_work(work, ladon_block_memory(block), NULL);
  pthread_mutex_lock(&ctx->mutex);
  release_scratch(ctx, block);
  pthread_mutex_unlock(&ctx->mutex);
}

/** A loop on the host's threads, and how the host has kept its contract. */
typedef struct host_loop {
  ladon_loop *work;
  ladon_ctx *ctx;
  int32_t workers;
  atomic_llong done;
  atomic_ullong digest; /**< the sum of digest_of(index) over what has run */
  atomic_bool misused;
} host_loop;

/** 64 bits that look random, each index its own (the finalizer of splitmix64).
 *  Two collections of as many indices with the same sum are the same but for
 *  one chance in 2^64, and so no memory is needed to know that each index has
 *  run once. */
static uint64_t digest_of(uint64_t index) {
  index += UINT64_C(0x9e3779b97f4a7c15);
  index = (index ^ (index >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  index = (index ^ (index >> 27)) * UINT64_C(0x94d049bb133111eb);
  return index ^ (index >> 31);
}

static uint64_t digest_of_all(int64_t count) {
  uint64_t digest = 0;
  for (int64_t index = 0; index < count; ++index)
    digest += digest_of((uint64_t)index);
  return digest;
}

static void run_host_index(void *env, int64_t index, int32_t worker) {
  host_loop *host = env;
  if (index < 0 || index >= host->work->count || worker < 0 ||
      worker >= host->workers) {
    atomic_store(&host->misused, true);
    return;
  }
  ladon_float_state before = ladon_float_begin();
  host->work->body(host->work->env, index,
                   ladon_block_memory(host->ctx->scratch[worker]));
  ladon_float_end(before);
  atomic_fetch_add(&host->digest, digest_of((uint64_t)index));
  atomic_fetch_add(&host->done, 1);
}

static void run_on_host(ladon_ctx *ctx, ladon_loop *work, int32_t workers) {
  host_loop host = {.work = work, .ctx = ctx, .workers = workers};
  /* The host's code computes as it did before the call. */
  ladon_float_end(ctx->host_float);
  int32_t result =
      ctx->options.parallel_for(ctx->options.parallel_for_user, work->count,
                                workers, run_host_index, &host);
  ctx->host_float = ladon_float_begin();
  if (result != 0)
    ladon_fail(ctx, LADON_PARALLEL_FOR,
               "options: parallel_for failed and returned %d", result);
  else if (atomic_load(&host.misused))
    ladon_fail(ctx, LADON_PARALLEL_FOR,
               "options: parallel_for passed an index or a worker that does "
               "not exist");
  else if (atomic_load(&host.done) != work->count)
    ladon_fail(ctx, LADON_PARALLEL_FOR,
               "options: parallel_for ran %lld indices, expected %lld",
               (long long)atomic_load(&host.done), (long long)work->count);
  else if (atomic_load(&host.digest) != digest_of_all(work->count))
    ladon_fail(ctx, LADON_PARALLEL_FOR,
               "options: parallel_for ran an index more than once, and another "
               "not at all");
}

void ladon_rt_parallel_for(ladon_ctx *ctx, int64_t n, int64_t scratch_bytes,
                           void (*body)(void *env, int64_t i, void *scratch),
                           void *env) {
  if (n <= 0 || atomic_load(&ctx->failed))
    return;
  ladon_loop work = {.body = body, .env = env, .count = n};
  if (atomic_exchange(&ctx->in_loop, true)) {
    run_nested(ctx, &work, scratch_bytes);
    return;
  }
  if (prepare_workers(ctx)) {
    int32_t wanted = n < ctx->workers ? (int32_t)n : ctx->workers;
    int32_t workers = prepare_scratch(ctx, wanted, scratch_bytes);
    if (workers > 0 && ctx->options.parallel_for)
      run_on_host(ctx, &work, workers);
    else if (workers > 0)
      ladon_pool_run(ctx, &work, workers);
  }
  atomic_store(&ctx->in_loop, false);
}
