//===- mask_analysis_test.cpp - Emitted block classes against brute force -===//
//
// Random masks, and integers that wrap: no answer of the analysis is wrong.
//
//===----------------------------------------------------------------------===//

#include "mask_probe.h"

using namespace ladon;
using namespace ladon::test;

namespace {

//===----------------------------------------------------------------------===//
// Random masks
//===----------------------------------------------------------------------===//

class Generator {
public:
  explicit Generator(unsigned seed) : random(seed) {}

  Expr boolean(int depth) {
    if (depth == 0 || pick(4) == 0)
      return leaf();
    switch (pick(8)) {
    case 0:
    case 1:
    case 2:
      return both(boolean(depth - 1), boolean(depth - 1));
    case 3:
    case 4:
      return either(boolean(depth - 1), boolean(depth - 1));
    case 5:
      return negation(boolean(depth - 1));
    case 6:
      return differ(boolean(depth - 1), boolean(depth - 1));
    default:
      return choose(boolean(depth - 1), boolean(depth - 1), boolean(depth - 1),
                    "i1");
    }
  }

  std::mt19937 random;

private:
  int pick(int n) { return random() % n; }

  Expr leaf() {
    static const char *predicates[] = {"slt", "sle", "sgt", "sge",
                                       "eq",  "ne",  "ult"};
    switch (pick(12)) {
    case 0:
      return flagAt(i(), integer(pick(2)));
    case 1:
      return beforeLength(integer(1));
    case 2:
      return eq(docAt(i()), docAt(j()));
    default:
      return compare(predicates[pick(7)], integer(2), integer(2));
    }
  }

  Expr integer(int depth) {
    if (depth == 0 || pick(3) == 0) {
      switch (pick(10)) {
      case 0:
        return number(pick(20) - 5);
      case 1:
        return w();
      case 2:
        return offset();
      case 3:
        return b();
      case 4:
        return h();
      case 5:
      case 6:
        return i();
      default:
        return j();
      }
    }
    switch (pick(17)) {
    case 0:
    case 1:
      return add(integer(depth - 1), integer(depth - 1));
    case 2:
    case 3:
    case 4:
      return sub(integer(depth - 1), integer(depth - 1));
    case 5:
      return mul(integer(depth - 1), number(pick(9) - 4));
    case 6:
      return mul(integer(depth - 1), integer(depth - 1));
    case 7:
    case 8:
      return floorDiv(integer(depth - 1), divisor());
    case 9:
      return floorMod(integer(depth - 1), 1 + pick(9), pick(4));
    case 10:
      return absolute(integer(depth - 1), pick(3));
    case 11:
      return pick(2) ? minimum(integer(depth - 1), integer(depth - 1))
                     : maximum(integer(depth - 1), integer(depth - 1));
    case 12:
      return tableAt(integer(depth - 1));
    case 13:
      return docAt(integer(depth - 1));
    case 14: {
      static const char *ops[] = {"andi", "ori", "xori"};
      return bits(ops[pick(3)], integer(depth - 1),
                  pick(2) ? number(pick(2) ? 7 : -4) : integer(depth - 1));
    }
    case 15:
      return shiftRight(integer(depth - 1), pick(4));
    default:
      return choose(boolean(1), integer(depth - 1), integer(depth - 1), "i32");
    }
  }

  int32_t divisor() {
    int32_t d = pick(9) - 3;
    return d == 0 ? 5 : d;
  }
};

TEST(MaskAnalysis, random_masks_are_classified_soundly) {
  TileShape shape;
  int skipped = 0, unmasked = 0;
  for (unsigned seed = 0; seed < 600; ++seed) {
    Generator generator(seed);
    Expr mask = generator.boolean(3);
    std::string text = tileFunction(maskText(mask), kCaptures, shape);
    TileModule module;
    mlir::func::FuncOp function = module.parse(text);
    ASSERT_TRUE(function) << text;
    ASSERT_TRUE(module.classify()) << text;
    for (auto [queries, keys] : {kSizes[seed % 8], kSizes[(seed + 3) % 8]}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", S " +
                   std::to_string(queries) + ", T " + std::to_string(keys) +
                   "\n" + maskText(mask));
      World world = makeWorld(generator.random, queries, keys);
      if (seed % 2)
        renumberDocuments(world, generator.random);
      std::vector<TileTrace> tiles = trace(function, world, shape);
      expectSound(mask, world, tiles);
      for (const TileTrace &tile : tiles)
        for (Class kind : tile.keys) {
          skipped += kind == Class::Empty;
          unmasked += kind == Class::Full;
        }
      if (HasFailure())
        return;
    }
  }
  // The analysis decides a good part of these positions.
  EXPECT_GT(skipped, 10000);
  EXPECT_GT(unmasked, 10000);
}

TEST(MaskAnalysis, random_masks_are_answered_soundly_along_either_axis) {
  TileShape shape;
  for (analysis::Axis axis : {analysis::Axis::Key, analysis::Axis::Query}) {
    int64_t skipped = 0, shared = 0;
    for (unsigned seed = 1000; seed < 1400; ++seed) {
      Generator generator(seed);
      Expr mask = generator.boolean(3);
      MaskProbe probe(mask, axis, shape);
      auto [queries, keys] = kSizes[seed % 8];
      SCOPED_TRACE("seed " + std::to_string(seed) + ", S " +
                   std::to_string(queries) + ", T " + std::to_string(keys) +
                   "\n" + maskText(mask));
      World world = makeWorld(generator.random, queries, keys);
      if (seed % 2)
        renumberDocuments(world, generator.random);
      expectSoundAnswers(mask, probe, world, shape);
      probe.forEachTile(world, [&](const ProbeTile &, const ProbeAnswer &a) {
        int64_t extent = probe.solvedExtent();
        skipped += extent - std::max<int64_t>(a.mayHigh - a.mayLow, 0);
        shared += std::max<int64_t>(
            std::min(a.mustHigh, extent) - std::max<int64_t>(a.mustLow, 0), 0);
      });
      if (HasFailure())
        return;
    }
    // The analysis decides a good part of these positions.
    EXPECT_GT(skipped, 4000);
    EXPECT_GT(shared, 4000);
  }
}

TEST(MaskAnalysis, integers_that_wrap_are_not_taken_for_bounds) {
  // i * i * i leaves i32 from i = 1291 on.
  Expr mask = le(j(), mul(mul(i(), i()), i()));
  TileShape shape{4, 512};
  TileModule module;
  mlir::func::FuncOp function =
      module.parse(tileFunction(maskText(mask), kCaptures, shape));
  ASSERT_TRUE(function && module.classify());
  std::mt19937 random(1);
  World world = makeWorld(random, 1400, 20);
  expectSound(mask, world, trace(function, world, shape));
}

TEST(MaskAnalysis, signatures_that_are_known_meet_in_a_bit) {
  using analysis::meet, analysis::signatureOf;
  EXPECT_TRUE(meet(signatureOf(3), signatureOf(3)).isTrue());
  EXPECT_TRUE(meet(signatureOf(3), signatureOf(5)).isFalse());
  EXPECT_TRUE(meet(signatureOf(-1), signatureOf(63)).isTrue());
}

} // namespace
