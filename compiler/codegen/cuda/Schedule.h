//===- Schedule.h - Sizes of tiles and blocks of threads -------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CUDA_SCHEDULE_H
#define LADON_COMPILER_CODEGEN_CUDA_SCHEDULE_H

#include "llvm/Support/Error.h"

#include <cstdint>

namespace ladon::cuda {

/// How an attend is cut into blocks of threads.
struct Schedule {
  int64_t rows;        ///< Queries of a block.
  int64_t keys;        ///< Keys that are in shared memory at a time.
  int64_t fewKeys;     ///< The same where there are few queries.
  int64_t threads = 0; ///< Of a block with `rows`; 0: as threadsForTile says.
};

/// Calls with up to so many queries take the form for few: their keys are cut
/// into chunks, each of which is a block's. Chunks are longer than the shortest
/// where there would be more than the most of them: they are merged one after
/// the other.
constexpr int64_t fewQueries = 16, shortestChunk = 256, mostChunks = 128;

/// For operands of products with `bits` bits each, and at most `features`
/// features of keys and values.
Schedule chooseSchedule(int64_t bits, int64_t features);

/// The schedule that "rows,keys,threads,keys of few" says, of which the last
/// two may be left out; an error that says what is wrong with it.
llvm::Expected<Schedule> parseSchedule(llvm::StringRef text);

/// How many threads work on a tile of so many rows, with so many columns in
/// its accumulators. A warp takes 32 rows where a thread has registers for
/// them: each operand that it reads from shared memory is then used twice.
int64_t threadsForTile(int64_t rows, int64_t columns);

} // namespace ladon::cuda

#endif // LADON_COMPILER_CODEGEN_CUDA_SCHEDULE_H
