/*===- main.c - A program with an attention of its own -------------------===*\
 *
 * Queries of zeros give all keys that they see the same weight, so that a
 * result is the mean of the values around: with value i at key i, and r keys
 * before its own, query i gets i - r / 2.
 *
\*===----------------------------------------------------------------------===*/

#include "recent.h"

#include <stdio.h>

enum { heads = 2, positions = 100, features = 64 };
static float zeros[heads][positions][features];
static float values[heads][positions][features];
static float means[heads][positions][features];

int main(void) {
  for (int head = 0; head < heads; ++head)
    for (int position = 0; position < positions; ++position)
      for (int feature = 0; feature < features; ++feature)
        values[head][position][feature] = (float)position;

  int64_t shape[4] = {1, heads, positions, features};
  DLTensor q = {zeros, {kDLCPU, 0}, 4, {kDLFloat, 32, 1}, shape, NULL, 0};
  DLTensor v = q, out = q;
  v.data = values;
  out.data = means;
  if (recent(&q, &q, &v, &out, NULL) != LADON_OK) {
    fprintf(stderr, "%s\n", recent_last_error());
    return 1;
  }
  printf("query 0 gets %g, query 99 gets %g\n", means[0][0][0],
         means[1][99][63]);
  return 0;
}
