//===- tile_function.h - Tile-level functions for tests --------*- C++ -*-===//
//
// The text of a function at the tile level with a given mask, and a driver that
// parses it, runs passes on it and interprets it.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_UNIT_TILE_FUNCTION_H
#define LADON_TEST_UNIT_TILE_FUNCTION_H

#include "compiler/codegen/cpu/Passes.h"
#include "compiler/reference/TileInterpreter.h"
#include "compiler/transforms/InitLadon.h"
#include "compiler/transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "gtest/gtest.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ladon::test {

/// A captured operand: its name without '%', and its type.
using Capture = std::pair<std::string, std::string>;

struct TileShape {
  int rows = 4; ///< Queries of a tile.
  int step = 8; ///< Keys of a block.
};

/// A function of the form for many queries, (q, k, v, captures..., out), all of
/// q, k, v, out being memref<?x2x?x4xf32>, whose key loop masks every block
/// with `mask`. The mask sees %b, %h, %i, %j, %off (T - S) and the captures
/// under their names, each as i32 or as declared.
inline std::string tileFunction(const std::string &mask,
                                const std::vector<Capture> &captures,
                                TileShape shape = {}, bool guarded = false) {
  const std::string memref =
      "memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>";
  auto tensor = [](std::string dims) { return "tensor<" + dims + "xf32>"; };
  std::string r = std::to_string(shape.rows), k = std::to_string(shape.step);
  std::string vec = tensor(r), acc = tensor("4x" + r), keys = tensor(k + "x4"),
              scores = tensor(k + "x" + r);
  std::string params, names = "%off_", types = "i32", args = ", %off: i32";
  for (auto &[name, type] : captures) {
    params += ", %" + name + "_: " + type;
    names += ", %" + name + "_";
    types += ", " + type;
    args += ", %" + name + ": " + type;
  }
  std::string state = vec + ", " + vec + ", " + acc;
  return "func.func @f(%q: " + memref + ", %k: " + memref + ", %v: " + memref +
         params + ", %out: " + memref + ") {\n" + R"(
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %cR = arith.constant )" +
         r + R"( : index
  %B = memref.dim %q, %c0 : )" +
         memref + R"(
  %S = memref.dim %q, %c2 : )" +
         memref + R"(
  %T = memref.dim %k, %c2 : )" +
         memref + R"(
  %diff = arith.subi %T, %S : index
  %off_ = arith.index_cast %diff : index to i32
  %nq = arith.ceildivsi %S, %cR : index
  tile.grid (%B, %c2, %nq) schedule <order = [0, 1, 2]> {
  ^bb0(%b_: index, %h_: index, %t: index):
    %i0 = arith.muli %t, %cR : index
    %rest = arith.subi %S, %i0 : index
    %rows = arith.minsi %rest, %cR : index
    %qt = tile.load %q[%b_, %h_, %i0] rows %rows scale 5.0e-01 transposed : )" +
         memref + " -> " + acc + "\n%m, %l, %a = tile.softmax_init : " + state +
         R"(
    %st:3 = tile.key_loop [%c0, %T) step )" +
         k + " init(%m, %l, %a : " + state + ") -> " + state +
         " {\n^bb0(%j0: index, %n: index, %m1: " + vec + ", %l1: " + vec +
         ", %a1: " + acc + R"():
      %kt = tile.load %k[%b_, %h_, %j0] rows %n : )" +
         memref + " -> " + keys +
         "\n%s = tile.contract %qt, %kt columns %n maps "
         "[affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, "
         "affine_map<(r, c, d) -> (c, r)>] : " +
         acc + ", " + keys + " -> " + scores +
         "\n%s2 = tile.mask %s at [%b_, %h_, %i0, %j0] keys %n transposed "
         "captures(" +
         names + " : " + types +
         ") {\n^bb0(%b: i32, %h: i32, %i: i32, %j: i32" + args + "):\n" + mask +
         "} : " + scores + " -> " + scores +
         "\n%top = tile.row_max %s2 keys %n transposed : " + scores + " -> " +
         vec +
         "\n%w:4 = tile.softmax_weights %s2 top %top keys %n state(%m1, %l1) "
         "transposed : " +
         scores + ", " + vec + ", " + vec + ", " + vec + " -> " + scores +
         ", " + vec + ", " + vec + ", " + vec +
         "\n%vt = tile.load %v[%b_, %h_, %j0] rows %n : " + memref + " -> " +
         keys +
         "\n%a2 = tile.accumulate %w#0, %vt keys %n into %a1 rescale %w#3" +
         (guarded ? " guarded %s2 : " + scores : std::string()) +
         " transposed : " + scores + ", " + keys + ", " + acc + ", " + vec +
         " -> " + acc + "\ntile.yield %w#1, %w#2, %a2 : " + state +
         "\n}\n%o:2 = tile.softmax_finish(%st#0, %st#1, %st#2) transposed : " +
         state + " -> " + acc + ", " + vec +
         "\ntile.store %o#0, %out[%b_, %h_, %i0] rows %rows transposed : " +
         acc + ", " + memref + "\n}\nreturn\n}\n";
}

/// A parsed module and its context.
struct TileModule {
  TileModule() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.disableMultithreading();
    // Remarks are expected; errors fail the test.
    context.getDiagEngine().registerHandler([](mlir::Diagnostic &d) {
      if (d.getSeverity() == mlir::DiagnosticSeverity::Error)
        ADD_FAILURE() << d.str();
    });
  }

  mlir::func::FuncOp parse(const std::string &text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    return module ? *module->getOps<mlir::func::FuncOp>().begin()
                  : mlir::func::FuncOp();
  }

  bool classify() {
    mlir::PassManager pm(&context);
    pm.addNestedPass<mlir::func::FuncOp>(createClassifyBlocks());
    return mlir::succeeded(pm.run(*module));
  }

  /// Summaries of captured tensors, by blocks of so many positions.
  bool summarize(int64_t positions) {
    cpu::SummarizeRangesOptions options;
    options.positions = positions;
    mlir::PassManager pm(&context);
    pm.addPass(mlir::createCanonicalizerPass());
    pm.addNestedPass<mlir::func::FuncOp>(cpu::createSummarizeRanges(options));
    return mlir::succeeded(pm.run(*module));
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// [B, 2, N, 4] floats in row-major order.
struct Heads {
  Heads(int64_t batch, int64_t positions) : sizes{batch, 2, positions, 4} {
    data.resize(batch * 2 * positions * 4);
  }
  InterpreterBuffer buffer() {
    return InterpreterBuffer::dense(data.data(), sizes);
  }
  float &at(int64_t b, int64_t h, int64_t n, int64_t d) {
    return data[((b * 2 + h) * sizes[2] + n) * 4 + d];
  }
  std::vector<int64_t> sizes;
  std::vector<float> data;
};

} // namespace ladon::test

#endif // LADON_TEST_UNIT_TILE_FUNCTION_H
