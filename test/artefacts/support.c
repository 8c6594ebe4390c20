/*===- support.c - Calling generated libraries from tests -----------------===*/

#define _GNU_SOURCE
#include "support.h"

#include <dlfcn.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, PATTERN = 0xA5 };

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "%s: %s\n", what, detail);
  exit(1);
}

/*===-- Libraries ---------------------------------------------------------===*/

Library openLibrary(const char *directory, const char *name) {
  char text[4096];
  snprintf(text, sizeof text, "%s/lib%s.so", directory, name);
  void *handle = dlopen(text, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    fail("dlopen", dlerror());
  Library library;
  library.name = name;
  library.handle = handle;
  *(void **)&library.entry = dlsym(handle, name);
  snprintf(text, sizeof text, "%s_last_error", name);
  *(void **)&library.lastError = dlsym(handle, text);
  if (!library.entry || !library.lastError)
    fail("dlsym", dlerror());
  return library;
}

int32_t callLibrary(const Library *library, Tensor *const *t, int count,
                    const ladon_options *options) {
  for (int n = 0; n < count; ++n) {
    t[n]->tensor.shape = t[n]->shape;
    t[n]->tensor.strides = t[n]->strides;
  }
  typedef const DLTensor *T;
  typedef const ladon_options *O;
#define ARG(n) &t[n]->tensor
  switch (count) {
  case 4:
    return ((int32_t (*)(T, T, T, T, O))library->entry)(ARG(0), ARG(1), ARG(2),
                                                        ARG(3), options);
  case 5:
    return ((int32_t (*)(T, T, T, T, T, O))library->entry)(
        ARG(0), ARG(1), ARG(2), ARG(3), ARG(4), options);
  case 8:
    return ((int32_t (*)(T, T, T, T, T, T, T, T, O))library->entry)(
        ARG(0), ARG(1), ARG(2), ARG(3), ARG(4), ARG(5), ARG(6), ARG(7),
        options);
  case 28:
    return ((int32_t (*)(T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
                         T, T, T, T, T, T, T, T, T, T, O))library->entry)(
        ARG(0), ARG(1), ARG(2), ARG(3), ARG(4), ARG(5), ARG(6), ARG(7), ARG(8),
        ARG(9), ARG(10), ARG(11), ARG(12), ARG(13), ARG(14), ARG(15), ARG(16),
        ARG(17), ARG(18), ARG(19), ARG(20), ARG(21), ARG(22), ARG(23), ARG(24),
        ARG(25), ARG(26), ARG(27), options);
  }
#undef ARG
  fail(library->name, "no call with this number of tensors");
  return -1;
}

/*===-- Tensors -----------------------------------------------------------===*/

static int64_t countElements(const Tensor *tensor) {
  int64_t count = 1;
  for (int axis = 0; axis < tensor->tensor.ndim; ++axis)
    count *= tensor->shape[axis];
  return count;
}

static void setStrides(Tensor *tensor, Layout layout) {
  int rank = tensor->tensor.ndim, position = rank - 2;
  if (layout == CONSTANT)
    return;
  int64_t stride = layout == SPACED ? 2 : 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    if (layout == POSITION_MAJOR && rank == 4 && axis == position)
      continue;
    tensor->strides[axis] = stride;
    stride *= tensor->shape[axis] ? tensor->shape[axis] : 1;
  }
  if (layout == POSITION_MAJOR && rank == 4)
    tensor->strides[position] = stride;
  if (layout == SHARED_BATCH)
    tensor->strides[0] = 0;
}

Tensor makeTensor(char type, int rank, const int64_t *shape, Layout layout,
                  Placement placement) {
  Tensor tensor;
  memset(&tensor, 0, sizeof tensor);
  tensor.tensor.device.device_type = kDLCPU;
  tensor.tensor.ndim = rank;
  tensor.tensor.dtype.code = type == 'f' ? kDLFloat : type == 'i' ? kDLInt : 6;
  tensor.tensor.dtype.bits = type == 'b' ? 8 : 32;
  tensor.tensor.dtype.lanes = 1;
  memcpy(tensor.shape, shape, (size_t)rank * sizeof *shape);
  setStrides(&tensor, layout);

  size_t bytes = tensor.tensor.dtype.bits / 8;
  if (countElements(&tensor) > 0) {
    tensor.span = bytes;
    for (int axis = 0; axis < rank; ++axis)
      tensor.span +=
          (size_t)((tensor.shape[axis] - 1) * tensor.strides[axis]) * bytes;
  }
  char *data;
  if (placement == FROM_MALLOC) {
    tensor.memory = data = malloc(tensor.span + 1);
    if (!data)
      fail("malloc", "out of memory");
  } else {
    size_t inner = (tensor.span + PAGE - 1) / PAGE * PAGE;
    tensor.mapped = inner + 2 * PAGE;
    char *map = mmap(NULL, tensor.mapped, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED ||
        (inner && mprotect(map + PAGE, inner, PROT_READ | PROT_WRITE)))
      fail("mmap", "out of memory");
    tensor.memory = map;
    data = map + PAGE;
    if (placement == FLUSH_END)
      data += inner - tensor.span;
    memset(map + PAGE, PATTERN, inner);
  }
  tensor.tensor.data = data;
  memset(data, PATTERN, tensor.span);
  /* Elements themselves are zero, gaps are not. */
  int64_t at[MAX_RANK] = {0};
  for (int64_t n = countElements(&tensor); n > 0; --n) {
    memset(element(&tensor, at[0], at[1], at[2], at[3]), 0, bytes);
    for (int axis = rank - 1; axis >= 0 && ++at[axis] == shape[axis]; --axis)
      at[axis] = 0;
  }
  return tensor;
}

void freeTensor(Tensor *tensor) {
  if (tensor->mapped)
    munmap(tensor->memory, tensor->mapped);
  else
    free(tensor->memory);
}

void *element(const Tensor *tensor, int64_t a, int64_t b, int64_t c,
              int64_t d) {
  const int64_t index[MAX_RANK] = {a, b, c, d};
  int64_t offset = 0;
  for (int axis = 0; axis < tensor->tensor.ndim; ++axis)
    offset += index[axis] * tensor->strides[axis];
  return (char *)tensor->tensor.data + offset * (tensor->tensor.dtype.bits / 8);
}

float *f32(const Tensor *tensor, int64_t a, int64_t b, int64_t c, int64_t d) {
  return element(tensor, a, b, c, d);
}

/** Calls `visit` for every index, last axis fastest. */
#define FOR_EACH(tensor, at)                                                   \
  int64_t at[MAX_RANK] = {0};                                                  \
  for (int64_t left = countElements(tensor); left > 0; next(tensor, at), --left)

static void next(const Tensor *tensor, int64_t *at) {
  for (int axis = tensor->tensor.ndim - 1; axis >= 0; --axis) {
    if (++at[axis] < tensor->shape[axis])
      return;
    at[axis] = 0;
  }
}

void fillRandom(Tensor *tensor, uint64_t seed) {
  uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  FOR_EACH(tensor, at) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double unit = (double)(state >> 40) / (double)(1 << 24);
    *f32(tensor, at[0], at[1], at[2], at[3]) = (float)(2 * unit - 1);
  }
}

bool gapsIntact(const Tensor *tensor) {
  /* Writing the pattern over the elements of a copy leaves nothing else. */
  size_t size = tensor->mapped ? tensor->mapped - 2 * PAGE : tensor->span;
  const char *start = tensor->mapped ? (const char *)tensor->memory + PAGE
                                     : (const char *)tensor->tensor.data;
  unsigned char *copy = malloc(size + 1);
  memcpy(copy, start, size);
  size_t bytes = tensor->tensor.dtype.bits / 8;
  FOR_EACH(tensor, at)
  memset(copy + ((char *)element(tensor, at[0], at[1], at[2], at[3]) - start),
         PATTERN, bytes);
  bool intact = true;
  for (size_t i = 0; i < size; ++i)
    intact &= copy[i] == PATTERN;
  free(copy);
  return intact;
}

bool sameBits(const Tensor *x, const Tensor *y) {
  size_t bytes = x->tensor.dtype.bits / 8;
  FOR_EACH(x, at)
  if (memcmp(element(x, at[0], at[1], at[2], at[3]),
             element(y, at[0], at[1], at[2], at[3]), bytes) != 0)
    return false;
  return true;
}

/*===-- Counting ----------------------------------------------------------===*/

static int passedChecks, failedChecks;

void check(bool passed, const char *format, ...) {
  if (passed) {
    ++passedChecks;
    return;
  }
  ++failedChecks;
  va_list arguments;
  va_start(arguments, format);
  printf("FAIL: ");
  vprintf(format, arguments);
  printf("\n");
  fflush(stdout);
  va_end(arguments);
}

int finish(void) {
  printf("%d passed, %d failed\n", passedChecks, failedChecks);
  return failedChecks > 0 || passedChecks == 0;
}

/*===-- Reference ---------------------------------------------------------===*/

bool seesAll(int64_t query, int64_t key, int64_t queries, int64_t keys) {
  (void)query, (void)key, (void)queries, (void)keys;
  return true;
}

bool seesCausal(int64_t query, int64_t key, int64_t queries, int64_t keys) {
  return key <= query + keys - queries;
}

double referenceRow(const Tensor *q, const Tensor *k, const Tensor *v,
                    int64_t batch, int64_t head, int64_t query, Visible visible,
                    double *out) {
  int64_t queries = q->shape[2], keys = k->shape[2];
  int64_t features = q->shape[3], values = v->shape[3];
  int64_t keyHead = head / (q->shape[1] / k->shape[1]);
  double scale = 1 / sqrt((double)features);
  double *scores = malloc((size_t)(keys + 1) * sizeof *scores);
  double highest = -INFINITY, sum = 0;
  for (int64_t j = 0; j < keys; ++j) {
    if (!visible(query, j, queries, keys))
      continue;
    double score = 0;
    const float *x = f32(q, batch, head, query, 0);
    const float *y = f32(k, batch, keyHead, j, 0);
    for (int64_t d = 0; d < features; ++d)
      score += (double)x[d * q->strides[3]] * (double)y[d * k->strides[3]];
    scores[j] = scale * score;
    highest = fmax(highest, scores[j]);
  }
  for (int64_t e = 0; e < values; ++e)
    out[e] = 0;
  for (int64_t j = 0; j < keys; ++j) {
    if (!visible(query, j, queries, keys))
      continue;
    double weight = exp(scores[j] - highest);
    sum += weight;
    const float *x = f32(v, batch, keyHead, j, 0);
    for (int64_t e = 0; e < values; ++e)
      out[e] += weight * (double)x[e * v->strides[3]];
  }
  free(scores);
  for (int64_t e = 0; e < values && sum > 0; ++e)
    out[e] /= sum;
  return sum > 0 ? highest + log(sum) : -INFINITY;
}

double largestError(const Tensor *q, const Tensor *k, const Tensor *v,
                    const Tensor *out, Visible visible) {
  double row[512], worst = 0;
  for (int64_t b = 0; b < q->shape[0]; ++b)
    for (int64_t h = 0; h < q->shape[1]; ++h)
      for (int64_t i = 0; i < q->shape[2]; ++i) {
        referenceRow(q, k, v, b, h, i, visible, row);
        for (int64_t e = 0; e < v->shape[3]; ++e) {
          double error = fabs(row[e] - (double)*f32(out, b, h, i, e));
          if (!(error <= worst))
            worst = error == error ? error : INFINITY;
        }
      }
  return worst;
}
