//===- mask_catalogue_test.cpp - Exact classes of common masks ------------===//
//
// On the masks that people write the analysis is not only sound but exact: for
// the keys of a tile of queries, in the schedule that the pass makes, and for
// the queries of a tile of keys.
//
//===----------------------------------------------------------------------===//

#include "mask_probe.h"

using namespace ladon;
using namespace ladon::test;

namespace {

//===----------------------------------------------------------------------===//
// Exactness on the masks that people write
//===----------------------------------------------------------------------===//

struct Case {
  const char *name;
  Expr mask;
  /// The queries of a key are two ranges, though the keys of a query are one.
  bool queriesAreSplit = false;
};

/// Inputs of a case: with documents in ascending order, and in any.
std::vector<World> worldsOf(std::mt19937 &random, int64_t queries,
                            int64_t keys) {
  World world = makeWorld(random, queries, keys);
  world.w = 6;
  for (int64_t &length : world.len)
    length = random() % (keys + 1);
  std::vector<World> worlds(2, world);
  renumberDocuments(worlds[1], random);
  return worlds;
}

class Catalogue : public ::testing::Test {
protected:
  /// Calls `check` for each query tile of each size.
  void forEachTile(
      const Case &c, TileShape shape,
      const std::function<void(const World &, const TileTrace &)> &check) {
    TileModule module;
    mlir::func::FuncOp function =
        module.parse(tileFunction(maskText(c.mask), kCaptures, shape));
    ASSERT_TRUE(function);
    ASSERT_TRUE(module.classify());
    std::mt19937 random(7);
    for (auto [queries, keys] : kSizes) {
      SCOPED_TRACE(std::string(c.name) + ", S " + std::to_string(queries) +
                   ", T " + std::to_string(keys));
      for (World &world : worldsOf(random, queries, keys)) {
        std::vector<TileTrace> tiles = trace(function, world, shape);
        expectSound(c.mask, world, tiles);
        for (const TileTrace &tile : tiles)
          check(world, tile);
        if (HasFailure())
          return;
      }
    }
  }
};

Expr causal() { return le(j(), add(i(), offset())); }
Expr agree(Expr a, Expr c) {
  return binary("arith.cmpi eq,", "i1", a, c,
                [](int32_t x, int32_t y) { return x == y; });
}
Expr window(Expr left, Expr right) {
  Expr last = add(i(), offset());
  return both(le(sub(last, left), j()), le(j(), add(last, right)));
}

/// Masks that ranges describe.
std::vector<Case> rangeCases() {
  return {
      {"causal", causal()},
      {"causal_top_left", le(j(), i())},
      {"window", window(number(6), number(0))},
      {"window of a run-time width", window(w(), number(1))},
      {"causal and window", both(causal(), window(number(9), number(0)))},
      {"a run-time value that is just small enough", le(w(), number(6))},
      {"one that is just too large", lt(w(), number(6))},
      {"prefix", either(lt(j(), number(5)), le(j(), i()))},
      {"prefix of a run-time length", either(lt(j(), w()), causal())},
      {"padding", beforeLength(j())},
      {"padding and causal", both(beforeLength(j()), causal())},
      {"distance", le(absolute(sub(j(), i())), number(4))},
      {"distance by maximum", le(absolute(sub(i(), j()), 1), number(4))},
      {"distance by select", le(absolute(sub(i(), j()), 2), number(4))},
      {"distance within 64 bits",
       beforeLength(sub(absolute(sub(i(), j())), number(1)))},
      // Of numbers that are never positive, and never negative.
      {"distance from the start", le(absolute(sub(number(0), j())), number(6))},
      {"distance from the start, plainly", le(absolute(j()), number(6))},
      {"distance from a key before",
       le(absolute(sub(number(-2), j())), number(6))},
      {"blocks", eq(floorDiv(i(), 8), floorDiv(j(), 8))},
      {"block-causal", le(floorDiv(j(), 6), floorDiv(i(), 6))},
      {"shifted blocks",
       eq(shiftRight(i(), 3), shiftRight(add(j(), number(2)), 3))},
      {"positions shifted by nothing", le(shiftRight(j(), 0), i())},
      {"a product of run-time values", le(sub(i(), j()), mul(h(), w()))},
      {"only some heads", both(eq(h(), number(1)), causal())},
      {"a doubled position", le(mul(j(), number(2)), i())},
      {"after", lt(add(i(), number(3)), j())},
      {"not causal", negation(causal())},
      {"causal as what is always so", agree(causal(), le(number(0), j()))},
      {"rows of their own", either(lt(i(), number(6)), causal()),
       /*queriesAreSplit=*/true},
      {"rows of their own at both ends",
       either(either(lt(i(), number(3)), causal()), lt(number(21), i())),
       /*queriesAreSplit=*/true},
  };
}

/// Masks that are told block by block.
std::vector<Case> blockCases() {
  Expr distance = absolute(sub(i(), j()));
  return {
      {"documents", eq(docAt(i()), docAt(j()))},
      {"documents and causal", both(eq(docAt(i()), docAt(j())), le(j(), i()))},
      {"other documents", negation(eq(docAt(i()), docAt(j())))},
      {"one document", eq(docAt(j()), number(3))},
      {"all but one document", negation(eq(number(3), docAt(j())))},
      {"documents, or a global key",
       either(eq(docAt(i()), docAt(j())), lt(j(), number(3)))},
      {"global keys", either(lt(j(), number(3)), le(distance, number(4)))},
      {"global tokens", either(either(lt(j(), number(3)), lt(i(), number(4))),
                               le(distance, number(4)))},
      {"mask tensor", flagAt(i(), j())},
      {"every second block", eq(floorMod(floorDiv(j(), 8), 2), number(0))},
      {"other keys", negation(eq(i(), j()))},
      {"causal, or a global key", either(causal(), lt(docAt(j()), number(3)))},
      {"back from a run-time key", lt(floorMod(sub(w(), j()), 16), number(3))},
      {"back from the number of a head",
       lt(floorMod(sub(add(h(), number(5)), j()), 16), number(3))},
      {"the document at the distance",
       eq(docAt(absolute(sub(i(), j()))), number(3))},
      {"next to key 1", eq(absolute(sub(number(1), j())), number(1))},
      {"a distance of exactly four", eq(distance, number(4))},
      {"causal but for late keys",
       le(choose(lt(j(), number(20)), j(), number(1000), "i32"), i())},
  };
}

/// A grid of `width` columns: rows and columns of the neighbourhood.
Expr neighbourhood(int32_t width, int32_t rows, int32_t columns) {
  auto near = [](Expr a, Expr c, int32_t distance) {
    return le(absolute(sub(a, c)), number(distance));
  };
  return both(near(floorMod(i(), width), floorMod(j(), width), columns),
              near(floorDiv(i(), width), floorDiv(j(), width), rows));
}

/// One in space: planes of `height` rows of `width` columns.
Expr neighbourhoodInSpace(int32_t width, int32_t height, int32_t distance) {
  auto near = [=](Expr a, Expr c) {
    return le(absolute(sub(a, c)), number(distance));
  };
  auto row = [=](Expr x) { return floorMod(floorDiv(x, width), height); };
  return both(
      both(near(floorMod(i(), width), floorMod(j(), width)),
           near(row(i()), row(j()))),
      near(floorDiv(i(), width * height), floorDiv(j(), width * height)));
}

TEST_F(Catalogue, ranges_are_exact) {
  // Visited are the keys from the first to the last that some row sees, and
  // those that every row sees are unmasked when there are half a block of them.
  TileShape shape;
  for (const Case &c : rangeCases()) {
    forEachTile(c, shape, [&](const World &world, const TileTrace &tile) {
      int64_t first = world.keys, last = -1, shared = 0;
      for (int64_t key = 0; key < world.keys; ++key) {
        int64_t rows = rowsThatSee(c.mask, world, tile, key);
        if (rows > 0) {
          first = std::min(first, key);
          last = key;
        }
        shared += rows == tile.queries;
      }
      for (int64_t key = 0; key < world.keys; ++key) {
        bool inside = first <= key && key <= last;
        EXPECT_EQ(tile.keys[key] != Class::Empty, inside)
            << "tile " << tile.firstQuery << " key " << key;
        bool full = rowsThatSee(c.mask, world, tile, key) == tile.queries &&
                    shared >= shape.step / 2;
        EXPECT_EQ(tile.keys[key] == Class::Full, full)
            << "tile " << tile.firstQuery << " key " << key;
      }
    });
  }
}

TEST_F(Catalogue, blocks_are_exact) {
  // Each block of `step` keys has its true class.
  TileShape shape;
  for (const Case &c : blockCases())
    forEachTile(c, shape, [&](const World &world, const TileTrace &tile) {
      for (const VisitedBlock &block : tile.blocks) {
        int64_t some = 0, all = 0;
        for (int64_t n = 0; n < block.keys; ++n) {
          int64_t rows = rowsThatSee(c.mask, world, tile, block.firstKey + n);
          some += rows > 0;
          all += rows == tile.queries;
        }
        Class expected = some == 0           ? Class::Empty
                         : all == block.keys ? Class::Full
                                             : Class::Partial;
        EXPECT_EQ(int(block.kind), int(expected))
            << "tile " << tile.firstQuery << " block " << block.firstKey;
      }
    });
}

TEST_F(Catalogue, neighbourhoods_visit_the_rows_of_the_grid) {
  // On a grid 8 wide, a query sees 1 row and 1 column around it. Visited are
  // the rows of the grid that some query sees.
  Case c{
      "2-D neighbourhood",
      both(le(absolute(sub(floorMod(i(), 8), floorMod(j(), 8))), number(1)),
           le(absolute(sub(floorDiv(i(), 8), floorDiv(j(), 8))), number(1)))};
  forEachTile(c, {}, [&](const World &world, const TileTrace &tile) {
    int64_t last = tile.firstQuery + tile.queries - 1;
    for (int64_t key = 0; key < world.keys; ++key) {
      bool near = key / 8 >= tile.firstQuery / 8 - 1 && key / 8 <= last / 8 + 1;
      if (!near) {
        EXPECT_EQ(tile.keys[key], Class::Empty);
      }
    }
  });
}

TEST_F(Catalogue, a_part_that_starts_past_the_end_visits_nothing) {
  // Where no key is far ahead of the tile, its prefix is all that is visited.
  Case c{"prefix, or far ahead",
         either(lt(j(), number(5)), lt(add(i(), number(30)), j()))};
  forEachTile(c, {}, [&](const World &world, const TileTrace &tile) {
    if (tile.firstQuery + 31 < world.keys)
      return;
    for (int64_t key = 0; key < world.keys; ++key)
      EXPECT_EQ(tile.keys[key] != Class::Empty, key < 5) << "key " << key;
  });
}

TEST_F(Catalogue, a_remainder_that_never_occurs_visits_nothing) {
  Case c{"remainders below 0", lt(floorMod(j(), 8), sub(w(), number(6)))};
  forEachTile(c, {}, [&](const World &, const TileTrace &tile) {
    EXPECT_TRUE(tile.blocks.empty());
  });
}

TEST_F(Catalogue, dilation_keeps_the_bounds_of_its_window) {
  Expr near = le(absolute(sub(i(), j())), number(9));
  Case c{"dilated", both(near, eq(floorMod(sub(i(), j()), 2, 1), number(0)))};
  forEachTile(c, {}, [&](const World &world, const TileTrace &tile) {
    for (int64_t key = 0; key < world.keys; ++key)
      EXPECT_EQ(tile.keys[key], rowsThatSee(near, world, tile, key) > 0
                                    ? Class::Partial
                                    : Class::Empty);
  });
}

TEST_F(Catalogue, a_window_visits_no_whole_blocks_around_it) {
  Case c{"window", window(number(256), number(0))};
  TileShape shape{24, 128};
  TileModule module;
  mlir::func::FuncOp function =
      module.parse(tileFunction(maskText(c.mask), kCaptures, shape));
  ASSERT_TRUE(function && module.classify());
  std::mt19937 random(1);
  World world = makeWorld(random, 960, 960);
  for (const TileTrace &tile : trace(function, world, shape)) {
    int64_t visited = 0;
    for (const VisitedBlock &block : tile.blocks)
      visited += block.keys;
    EXPECT_LE(visited, 256 + 24);
  }
}

TEST_F(Catalogue, neighbourhoods_narrower_than_a_block_are_exact) {
  // Tiles of 4 queries lie in one row of the grid: visited are the keys from
  // the first visible one to the last, and no block without a visible one.
  Case cases[] = {
      {"8 columns", neighbourhood(8, 1, 1)},
      {"12 columns", neighbourhood(12, 1, 2)},
      {"20 columns", neighbourhood(20, 0, 1)},
      {"20 columns, 2 rows", neighbourhood(20, 2, 3)},
      {"2 rows of 8 columns", neighbourhoodInSpace(8, 2, 0)},
      {"3 rows of 8 columns", neighbourhoodInSpace(8, 3, 1)},
  };
  TileShape shape;
  for (const Case &c : cases)
    forEachTile(c, shape, [&](const World &world, const TileTrace &tile) {
      int64_t first = world.keys, last = -1;
      for (int64_t key = 0; key < world.keys; ++key)
        if (rowsThatSee(c.mask, world, tile, key) > 0) {
          first = std::min(first, key);
          last = key;
        }
      int64_t from = world.keys, to = -1;
      for (const VisitedBlock &block : tile.blocks) {
        int64_t some = 0;
        for (int64_t n = 0; n < block.keys; ++n)
          some += rowsThatSee(c.mask, world, tile, block.firstKey + n) > 0;
        EXPECT_EQ(block.kind == Class::Empty, some == 0)
            << "tile " << tile.firstQuery << " block " << block.firstKey;
        from = std::min(from, block.firstKey);
        to = std::max(to, block.firstKey + block.keys - 1);
      }
      EXPECT_EQ(from, first) << "tile " << tile.firstQuery;
      EXPECT_EQ(to, last) << "tile " << tile.firstQuery;
    });
}

//===----------------------------------------------------------------------===//
// Along either axis
//===----------------------------------------------------------------------===//

/// Asks about every tile of every size, with keys and with queries solved for.
void probeBothWays(
    const Case &c,
    const std::function<void(MaskProbe &, const World &, const ProbeTile &,
                             const ProbeAnswer &)> &check) {
  TileShape shape;
  for (analysis::Axis axis : {analysis::Axis::Key, analysis::Axis::Query}) {
    MaskProbe probe(c.mask, axis, shape);
    std::mt19937 random(7);
    for (auto [queries, keys] : kSizes) {
      SCOPED_TRACE(std::string(c.name) +
                   (axis == analysis::Axis::Key ? ", keys" : ", queries") +
                   " solved for, S " + std::to_string(queries) + ", T " +
                   std::to_string(keys));
      for (World &world : worldsOf(random, queries, keys)) {
        expectSoundAnswers(c.mask, probe, world, shape);
        probe.forEachTile(
            world, [&](const ProbeTile &tile, const ProbeAnswer &answer) {
              check(probe, world, tile, answer);
            });
        if (::testing::Test::HasFailure())
          return;
      }
    }
  }
}

/// Each block of positions of a tile has its true class.
void expectExactBlocks(const Case &c, MaskProbe &probe, const ProbeTile &tile) {
  const int64_t positions = probe.solvedExtent(), step = TileShape().step;
  for (int64_t at = 0; at < positions; at += step) {
    int64_t count = std::min<int64_t>(step, positions - at);
    int64_t some = 0, all = 0;
    for (int64_t n = 0; n < count; ++n) {
      int64_t rows = probe.rowsThatSee(c.mask, tile, at + n);
      some += rows > 0;
      all += rows == tile.count;
    }
    Class expected = some == 0      ? Class::Empty
                     : all == count ? Class::Full
                                    : Class::Partial;
    EXPECT_EQ(int(probe.askBlock(at, count)), int(expected))
        << "tile " << tile.first << " block " << at;
  }
}

TEST_F(Catalogue, ranges_are_exact_along_either_axis) {
  for (const Case &c : rangeCases())
    probeBothWays(c, [&](MaskProbe &probe, const World &world,
                         const ProbeTile &tile, const ProbeAnswer &answer) {
      bool isSplit =
          c.queriesAreSplit && probe.solvedAxis() == analysis::Axis::Query;
      EXPECT_EQ(probe.isBlockwise, isSplit);
      int64_t first = -1, last = -1, shared = 0;
      for (int64_t at = 0; at < probe.solvedExtent(); ++at) {
        int64_t rows = probe.rowsThatSee(c.mask, tile, at);
        if (rows > 0) {
          first = first < 0 ? at : first;
          last = at;
        }
        shared += rows == tile.count;
      }
      int64_t visited = std::max<int64_t>(answer.mayHigh - answer.mayLow, 0);
      EXPECT_EQ(visited, first < 0 ? 0 : last - first + 1)
          << "tile " << tile.first;
      if (isSplit)
        return expectExactBlocks(c, probe, tile);
      int64_t low = std::max<int64_t>(answer.mustLow, 0);
      int64_t high = std::min(answer.mustHigh, probe.solvedExtent());
      EXPECT_EQ(std::max<int64_t>(high - low, 0), shared)
          << "tile " << tile.first;
    });
}

TEST_F(Catalogue, blocks_are_exact_along_either_axis) {
  for (const Case &c : blockCases())
    probeBothWays(
        c, [&](MaskProbe &probe, const World &, const ProbeTile &tile,
               const ProbeAnswer &) { expectExactBlocks(c, probe, tile); });
}

} // namespace
