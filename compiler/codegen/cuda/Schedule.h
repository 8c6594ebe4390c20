//===- Schedule.h - Sizes of tiles and blocks of threads -------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CUDA_SCHEDULE_H
#define LADON_COMPILER_CODEGEN_CUDA_SCHEDULE_H

#include <cstdint>

namespace ladon::cuda {

/// How an attend is cut into blocks of threads.
struct Schedule {
  int64_t rows; ///< Queries of a block.
  int64_t keys; ///< Keys that are in shared memory at a time.
};

/// For operands of products with `bits` bits each, and at most `features`
/// features of keys and values.
Schedule chooseSchedule(int64_t bits, int64_t features);

/// How many threads work on a tile of so many rows, with so many columns in
/// its accumulators. A warp takes 32 rows where a thread has registers for
/// them: each operand that it reads from shared memory is then used twice.
int64_t threadsForTile(int64_t rows, int64_t columns);

} // namespace ladon::cuda

#endif // LADON_COMPILER_CODEGEN_CUDA_SCHEDULE_H
