//===- Choices.h - What a generator decides, recorded ----------*- C++ -*-===//
//
// A generator draws every decision from here. The draws are kept, so that the
// same thing can be made again from them, and a smaller thing from fewer or
// smaller ones: that is how a failing case shrinks (Shrink.h). So that smaller
// draws mean simpler things, 0 is the simplest answer to every question.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_FUZZ_CHOICES_H
#define LADON_TEST_E2E_FUZZ_CHOICES_H

#include "compiler/driver/check/InputGenerator.h"

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace ladon::e2e {

/// What a run of draws made; one may stand in the place of another of its kind.
enum class SpanKind { Integer, Mask, Score, Tensor, Clause, Trial };

class Choices {
public:
  /// Draws at random.
  explicit Choices(uint64_t seed) : random(seed), isFresh(true) {}
  /// Draws again what was drawn, and 0 when that is used up.
  explicit Choices(std::vector<uint32_t> draws)
      : random(0), isFresh(false), replayed(std::move(draws)) {}

  /// In [0, count).
  int64_t below(int64_t count);
  /// True in so many of a hundred cases.
  bool chance(int percent) { return below(100) >= 100 - percent; }
  /// In [low, high]; the simplest is the one nearest to 0.
  int64_t integer(int64_t low, int64_t high);
  /// One of several, the simplest of which is the first.
  template <typename T> T pick(llvm::ArrayRef<T> from) {
    return from[below(from.size())];
  }
  template <typename T> T pick(std::initializer_list<T> from) {
    return pick(llvm::ArrayRef<T>(from));
  }

  /// The draws [begin, end) that made one thing.
  struct Span {
    SpanKind kind;
    size_t begin, end;
  };
  /// Marks what is drawn while it lives.
  class Mark {
  public:
    Mark(Choices &choices, SpanKind kind)
        : choices(choices), index(choices.marked.size()) {
      size_t begin = choices.taken.size();
      choices.marked.push_back({kind, begin, begin});
    }
    ~Mark() { choices.marked[index].end = choices.taken.size(); }
    Mark(const Mark &) = delete;

  private:
    Choices &choices;
    size_t index;
  };

  const std::vector<uint32_t> &draws() const { return taken; }
  const std::vector<Span> &spans() const { return marked; }

private:
  Random random;
  bool isFresh;
  std::vector<uint32_t> replayed, taken;
  std::vector<Span> marked;
};

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_CHOICES_H
