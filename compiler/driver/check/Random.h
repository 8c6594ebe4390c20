//===- Random.h - Random numbers, the same on every machine ----*- C++ -*-===//

#ifndef LADON_COMPILER_DRIVER_CHECK_RANDOM_H
#define LADON_COMPILER_DRIVER_CHECK_RANDOM_H

#include <cstdint>

namespace ladon {

/// xoshiro256** (Blackman & Vigna 2018), seeded by splitmix64.
class Random {
public:
  explicit Random(uint64_t seed);
  uint64_t next();
  double uniform();                           ///< In [0, 1).
  double normal();                            ///< Mean 0, deviation 1.
  int64_t integer(int64_t low, int64_t high); ///< In [low, high].

private:
  uint64_t state[4];
};

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_CHECK_RANDOM_H
