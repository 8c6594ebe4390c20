/*===- many_libraries.c - A process with fifty libraries ------------------===*\
 *
 *   many_libraries DIRECTORY COPIES
 *
 * DIRECTORY/1 to DIRECTORY/COPIES hold the same libraries, in files of their
 * own: each is loaded with a runtime and threads of its own. All are called
 * from sixteen threads at once, and give the bits that a call alone gives.
 *
\*===----------------------------------------------------------------------===*/

#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAMES = 5, MOST = 64, THREADS = 16, CALLS = 60 };

static const struct {
  const char *name;
  int64_t heads, keyHeads, features, valueFeatures;
} names[NAMES] = {{"mha", 8, 8, 64, 64},
                  {"causal_cache", 8, 8, 64, 64},
                  {"sliding_window", 8, 8, 64, 64},
                  {"gqa", 32, 8, 128, 128},
                  {"odd_heads", 3, 3, 40, 24}};

static Library libraries[MOST][NAMES];
static int copies;
static Tensor inputs[NAMES][3], expected[NAMES];

static Tensor makeOutput(int name) {
  const int64_t shape[] = {1, names[name].heads, 9, names[name].valueFeatures};
  return makeTensor('f', 4, shape, DENSE, FROM_MALLOC);
}

static int32_t call(int copy, int name, Tensor *out) {
  Tensor *tensors[] = {&inputs[name][0], &inputs[name][1], &inputs[name][2],
                       out};
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = 1 + copy % 3;
  return callLibrary(&libraries[copy][name], tensors, 4, &options);
}

/** Calls libraries in an order of its own; returns how many were wrong. */
static void *work(void *argument) {
  intptr_t wrong = 0, state = (intptr_t)argument;
  for (int number = 0; number < CALLS; ++number) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    int copy = (int)(state >> 8) % copies, name = (int)(state >> 16) % NAMES;
    Tensor out = makeOutput(name);
    int32_t status = call(copy, name, &out);
    wrong += status != LADON_OK || !sameBits(&out, &expected[name]);
    freeTensor(&out);
  }
  return (void *)wrong;
}

int main(int argc, char **argv) {
  copies = argc == 3 ? atoi(argv[2]) : 0;
  if (copies < 1 || copies > MOST) {
    fprintf(stderr, "usage: many_libraries DIRECTORY COPIES\n");
    return 2;
  }
  for (int copy = 0; copy < copies; ++copy) {
    char directory[1024];
    snprintf(directory, sizeof directory, "%s/%d", argv[1], copy + 1);
    for (int name = 0; name < NAMES; ++name)
      libraries[copy][name] = openLibrary(directory, names[name].name);
  }
  for (int name = 0; name < NAMES; ++name) {
    for (int side = 0; side < 3; ++side) {
      const int64_t shape[] = {
          1, side ? names[name].keyHeads : names[name].heads, side ? 70 : 9,
          side == 2 ? names[name].valueFeatures : names[name].features};
      inputs[name][side] = makeTensor('f', 4, shape, DENSE, FROM_MALLOC);
      fillRandom(&inputs[name][side], 10 * name + side);
    }
    expected[name] = makeOutput(name);
    check(call(0, name, &expected[name]) == LADON_OK, "%s alone: %s",
          names[name].name, libraries[0][name].lastError());
  }
  for (int copy = 1; copy < copies; ++copy)
    for (int name = 0; name < NAMES; ++name)
      check(libraries[copy][name].entry != libraries[0][name].entry,
            "%s: copy %d is the first one", names[name].name, copy + 1);
  pthread_t threads[THREADS];
  for (intptr_t thread = 0; thread < THREADS; ++thread)
    if (pthread_create(&threads[thread], NULL, work, (void *)(thread + 1)))
      return 2;
  for (int thread = 0; thread < THREADS; ++thread) {
    void *wrong;
    pthread_join(threads[thread], &wrong);
    check(!wrong, "thread %d: %d of %d calls are wrong", thread,
          (int)(intptr_t)wrong, CALLS);
  }
  return finish();
}
