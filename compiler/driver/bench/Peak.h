//===- Peak.h - What this machine can do at best ---------------*- C++ -*-===//
//
// The two ceilings that `ladon bench` measures a call against, found on the
// running machine with the same number of threads: fused multiply-adds per
// second out of registers, and bytes per second read from memory. Both are
// noisy on a shared machine, and noise only lowers them: take the best of
// several.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_BENCH_PEAK_H
#define LADON_COMPILER_DRIVER_BENCH_PEAK_H

#include "compiler/codegen/Backend.h"

#include <memory>

namespace ladon {

/// Fused multiply-adds per second, in GFLOP/s of two operations each, on
/// `threads` threads for about 10 ms.
double measureFmaPeak(const PeakKernels &kernels, int threads);

/// Reads a buffer several times the size of the last cache.
class ReadBandwidth {
public:
  /// Allocates and touches the buffer, the share of each thread by itself.
  explicit ReadBandwidth(int threads);

  /// One pass over the buffer, in GB/s; 0 if there is no memory for it.
  double measure(const PeakKernels &kernels) const;

private:
  struct Free {
    void operator()(char *memory) const;
  };
  int threads;
  int64_t share = 0; ///< Bytes for each thread.
  std::unique_ptr<char, Free> buffer;
};

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_BENCH_PEAK_H
