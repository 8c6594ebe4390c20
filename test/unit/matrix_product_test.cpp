//===- matrix_product_test.cpp - Products of a tensor with a matrix -------===//
//
// Sizes around the edges of what `contract-to-cpu` cuts them into: register
// tiles, panels of w, 16 rows that read w in place, blocks of 96 and of 192
// rows, of 128 and 256 columns and of some hundred steps.
// Elements are small integers, so that every sum is exact in any order and must
// be right to the last bit.
//
//===----------------------------------------------------------------------===//

#include "compiled_spec.h"
#include "refusing_allocator.h"

#include <random>

using namespace ladon;
using namespace ladon::test;
using ast::ScalarType;

namespace {

/// Integers from -4 to 4, which every element type holds.
HostTensor makeIntegers(ScalarType element, llvm::ArrayRef<int64_t> shape,
                        unsigned seed) {
  std::mt19937 random(seed);
  HostTensor tensor = HostTensor::zeros(element, shape);
  forEachPosition(shape, [&](llvm::ArrayRef<int64_t> at) {
    tensor.setFloat(at, static_cast<double>(random() % 9) - 4);
  });
  return tensor;
}

/// x @ w + bias, straight from its definition.
std::vector<double> multiply(const HostTensor &x, const HostTensor &w,
                             const HostTensor *bias) {
  std::vector<double> sums;
  Extents shape = x.shape;
  shape.back() = w.shape[1];
  forEachPosition(shape, [&](llvm::ArrayRef<int64_t> at) {
    Extents from(at);
    double sum = bias ? bias->getFloat({at.back()}) : 0;
    for (int64_t k = 0; k < w.shape[0]; ++k) {
      from.back() = k;
      sum += x.getFloat(from) * w.getFloat({k, at.back()});
    }
    sums.push_back(sum);
  });
  return sums;
}

/// The same elements, `stride` elements apart along the last axis.
HostTensor spread(const HostTensor &dense, int64_t stride) {
  HostTensor wide = dense;
  wide.strides = denseStrides(dense.shape);
  for (int64_t &s : wide.strides)
    s *= stride;
  wide.owner = allocateBytes(dense.size() * stride * sizeof(double), 0x7f);
  wide.data = wide.owner->data();
  forEachPosition(dense.shape, [&](llvm::ArrayRef<int64_t> at) {
    wide.setFloat(at, dense.getFloat(at));
  });
  return wide;
}

/// A matrix whose columns are its rows in memory.
HostTensor turned(const HostTensor &w) {
  HostTensor t = HostTensor::zeros(w.element, {w.shape[1], w.shape[0]});
  std::swap(t.shape[0], t.shape[1]);
  std::swap(t.strides[0], t.strides[1]);
  forEachPosition(w.shape, [&](llvm::ArrayRef<int64_t> at) {
    t.setFloat(at, w.getFloat(at));
  });
  return t;
}

const char *const plain =
    "attention product(x: f32[B, S, K], w: f32[K, N]) -> f32[B, S, N] {\n"
    "  return x @ w\n}\n";
const char *const biased =
    "attention product(x: f32[B, S, K], w: f32[K, N], c: f32[N])\n"
    "    -> f32[B, S, N] {\n  return x @ w + c\n}\n";

/// Weights as nn.Linear keeps them: w[n, k].
const char *const linear =
    "attention product(x: f32[B, S, K], w: f32[N, K], c: f32[N])\n"
    "    -> f32[B, S, N] {\n  return x @ transpose(w) + c\n}\n";

struct Sizes {
  int64_t batches, rows, depth, columns;
};

std::string toString(const Sizes &s) {
  return std::to_string(s.batches) + " x " + std::to_string(s.rows) + " x " +
         std::to_string(s.depth) + " x " + std::to_string(s.columns);
}

void expectProduct(const CompiledSpec &spec, const HostTensor &x,
                   const HostTensor &w, const HostTensor *bias, int threads) {
  std::vector<HostTensor> inputs{x, w};
  if (bias)
    inputs.push_back(*bias);
  auto outputs = spec(inputs, threads);
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(elementsOf(outputs[0]), multiply(x, w, bias));
}

TEST(MatrixProduct, edges_of_blocks_of_rows) {
  CompiledSpec spec(plain);
  ASSERT_TRUE(spec);
  for (int64_t rows :
       {0, 1, 5, 6, 7, 11, 12, 13, 95, 96, 97, 191, 192, 193, 289})
    for (int64_t batches : {1, 2}) {
      Sizes s{batches, rows, 9, 17};
      SCOPED_TRACE(toString(s));
      expectProduct(spec, makeIntegers(ScalarType::F32, {batches, rows, 9}, 1),
                    makeIntegers(ScalarType::F32, {9, 17}, 2), nullptr, 1);
    }
}

TEST(MatrixProduct, edges_of_panels_and_blocks_of_columns) {
  CompiledSpec spec(biased);
  ASSERT_TRUE(spec);
  // 20 rows are one block, which packs for itself, 200 are three that share.
  for (int64_t columns :
       {0,   1,   7,   8,   15,  16,  17,  31,   32,   33,  127,
        128, 129, 255, 256, 257, 271, 513, 2047, 2048, 2049})
    for (int64_t rows : {1, 20, 200}) {
      if (rows * columns > 200 * 600)
        continue;
      SCOPED_TRACE(toString({1, rows, 10, columns}));
      HostTensor c = makeIntegers(ScalarType::F32, {columns}, 3);
      expectProduct(spec, makeIntegers(ScalarType::F32, {1, rows, 10}, 1),
                    makeIntegers(ScalarType::F32, {10, columns}, 2), &c, 2);
    }
}

TEST(MatrixProduct, edges_of_steps) {
  CompiledSpec spec(biased);
  ASSERT_TRUE(spec);
  HostTensor c = makeIntegers(ScalarType::F32, {18}, 3);
  for (int64_t depth :
       {0, 1, 3, 4, 5, 7, 8, 9, 191, 192, 193, 383, 384, 385, 768, 770})
    for (int64_t rows : {3, 98, 198}) {
      SCOPED_TRACE(toString({1, rows, depth, 18}));
      expectProduct(spec, makeIntegers(ScalarType::F32, {1, rows, depth}, 1),
                    makeIntegers(ScalarType::F32, {depth, 18}, 2), &c, 1);
    }
}

/// The same for a spec whose weights are transposed.
void expectLinear(const CompiledSpec &spec, const HostTensor &x,
                  const HostTensor &w, const HostTensor &bias) {
  HostTensor stored = w;
  std::swap(stored.shape[0], stored.shape[1]);
  std::swap(stored.strides[0], stored.strides[1]);
  auto outputs = spec({x, stored, bias}, 2);
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(elementsOf(outputs[0]), multiply(x, w, &bias));
}

// Whole registers of columns, or of steps where w is transposed: these sizes
// are read in place up to 16 rows.
TEST(MatrixProduct, few_rows) {
  CompiledSpec spec(biased), transposed(linear);
  ASSERT_TRUE(spec && transposed);
  for (auto [batches, rows] :
       {std::pair(1, 1), std::pair(1, 2), std::pair(4, 1), std::pair(1, 5),
        std::pair(3, 3), std::pair(15, 1), std::pair(2, 8), std::pair(17, 1)})
    for (int64_t depth : {16, 784})
      for (int64_t columns : {16, 48, 272}) {
        SCOPED_TRACE(toString({batches, rows, depth, columns}));
        HostTensor x = makeIntegers(ScalarType::F32, {batches, rows, depth}, 1);
        HostTensor w = makeIntegers(ScalarType::F32, {depth, columns}, 2);
        HostTensor c = makeIntegers(ScalarType::F32, {columns}, 3);
        expectProduct(spec, x, w, &c, 2);
        expectLinear(transposed, x, turned(w), c);
      }
}

TEST(MatrixProduct, few_rows_of_odd_sizes) {
  CompiledSpec spec(biased), transposed(linear);
  ASSERT_TRUE(spec && transposed);
  for (int64_t rows : {1, 6})
    for (int64_t depth : {1, 3, 16, 17, 769})
      for (int64_t columns : {1, 15, 16, 33, 257}) {
        SCOPED_TRACE(toString({2, rows, depth, columns}));
        HostTensor x = makeIntegers(ScalarType::F32, {2, rows, depth}, 1);
        HostTensor w = makeIntegers(ScalarType::F32, {depth, columns}, 2);
        HostTensor c = makeIntegers(ScalarType::F32, {columns}, 3);
        expectProduct(spec, x, w, &c, 1);
        expectLinear(transposed, x, turned(w), c);
      }
}

TEST(MatrixProduct, many_rows_of_transposed_weights) {
  CompiledSpec spec(linear);
  ASSERT_TRUE(spec);
  for (int64_t depth : {1, 7, 8, 17, 384, 393})
    for (int64_t columns : {1, 15, 16, 33, 48, 257}) {
      SCOPED_TRACE(toString({2, 97, depth, columns}));
      HostTensor x = makeIntegers(ScalarType::F32, {2, 97, depth}, 1);
      HostTensor w = makeIntegers(ScalarType::F32, {depth, columns}, 2);
      HostTensor c = makeIntegers(ScalarType::F32, {columns}, 3);
      // 194 rows share what is packed, 51 do not.
      HostTensor fewer = makeIntegers(ScalarType::F32, {1, 51, depth}, 1);
      expectLinear(spec, x, turned(w), c);
      expectLinear(spec, fewer, turned(w), c);
      expectLinear(spec, x, w, c);
      expectLinear(spec, x, spread(turned(w), 2), c);
    }
}

TEST(MatrixProduct, any_strides) {
  CompiledSpec spec(biased);
  ASSERT_TRUE(spec);
  HostTensor x = makeIntegers(ScalarType::F32, {2, 101, 21}, 1);
  HostTensor w = makeIntegers(ScalarType::F32, {21, 40}, 2);
  HostTensor c = makeIntegers(ScalarType::F32, {40}, 3);
  HostTensor wideBias = spread(c, 2);
  for (const HostTensor &left : {x, spread(x, 2)})
    for (const HostTensor &right : {w, spread(w, 3), turned(w)})
      expectProduct(spec, left, right, &wideBias, 1);
  HostTensor few = makeIntegers(ScalarType::F32, {2, 3, 21}, 1);
  for (const HostTensor &left : {few, spread(few, 2)})
    for (const HostTensor &right : {w, spread(w, 3), turned(w)})
      expectProduct(spec, left, right, &wideBias, 1);

  // Rows that are all the same memory, and results that are not neighbours.
  HostTensor same = x;
  same.strides[1] = 0;
  expectProduct(spec, same, w, &c, 1);
  HostTensor out = spread(HostTensor::zeros(ScalarType::F32, {2, 101, 40}), 2);
  ASSERT_FALSE(bool(spec.call({x, w, c}, {out}, 2)));
  EXPECT_EQ(elementsOf(out), multiply(x, w, &c));
}

TEST(MatrixProduct, other_element_types) {
  for (auto [name, element] :
       {std::pair("f64", ScalarType::F64), std::pair("bf16", ScalarType::BF16),
        std::pair("f16", ScalarType::F16)}) {
    CompiledSpec spec("attention product(x: " + std::string(name) +
                      "[B, S, K], w: " + name + "[K, N]) -> " + name +
                      "[B, S, N] {\n  return x @ w\n}\n");
    ASSERT_TRUE(spec) << name;
    for (auto [rows, columns] :
         {std::pair(1, 32), std::pair(2, 32), std::pair(2, 35),
          std::pair(97, 35), std::pair(194, 35)}) {
      HostTensor x = makeIntegers(element, {1, rows, 27}, 1);
      HostTensor w = makeIntegers(element, {27, columns}, 2);
      SCOPED_TRACE(std::string(name) + ", " + std::to_string(rows) + " rows");
      // Of 27 products of at most 16 the sum is below 512; bf16 holds integers
      // up to 256, and half of the others.
      std::vector<double> expected = multiply(x, w, nullptr);
      HostTensor rounded = makeTensor(element, {1, rows, columns}, expected);
      auto outputs = spec({x, w});
      ASSERT_EQ(outputs.size(), 1u);
      EXPECT_EQ(elementsOf(outputs[0]), elementsOf(rounded));
    }
  }
}

TEST(MatrixProduct, threads_and_refused_memory_change_no_bit) {
  CompiledSpec spec(biased);
  ASSERT_TRUE(spec);
  std::mt19937 random(5);
  auto makeReals = [&](llvm::ArrayRef<int64_t> shape) {
    HostTensor tensor = HostTensor::zeros(ScalarType::F32, shape);
    forEachPosition(shape, [&](llvm::ArrayRef<int64_t> at) {
      tensor.setFloat(at, std::normal_distribution<double>()(random));
    });
    return tensor;
  };
  std::vector<HostTensor> inputs{makeReals({3, 130, 401}),
                                 makeReals({401, 290}), makeReals({290})};
  auto expected = elementsOf(spec(inputs)[0]);
  EXPECT_EQ(elementsOf(spec(inputs, 2)[0]), expected);

  RefusingAllocator granting;
  ASSERT_TRUE(bool(spec.call(inputs, granting.options(1))));
  // 19 panels of 16 columns, or 10 of 32, each of 401 steps, come first.
  EXPECT_GE(granting.requests.front(), 290u * 401 * 4);
  EXPECT_LE(granting.requests.front(), 320u * 401 * 4 + 128);
  RefusingAllocator refusing;
  refusing.refused = 0;
  auto outputs = spec.call(inputs, refusing.options(1));
  ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
  EXPECT_EQ(elementsOf((*outputs)[0]), expected);
  EXPECT_EQ(refusing.live, 0);
}

// A product of one block is no parallel loop: its memory is that of the call.
TEST(MatrixProduct, without_memory_nothing_is_touched) {
  for (const char *rows : {"4", "70"}) {
    CompiledSpec spec("attention product(x: f32[1, " + std::string(rows) +
                      ", 24], w: f32[24, 16]) -> f32[1, " + rows +
                      ", 16] {\n  return x @ w\n}\n");
    ASSERT_TRUE(spec);
    HostTensor x = makeIntegers(ScalarType::F32, {1, std::atoi(rows), 24}, 1);
    HostTensor w = makeIntegers(ScalarType::F32, {24, 16}, 2);
    RefusingAllocator granting;
    ASSERT_TRUE(bool(spec.call({x, w}, granting.options(1))));
    ASSERT_FALSE(granting.requests.empty());
    int failed = 0;
    for (size_t refused = 0; refused < granting.requests.size(); ++refused) {
      SCOPED_TRACE(std::string(rows) + " rows, without request " +
                   std::to_string(refused));
      RefusingAllocator refusing;
      refusing.refused = static_cast<int>(refused);
      auto outputs = spec.call({x, w}, refusing.options(1));
      EXPECT_EQ(refusing.live, 0);
      if (outputs) { // Of memory that the call can do without.
        EXPECT_EQ(elementsOf((*outputs)[0]), multiply(x, w, nullptr));
        continue;
      }
      ++failed;
      EXPECT_NE(llvm::toString(outputs.takeError()).find("out of memory"),
                std::string::npos);
    }
    EXPECT_GT(failed, 0);
  }
}

} // namespace
