//===- Random.cpp - Random numbers, the same on every machine -------------===//

#include "compiler/driver/check/Random.h"

using namespace ladon;

Random::Random(uint64_t seed) {
  for (uint64_t &word : state) {
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

static uint64_t rotate(uint64_t x, int by) {
  return (x << by) | (x >> (64 - by));
}

uint64_t Random::next() {
  uint64_t result = rotate(state[1] * 5, 7) * 9, t = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= t;
  state[3] = rotate(state[3], 45);
  return result;
}

double Random::uniform() { return double(next() >> 11) * 0x1p-53; }

// The sum of four uniform numbers, with variance 1: unlike Box and Muller's
// method it needs no function of libm, whose last bit differs between systems.
double Random::normal() {
  double sum = -2;
  for (int term = 0; term < 4; ++term)
    sum += uniform();
  return sum * 1.7320508075688772;
}

int64_t Random::integer(int64_t low, int64_t high) {
  return low + int64_t(next() % uint64_t(high - low + 1));
}
