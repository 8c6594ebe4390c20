/*===- pool.c - Parallel loops, threads and scratch -----------------------===*\
 *
 * A loop hands out its indices by one atomic counter, to the calling thread and
 * to helpers: idle threads of the pool, which start when first wanted and then
 * stay. A loop takes what helpers are idle and never waits for one, so that
 * concurrent calls share the pool without knowing of each other, and a loop
 * inside a loop runs on its own thread alone.
 *
 * One mutex guards the lists; it is held for a few instructions at a time and
 * never while foreign code runs. Around a fork it is held, so that the child
 * finds whole lists; the child has none of the threads and forgets them.
 *
\*===----------------------------------------------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "internal.h"

#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

/** One parallel loop, on the stack of the thread that runs it. */
typedef struct loop {
  void (*body)(void *env, int64_t i, void *scratch);
  void *env;
  int64_t count;
  atomic_llong next;
} loop;

/** A thread of the pool. Allocated once, freed when the library goes. */
typedef struct helper {
  struct helper *next;        /* in the idle list, or of those a loop took */
  struct helper *next_of_all; /* never changes */
  pthread_t thread;
  bool idle; /* in the idle list */
  atomic_bool stop;
  sem_t wake;     /* there is a loop, or a reason to stop */
  sem_t finished; /* posted once for each loop that was taken */
  _Atomic(loop *) work;
  void *scratch; /* for `work` */
} helper;

static struct {
  pthread_mutex_t mutex;
  helper *idle;
  helper *all;
  int32_t count; /* of `all` */
  bool closing;
  ladon_block *scratch; /* free buffers of earlier calls */
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

/*===--- Fork -------------------------------------------------------------===*/

/* What pthread_atfork calls in glibc, where pthread_atfork itself is in a
 * static library that a generated library is not linked with. The handle ties
 * the handlers to this library, so that they go when it is unloaded. */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void),
                             void (*child)(void), void *handle);
extern void __cxa_finalize(void *handle);

static char fork_handle;

static void lock_pool(void) { pthread_mutex_lock(&pool.mutex); }
static void unlock_pool(void) { pthread_mutex_unlock(&pool.mutex); }

static void forget_helpers(void) {
  while (pool.all) {
    helper *gone = pool.all;
    pool.all = gone->next_of_all;
    free(gone);
  }
  pool.idle = NULL;
  pool.count = 0;
  pthread_mutex_init(&pool.mutex, NULL);
}

static void prepare_pool(void) {
  __register_atfork(lock_pool, unlock_pool, forget_helpers, &fork_handle);
}

/*===--- Helpers ----------------------------------------------------------===*/

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/** Waits for a semaphore: a few microseconds awake, because loops often follow
 *  each other closely, then asleep. */
static void wait_for(sem_t *semaphore) {
  for (int spin = 0; spin < 200; ++spin) {
    if (sem_trywait(semaphore) == 0)
      return;
    relax();
  }
  while (sem_wait(semaphore) != 0)
    ; /* interrupted by a signal */
}

/** Runs indices until there are no more, or until `stop`. */
static void work_on(loop *work, void *scratch, const atomic_bool *stop) {
  while (!stop || !atomic_load_explicit(stop, memory_order_relaxed)) {
    long long i =
        atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed);
    if (i >= work->count)
      return;
    work->body(work->env, i, scratch);
  }
}

static void *helper_main(void *argument) {
  helper *self = argument;
  for (;;) {
    wait_for(&self->wake);
    loop *work = atomic_exchange(&self->work, NULL);
    if (work) {
      work_on(work, self->scratch, &self->stop);
      sem_post(&self->finished);
    }
    if (atomic_load(&self->stop))
      return NULL;
  }
}

/** Starts a thread with every signal blocked: signals are for the host's. */
static bool start_thread(helper *self) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int error = pthread_create(&self->thread, NULL, helper_main, self);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return error == 0;
}

/** A new helper, or null. Called with the mutex held. */
static helper *create_helper(void) {
  helper *self = calloc(1, sizeof *self);
  if (!self)
    return NULL;
  sem_init(&self->wake, 0, 0);
  sem_init(&self->finished, 0, 0);
  if (!start_thread(self)) {
    sem_destroy(&self->wake);
    sem_destroy(&self->finished);
    free(self);
    return NULL;
  }
  self->next_of_all = pool.all;
  pool.all = self;
  ++pool.count;
  return self;
}

/** Up to `wanted` helpers, linked by `next`. The pool grows to the largest
 *  number that any loop has wanted. */
static helper *take_helpers(int32_t wanted) {
  helper *taken = NULL;
  lock_pool();
  for (int32_t i = 0; i < wanted && !pool.closing; ++i) {
    helper *one = pool.idle;
    if (one)
      pool.idle = one->next;
    else if (pool.count >= wanted || !(one = create_helper()))
      break;
    one->idle = false;
    one->next = taken;
    taken = one;
  }
  unlock_pool();
  return taken;
}

static void give_helpers_back(helper *taken) {
  if (!taken)
    return;
  lock_pool();
  while (taken) {
    helper *one = taken;
    taken = one->next;
    one->idle = true;
    one->next = pool.idle;
    pool.idle = one;
  }
  unlock_pool();
}

/** Ends the threads when the library is unloaded or the process exits. A
 *  helper that another thread's call still holds stays allocated: its thread
 *  ends after the index at hand, and the call completes the loop by itself. */
__attribute__((destructor)) static void close_pool(void) {
  lock_pool();
  pool.closing = true;
  helper *all = pool.all, *idle = pool.idle;
  pool.all = pool.idle = NULL;
  ladon_block *scratch = pool.scratch;
  pool.scratch = NULL;
  unlock_pool();

  for (helper *one = all; one; one = one->next_of_all) {
    atomic_store(&one->stop, true);
    sem_post(&one->wake);
  }
  for (helper *one = all; one; one = one->next_of_all)
    pthread_join(one->thread, NULL);
  while (idle) {
    helper *one = idle;
    idle = one->next;
    sem_destroy(&one->wake);
    sem_destroy(&one->finished);
    free(one);
  }
  while (scratch) {
    ladon_block *next = scratch->next;
    free(scratch);
    scratch = next;
  }
  __cxa_finalize(&fork_handle);
}

/*===--- Scratch ----------------------------------------------------------===*/

/** A buffer for one thread of a loop: from the host's allocator, or one that an
 *  earlier call left, or a new one. Called with the call's mutex held. */
static ladon_block *acquire_scratch(ladon_ctx *ctx, int64_t bytes) {
  if (ctx->options.allocate)
    return ladon_allocate_block(ctx, bytes);
  lock_pool();
  ladon_block *block = pool.scratch;
  if (block)
    pool.scratch = block->next;
  unlock_pool();
  if (block && ladon_block_capacity(block) >= (size_t)bytes)
    return block;
  /* Too small for this library's largest loop; it need not be kept. */
  free(block);
  return ladon_allocate_block(ctx, bytes);
}

static void release_scratch(ladon_ctx *ctx, ladon_block *block) {
  if (!block)
    return;
  if (ctx->options.allocate) {
    ladon_free_block(ctx, block);
    return;
  }
  lock_pool();
  bool keep = !pool.closing;
  if (keep) {
    block->next = pool.scratch;
    pool.scratch = block;
  }
  unlock_pool();
  if (!keep)
    free(block);
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

/** Decides, once per call, how many threads it may use. */
static bool prepare_workers(ladon_ctx *ctx) {
  if (ctx->workers > 0)
    return true;
  int32_t workers =
      ctx->options.threads ? ctx->options.threads : ladon_cpu_count();
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
static void run_nested(ladon_ctx *ctx, loop *work, int64_t scratch_bytes) {
  pthread_mutex_lock(&ctx->mutex);
  ladon_block *block = acquire_scratch(ctx, scratch_bytes);
  pthread_mutex_unlock(&ctx->mutex);
  if (!block) {
    ladon_fail(ctx, LADON_OUT_OF_MEMORY,
               "out of memory: %lld bytes could not be allocated",
               (long long)scratch_bytes);
    return;
  }
  work_on(work, ladon_block_memory(block), NULL);
  pthread_mutex_lock(&ctx->mutex);
  release_scratch(ctx, block);
  pthread_mutex_unlock(&ctx->mutex);
}

static void run_on_pool(ladon_ctx *ctx, loop *work, int32_t workers) {
  helper *taken = workers > 1 ? take_helpers(workers - 1) : NULL;
  int32_t worker = 1;
  for (helper *one = taken; one; one = one->next) {
    one->scratch = ladon_block_memory(ctx->scratch[worker++]);
    atomic_store(&one->work, work);
    sem_post(&one->wake);
  }
  work_on(work, ladon_block_memory(ctx->scratch[0]), NULL);
  /* A helper that has not woken by now finds its work withdrawn. */
  for (helper *one = taken; one; one = one->next)
    if (!atomic_exchange(&one->work, NULL))
      wait_for(&one->finished);
  give_helpers_back(taken);
}

/** A loop on the host's threads, and how the host has kept its contract. */
typedef struct host_loop {
  loop *work;
  ladon_ctx *ctx;
  int32_t workers;
  atomic_llong done;
  atomic_bool misused;
} host_loop;

static void run_host_index(void *env, int64_t index, int32_t worker) {
  host_loop *host = env;
  if (index < 0 || index >= host->work->count || worker < 0 ||
      worker >= host->workers) {
    atomic_store(&host->misused, true);
    return;
  }
  host->work->body(host->work->env, index,
                   ladon_block_memory(host->ctx->scratch[worker]));
  atomic_fetch_add(&host->done, 1);
}

static void run_on_host(ladon_ctx *ctx, loop *work, int32_t workers) {
  host_loop host = {.work = work, .ctx = ctx, .workers = workers};
  int32_t result =
      ctx->options.parallel_for(ctx->options.parallel_for_user, work->count,
                                workers, run_host_index, &host);
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
}

void ladon_rt_parallel_for(ladon_ctx *ctx, int64_t n, int64_t scratch_bytes,
                           void (*body)(void *env, int64_t i, void *scratch),
                           void *env) {
  if (n <= 0 || atomic_load(&ctx->failed))
    return;
  pthread_once(&pool_once, prepare_pool);
  loop work = {.body = body, .env = env, .count = n};
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
      run_on_pool(ctx, &work, workers);
  }
  atomic_store(&ctx->in_loop, false);
}
