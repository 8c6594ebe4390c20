//===- pages_test.cpp - Keys and values in a pool of pages ----------------===//
//
// The same keys and values, in pages and one after the other, give the same
// results, with each kernel form, whatever the pages that no key uses hold.
// Blocks of keys may begin elsewhere, and sums be taken in another order.
//
//===----------------------------------------------------------------------===//

#include "compiled_spec.h"

#include <cmath>

using namespace ladon;
using namespace ladon::test;
using ast::ScalarType;

namespace {

constexpr int64_t heads = 4, kvHeads = 2, features = 24;

/// An attention with keys of `element`, in pages of `page` keys or, with 0, one
/// after the other; the last keys of each entry do not exist.
std::string specText(const std::string &element, int64_t page) {
  std::string keys = page == 0 ? "B, 2, T" : "N, 2, " + std::to_string(page);
  std::string kv = element + "[" + keys + ", 24]";
  return "attention a(q: f32[B, 4, S, 24], k: " + kv + ", v: " + kv +
         (page == 0 ? "" : ", table: i32[B, P]") +
         ", length: i32[B]) -> (o: f32[B, 4, S, 24], lse: f32[B, 4, S]) {\n"
         "  let a = attend(q, k, v, " +
         (page == 0 ? "" : "pages = table, ") +
         "mask = j < length[b] and j <= i + length[b] - S)\n"
         "  return a.out, a.lse\n}\n";
}

double valueAt(int64_t b, int64_t h, int64_t j, int64_t d) {
  return std::sin(double(((b * kvHeads + h) * 1000 + j) * features + d));
}

/// Page `number` of entry `b`: entries take turns, last page first, and every
/// third page of the pool belongs to nobody.
int64_t pageOf(int64_t b, int64_t number, int64_t batches, int64_t pages) {
  int64_t turn = (pages - 1 - number) * batches + b;
  return turn + turn / 2;
}

void expectSameResults(const std::string &element, ScalarType type,
                       int64_t page) {
  CompiledSpec dense(specText(element, 0)), paged(specText(element, page));
  ASSERT_TRUE(dense && paged);
  const int64_t B = 2, P = 300 / page + 1, T = P * page,
                N = pageOf(B - 1, 0, B, P) + 2;
  HostTensor k = HostTensor::zeros(type, {B, kvHeads, T, features}),
             v = HostTensor::zeros(type, {B, kvHeads, T, features}),
             pk = HostTensor::zeros(type, {N, kvHeads, page, features}),
             pv = HostTensor::zeros(type, {N, kvHeads, page, features}),
             table = HostTensor::zeros(ScalarType::I32, {B, P}),
             length = HostTensor::zeros(ScalarType::I32, {B});
  for (HostTensor *pool : {&pk, &pv})
    forEachPosition(pool->shape, [&](llvm::ArrayRef<int64_t> at) {
      pool->setFloat(at, std::nan(""));
    });
  for (int64_t b = 0; b < B; ++b) {
    length.setInteger({b}, T - 5 - 40 * b);
    for (int64_t number = 0; number < P; ++number)
      table.setInteger({b, number}, pageOf(b, number, B, P));
  }
  forEachPosition(k.shape, [&](llvm::ArrayRef<int64_t> at) {
    int64_t b = at[0], h = at[1], j = at[2], d = at[3];
    int64_t p = pageOf(b, j / page, B, P);
    for (auto [to, pool, sign] : {std::tuple(&k, &pk, 1), {&v, &pv, -1}}) {
      to->setFloat(at, sign * valueAt(b, h, j, d));
      pool->setFloat({p, h, j % page, d}, sign * valueAt(b, h, j, d));
    }
  });
  for (int64_t S : {1, 3, 8, 9, 50}) {
    HostTensor q = HostTensor::zeros(ScalarType::F32, {B, heads, S, features});
    forEachPosition(q.shape, [&](llvm::ArrayRef<int64_t> at) {
      q.setFloat(at, valueAt(at[0], at[1] % 2, at[2] + 7, at[3]));
    });
    const HostTensor inOrder[] = {q, k, v, length},
                     inPages[] = {q, pk, pv, table, length};
    std::vector<HostTensor> expected = dense(inOrder), found = paged(inPages);
    for (auto [one, other] : llvm::zip_equal(expected, found)) {
      ASSERT_EQ(one.shape, other.shape);
      for (auto [x, y] : llvm::zip_equal(elementsOf(one), elementsOf(other)))
        ASSERT_NEAR(x, y, 2e-6 * std::max(1.0, std::fabs(x)))
            << element << ", pages of " << page << ", " << S << " queries";
    }
  }
}

TEST(Pages, AreReadAsKeysInOrder) {
  // Blocks that are copied, or lie in one page: 16, 64, 72 and 128 keys.
  expectSameResults("f32", ScalarType::F32, 5);
  expectSameResults("f32", ScalarType::F32, 16);
  expectSameResults("f32", ScalarType::F32, 72);
  expectSameResults("f32", ScalarType::F32, 256);
  expectSameResults("bf16", ScalarType::BF16, 16);
  expectSameResults("f16", ScalarType::F16, 64);
}

/// Rows see nothing where the pool, the table or both are empty.
TEST(Pages, OfNothingAreNoKeys) {
  CompiledSpec spec(specText("f32", 16));
  ASSERT_TRUE(spec);
  for (int64_t S : {1, 20})
    for (auto [N, P] : {std::pair<int64_t, int64_t>{0, 3}, {3, 0}, {0, 0}}) {
      HostTensor length = HostTensor::zeros(ScalarType::I32, {2});
      length.setInteger({0}, 30);
      length.setInteger({1}, 48);
      const HostTensor inputs[] = {
          HostTensor::zeros(ScalarType::F32, {2, heads, S, features}),
          HostTensor::zeros(ScalarType::F32, {N, kvHeads, 16, features}),
          HostTensor::zeros(ScalarType::F32, {N, kvHeads, 16, features}),
          HostTensor::zeros(ScalarType::I32, {2, P}), length};
      std::vector<HostTensor> results = spec(inputs);
      ASSERT_EQ(results.size(), 2u);
      for (double x : elementsOf(results[0]))
        EXPECT_EQ(x, 0);
      for (double x : elementsOf(results[1]))
        EXPECT_EQ(x, -INFINITY);
      std::vector<ReferenceResult> expected = spec.reference(inputs);
      EXPECT_EQ(expected[1].value[0], -INFINITY);
    }
}

/// A number outside of the pool stands for its first or last page.
TEST(Pages, AreClampedIntoThePool) {
  CompiledSpec spec(
      "attention a(q: f32[B, 1, S, 8], k: f32[N, 1, 4, 8], v: f32[N, 1, 4, "
      "8], table: i32[B, P]) -> f32[B, 1, S, 8] {\n"
      "  return attend(q, k, v, pages = table)\n}\n");
  ASSERT_TRUE(spec);
  HostTensor v = HostTensor::zeros(ScalarType::F32, {3, 1, 4, 8});
  forEachPosition(v.shape, [&](llvm::ArrayRef<int64_t> at) {
    v.setFloat(at, double(at[0]));
  });
  for (int64_t S : {1, 30})
    for (auto [number, value] : {std::pair<int64_t, double>{-1, 0},
                                 {INT32_MIN, 0},
                                 {1, 1},
                                 {3, 2},
                                 {INT32_MAX, 2}}) {
      HostTensor table = HostTensor::zeros(ScalarType::I32, {1, 1});
      table.setInteger({0, 0}, number);
      const HostTensor inputs[] = {
          HostTensor::zeros(ScalarType::F32, {1, 1, S, 8}),
          HostTensor::zeros(ScalarType::F32, {3, 1, 4, 8}), v, table};
      std::vector<HostTensor> results = spec(inputs);
      ASSERT_EQ(results.size(), 1u);
      for (double x : elementsOf(results[0]))
        EXPECT_EQ(x, value) << number;
    }
}

/// Positions are below 2^30, whatever pages they are in.
TEST(Pages, AreNotMoreThanThereArePositions) {
  CompiledSpec spec(specText("f32", 16));
  ASSERT_TRUE(spec);
  constexpr int64_t most = ((int64_t(1) << 30) - 1) / 16;
  for (int64_t P : {most, most + 1}) {
    HostTensor table = HostTensor::zeros(ScalarType::I32, {1, 1});
    table.shape = {1, P};
    table.strides = {1, 0}; // All of them are one number.
    const HostTensor inputs[] = {
        HostTensor::zeros(ScalarType::F32, {1, heads, 0, features}),
        HostTensor::zeros(ScalarType::F32, {2, kvHeads, 16, features}),
        HostTensor::zeros(ScalarType::F32, {2, kvHeads, 16, features}), table,
        HostTensor::zeros(ScalarType::I32, {1})};
    ladon_options options = LADON_OPTIONS_INIT;
    auto results = spec.call(inputs, options);
    EXPECT_EQ(bool(results), P == most);
    if (!results)
      EXPECT_EQ(llvm::toString(results.takeError()),
                "table: expected at most 67108863 on axis 1, found 67108864 "
                "(status 7)");
  }
}

} // namespace
