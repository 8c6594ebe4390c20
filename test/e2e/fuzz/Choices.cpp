//===- Choices.cpp - What a generator decides, recorded -------------------===//

#include "test/e2e/fuzz/Choices.h"

#include <algorithm>

using namespace ladon::e2e;

int64_t Choices::below(int64_t count) {
  int64_t draw = 0;
  if (isFresh)
    draw = random.integer(0, count - 1);
  else if (taken.size() < replayed.size())
    draw = std::min<int64_t>(replayed[taken.size()], count - 1);
  taken.push_back(uint32_t(draw));
  return draw;
}

int64_t Choices::integer(int64_t low, int64_t high) {
  int64_t base = std::clamp<int64_t>(0, low, high);
  int64_t value = base + below(high - low + 1);
  return value <= high ? value : base - (value - high);
}
