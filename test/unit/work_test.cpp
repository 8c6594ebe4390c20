//===- work_test.cpp - Counting pairs, operations and bytes ---------------===//

#include "compiler/driver/bench/CallCost.h"
#include "compiler/driver/bench/VisiblePairs.h"
#include "compiler/driver/check/InputGenerator.h"
#include "compiler/frontend/Frontend.h"
#include "compiler/reference/PointExpr.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

using namespace ladon;

namespace {

/// A checked spec with generated inputs.
struct Spec {
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics{sources};
  std::unique_ptr<CheckedSpec> checked;
  Bindings bindings;

  Spec(const std::string &text, SizeMap sizes) {
    unsigned id = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text), {});
    checked = parseAndCheck(sources, id, {}, diagnostics);
    if (!checked) {
      diagnostics.print(llvm::errs());
      ADD_FAILURE() << text;
      return;
    }
    InputOptions options;
    options.sizes = std::move(sizes);
    auto inputs = llvm::cantFail(generateInputs(*checked->attention, options));
    bindings = llvm::cantFail(bindInputs(*checked->attention, inputs));
  }
  Work work() const { return countWork(*checked->attention, bindings); }
};

std::string masked(const std::string &mask) {
  return "fn near(a, c) = abs(a - c) <= 3\n"
         "attention masked(q: f32[B, 4, S, 3], k: f32[B, 2, T, 3], "
         "v: f32[B, 2, T, 5], doc: i32[B, S], len: i64[B], "
         "seen: bool[B, S, T], slope: f32[4], flag: bool[T], n: i32) "
         "-> f32[B, 4, S, 5] {\n"
         "  let used = float(doc[0, 0]) + float(len[0]) + slope[0] + float(n) "
         "+ float(seen[0, 0, 0]) + float(flag[0])\n"
         "  return attend(q, k, v, mask = (" +
         mask + "))\n}\n";
}

/// Every pair, one after the other.
int64_t countOneByOne(const ast::AttendArgs &args, const Bindings &bindings) {
  Extents q = bindings.shape(args.q->type), k = bindings.shape(args.k->type);
  PointExpr mask(args.mask, bindings, k[2] - q[2], ast::ScalarType::F32);
  int64_t count = 0;
  Point point;
  for (point.batch = 0; point.batch < q[0]; ++point.batch)
    for (point.head = 0; point.head < q[1]; ++point.head)
      for (point.query = 0; point.query < q[2]; ++point.query)
        for (point.key = 0; point.key < k[2]; ++point.key) {
          point.kvHead = point.head / (q[1] / k[1]);
          ScalarMath math;
          math.roundResults = true;
          count += mask.evaluate(point, math).i;
        }
  return count;
}

TEST(VisiblePairs, EqualsTheCountOneByOneForEveryFormOfMask) {
  const char *masks[] = {
      "causal",
      "causal_top_left",
      "window(3, 0)",
      "window(n, 2) and causal",
      "not causal or j == 2",
      "i < 4",
      "j < 4",
      "i + 1 > j",
      "j >= i + offset",
      "j * j != i",
      "2 * j < i",
      "i <= j // 2",
      "doc[b, i] == doc[b, i // 2]",
      "j < len[b]",
      "len[b] > j and causal",
      "doc[b, i] == n",
      "abs(i - j) % 3 == 0",
      "near(i, j) or j < 2",
      "near(j, i) and h > 0",
      "hk == 1 or causal",
      "seen[b, i, j]",
      "seen[b, i, j] or flag[j]",
      "causal and seen[b, i, j] and not flag[j]",
      "if flag[j] then causal else seen[b, i, j]",
      "if i < n then true else j % 2 == 0",
      "slope[h] * float(j - i) < 0.5",
      "float(j) * slope[h] <= float(i)",
      "(i ^ j) & 3 == 0",
      "flag[j] == (i < 5)",
      "b == 1 and h == 2 and i == 3 and j == 4",
  };
  const std::pair<int64_t, int64_t> lengths[] = {
      {1, 1}, {7, 9}, {9, 7}, {70, 3}, {130, 65}, {1, 20}, {20, 1}};
  int64_t partlyVisible = 0;
  for (const char *mask : masks)
    for (auto [S, T] : lengths) {
      Spec spec(masked(mask), {{"B", 2}, {"S", S}, {"T", T}});
      ASSERT_TRUE(spec.checked);
      const ast::AttendArgs &args =
          *spec.checked->attention->results[0].value->attend;
      ASSERT_TRUE(args.mask) << mask;
      int64_t expected = countOneByOne(args, spec.bindings);
      EXPECT_EQ(countVisiblePairs(args, spec.bindings), expected)
          << mask << " S=" << S << " T=" << T;
      partlyVisible += expected > 0 && expected < 2 * 4 * S * T;
    }
  EXPECT_GT(partlyVisible, 100);
}

TEST(VisiblePairs, IsZeroWithoutKeys) {
  Spec spec("attention a(q: f32[B, 4, S, 3], k: f32[B, 4, T, 3]) "
            "-> f32[B, 4, S, 3] { return attend(q, k, k, mask = causal) }",
            {{"B", 2}, {"S", 5}, {"T", 0}});
  EXPECT_EQ(spec.work().pairs, 0);
  EXPECT_EQ(spec.work().visiblePairs, 0);
  EXPECT_EQ(spec.work().flops, 0);
}

TEST(Work, CountsPairsTimesBothFeatureSizes) {
  Spec spec("attention a(q: f32[B, 4, S, 3], k: f32[B, 2, T, 3], "
            "v: f32[B, 2, T, 5]) -> f32[B, 4, S, 5] {\n"
            "  return attend(q, k, v)\n}",
            {{"B", 2}, {"S", 7}, {"T", 11}});
  Work work = spec.work();
  EXPECT_EQ(work.pairs, 2 * 4 * 7 * 11);
  EXPECT_EQ(work.visiblePairs, work.pairs);
  EXPECT_EQ(work.flops, double(work.pairs) * (2 * 3 + 2 * 5));
  EXPECT_EQ(work.bytes, 4 * (2 * 4 * 7 * 3 + 2 * 2 * 11 * 3 + 2 * 2 * 11 * 5 +
                             2 * 4 * 7 * 5));
}

TEST(Work, CountsProductsAndAttendsOfSeveralResultsOnce) {
  Spec spec("attention a(x: f64[B, S, 6], w: f64[6, 8], m: bool[S]) "
            "-> (y: f64[B, S, 8], lse: f64[B, 2, S]) {\n"
            "  let q = split(x @ w, heads = 2)\n"
            "  let a = attend(q, q, q, mask = m[j])\n"
            "  return concat(a.out), a.lse\n}",
            {{"B", 3}, {"S", 10}});
  Work work = spec.work();
  EXPECT_EQ(work.pairs, 3 * 2 * 10 * 10);
  EXPECT_EQ(work.flops,
            2.0 * 3 * 10 * 8 * 6 + double(work.visiblePairs) * (2 * 4 + 2 * 4));
  EXPECT_EQ(work.bytes,
            8 * (3 * 10 * 6 + 6 * 8) + 10 + 8 * (3 * 10 * 8 + 3 * 2 * 10));
}

} // namespace
