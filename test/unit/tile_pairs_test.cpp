//===- tile_pairs_test.cpp - Tiles of pairs in machine code ---------------===//
//
// One block of attention on bf16 whose products add pairs (cpu.dot_pairs), in
// machine code and in the interpreter, with features and keys that fill no
// registers and no pairs.
//
//===----------------------------------------------------------------------===//

#include "test/unit/tile_program.h"

#include "compiler/codegen/cpu/x86/X86Backend.h"
#include "gtest/gtest.h"

using namespace ladon;
using namespace ladon::test;

namespace {

/// Head dim, value dim, keys of a block.
using Sizes = std::tuple<int, int, int>;
class TilePairs : public testing::TestWithParam<Sizes> {};

INSTANTIATE_TEST_SUITE_P(Sizes, TilePairs,
                         testing::Values(Sizes{64, 64, 128}, Sizes{40, 41, 6},
                                         Sizes{2, 1, 2}, Sizes{34, 8, 34}));

/// A function (q, k, v, out) of up to 48 queries and one block of keys; a guard
/// takes what it needs of the guarded form.
std::string blockOf(Sizes sizes, bool guarded) {
  auto [headDim, valueDim, keys] = sizes;
  std::string d = std::to_string(headDim), e = std::to_string(valueDim),
              n = std::to_string(keys);
  auto memory = [](const std::string &features) {
    return "memref<1x1x?x" + features +
           "xbf16, strided<[?, ?, ?, ?], offset: ?>>";
  };
  std::string q = "tensor<" + d + "x48xbf16>",
              k = "tensor<" + n + "x" + d + "xbf16>";
  std::string v = "tensor<" + n + "x" + e + "xbf16>",
              acc = "tensor<" + e + "x48xf32>", row = "tensor<48xf32>";
  std::string s = "tensor<" + n + "x48xf32>", p = "tensor<" + n + "x48xbf16>";
  return "func.func @f(%q: " + memory(d) + ", %k: " + memory(d) +
         ", %v: " + memory(e) + ", %out: " + memory(e) + R"() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %rows = memref.dim %q, %c2 : )" +
         memory(d) + "\n  %n = memref.dim %k, %c2 : " + memory(d) + R"(
  tile.grid (%c1) schedule <order = [0]> {
  ^bb0(%b: index):
    %qt = tile.load %q[%c0, %c0, %c0] rows %rows transposed : )" +
         memory(d) + " -> " + q +
         "\n%kt = tile.load %k[%c0, %c0, %c0] rows %n : " + memory(d) + " -> " +
         k + "\n%vt = tile.load %v[%c0, %c0, %c0] rows %n : " + memory(e) +
         " -> " + v + "\n%m, %l, %a = tile.softmax_init : " + row + ", " + row +
         ", " + acc + "\n%s = tile.contract %qt, %kt columns %n maps " +
         "[affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, "
         "affine_map<(r, c, d) -> (c, r)>] scale 0.25" +
         (guarded ? " compact" : "") + " : " + q + ", " + k + " -> " + s +
         "\n%top = tile.row_max %s keys %n transposed : " + s + " -> " + row +
         "\n%w:4 = tile.softmax_weights %s top %top keys %n state(%m, %l) "
         "transposed : " +
         s + ", " + row + ", " + row + ", " + row + " -> " + s + ", " + row +
         ", " + row + ", " + row +
         "\n%p = tile.round %w#0 keys %n transposed : " + s + " -> " + p +
         "\n%a2 = tile.accumulate %p, %vt keys %n into %a rescale %w#3" +
         (guarded ? " guarded %s : " + s : std::string()) +
         " transposed : " + p + ", " + v + ", " + acc + ", " + row + " -> " +
         acc +
         "\n%o:2 = tile.softmax_finish(%w#1, %w#2, %a2) transposed : " + row +
         ", " + row + ", " + acc + " -> " + acc + ", " + row +
         "\ntile.store %o#0, %out[%c0, %c0, %c0] rows %rows transposed : " +
         acc + ", " + memory(e) + "\n}\nreturn\n}\n";
}

TEST_P(TilePairs, agree_with_the_interpreter) {
  auto [headDim, valueDim, keys] = GetParam();
  std::optional<cpu::CpuTarget> level = cpu::findX86Level("x86-64-v4-bf16");
  ASSERT_TRUE(level && level->pairs);
  bool runs = runnableTargets().back().name == level->name;
  for (bool guarded : {false, true}) {
    auto program = TileProgram::compile(blockOf(GetParam(), guarded), *level);
    ASSERT_TRUE(bool(program)) << llvm::toString(program.takeError());
    if (!runs)
      continue;
    for (int64_t count : {keys, keys - 1})
      for (int64_t rows : {1, 17, 48})
        for (int64_t spread : {1, 2}) {
          std::vector<TileOperand> operands = {
              randomOperand("bf16", {1, 1, rows, headDim}, 1),
              randomOperand("bf16", {1, 1, count, headDim}, 2),
              randomOperand("bf16", {1, 1, count, valueDim}, 3),
              outputOperand("bf16", {1, 1, rows, valueDim})};
          for (TileOperand &operand : operands)
            operand.spread = spread;
          using How = TileProgram::How;
          auto expected = (*program)->run(How::Interpreter, operands);
          auto found = (*program)->run(How::Code, operands);
          ASSERT_TRUE(expected && found);
          // The weights of both are rounded, but not always to the same side.
          for (size_t i = 0; i < found->back().size(); ++i) {
            double x = found->back()[i], y = expected->back()[i];
            ASSERT_LE(std::abs(x - y), 0x1p-7 * (1 + std::abs(y)))
                << "element " << i << ", " << count << " keys, " << rows
                << " rows, " << spread << " apart";
          }
        }
  }
  if (!runs)
    GTEST_SKIP() << "compiled only: this machine has no AVX512-BF16";
}

} // namespace
