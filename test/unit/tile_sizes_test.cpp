//===- tile_sizes_test.cpp - Tiles of all sizes in machine code -----------===//
//
// Functions at the tile level do the same as machine code and in the
// interpreter, whatever the numbers of rows, features and keys are.
//
//===----------------------------------------------------------------------===//

#include "tile_text.h"

#include "compiler/codegen/cpu/x86/X86Backend.h"

using namespace ladon;
using namespace ladon::test;

namespace {

class TileSizes : public TileCode {};

INSTANTIATE_TEST_SUITE_P(Layouts, TileSizes, testing::Bool(), layoutName);

void sweep(Tiles t) {
  SCOPED_TRACE(std::to_string(t.rows) + " rows, " + std::to_string(t.depth) +
               " features, transposed " + std::to_string(t.transposed));
  t.width = t.depth;
  t.keys = 128;
  for (const cpu::CpuTarget &target : runnableTargets()) {
    auto program = TileProgram::compile(t.attention({}), target);
    ASSERT_TRUE(bool(program)) << llvm::toString(program.takeError());
    for (int64_t keys : {0, 1, 127, 128, 130}) {
      std::vector<TileOperand> operands =
          t.operands(t.rows + t.rows / 2 + 1, keys, 1, 2);
      auto expected = (*program)->run(TileProgram::How::Interpreter, operands);
      auto found = (*program)->run(TileProgram::How::Code, operands);
      ASSERT_TRUE(expected && found);
      std::vector<double> plain = plainLoops(operands, false);
      for (size_t i = 0; i < plain.size(); ++i) {
        ASSERT_NEAR((*found)[3][i], plain[i], 1e-5) << keys << " keys, " << i;
        ASSERT_NEAR((*expected)[3][i], plain[i], 1e-5) << keys << " keys";
      }
      for (size_t i = 0; i < (*found)[4].size(); ++i)
        ASSERT_TRUE((*found)[4][i] == (*expected)[4][i] ||
                    std::abs((*found)[4][i] - (*expected)[4][i]) < 1e-5)
            << keys << " keys: lse " << (*found)[4][i] << ", expected "
            << (*expected)[4][i];
    }
  }
}

TEST(TileCodeSizes, any_number_of_rows) {
  for (int rows : {1, 2, 3, 4, 8, 16}) {
    Tiles t;
    t.transposed = false;
    t.rows = rows;
    sweep(t);
  }
}

TEST(TileCodeSizes, any_number_of_features_in_rows) {
  for (int depth : {1, 7, 40, 64}) {
    Tiles t;
    t.transposed = false;
    t.rows = depth == 7 ? 4 : 2;
    t.depth = depth;
    sweep(t);
  }
}

TEST(TileCodeSizes, any_number_of_features_in_lanes) {
  for (int depth : {1, 7, 8, 40, 64}) {
    Tiles t;
    t.rows = depth == 7 ? 48 : 16;
    t.depth = depth;
    sweep(t);
  }
}

/// Rows in the lanes must fill registers: what does not is refused.
TEST(TileCodeSizes, lanes_that_no_register_has_are_refused) {
  for (int rows : {1, 2, 3, 4, 12}) {
    Tiles t;
    t.rows = rows;
    auto program =
        TileProgram::compile(t.attention({}), *cpu::findX86Level("x86-64-v3"));
    ASSERT_FALSE(bool(program));
    std::string message = llvm::toString(program.takeError());
    EXPECT_NE(message.find("expected a multiple of 8 rows in a tile, found " +
                           std::to_string(rows)),
              std::string::npos)
        << message;
  }
}

TEST_P(TileSizes, f64) {
  Tiles t = tiles();
  t.element = t.stored = "f64";
  Tiles::Block block;
  block.mask = causal;
  expectAgreement(t.attention(block), t.operands(21, 40), 1e-12);
}

TEST_P(TileSizes, base_two) {
  Tiles t = tiles();
  t.base2 = true;
  expectAgreement(t.attention({}), t.operands(5, 40));
}

TEST_P(TileSizes, scores_and_masks) {
  Tiles t = tiles();
  Tiles::Block block;
  block.mask = causal;
  auto operands = t.operands(37, 37);
  auto results = expectAgreement(t.attention(block), operands);
  std::vector<double> plain = plainLoops(operands, true);
  ASSERT_EQ(results[3].size(), plain.size());
  for (size_t i = 0; i < plain.size(); ++i)
    ASSERT_NEAR(results[3][i], plain[i], 1e-5);

  block.score = "%d = arith.subi %i, %j : i32\n"
                "%x = arith.sitofp %d : i32 to f32\n"
                "%c = arith.constant 0.125 : f32\n"
                "%y = arith.mulf %x, %c : f32\n"
                "%sum = arith.addf %s, %y : f32\n"
                "tile.yield %sum : f32\n";
  expectAgreement(t.attention(block), operands);
}

/// A mask that hides all keys of a row: out is 0, lse minus infinity.
TEST_P(TileSizes, rows_that_see_nothing) {
  Tiles t = tiles();
  Tiles::Block block;
  block.mask = "%c = arith.constant 3 : i32\n"
               "%visible = arith.cmpi sgt, %i, %c : i32\n"
               "tile.yield %visible : i1\n";
  auto results = expectAgreement(t.attention(block), t.operands(9, 20, 1, 1));
  EXPECT_EQ(results[3][0], 0);
  EXPECT_EQ(results[4][3], -infinity);
  EXPECT_TRUE(std::isfinite(results[4][4]));
}

/// Memory whose features are not neighbours takes other paths.
TEST_P(TileSizes, features_far_apart) {
  for (int width : {8, 7}) {
    Tiles t = tiles();
    t.depth = t.width = width;
    auto operands = t.operands(19, 40);
    for (TileOperand &operand : operands)
      operand.spread = 3;
    expectAgreement(t.attention({}), operands);
  }
}

} // namespace
