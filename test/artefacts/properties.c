/*===- properties.c - What a call promises besides its result -------------===*\
 *
 *   properties DIRECTORY
 *
 * Working memory that does not grow with the sequences, results that depend
 * neither on threads nor on the caller's floating-point modes nor on the rest
 * of the batch, and masked keys that have no influence and are not read.
 *
\*===----------------------------------------------------------------------===*/

#include "support.h"

#include <immintrin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *directory;

/** q, k, v and out of [B, H, S or T, D]. */
typedef struct {
  Tensor q, k, v, out;
} Call;

static Call makeCall(int64_t batch, int64_t heads, int64_t keyHeads,
                     int64_t queries, int64_t keys, int64_t features) {
  const int64_t q[] = {batch, heads, queries, features};
  const int64_t k[] = {batch, keyHeads, keys, features};
  Call call;
  call.q = makeTensor('f', 4, q, DENSE, FROM_MALLOC);
  call.k = makeTensor('f', 4, k, DENSE, FROM_MALLOC);
  call.v = makeTensor('f', 4, k, DENSE, FROM_MALLOC);
  call.out = makeTensor('f', 4, q, DENSE, FROM_MALLOC);
  fillRandom(&call.q, 1);
  fillRandom(&call.k, 2);
  fillRandom(&call.v, 3);
  return call;
}

static void freeCall(Call *call) {
  freeTensor(&call->q);
  freeTensor(&call->k);
  freeTensor(&call->v);
  freeTensor(&call->out);
}

static int32_t run(const Library *library, Call *call,
                   const ladon_options *options) {
  Tensor *tensors[] = {&call->q, &call->k, &call->v, &call->out};
  return callLibrary(library, tensors, 4, options);
}

/*===-- Working memory ----------------------------------------------------===*/

/** What a call has asked of its allocator. */
typedef struct {
  size_t bytes, live;
  bool misaligned;
} Account;

static void *allocate(void *user, size_t bytes, size_t alignment) {
  Account *account = user;
  void *memory =
      aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  account->bytes += bytes;
  account->live += bytes;
  account->misaligned |= (uintptr_t)memory % alignment != 0;
  return memory;
}

static void deallocate(void *user, void *memory, size_t bytes) {
  ((Account *)user)->live -= bytes;
  free(memory);
}

/** The bytes that a call of the given size asks for. */
static size_t measure(const char *name, int64_t size, int32_t threads) {
  Library library = openLibrary(directory, name);
  Call call = makeCall(1, 8, 8, size, size, 64);
  Account account = {0, 0, false};
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = threads;
  options.allocate = allocate;
  options.deallocate = deallocate;
  options.allocator_user = &account;
  int32_t status = run(&library, &call, &options);
  check(status == LADON_OK, "%s: %s", name, library.lastError());
  check(account.live == 0, "%s: %zu bytes are not given back", name,
        account.live);
  check(!account.misaligned, "%s: memory is not aligned", name);
  freeCall(&call);
  return account.bytes;
}

static void testWorkingMemory(void) {
  static const char *const names[] = {"mha", "causal_cache", "sliding_window"};
  for (size_t n = 0; n < sizeof names / sizeof *names; ++n) {
    size_t few = measure(names[n], 128, 1);
    size_t many = measure(names[n], n == 0 ? 4096 : 2048, 1);
    check(few > 0 && few == many,
          "%s: %zu bytes for 128 positions, %zu for thousands", names[n], few,
          many);
    check(few < 512 * 1024, "%s: %zu bytes for one thread", names[n], few);
    size_t shared = measure(names[n], 2048, 4);
    check(shared <= 4 * few + 4096,
          "%s: %zu bytes for four threads, %zu for one", names[n], shared, few);
  }
}

/*===-- Determinism -------------------------------------------------------===*/

/** Runs every piece, last one first. */
static int32_t backwards(void *user, int64_t count, int32_t workers,
                         ladon_parallel_body body, void *env) {
  (void)user;
  for (int64_t i = count; i-- > 0;)
    body(env, i, (int32_t)(i % workers));
  return 0;
}

static void testThreads(void) {
  static const char *const names[] = {"mha", "causal_cache", "gqa"};
  for (size_t n = 0; n < sizeof names / sizeof *names; ++n) {
    Library library = openLibrary(directory, names[n]);
    bool grouped = strcmp(names[n], "gqa") == 0;
    Call call = makeCall(2, grouped ? 32 : 8, 8, 97, 301, grouped ? 128 : 64);
    Tensor other = makeTensor('f', 4, call.out.shape, DENSE, FROM_MALLOC);
    ladon_options options = LADON_OPTIONS_INIT;
    options.threads = 1;
    check(run(&library, &call, &options) == LADON_OK, "%s: one thread",
          names[n]);
    Call again = call;
    again.out = other;
    for (options.threads = 2; options.threads <= 4; options.threads += 2) {
      check(run(&library, &again, &options) == LADON_OK, "%s: threads",
            names[n]);
      check(sameBits(&call.out, &other), "%s: %d threads give other bits",
            names[n], options.threads);
    }
    options.parallel_for = backwards;
    check(run(&library, &again, &options) == LADON_OK, "%s: parallel-for",
          names[n]);
    check(sameBits(&call.out, &other), "%s: the order of pieces matters",
          names[n]);
    freeTensor(&other);
    freeCall(&call);
  }
}

/** Results depend neither on the caller's rounding nor on what it does with
 *  subnormals, and the caller finds both as they were. */
static void testFloatModes(void) {
  static const char *const names[] = {"mha", "sliding_window", "with_lse"};
  /* Upward, to zero, flush to zero, subnormal operands as zero, both and
   * downward. */
  static const unsigned modes[] = {0x5f80, 0x7f80, 0x9f80, 0x1fc0, 0xbfc0};
  for (size_t n = 0; n < sizeof names / sizeof *names; ++n) {
    Library library = openLibrary(directory, names[n]);
    Call call = makeCall(1, 8, 8, 97, 97, 64);
    /* Half of the values are so small that they are subnormal. */
    for (int64_t h = 0; h < 8; h += 2)
      for (int64_t j = 0; j < 97; ++j)
        for (int64_t d = 0; d < 64; ++d)
          *f32(&call.v, 0, h, j, d) *= 1e-39f;
    Tensor lse = makeTensor('f', 3, call.q.shape, DENSE, FROM_MALLOC);
    Tensor other = makeTensor('f', 4, call.out.shape, DENSE, FROM_MALLOC);
    Tensor *tensors[] = {&call.q, &call.k, &call.v, &call.out, &lse};
    int count = strcmp(names[n], "with_lse") == 0 ? 5 : 4;
    check(callLibrary(&library, tensors, count, NULL) == LADON_OK, "%s: %s",
          names[n], library.lastError());
    check(*f32(&call.out, 0, 0, 96, 0) != 0, "%s: subnormals are flushed",
          names[n]);
    tensors[3] = &other;
    ladon_options options = LADON_OPTIONS_INIT;
    for (size_t m = 0; m < sizeof modes / sizeof *modes; ++m)
      for (options.threads = 1; options.threads <= 4; options.threads *= 2) {
        unsigned before = _mm_getcsr();
        _mm_setcsr(modes[m]);
        int32_t status = callLibrary(&library, tensors, count, &options);
        unsigned after = _mm_getcsr();
        _mm_setcsr(before);
        check(status == LADON_OK, "%s: mode %x", names[n], modes[m]);
        check(after == modes[m], "%s: mode %x became %x", names[n], modes[m],
              after);
        check(sameBits(&call.out, &other),
              "%s: mode %x and %d threads give other bits", names[n], modes[m],
              options.threads);
      }
    freeTensor(&other);
    freeTensor(&lse);
    freeCall(&call);
  }
}

/** The part of a tensor that is batch `b`, as a batch of one. */
static Tensor batchOf(const Tensor *tensor, int64_t b) {
  Tensor part = *tensor;
  part.shape[0] = 1;
  part.tensor.data = element(tensor, b, 0, 0, 0);
  return part;
}

static void testBatches(void) {
  Library library = openLibrary(directory, "causal_cache");
  Call both = makeCall(2, 8, 8, 75, 140, 64);
  ladon_options options = LADON_OPTIONS_INIT;
  check(run(&library, &both, &options) == LADON_OK, "batch of two");
  for (int64_t b = 0; b < 2; ++b) {
    Call one;
    one.q = batchOf(&both.q, b);
    one.k = batchOf(&both.k, b);
    one.v = batchOf(&both.v, b);
    one.out = makeTensor('f', 4, one.q.shape, DENSE, FROM_MALLOC);
    check(run(&library, &one, &options) == LADON_OK, "batch of one");
    Tensor expected = batchOf(&both.out, b);
    check(sameBits(&one.out, &expected), "batch %d alone gives other bits",
          (int)b);
    freeTensor(&one.out);
  }
  freeCall(&both);
}

/*===-- Masked keys -------------------------------------------------------===*/

/** NaN and infinities in a key and a value reach the rows that see them, and no
 *  other; rows without a key are zero. */
static void testPoison(int64_t queries, int64_t keys, int64_t poisoned) {
  Library library = openLibrary(directory, "with_lse");
  Call call = makeCall(1, 8, 8, queries, keys, 64);
  Tensor lse = makeTensor('f', 3, call.q.shape, DENSE, FROM_MALLOC);
  Tensor *tensors[] = {&call.q, &call.k, &call.v, &call.out, &lse};
  static const float bad[] = {NAN, INFINITY, -INFINITY};
  for (int64_t h = 0; h < 8 && poisoned < keys; ++h)
    for (int64_t d = 0; d < 64; ++d) {
      *f32(&call.v, 0, h, poisoned, d) = bad[h % 3];
      if (h % 2)
        *f32(&call.k, 0, h, poisoned, d) = NAN;
    }
  check(callLibrary(&library, tensors, 5, NULL) == LADON_OK, "with_lse: %s",
        library.lastError());

  bool clean = true, spread = true, empty = true;
  double worst = 0, row[64];
  for (int64_t h = 0; h < 8; ++h)
    for (int64_t i = 0; i < queries; ++i) {
      int64_t last = i + keys - queries;
      double expected = 0;
      if (last < poisoned)
        expected =
            referenceRow(&call.q, &call.k, &call.v, 0, h, i, seesCausal, row);
      float sum = *f32(&lse, 0, h, i, 0);
      if (last < 0)
        empty &= sum == -INFINITY;
      else if (last < poisoned)
        worst = fmax(worst, fabs(expected - (double)sum));
      for (int64_t d = 0; d < 64; ++d) {
        float x = *f32(&call.out, 0, h, i, d);
        if (last < 0)
          empty &= x == 0 && !signbit(x);
        else if (last < poisoned) {
          clean &= isfinite(x);
          worst = fmax(worst, fabs(row[d] - (double)x));
        } else
          spread &= !isfinite(x);
      }
    }
  check(clean && worst <= 1e-5,
        "S=%d T=%d: rows that do not see key %d are wrong by %g", (int)queries,
        (int)keys, (int)poisoned, worst);
  check(spread, "S=%d T=%d: rows that see key %d hide it", (int)queries,
        (int)keys, (int)poisoned);
  check(empty, "S=%d T=%d: rows without a key are not 0 and -inf", (int)queries,
        (int)keys);
  freeTensor(&lse);
  freeCall(&call);
}

/** Keys from len[b] on lie in pages that fault. */
static void testUnread(int64_t length) {
  Library library = openLibrary(directory, "padding");
  const int64_t seen[] = {1, 8, length, 64}, q[] = {1, 8, 50, 64}, one[] = {1};
  Tensor query = makeTensor('f', 4, q, DENSE, FROM_MALLOC);
  Tensor k = makeTensor('f', 4, seen, POSITION_MAJOR, FLUSH_END);
  Tensor v = makeTensor('f', 4, seen, POSITION_MAJOR, FLUSH_END);
  Tensor lengths = makeTensor('i', 1, one, DENSE, FROM_MALLOC);
  Tensor out = makeTensor('f', 4, q, DENSE, FROM_MALLOC);
  fillRandom(&query, 1);
  fillRandom(&k, 2);
  fillRandom(&v, 3);
  *(int32_t *)element(&lengths, 0, 0, 0, 0) = (int32_t)length;
  k.shape[2] = v.shape[2] = 700;
  Tensor *tensors[] = {&query, &k, &v, &lengths, &out};
  check(callLibrary(&library, tensors, 5, NULL) == LADON_OK, "padding: %s",
        library.lastError());
  k.shape[2] = v.shape[2] = length;
  double error = largestError(&query, &k, &v, &out, seesAll);
  check(error <= 1e-5, "padding to %d keys: differs by %g", (int)length, error);
  for (int n = 0; n < 5; ++n)
    freeTensor(tensors[n]);
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  directory = argv[1];
  testWorkingMemory();
  testThreads();
  testFloatModes();
  testBatches();
  /* Poison in a block that rows see in part, in one that they see whole, in the
   * last key; and no poison with more queries than keys, and without keys. */
  testPoison(200, 200, 130);
  testPoison(60, 300, 290);
  testPoison(30, 300, 299);
  testPoison(49, 49, 0);
  testPoison(100, 30, 30);
  testPoison(100, 30, 17);
  testPoison(25, 0, 0);
  static const int64_t lengths[] = {0, 1, 23, 127, 128, 129, 300};
  for (size_t n = 0; n < sizeof lengths / sizeof *lengths; ++n)
    testUnread(lengths[n]);
  return finish();
}
