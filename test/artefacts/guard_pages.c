/*===- guard_pages.c - No access outside of a tensor ----------------------===*\
 *
 *   guard_pages DIRECTORY
 *
 * Calls generated libraries with every tensor flush against pages that fault,
 * at sizes around the edges of tiles and with all kinds of strides. Where plain
 * loops are short, results are compared with them. Gaps between the elements of
 * an output keep what they held.
 *
\*===----------------------------------------------------------------------===*/

#include "support.h"

#include <stdio.h>
#include <string.h>

/** Rows of a query tile are 24 or 48, blocks of keys are 128. */
static const int64_t edges[] = {0, 1, 23, 24, 25, 47, 48, 49, 127, 128, 129};
enum { EDGES = sizeof edges / sizeof *edges };

/** A library and its tensors: a letter for the type, then the axes, of which
 *  B, S, T and C, which is S + T, are the sizes of the call; after '+' come the
 *  caches, after '-' inputs again, after '>' the outputs. */
typedef struct {
  const char *name;
  const char *tensors;
  /** For a comparison with loops; null for none. */
  Visible visible;
  /** Takes every n-th pair of sizes, to bound the time. */
  int every;
} Case;

static const Case cases[] = {
    {"mha", "f B 8 S 64 f B 8 T 64 f B 8 T 64 > f B 8 S 64", seesAll, 1},
    {"gqa", "f B 32 S 128 f B 8 T 128 f B 8 T 128 > f B 32 S 128", seesCausal,
     7},
    {"causal_cache", "f B 8 S 64 f B 8 T 64 f B 8 T 64 > f B 8 S 64",
     seesCausal, 1},
    {"odd_heads", "f B 3 S 40 f B 3 T 40 f B 3 T 24 > f B 3 S 24", seesCausal,
     1},
    {"with_lse", "f B 8 S 64 f B 8 T 64 f B 8 T 64 > f B 8 S 64 f B 8 S",
     seesCausal, 2},
    {"sliding_window", "f B 8 S 64 f B 8 T 64 f B 8 T 64 > f B 8 S 64", NULL,
     2},
    {"packed_documents", "f B 8 S 64 f B 8 S 64 f B 8 S 64 i B S > f B 8 S 64",
     NULL, 2},
    {"bool_mask", "f B 8 S 64 f B 8 T 64 f B 8 T 64 b B S T > f B 8 S 64", NULL,
     2},
    {"t5_bias", "f B 8 S 64 f B 8 T 64 f B 8 T 64 f 8 32 > f B 8 S 64", NULL,
     2},
    {"encoder",
     "f B S 512 i B f 512 512 f 512 512 f 512 512 f 512 512 f 512 "
     "> f B S 512",
     NULL, 20},
    {"append_decode",
     "f B 8 S 64 f B 2 S 64 f B 2 S 64 + f B 2 C 64 f B 2 C 64 - i B "
     "> f B 8 S 64 f B 8 S",
     NULL, 3},
};

/** Reads the next tensor of a case; returns its type, or 0 at the end. */
static char parse(const char **text, int64_t batch, int64_t queries,
                  int64_t keys, int64_t *shape, int *rank, char *use) {
  const char *at = *text;
  for (; strchr(" >+-", *at) && *at; ++at)
    if (*at != ' ')
      *use = *at;
  char type = *at ? *at++ : 0;
  *rank = 0;
  while (*at == ' ' && !strchr(">+-fib", at[1])) {
    char first = *++at;
    int64_t size = 0;
    if (first == 'B' || first == 'S' || first == 'T' || first == 'C') {
      size = first == 'B'   ? batch
             : first == 'S' ? queries
             : first == 'T' ? keys
                            : queries + keys;
      ++at;
    }
    while (*at >= '0' && *at <= '9')
      size = 10 * size + (*at++ - '0');
    shape[(*rank)++] = size;
  }
  *text = at;
  return type;
}

/** Positions of documents, lengths and truth values that matter. */
static void fillIntegers(Tensor *tensor, char type) {
  int64_t extent[MAX_RANK] = {1, 1, 1, 1};
  memcpy(extent, tensor->shape,
         (size_t)tensor->tensor.ndim * sizeof *tensor->shape);
  for (int64_t a = 0; a < extent[0]; ++a)
    for (int64_t b = 0; b < extent[1]; ++b)
      for (int64_t c = 0; c < extent[2]; ++c) {
        if (type == 'i')
          *(int32_t *)element(tensor, a, b, c, 0) = (int32_t)(a + b / 20);
        else
          *(uint8_t *)element(tensor, a, b, c, 0) = (a + b * c) % 3 != 0;
      }
}

/** The last places that fit a cache of S + T positions, and one before. */
static void fillPlaces(Tensor *tensor, int64_t keys) {
  for (int64_t a = 0; a < tensor->shape[0]; ++a)
    *(int32_t *)element(tensor, a, 0, 0, 0) =
        (int32_t)(keys > a ? keys - a : keys);
}

static void runCase(const Library *library, const Case *test, int64_t batch,
                    int64_t queries, int64_t keys, Layout layout,
                    Placement placement) {
  Tensor tensors[MAX_TENSORS], *pointers[MAX_TENSORS];
  int64_t shape[MAX_RANK];
  int count = 0, rank = 0, firstOutput = -1;
  bool isWritten[MAX_TENSORS];
  const char *text = test->tensors;
  char use = '-';
  for (char type;
       (type = parse(&text, batch, queries, keys, shape, &rank, &use)) != 0;
       ++count) {
    bool isOutput = use == '>';
    isWritten[count] = use != '-';
    if (isOutput && firstOutput < 0)
      firstOutput = count;
    /* Two elements of what is written never share memory. */
    Layout own = layout;
    if (isWritten[count] && (layout == CONSTANT || layout == SHARED_BATCH))
      own = DENSE;
    tensors[count] = makeTensor(type, rank, shape, own, placement);
    pointers[count] = &tensors[count];
    if (type == 'i' && strchr(test->tensors, '+'))
      fillPlaces(&tensors[count], keys);
    else if (type != 'f')
      fillIntegers(&tensors[count], type);
    else if (!isOutput)
      fillRandom(&tensors[count], 100 + (uint64_t)count);
  }
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = 1;
  int32_t status = callLibrary(library, pointers, count, &options);
  char what[128];
  snprintf(what, sizeof what, "%s B=%d S=%d T=%d strides %d placement %d",
           test->name, (int)batch, (int)queries, (int)keys, (int)layout,
           (int)placement);
  check(status == LADON_OK, "%s: status %d: %s", what, status,
        library->lastError());
  for (int n = 0; n < count; ++n)
    check(!isWritten[n] || gapsIntact(&tensors[n]),
          "%s: tensor %d: wrote outside of it", what, n);
  if (test->visible) {
    double error = largestError(&tensors[0], &tensors[1], &tensors[2],
                                &tensors[firstOutput], test->visible);
    check(error <= 1e-5, "%s: differs by %g from the loops", what, error);
  }
  for (int n = 0; n < count; ++n)
    freeTensor(&tensors[n]);
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  for (size_t n = 0; n < sizeof cases / sizeof *cases; ++n) {
    Library library = openLibrary(argv[1], cases[n].name);
    bool sameLength = !strpbrk(cases[n].tensors, "TC");
    for (int s = 0; s < EDGES; ++s)
      for (int t = 0; t < EDGES; ++t) {
        int pair = s * EDGES + t;
        if (sameLength ? s != t || (cases[n].every > 10 && s % 3)
                       : pair % cases[n].every)
          continue;
        runCase(&library, &cases[n], 1, edges[s], edges[t], DENSE,
                pair % 2 ? FLUSH_END : FLUSH_START);
        runCase(&library, &cases[n], 1, edges[s], edges[t],
                pair % 3 ? DENSE : POSITION_MAJOR,
                pair % 2 ? FLUSH_START : FLUSH_END);
      }
    /* Strides of all kinds, at sizes just over a tile. */
    for (int layout = DENSE; layout <= SHARED_BATCH; ++layout)
      for (int placement = FLUSH_END; placement <= FLUSH_START; ++placement)
        runCase(&library, &cases[n], 2, 49, 131, (Layout)layout,
                (Placement)placement);
  }
  return finish();
}
