//===- fibers.h - The threads of a simulated block -------------*- C++ -*-===//
//
// One fiber for each thread of a block, on one thread of the CPU. A fiber runs
// until it waits for others; then one of those that can go on runs, chosen by a
// seeded generator, so that an order on which a kernel depends by mistake does
// not stay hidden.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_RUNTIME_CUDA_SIM_FIBERS_H
#define LADON_RUNTIME_CUDA_SIM_FIBERS_H

#include <cstdint>
#include <functional>
#include <vector>

namespace ladon::sim {

/// Runs `body(thread)` for threads [0, count), and returns when all have
/// returned; false if those left wait for each other for ever.
bool runFibers(int count, uint64_t seed, const std::function<void(int)> &body);

/// The thread of the fiber that calls.
int currentThread();

/// A number that follows from the seed.
uint64_t nextRandom();

/// Waits until `count` fibers have come to the same meeting, and has the last
/// of them call `act` before any goes on.
struct Meeting {
  std::vector<int> waiting;
};
void meet(Meeting &meeting, int count, const std::function<void()> &act);

} // namespace ladon::sim

#endif // LADON_RUNTIME_CUDA_SIM_FIBERS_H
