//===- tile_rows_test.cpp - From rows to memory in machine code -----------===//
//
// Rows that come from several heads or through pages, and storage in other
// types than tiles have.
//
//===----------------------------------------------------------------------===//

#include "tile_text.h"

using namespace ladon;
using namespace ladon::test;

namespace {

class TileRows : public TileCode {};

INSTANTIATE_TEST_SUITE_P(Layouts, TileRows, testing::Bool(), layoutName);

const std::string fourHeads = " map affine_map<(r) -> (r mod 4, r floordiv 4)>";

/// Four query heads share a key head and a tile. The mask sees the head.
TEST_P(TileRows, rows_of_several_heads) {
  Tiles t = tiles();
  Tiles::Block block;
  block.at = "%b, %h";
  block.queryAt = "%b, %h4, %p0";
  block.rowMap = fourHeads;
  block.mask = "%last = arith.addi %i, %hh : i32\n"
               "%visible = arith.cmpi sle, %j, %last : i32\n"
               "tile.yield %visible : i1\n";
  std::string r = std::to_string(t.rows),
              positions = std::to_string(t.rows / 4);
  std::string text =
      "func.func @f(%q: " + t.heads() + ", %k: " + t.heads() +
      ", %v: " + t.heads() + ", %out: " + t.heads() +
      ", %lse: " + memref("f32", 3) +
      ") {\n%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n"
      "%c2 = arith.constant 2 : index\n%c4 = arith.constant 4 : index\n"
      "%cP = arith.constant " +
      positions + " : index\n%cR = arith.constant " + r +
      " : index\n%B = memref.dim %k, %c0 : " + t.heads() +
      "\n%H = memref.dim %k, %c1 : " + t.heads() +
      "\n%S = memref.dim %q, %c2 : " + t.heads() +
      "\n%T = memref.dim %k, %c2 : " + t.heads() +
      "\n%tiles = arith.ceildivsi %S, %cP : index\n"
      "tile.grid (%B, %H, %tiles) schedule <order = [0, 1, 2]> {\n"
      "^bb0(%b: index, %h: index, %t: index):\n"
      "%h4 = arith.muli %h, %c4 : index\n%p0 = arith.muli %t, %cP : index\n"
      "%rest = arith.subi %S, %p0 : index\n"
      "%rest4 = arith.muli %rest, %c4 : index\n"
      "%rows = arith.minsi %rest4, %cR : index\n" +
      t.loadQuery("qt", "%q", "%b, %h4, %p0", "%rows",
                  fourHeads + " scale 0.5") +
      t.init("z") + t.loop("s", "%qt", "%c0", "%T", "%z", block) +
      t.finish("o", "%s") +
      t.store("%o#0", "%out", "%b, %h4, %p0", "%rows", fourHeads) +
      t.storeRow("%o#1", "%lse", "%b, %h4, %p0", "%rows", fourHeads) +
      "}\nreturn\n}\n";
  for (int64_t queries : {1, 5}) {
    std::vector<TileOperand> operands = {
        randomOperand("f32", {2, 8, queries, 8}, 1),
        randomOperand("f32", {2, 2, 30, 8}, 2),
        randomOperand("f32", {2, 2, 30, 8}, 3),
        outputOperand("f32", {2, 8, queries, 8}),
        outputOperand("f32", {2, 8, queries})};
    auto results = expectAgreement(text, operands);
    ASSERT_FALSE(results.empty());
    for (double x : results[3])
      ASSERT_TRUE(std::isfinite(x)); // Every row is written.
    for (TileOperand &operand : operands)
      operand.spread = 2;
    expectAgreement(text, operands);
  }
}

/// Keys and values in pages of 8 positions, in any order.
TEST_P(TileRows, pages) {
  Tiles t = tiles();
  t.keys = 32;
  Tiles::Block block;
  block.load = " pages %pages : " + memref("i32", 2) + " of 8";
  block.mask = "%c27 = arith.constant 27 : i32\n"
               "%visible = arith.cmpi slt, %j, %c27 : i32\n"
               "tile.yield %visible : i1\n";
  std::string body =
      "%n = arith.constant 27 : index\n" +
      t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
      t.loop("s", "%qt", "%c0", "%n", "%z", block) + t.finish("o", "%s") +
      t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
      t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows");
  // Pages: [page, head, position in the page, feature].
  std::vector<TileOperand> operands = {
      randomOperand("f32", {2, 2, 5, 8}, 1),
      randomOperand("f32", {11, 2, 8, 8}, 2),
      randomOperand("f32", {11, 2, 8, 8}, 3),
      {"i32", {2, 4}, {7, 2, 9, 0, 3, 3, 10, 1}},
      outputOperand("f32", {2, 2, 5, 8}),
      outputOperand("f32", {2, 2, 5})};
  std::string text = t.function(body, ", %pages: " + memref("i32", 2));
  auto paged = expectAgreement(text, operands);

  // The same with the pages in a row.
  std::vector<TileOperand> dense = t.operands(5, 27);
  dense[0] = operands[0];
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t j = 0; j < 27; ++j)
        for (int64_t d = 0; d < 8; ++d)
          for (int n : {1, 2}) {
            auto page = int64_t(operands[3].values[b * 4 + j / 8]);
            dense[n].values[((b * 2 + h) * 27 + j) * 8 + d] =
                operands[n].values[((page * 2 + h) * 8 + j % 8) * 8 + d];
          }
  std::string plain = t.function(
      t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") + t.init("z") +
      t.loop("s", "%qt", "%c0", "%T", "%z", {}) + t.finish("o", "%s") +
      t.store("%o#0", "%out", "%b, %h, %i0", "%rows") +
      t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows"));
  auto expected = expectAgreement(plain, dense);
  ASSERT_FALSE(paged.empty() || expected.empty());
  EXPECT_EQ(paged[4], expected[3]);

  // Numbers of pages that do not exist are clamped.
  operands[3].values = {-5, 99, 1, 0, 2147483647, -2147483648.0, 10, 1};
  expectAgreement(text, operands);
}

TEST_P(TileRows, half_precision_storage) {
  for (std::string stored : {"f16", "bf16"})
    for (int width : {8, 7}) {
      Tiles t = tiles();
      t.stored = stored;
      t.depth = t.width = width;
      Tiles::Block block;
      block.mask = causal;
      // Once rounded, twice computed: at most one unit in the last place.
      expectAgreement(t.attention(block), t.operands(21, 40),
                      stored == "f16" ? 1e-3 : 8e-3);
    }
}

/// Every number of the storage type is loaded as it is, and stored again.
TEST_P(TileRows, every_half_precision_number) {
  for (std::string stored : {"f16", "bf16"}) {
    Tiles t = tiles();
    t.stored = stored;
    t.depth = t.width = 8;
    std::string body = t.init("z") +
                       t.loadQuery("x", "%q", "%b, %h, %i0", "%rows") +
                       t.store("%x", "%out", "%b, %h, %i0", "%rows") +
                       t.storeRow("%z#1", "%lse", "%b, %h, %i0", "%rows");
    auto operands = t.operands(65536 / 8, 1, 1, 1);
    const auto &semantics =
        stored == "f16" ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat();
    for (unsigned bits = 0; bits < 65536; ++bits)
      operands[0].values[bits] =
          llvm::APFloat(semantics, llvm::APInt(16, bits)).convertToDouble();
    auto results = expectAgreement(t.function(body), operands, 0);
    ASSERT_FALSE(results.empty());
    for (unsigned bits = 0; bits < 65536; ++bits)
      if (!std::isnan(operands[0].values[bits]))
        ASSERT_EQ(results[3][bits], operands[0].values[bits]);
  }
}

/// A store rounds to the nearest, ties to even; what is too large becomes
/// infinite, and a NaN stays one.
TEST_P(TileRows, stores_round) {
  const double cases[] = {
      1 + 0x1p-8,     1 + 0x1.8p-7,    1 + 0x1.000002p-8, 1 + 0x1p-11,
      1 + 0x1.8p-10,  65519.996,       65520.0,           0x1p-25,
      0x1.000002p-25, -0x1p-24,        0x1p-149,          0x1p-134,
      0x1.8p-133,     3.3895314e38,    3.3961775e38,      -3.4028235e38,
      infinity,       -infinity,       std::nan(""),      -0.0,
      0x1.fffffep-15, 0x1.fffffep-127, 123.456,           1e-40};
  for (std::string stored : {"f16", "bf16"}) {
    Tiles t = tiles();
    std::string halves = memref(stored, 4);
    for (int width : {8, 3}) { // Whole registers, and single elements.
      t.depth = t.width = width;
      std::string body = t.init("z") +
                         t.loadQuery("x", "%q", "%b, %h, %i0", "%rows") +
                         "tile.store %x, %half[%b, %h, %i0] rows %rows" +
                         t.flag() + " : " + t.acc() + ", " + halves + "\n" +
                         t.store("%x", "%out", "%b, %h, %i0", "%rows") +
                         t.storeRow("%z#1", "%lse", "%b, %h, %i0", "%rows");
      auto operands = t.operands(24 / width, 1, 1, 1);
      for (size_t i = 0; i < 24; ++i)
        operands[0].values[i] = storedAs(cases[i], "f32");
      operands.insert(operands.begin() + 3,
                      outputOperand(stored, operands[3].sizes));
      auto results =
          expectAgreement(t.function(body, ", %half: " + halves), operands, 0);
      ASSERT_FALSE(results.empty());
      for (size_t i = 0; i < 24; ++i) {
        double expected = storedAs(operands[0].values[i], stored);
        if (std::isnan(expected))
          EXPECT_TRUE(std::isnan(results[3][i]));
        else
          EXPECT_EQ(results[3][i], expected) << cases[i];
      }
    }
  }
}

} // namespace
