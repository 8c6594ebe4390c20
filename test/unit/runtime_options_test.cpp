//===- runtime_options_test.cpp - Options of a call, and its last error ---===//
//
// What the runtime makes of the options of older and later callers, and whose
// the sentence about a failure is.
//
//===----------------------------------------------------------------------===//

#include "runtime_program.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

using namespace ladon::test;

//===--- Options ----------------------------------------------------------===//

TEST(RuntimeOptions, nullMeansDefaults) {
  ExampleCall call;
  EXPECT_EQ(call.run(nullptr), LADON_OK);
  EXPECT_TRUE(call.isRight());
}

TEST(RuntimeOptions, aStructureOfZerosMeansDefaults) {
  ExampleCall call;
  ladon_options zeros = {};
  EXPECT_EQ(call.run(&zeros), LADON_OK) << ladon_rt_last_error();
  EXPECT_TRUE(call.isRight());
}

TEST(RuntimeOptions, aFieldWithoutASizeIsRefused) {
  const char *sentence =
      "options: expected sizeof(ladon_options) in size, found 0";
  ExampleCall call;
  call.options.size = 0;
  call.options.threads = 2;
  expectRefused(call, LADON_BAD_OPTIONS, sentence);
  call.options.threads = 0;
  call.options.allocator_user = &call; // the last field
  expectRefused(call, LADON_BAD_OPTIONS, sentence);
}

TEST(RuntimeOptions, sizeIsChecked) {
  for (uint64_t size : {uint64_t(1), uint64_t(7), uint64_t(4097)}) {
    ExampleCall call;
    call.options.size = size;
    expectRefused(call, LADON_BAD_OPTIONS,
                  ("options: expected sizeof(ladon_options) in size, found " +
                   std::to_string(size))
                      .c_str());
  }
}

TEST(RuntimeOptions, anOlderCallerKnowsFewerFields) {
  ExampleCall call;
  struct {
    uint64_t size = 12;
    int32_t threads = 2;
    uint32_t beyond = 0xdeadbeef;
  } old;
  EXPECT_EQ(call.run(&old), LADON_OK) << ladon_rt_last_error();
  EXPECT_TRUE(call.isRight());
}

TEST(RuntimeOptions, aLaterCallerMaySetOnlyWhatTheLibraryKnows) {
  struct {
    ladon_options known = LADON_OPTIONS_INIT;
    uint64_t later = 0;
  } options;
  options.known.size = sizeof options;
  ExampleCall call;
  EXPECT_EQ(call.run(&options), LADON_OK) << ladon_rt_last_error();
  ExampleCall refused;
  options.later = 1;
  EXPECT_EQ(refused.run(&options), LADON_BAD_OPTIONS);
  EXPECT_STREQ(ladon_rt_last_error(),
               "options: a field beyond the 88 bytes that this library knows "
               "is set");
  EXPECT_TRUE(refused.isUntouched());
}

TEST(RuntimeOptions, threadsAndReservedAreChecked) {
  ExampleCall call;
  call.options.threads = -1;
  expectRefused(call, LADON_BAD_OPTIONS,
                "options: expected 0 to 4096 threads, found -1");
  call.options.threads = 4097;
  expectRefused(call, LADON_BAD_OPTIONS,
                "options: expected 0 to 4096 threads, found 4097");
  call.options.threads = 0;
  call.options.check_indices = 3;
  expectRefused(call, LADON_BAD_OPTIONS,
                "options: expected 0 or 1 in check_indices, found 3");
}

TEST(RuntimeOptions, anAllocatorHasTwoHalves) {
  ExampleCall call;
  call.options.deallocate = [](void *, void *, size_t) {};
  expectRefused(call, LADON_BAD_OPTIONS,
                "options: deallocate is set without allocate");
  call.options.deallocate = nullptr;
  call.options.allocate = [](void *, size_t, size_t) -> void * {
    return nullptr;
  };
  expectRefused(call, LADON_BAD_OPTIONS,
                "options: allocate is set without deallocate");
}

TEST(RuntimeOptions, aWorkspaceIsForAGpu) {
  const char *sentence = "options: expected no workspace for code for a CPU, "
                         "which takes its memory from allocate";
  ExampleCall call;
  alignas(64) char workspace[64];
  call.options.workspace = workspace;
  expectRefused(call, LADON_BAD_OPTIONS, sentence);
  call.options.workspace = nullptr;
  uint64_t needed = 0;
  call.options.workspace_needed = &needed;
  expectRefused(call, LADON_BAD_OPTIONS, sentence);
  call.options.workspace_needed = nullptr;
  call.options.workspace_bytes = 64;
  expectRefused(call, LADON_BAD_OPTIONS,
                "options: workspace_bytes is set without workspace");
}

//===--- Sentences --------------------------------------------------------===//

TEST(RuntimeErrors, theSentenceBelongsToTheThread) {
  ExampleCall call;
  call.q.dl.ndim = 3;
  EXPECT_EQ(call.run(), LADON_RANK);
  std::thread([] {
    EXPECT_STREQ(ladon_rt_last_error(), "");
    ExampleCall other;
    other.keep.shape[1] = 5;
    EXPECT_EQ(other.run(), LADON_SYMBOL_MISMATCH);
  }).join();
  EXPECT_STREQ(ladon_rt_last_error(), "q: expected 4 axes, found 3");
}

TEST(RuntimeErrors, theFirstFailureOfACallStays) {
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = 1;
  ladon_param_info param = {"x", LADON_KIND_SCALAR, 2, 32, 0, nullptr, nullptr};
  ladon_program program = {"twice", 1, &param, 0, nullptr, 1,
                           /*run=*/
                           [](ladon_ctx *ctx, void **) {
                             EXPECT_EQ(ladon_rt_alloc(ctx, -1), nullptr);
                             EXPECT_EQ(ladon_rt_alloc(ctx, -2), nullptr);
                           },
                           /*device=*/0,
                           /*max_span=*/0, nullptr, nullptr, nullptr, nullptr};
  float value = 0;
  void *args[] = {&value};
  EXPECT_EQ(ladon_rt_enter(&program, args, &options), LADON_OUT_OF_MEMORY);
  EXPECT_STREQ(ladon_rt_last_error(),
               "out of memory: -1 bytes could not be allocated");
}

TEST(RuntimeErrors, aLongNameIsCutNotOverrun) {
  std::string name(2000, 'x');
  static const int64_t dims[] = {1};
  ladon_param_info param = {name.c_str(), LADON_KIND_INPUT, 2, 32, 1,
                            dims,         nullptr};
  ladon_program program = {"long",  1,       &param, 0, nullptr,
                           1,       nullptr, 0,      0, nullptr,
                           nullptr, nullptr, nullptr};
  void *args[] = {nullptr};
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_NULL_TENSOR);
  EXPECT_EQ(strlen(ladon_rt_last_error()), 511u);
}
