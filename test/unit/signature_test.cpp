//===- signature_test.cpp - From a function to what its caller sees -------===//

#include "compiler/codegen/artifact/Signature.h"

#include "compiler/transforms/InitLadon.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace ladon;
using namespace ladon::artifact;

namespace {

class SignatureTest : public testing::Test {
protected:
  SignatureTest()
      : context(dialects()), handler(&context, [&](mlir::Diagnostic &error) {
          problem = error.str();
          return mlir::success();
        }) {}

  static mlir::DialectRegistry dialects() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  /// Reads the first entry point of `text`; empty, with `problem`, on errors.
  mlir::FailureOr<ProgramSpec> read(llvm::StringRef text) {
    problem.clear();
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << problem;
    return readSignature(entryPoints(*module).front());
  }

  mlir::MLIRContext context;
  std::string problem;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

constexpr char whole[] = R"(
func.func private @helper(f32) -> f32
func.func @whole(
    %q: tensor<?x8x?x64xf64> {attn.param = #attn.param<input q: f64[B, 8, S, 64], "the queries">},
    %on: tensor<?x?xi8> {attn.param = #attn.param<input on: bool[B, T]>},
    %n: i32 {attn.param = #attn.param<scalar n: i32>},
    %m: i64 {attn.param = #attn.param<scalar m: i64>},
    %flag: i8 {attn.param = #attn.param<scalar flag: bool>})
    -> (tensor<?x8x?x64xf64> {attn.param = #attn.param<output o: f64[B, 8, S, 64]>},
        tensor<?xf32> {attn.param = #attn.param<output lse: f32[S]>})
    attributes {attn.source = "text", attn.settings = {span = "64", deep = "true"}} {
  %empty = tensor.empty() : tensor<4xf32>
  %lse = tensor.cast %empty : tensor<4xf32> to tensor<?xf32>
  return %q, %lse : tensor<?x8x?x64xf64>, tensor<?xf32>
})";

TEST_F(SignatureTest, everythingIsReadOffTheAttributes) {
  auto spec = read(whole);
  ASSERT_TRUE(mlir::succeeded(spec)) << problem;
  EXPECT_EQ(spec->name, "whole");
  EXPECT_EQ(spec->source, "text");
  EXPECT_EQ(spec->symbols, (std::vector<std::string>{"B", "S", "T"}));
  EXPECT_EQ(spec->facts, (std::vector<std::pair<std::string, std::string>>{
                             {"param.deep", "true"}, {"param.span", "64"}}));
  std::string params;
  for (const ParamSpec &param : spec->params)
    params += std::to_string(int(param.kind)) + " " + param.name + ": " +
              typeText(*spec, param) + "\n";
  EXPECT_EQ(params, "0 q: f64[B, 8, S, 64]\n0 on: bool[B, T]\n2 n: i32\n"
                    "2 m: i64\n2 flag: bool\n1 o: f64[B, 8, S, 64]\n"
                    "1 lse: f32[S]\n");
  EXPECT_EQ(spec->params[0].doc, "the queries");
  // A declaration is no entry point.
  EXPECT_EQ(entryPoints(*module).size(), 1u);
}

TEST_F(SignatureTest, whereCachesGrowIsRead) {
  auto spec = read(R"(
func.func @f(
    %at: i64 {attn.param = #attn.param<scalar at: i64 to ["C - S", 9]>},
    %table: memref<?x?xi32> {attn.param = #attn.param<input table: i32[B, P] writes [["at", "S", 4, "N"]]>},
    %k: memref<?x?xf32> {attn.param = #attn.param<input k: f32[N, S]>},
    %c: memref<?x?xf32> {attn.param = #attn.param<inout c: f32[N, C]>},
    %o: memref<?xf32> {attn.param = #attn.param<output o: f32[N]>}) { return })");
  ASSERT_TRUE(mlir::succeeded(spec)) << problem;
  EXPECT_EQ(spec->params[3].kind, ParamKind::InOut);
  EXPECT_EQ(spec->bounds, (std::vector<BoundSpec>{{0, "C - S"}, {0, "9"}}));
  EXPECT_EQ(spec->writtenPages,
            (std::vector<WrittenPagesSpec>{{1, 0, "S", "N", 4}}));
}

TEST_F(SignatureTest, placesThatNobodyCanCheckAreReported) {
  auto problemOf = [&](const std::string &at) {
    auto spec = read(R"(
func.func @f(
    %x: tensor<?x?xf32> {attn.param = #attn.param<input x: f32[S, N]>},
    %table: tensor<?x?xi32> {attn.param = #attn.param<input table: i32[B, P] writes [["at", "S", 4, "N"]]>},
    %at: )" + at + R"(>})
    -> (tensor<?x?xf32> {attn.param = #attn.param<output o: f32[S, N]>}) {
  return %x : tensor<?x?xf32> })");
    EXPECT_TRUE(mlir::failed(spec));
    return problem;
  };
  const std::string place =
      "expected the name of a place in 'writes', a parameter of i32 or i64 "
      "without axes or with the first axis of the table, found 'at'";
  EXPECT_EQ(problemOf("i32 {attn.param = #attn.param<scalar other: i32"),
            place);
  EXPECT_EQ(problemOf("f32 {attn.param = #attn.param<scalar at: f32"), place);
  EXPECT_EQ(problemOf("tensor<?xi32> {attn.param = #attn.param<input at: "
                      "i32[S] to [\"P\"]"),
            place);
  EXPECT_EQ(problemOf("i32 {attn.param = #attn.param<scalar at: i32"),
            "expected a place with a bound in 'writes', found 'at', which has "
            "no 'to'");
}

TEST_F(SignatureTest, whatIsMissingOrContradictsIsReported) {
  auto problemOf = [&](llvm::StringRef text) {
    auto spec = read(text);
    EXPECT_TRUE(mlir::failed(spec));
    return problem;
  };
  EXPECT_EQ(problemOf("func.func @f(%x: tensor<4xf32>) { return }"),
            "argument 0: expected 'attn.param', found none");
  EXPECT_EQ(problemOf(R"(
func.func @f(%x: tensor<4xf32> {attn.param = #attn.param<input x: f32[4]>})
    -> tensor<4xf32> { return %x : tensor<4xf32> })"),
            "result 0: expected 'attn.param', found none");
  EXPECT_EQ(problemOf(R"(
func.func @f(%x: tensor<4xf32> {attn.param = #attn.param<input x: f32[4]>},
             %n: i32 {attn.param = #attn.param<scalar x: i32>}) { return })"),
            "argument 1: another parameter has the name 'x'");
  EXPECT_EQ(problemOf(R"(
func.func @f(%x: tensor<4xf32> {attn.param = #attn.param<input x: f32[4]>}) {
  return })"),
            "expected an output, found none");
  EXPECT_EQ(problemOf(R"(
func.func @f(%x: memref<?xf32> {attn.param = #attn.param<output x: f32[N]>}) {
  return })"),
            "argument 0: expected a size of an input, found 'N'");
  EXPECT_EQ(problemOf(R"(
func.func @f(%x: memref<4xf80> {attn.param = #attn.param<input x: f80[4]>}) {
  return })"),
            "argument 0: the C interface has no elements of 'f80'");
  EXPECT_EQ(problemOf(R"(
func.func @f(%x: memref<4xbf16> {attn.param = #attn.param<input x: bf16[4]>},
             %c: bf16 {attn.param = #attn.param<scalar c: bf16>}) { return })"),
            "argument 1: 'bf16' is a type of tensors, expected a single value "
            "of f32");
}

TEST_F(SignatureTest, aChangedFunctionNoLongerFits) {
  constexpr char text[] = R"(
func.func @f(%x: memref<?xf32> {attn.param = #attn.param<input x: f32[N]>},
             %n: i32 {attn.param = #attn.param<scalar n: i32>},
             %y: memref<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  return
})";
  auto spec = read(text);
  ASSERT_TRUE(mlir::succeeded(spec)) << problem;
  mlir::func::FuncOp function = entryPoints(*module).front();
  EXPECT_TRUE(mlir::succeeded(verifySignature(function, *spec)));

  ProgramSpec other = *spec;
  std::swap(other.params[0], other.params[1]);
  EXPECT_TRUE(mlir::failed(verifySignature(function, other)));
  EXPECT_EQ(problem, "parameter 0: expected n: i32, found x: f32[N]");
  other = *spec;
  other.params[2].element = ElementType::F64;
  EXPECT_TRUE(mlir::failed(verifySignature(function, other)));
  EXPECT_EQ(problem, "parameter 2: expected y: f64[N], found y: f32[N]");
  other = *spec;
  other.params[0].dims.push_back({4, -1, ""});
  EXPECT_TRUE(mlir::failed(verifySignature(function, other)));
  EXPECT_EQ(problem, "parameter 0: expected x: f32[N, 4], found x: f32[N]");

  // An argument that a pass adds has no parameter.
  ASSERT_TRUE(mlir::succeeded(function.insertArgument(
      3, function.getArgumentTypes()[0], {}, function.getLoc())));
  EXPECT_TRUE(mlir::failed(verifySignature(function, *spec)));
  EXPECT_EQ(problem, "argument 3: expected 'attn.param', found none");
  ASSERT_TRUE(mlir::succeeded(function.eraseArgument(3)));
  ASSERT_TRUE(mlir::succeeded(function.eraseArgument(1)));
  EXPECT_TRUE(mlir::failed(verifySignature(function, *spec)));
  EXPECT_EQ(problem, "expected 3 parameters, found 2");
}

} // namespace
