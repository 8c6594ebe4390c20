/*===- main.c - Calling a compiled attention from C -----------------------===*\
 *
 * Reads tensors from NumPy files, calls the attention that `ladon build` made
 * of gqa_window.attn, and compares the result with the expected one:
 *
 *   ladon build examples/c/gqa_window.attn -o out
 *   cc -Iout examples/c/main.c -o out/example -Lout -lgqa_window
-Wl,-rpath,'$ORIGIN' -lm
 *   out/example examples/data
 *
\*===----------------------------------------------------------------------===*/

#include "gqa_window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A dense tensor: what the attention takes, and where its shape is kept. */
typedef struct {
  DLTensor tensor;
  int64_t shape[4];
} Array;

static int64_t count(const Array *array) {
  int64_t elements = 1;
  for (int axis = 0; axis < array->tensor.ndim; ++axis)
    elements *= array->shape[axis];
  return elements;
}

static Array make(const int64_t *shape, DLDataType type) {
  Array array;
  memset(&array, 0, sizeof array);
  memcpy(array.shape, shape, sizeof array.shape);
  array.tensor.device.device_type = kDLCPU;
  array.tensor.ndim = 4;
  array.tensor.dtype = type;
  array.tensor.data = calloc((size_t)count(&array) + 1, type.bits / 8);
  if (!array.tensor.data) {
    fprintf(stderr, "out of memory\n");
    exit(1);
  }
  return array;
}

/* Reads a NumPy file of four axes with f32 or bool elements. */
static Array load(const char *directory, const char *name) {
  char path[4096], header[65536];
  unsigned char start[10];
  snprintf(path, sizeof path, "%s/%s.npy", directory, name);
  FILE *file = fopen(path, "rb");
  if (!file || fread(start, 1, 10, file) != 10 ||
      memcmp(start, "\x93NUMPY\x01", 7) != 0) {
    fprintf(stderr, "%s: not a NumPy file\n", path);
    exit(1);
  }
  size_t length = start[8] + 256u * start[9];
  length = fread(header, 1, length < sizeof header - 1 ? length : 0, file);
  header[length] = 0;
  long long shape[4];
  const char *text = strstr(header, "'shape':");
  if (!text || sscanf(text, "'shape': (%lld, %lld, %lld, %lld)", &shape[0],
                      &shape[1], &shape[2], &shape[3]) != 4) {
    fprintf(stderr, "%s: expected four axes\n", path);
    exit(1);
  }
  DLDataType f32 = {kDLFloat, 32, 1}, boolean = {kDLUInt, 8, 1};
  int64_t extents[4] = {shape[0], shape[1], shape[2], shape[3]};
  Array array = make(extents, strstr(header, "'<f4'") ? f32 : boolean);
  size_t elements = (size_t)count(&array);
  if (fread(array.tensor.data, array.tensor.dtype.bits / 8, elements, file) !=
      elements) {
    fprintf(stderr, "%s: too short\n", path);
    exit(1);
  }
  fclose(file);
  return array;
}

/* What the call takes; it points into `array`. */
static DLTensor *view(Array *array) {
  array->tensor.shape = array->shape;
  return &array->tensor;
}

int main(int argc, char **argv) {
  const char *directory = argc > 1 ? argv[1] : "examples/data";
  Array q = load(directory, "q"), k = load(directory, "k"),
        v = load(directory, "v"), visible = load(directory, "visible"),
        expected = load(directory, "expected");
  Array out = make(expected.shape, expected.tensor.dtype);

  int32_t status = gqa_window(view(&q), view(&k), view(&v), view(&visible),
                              view(&out), NULL);
  if (status != LADON_OK) {
    fprintf(stderr, "gqa_window: %s (status %d)\n", gqa_window_last_error(),
            (int)status);
    return 1;
  }

  const float *found = out.tensor.data, *wanted = expected.tensor.data;
  double largest = 0;
  for (int64_t at = 0; at < count(&out); ++at) {
    double off = fabs((double)found[at] - (double)wanted[at]);
    if (!(off <= largest))
      largest = off;
  }
  int64_t row = (expected.shape[2] - 1) * expected.shape[3];
  printf("last query of the first head\n  found:   ");
  for (int64_t feature = 0; feature < expected.shape[3]; ++feature)
    printf(" %9.6f", (double)found[row + feature]);
  printf("\n  expected:");
  for (int64_t feature = 0; feature < expected.shape[3]; ++feature)
    printf(" %9.6f", (double)wanted[row + feature]);
  printf("\n%lld elements, largest difference %.2g\n", (long long)count(&out),
         largest);

  /* An argument that does not fit is refused, and nothing is written. */
  k.shape[1] = 3;
  status = gqa_window(view(&q), view(&k), view(&v), view(&visible), view(&out),
                      NULL);
  printf("a wrong tensor: status %d, %s\n", (int)status,
         gqa_window_last_error());
  free(q.tensor.data);
  free(k.tensor.data);
  free(v.tensor.data);
  free(visible.tensor.data);
  free(expected.tensor.data);
  free(out.tensor.data);
  return largest < 1e-5 && status != LADON_OK ? 0 : 1;
}
