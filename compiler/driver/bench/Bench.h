//===- Bench.h - Timing a loaded attention ---------------------*- C++ -*-===//
//
// Calls a loaded attention again and again, and measures the peaks of the
// machine in between. How, and why: docs/benchmarks.md.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_BENCH_BENCH_H
#define LADON_COMPILER_DRIVER_BENCH_BENCH_H

#include "compiler/driver/host/HostCall.h"

namespace ladon {

struct BenchSettings {
  int threads = 1;
  int runs = 0;        ///< 0: at least 5, and for half a second.
  PeakKernels kernels; ///< Of the target of the code.
};

/// What was measured.
struct Measurement {
  std::vector<double> seconds; ///< Of each run, ascending; at least one.
  double fmaPeak = 0;          ///< GFLOP/s, the best found.
  double readBandwidth = 0;    ///< GB/s, the best found.
  int64_t scratch = 0;         ///< Most bytes that a call held at once.

  double median() const {
    size_t half = seconds.size() / 2;
    return seconds.size() % 2 ? seconds[half]
                              : (seconds[half - 1] + seconds[half]) / 2;
  }
};

/// Fails when a call fails, before anything is measured.
llvm::Expected<Measurement> measure(const LoadedAttention &attention,
                                    llvm::ArrayRef<HostTensor> inputs,
                                    llvm::ArrayRef<HostTensor> outputs,
                                    const BenchSettings &settings);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_BENCH_BENCH_H
