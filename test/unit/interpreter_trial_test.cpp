//===- interpreter_trial_test.cpp - Trials without a reference ------------===//

#include "compiler/driver/check/InterpreterTrial.h"

#include "compiler/codegen/artifact/Signature.h"
#include "compiler/transforms/InitLadon.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace ladon;

namespace {

/// y[i] = 2 x[i], as the tile level says it.
constexpr char doubled[] = R"(
func.func @doubled(
    %x: memref<?x4xf32> {attn.param = #attn.param<input x: f32[N, 4]>},
    %k: i32 {attn.param = #attn.param<scalar k: i32>},
    %y: memref<?x4xf32> {attn.param = #attn.param<output y: f32[N, 4]>}) {
  linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x4xf32>) outs(%y : memref<?x4xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.addf %a, %a : f32
      linalg.yield %c : f32
    }
  return
})";

class InterpreterTrialTest : public testing::Test {
protected:
  InterpreterTrialTest() : context(dialects()) {
    module = mlir::parseSourceString<mlir::ModuleOp>(doubled, &context);
    mlir::func::FuncOp function = artifact::entryPoints(*module).front();
    program = {describeParameters(*artifact::readSignature(function)),
               inputRoles(function), function};
    trial.sizes["N"] = 3;
  }
  static mlir::DialectRegistry dialects() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  /// What a trial says of a program that computes `value` of x; empty if right.
  std::string problemOf(llvm::function_ref<double(double)> value) {
    auto report = runInterpreterTrial(
        program,
        [&](llvm::ArrayRef<HostTensor> inputs,
            llvm::ArrayRef<HostTensor> outputs, int) {
          forEachPosition(inputs[0].shape,
                          [&](llvm::ArrayRef<int64_t> position) {
                            outputs[0].setFloat(
                                position, value(inputs[0].getFloat(position)));
                          });
          return llvm::Error::success();
        },
        trial);
    return report ? report->problem() : llvm::toString(report.takeError());
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  InterpretedProgram program;
  Trial trial;
};

TEST_F(InterpreterTrialTest, theParametersAreThoseOfTheFunction) {
  const ast::Attention &attention = program.attention;
  ASSERT_EQ(attention.params.size(), 2u);
  EXPECT_EQ(attention.params[0]->name, "x");
  EXPECT_EQ(attention.params[0]->type.str(), "f32[N, 4]");
  EXPECT_EQ(attention.params[1]->type.str(), "i32");
  ASSERT_EQ(attention.results.size(), 1u);
  EXPECT_EQ(attention.results[0].name, "y");
  EXPECT_EQ(attention.results[0].type.str(), "f32[N, 4]");
}

TEST_F(InterpreterTrialTest, rightProgramsPassInEveryView) {
  for (ViewKind view : allViewKinds()) {
    trial.views = view;
    EXPECT_EQ(problemOf([](double x) { return 2 * x; }), "");
  }
  // Another order of rounding.
  EXPECT_EQ(problemOf([](double x) { return 2 * x * (1 + 1e-6); }), "");
}

TEST_F(InterpreterTrialTest, wrongProgramsDoNot) {
  EXPECT_NE(problemOf([](double x) { return 2 * x * 1.001; }), "");
  EXPECT_NE(problemOf([](double) { return std::nan(""); }), "");
  std::string problem = problemOf([](double) { return 0; });
  EXPECT_TRUE(
      llvm::StringRef(problem).starts_with("y: element [0, 0]: expected "))
      << problem;
  EXPECT_TRUE(llvm::StringRef(problem).ends_with(", found 0")) << problem;
}

TEST(InputRoles, areFoundThroughSplitHeads) {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"(
#m = affine_map<(b, s, n, k) -> (b, s, k)>
#w = affine_map<(b, s, n, k) -> (k, n)>
#o = affine_map<(b, s, n, k) -> (b, s, n)>
func.func @f(%x: tensor<2x3x16xf32>, %w: tensor<16x16xf32>, %k: tensor<2x2x3x8xf32>,
             %v: tensor<2x2x3x8xf32>, %n: i32) -> tensor<2x2x3x8xf32> {
  %q = attn.split_heads %x heads 2 : tensor<2x3x16xf32> -> tensor<2x2x3x8xf32>
  %init = tensor.empty() : tensor<2x2x3x8xf32>
  %start = tensor.empty() : tensor<2x3x16xf32>
  %p = linalg.contract indexing_maps = [#m, #w, #o] ins(%x, %w : tensor<2x3x16xf32>, tensor<16x16xf32>)
      outs(%start : tensor<2x3x16xf32>) -> tensor<2x3x16xf32>
  %out = attn.attend heads 2 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %v : tensor<2x2x3x8xf32>, tensor<2x2x3x8xf32>, tensor<2x2x3x8xf32>)
      outs(%init : tensor<2x2x3x8xf32>)
      maps [affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>]
      -> tensor<2x2x3x8xf32>
  return %out : tensor<2x2x3x8xf32>
})",
                                                        &context);
  ASSERT_TRUE(module);
  EXPECT_EQ(inputRoles(artifact::entryPoints(*module).front()),
            (std::vector<InputRole>{InputRole::Query, InputRole::Weight,
                                    InputRole::Key, InputRole::Value,
                                    InputRole::Plain}));
}

} // namespace
