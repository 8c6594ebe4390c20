//===- Bench.cpp - Timing a loaded attention ------------------------------===//

#include "compiler/driver/bench/Bench.h"
#include "compiler/driver/bench/Peak.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

using namespace ladon;
using Clock = std::chrono::steady_clock;

namespace {

/// Counts the working memory that a call holds.
struct ScratchCounter {
  int64_t held = 0, most = 0;

  static void *allocate(void *user, size_t bytes, size_t alignment) {
    auto *counter = static_cast<ScratchCounter *>(user);
    counter->held += bytes;
    counter->most = std::max(counter->most, counter->held);
    return std::aligned_alloc(alignment,
                              (bytes + alignment - 1) / alignment * alignment);
  }
  static void deallocate(void *user, void *memory, size_t bytes) {
    static_cast<ScratchCounter *>(user)->held -= bytes;
    std::free(memory);
  }
};

} // namespace

llvm::Expected<Measurement> ladon::measure(const LoadedAttention &attention,
                                           llvm::ArrayRef<HostTensor> inputs,
                                           llvm::ArrayRef<HostTensor> outputs,
                                           const BenchSettings &settings) {
  Measurement measurement;
  HostArguments arguments(inputs, outputs);
  ladon_options call = LADON_OPTIONS_INIT;
  call.threads = settings.threads;

  // The first call also tells whether this CPU can run the code at all, and so
  // comes before the measurements with the same instructions.
  ScratchCounter counter;
  ladon_options counted = call;
  counted.allocate = ScratchCounter::allocate;
  counted.deallocate = ScratchCounter::deallocate;
  counted.allocator_user = &counter;
  if (llvm::Error error = arguments.call(attention, counted))
    return std::move(error);
  measurement.scratch = counter.most;

  auto samplePeak = [&] {
    measurement.fmaPeak =
        std::max(measurement.fmaPeak,
                 measureFmaPeak(settings.kernels, settings.threads));
  };
  auto sampleBandwidth = [&](const ReadBandwidth &bandwidth) {
    for (int pass = 0; pass < 3; ++pass)
      measurement.readBandwidth = std::max(measurement.readBandwidth,
                                           bandwidth.measure(settings.kernels));
  };
  ReadBandwidth bandwidth(settings.threads);
  sampleBandwidth(bandwidth);
  // Ahead of the timed runs comes one that brings caches, pool and clock rate
  // back to what they are in a series of calls.
  if (llvm::Error error = arguments.call(attention, call))
    return std::move(error);

  constexpr double enough = 0.5, tooMuch = 20, peakInterval = 0.1;
  constexpr size_t fewest = 5;
  double total = 0, sincePeak = peakInterval;
  auto wantsMore = [&] {
    size_t runs = measurement.seconds.size();
    if (settings.runs > 0)
      return runs < size_t(settings.runs);
    return runs == 0 || (total < tooMuch && (runs < fewest || total < enough));
  };
  while (wantsMore()) {
    // The clock rate changes within a second: the peak is sampled all along.
    if (sincePeak >= peakInterval) {
      samplePeak();
      sincePeak = 0;
    }
    Clock::time_point start = Clock::now();
    llvm::Error error = arguments.call(attention, call);
    double seconds =
        std::chrono::duration<double>(Clock::now() - start).count();
    if (error)
      return std::move(error);
    measurement.seconds.push_back(seconds);
    total += seconds;
    sincePeak += seconds;
  }
  samplePeak();
  sampleBandwidth(bandwidth);
  std::sort(measurement.seconds.begin(), measurement.seconds.end());
  return measurement;
}
