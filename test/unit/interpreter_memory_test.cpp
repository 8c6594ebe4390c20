//===- interpreter_memory_test.cpp - Memory and control flow, one by one --===//
//
// Every operation on memory and every loop that the tile interpreter knows, on
// a small tensor whose elements say where they are; and what it refuses.
//
//===----------------------------------------------------------------------===//

#include "tile_function.h"

#include <numeric>

using namespace ladon;
using namespace ladon::test;

namespace {

/// %x[a, b, c] = 100 a + 10 b + c.
std::vector<int32_t> places() {
  std::vector<int32_t> x;
  for (int a = 0; a < 2; ++a)
    for (int b = 0; b < 3; ++b)
      for (int c = 0; c < 4; ++c)
        x.push_back(100 * a + 10 * b + c);
  return x;
}

/// The body of a function of %x: memref<2x3x4xi32>, %one: index with the value
/// 1, %far: i32 with the value 99 and %out, a tensor of -1 of shape `shape`;
/// what is in %out afterwards.
struct MemoryCase {
  const char *name, *body;
  std::vector<int64_t> shape;
  std::vector<int32_t> expected;
};

void PrintTo(const MemoryCase &test, std::ostream *os) { *os << test.name; }

std::string memrefOf(llvm::ArrayRef<int64_t> shape) {
  std::string text = "memref<";
  for (int64_t extent : shape)
    text += std::to_string(extent) + "x";
  return text + "i32>";
}

const MemoryCase memoryCases[] = {
    {"subview_with_steps",
     R"(%r = memref.subview %x[1, 0, 1] [1, 3, 2] [1, 1, 2]
          : memref<2x3x4xi32> to memref<3x2xi32, strided<[4, 2], offset: 13>>
        memref.copy %r, %out
          : memref<3x2xi32, strided<[4, 2], offset: 13>> to memref<3x2xi32>)",
     {3, 2},
     {101, 103, 111, 113, 121, 123}},
    {"subview_at_a_value",
     R"(%r = memref.subview %x[0, %one, 2] [2, 1, 2] [1, 1, 1]
          : memref<2x3x4xi32> to memref<2x2xi32, strided<[12, 1], offset: ?>>
        memref.copy %r, %out
          : memref<2x2xi32, strided<[12, 1], offset: ?>> to memref<2x2xi32>)",
     {2, 2},
     {12, 13, 112, 113}},
    {"subview_that_keeps_an_axis_of_one",
     R"(%r = memref.subview %x[0, 2, 0] [2, 1, 1] [1, 1, 1]
          : memref<2x3x4xi32> to memref<2x1xi32, strided<[12, 4], offset: 8>>
        memref.copy %r, %out
          : memref<2x1xi32, strided<[12, 4], offset: 8>> to memref<2x1xi32>)",
     {2, 1},
     {20, 120}},
    {"transpose",
     R"(%r = memref.transpose %x (a, b, c) -> (c, a, b)
          : memref<2x3x4xi32> to memref<4x2x3xi32, strided<[1, 12, 4]>>
        memref.copy %r, %out
          : memref<4x2x3xi32, strided<[1, 12, 4]>> to memref<4x2x3xi32>)",
     {4, 2, 3},
     {0, 10, 20, 100, 110, 120, 1, 11, 21, 101, 111, 121,
      2, 12, 22, 102, 112, 122, 3, 13, 23, 103, 113, 123}},
    {"expand_the_last_axis",
     R"(%e = memref.expand_shape %x [[0], [1], [2, 3]] output_shape [2, 3, 2, 2]
          : memref<2x3x4xi32> into memref<2x3x2x2xi32>
        %r = memref.subview %e[1, 2, 0, 0] [1, 1, 2, 2] [1, 1, 1, 1]
          : memref<2x3x2x2xi32> to memref<2x2xi32, strided<[2, 1], offset: 20>>
        memref.copy %r, %out
          : memref<2x2xi32, strided<[2, 1], offset: 20>> to memref<2x2xi32>)",
     {2, 2},
     {120, 121, 122, 123}},
    {"expand_an_axis_with_a_stride",
     R"(%v = memref.subview %x[0, 0, 1] [2, 3, 1] [1, 1, 1]
          : memref<2x3x4xi32> to memref<2x3xi32, strided<[12, 4], offset: 1>>
        %r = memref.expand_shape %v [[0], [1, 2]] output_shape [2, 3, 1]
          : memref<2x3xi32, strided<[12, 4], offset: 1>>
            into memref<2x3x1xi32, strided<[12, 4, 4], offset: 1>>
        memref.copy %r, %out
          : memref<2x3x1xi32, strided<[12, 4, 4], offset: 1>>
            to memref<2x3x1xi32>)",
     {2, 3, 1},
     {1, 11, 21, 101, 111, 121}},
    {"collapse",
     R"(%r = memref.collapse_shape %x [[0, 1], [2]]
          : memref<2x3x4xi32> into memref<6x4xi32>
        %v = memref.subview %r[2, 1] [3, 1] [1, 1]
          : memref<6x4xi32> to memref<3xi32, strided<[4], offset: 9>>
        memref.copy %v, %out
          : memref<3xi32, strided<[4], offset: 9>> to memref<3xi32>)",
     {3},
     {21, 101, 111}},
    {"collapse_with_an_axis_of_one_inside",
     R"(%v = memref.subview %x[0, 1, 0] [2, 1, 4] [1, 1, 1]
          : memref<2x3x4xi32> to memref<2x1x4xi32, strided<[12, 4, 1], offset: 4>>
        %r = memref.collapse_shape %v [[0, 1], [2]]
          : memref<2x1x4xi32, strided<[12, 4, 1], offset: 4>>
            into memref<2x4xi32, strided<[12, 1], offset: 4>>
        memref.copy %r, %out
          : memref<2x4xi32, strided<[12, 1], offset: 4>> to memref<2x4xi32>)",
     {2, 4},
     {10, 11, 12, 13, 110, 111, 112, 113}},
    {"collapse_with_an_axis_of_one_before",
     R"(%v = memref.subview %x[0, 1, 0] [2, 1, 4] [1, 1, 1]
          : memref<2x3x4xi32> to memref<2x1x4xi32, strided<[12, 4, 1], offset: 4>>
        %r = memref.collapse_shape %v [[0], [1, 2]]
          : memref<2x1x4xi32, strided<[12, 4, 1], offset: 4>>
            into memref<2x4xi32, strided<[12, 1], offset: 4>>
        memref.copy %r, %out
          : memref<2x4xi32, strided<[12, 1], offset: 4>> to memref<2x4xi32>)",
     {2, 4},
     {10, 11, 12, 13, 110, 111, 112, 113}},
    {"cast_and_dim",
     R"(%r = memref.cast %x : memref<2x3x4xi32> to memref<?x3x?xi32>
        %two = arith.addi %one, %one : index
        %d = memref.dim %r, %two : memref<?x3x?xi32>
        %d1 = memref.dim %r, %one : memref<?x3x?xi32>
        %s = arith.muli %d, %d1 : index
        %i = arith.index_cast %s : index to i32
        %v = memref.load %r[%one, %two, %one] : memref<?x3x?xi32>
        %sum = arith.addi %i, %v : i32
        memref.store %sum, %out[%one] : memref<2xi32>)",
     {2},
     {-1, 133}},
    {"memory_of_its_own",
     R"(%two = arith.addi %one, %one : index
        %m = memref.alloc(%two) : memref<?x3xi32>
        %zero = arith.constant 0 : i32
        linalg.fill ins(%zero : i32) outs(%m : memref<?x3xi32>)
        memref.store %far, %m[%one, %two] : memref<?x3xi32>
        memref.copy %m, %out : memref<?x3xi32> to memref<2x3xi32>
        memref.dealloc %m : memref<?x3xi32>)",
     {2, 3},
     {0, 0, 0, 0, 0, 99}},
    {"exchange",
     R"(%old = memref.atomic_rmw assign %far, %out[%one]
          : (i32, memref<3xi32>) -> i32
        %two = arith.addi %one, %one : index
        memref.store %old, %out[%two] : memref<3xi32>)",
     {3},
     {-1, 99, -1}},
    {"read_clamps_every_index",
     R"(%m5 = arith.constant -5 : i32
        %c1 = arith.constant 1 : i32
        %c0 = arith.constant 0 : index
        %two = arith.addi %one, %one : index
        %a = attn.read %x[%m5, %far, %c1] : memref<2x3x4xi32>, i32, i32, i32 -> i32
        %b = attn.read %x[%far, %m5, %far] : memref<2x3x4xi32>, i32, i32, i32 -> i32
        memref.store %a, %out[%c0] : memref<3xi32>
        memref.store %b, %out[%one] : memref<3xi32>
        %none = memref.subview %x[0, 0, 0] [1, 0, 4] [1, 1, 1]
          : memref<2x3x4xi32> to memref<0x4xi32, strided<[4, 1]>>
        %z = attn.read %none[%c1, %c1] : memref<0x4xi32, strided<[4, 1]>>, i32, i32 -> i32
        memref.store %z, %out[%two] : memref<3xi32>)",
     {3},
     {21, 103, 0}},
    {"generic_with_places_and_a_sum",
     R"(linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>,
                                         affine_map<(i, j, k) -> (i, k)>],
                        iterator_types = ["parallel", "reduction", "parallel"]}
          ins(%x : memref<2x3x4xi32>) outs(%out : memref<2x4xi32>) {
        ^bb0(%e: i32, %sum: i32):
          %j = linalg.index 1 : index
          %n = arith.index_cast %j : index to i32
          %p = arith.muli %n, %e : i32
          %s = arith.addi %sum, %p : i32
          linalg.yield %s : i32
        })",
     {2, 4},
     // 10 + k + 2 (20 + k) less one; and 300 more.
     {49, 52, 55, 58, 349, 352, 355, 358}},
    {"for_carries",
     R"(%two = arith.addi %one, %one : index
        %c8 = arith.constant 8 : index
        %zero = arith.constant 0 : i32
        %r:2 = scf.for %i = %one to %c8 step %two
            iter_args(%a = %zero, %b = %far) -> (i32, i32) {
          %n = arith.index_cast %i : index to i32
          %s = arith.addi %a, %n : i32
          scf.yield %s, %a : i32, i32
        }
        %c0 = arith.constant 0 : index
        memref.store %r#0, %out[%c0] : memref<2xi32>
        memref.store %r#1, %out[%one] : memref<2xi32>)",
     {2},
     {1 + 3 + 5 + 7, 1 + 3 + 5}},
    {"for_without_a_turn",
     R"(%r = scf.for %i = %one to %one step %one iter_args(%a = %far) -> (i32) {
          memref.store %a, %out[%i] : memref<2xi32>
          scf.yield %a : i32
        }
        %c0 = arith.constant 0 : index
        memref.store %r, %out[%c0] : memref<2xi32>)",
     {2},
     {99, -1}},
    {"if_takes_one_side",
     R"(%c0 = arith.constant 0 : index
        %yes = arith.cmpi eq, %one, %one : index
        %no = arith.cmpi ne, %one, %one : index
        %c7 = arith.constant 7 : i32
        %a = scf.if %yes -> i32 { scf.yield %far : i32 } else { scf.yield %c7 : i32 }
        %b = scf.if %no -> i32 { scf.yield %far : i32 } else { scf.yield %c7 : i32 }
        memref.store %a, %out[%c0] : memref<3xi32>
        memref.store %b, %out[%one] : memref<3xi32>
        scf.if %no {
          %two = arith.addi %one, %one : index
          memref.store %a, %out[%two] : memref<3xi32>
        })",
     {3},
     {99, 7, -1}},
    {"forall_of_two_axes",
     R"(%c4 = arith.constant 4 : index
        scf.forall (%i, %j) = (0, %one) to (2, %c4) step (1, 2) {
          %n = arith.index_cast %j : index to i32
          memref.store %n, %out[%i, %j] : memref<2x4xi32>
        })",
     {2, 4},
     {-1, 1, -1, 3, -1, 1, -1, 3}},
    {"forall_of_nothing",
     R"(scf.forall (%i, %j) = (0, 0) to (2, 0) step (1, 1) {
          memref.store %far, %out[%i] : memref<2xi32>
        })",
     {2},
     {-1, -1}},
};

class InterpreterMemory : public testing::TestWithParam<MemoryCase> {};

TEST_P(InterpreterMemory, gives_what_is_expected) {
  const MemoryCase &test = GetParam();
  std::string out = memrefOf(test.shape);
  TileModule module;
  mlir::func::FuncOp function = module.parse(
      "func.func @f(%x: memref<2x3x4xi32>, %one: index, %far: i32, %out: " +
      out + ") {\n" + test.body + "\nreturn\n}\n");
  ASSERT_TRUE(function);
  std::vector<int32_t> x = places(), found(test.expected.size(), -1);
  auto error =
      interpret(function, {InterpreterBuffer::dense(x.data(), {2, 3, 4}),
                           int64_t(1), int64_t(99),
                           InterpreterBuffer::dense(found.data(), test.shape)});
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  EXPECT_EQ(found, test.expected);
  EXPECT_EQ(x, places());
}

INSTANTIATE_TEST_SUITE_P(Operations, InterpreterMemory,
                         testing::ValuesIn(memoryCases),
                         [](const testing::TestParamInfo<MemoryCase> &info) {
                           return std::string(info.param.name);
                         });

//===--- What is refused --------------------------------------------------===//

/// The end of the message about a function of (%x: memref<2x4xf32>, %n: index).
struct RefusedCase {
  const char *name, *body;
  int64_t n;
  const char *message;
};

void PrintTo(const RefusedCase &test, std::ostream *os) { *os << test.name; }

const RefusedCase refusedCases[] = {
    {"load_behind_the_end", "%v = memref.load %x[%c0, %n] : memref<2x4xf32>", 4,
     "memref.load: index 4 is outside of an axis of 4"},
    {"load_before_the_beginning",
     "%v = memref.load %x[%n, %c0] : memref<2x4xf32>", -1,
     "memref.load: index -1 is outside of an axis of 2"},
    {"store_behind_the_end",
     "%v = arith.constant 1.0 : f32\n"
     "memref.store %v, %x[%n, %c0] : memref<2x4xf32>",
     2, "memref.store: index 2 is outside of an axis of 2"},
    {"exchange_behind_the_end",
     "%v = arith.constant 1.0 : f32\n%o = memref.atomic_rmw assign %v, "
     "%x[%c0, %n] : (f32, memref<2x4xf32>) -> f32",
     4, "memref.atomic_rmw: index 4 is outside of an axis of 4"},
    {"another_exchange",
     "%v = arith.constant 1.0 : f32\n%o = memref.atomic_rmw addf %v, "
     "%x[%c0, %n] : (f32, memref<2x4xf32>) -> f32",
     0, "memref.atomic_rmw: the interpreter does not know this operation"},
    {"an_axis_too_many", "%d = memref.dim %x, %n : memref<2x4xf32>", 2,
     "memref.dim: the axis is out of range"},
    {"an_axis_too_few", "%d = memref.dim %x, %n : memref<2x4xf32>", -1,
     "memref.dim: the axis is out of range"},
    {"a_step_of_nothing",
     "%c1 = arith.constant 1 : index\n"
     "scf.for %i = %c0 to %c1 step %n {\n}",
     0, "scf.for: expected a step of at least 1"},
    {"a_loop_over_tensors",
     "%t = tensor.empty() : tensor<4xf32>\n"
     "%r = scf.forall (%i) in (4) shared_outs(%o = %t) -> tensor<4xf32> {\n}",
     0, "tensor.empty: the interpreter does not know this operation"},
    {"another_loop",
     "%t = arith.cmpi eq, %n, %c0 : index\nscf.while : () -> () {\n"
     "scf.condition(%t)\n} do {\nscf.yield\n}",
     1, "scf.while: the interpreter does not know this operation"},
    {"an_operation_on_memory",
     "memref.prefetch %x[%c0, %n], read, locality<3>, data : memref<2x4xf32>",
     0, "memref.prefetch: the interpreter does not know this operation"},
    {"tiles_in_buffers",
     "%t = memref.alloc() : memref<2x4xf32>\n"
     "%r = tile.has_non_finite %t : memref<2x4xf32>",
     0,
     "tile.has_non_finite: the interpreter runs tiles that are tensors only"},
    {"rows_in_buffers",
     "%t = memref.alloc() : memref<2xf32>\n"
     "tile.row_max %x keys %n outs(%t : memref<2xf32>) : memref<2x4xf32>",
     4, "tile.row_max: the interpreter runs tiles that are tensors only"},
};

class InterpreterRefuses : public testing::TestWithParam<RefusedCase> {};

TEST_P(InterpreterRefuses, with_a_message) {
  const RefusedCase &test = GetParam();
  TileModule module;
  mlir::func::FuncOp function = module.parse(
      std::string("func.func @f(%x: memref<2x4xf32>, %n: index) {\n"
                  "%c0 = arith.constant 0 : index\n") +
      test.body + "\nreturn\n}\n");
  ASSERT_TRUE(function);
  std::vector<float> x(8);
  std::string message = llvm::toString(interpret(
      function, {InterpreterBuffer::dense(x.data(), {2, 4}), test.n}));
  EXPECT_TRUE(llvm::StringRef(message).ends_with(test.message)) << message;
  EXPECT_EQ(x, std::vector<float>(8));
}

INSTANTIATE_TEST_SUITE_P(Operations, InterpreterRefuses,
                         testing::ValuesIn(refusedCases),
                         [](const testing::TestParamInfo<RefusedCase> &info) {
                           return std::string(info.param.name);
                         });

TEST(InterpreterArguments, areThoseOfTheFunction) {
  std::vector<float> x(8);
  InterpreterBuffer dense = InterpreterBuffer::dense(x.data(), {2, 4}),
                    flat = InterpreterBuffer::dense(x.data(), {8}),
                    withoutStrides = dense;
  withoutStrides.strides.clear();
  struct {
    const char *types;
    InterpreterArgument argument;
    const char *message;
  } const cases[] = {
      {"memref<2x4xf32>", dense, ""},
      {"memref<?x4xf32>", dense, ""},
      {"memref<2x4xf32>", int64_t(1), "argument 0: expected a buffer"},
      {"memref<2x4xf32>", 1.0, "argument 0: expected a buffer"},
      {"memref<2x4xf32>", flat, "argument 0: expected a buffer of rank 2"},
      {"memref<?xf32>", dense, "argument 0: expected a buffer of rank 1"},
      {"memref<2x4xf32>", withoutStrides,
       "argument 0: expected a buffer of rank 2"},
      {"memref<2x5xf32>", dense,
       "argument 0: expected 5 elements on axis 1, found 4"},
      {"memref<3x?xf32>", dense,
       "argument 0: expected 3 elements on axis 0, found 2"},
      {"i32", int64_t(1), ""},
      {"index", int64_t(1), ""},
      {"i1", int64_t(1), ""},
      {"i32", 1.0, "argument 0: expected an integer"},
      {"index", dense, "argument 0: expected an integer"},
      {"f32", 1.0, ""},
      {"f64", int64_t(1), "argument 0: expected a real number"},
      {"f32", dense, "argument 0: expected a real number"},
      {"vector<4xf32>", 1.0, "argument 0: expected a real number"},
  };
  for (const auto &test : cases) {
    TileModule module;
    mlir::func::FuncOp function = module.parse(
        std::string("func.func @f(%x: ") + test.types + ") { return }");
    ASSERT_TRUE(function);
    EXPECT_EQ(llvm::toString(interpret(function, {test.argument})),
              test.message)
        << test.types;
  }
}

TEST(InterpreterArguments, resultsAreNotSupported) {
  TileModule module;
  mlir::func::FuncOp function =
      module.parse("func.func @f(%x: i32) -> i32 { return %x : i32 }");
  ASSERT_TRUE(function);
  std::string message = llvm::toString(interpret(function, {int64_t(1)}));
  EXPECT_TRUE(llvm::StringRef(message).ends_with(
      "func.func: results are not supported"))
      << message;
}

/// A loop of two blocks in each of three grid points.
TEST(InterpreterLimits, blocksAreCounted) {
  TileModule module;
  mlir::func::FuncOp function = module.parse(R"(
func.func @f(%keys: index) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  tile.grid (%c3) schedule <order = [0]> {
  ^bb0(%i: index):
    tile.key_loop [%c0, %keys) step 8 init() {
    ^bb0(%j: index, %n: index):
    }
  }
  return
})");
  ASSERT_TRUE(function);
  InterpreterOptions options;
  std::vector<int64_t> sizes;
  options.observer = [&](const VisitedBlock &block) {
    sizes.push_back(block.keys);
  };
  options.blockLimit = 6;
  EXPECT_EQ(llvm::toString(interpret(function, {int64_t(9)}, options)), "");
  EXPECT_EQ(sizes, (std::vector<int64_t>{8, 1, 8, 1, 8, 1}));
  options.blockLimit = 5;
  EXPECT_EQ(llvm::toString(interpret(function, {int64_t(9)}, options)),
            "expected at most 5 blocks of keys to visit");
}

} // namespace
