//===- Shrink.cpp - The smallest case that still fails --------------------===//

#include "test/e2e/fuzz/Shrink.h"

#include <algorithm>

using namespace ladon::e2e;

namespace {

using Draws = std::vector<uint32_t>;

/// Keeps the smallest failing draws.
class Shrinker {
public:
  Shrinker(FailsFn fails, int attempts) : fails(fails), attempts(attempts) {}

  /// Takes `candidate` if it fails and is smaller than what there is.
  bool accept(const Draws &candidate);

  bool replaceSpans();
  bool removeRuns();
  bool lowerDraws();

  Draws best;
  std::vector<Choices::Span> spans;

private:
  FailsFn fails;
  int attempts;
};

/// The order of shrinking: shorter is smaller, then what has smaller draws.
bool isSmaller(const Draws &a, const Draws &b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

} // namespace

bool Shrinker::accept(const Draws &candidate) {
  if (attempts <= 0)
    return false;
  --attempts;
  Choices choices(candidate);
  bool isFailing = fails(choices);
  if (!isFailing || !isSmaller(choices.draws(), best))
    return false;
  best = choices.draws();
  spans = choices.spans();
  return true;
}

/// Puts a part of its own kind in the place of a span, or its simplest form.
bool Shrinker::replaceSpans() {
  bool helped = false;
  for (size_t outer = 0; outer < spans.size(); ++outer) {
    const Choices::Span span = spans[outer];
    auto with = [&](llvm::ArrayRef<uint32_t> middle) {
      Draws candidate(best.begin(), best.begin() + span.begin);
      candidate.insert(candidate.end(), middle.begin(), middle.end());
      candidate.insert(candidate.end(), best.begin() + span.end, best.end());
      return accept(candidate);
    };
    if (span.end - span.begin > 1 && with({0})) {
      helped = true;
      continue;
    }
    for (size_t inner = outer + 1; inner < spans.size(); ++inner) {
      const Choices::Span part = spans[inner];
      if (part.begin >= span.end)
        break;
      Draws draws(best.begin() + part.begin, best.begin() + part.end);
      if (part.kind == span.kind && with(draws)) {
        helped = true;
        break;
      }
    }
  }
  return helped;
}

/// Leaves out runs of draws, long ones first.
bool Shrinker::removeRuns() {
  bool helped = false;
  for (size_t length = 16; length > 0; length /= 2)
    for (size_t begin = 0; begin + length <= best.size();) {
      Draws candidate = best;
      candidate.erase(candidate.begin() + begin,
                      candidate.begin() + begin + length);
      if (accept(candidate))
        helped = true;
      else
        begin += std::max<size_t>(1, length / 2);
    }
  return helped;
}

bool Shrinker::lowerDraws() {
  bool helped = false;
  for (size_t at = 0; at < best.size(); ++at)
    for (uint32_t lower : {uint32_t(0), best[at] / 2, best[at] - 1}) {
      if (at >= best.size() || best[at] == 0 || lower >= best[at])
        break;
      Draws candidate = best;
      candidate[at] = lower;
      if (accept(candidate)) {
        helped = true;
        break;
      }
    }
  return helped;
}

std::vector<uint32_t> ladon::e2e::shrink(std::vector<uint32_t> draws,
                                         FailsFn fails, int attempts) {
  Shrinker shrinker(fails, attempts);
  Choices choices(draws);
  if (!fails(choices))
    return draws;
  shrinker.best = choices.draws();
  shrinker.spans = choices.spans();
  bool helped = true;
  while (helped) {
    helped = shrinker.replaceSpans();
    helped |= shrinker.removeRuns();
    helped |= shrinker.lowerDraws();
  }
  return shrinker.best;
}
