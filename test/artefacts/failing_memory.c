/*===- failing_memory.c - A host whose memory and threads run out ---------===*\
 *
 *   failing_memory DIRECTORY
 *
 * Every request that a call makes of the C library, for memory or for a thread,
 * fails once, alone and with all that follow. Then the call gives the bits that
 * it gives otherwise, or says that it is out of memory; the next call is right;
 * and no memory is lost.
 *
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include "support.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/*===-- The C library -----------------------------------------------------===*/

/** Requests are counted while this is set. */
static atomic_bool isCounting;
static atomic_int requests;
/** The numbers of the requests that fail. */
static int firstRefused, lastRefused;
/** Blocks that were asked for while requests were counted, and are not free. */
enum { MOST_BLOCKS = 256 };
static _Atomic(void *) live[MOST_BLOCKS];

static bool isRefused(void) {
  if (!atomic_load(&isCounting))
    return false;
  int number = atomic_fetch_add(&requests, 1);
  return number >= firstRefused && number <= lastRefused;
}

static void *note(void *memory) {
  if (memory && atomic_load(&isCounting))
    for (int at = 0; at < MOST_BLOCKS; ++at) {
      void *none = NULL;
      if (atomic_compare_exchange_strong(&live[at], &none, memory))
        break;
    }
  return memory;
}

static int countLive(void) {
  int count = 0;
  for (int at = 0; at < MOST_BLOCKS; ++at)
    count += atomic_load(&live[at]) != NULL;
  return count;
}

/* What glibc has under these names is found here first. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void *memory);

void *malloc(size_t bytes) {
  return isRefused() ? NULL : note(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes) {
  return isRefused() ? NULL : note(__libc_calloc(count, bytes));
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  return isRefused() ? NULL : note(__libc_memalign(alignment, bytes));
}

void free(void *memory) {
  for (int at = 0; memory && at < MOST_BLOCKS; ++at) {
    void *expected = memory;
    if (atomic_compare_exchange_strong(&live[at], &expected, NULL))
      break;
  }
  __libc_free(memory);
}

typedef int Create(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                   void *);
static Create *createThread;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*start)(void *), void *argument) {
  if (isRefused())
    return EAGAIN;
  /* What the C library itself needs for a thread may not fail here. */
  bool wasCounting = atomic_exchange(&isCounting, false);
  int error = createThread(thread, attributes, start, argument);
  atomic_store(&isCounting, wasCounting);
  return error;
}

/*===-- Calls -------------------------------------------------------------===*/

static const char *directory;
static int32_t threads;

/** One library, and what it is called with; the last tensor is its output. */
typedef struct {
  const char *name;
  int count;
  Tensor *tensors[MAX_TENSORS];
} Case;

/** What a child process finds, in memory that it shares with its parent. */
typedef struct {
  int32_t status, later;
  int requests, lost;
  bool isSame, isSameLater;
  char message[256];
} Outcome;
static Outcome *outcome;
/** What a call gives whose requests are all granted. */
static char *expected;

static int32_t callOnce(const Library *library, const Case *test) {
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = threads;
  memset(test->tensors[test->count - 1]->tensor.data, 0x77,
         test->tensors[test->count - 1]->span);
  return callLibrary(library, test->tensors, test->count, &options);
}

/** In a process of its own, in which nothing was called yet. */
static void tryRefusing(const Case *test, int first, int last) {
  memset(outcome, 0, sizeof *outcome);
  outcome->status = -1;
  fflush(stdout);
  pid_t child = fork();
  if (child != 0) {
    int status = 0;
    waitpid(child, &status, 0);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0,
          "%s, request %d: the process ended with status %d", test->name, first,
          status);
    return;
  }
  Library library = openLibrary(directory, test->name);
  const Tensor *out = test->tensors[test->count - 1];
  firstRefused = first;
  lastRefused = last;
  atomic_store(&isCounting, true);
  outcome->status = callOnce(&library, test);
  atomic_store(&isCounting, false);
  outcome->requests = atomic_load(&requests);
  snprintf(outcome->message, sizeof outcome->message, "%s",
           library.lastError());
  if (first < 0)
    memcpy(expected, out->tensor.data, out->span);
  outcome->isSame = memcmp(expected, out->tensor.data, out->span) == 0;
  outcome->later = callOnce(&library, test);
  outcome->isSameLater = memcmp(expected, out->tensor.data, out->span) == 0;
  /* The library gives back what it kept, and its threads end. */
  dlclose(library.handle);
  outcome->lost = countLive();
  _exit(0);
}

static void checkOutcome(const Case *test, const char *which, int number) {
  const Outcome *was = outcome;
  bool isShort = was->status == LADON_OUT_OF_MEMORY &&
                 strstr(was->message, "out of memory");
  check(isShort || (was->status == LADON_OK && was->isSame),
        "%s with %d threads, without %s %d: status %d, '%s', %s bits",
        test->name, threads, which, number, was->status, was->message,
        was->isSame ? "the same" : "other");
  check(was->later == LADON_OK && was->isSameLater,
        "%s with %d threads, after a call without %s %d: status %d", test->name,
        threads, which, number, was->later);
  check(was->lost == 0, "%s with %d threads, without %s %d: %d blocks lost",
        test->name, threads, which, number, was->lost);
}

static void refuseEach(const Case *test) {
  size_t span = test->tensors[test->count - 1]->span;
  expected = mmap(NULL, span, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  tryRefusing(test, -1, -1);
  checkOutcome(test, "no request, not", 0);
  int all = outcome->requests, failed = 0;
  check(all > 0, "%s makes no request", test->name);
  for (int number = 0; number < all; ++number) {
    tryRefusing(test, number, number);
    checkOutcome(test, "request", number);
    failed += outcome->status != LADON_OK;
    tryRefusing(test, number, 1 << 30);
    checkOutcome(test, "requests from", number);
  }
  check(failed > 0, "%s needs none of its %d requests", test->name, all);
  munmap(expected, span);
}

/*===-- Cases -------------------------------------------------------------===*/

static Tensor attention[5], projection[8];

static Tensor random4(int64_t a, int64_t b, int64_t c, int64_t d, int seed) {
  const int64_t shape[] = {a, b, c, d};
  Tensor tensor = makeTensor('f', 4, shape, DENSE, FROM_MALLOC);
  fillRandom(&tensor, (uint64_t)seed);
  return tensor;
}

static Tensor integers(int rank, int64_t a, int64_t b, int32_t value) {
  const int64_t shape[] = {a, b};
  Tensor tensor = makeTensor('i', rank, shape, DENSE, FROM_MALLOC);
  for (int64_t at = 0; at < a * (rank > 1 ? b : 1); ++at)
    ((int32_t *)tensor.tensor.data)[at] = value;
  return tensor;
}

/** Attends of 8 heads: some queries, few of them, documents. */
static void refuseInAttends(void) {
  Tensor *t = attention;
  Case test = {"mha", 4, {&t[0], &t[1], &t[2], &t[4]}};
  t[1] = random4(2, 8, 1100, 64, 2);
  t[2] = random4(2, 8, 1100, 64, 3);
  for (int64_t queries = 1; queries <= 70; queries += 69) {
    t[0] = random4(2, 8, queries, 64, 1);
    t[4] = random4(2, 8, queries, 64, 4);
    refuseEach(&test);
    freeTensor(&t[0]);
    freeTensor(&t[4]);
  }
  freeTensor(&t[1]);
  freeTensor(&t[2]);
  for (int side = 0; side < 3; ++side)
    t[side] = random4(2, 8, 100, 64, side);
  t[3] = integers(2, 2, 100, 5);
  t[4] = random4(2, 8, 100, 64, 4);
  Case documents = {"packed_documents", 5, {&t[0], &t[1], &t[2], &t[3], &t[4]}};
  refuseEach(&documents);
  for (int each = 0; each < 5; ++each)
    freeTensor(&t[each]);
}

/** Projections around an attend, with memory for what lies between. */
static void refuseInModule(void) {
  const int64_t x[] = {1, 40, 512}, weight[] = {512, 512}, bias[] = {512};
  Tensor *t = projection;
  t[0] = makeTensor('f', 3, x, DENSE, FROM_MALLOC);
  t[1] = integers(1, 1, 0, 30);
  for (int each = 2; each < 6; ++each)
    t[each] = makeTensor('f', 2, weight, DENSE, FROM_MALLOC);
  t[6] = makeTensor('f', 1, bias, DENSE, FROM_MALLOC);
  t[7] = makeTensor('f', 3, x, DENSE, FROM_MALLOC);
  for (int each = 0; each < 7; ++each)
    if (each != 1)
      fillRandom(&t[each], (uint64_t)each);
  Case test = {"encoder", 8, {0}};
  for (int each = 0; each < 8; ++each)
    test.tensors[each] = &t[each];
  refuseEach(&test);
  for (int each = 0; each < 8; ++each)
    freeTensor(&t[each]);
}

/** So many tensors that their descriptors do not fit the stack. */
static void refuseInTable(void) {
  Tensor q = random4(2, 2, 9, 8, 1), k = random4(2, 2, 11, 8, 2),
         v = random4(2, 2, 11, 8, 3), bias = random4(2, 2, 9, 11, 4),
         out = random4(2, 2, 9, 8, 5);
  Case test = {"many_tensors", MAX_TENSORS, {&q, &k, &v}};
  for (int each = 3; each + 1 < MAX_TENSORS; ++each)
    test.tensors[each] = &bias;
  test.tensors[MAX_TENSORS - 1] = &out;
  refuseEach(&test);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: failing_memory DIRECTORY\n");
    return 2;
  }
  directory = argv[1];
  *(void **)&createThread = dlsym(RTLD_NEXT, "pthread_create");
  outcome = mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (threads = 1; threads <= 3; threads += 2) {
    refuseInAttends();
    refuseInModule();
    refuseInTable();
  }
  return finish();
}
