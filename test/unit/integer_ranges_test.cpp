//===- integer_ranges_test.cpp - What integers can be ---------------------===//

#include "compiler/analysis/IntegerRanges.h"
#include "compiler/transforms/InitLadon.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

using namespace mlir;
using namespace ladon;
using namespace ladon::analysis;

namespace {

constexpr int64_t lowest = std::numeric_limits<int32_t>::min(),
                  highest = std::numeric_limits<int32_t>::max();

/// The range of what a function of a bit, an i32 of 0 to 9, any i32, and a
/// memref returns.
IntegerRange rangeOf(const std::string &body, const std::string &type = "i32") {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry);
  auto module = parseSourceString<ModuleOp>(
      "func.func @f(%bit: i1, %digit: i32, %any: i32, %memory: memref<?xi32>) "
      "-> " +
          type + " {\n" + body + "  return %r : " + type + "\n}\n",
      &context);
  if (!module) {
    ADD_FAILURE() << body;
    return {1, 0};
  }
  auto function = *module->getOps<func::FuncOp>().begin();
  IntegerRanges ranges;
  ranges.set(function.getArgument(1), {0, 9});
  return ranges.of(function.front().getTerminator()->getOperand(0));
}

void expectRange(const std::string &body, int64_t min, int64_t max,
                 const std::string &type = "i32") {
  IntegerRange range = rangeOf(body, type);
  EXPECT_EQ(int64_t(range.min), min) << body;
  EXPECT_EQ(int64_t(range.max), max) << body;
}

} // namespace

TEST(IntegerRanges, OfBits) {
  std::string constants = "  %three = arith.constant 3 : i32\n"
                          "  %five = arith.constant 5 : i32\n";
  expectRange(constants + "  %r = arith.select %bit, %five, %three : i32\n", 3,
              5);
  expectRange("  %r = arith.extui %bit : i1 to i32\n", 0, 1);
}

TEST(IntegerRanges, OfSumsAndProducts) {
  expectRange("  %r = arith.addi %digit, %digit : i32\n", 0, 18);
  expectRange("  %r = arith.subi %digit, %digit : i32\n", -9, 9);
  expectRange("  %r = arith.muli %digit, %digit : i32\n", 0, 81);
  // What may wrap may be anything.
  expectRange("  %r = arith.addi %any, %digit : i32\n", lowest, highest);
}

TEST(IntegerRanges, OfAbsoluteValues) {
  expectRange("  %d = arith.constant -12 : i32\n"
              "  %x = arith.addi %digit, %d : i32\n"
              "  %r = math.absi %x : i32\n",
              3, 12);
  expectRange("  %r = math.absi %any : i32\n", lowest, highest);
}

TEST(IntegerRanges, OfExtents) {
  expectRange("  %axis = arith.constant 0 : index\n"
              "  %r = memref.dim %memory, %axis : memref<?xi32>\n",
              int64_t(kPositions.min), int64_t(kPositions.max), "index");
  expectRange("  %axis = arith.constant 0 : index\n"
              "  %r = memref.load %memory[%axis] : memref<?xi32>\n",
              lowest, highest);
}
