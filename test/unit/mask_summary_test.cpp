//===- mask_summary_test.cpp - Block classes from summaries ---------------===//
//
// With what is computed of a captured tensor once per call, blocks have the
// classes that a scan of them gives, or safe ones; without memory for it, the
// same as ever.
//
//===----------------------------------------------------------------------===//

#include "mask_tree.h"

#include "dialects/cpu/Cpu.h"

using namespace ladon;
using namespace ladon::test;

namespace {

Expr sameDocument() { return eq(docAt(i()), docAt(j())); }

/// One mask, with and without summaries of blocks of so many positions.
class Summaries : public ::testing::Test {
protected:
  void load(const Expr &mask, int64_t positions) {
    std::string text = tileFunction(maskText(mask), kCaptures, shape);
    scanned = scanning.parse(text);
    summarized = summarizing.parse(text);
    ASSERT_TRUE(scanned && scanning.classify()) << text;
    ASSERT_TRUE(summarized && summarizing.classify()) << text;
    ASSERT_TRUE(summarizing.summarize(positions)) << text;
  }

  int countSummaries() {
    int count = 0;
    summarized.walk([&](cpu::TryAllocOp) { ++count; });
    return count;
  }

  TileShape shape;
  TileModule scanning, summarizing;
  mlir::func::FuncOp scanned, summarized;
};

/// The classes of all keys, a line per tile: skipped, masked, unmasked.
std::string classesOf(const std::vector<TileTrace> &tiles) {
  std::string text;
  for (const TileTrace &tile : tiles) {
    for (Class kind : tile.keys)
      text += kind == Class::Empty ? '.' : kind == Class::Partial ? 'm' : 'u';
    text += '\n';
  }
  return text;
}

/// Calls `check` for documents in ascending order and in any, of each size.
void forEachWorld(const std::function<void(World &)> &check) {
  std::mt19937 random(3);
  for (auto [queries, keys] : kSizes)
    for (bool inOrder : {true, false}) {
      World world = makeWorld(random, queries, keys);
      world.w = 3;
      if (!inOrder)
        renumberDocuments(world, random);
      SCOPED_TRACE("S " + std::to_string(queries) + ", T " +
                   std::to_string(keys) + (inOrder ? "" : ", in any order"));
      check(world);
      if (::testing::Test::HasFailure())
        return;
    }
}

TEST_F(Summaries, whole_blocks_have_the_classes_of_a_scan) {
  // A block of the loop is one or several of the summary.
  for (const Expr &mask :
       {sameDocument(), negation(sameDocument()), eq(docAt(j()), number(3))})
    for (int64_t positions : {1, 2, 4, 8}) {
      SCOPED_TRACE(maskText(mask) + std::to_string(positions) + " positions");
      load(mask, positions);
      EXPECT_EQ(countSummaries(), 1);
      forEachWorld([&](World &world) {
        std::vector<TileTrace> tiles = trace(summarized, world, shape);
        expectSound(mask, world, tiles);
        // Blocks of the summary may reach beyond the last key.
        if (world.keys % positions == 0 || world.keys == world.positions()) {
          EXPECT_EQ(classesOf(tiles), classesOf(trace(scanned, world, shape)));
        }
      });
    }
}

TEST_F(Summaries, blocks_anywhere_are_told_safely) {
  // A window starts between the blocks of the summary, or blocks of the summary
  // are larger than those of the loop.
  Expr near = le(absolute(sub(i(), j())), number(11));
  for (int64_t positions : {3, 8, 32})
    for (const Expr &mask :
         {both(sameDocument(), near), both(negation(sameDocument()), near),
          both(eq(docAt(add(j(), w())), docAt(i())), near),
          either(sameDocument(), lt(j(), number(3)))}) {
      SCOPED_TRACE(maskText(mask) + std::to_string(positions) + " positions");
      load(mask, positions);
      EXPECT_EQ(countSummaries(), 1);
      forEachWorld([&](World &world) {
        expectSound(mask, world, trace(summarized, world, shape));
      });
    }
}

TEST_F(Summaries, without_memory_tensors_are_scanned) {
  for (const Expr &mask :
       {sameDocument(), both(sameDocument(), le(j(), i())),
        both(sameDocument(), le(absolute(sub(i(), j())), number(11)))}) {
    load(mask, 8);
    EXPECT_EQ(countSummaries(), 1);
    forEachWorld([&](World &world) {
      EXPECT_EQ(classesOf(trace(summarized, world, shape, /*grant=*/false)),
                classesOf(trace(scanned, world, shape)));
    });
  }
}

TEST_F(Summaries, numbers_that_collide_are_told_by_their_range) {
  // All signatures are alike. Blocks are visited in vain, none is skipped.
  load(sameDocument(), 8);
  std::mt19937 random(5);
  World world = makeWorld(random, 64, 64);
  renumberDocuments(world, random, /*factor=*/64);
  int64_t inVain = 0, skipped = 0;
  for (mlir::func::FuncOp function : {scanned, summarized}) {
    std::vector<TileTrace> tiles = trace(function, world, shape);
    expectSound(sameDocument(), world, tiles);
    for (const TileTrace &tile : tiles)
      for (int64_t key = 0; key < world.keys; ++key) {
        skipped += tile.keys[key] == Class::Empty;
        inVain += tile.keys[key] != Class::Empty &&
                  rowsThatSee(sameDocument(), world, tile, key) == 0;
      }
  }
  EXPECT_GT(inVain, 0);
  EXPECT_GT(skipped, 0);
}

TEST_F(Summaries, numbers_at_the_ends_of_their_type_keep_their_range) {
  load(eq(docAt(j()), docAt(i())), 8);
  std::mt19937 random(5);
  World world = makeWorld(random, 33, 64);
  for (int32_t &document : world.doc)
    document = document % 2 ? std::numeric_limits<int32_t>::min()
                            : std::numeric_limits<int32_t>::max();
  std::vector<TileTrace> tiles = trace(summarized, world, shape);
  expectSound(sameDocument(), world, tiles);
  EXPECT_EQ(classesOf(tiles), classesOf(trace(scanned, world, shape)));
}

} // namespace
