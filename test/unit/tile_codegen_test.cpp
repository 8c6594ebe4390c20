//===- tile_codegen_test.cpp - Tile values in machine code ----------------===//
//
// Every tile value is a value, whatever becomes of it: functions at the tile
// level do the same as machine code and in the interpreter.
//
//===----------------------------------------------------------------------===//

#include "tile_program.h"

#include "compiler/codegen/cpu/x86/X86Backend.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace ladon;
using namespace ladon::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string memref(const std::string &element, int rank) {
  std::string dims, strides;
  for (int axis = 0; axis < rank; ++axis) {
    dims += "?x";
    strides += axis ? ", ?" : "?";
  }
  return "memref<" + dims + element + ", strided<[" + strides +
         "], offset: ?>>";
}

/// Tiles of one attention, and the text of operations on them.
struct Tiles {
  int rows = 8, keys = 16, depth = 8, width = 8;
  bool transposed = true;
  std::string element = "f32"; ///< Of the tiles.
  std::string stored = "f32";  ///< Of the caller's tensors.
  bool base2 = false;

  std::string matrix(int r, int c) const {
    if (transposed)
      std::swap(r, c);
    return "tensor<" + std::to_string(r) + "x" + std::to_string(c) + "x" +
           element + ">";
  }
  std::string untransposed(int r, int c) const {
    return "tensor<" + std::to_string(r) + "x" + std::to_string(c) + "x" +
           element + ">";
  }
  std::string row() const {
    return "tensor<" + std::to_string(rows) + "x" + element + ">";
  }
  std::string query() const { return matrix(rows, depth); }
  std::string scores() const { return matrix(rows, keys); }
  std::string acc() const { return matrix(rows, width); }
  std::string state() const { return row() + ", " + row() + ", " + acc(); }
  std::string heads() const { return memref(stored, 4); }
  std::string flag() const { return transposed ? " transposed" : ""; }
  std::string base() const { return base2 ? " base2" : ""; }
  std::string maps() const {
    return transposed
               ? "[affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> "
                 "(c, d)>, affine_map<(r, c, d) -> (c, r)>]"
               : "[affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> "
                 "(c, d)>, affine_map<(r, c, d) -> (r, c)>]";
  }

  /// %name: rows of queries, from `at`, as many as `rows` says.
  std::string loadQuery(const std::string &name, const std::string &source,
                        const std::string &at, const std::string &count,
                        const std::string &more = "") const {
    return "%" + name + " = tile.load " + source + "[" + at + "] rows " +
           count + more + flag() + " : " + heads() + " -> " + query() + "\n";
  }
  std::string store(const std::string &tile, const std::string &dest,
                    const std::string &at, const std::string &count,
                    const std::string &more = "") const {
    return "tile.store " + tile + ", " + dest + "[" + at + "] rows " + count +
           more + flag() + " : " + acc() + ", " + heads() + "\n";
  }
  std::string storeRow(const std::string &tile, const std::string &dest,
                       const std::string &at, const std::string &count,
                       const std::string &more = "") const {
    return "tile.store " + tile + ", " + dest + "[" + at + "] rows " + count +
           more + " : " + row() + ", " + memref(stored, 3) + "\n";
  }
  std::string init(const std::string &name) const {
    return "%" + name + ":3 = tile.softmax_init : " + state() + "\n";
  }
  static std::string parts(const std::string &state) {
    return state + "#0, " + state + "#1, " + state + "#2";
  }

  /// What is done to one block: the source of its keys and values, positions,
  /// and an expression for a mask, which sees %b, %h, %i and %j.
  struct Block {
    std::string at = "%b, %h"; ///< batch and head of k and v
    std::string queryAt = "%b, %h, %i0";
    std::string key = "%k", value = "%v";
    std::string load = ""; ///< options of both loads
    std::string mask = "", score = "";
    std::string rowMap = ""; ///< of the mask
    bool guarded = false;
  };
  /// From the block of `n` keys from `first` on: %NAMEw (weights, max, sum,
  /// rescale) and %NAMEa, the accumulators.
  std::string step(const std::string &name, const std::string &query,
                   const std::string &first, const std::string &n,
                   const std::string &max, const std::string &sum,
                   const std::string &acc_, const Block &block) const {
    std::string p = "%" + name;
    std::string text;
    text += p + "k = tile.load " + block.key + "[" + block.at + ", " + first +
            "] rows " + n + block.load + " : " + heads() + " -> " +
            untransposed(keys, depth) + "\n";
    text += p + "s = tile.contract " + query + ", " + p + "k columns " + n +
            " maps " + maps() + " : " + this->query() + ", " +
            untransposed(keys, depth) + " -> " + scores() + "\n";
    std::string s = p + "s";
    std::string at = " at [" + block.queryAt + ", " + first + "] keys " + n +
                     block.rowMap + flag();
    if (!block.score.empty()) {
      text += p + "f = tile.modify " + s + at + " {\n^bb0(%s: " + element +
              ", %bb: i32, %hh: i32, %i: i32, %j: i32):\n" + block.score +
              "} : " + scores() + " -> " + scores() + "\n";
      s = p + "f";
    }
    if (!block.mask.empty()) {
      text += p + "m = tile.mask " + s + at +
              " {\n^bb0(%bb: i32, %hh: i32, %i: i32, %j: i32):\n" + block.mask +
              "} : " + scores() + " -> " + scores() + "\n";
      s = p + "m";
    }
    text += p + "t = tile.row_max " + s + " keys " + n + flag() + " : " +
            scores() + " -> " + row() + "\n";
    text += p + "w:4 = tile.softmax_weights " + s + " top " + p + "t keys " +
            n + " state(" + max + ", " + sum + ")" + base() + flag() + " : " +
            scores() + ", " + row() + ", " + row() + ", " + row() + " -> " +
            scores() + ", " + row() + ", " + row() + ", " + row() + "\n";
    text += p + "v = tile.load " + block.value + "[" + block.at + ", " + first +
            "] rows " + n + block.load + " : " + heads() + " -> " +
            untransposed(keys, width) + "\n";
    text += p + "a = tile.accumulate " + p + "w#0, " + p + "v keys " + n +
            " into " + acc_ + " rescale " + p + "w#3" +
            (block.guarded ? " guarded " + s + " : " + scores() : "") + flag() +
            " : " + scores() + ", " + untransposed(keys, width) + ", " + acc() +
            ", " + row() + " -> " + acc() + "\n";
    return text;
  }
  std::string loop(const std::string &name, const std::string &query,
                   const std::string &lower, const std::string &upper,
                   const std::string &init, const Block &block) const {
    return "%" + name + ":3 = tile.key_loop [" + lower + ", " + upper +
           ") step " + std::to_string(keys) + " init(" + parts(init) + " : " +
           state() + ") -> " + state() + " {\n^bb0(%" + name + "j: index, %" +
           name + "n: index, %" + name + "m0: " + row() + ", %" + name +
           "l0: " + row() + ", %" + name + "a0: " + acc() + "):\n" +
           step(name + "_", query, "%" + name + "j", "%" + name + "n",
                "%" + name + "m0", "%" + name + "l0", "%" + name + "a0",
                block) +
           "tile.yield %" + name + "_w#1, %" + name + "_w#2, %" + name +
           "_a : " + state() + "\n}\n";
  }
  std::string merge(const std::string &name, const std::string &one,
                    const std::string &other) const {
    return "%" + name + ":3 = tile.merge (" + parts(one) + ") with (" +
           parts(other) + ")" + base() + flag() + " : " + state() + ", " +
           state() + " -> " + state() + "\n";
  }
  std::string finish(const std::string &name, const std::string &state_) const {
    return "%" + name + ":2 = tile.softmax_finish (" + parts(state_) + ")" +
           base() + flag() + " : " + state() + " -> " + acc() + ", " + row() +
           "\n";
  }

  /// A function of (q, k, v, more, out, lse) whose grid has a point for each
  /// (batch, head, tile of queries): %b, %h, %i0, %rows, and %T.
  std::string function(const std::string &body,
                       const std::string &more = "") const {
    std::string r = std::to_string(rows);
    return "func.func @f(%q: " + heads() + ", %k: " + heads() +
           ", %v: " + heads() + more + ", %out: " + heads() +
           ", %lse: " + memref(stored, 3) + ") {\n" + R"(
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %cR = arith.constant )" +
           r + " : index\n%B = memref.dim %out, %c0 : " + heads() +
           "\n%H = memref.dim %out, %c1 : " + heads() +
           "\n%S = memref.dim %out, %c2 : " + heads() +
           "\n%T = memref.dim %k, %c2 : " + heads() + R"(
  %tiles = arith.ceildivsi %S, %cR : index
  tile.grid (%B, %H, %tiles) schedule <order = [0, 1, 2], descending = [2]> {
  ^bb0(%b: index, %h: index, %t: index):
    %i0 = arith.muli %t, %cR : index
    %rest = arith.subi %S, %i0 : index
    %rows = arith.minsi %rest, %cR : index
)" + body + "}\nreturn\n}\n";
  }
  /// All of an attention.
  std::string attention(const Block &block) const {
    return function(
        loadQuery("qt", "%q", "%b, %h, %i0", "%rows", " scale 0.375") +
        init("z") + loop("s", "%qt", "%c0", "%T", "%z", block) +
        finish("o", "%s") + store("%o#0", "%out", "%b, %h, %i0", "%rows") +
        storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows"));
  }
  /// Its operands.
  std::vector<TileOperand> operands(int64_t queries, int64_t keyCount,
                                    int64_t batch = 2,
                                    int64_t heads = 2) const {
    return {randomOperand(stored, {batch, heads, queries, depth}, 1),
            randomOperand(stored, {batch, heads, keyCount, depth}, 2),
            randomOperand(stored, {batch, heads, keyCount, width}, 3),
            outputOperand(stored, {batch, heads, queries, width}),
            outputOperand(stored, {batch, heads, queries})};
  }
};

const std::string causal = "%visible = arith.cmpi sle, %j, %i : i32\n"
                           "tile.yield %visible : i1\n";

/// softmax(0.375 q k^T) v of the operands of an attention, in double.
std::vector<double> plainLoops(const std::vector<TileOperand> &operands,
                               bool isCausal) {
  const TileOperand &q = operands[0], &k = operands[1], &v = operands[2];
  int64_t S = q.sizes[2], T = k.sizes[2], D = q.sizes[3], E = v.sizes[3];
  std::vector<double> out;
  for (int64_t bh = 0; bh < q.sizes[0] * q.sizes[1]; ++bh)
    for (int64_t i = 0; i < S; ++i) {
      std::vector<double> acc(E);
      double sum = 0;
      for (int64_t j = 0; j < T && (!isCausal || j <= i); ++j) {
        double score = 0;
        for (int64_t d = 0; d < D; ++d)
          score += 0.375 * q.values[(bh * S + i) * D + d] *
                   k.values[(bh * T + j) * D + d];
        double weight = std::exp(score);
        sum += weight;
        for (int64_t e = 0; e < E; ++e)
          acc[e] += weight * v.values[(bh * T + j) * E + e];
      }
      for (double a : acc)
        out.push_back(sum == 0 ? 0 : a / sum);
    }
  return out;
}

/// Both places of the rows.
class TileCode : public testing::TestWithParam<bool> {
protected:
  Tiles tiles() const {
    Tiles t;
    t.transposed = GetParam();
    t.rows = t.transposed ? 16 : 4;
    return t;
  }
};

INSTANTIATE_TEST_SUITE_P(Layouts, TileCode, testing::Bool(),
                         [](const testing::TestParamInfo<bool> &info) {
                           return info.param ? "lanes" : "rows";
                         });

//===----------------------------------------------------------------------===//
// Attention of all sizes
//===----------------------------------------------------------------------===//

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

TEST_P(TileCode, f64) {
  Tiles t = tiles();
  t.element = t.stored = "f64";
  Tiles::Block block;
  block.mask = causal;
  expectAgreement(t.attention(block), t.operands(21, 40), 1e-12);
}

TEST_P(TileCode, base_two) {
  Tiles t = tiles();
  t.base2 = true;
  expectAgreement(t.attention({}), t.operands(5, 40));
}

TEST_P(TileCode, scores_and_masks) {
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
TEST_P(TileCode, rows_that_see_nothing) {
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
TEST_P(TileCode, features_far_apart) {
  for (int width : {8, 7}) {
    Tiles t = tiles();
    t.depth = t.width = width;
    auto operands = t.operands(19, 40);
    for (TileOperand &operand : operands)
      operand.spread = 3;
    expectAgreement(t.attention({}), operands);
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

TEST_P(TileCode, two_attends_in_one_grid_point) {
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
TEST_P(TileCode, two_states_in_one_loop) {
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
TEST_P(TileCode, values_that_change_places) {
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
TEST_P(TileCode, a_new_buffer_in_every_iteration) {
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
TEST_P(TileCode, an_update_in_a_loop_of_a_value_from_before_it) {
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
TEST_P(TileCode, a_value_that_is_needed_later) {
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
TEST_P(TileCode, old_and_new_state) {
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

TEST_P(TileCode, a_query_tile_is_stored) {
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
TEST_P(TileCode, a_value_from_outside_the_grid) {
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
TEST_P(TileCode, a_state_outside_of_loops) {
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
TEST_P(TileCode, an_attend_feeds_a_contraction) {
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
TEST_P(TileCode, a_contraction_over_other_maps) {
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
TEST_P(TileCode, no_rows) {
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
TEST_P(TileCode, rows_that_do_not_exist_are_finite) {
  Tiles t = tiles();
  std::string body =
      t.init("z") + t.loadQuery("qt", "%q", "%b, %h, %i0", "%rows") +
      t.loop("s", "%qt", "%c0", "%T", "%z", {}) + t.finish("o", "%s") +
      "%bad = tile.has_non_finite %o#0 : " + t.acc() + "\nscf.if %bad {\n" +
      "} else {\n" + t.store("%o#0", "%out", "%b, %h, %i0", "%rows") + "}\n" +
      t.storeRow("%o#1", "%lse", "%b, %h, %i0", "%rows");
  for (int64_t queries : {1, t.rows + 1}) {
    auto results = expectAgreement(t.function(body), t.operands(queries, 20));
    ASSERT_FALSE(results.empty());
    for (double x : results[3])
      EXPECT_TRUE(std::isfinite(x));
  }
}

//===----------------------------------------------------------------------===//
// Rows of several heads, pages
//===----------------------------------------------------------------------===//

const std::string fourHeads = " map affine_map<(r) -> (r mod 4, r floordiv 4)>";

/// Four query heads share a key head and a tile. The mask sees the head.
TEST_P(TileCode, rows_of_several_heads) {
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
TEST_P(TileCode, pages) {
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

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

TEST_P(TileCode, merged_states_are_one_state) {
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

/// A state merged with itself counts every key twice: out stays, and lse grows
/// by log 2.
TEST_P(TileCode, a_state_merged_with_itself) {
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
TEST_P(TileCode, states_in_memory) {
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
TEST_P(TileCode, guarded_updates) {
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
TEST_P(TileCode, empty_rows_beside_values_that_are_not_finite) {
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
TEST_P(TileCode, large_scores) {
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

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

TEST_P(TileCode, half_precision_storage) {
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
TEST_P(TileCode, every_half_precision_number) {
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
TEST_P(TileCode, stores_round) {
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
