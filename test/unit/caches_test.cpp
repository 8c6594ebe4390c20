//===- caches_test.cpp - A cache that grows with every call ---------------===//
//
// A prompt, then a token at a time, in the memory of one cache: each call gives
// what an attention to all keys so far gives, and leaves the cache as whoever
// wrote it by hand.
//
//===----------------------------------------------------------------------===//

#include "compiled_spec.h"

#include <cmath>
#include <cstring>

using namespace ladon;
using namespace ladon::test;
using ast::ScalarType;

namespace {

constexpr int64_t B = 2, H = 4, kvHeads = 2, D = 24, capacity = 200;

std::string grownText(const std::string &cache, int64_t page) {
  std::string shape =
      page == 0 ? "[B, 2, C, 24]" : "[N, 2, " + std::to_string(page) + ", 24]";
  std::string pages = page == 0 ? "" : ", pages = table";
  return "attention grown(q: f32[B, 4, S, 24], k: f32[B, 2, S, 24], "
         "v: f32[B, 2, S, 24], inout ck: " +
         cache + shape + ", inout cv: " + cache + shape +
         (page == 0 ? "" : ", table: i32[B, P]") +
         ", len: i32[B]) -> f32[B, 4, S, 24] {\n"
         "  let keys = append(ck, k, at = len[b]" +
         pages + ")\n  let values = append(cv, v, at = len[b]" + pages +
         ")\n  return attend(q, keys, values" + pages +
         ", mask = j <= i + len[b])\n}\n";
}

/// All keys of one entry at once, in the type of the cache.
std::string wholeText(const std::string &cache) {
  return "attention whole(q: f32[1, 4, S, 24], k: " + cache +
         "[1, 2, T, 24], v: " + cache +
         "[1, 2, T, 24]) -> f32[1, 4, S, 24] {\n"
         "  return attend(q, k, v, mask = causal)\n}\n";
}

/// A number of f32, so that it is rounded once on its way into a cache.
double valueAt(int64_t b, int64_t h, int64_t j, int64_t d) {
  return std::sin(float(((b * H + h) * 1000 + j) * D + d));
}

/// Positions from that of each entry on, of `heads` heads.
HostTensor tokens(int64_t heads, int64_t count, llvm::ArrayRef<int64_t> first,
                  double scale) {
  HostTensor tensor = HostTensor::zeros(ScalarType::F32, {B, heads, count, D});
  forEachPosition(tensor.shape, [&](llvm::ArrayRef<int64_t> at) {
    tensor.setFloat(at,
                    scale * valueAt(at[0], at[1], first[at[0]] + at[2], at[3]));
  });
  return tensor;
}

void expectSameAsFromScratch(const std::string &name, ScalarType type,
                             int64_t page, int threads) {
  CompiledSpec grown(grownText(name, page)), whole(wholeText(name));
  ASSERT_TRUE(grown && whole);
  Extents shape = {B, kvHeads, capacity, D};
  int64_t pages = page == 0 ? 0 : capacity / page;
  if (page != 0)
    shape = {B * pages, kvHeads, page, D};
  HostTensor ck = HostTensor::zeros(type, shape),
             cv = HostTensor::zeros(type, shape),
             table = HostTensor::zeros(ScalarType::I32, {B, pages}),
             len = HostTensor::zeros(ScalarType::I32, {B});
  for (HostTensor *cache : {&ck, &cv})
    forEachPosition(shape, [&](llvm::ArrayRef<int64_t> at) {
      cache->setFloat(at, std::nan(""));
    });
  forEachPosition(table.shape, [&](llvm::ArrayRef<int64_t> at) {
    table.setInteger(at, (pages - 1 - at[1]) * B + at[0]);
  });
  // Where key j of an entry is.
  auto place = [&](int64_t b, int64_t h, int64_t j, int64_t d) {
    if (page == 0)
      return Extents({b, h, j, d});
    return Extents({table.getInteger({b, j / page}), h, j % page, d});
  };
  // The entries have prompts of their own before the first call.
  int64_t first[B] = {0, 37};
  for (int64_t h = 0; h < kvHeads; ++h)
    for (int64_t j = 0; j < first[1]; ++j)
      for (int64_t d = 0; d < D; ++d) {
        ck.setFloat(place(1, h, j, d), valueAt(1, h, j, d));
        cv.setFloat(place(1, h, j, d), -valueAt(1, h, j, d));
      }
  for (int64_t count : {50, 1, 1, 9, 1, 60, 1, 40}) {
    for (int64_t b = 0; b < B; ++b)
      len.setInteger({b}, first[b]);
    std::vector<HostTensor> inputs = {
        tokens(H, count, first, 3), tokens(kvHeads, count, first, 1),
        tokens(kvHeads, count, first, -1), ck, cv};
    if (page != 0)
      inputs.push_back(table);
    inputs.push_back(len);
    std::vector<HostTensor> found = grown(inputs, threads);
    ASSERT_EQ(found.size(), 1u);
    for (int64_t b = 0; b < B; ++b) {
      int64_t T = first[b] += count;
      HostTensor q = HostTensor::zeros(ScalarType::F32, {1, H, count, D}),
                 k = HostTensor::zeros(type, {1, kvHeads, T, D}),
                 v = HostTensor::zeros(type, {1, kvHeads, T, D});
      forEachPosition(q.shape, [&](llvm::ArrayRef<int64_t> at) {
        q.setFloat(at, inputs[0].getFloat({b, at[1], at[2], at[3]}));
      });
      forEachPosition(k.shape, [&](llvm::ArrayRef<int64_t> at) {
        double value = valueAt(b, at[1], at[2], at[3]);
        k.setFloat(at, value);
        v.setFloat(at, -value);
        // Exactly: what is appended is rounded once, what was there stays.
        Extents there = place(b, at[1], at[2], at[3]);
        ASSERT_EQ(ck.getFloat(there), k.getFloat(at)) << at[2];
        ASSERT_EQ(cv.getFloat(there), v.getFloat(at)) << at[2];
      });
      std::vector<HostTensor> expected = whole({q, k, v});
      ASSERT_EQ(expected.size(), 1u);
      forEachPosition(q.shape, [&](llvm::ArrayRef<int64_t> at) {
        ASSERT_NEAR(expected[0].getFloat(at),
                    found[0].getFloat({b, at[1], at[2], at[3]}), 2e-6)
            << name << ", " << T << " keys, page " << page;
      });
    }
  }
  // Beyond the last key nothing was written.
  for (int64_t b = 0; b < B; ++b)
    for (int64_t j = first[b]; j < capacity; ++j)
      ASSERT_TRUE(std::isnan(ck.getFloat(place(b, 1, j, 0))));
}

TEST(Caches, GrowByAPromptAndByTokens) {
  for (int threads : {1, 3}) {
    expectSameAsFromScratch("f32", ScalarType::F32, 0, threads);
    expectSameAsFromScratch("bf16", ScalarType::BF16, 0, threads);
    expectSameAsFromScratch("f16", ScalarType::F16, 0, threads);
  }
}

TEST(Caches, GrowInPages) {
  for (int threads : {1, 3}) {
    expectSameAsFromScratch("f32", ScalarType::F32, 8, threads);
    expectSameAsFromScratch("f16", ScalarType::F16, 40, threads);
  }
}

/// Where one entry does not fit, none is written.
TEST(Caches, StayAsTheyAreWhereTheyAreTooShort) {
  CompiledSpec grown(grownText("f32", 0));
  ASSERT_TRUE(grown);
  int64_t first[B] = {0, 0};
  for (auto [zero, one] : {std::pair<int64_t, int64_t>{3, 11}, {-1, 3}}) {
    HostTensor ck = HostTensor::zeros(ScalarType::F32, {B, kvHeads, 12, D}),
               cv = HostTensor::zeros(ScalarType::F32, {B, kvHeads, 12, D}),
               len = HostTensor::zeros(ScalarType::I32, {B});
    len.setInteger({0}, zero);
    len.setInteger({1}, one);
    const HostTensor inputs[] = {tokens(H, 2, first, 1),
                                 tokens(kvHeads, 2, first, 1),
                                 tokens(kvHeads, 2, first, 1),
                                 ck,
                                 cv,
                                 len};
    ladon_options options = LADON_OPTIONS_INIT;
    auto outputs = grown.call(inputs, options);
    ASSERT_FALSE(outputs);
    std::string expected = "len: expected 0 to C - S = 10 in entry ";
    expected += zero < 0 ? "0, found -1" : "1, found 11";
    EXPECT_EQ(llvm::toString(outputs.takeError()), expected + " (status 22)");
    for (const HostTensor *cache : {&ck, &cv})
      for (double x : elementsOf(*cache))
        ASSERT_EQ(x, 0);
  }
}

/// A page or a place that does not exist, of one entry: nothing of any cache is
/// written, neither bytes nor their scales. Pages that are only read may be
/// any.
TEST(Caches, StayAsTheyAreWherePagesAreMissing) {
  CompiledSpec spec(
      "attention paged(k: f32[B, 2, S, 16], inout pool: i8[N, 2, 4, 16], "
      "inout scales: f32[N, 2, 4], table: i32[B, P], len: i64[B]) -> "
      "f32[B, 2, S, 16] {\n"
      "  let unit = max(abs(k), axis = 3) / 127\n"
      "  let keys = append(pool, k / unit, at = len[b], pages = table)\n"
      "  let ks = append(scales, unit, at = len[b], pages = table, axis = 2)\n"
      "  let whole = float(keys) * ks\n"
      "  return attend(k, whole, whole, pages = table, mask = j <= i + "
      "len[b])\n}\n");
  ASSERT_TRUE(spec);
  constexpr int64_t pages = 6, S = 5;
  struct Wrong {
    int64_t page, number, place; // Of the second entry.
    const char *message;
  };
  // Positions 2 to 6 lie in its pages 0 and 1 of three.
  const Wrong cases[] = {
      {0, -1, 2, "table: expected a page of 0 to 5 at [1, 0], "},
      {1, pages, 2, "table: expected a page of 0 to 5 at [1, 1], "},
      {1, INT32_MAX, 2, "table: expected a page of 0 to 5 at [1, 1], "},
      {1, INT32_MIN, 2, "table: expected a page of 0 to 5 at [1, 1], "},
      {2, 5, 8, "len: expected 0 to "},
      {2, 5, -1, "len: expected 0 to "},
      {2, 5, INT64_MAX, "len: expected 0 to "},
      {2, 5, INT64_MIN, "len: expected 0 to "},
      {2, pages + 40, 2, ""},
      {2, -7, 2, ""}};
  for (const Wrong &wrong : cases)
    for (int threads : {1, 3}) {
      HostTensor k = HostTensor::zeros(ScalarType::F32, {2, 2, S, 16}),
                 pool = HostTensor::zeros(ScalarType::I8, {pages, 2, 4, 16}),
                 scales = HostTensor::zeros(ScalarType::F32, {pages, 2, 4}),
                 table = HostTensor::zeros(ScalarType::I32, {2, 3}),
                 len = HostTensor::zeros(ScalarType::I64, {2});
      forEachPosition(k.shape, [&](llvm::ArrayRef<int64_t> at) {
        k.setFloat(at, valueAt(at[0], at[1], at[2], at[3]));
      });
      for (int64_t entry : {0, 1})
        for (int64_t page : {0, 1, 2})
          table.setInteger({entry, page}, 3 * entry + page);
      table.setInteger({1, wrong.page}, wrong.number);
      len.setInteger({1}, wrong.place);
      const HostTensor inputs[] = {k, pool, scales, table, len};
      ladon_options options = LADON_OPTIONS_INIT;
      options.threads = threads;
      auto outputs = spec.call(inputs, options);
      bool isRefused = !outputs;
      std::string message =
          isRefused ? llvm::toString(outputs.takeError()) : "";
      EXPECT_TRUE(llvm::StringRef(message).starts_with(wrong.message))
          << message;
      EXPECT_EQ(isRefused, *wrong.message != 0) << wrong.place;
      bool isWritten = false;
      for (const HostTensor *cache : {&pool, &scales})
        for (double x : elementsOf(*cache))
          isWritten |= x != 0;
      EXPECT_NE(isWritten, isRefused) << message;
    }
}

/// Ties go to even, numbers beyond to the ends of the range, a NaN to 0: in
/// vectors, in what is left of a row beside them, and by the reference.
TEST(Caches, OfBytesRoundAndSaturate) {
  const std::pair<float, int> cases[] = {
      {0.5f, 0},         {1.5f, 2},       {2.5f, 2},        {-0.5f, 0},
      {-1.5f, -2},       {-2.5f, -2},     {0.49999997f, 0}, {126.49999f, 126},
      {126.5f, 126},     {127.49f, 127},  {127.5f, 127},    {1e30f, 127},
      {INFINITY, 127},   {-127.5f, -128}, {-128.5f, -128},  {-1e30f, -128},
      {-INFINITY, -128}, {NAN, 0},        {-NAN, 0},        {-0.0f, 0},
      {1e-40f, 0},       {3, 3},          {-77, -77}};
  constexpr int64_t count = std::size(cases);
  ASSERT_EQ(count, 23); // Not whole vectors.
  CompiledSpec bytes("attention bytes(k: f32[1, 2, S, 23], "
                     "inout cache: i8[1, 2, C, 23], past: i32) -> "
                     "f32[1, 2, S, 23] {\n"
                     "  let keys = append(cache, k, at = past)\n"
                     "  return k * 2\n}\n");
  ASSERT_TRUE(bytes);
  HostTensor k = HostTensor::zeros(ScalarType::F32, {1, 2, 3, count}),
             cache = HostTensor::zeros(ScalarType::I8, {1, 2, 5, count});
  forEachPosition(k.shape, [&](llvm::ArrayRef<int64_t> at) {
    k.setFloat(at, cases[(at[1] + at[2] + at[3]) % count].first);
  });
  const HostTensor inputs[] = {k, cache,
                               HostTensor::scalar(ScalarType::I32, 2)};
  HostTensor reference = bytes.reference(inputs).back().tensor();
  ASSERT_EQ(bytes(inputs).size(), 1u);
  forEachPosition(cache.shape, [&](llvm::ArrayRef<int64_t> at) {
    int64_t from = (at[1] + at[2] - 2 + at[3] + count) % count;
    int want = at[2] < 2 ? 0 : cases[from].second;
    EXPECT_EQ(cache.getInteger(at), want) << cases[from].first;
    EXPECT_EQ(reference.getInteger(at), want) << cases[from].first;
  });
}

/// The code and the reference agree about a cache whose entries lie anywhere,
/// and about one that is as long as what is appended.
TEST(Caches, MayHaveAnyStridesAndNoRoomToSpare) {
  CompiledSpec grown(grownText("f16", 0));
  ASSERT_TRUE(grown);
  auto program = [&](llvm::ArrayRef<HostTensor> inputs,
                     llvm::ArrayRef<HostTensor> outputs, int threads) {
    return grown.call(inputs, outputs, threads);
  };
  for (ViewKind views : allViewKinds())
    for (auto [S, C] : {std::pair<int64_t, int64_t>{1, 1},
                        {0, 0},
                        {0, 5},
                        {70, 70},
                        {5, 64}}) {
      Trial trial;
      trial.sizes = {{"B", 2}, {"S", S}, {"C", C}};
      trial.views = views;
      auto report =
          runTrial(grown.attention(), program, trial, grown.getArithmetic());
      ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
      EXPECT_EQ(report->problem(), "") << describe(trial);
      EXPECT_EQ(report->names, (std::vector<std::string>{"out", "ck", "cv"}));
    }
}

} // namespace
