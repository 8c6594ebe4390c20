/*===- indices.c - What a call hears of an index that leaves its tensor ---===*\
 *
 * Generated code clamps indices. A call that sets check_indices has them
 * computed by the code before anything is written, and the first that would be
 * clamped is reported here.
 *
\*===----------------------------------------------------------------------===*/

#include "call.h"

#include <stdio.h>

bool ladon_rt_checks_indices(ladon_ctx *ctx) {
  return ctx->options.check_indices != 0;
}

void ladon_rt_refuse_index(ladon_ctx *ctx, const char *name, int64_t axis,
                           int64_t index, int64_t extent, int64_t batch,
                           int64_t head, int64_t query, int64_t key) {
  char expected[64], where[32] = "";
  if (axis >= 0)
    snprintf(where, sizeof where, " on axis %lld", (long long)axis);
  if (extent > 0)
    snprintf(expected, sizeof expected, "%s of 0 to %lld",
             axis >= 0 ? "an index" : "a page", (long long)extent - 1);
  else
    snprintf(expected, sizeof expected, "no %s",
             axis >= 0 ? "index" : "page, as there are none");
  ladon_fail(ctx, LADON_INDEX,
             "%s: expected %s%s, found %lld at b = %lld, h = %lld, i = %lld, "
             "j = %lld",
             name, expected, where, (long long)index, (long long)batch,
             (long long)head, (long long)query, (long long)key);
}

void ladon_rt_refuse_check(ladon_ctx *ctx, const char *name) {
  ladon_fail(ctx, LADON_BAD_OPTIONS,
             "options: check_indices cannot check '%s': which of its elements "
             "are read depends on scores, or it is computed",
             name);
}
