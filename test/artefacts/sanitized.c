/*===- sanitized.c - A kernel that AddressSanitizer looks after -----------===*\
 *
 *   sanitized SHORT
 *
 * Is built with AddressSanitizer and linked with mha, which is built by
 * `--sanitize address`. Calls it with tensors that end where their memory does;
 * the one whose name is SHORT says that it has a key or query more than it has
 * memory for, which a call cannot know.
 *
\*===----------------------------------------------------------------------===*/

#include "mha.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS = 8, FEATURES = 64, QUERIES = 50, KEYS = 130 };

static DLTensor tensor(int64_t *shape, int64_t rows, int isShort) {
  size_t elements = HEADS * FEATURES * (size_t)rows;
  float *memory =
      malloc((elements - (isShort ? FEATURES : 0)) * sizeof *memory);
  for (size_t at = 0; at < elements - (isShort ? FEATURES : 0); ++at)
    memory[at] = (float)(at % 7);
  shape[0] = 1, shape[1] = HEADS, shape[2] = rows, shape[3] = FEATURES;
  DLTensor made = {memory, {kDLCPU, 0}, 4, {kDLFloat, 32, 1}, shape, NULL, 0};
  return made;
}

int main(int argc, char **argv) {
  const char *shortOne = argc > 1 ? argv[1] : "";
  int64_t shapes[4][4];
  DLTensor q = tensor(shapes[0], QUERIES, !strcmp(shortOne, "q"));
  DLTensor k = tensor(shapes[1], KEYS, !strcmp(shortOne, "k"));
  DLTensor v = tensor(shapes[2], KEYS, !strcmp(shortOne, "v"));
  DLTensor out = tensor(shapes[3], QUERIES, !strcmp(shortOne, "out"));
  if (mha(&q, &k, &v, &out, NULL) != LADON_OK) {
    fprintf(stderr, "%s\n", mha_last_error());
    return 1;
  }
  free(q.data), free(k.data), free(v.data), free(out.data);
  return 0;
}
