/*===- memcheck.c - Calls to be watched by valgrind -----------------------===*\
 *
 *   memcheck DIRECTORY
 *
 * Small calls with memory of exactly the right size. Comparing every element of
 * a result makes valgrind report one that was computed from memory that nobody
 * has written.
 *
\*===----------------------------------------------------------------------===*/

#include "support.h"

#include <string.h>

static void run(const Library *library, int64_t heads, int64_t queries,
                int64_t keys, int64_t features, int64_t values, Layout layout) {
  const int64_t q[] = {1, heads, queries, features};
  const int64_t k[] = {1, heads, keys, features};
  const int64_t v[] = {1, heads, keys, values};
  const int64_t o[] = {1, heads, queries, values};
  Tensor tensors[] = {makeTensor('f', 4, q, layout, FROM_MALLOC),
                      makeTensor('f', 4, k, layout, FROM_MALLOC),
                      makeTensor('f', 4, v, layout, FROM_MALLOC),
                      makeTensor('f', 4, o, layout, FROM_MALLOC)};
  Tensor *pointers[] = {&tensors[0], &tensors[1], &tensors[2], &tensors[3]};
  for (int n = 0; n < 3; ++n)
    fillRandom(&tensors[n], (uint64_t)n);
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = 1;
  int32_t status = callLibrary(library, pointers, 4, &options);
  check(status == LADON_OK, "%s: %s", library->name, library->lastError());
  double error = largestError(&tensors[0], &tensors[1], &tensors[2],
                              &tensors[3], seesCausal);
  check(error <= 1e-5, "%s: differs by %g", library->name, error);
  check(gapsIntact(&tensors[3]), "%s: wrote outside", library->name);
  for (int n = 0; n < 4; ++n)
    freeTensor(&tensors[n]);
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  Library causal = openLibrary(argv[1], "causal_cache");
  run(&causal, 8, 25, 131, 64, 64, DENSE);
  run(&causal, 8, 3, 5, 64, 64, SPACED);
  Library odd = openLibrary(argv[1], "odd_heads");
  run(&odd, 3, 49, 129, 40, 24, DENSE);
  run(&odd, 3, 24, 24, 40, 24, POSITION_MAJOR);
  return finish();
}
