//===- runtime_test.cpp - The entry checks --------------------------------===//
//
// Every status code once, with its exact sentence, and in each case that the
// outputs are as they were. What looks wrong and must be accepted is in
// runtime_accepted_test.cpp.
//
//===----------------------------------------------------------------------===//

#include "runtime_program.h"

#include <gtest/gtest.h>

#include <climits>
#include <cstring>

using namespace ladon::test;

// Of runtime/lib/cpu.h and machine.h.
extern "C" int32_t ladon_cpu_level(void);
extern "C" const char *ladon_machine_level_name(int32_t level);

TEST(RuntimeChecks, acceptsValidArgumentsAndClearsTheSentence) {
  ExampleCall bad;
  bad.q.dl.ndim = 3;
  EXPECT_NE(bad.run(), LADON_OK);
  ExampleCall call;
  EXPECT_EQ(call.run(), LADON_OK);
  EXPECT_STREQ(ladon_rt_last_error(), "");
  EXPECT_TRUE(call.isRight());
}

TEST(RuntimeChecks, nullTensor) {
  ExampleCall call;
  void *args[] = {&call.q.dl, nullptr, &call.cap, &call.out.dl, &call.sum.dl};
  EXPECT_EQ(ladon_rt_enter(&exampleProgram(), args, nullptr),
            LADON_NULL_TENSOR);
  EXPECT_STREQ(ladon_rt_last_error(), "keep: the tensor is null");
  EXPECT_TRUE(call.isUntouched());
}

TEST(RuntimeChecks, device) {
  ExampleCall call;
  call.out.dl.device.device_type = kDLCUDA;
  expectRefused(call, LADON_DEVICE,
                "out: expected memory of the CPU (DLPack device type 1), found "
                "device type 2");
}

TEST(RuntimeChecks, hostMemoryOfADeviceIsMemoryOfTheCpu) {
  ExampleCall call;
  call.q.dl.device.device_type = kDLCUDAHost;
  EXPECT_EQ(call.run(), LADON_OK);
}

TEST(RuntimeChecks, dtype) {
  ExampleCall call;
  call.q.dl.dtype.bits = 64;
  expectRefused(call, LADON_DTYPE,
                "q: expected elements of type f32, found f64");
  call.q.dl.dtype = {4, 16, 1};
  expectRefused(call, LADON_DTYPE,
                "q: expected elements of type f32, found bf16");
  call.q.dl.dtype = {6, 8, 1};
  expectRefused(call, LADON_DTYPE,
                "q: expected elements of type f32, found bool");
  call.q.dl.dtype = {200, 4, 1};
  expectRefused(
      call, LADON_DTYPE,
      "q: expected elements of type f32, found type code 200 of 4 bits");
  call.q.dl.dtype = {2, 32, 4};
  expectRefused(call, LADON_DTYPE,
                "q: expected elements of type f32, found f32 in vectors of 4");
}

TEST(RuntimeChecks, boolMayBeAnUnsignedByteButNotASignedOne) {
  ExampleCall call;
  call.keep.dl.dtype = {1, 8, 1};
  EXPECT_EQ(call.run(), LADON_OK);
  ExampleCall bad;
  bad.keep.dl.dtype = {0, 8, 1};
  expectRefused(bad, LADON_DTYPE,
                "keep: expected elements of type bool, found i8");
}

TEST(RuntimeChecks, rankIsCheckedBeforeTheShapeIsRead) {
  ExampleCall call;
  call.q.dl.ndim = 3;
  call.q.dl.shape = nullptr;
  expectRefused(call, LADON_RANK, "q: expected 4 axes, found 3");
  call.q.dl.ndim = -1;
  expectRefused(call, LADON_RANK, "q: expected 4 axes, found -1");
  ExampleCall other;
  other.sum.dl.ndim = 2;
  expectRefused(other, LADON_RANK, "sum: expected 1 axis, found 2");
}

TEST(RuntimeChecks, nullShape) {
  ExampleCall call;
  call.q.dl.shape = nullptr;
  expectRefused(call, LADON_NULL_SHAPE, "q: the shape is null");
}

TEST(RuntimeChecks, negativeExtent) {
  ExampleCall call;
  call.q.shape[2] = -1;
  expectRefused(call, LADON_NEGATIVE_EXTENT,
                "q: the extent of axis 2 is negative: -1");
}

TEST(RuntimeChecks, extentTooLarge) {
  ExampleCall call;
  call.q.shape[0] = 1ll << 30;
  expectRefused(call, LADON_EXTENT_TOO_LARGE,
                "q: expected at most 1073741823 on axis 0, found 1073741824");
}

TEST(RuntimeChecks, extentMismatchUsesTheWordOfTheAxis) {
  ExampleCall call;
  call.q.shape[1] = 6;
  expectRefused(call, LADON_EXTENT_MISMATCH,
                "q: expected 4 heads on axis 1, found 6");
  ExampleCall plain;
  plain.out.shape[1] = 6;
  expectRefused(plain, LADON_EXTENT_MISMATCH,
                "out: expected 4 on axis 1, found 6");
}

TEST(RuntimeChecks, oneOfAThingIsSingular) {
  static const int64_t dims[] = {1};
  static const char *const words[] = {"heads"};
  ladon_param_info param = {"k", LADON_KIND_INPUT, 2, 32, 1, dims, words};
  ladon_program program = {"one", 1, &param,  0,       nullptr, 1,      nullptr,
                           0,     0, nullptr, nullptr, nullptr, nullptr};
  float data[2] = {};
  Tensor k(data, 2, 32, {2});
  void *args[] = {&k.dl};
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_EXTENT_MISMATCH);
  EXPECT_STREQ(ladon_rt_last_error(), "k: expected 1 head on axis 0, found 2");
}

TEST(RuntimeChecks, aProgramMayLimitWhatATensorSpans) {
  static const int64_t dims[] = {-1};
  static const char *const symbols[] = {"N"};
  ladon_param_info param = {"k", LADON_KIND_INPUT, 2, 32, 1, dims, nullptr};
  ladon_program program = {"near",
                           1,
                           &param,
                           1,
                           symbols,
                           1,
                           [](ladon_ctx *, void **) {},
                           0,
                           /*max_span=*/4,
                           nullptr,
                           nullptr,
                           nullptr,
                           nullptr};
  float data[8] = {};
  Tensor k(data, 2, 32, {2});
  void *args[] = {&k.dl};
  k.setStrides({3});
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_OK);
  k.setStrides({4});
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_ADDRESS_OVERFLOW);
  EXPECT_STREQ(ladon_rt_last_error(),
               "k: expected a tensor that spans at most 4 elements, found one "
               "that spans 5");
}

TEST(RuntimeChecks, symbolMismatchNamesTheTensorThatBoundIt) {
  ExampleCall call;
  call.keep.shape[1] = 5;
  expectRefused(call, LADON_SYMBOL_MISMATCH,
                "keep: expected S = 3 on axis 1, as in q, found 5");
}

TEST(RuntimeChecks, aSymbolIsBoundByTheFirstTensorThatHasIt) {
  // N is not of the first argument, M of none before the third.
  static const int64_t first[] = {3}, second[] = {-1}, third[] = {-1, -2};
  ladon_param_info params[] = {
      {"a", LADON_KIND_INPUT, 2, 32, 1, first, nullptr},
      {"b", LADON_KIND_INPUT, 2, 32, 1, second, nullptr},
      {"c", LADON_KIND_INPUT, 2, 32, 2, third, nullptr},
      {"d", LADON_KIND_INPUT, 2, 32, 2, third, nullptr}};
  static const char *const symbols[] = {"N", "M"};
  ladon_program program = {"late",  4,       params, 2, symbols,
                           1,       nullptr, 0,      0, nullptr,
                           nullptr, nullptr, nullptr};
  float data[64] = {};
  auto sentenceOf = [&](int64_t c0, int64_t d0, int64_t d1) {
    Tensor a(data, 2, 32, {3}), b(data, 2, 32, {4}), c(data, 2, 32, {c0, 5}),
        d(data, 2, 32, {d0, d1});
    void *args[] = {&a.dl, &b.dl, &c.dl, &d.dl};
    EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_SYMBOL_MISMATCH);
    return std::string(ladon_rt_last_error());
  };
  EXPECT_EQ(sentenceOf(6, 4, 5),
            "c: expected N = 4 on axis 0, as in b, found 6");
  EXPECT_EQ(sentenceOf(4, 6, 5),
            "d: expected N = 4 on axis 0, as in b, found 6");
  EXPECT_EQ(sentenceOf(4, 4, 6),
            "d: expected M = 5 on axis 1, as in c, found 6");
}

TEST(RuntimeChecks, aComputedSizeIsThatOfItsFormula) {
  // The formula stands before the sizes that it is made of.
  static const int64_t first[] = {-1, -2}, second[] = {-3, -4, -5};
  ladon_param_info params[] = {
      {"a", LADON_KIND_INPUT, 2, 32, 2, first, nullptr},
      {"b", LADON_KIND_INPUT, 2, 32, 3, second, nullptr}};
  static const char *const symbols[] = {"2 * S - 1", "(S + T + 15) // 16", "S",
                                        "T", "-S + 10"};
  static bool hasRun;
  ladon_program program = {"computed",
                           2,
                           params,
                           5,
                           symbols,
                           1,
                           [](ladon_ctx *, void **) { hasRun = true; },
                           0,
                           0,
                           nullptr,
                           nullptr,
                           nullptr,
                           nullptr};
  std::vector<float> data(4096);
  auto call = [&](std::vector<int64_t> ofA, std::vector<int64_t> ofB) {
    Tensor a(data.data(), 2, 32, ofA), b(data.data(), 2, 32, ofB);
    void *args[] = {&a.dl, &b.dl};
    hasRun = false;
    int32_t status = ladon_rt_enter(&program, args, nullptr);
    EXPECT_EQ(hasRun, status == LADON_OK);
    return status == LADON_OK ? std::string()
                              : std::string(ladon_rt_last_error());
  };
  EXPECT_EQ(call({5, 1}, {3, 4, 7}), "");
  EXPECT_EQ(call({5, 2}, {3, 14, 7}), "");
  EXPECT_EQ(call({6, 1}, {3, 4, 7}),
            "a: expected 2 * S - 1 = 5 on axis 0, found 6");
  EXPECT_EQ(call({5, 1}, {3, 14, 7}),
            "a: expected (S + T + 15) // 16 = 2 on axis 1, found 1");
  EXPECT_EQ(call({5, 1}, {3, 4, 8}),
            "b: expected -S + 10 = 7 on axis 2, found 8");
  // No extent is negative.
  EXPECT_EQ(call({23, 1}, {12, 4, 0}),
            "b: expected -S + 10 = -2 on axis 2, found 0");
}

TEST(RuntimeChecks, aComputedSizeMayOverflow) {
  // The largest extents, of tensors without elements.
  static const int64_t dims[] = {-1, -2, -3};
  ladon_param_info params[] = {
      {"a", LADON_KIND_INPUT, 2, 32, 3, dims, nullptr}};
  static const char *const symbols[] = {"N", "Z", "N * N * N * N"};
  ladon_program program = {"computed",
                           1,
                           params,
                           3,
                           symbols,
                           1,
                           [](ladon_ctx *, void **) {},
                           0,
                           0,
                           nullptr,
                           nullptr,
                           nullptr,
                           nullptr};
  float data[4] = {};
  Tensor a(data, 2, 32, {LADON_MAX_EXTENT, 0, 1});
  void *args[] = {&a.dl};
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_SYMBOL_MISMATCH);
  EXPECT_STREQ(ladon_rt_last_error(),
               "a: the value of N * N * N * N on axis 2 overflows 64 bits");
}

/// Calls code for level 3 in a process of its own, as the limit is read once.
[[noreturn]] static void callWithLimit(const char *limit) {
  setenv("LADON_MAX_CPU", limit, 1);
  static const ladon_program program = {"limited",
                                        0,
                                        nullptr,
                                        0,
                                        nullptr,
                                        3,
                                        [](ladon_ctx *, void **) {},
                                        0,
                                        0,
                                        nullptr,
                                        nullptr,
                                        nullptr,
                                        nullptr};
  int32_t status = ladon_rt_enter(&program, nullptr, nullptr);
  fputs(ladon_rt_last_error(), stderr);
  exit(status);
}

TEST(RuntimeChecksDeathTest, aLimitOfTheLevel) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(callWithLimit("pentium"), testing::ExitedWithCode(LADON_CPU),
              "LADON_MAX_CPU: expected a level such as x86-64-v3, found "
              "'pentium'");
  EXPECT_EXIT(callWithLimit("x86-64-v2"), testing::ExitedWithCode(LADON_CPU),
              "limited: expected a CPU of level x86-64-v3.*, found x86-64-v2");
}

TEST(RuntimeChecks, sizeOverflow) {
  ExampleCall call;
  for (Tensor *tensor : {&call.q, &call.out})
    tensor->shape = {LADON_MAX_EXTENT, 4, LADON_MAX_EXTENT, 2};
  call.q.dl.shape = call.q.shape.data();
  expectRefused(call, LADON_SIZE_OVERFLOW,
                "q: the size in bytes overflows 64 bits");
}

TEST(RuntimeChecks, nullData) {
  ExampleCall call;
  call.q.dl.data = nullptr;
  expectRefused(call, LADON_NULL_DATA,
                "q: the data pointer is null, but there are 48 elements");
}

TEST(RuntimeChecks, negativeStride) {
  ExampleCall call;
  call.q.setStrides({24, 6, -2, 1});
  expectRefused(call, LADON_NEGATIVE_STRIDE,
                "q: the stride of axis 2 is negative: -2");
}

TEST(RuntimeChecks, addressOverflow) {
  const char *sentence =
      "q: strides and byte offset reach beyond the address space";
  ExampleCall call;
  call.q.setStrides({INT64_MAX, 6, 2, 1});
  expectRefused(call, LADON_ADDRESS_OVERFLOW, sentence);
  call.q.setStrides({INT64_MAX / 4, 6, 2, 1});
  expectRefused(call, LADON_ADDRESS_OVERFLOW, sentence);
  for (uint64_t bytes : {uint64_t(UINT64_MAX - 3), uint64_t(1) << 63,
                         (uint64_t(1) << 62) + 8, (uint64_t(1) << 56) + 4}) {
    ExampleCall offset;
    offset.q.dl.byte_offset = bytes;
    expectRefused(offset, LADON_ADDRESS_OVERFLOW, sentence);
    ExampleCall output;
    output.sum.dl.byte_offset = bytes;
    expectRefused(output, LADON_ADDRESS_OVERFLOW,
                  "sum: strides and byte offset reach beyond the address "
                  "space");
  }
  // The last of two sequences lies 2^56 bytes behind the first.
  ExampleCall strides;
  strides.q.setStrides({int64_t(1) << 54, 6, 2, 1});
  expectRefused(strides, LADON_ADDRESS_OVERFLOW, sentence);
}

TEST(RuntimeChecks, outputWithStrideZero) {
  ExampleCall call;
  call.out.setStrides({24, 0, 2, 1});
  expectRefused(call, LADON_OUTPUT_STRIDES,
                "out: axis 1 has 4 entries and stride 0, so that they share "
                "memory");
}

TEST(RuntimeChecks, outputThatOverlapsItself) {
  ExampleCall call;
  call.out.setStrides({24, 5, 2, 1}); // heads of 6 elements, 5 apart
  expectRefused(call, LADON_OUTPUT_STRIDES,
                "out: axis 1 has stride 5, but the axes inside it span 6 "
                "elements");
  call.out.setStrides({6, 6, 2, 1}); // two batches on one another
  expectRefused(call, LADON_OUTPUT_STRIDES,
                "out: axis 0 has stride 6, but the axes inside it span 24 "
                "elements");
}

TEST(RuntimeChecks, alignment) {
  ExampleCall call;
  call.q.dl.byte_offset = 2;
  expectRefused(call, LADON_ALIGNMENT,
                "q: expected an address that is a multiple of 4, found one "
                "that is 2 beyond");
}

TEST(RuntimeChecks, overlapOfOutputAndInput) {
  ExampleCall call;
  call.out.dl.data = &call.qData.back();
  expectRefused(call, LADON_OVERLAP, "out: its memory overlaps that of q");
}

TEST(RuntimeChecks, overlapOfOutputs) {
  ExampleCall call;
  call.sum.dl.data = &call.outData[46];
  expectRefused(call, LADON_OVERLAP, "sum: its memory overlaps that of out");
}

TEST(RuntimeChecks, overlapsAreThoseOfWholeSpans) {
  // Every distance of two tensors of 48 elements, dense and with gaps into
  // which the other would fit.
  for (int64_t step : {1, 2})
    for (int64_t at = 0; at <= 300; ++at) {
      std::vector<float> all(500, -7);
      ExampleCall call;
      call.q.dl.data = all.data() + 150;
      call.out.dl.data = all.data() + at;
      call.out.setStrides({24 * step, 6 * step, 2 * step, step});
      int64_t span = 47 * step + 1;
      bool meets = at < 150 + 48 && 150 < at + span;
      EXPECT_EQ(call.run(), meets ? LADON_OVERLAP : LADON_OK)
          << "out at " << at << ", step " << step;
      if (meets) {
        EXPECT_EQ(all, std::vector<float>(500, -7));
        EXPECT_TRUE(call.isUntouched());
      }
    }
}

TEST(RuntimeChecks, overlapsOfEmptyTensorsAndOfInputs) {
  ExampleCall call;
  // Inputs may share memory.
  call.keep.dl.data = call.qData.data();
  EXPECT_EQ(call.run(), LADON_OK);
  // What has no elements meets nothing.
  call.out.dl.data = call.qData.data();
  for (Tensor *tensor : {&call.q, &call.out})
    tensor->shape[2] = 0;
  call.keep.shape[1] = 0;
  EXPECT_EQ(call.run(), LADON_OK);
}

TEST(RuntimeChecks, neighboursDoNotOverlap) {
  std::vector<float> all(49 + 48 + 2, -7);
  ExampleCall call;
  call.q.dl.data = all.data() + 1;
  call.out.dl.data = all.data() + 49;
  call.sum.dl.data = all.data() + 97;
  EXPECT_EQ(call.run(), LADON_OK);
  EXPECT_EQ(all[0], -7);
}

TEST(RuntimeChecks, cpu) {
  ladon_program program = exampleProgram();
  program.cpu_level = 6; // beyond any
  ExampleCall call;
  void *args[] = {&call.q.dl, &call.keep.dl, &call.cap, &call.out.dl,
                  &call.sum.dl};
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_CPU);
  EXPECT_EQ(std::string(ladon_rt_last_error()),
            std::string("example: expected a CPU of level x86-64-v4-bf16 "
                        "(AVX-512 with BF16 and VNNI), found ") +
                ladon_machine_level_name(ladon_cpu_level()));
  EXPECT_TRUE(call.isUntouched());
}

/// Which code has run.
static int codeOfLevel;
template <int level> static void runLevel(ladon_ctx *, void **) {
  codeOfLevel = level;
}

TEST(RuntimeChecks, theBestCodeIsRun) {
  // Levels of this machine and above it.
  int32_t own = ladon_cpu_level();
  ladon_level better[] = {
      {own + 2, runLevel<4>}, {own + 1, runLevel<3>}, {own, runLevel<2>},
      {own, runLevel<1>},     {0, nullptr},
  };
  ladon_program program = exampleProgram();
  program.run = runLevel<0>;
  ExampleCall call;
  void *args[] = {&call.q.dl, &call.keep.dl, &call.cap, &call.out.dl,
                  &call.sum.dl};
  program.better = better;
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_OK);
  EXPECT_EQ(codeOfLevel, 2);
  // None of them is for this machine.
  better[2] = {0, nullptr};
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_OK);
  EXPECT_EQ(codeOfLevel, 0);
  // The least is more than this machine has.
  program.cpu_level = own + 1;
  codeOfLevel = -1;
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_CPU);
  EXPECT_EQ(codeOfLevel, -1);
}

#if defined(__x86_64__) && defined(__clang__)
TEST(RuntimeChecks, cpuLevelAgreesWithTheCompilersDetection) {
  __builtin_cpu_init();
  int level = __builtin_cpu_supports("x86-64-v4")   ? 4
              : __builtin_cpu_supports("x86-64-v3") ? 3
              : __builtin_cpu_supports("x86-64-v2") ? 2
                                                    : 1;
  if (level == 4 && __builtin_cpu_supports("avx512bf16") &&
      __builtin_cpu_supports("avx512vnni"))
    level = 5;
  EXPECT_EQ(ladon_cpu_level(), level);
}
#endif
