//===- Schedule.cpp - Sizes of tiles and blocks of threads ----------------===//
//
// What the figures have to fit: 255 registers of a thread, which hold its part
// of the accumulators, of the scores of one block of keys and of the queries,
// and 99 KiB of shared memory, which hold two blocks of keys and values, and
// queries that are too large for registers. More rows mean that keys and values
// are read less often.
//
// With few queries a block is one warp, for 16 rows, and reads its keys once.
// What counts is how many bytes are on their way: some 35 KiB of buffers are
// small enough for several blocks on a multiprocessor.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Schedule.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

using namespace ladon::cuda;

namespace {
struct Row {
  int64_t bits, features; ///< Up to so many.
  Schedule schedule;
};
} // namespace

static constexpr Row table[] = {
    {16, 64, {/*rows=*/128, /*keys=*/32, /*fewKeys=*/64}},
    {16, 128, {/*rows=*/128, /*keys=*/64, /*fewKeys=*/32}},
    {16, 256, {/*rows=*/64, /*keys=*/32, /*fewKeys=*/16}},
    {32, 64, {/*rows=*/64, /*keys=*/64, /*fewKeys=*/32}},
    {32, 128, {/*rows=*/64, /*keys=*/32, /*fewKeys=*/16}},
};

/// Of everything larger: what has no code is refused later.
static constexpr Schedule smallest = {/*rows=*/64, /*keys=*/16, /*fewKeys=*/16};

Schedule ladon::cuda::chooseSchedule(int64_t bits, int64_t features) {
  for (const Row &row : table)
    if (bits == row.bits && features <= row.features)
      return row.schedule;
  return smallest;
}

llvm::Expected<Schedule> ladon::cuda::parseSchedule(llvm::StringRef text) {
  auto fail = [&](const char *what) {
    return llvm::createStringError("--cuda-tile " + text + ": expected " +
                                   what);
  };
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ',');
  if (parts.size() < 2 || parts.size() > 4)
    return fail("ROWS,KEYS[,THREADS[,KEYS OF FEW]]");
  llvm::SmallVector<int64_t> numbers;
  for (llvm::StringRef part : parts)
    if (int64_t &number = numbers.emplace_back();
        part.getAsInteger(10, number) || number < 1 || number > 1024)
      return fail("numbers of 1 to 1024");
  Schedule schedule{numbers[0], numbers[1], std::min<int64_t>(numbers[1], 32)};
  if (numbers.size() > 2)
    schedule.threads = numbers[2];
  if (numbers.size() > 3)
    schedule.fewKeys = numbers[3];
  if (schedule.rows % 16 != 0 || schedule.rows > 512)
    return fail("a multiple of 16 rows, at most 512");
  if (schedule.keys % 16 != 0 || schedule.fewKeys % 16 != 0 ||
      schedule.fewKeys > shortestChunk || shortestChunk % schedule.fewKeys != 0)
    return fail("multiples of 16 keys, a part of 256 for few queries");
  if (schedule.threads != 0 && schedule.threads != 2 * schedule.rows &&
      (schedule.threads != schedule.rows || schedule.rows % 32 != 0))
    return fail("two threads for each row, or one where rows are a multiple of "
                "32");
  return schedule;
}

int64_t ladon::cuda::threadsForTile(int64_t rows, int64_t columns) {
  constexpr int64_t mostColumns = 64;
  bool isPair = rows % 128 == 0 && columns <= mostColumns;
  return isPair ? rows : 2 * rows;
}
