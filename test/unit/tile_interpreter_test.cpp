//===- tile_interpreter_test.cpp - Tile-level functions against loops -----===//
//
// Runs hand-written tile-level IR, before and after block classification, and
// compares with attention written as plain loops.
//
//===----------------------------------------------------------------------===//

#include "tile_function.h"

#include <cmath>
#include <functional>
#include <limits>
#include <random>

using namespace ladon;
using namespace ladon::test;

namespace {

void fill(Heads &heads, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (float &x : heads.data)
    x = normal(random);
}

/// out = softmax(mask(q k^T / 2)) v in double precision; a row that sees no key
/// is zero.
void attend(Heads &q, Heads &k, Heads &v, Heads &out,
            const std::function<bool(int64_t, int64_t)> &visible) {
  int64_t queries = q.sizes[2], keys = k.sizes[2];
  for (int64_t b = 0; b < q.sizes[0]; ++b)
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t i = 0; i < queries; ++i) {
        double sum = 0, acc[4] = {};
        for (int64_t j = 0; j < keys; ++j) {
          if (!visible(i, j))
            continue;
          double score = 0;
          for (int64_t d = 0; d < 4; ++d)
            score += 0.5 * q.at(b, h, i, d) * k.at(b, h, j, d);
          sum += std::exp(score);
          for (int64_t d = 0; d < 4; ++d)
            acc[d] += std::exp(score) * v.at(b, h, j, d);
        }
        for (int64_t d = 0; d < 4; ++d)
          out.at(b, h, i, d) = sum == 0 ? 0 : acc[d] / sum;
      }
}

const char *kCausal = "%last = arith.addi %i, %off : i32\n"
                      "%vis = arith.cmpi sle, %j, %last : i32\n"
                      "tile.yield %vis : i1\n";

/// Largest difference from plain loops of a causal attention.
double causalError(int64_t queries, int64_t keys, bool classify) {
  TileModule module;
  mlir::func::FuncOp function = module.parse(tileFunction(kCausal, {}));
  EXPECT_TRUE(function);
  if (classify)
    EXPECT_TRUE(module.classify());
  Heads q(2, queries), k(2, keys), v(2, keys), out(2, queries),
      expected(2, queries);
  fill(q, 1);
  fill(k, 2);
  fill(v, 3);
  fill(out, 4);
  auto error =
      interpret(function, {q.buffer(), k.buffer(), v.buffer(), out.buffer()});
  EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
  attend(q, k, v, expected,
         [&](int64_t i, int64_t j) { return j <= i + keys - queries; });
  double worst = 0;
  for (size_t n = 0; n < out.data.size(); ++n)
    worst = std::max<double>(worst, std::abs(out.data[n] - expected.data[n]));
  return worst;
}

TEST(TileInterpreter, agrees_with_plain_loops) {
  for (auto [queries, keys] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1}, {7, 20}, {20, 7}, {16, 16}, {0, 5}, {5, 0}}) {
    EXPECT_LT(causalError(queries, keys, false), 1e-6) << queries << keys;
    EXPECT_LT(causalError(queries, keys, true), 1e-6) << queries << keys;
  }
}

TEST(TileInterpreter, strides_are_followed) {
  TileModule module;
  mlir::func::FuncOp function = module.parse(tileFunction(kCausal, {}));
  int64_t n = 9;
  Heads q(1, n), k(1, n), v(1, n), out(1, n), expected(1, n);
  fill(q, 1);
  fill(k, 2);
  fill(v, 3);
  // k as [feature, position, head], with a gap between the heads.
  std::vector<float> moved(4 * n * 3, std::nanf(""));
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t p = 0; p < n; ++p)
      for (int64_t d = 0; d < 4; ++d)
        moved[(d * n + p) * 3 + h] = k.at(0, h, p, d);
  InterpreterBuffer view;
  view.data = moved.data();
  view.sizes = {1, 2, n, 4};
  view.strides = {0, 1, 3, 3 * n};
  auto error =
      interpret(function, {q.buffer(), view, v.buffer(), out.buffer()});
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  attend(q, k, v, expected, [](int64_t i, int64_t j) { return j <= i; });
  for (size_t x = 0; x < out.data.size(); ++x)
    EXPECT_NEAR(out.data[x], expected.data[x], 1e-6);
}

TEST(TileInterpreter, skipped_keys_are_not_read) {
  // Keys and values from 8 on belong to another document and are not numbers.
  std::string mask = "%x = attn.read %doc[%i] : memref<?xi32>, i32 -> i32\n"
                     "%y = attn.read %doc[%j] : memref<?xi32>, i32 -> i32\n"
                     "%vis = arith.cmpi eq, %x, %y : i32\n"
                     "tile.yield %vis : i1\n";
  TileShape shape{4, 8};
  TileModule module;
  mlir::func::FuncOp function =
      module.parse(tileFunction(mask, {{"doc", "memref<?xi32>"}}, shape));
  ASSERT_TRUE(function && module.classify());
  Heads q(1, 4), k(1, 16), v(1, 16), out(1, 4), expected(1, 4);
  fill(q, 1);
  fill(k, 2);
  fill(v, 3);
  std::vector<int32_t> doc(16, 1);
  std::fill(doc.begin() + 8, doc.end(), 2);
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t j = 8; j < 16; ++j)
      k.at(0, h, j, 0) = v.at(0, h, j, 1) = std::nanf("");
  auto error = interpret(function, {q.buffer(), k.buffer(), v.buffer(),
                                    InterpreterBuffer::dense(doc.data(), {16}),
                                    out.buffer()});
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  attend(q, k, v, expected, [](int64_t, int64_t j) { return j < 8; });
  for (size_t x = 0; x < out.data.size(); ++x)
    EXPECT_NEAR(out.data[x], expected.data[x], 1e-6);
}

TEST(TileInterpreter, guarded_updates_keep_hidden_infinities_out) {
  for (bool guarded : {false, true}) {
    TileModule module;
    mlir::func::FuncOp function =
        module.parse(tileFunction(kCausal, {}, {}, guarded));
    Heads q(1, 4), k(1, 4), v(1, 4), out(1, 4);
    fill(q, 1);
    fill(k, 2);
    fill(v, 3);
    v.at(0, 0, 3, 2) = std::numeric_limits<float>::infinity();
    auto error =
        interpret(function, {q.buffer(), k.buffer(), v.buffer(), out.buffer()});
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
    EXPECT_EQ(std::isfinite(out.at(0, 0, 0, 2)), guarded);
    EXPECT_FALSE(std::isfinite(out.at(0, 0, 3, 2)));
  }
}

TEST(TileInterpreter, full_blocks_come_first_and_are_told_apart) {
  TileModule module;
  mlir::func::FuncOp function = module.parse(R"(
func.func @f(%from: index, %to: index, %out: memref<20xi32>) {
  %c0 = arith.constant 0 : index
  %c20 = arith.constant 20 : index
  %m, %l, %a = tile.softmax_init : tensor<4xf32>, tensor<4xf32>, tensor<4x4xf32>
  %st = tile.key_loop [%c0, %c20) full [%from, %to) step 8 init(%m : tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%j: index, %n: index, %is_full: i1, %m1: tensor<4xf32>):
    %kind = arith.extui %is_full : i1 to i32
    memref.store %kind, %out[%j] : memref<20xi32>
    tile.yield %m1 : tensor<4xf32>
  }
  return
})");
  ASSERT_TRUE(function);
  std::vector<std::pair<int64_t, int64_t>> blocks;
  InterpreterOptions options;
  options.observer = [&](const VisitedBlock &block) {
    EXPECT_EQ(block.kind, VisitedBlock::Class::Empty);
    blocks.push_back({block.firstKey, block.keys});
  };
  std::vector<int32_t> kinds(20, -1);
  auto run = [&](int64_t from, int64_t to) {
    return interpret(function,
                     {from, to, InterpreterBuffer::dense(kinds.data(), {20})},
                     options);
  };
  auto error = run(3, 12);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  std::vector<std::pair<int64_t, int64_t>> expected = {
      {3, 8}, {11, 1}, {0, 3}, {12, 8}};
  EXPECT_EQ(blocks, expected);

  for (int64_t first : {3, 11})
    EXPECT_EQ(kinds[first], 1) << first;
  for (int64_t first : {0, 12})
    EXPECT_EQ(kinds[first], 0) << first;

  error = run(3, 21);
  std::string message = llvm::toString(std::move(error));
  EXPECT_NE(message.find("not within the bounds"), std::string::npos);
}

TEST(TileInterpreter, tensor_code_around_the_loops_runs) {
  TileModule module;
  mlir::func::FuncOp function = module.parse(R"(
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d1)>
func.func @f(%x: memref<2x3xf32>, %w: memref<3x4xf32>, %bias: memref<4xf32>, %y: memref<2x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc() : memref<2x4xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<2x4xf32>)
  linalg.matmul ins(%x, %w : memref<2x3xf32>, memref<3x4xf32>) outs(%t : memref<2x4xf32>)
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t, %bias : memref<2x4xf32>, memref<4xf32>) outs(%y : memref<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  return
})");
  ASSERT_TRUE(function);
  std::vector<float> x = {1, 2, 3, 4, 5, 6}, w(12, 1), bias = {0, 1, 2, 3},
                     y(8);
  auto error =
      interpret(function, {InterpreterBuffer::dense(x.data(), {2, 3}),
                           InterpreterBuffer::dense(w.data(), {3, 4}),
                           InterpreterBuffer::dense(bias.data(), {4}),
                           InterpreterBuffer::dense(y.data(), {2, 4})});
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  EXPECT_EQ(y, (std::vector<float>{6, 7, 8, 9, 15, 16, 17, 18}));
}

TEST(TileInterpreter, errors_name_the_operation_and_the_argument) {
  TileModule module;
  mlir::func::FuncOp function = module.parse(R"(
func.func @f(%x: vector<4xf32>, %y: memref<4xf32>) {
  return
})");
  float data[4] = {};
  auto run = [&](std::vector<InterpreterArgument> arguments) {
    return llvm::toString(interpret(function, arguments));
  };
  EXPECT_NE(run({int64_t(1)}).find("expected 2 arguments, found 1"),
            std::string::npos);
  function = module.parse("func.func @f(%y: memref<4xf32>) { return }");
  EXPECT_EQ(run({InterpreterBuffer::dense(data, {3})}),
            "argument 0: expected 4 elements on axis 0, found 3");
  EXPECT_EQ(run({1.0}), "argument 0: expected a buffer");
  function = module.parse(R"(
func.func @f(%y: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %v = vector.load %y[%c0] : memref<4xf32>, vector<4xf32>
  return
})");
  EXPECT_NE(run({InterpreterBuffer::dense(data, {4})})
                .find("vector.load: the interpreter does not know"),
            std::string::npos);
}

} // namespace
