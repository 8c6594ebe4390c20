/*===- main.c - Calls the layer that mlir-opt compiled --------------------===*\
 *
 * As a program of whoever compiled it: tensors are the structures that MLIR
 * passes memrefs in. Compares with plain loops, and says the largest error.
 *
\*===----------------------------------------------------------------------===*/

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { positions = 100, channels = 64, heads = 4, shared = 2, features = 16 };
enum { narrow = channels / shared, reach = 15 };

typedef struct {
  float *allocated, *aligned;
  int64_t offset, sizes[1], strides[1];
} Vector;

typedef struct {
  float *allocated, *aligned;
  int64_t offset, sizes[2], strides[2];
} Matrix;

/* The function of layer.mlir; memory of the result is the caller's to free. */
void _mlir_ciface_layer(Matrix *out, Matrix *x, Matrix *wq, Matrix *wk,
                        Matrix *wv, Matrix *wo, Vector *slopes);

static Matrix matrix(float *data, int64_t rows, int64_t columns) {
  return (Matrix){data, data, 0, {rows, columns}, {columns, 1}};
}

/* Numbers from -most to most, the same in each run. */
static void fill(float *data, int count, float most) {
  static uint32_t state = 1;
  for (int i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    data[i] = most * ((float)(state >> 8) / (1 << 23) - 1);
  }
}

static float x[positions * channels];
static float wq[channels * channels], wk[channels * narrow];
static float wv[channels * narrow], wo[channels * channels];
static float slopes[heads] = {0.5f, 0.25f, 0.125f, 0.0625f};

/* a b, where a has `channels` columns and b has `columns`. */
static void multiply(const double *a, const float *b, int columns,
                     double *out) {
  for (int i = 0; i < positions; ++i)
    for (int n = 0; n < columns; ++n) {
      out[i * columns + n] = 0;
      for (int c = 0; c < channels; ++c)
        out[i * columns + n] += a[i * channels + c] * b[c * columns + n];
    }
}

/* The same in plain loops. */
static void reference(double *out) {
  static double in[positions * channels], attended[positions * channels];
  static double q[positions * channels], k[positions * narrow];
  static double v[positions * narrow];
  for (int i = 0; i < positions * channels; ++i)
    in[i] = x[i];
  multiply(in, wq, channels, q);
  multiply(in, wk, narrow, k);
  multiply(in, wv, narrow, v);
  for (int h = 0; h < heads; ++h)
    for (int i = 0; i < positions; ++i) {
      int at = h * features, from = h / (heads / shared) * features;
      double sum = 0, *row = attended + i * channels + at;
      for (int e = 0; e < features; ++e)
        row[e] = 0;
      for (int j = i < reach ? 0 : i - reach; j <= i; ++j) {
        double score = 0;
        for (int d = 0; d < features; ++d)
          score += q[i * channels + at + d] * k[j * narrow + from + d];
        double weight = exp(0.25 * score - slopes[h] * (i - j));
        sum += weight;
        for (int e = 0; e < features; ++e)
          row[e] += weight * v[j * narrow + from + e];
      }
      for (int e = 0; e < features; ++e)
        row[e] /= sum;
    }
  multiply(attended, wo, channels, out);
  for (int i = 0; i < positions * channels; ++i)
    out[i] += in[i];
}

int main(void) {
  fill(x, positions * channels, 1);
  fill(wq, channels * channels, 0.25f);
  fill(wk, channels * narrow, 0.25f);
  fill(wv, channels * narrow, 0.25f);
  fill(wo, channels * channels, 0.25f);
  Matrix mx = matrix(x, positions, channels);
  Matrix mq = matrix(wq, channels, channels);
  Matrix mk = matrix(wk, channels, narrow);
  Matrix mv = matrix(wv, channels, narrow);
  Matrix mo = matrix(wo, channels, channels), result;
  Vector ms = {slopes, slopes, 0, {heads}, {1}};
  _mlir_ciface_layer(&result, &mx, &mq, &mk, &mv, &mo, &ms);

  static double expected[positions * channels];
  reference(expected);
  double largest = 0;
  for (int i = 0; i < positions; ++i)
    for (int c = 0; c < channels; ++c) {
      const float *row = result.aligned + result.offset;
      double found = row[i * result.strides[0] + c * result.strides[1]];
      double error = fabs(found - expected[i * channels + c]);
      /* A NaN is no error that is small. */
      if (!(error <= largest))
        largest = error;
    }
  free(result.allocated);
  printf("largest error: %.1e\n", largest);
  /* Eight times the distance of neighbours in f32, where results are. */
  return largest < 4e-6 ? 0 : 1;
}
