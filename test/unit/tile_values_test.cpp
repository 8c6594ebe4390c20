//===- tile_values_test.cpp - Tile values in machine code -----------------===//
//
// Every tile value is a value, whatever becomes of it: functions at the tile
// level do the same as machine code and in the interpreter.
//
//===----------------------------------------------------------------------===//

#include "tile_text.h"

using namespace ladon;
using namespace ladon::test;

namespace {

class TileValues : public TileCode {};

INSTANTIATE_TEST_SUITE_P(Layouts, TileValues, testing::Bool(), layoutName);

TEST_P(TileValues, two_attends_in_one_grid_point) {
  Tiles t = tiles();
  Tiles::Block block, other;
  block.mask = causal;
  other.key = "%v";
  other.value = "%k";
  // Both loops start from one initial state; the second result is stored first.
  std::string body =
      t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows", " scale 0.375") +
      t.init("z") + t.loop("s", "%qt", "%c0", "%T", "%z", block) +
      t.loop("u", "%qt", "%c0", "%T", "%z", other) + t.finish("p", "%u") +
      t.finish("o", "%s") + t.store("%p#0", "%more", "%b, %h, %i0", "%rows") +
      t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
      t.storeRow("%p#1", "%lse", "%b, %h, %i0", "%rows");
  auto operands = t.operands(21, 40);
  operands.insert(operands.begin() + 3, operands[3]);
  auto results =
      expectAgreement(t.function(body, ", %more: " + t.heads()), operands);
  ASSERT_FALSE(results.empty());
  EXPECT_NE(results[3], results[4]);
}

/// One loop that carries two states, of which the second lags a block behind:
/// the results of a loop are not in the order of its values.
TEST_P(TileValues, two_states_in_one_loop) {
  Tiles t = tiles();
  std::string state = t.state();
  std::string body =
      t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
      "%s:6 = tile.key_loop [%c0, %T) step 16 init(%z#0, %z#1, %z#2, %z#0, "
      "%z#1, %z#2 : " +
      state + ", " + state + ") -> " + state + ", " + state +
      " {\n^bb0(%j: index, %n: index, %m0: " + t.row() + ", %l0: " + t.row() +
      ", %a0: " + t.acc() + ", %m1: " + t.row() + ", %l1: " + t.row() +
      ", %a1: " + t.acc() + "):\n" +
      t.step("x", "%qt", "%j", "%n", "%m0", "%l0", "%a0", {}) +
      "tile.yield %xw#1, %xw#2, %xa, %m0, %l0, %a0 : " + state + ", " + state +
      "\n}\n" + "%o:2 = tile.softmax_finish (%s#0, %s#1, %s#2)" + t.flag() +
      " : " + state + " -> " + t.acc() + ", " + t.row() + "\n" +
      "%p:2 = tile.softmax_finish (%s#3, %s#4, %s#5)" + t.flag() + " : " +
      state + " -> " + t.acc() + ", " + t.row() + "\n" +
      t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
      t.store("%p#0", "%more", "%b, %h, %i0", "%rows") +
      t.storeRow("%p#1", "%lse", "%b, %h, %i0", "%rows");
  for (int64_t keys : {0, 16, 32, 56}) {
    auto operands = t.operands(9, keys);
    operands.insert(operands.begin() + 3, operands[3]);
    expectAgreement(t.function(body, ", %more: " + t.heads()), operands);
  }
}

/// Two accumulators that change places in every block.
TEST_P(TileValues, values_that_change_places) {
  Tiles t = tiles();
  std::string pair = t.acc() + ", " + t.acc();
  std::string body =
      t.loadQuery("x", "%q", "%b, %h, %i0", "%rows") +
      t.loadQuery("y", "%q", "%b, %h, %i0", "%rows", " scale 2.0") +
      "%s:2 = tile.key_loop [%c0, %T) step 16 init(%x, %y : " + pair + ") -> " +
      pair + " {\n^bb0(%j: index, %n: index, %a0: " + t.acc() +
      ", %a1: " + t.acc() + "):\ntile.yield %a1, %a0 : " + pair + "\n}\n" +
      t.store("%s#0", "%out", "%b, %h, %i0", "%rows") +
      t.store("%s#1", "%more", "%b, %h, %i0", "%rows") +
      t.storeRow("%z#1", "%lse", "%b, %h, %i0", "%rows");
  for (int64_t keys : {0, 16, 32, 48}) {
    auto operands = t.operands(9, keys);
    operands.insert(operands.begin() + 3, operands[3]);
    auto results = expectAgreement(
        t.function(t.init("z") + body, ", %more: " + t.heads()), operands);
    ASSERT_FALSE(results.empty());
    double first = operands[0].values[0];
    EXPECT_FLOAT_EQ(results[4][0], keys / 16 % 2 ? 2 * first : first);
  }
}

/// A tile that the next iteration makes anew from the last one's.
TEST_P(TileValues, a_new_buffer_in_every_iteration) {
  Tiles t = tiles();
  t.keys = t.depth = t.width = 16;
  // x becomes x k^T of the block, which has no place to be updated in.
  std::string body =
      t.loadQuery("x", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
      "%s = tile.key_loop [%c0, %T) step 16 init(%x : " + t.acc() + ") -> " +
      t.acc() + " {\n^bb0(%j: index, %n: index, %a0: " + t.acc() +
      "):\n%kt = tile.load %k[%b, %h, %j] rows %n scale 0.25 : " + t.heads() +
      " -> " + t.untransposed(16, 16) +
      "\n%y = tile.contract %a0, %kt columns %n maps " + t.maps() + " : " +
      t.acc() + ", " + t.untransposed(16, 16) + " -> " + t.acc() +
      "\ntile.yield %y : " + t.acc() + "\n}\n" +
      t.store("%s", "%out", "%b, %h, %i0", "%rows") +
      t.storeRow("%z#1", "%lse", "%b, %h, %i0", "%rows");
  for (int64_t keys : {0, 16, 32, 48, 64})
    expectAgreement(t.function(body), t.operands(9, keys));
}

/// A tile that is updated in a loop, and was made outside of it.
TEST_P(TileValues, an_update_in_a_loop_of_a_value_from_before_it) {
  Tiles t = tiles();
  t.keys = 16;
  t.depth = t.width = 16;
  Tiles::Block block;
  std::string scores = t.scores();
  std::string body =
      t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
      "%kt = tile.load %k[%b, %h, %c0] rows %T : " + t.heads() + " -> " +
      t.untransposed(16, 16) +
      "\n%raw = tile.contract %qt, %kt columns %T maps " + t.maps() + " : " +
      t.query() + ", " + t.untransposed(16, 16) + " -> " + scores + "\n" +
      "%s:3 = tile.key_loop [%c0, %T) step 3 init(%z#0, %z#1, %z#2 : " +
      t.state() + ") -> " + t.state() +
      " {\n^bb0(%j: index, %n: index, %m0: " + t.row() + ", %l0: " + t.row() +
      ", %a0: " + t.acc() + "):\n" +
      "%m = tile.modify %raw at [%b, %h, %i0, %j] keys %T" + t.flag() +
      " {\n^bb0(%x: f32, %bb: i32, %hh: i32, %i_: i32, %j_: i32):\n" +
      "%y = arith.addf %x, %x : f32\ntile.yield %y : f32\n} : " + scores +
      " -> " + scores + "\n%t0 = tile.row_max %m keys %T" + t.flag() + " : " +
      scores + " -> " + t.row() + "\n" +
      "%w:4 = tile.softmax_weights %m top %t0 keys %T state(%m0, %l0)" +
      t.flag() + " : " + scores + ", " + t.row() + ", " + t.row() + ", " +
      t.row() + " -> " + scores + ", " + t.row() + ", " + t.row() + ", " +
      t.row() + "\n" +
      "%a = tile.accumulate %w#0, %kt keys %T into %a0 rescale %w#3" +
      t.flag() + " : " + scores + ", " + t.untransposed(16, 16) + ", " +
      t.acc() + ", " + t.row() + " -> " + t.acc() +
      "\ntile.yield %w#1, %w#2, %a : " + t.state() + "\n}\n" +
      t.finish("o", "%s") + t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
      t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows");
  expectAgreement(t.function(body), t.operands(9, 16));
}

/// Scores that are stored after their weights were computed from them.
TEST_P(TileValues, a_value_that_is_needed_later) {
  Tiles t = tiles();
  t.keys = t.depth = t.width = 16;
  std::string body =
      t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
      t.step("x", "%qt", "%c0", "%T", "%z#0", "%z#1", "%z#2", {}) +
      t.store("%xa", "%out", "%b, %h, %i0", "%rows") +
      t.store("%xs", "%more", "%b, %h, %i0", "%rows") +
      t.storeRow("%xw#2", "%lse", "%b, %h, %i0", "%rows");
  auto operands = t.operands(9, 16);
  operands.insert(operands.begin() + 3, operands[3]);
  expectAgreement(t.function(body, ", %more: " + t.heads()), operands);
}

/// The accumulators before and after an update, and the initial state.
TEST_P(TileValues, old_and_new_state) {
  Tiles t = tiles();
  std::string body =
      t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
      t.step("x", "%qt", "%c0", "%T", "%z#0", "%z#1", "%z#2", {}) +
      t.step("y", "%qt", "%c0", "%T", "%xw#1", "%xw#2", "%xa", {}) +
      t.finish("o", "%z") + t.store("%ya", "%out", "%b, %h, %i0", "%rows") +
      t.store("%xa", "%more", "%b, %h, %i0", "%rows") +
      t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows");
  auto operands = t.operands(9, 16);
  operands.insert(operands.begin() + 3, operands[3]);
  auto results =
      expectAgreement(t.function(body, ", %more: " + t.heads()), operands);
  ASSERT_FALSE(results.empty());
  EXPECT_NEAR(results[4][0], 2 * results[3][0], 1e-4);
  EXPECT_EQ(results[5][0], -infinity);
}

TEST_P(TileValues, a_query_tile_is_stored) {
  Tiles t = tiles();
  for (int width : {8, 7}) {
    t.depth = t.width = width;
    std::string body =
        t.init("z") +
        t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows", " scale 2.0") +
        t.store("%qt", "%out", "%b, %h, %i0", "%rows") +
        t.storeRow("%z#1", "%lse", "%b, %h, %i0", "%rows");
    auto operands = t.operands(21, 5);
    auto results = expectAgreement(t.function(body), operands);
    ASSERT_FALSE(results.empty());
    for (size_t i = 0; i < results[3].size(); ++i)
      ASSERT_FLOAT_EQ(results[3][i], 2 * operands[0].values[i]);
  }
}

/// Rows used where they lie are still what they were when their memory is
/// overwritten: here row by row from one end to the other.
TEST(TileCodeValues, a_load_before_a_store_to_its_memory) {
  Tiles t;
  t.transposed = false;
  t.rows = 4;
  std::string body = t.init("z") +
                     t.loadQuery("x", "%out", "%b, %h, %i0", "%rows") +
                     t.loadQuery("y", "%q", "%b, %h, %i0", "%rows") +
                     t.store("%y", "%out", "%b, %h, %i0", "%rows") +
                     t.store("%x", "%more", "%b, %h, %i0", "%rows") +
                     t.storeRow("%z#1", "%lse", "%b, %h, %i0", "%rows");
  auto operands = t.operands(9, 5);
  operands.insert(operands.begin() + 3, operands[3]);
  operands[4] = randomOperand("f32", operands[4].sizes, 9);
  auto results =
      expectAgreement(t.function(body, ", %more: " + t.heads()), operands);
  ASSERT_FALSE(results.empty());
  EXPECT_EQ(results[3], operands[4].values);
}

/// An update of rows that lie in the caller's tensor leaves the tensor alone.
TEST(TileCodeValues, a_loaded_tile_is_updated) {
  Tiles t;
  t.transposed = false;
  t.rows = 4;
  t.depth = t.width = t.keys = 16;
  std::string body =
      t.init("z") + t.loadQuery("x", "%q", "%b, %h, %i0", "%rows") +
      "%y = tile.modify %x at [%b, %h, %i0, %c0] keys %T {\n" +
      "^bb0(%s: f32, %bb: i32, %hh: i32, %i_: i32, %j_: i32):\n" +
      "%d = arith.addf %s, %s : f32\ntile.yield %d : f32\n} : " + t.scores() +
      " -> " + t.scores() + "\n" +
      t.store("%y", "%out", "%b, %h, %i0", "%rows") +
      t.store("%x", "%more", "%b, %h, %i0", "%rows") +
      t.storeRow("%z#1", "%lse", "%b, %h, %i0", "%rows");
  auto operands = t.operands(9, 16);
  operands.insert(operands.begin() + 3, operands[3]);
  auto results =
      expectAgreement(t.function(body, ", %more: " + t.heads()), operands);
  ASSERT_FALSE(results.empty());
  EXPECT_EQ(results[0], operands[0].values);
  EXPECT_EQ(results[3], operands[0].values);
  EXPECT_FLOAT_EQ(results[4][0], 2 * operands[0].values[0]);
}

/// One of two tiles, one of which lies in the caller's tensor.
TEST(TileCodeValues, a_choice_between_rows_in_place_and_converted_ones) {
  Tiles t;
  t.transposed = false;
  t.rows = 4;
  std::string body =
      t.init("z") + "%first = arith.cmpi eq, %h, %c0 : index\n" +
      "%x = scf.if %first -> " + t.acc() + " {\n" +
      t.loadQuery("y", "%q", "%b, %h, %i0", "%rows") +
      "scf.yield %y : " + t.acc() + "\n} else {\n" +
      t.loadQuery("three", "%q", "%b, %h, %i0", "%rows", " scale 3.0") +
      "scf.yield %three : " + t.acc() + "\n}\n" +
      t.store("%x", "%out", "%b, %h, %i0", "%rows") +
      t.storeRow("%z#1", "%lse", "%b, %h, %i0", "%rows");
  auto operands = t.operands(9, 5);
  auto results = expectAgreement(t.function(body), operands);
  ASSERT_FALSE(results.empty());
  EXPECT_EQ(results[3][0], operands[0].values[0]);
  EXPECT_FLOAT_EQ(results[3].back(), 3 * operands[0].values.back());
}

/// Whether rows that lie in place hold something that is not finite.
TEST(TileCodeValues, rows_in_place_are_tested) {
  Tiles t;
  t.transposed = false;
  t.rows = 4;
  std::string body =
      t.init("z") + t.loadQuery("x", "%q", "%b, %h, %i0", "%rows") +
      "%bad = tile.has_non_finite %x : " + t.acc() + "\nscf.if %bad {\n" +
      t.loadQuery("y", "%q", "%b, %h, %i0", "%rows", " scale 2.0") +
      t.store("%y", "%out", "%b, %h, %i0", "%rows") + "} else {\n" +
      t.store("%x", "%out", "%b, %h, %i0", "%rows") + "}\n" +
      t.storeRow("%z#1", "%lse", "%b, %h, %i0", "%rows");
  auto operands = t.operands(4, 5);
  operands[0].values[9] = infinity;
  auto results = expectAgreement(t.function(body), operands);
  ASSERT_FALSE(results.empty());
  EXPECT_FLOAT_EQ(results[3][0], 2 * operands[0].values[0]);
  EXPECT_FLOAT_EQ(results[3].back(), operands[0].values.back());
}

/// A tile from outside of the grid, changed in every point of it.
TEST_P(TileValues, a_value_from_outside_the_grid) {
  Tiles t = tiles();
  t.depth = t.width = t.keys = 16;
  std::string text = t.function(
      t.init("z") + "%m = tile.modify %raw at [%b, %h, %i0, %c0] keys %T" +
      t.flag() +
      " {\n^bb0(%s: f32, %bb: i32, %hh: i32, %i_: i32, %j_: i32):\n" +
      "%x = arith.sitofp %hh : i32 to f32\n%d = arith.addf %s, %x : f32\n" +
      "tile.yield %d : f32\n} : " + t.scores() + " -> " + t.scores() + "\n" +
      t.store("%m", "%out", "%b, %h, %i0", "%rows") +
      t.storeRow("%z#1", "%lse", "%b, %h, %i0", "%rows"));
  std::string outside =
      t.loadQuery("xq", "%q", "%c0, %c0, %c0", "%cR") +
      "%kt = tile.load %k[%c0, %c0, %c0] rows %T : " + t.heads() + " -> " +
      t.untransposed(16, 16) +
      "\n%raw = tile.contract %xq, %kt columns %T maps " + t.maps() + " : " +
      t.query() + ", " + t.untransposed(16, 16) + " -> " + t.scores() + "\n";
  size_t grid = text.find("tile.grid");
  text.insert(grid, outside);
  expectAgreement(text, t.operands(t.rows, 16, 2, 3));
}

/// A state that starts before the loop, and a step outside of one.
TEST_P(TileValues, a_state_outside_of_loops) {
  Tiles t = tiles();
  Tiles::Block block;
  block.mask = causal;
  std::string body =
      t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
      "%c5 = arith.constant 5 : index\n" +
      t.step("x", "%qt", "%c0", "%c5", "%z#0", "%z#1", "%z#2", block) +
      "%s:3 = tile.key_loop [%c5, %T) step 16 init(%xw#1, %xw#2, %xa : " +
      t.state() + ") -> " + t.state() +
      " {\n^bb0(%jj: index, %n: index, %m0: " + t.row() + ", %l0: " + t.row() +
      ", %a0: " + t.acc() + "):\n" +
      t.step("y", "%qt", "%jj", "%n", "%m0", "%l0", "%a0", block) +
      "tile.yield %yw#1, %yw#2, %ya : " + t.state() + "\n}\n" +
      t.finish("o", "%s") + t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
      t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows");
  auto operands = t.operands(37, 37);
  auto results = expectAgreement(t.function(body), operands);
  auto whole = expectAgreement(
      t.function(t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
                 t.loop("s", "%qt", "%c0", "%T", "%z", block) +
                 t.finish("o", "%s") +
                 t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
                 t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows")),
      operands);
  ASSERT_EQ(results.size(), whole.size());
  for (size_t i = 0; i < whole[3].size(); ++i)
    ASSERT_NEAR(results[3][i], whole[3][i], 1e-5);
}

/// The output of an attend is the query of another one.
TEST_P(TileValues, an_attend_feeds_a_contraction) {
  Tiles t = tiles();
  std::string body =
      t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
      t.loop("s", "%qt", "%c0", "%T", "%z", {}) + t.finish("o", "%s") +
      t.loop("u", "%o#0", "%c0", "%T", "%z", {}) + t.finish("p", "%u") +
      t.store("%p#0", "%out", "%b, %h, %i0", "%rows") +
      t.store("%o#0", "%more", "%b, %h, %i0", "%rows") +
      t.storeRow("%p#1", "%lse", "%b, %h, %i0", "%rows");
  auto operands = t.operands(9, 40);
  operands.insert(operands.begin() + 3, operands[3]);
  expectAgreement(t.function(body, ", %more: " + t.heads()), operands);
}

/// A contraction over maps that no register tile is for.
TEST_P(TileValues, a_contraction_over_other_maps) {
  Tiles t = tiles();
  t.depth = t.width = t.keys = 16;
  t.rows = 16; // Transposed loads fill registers.
  std::string left = t.transposed ? "(r, d)" : "(d, r)";
  std::string query = t.transposed
                          ? t.untransposed(t.rows, 16)
                          : "tensor<16x" + std::to_string(t.rows) + "xf32>";
  std::string body =
      t.init("z") + "%x = tile.load %q[%b, %h, %i0] rows %rows" +
      (t.transposed ? "" : " transposed") + " : " + t.heads() + " -> " + query +
      "\n%kt = tile.load %k[%b, %h, %c0] rows %T transposed : " + t.heads() +
      " -> " + t.untransposed(16, 16) +
      "\n%s = tile.contract %x, %kt columns %T maps [affine_map<(r, c, d) -> " +
      left + ">, affine_map<(r, c, d) -> (d, c)>, affine_map<(r, c, d) -> " +
      (t.transposed ? "(c, r)" : "(r, c)") + ">] : " + query + ", " +
      t.untransposed(16, 16) + " -> " + t.scores() +
      "\n%m = tile.row_max %s keys %T" + t.flag() + " : " + t.scores() +
      " -> " + t.row() + "\n" + t.store("%s", "%out", "%b, %h, %i0", "%rows") +
      t.storeRow("%m", "%lse", "%b, %h, %i0", "%rows");
  expectAgreement(t.function(body), t.operands(9, 16));
}

/// Nothing is read for a load of no row, and nothing written by such a store.
TEST_P(TileValues, no_rows) {
  Tiles t = tiles();
  std::string body =
      t.init("z") + t.loadQuery("x", "%k", "%b, %h, %c0", "%c0") +
      t.loadQuery("y", "%k", "%b, %h, %c0", "%T", " scale 2.0") +
      "%r = tile.load %lse[%b, %h, %c0] rows %c0 : " + memref("f32", 3) +
      " -> " + t.row() + "\n" + t.store("%x", "%out", "%b, %h, %i0", "%c0") +
      t.store("%y", "%out", "%b, %h, %i0", "%T") +
      t.storeRow("%r", "%lse", "%b, %h, %i0", "%c0");
  auto operands = t.operands(5, 0);
  auto results = expectAgreement(t.function(body), operands);
  ASSERT_FALSE(results.empty());
  for (double x : results[3])
    EXPECT_TRUE(std::isnan(x));
}

/// Rows that do not exist never look like results that are not finite: equal
/// calls take equal paths, whatever scratch memory holds.
TEST_P(TileValues, rows_that_do_not_exist_are_finite) {
  Tiles t = tiles();
  Tiles::Block block;
  block.rows = " rows %rows";
  std::string body =
      t.init("z") + t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") +
      t.loop("s", "%qt", "%c0", "%T", "%z", block) + t.finish("o", "%s") +
      "%bad = tile.has_non_finite %o#0 rows %rows" + t.flag() + " : " +
      t.acc() + "\nscf.if %bad {\n" + "} else {\n" +
      t.store("%o#0", "%out", "%b, %h, %i0", "%rows") + "}\n" +
      t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows");
  for (int64_t queries : {1, t.rows + 1}) {
    auto results = expectAgreement(t.function(body), t.operands(queries, 20));
    ASSERT_FALSE(results.empty());
    for (double x : results[3])
      EXPECT_TRUE(std::isfinite(x));
  }
}

} // namespace
