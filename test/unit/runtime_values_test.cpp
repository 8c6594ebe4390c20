//===- runtime_values_test.cpp - Values that say where is written ---------===//
//
// The last of the entry checks, on a program that would write to caches:
//
//   k      f32[B, S]
//   len    i32[B]          0 to C - S, 0 to 8 * P - S
//   at     i64             0 to C - S
//   table  i32[B, P]       writes S positions from len on, in pages of 8 of N
//   cache  f32[B, C]       inout, set to 1
//   pool   f32[N, 8]       inout
//
//===----------------------------------------------------------------------===//

#include "runtime_program.h"

#include <climits>

using namespace ladon::test;

namespace {

enum { B, S, C, P, N };

const ladon_program &cacheProgram() {
  static const int64_t k[] = {-1 - B, -1 - S}, len[] = {-1 - B},
                       table[] = {-1 - B, -1 - P}, cache[] = {-1 - B, -1 - C},
                       pool[] = {-1 - N, 8};
  static const ladon_param_info params[] = {
      {"k", LADON_KIND_INPUT, 2, 32, 2, k, nullptr},
      {"len", LADON_KIND_INPUT, 0, 32, 1, len, nullptr},
      {"at", LADON_KIND_SCALAR, 0, 64, 0, nullptr, nullptr},
      {"table", LADON_KIND_INPUT, 0, 32, 2, table, nullptr},
      {"cache", LADON_KIND_INOUT, 2, 32, 2, cache, nullptr},
      {"pool", LADON_KIND_INOUT, 2, 32, 2, pool, nullptr}};
  static const char *const symbols[] = {"B", "S", "C", "P", "N"};
  static const ladon_bound bounds[] = {
      {"C - S", 1}, {"8 * P - S", 1}, {"C - S", 2}, {nullptr, 0}};
  static const ladon_written_pages pages[] = {{"S", "N", 8, 3, 1},
                                              {nullptr, nullptr, 0, 0, 0}};
  static const ladon_program program = {
      "grow",
      6,
      params,
      5,
      symbols,
      1,
      [](ladon_ctx *, void **args) {
        *reinterpret_cast<float *>(static_cast<Memref *>(args[4])->aligned) = 1;
      },
      0,
      0,
      nullptr,
      nullptr,
      bounds,
      pages};
  return program;
}

/// Two entries, three new positions, a cache of ten, two pages for each.
struct CacheCall {
  std::vector<float> kData = std::vector<float>(6),
                     cacheData = std::vector<float>(20, -7),
                     poolData = std::vector<float>(48);
  std::vector<int32_t> lenData = {0, 7}, tableData = {0, 1, 2, 5};
  int64_t at = 7;
  Tensor k{kData.data(), 2, 32, {2, 3}};
  Tensor len{lenData.data(), 0, 32, {2}};
  Tensor table{tableData.data(), 0, 32, {2, 2}};
  Tensor cache{cacheData.data(), 2, 32, {2, 10}};
  Tensor pool{poolData.data(), 2, 32, {6, 8}};

  int32_t run() {
    void *args[] = {&k.dl, &len.dl, &at, &table.dl, &cache.dl, &pool.dl};
    return ladon_rt_enter(&cacheProgram(), args, nullptr);
  }
};

void expectRefused(CacheCall &call, int32_t status, const char *sentence) {
  EXPECT_EQ(call.run(), status);
  EXPECT_STREQ(ladon_rt_last_error(), sentence);
  for (float x : call.cacheData)
    EXPECT_EQ(x, -7);
}

TEST(RuntimeValues, AreAcceptedWithinTheirBounds) {
  CacheCall call;
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
  EXPECT_EQ(call.cacheData[0], 1);
}

TEST(RuntimeValues, OfEveryEntryAreAtMostTheLastPlace) {
  CacheCall call;
  call.lenData[1] = 8;
  expectRefused(call, LADON_VALUE_RANGE,
                "len: expected 0 to C - S = 7 in entry 1, found 8");
  call.lenData[1] = INT_MAX;
  expectRefused(call, LADON_VALUE_RANGE,
                "len: expected 0 to C - S = 7 in entry 1, found 2147483647");
}

TEST(RuntimeValues, AreNotNegative) {
  CacheCall call;
  call.lenData[0] = -1;
  expectRefused(call, LADON_VALUE_RANGE,
                "len: expected 0 to C - S = 7 in entry 0, found -1");
  call.lenData[0] = 0;
  call.at = INT64_MIN;
  expectRefused(call, LADON_VALUE_RANGE,
                "at: expected 0 to C - S = 7, found -9223372036854775808");
}

TEST(RuntimeValues, AreReadWithTheirStride) {
  CacheCall call;
  std::vector<int32_t> apart = {0, 99, 7, 99};
  call.len.dl.data = apart.data();
  call.len.setStrides({2});
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
  apart[2] = 8;
  EXPECT_EQ(call.run(), LADON_VALUE_RANGE);
  // One value for all entries.
  call.len.setStrides({0});
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
}

TEST(RuntimeValues, FitNowhereInACacheThatIsTooShort) {
  CacheCall call;
  call.cache.shape[1] = 2;
  call.lenData[1] = 0;
  expectRefused(call, LADON_VALUE_RANGE,
                "len: expected 0 to C - S = -1 in entry 0, found 0");
}

TEST(RuntimeValues, HaveSeveralBounds) {
  CacheCall call;
  call.table.shape[1] = 1;
  expectRefused(call, LADON_VALUE_RANGE,
                "len: expected 0 to 8 * P - S = 5 in entry 1, found 7");
}

TEST(RuntimeValues, OfNoEntryAreNotLookedAt) {
  CacheCall call;
  call.k.shape[0] = call.len.shape[0] = call.table.shape[0] =
      call.cache.shape[0] = 0;
  call.len.dl.data = nullptr;
  call.cache.dl.data = nullptr;
  call.at = 8;
  expectRefused(call, LADON_VALUE_RANGE,
                "at: expected 0 to C - S = 7, found 8");
}

TEST(RuntimeValues, PagesThatAreWrittenToExist) {
  CacheCall call;
  // Positions 7 to 9 of the second entry are on both of its pages.
  call.tableData[3] = 6;
  expectRefused(call, LADON_VALUE_RANGE,
                "table: expected a page of 0 to 5 at [1, 1], which is written "
                "to, found 6");
  call.tableData[3] = 5;
  call.tableData[2] = -1;
  expectRefused(call, LADON_VALUE_RANGE,
                "table: expected a page of 0 to 5 at [1, 0], which is written "
                "to, found -1");
  // The second page of the first entry is not written to.
  call.tableData = {0, 99, 2, 5};
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
  // Nor is any, where nothing is new.
  call.k.shape[1] = 0;
  call.tableData = {-1, -1, -1, -1};
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
}

TEST(RuntimeValues, CachesOverlapNothing) {
  CacheCall call;
  call.cache.dl.data = call.poolData.data();
  expectRefused(call, LADON_OVERLAP, "pool: its memory overlaps that of cache");
  call.cache.dl.data = call.kData.data();
  call.cache.shape[1] = 3;
  expectRefused(call, LADON_OVERLAP, "cache: its memory overlaps that of k");
}

TEST(RuntimeValues, PositionsOfACacheShareNoMemory) {
  CacheCall call;
  call.cache.setStrides({0, 1});
  expectRefused(call, LADON_OUTPUT_STRIDES,
                "cache: axis 0 has 2 entries and stride 0, so that they share "
                "memory");
}

} // namespace
