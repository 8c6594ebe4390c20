//===- tile_states_test.cpp - Softmax states in machine code --------------===//
//
// States that are merged, kept in memory, guarded, or of large scores.
//
//===----------------------------------------------------------------------===//

#include "tile_text.h"

using namespace ladon;
using namespace ladon::test;

namespace {

class TileStates : public TileCode {};

INSTANTIATE_TEST_SUITE_P(Layouts, TileStates, testing::Bool(), layoutName);

TEST_P(TileStates, merged_states_are_one_state) {
  for (bool base2 : {false, true}) {
    Tiles t = tiles();
    t.base2 = base2;
    std::string load = t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows");
    std::string rest = t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
                       t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows");
    std::string split = load + t.init("z") +
                        "%c13 = arith.constant 13 : index\n" +
                        "%mid = arith.minsi %c13, %T : index\n" +
                        t.loop("s", "%qt", "%c0", "%mid", "%z", {}) +
                        t.loop("u", "%qt", "%mid", "%T", "%z", {}) +
                        t.merge("m", "%s", "%u") + t.finish("o", "%m") + rest;
    std::string whole = load + t.init("z") +
                        t.loop("s", "%qt", "%c0", "%T", "%z", {}) +
                        t.finish("o", "%s") + rest;
    for (int64_t keys : {0, 13, 14, 50}) {
      auto operands = t.operands(t.rows + 1, keys);
      auto merged = expectAgreement(t.function(split), operands);
      auto single = expectAgreement(t.function(whole), operands);
      ASSERT_EQ(merged.size(), single.size());
      for (int n : {3, 4})
        for (size_t i = 0; i < single[n].size(); ++i)
          ASSERT_TRUE(merged[n][i] == single[n][i] ||
                      std::abs(merged[n][i] - single[n][i]) < 1e-5);
    }
  }
}

/// A state that starts from a score without a value, the same one for all rows
/// of a head; that of the second head is none.
TEST_P(TileStates, a_sink_joins_the_sum_and_has_no_value) {
  for (bool base2 : {false, true}) {
    Tiles t = tiles();
    t.base2 = base2;
    std::string body =
        t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") +
        "%sink = tile.load %more[%c0, %h, %c0] rows %rows map affine_map<(r) "
        "-> (0, 0)> scale 0.5 : " +
        memref(t.stored, 3) + " -> " + t.row() +
        "\n%z:3 = tile.softmax_init sinks(%sink : " + t.row() +
        ") : " + t.state() + "\n" + t.loop("s", "%qt", "%c0", "%T", "%z", {}) +
        t.finish("o", "%s") + t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
        t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows");
    for (int64_t keys : {0, 1, 16, 33}) {
      auto operands = t.operands(9, keys);
      operands[0].values.assign(operands[0].values.size(), 0);
      TileOperand sinks{t.stored, {1, 2, 1}, {3, -infinity}};
      operands.insert(operands.begin() + 3, sinks);
      auto results = expectAgreement(
          t.function(body, ", %more: " + memref(t.stored, 3)), operands);
      ASSERT_FALSE(results.empty());
      double base = base2 ? 2 : std::exp(1);
      double sum = double(keys) + std::pow(base, 1.5);
      EXPECT_NEAR(results[5][0], std::log(sum), 1e-5);
      if (keys)
        EXPECT_NEAR(results[5][9], std::log(double(keys)), 1e-5);
      else
        EXPECT_EQ(results[5][9], -infinity);

      // Beyond all numbers, as a change of units may make it: the largest one.

      operands[3].values = {infinity, -infinity};
      results = expectAgreement(
          t.function(body, ", %more: " + memref(t.stored, 3)), operands);
      ASSERT_FALSE(results.empty());
      for (size_t i = 0; i < results[4].size() / 4; ++i)
        ASSERT_EQ(results[4][i], 0);
      EXPECT_TRUE(std::isfinite(results[5][0]));
    }
  }
}

/// A state merged with itself counts every key twice: out stays, and lse grows
/// by log 2.
TEST_P(TileStates, a_state_merged_with_itself) {
  Tiles t = tiles();
  std::string body = t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") +
                     t.init("z") + t.loop("s", "%qt", "%c0", "%T", "%z", {}) +
                     t.merge("m", "%s", "%s") + t.finish("o", "%m") +
                     t.finish("p", "%s") +
                     t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
                     t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows") +
                     t.storeRow("%p#1", "%once", "%b, %h, %i0", "%rows");
  auto operands = t.operands(5, 20);
  operands.insert(operands.begin() + 3, operands.back());
  auto results = expectAgreement(
      t.function(body, ", %once: " + memref("f32", 3)), operands);
  ASSERT_FALSE(results.empty());
  for (size_t i = 0; i < results[3].size(); ++i)
    EXPECT_NEAR(results[5][i], results[3][i] + std::log(2.0), 1e-5);
}

/// Partial states that went through memory.
TEST_P(TileStates, states_in_memory) {
  Tiles t = tiles();
  std::string r = std::to_string(t.rows);
  auto load = [&](std::string name, std::string source, int rank,
                  std::string type, std::string flag) {
    return "%" + name + " = tile.load " + source + "[%b, %h, %c0] rows %cR" +
           flag + " : " + memref("f32", rank) + " -> " + type + "\n";
  };
  std::string body = t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") +
                     t.init("z") + t.loop("s", "%qt", "%c0", "%T", "%z", {}) +
                     t.storeRow("%s#0", "%pm", "%b, %h, %c0", "%cR") +
                     t.storeRow("%s#1", "%pl", "%b, %h, %c0", "%cR") +
                     t.store("%s#2", "%pa", "%b, %h, %c0", "%cR") +
                     load("m", "%pm", 3, t.row(), "") +
                     load("l", "%pl", 3, t.row(), "") +
                     load("a", "%pa", 4, t.acc(), t.flag()) +
                     "%o:2 = tile.softmax_finish (%m, %l, %a)" + t.flag() +
                     " : " + t.state() + " -> " + t.acc() + ", " + t.row() +
                     "\n" + t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
                     t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows");
  auto operands = t.operands(t.rows, 20);
  auto expected = expectAgreement(
      t.function(t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
                 t.loop("s", "%qt", "%c0", "%T", "%z", {}) +
                 t.finish("o", "%s") +
                 t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
                 t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows")),
      operands);
  operands.insert(operands.begin() + 3,
                  {outputOperand("f32", {2, 2, t.rows}),
                   outputOperand("f32", {2, 2, t.rows}),
                   outputOperand("f32", {2, 2, t.rows, 8})});
  auto results =
      expectAgreement(t.function(body, ", %pm: " + memref("f32", 3) +
                                           ", %pl: " + memref("f32", 3) +
                                           ", %pa: " + t.heads()),
                      operands);
  ASSERT_FALSE(results.empty() || expected.empty());
  EXPECT_EQ(results[6], expected[3]);
}

/// Values that no visible key has must not reach a row, where updates are
/// guarded.
TEST_P(TileStates, guarded_updates) {
  Tiles t = tiles();
  Tiles::Block block;
  block.mask = causal;
  for (bool guarded : {false, true}) {
    block.guarded = guarded;
    auto operands = t.operands(20, 20, 1, 1);
    operands[2].values[10 * 8 + 3] = infinity;
    operands[2].values[11 * 8 + 4] = std::nan("");
    auto results = expectAgreement(t.attention(block), operands);
    ASSERT_FALSE(results.empty());
    for (int64_t i = 0; i < 20; ++i)
      for (int64_t d = 0; d < 8; ++d)
        EXPECT_EQ(std::isfinite(results[3][i * 8 + d]),
                  guarded ? !(d == 3 && i >= 10) && !(d == 4 && i >= 11)
                          : d != 3 && d != 4)
            << i << ' ' << d << ' ' << guarded;
  }
}

/// A row that sees no key, beside a value that is not finite: such a row shows
/// that it is to be computed again with guarded updates, and is zero then.
TEST_P(TileStates, empty_rows_beside_values_that_are_not_finite) {
  Tiles t = tiles();
  Tiles::Block block;
  block.mask = "%c = arith.constant 2 : i32\n"
               "%visible = arith.cmpi sgt, %i, %c : i32\n"
               "tile.yield %visible : i1\n";
  for (bool guarded : {false, true}) {
    block.guarded = guarded;
    auto operands = t.operands(5, 20, 1, 1);
    operands[2].values[10 * 8 + 3] = infinity;
    auto results = expectAgreement(t.attention(block), operands);
    ASSERT_FALSE(results.empty());
    EXPECT_EQ(std::isnan(results[3][3]), !guarded);
    EXPECT_EQ(results[3][4], 0);
    EXPECT_EQ(results[4][0], -infinity);
    EXPECT_EQ(results[3][3 * 8 + 3], infinity);
  }
}

/// Scores of any size: differences are taken before anything is multiplied.
TEST_P(TileStates, large_scores) {
  for (double size : {1e4, 1e18, 3e19}) {
    Tiles t = tiles();
    auto operands = t.operands(5, 20, 1, 1);
    for (double &x : operands[0].values)
      x = storedAs(x * size, "f32");
    for (double &x : operands[1].values)
      x = storedAs(x * 1e18, "f32");
    auto results = expectAgreement(t.attention({}), operands, 1e-4);
    ASSERT_FALSE(results.empty());
    for (double x : results[3])
      EXPECT_TRUE(std::isfinite(x));
  }
}

/// Weights that lie in memory, divided there: by the state of their rows, or
/// nothing for rows that saw none of their keys, whatever lies there then.
TEST(TileCodeStates, stored_weights_are_normalized) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (bool base2 : {false, true})
    for (const char *map :
         {"", " map affine_map<(r) -> (r mod 2, r floordiv 2)>"})
      for (int64_t columns : {0, 3, 8, 21}) {
        Tiles t;
        t.rows = 16;
        t.base2 = base2;
        std::string load, rows = *map ? "%c2" : "%rows";
        for (const char *name : {"seen", "max", "sum"})
          load += std::string("%") + name + "_ = tile.load %" + name +
                  "[%b, %h, %i0] rows " + rows + map + " : " +
                  memref("f32", 3) + " -> " + t.row() + "\n";
        std::string state = memref("f32", 3);
        std::string body = load + "%n = memref.dim %out, %c3 : " + t.heads() +
                           "\ntile.normalize_stored %out[%b, %h, %i0] rows " +
                           rows +
                           " columns %n seen %seen_ state(%max_, %sum_)" +
                           t.base() + map + " : " + t.heads() + ", " + t.row() +
                           ", " + t.row() + ", " + t.row() + "\n";
        std::string text = "func.func @f(%seen: " + state + ", %max: " + state +
                           ", %sum: " + state + ", %out: " + t.heads() +
                           ") {\n" +
                           "  %c0 = arith.constant 0 : index\n"
                           "  %c1 = arith.constant 1 : index\n"
                           "  %c2 = arith.constant 2 : index\n"
                           "  %c3 = arith.constant 3 : index\n"
                           "  %S = memref.dim %out, %c2 : " +
                           t.heads() +
                           "\n  %one = arith.constant 1 : index\n"
                           "  tile.grid (%one) schedule <order = [0]> {\n"
                           "  ^bb0(%b: index):\n"
                           "    %h = arith.constant 0 : index\n"
                           "    %i0 = arith.constant 0 : index\n"
                           "    %rows = arith.minsi %S, %c3 : index\n" +
                           body + "}\nreturn\n}\n";
        TileOperand out = randomOperand("f32", {1, 2, 5, columns}, 7);
        if (columns > 1)
          out.values[1] = infinity; // Of a row that saw nothing there.
        std::vector<TileOperand> operands = {
            {"f32", {1, 2, 5}, {nan, 1, 0.5, 2, 3, -1, 0, 1, 2, 3}},
            {"f32", {1, 2, 5}, {2, 4, 3, 2, 3, 1, 0.5, 4, 3, 3}},
            {"f32", {1, 2, 5}, {5, 2, nan, 1, 1, 3, 0, 1, 1, 1}},
            out};
        auto results = expectAgreement(text, operands);
        ASSERT_EQ(results.size(), 4u);
        auto at = [&](int64_t head, int64_t i, int64_t j) {
          return results[3][(head * 5 + i) * columns + j];
        };
        for (int64_t j = 0; j < columns; ++j) {
          EXPECT_EQ(at(0, 0, j), 0);
          EXPECT_EQ(at(0, 4, j), out.values[4 * columns + j]);
          // Of both heads at one position, or of three positions of one.
          double old = out.values[(*map ? 5 : 1) * columns + j];
          double power = *map ? -2 : -3, sum = *map ? 3 : 2;
          EXPECT_NEAR(at(*map ? 1 : 0, *map ? 0 : 1, j),
                      old * (base2 ? std::exp2(power) : std::exp(power)) / sum,
                      1e-6);
          if (!*map)
            EXPECT_TRUE(std::isnan(at(0, 2, j)));
        }
      }
}

} // namespace
