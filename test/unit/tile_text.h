//===- tile_text.h - Functions at the tile level, as text ------*- C++ -*-===//
//
// The pieces of an attention over tiles, to be put together in any way, and
// what tests of their machine code share.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_UNIT_TILE_TEXT_H
#define LADON_TEST_UNIT_TILE_TEXT_H

#include "tile_program.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace ladon::test {

inline constexpr double infinity = std::numeric_limits<double>::infinity();

inline std::string memref(const std::string &element, int rank) {
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
    std::string rows = "";   ///< " rows %n" where only n rows are computed
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
            block.rows + " maps " + maps() + " : " + this->query() + ", " +
            untransposed(keys, depth) + " -> " + scores() + "\n";
    std::string s = p + "s";
    std::string at = " at [" + block.queryAt + ", " + first + "] keys " + n +
                     block.rows + block.rowMap + flag();
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
    text += p + "t = tile.row_max " + s + " keys " + n + block.rows + flag() +
            " : " + scores() + " -> " + row() + "\n";
    text += p + "w:4 = tile.softmax_weights " + s + " top " + p + "t keys " +
            n + block.rows + " state(" + max + ", " + sum + ")" + base() +
            flag() + " : " + scores() + ", " + row() + ", " + row() + ", " +
            row() + " -> " + scores() + ", " + row() + ", " + row() + ", " +
            row() + "\n";
    text += p + "v = tile.load " + block.value + "[" + block.at + ", " + first +
            "] rows " + n + block.load + " : " + heads() + " -> " +
            untransposed(keys, width) + "\n";
    text += p + "a = tile.accumulate " + p + "w#0, " + p + "v keys " + n +
            block.rows + " into " + acc_ + " rescale " + p + "w#3" +
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
  std::string attention(Block block) const {
    block.rows = " rows %rows";
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

inline const std::string causal = "%visible = arith.cmpi sle, %j, %i : i32\n"
                                  "tile.yield %visible : i1\n";

/// softmax(0.375 q k^T) v of the operands of an attention, in double.
inline std::vector<double> plainLoops(const std::vector<TileOperand> &operands,
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

inline std::string layoutName(const testing::TestParamInfo<bool> &info) {
  return info.param ? "lanes" : "rows";
}

} // namespace ladon::test

#endif // LADON_TEST_UNIT_TILE_TEXT_H
