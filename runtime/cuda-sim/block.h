//===- block.h - A simulated block of threads ------------------*- C++ -*-===//

#ifndef LADON_RUNTIME_CUDA_SIM_BLOCK_H
#define LADON_RUNTIME_CUDA_SIM_BLOCK_H

#include <cstdint>
#include <string>

namespace ladon::sim {

/// A kernel of an image: takes the addresses of its arguments.
using Kernel = void (*)(void **arguments);

/// Runs block `number` of a grid. Shared memory has `shared` bytes, full of
/// NaN. Returns what went wrong, or nothing.
std::string runBlock(Kernel kernel, void **arguments, unsigned number,
                     unsigned threads, unsigned shared, uint64_t seed);

} // namespace ladon::sim

#endif // LADON_RUNTIME_CUDA_SIM_BLOCK_H
