/*===- pool.c - The threads of the library --------------------------------===*\
 *
 * A loop hands out its indices by one atomic counter, to the calling thread and
 * to helpers: idle threads of the pool, which start when first wanted and then
 * stay. A loop takes what helpers are idle and never waits for one, so that
 * concurrent calls share the pool without knowing of each other. The pool also
 * keeps the scratch buffers of earlier calls.
 *
 * One mutex guards the lists; it is held for a few instructions at a time and
 * never while foreign code runs. Around a fork it is held, so that the child
 * finds whole lists; the child has none of the threads and forgets them.
 *
\*===----------------------------------------------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "pool.h"

#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

/** A thread of the pool. Allocated once, freed when the library goes. */
typedef struct helper {
  struct helper *next;        /* in the idle list, or of those a loop took */
  struct helper *next_of_all; /* never changes */
  pthread_t thread;
  atomic_bool stop;
  sem_t wake;     /* there is a loop, or a reason to stop */
  sem_t finished; /* posted once for each loop that was taken */
  _Atomic(ladon_loop *) work;
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

/** Waits for a semaphore: a few microseconds awake, because loops often follow
 *  each other closely, then asleep. */
static void wait_for(sem_t *semaphore) {
  for (int spin = 0; spin < 200; ++spin) {
    if (sem_trywait(semaphore) == 0)
      return;
    ladon_machine_relax();
  }
  while (sem_wait(semaphore) != 0)
    ; /* interrupted by a signal */
}

void ladon_loop_work(ladon_loop *work, void *scratch, const atomic_bool *stop) {
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
    ladon_loop *work = atomic_exchange(&self->work, NULL);
    if (work) {
      ladon_loop_work(work, self->scratch, &self->stop);
      sem_post(&self->finished);
    }
    if (atomic_load(&self->stop))
      return NULL;
  }
}

/** Starts a thread with every signal blocked: signals are for the host's. It
 *  inherits the modes of floating-point arithmetic that the call has set. */
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
  pthread_once(&pool_once, prepare_pool);
  lock_pool();
  for (int32_t i = 0; i < wanted && !pool.closing; ++i) {
    helper *one = pool.idle;
    if (one)
      pool.idle = one->next;
    else if (pool.count >= wanted || !(one = create_helper()))
      break;
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
    one->next = pool.idle;
    pool.idle = one;
  }
  unlock_pool();
}

void ladon_pool_run(ladon_ctx *ctx, ladon_loop *work, int32_t workers) {
  helper *taken = workers > 1 ? take_helpers(workers - 1) : NULL;
  int32_t worker = 1;
  for (helper *one = taken; one; one = one->next) {
    one->scratch = ladon_block_memory(ctx->scratch[worker++]);
    atomic_store(&one->work, work);
    sem_post(&one->wake);
  }
  ladon_loop_work(work, ladon_block_memory(ctx->scratch[0]), NULL);
  /* A helper that has not woken by now finds its work withdrawn. */
  for (helper *one = taken; one; one = one->next)
    if (!atomic_exchange(&one->work, NULL))
      wait_for(&one->finished);
  give_helpers_back(taken);
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

ladon_block *ladon_pool_take_scratch(void) {
  pthread_once(&pool_once, prepare_pool);
  lock_pool();
  ladon_block *block = pool.scratch;
  if (block)
    pool.scratch = block->next;
  unlock_pool();
  return block;
}

void ladon_pool_keep_scratch(ladon_block *block) {
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
