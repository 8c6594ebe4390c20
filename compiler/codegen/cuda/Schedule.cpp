//===- Schedule.cpp - Sizes of tiles and blocks of threads ----------------===//
//
// What the figures have to fit: 255 registers of a thread, which hold its part
// of the accumulators, of the scores of one block of keys and of the queries,
// and 99 KiB of shared memory, which hold two blocks of keys and values, and
// queries that are too large for registers. More rows mean that keys and values
// are read less often.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Schedule.h"

using namespace ladon::cuda;

namespace {
struct Row {
  int64_t bits, features; ///< Up to so many.
  Schedule schedule;
};
} // namespace

static constexpr Row table[] = {
    {16, 64, {/*rows=*/128, /*keys=*/32}},
    {16, 128, {/*rows=*/128, /*keys=*/64}},
    {16, 256, {/*rows=*/64, /*keys=*/32}},
    {32, 64, {/*rows=*/64, /*keys=*/64}},
    {32, 128, {/*rows=*/64, /*keys=*/32}},
};

/// Of everything larger: what has no code is refused later.
static constexpr Schedule smallest = {/*rows=*/64, /*keys=*/16};

Schedule ladon::cuda::chooseSchedule(int64_t bits, int64_t features) {
  for (const Row &row : table)
    if (bits == row.bits && features <= row.features)
      return row.schedule;
  return smallest;
}

int64_t ladon::cuda::threadsForTile(int64_t rows, int64_t columns) {
  constexpr int64_t mostColumns = 64;
  bool isPair = rows % 128 == 0 && columns <= mostColumns;
  return isPair ? rows : 2 * rows;
}
