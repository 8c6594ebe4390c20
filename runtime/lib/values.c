/*===- values.c - What the entry checks demand of values ------------------===*\
 *
 * Most values may be anything. Those that say where in a cache something is
 * written are read before the first task runs, so that a call which does not
 * fit has written nothing.
 *
\*===----------------------------------------------------------------------===*/

#include "values.h"
#include "formulas.h"

#include <string.h>

/** A tensor of integers, or a scalar, as the code gets it. */
typedef struct integers {
  const ladon_param_info *info;
  const char *data;
  const int64_t *sizes, *strides; /* [rank] */
} integers;

static integers integers_of(const ladon_program *program, int32_t param,
                            void *const *run_args) {
  const ladon_param_info *info = &program->params[param];
  integers result = {info, run_args[param], NULL, NULL};
  if (info->rank == 0)
    return result;
  const int64_t *words = run_args[param];
  memcpy(&result.data, words + 1, sizeof result.data);
  result.sizes = words + 3;
  result.strides = result.sizes + info->rank;
  return result;
}

/** The element that lies `offset` elements behind the first. */
static int64_t integer_at(const integers *tensor, int64_t offset) {
  const char *at = tensor->data + offset * (tensor->info->dtype_bits / 8);
  int32_t narrow;
  int64_t value;
  if (tensor->info->dtype_bits == 64) {
    memcpy(&value, at, sizeof value);
    return value;
  }
  memcpy(&narrow, at, sizeof narrow);
  return narrow;
}

/** The value for a batch entry. */
static int64_t place_of(const integers *at, int64_t entry) {
  return integer_at(at, at->info->rank ? entry * at->strides[0] : 0);
}

static bool check_bound(ladon_ctx *ctx, const ladon_bound *bound,
                        const int64_t *symbols, void *const *run_args) {
  integers at = integers_of(ctx->program, bound->param, run_args);
  int64_t most, entries = at.info->rank ? at.sizes[0] : 1;
  if (!ladon_evaluate_size(ctx->program, symbols, bound->most, &most))
    return ladon_fail(ctx, LADON_VALUE_RANGE,
                      "%s: the value of %s overflows 64 bits", at.info->name,
                      bound->most);
  for (int64_t entry = 0; entry < entries; ++entry) {
    int64_t found = place_of(&at, entry);
    if (found >= 0 && found <= most)
      continue;
    if (at.info->rank == 0)
      return ladon_fail(
          ctx, LADON_VALUE_RANGE, "%s: expected 0 to %s = %lld, found %lld",
          at.info->name, bound->most, (long long)most, (long long)found);
    return ladon_fail(ctx, LADON_VALUE_RANGE,
                      "%s: expected 0 to %s = %lld in entry %lld, found %lld",
                      at.info->name, bound->most, (long long)most,
                      (long long)entry, (long long)found);
  }
  return true;
}

static bool check_pages(ladon_ctx *ctx, const ladon_written_pages *written,
                        const int64_t *symbols, void *const *run_args) {
  const ladon_program *program = ctx->program;
  integers table = integers_of(program, written->table, run_args),
           at = integers_of(program, written->at, run_args);
  int64_t count, pool;
  if (!ladon_evaluate_size(program, symbols, written->count, &count) ||
      !ladon_evaluate_size(program, symbols, written->pool, &pool))
    return ladon_fail(ctx, LADON_VALUE_RANGE,
                      "%s: the value of a size overflows 64 bits",
                      table.info->name);
  for (int64_t entry = 0; count > 0 && entry < table.sizes[0]; ++entry) {
    /* Within the table, as places have been checked against its size. */
    int64_t place = place_of(&at, entry);
    int64_t first = place / written->page_size,
            last = (place + count - 1) / written->page_size;
    for (int64_t page = first; page <= last && page < table.sizes[1]; ++page) {
      int64_t found = integer_at(&table, entry * table.strides[0] +
                                             page * table.strides[1]);
      if (found < 0 || found >= pool)
        return ladon_fail(ctx, LADON_VALUE_RANGE,
                          "%s: expected a page of 0 to %lld at [%lld, %lld], "
                          "which is written to, found %lld",
                          table.info->name, (long long)pool - 1,
                          (long long)entry, (long long)page, (long long)found);
    }
  }
  return true;
}

bool ladon_check_values(ladon_ctx *ctx, const int64_t *symbols,
                        void *const *run_args) {
  const ladon_program *program = ctx->program;
  for (const ladon_bound *bound = program->bounds; bound && bound->most;
       ++bound)
    if (!check_bound(ctx, bound, symbols, run_args))
      return false;
  for (const ladon_written_pages *written = program->written_pages;
       written && written->count; ++written)
    if (!check_pages(ctx, written, symbols, run_args))
      return false;
  return true;
}
