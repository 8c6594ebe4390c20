//===- runtime_accepted_test.cpp - What the entry checks let through ------===//
//
// Arguments that look wrong and must be accepted.
//
//===----------------------------------------------------------------------===//

#include "runtime_program.h"

#include <gtest/gtest.h>

#include <climits>

using namespace ladon::test;

TEST(RuntimeChecks, emptyTensorsNeedNoDataAndNoSensibleStrides) {
  ExampleCall call;
  for (Tensor *tensor : {&call.q, &call.out}) {
    tensor->shape[2] = 0;
    tensor->dl.data = nullptr;
    tensor->setStrides({-1, INT64_MAX, 0, 0});
  }
  call.keep.shape[1] = 0;
  call.keep.dl.data = nullptr;
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
  EXPECT_EQ(call.sumData[0], 0);
  EXPECT_EQ(call.outData[0], -7);
}

TEST(RuntimeChecks, hugeExtentsBesideAnEmptyOne) {
  ExampleCall call;
  for (Tensor *tensor : {&call.q, &call.out, &call.keep, &call.sum}) {
    tensor->shape[0] = 0;
    if (tensor->shape.size() > 2)
      tensor->shape[2] = LADON_MAX_EXTENT;
  }
  call.keep.shape[1] = LADON_MAX_EXTENT;
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
}

TEST(RuntimeChecks, stridesPermuteBroadcastAndPad) {
  ExampleCall call;
  // [B, S, H, D] in memory, rows of the output padded to 3 elements.
  std::vector<float> q(2 * 3 * 4 * 2), out(2 * 3 * 4 * 3, -7);
  for (size_t i = 0; i < q.size(); ++i)
    q[i] = float(i);
  call.q.dl.data = q.data() - 4;
  call.q.dl.byte_offset = 4 * sizeof(float);
  call.q.setStrides({24, 2, 8, 1});
  call.out.dl.data = out.data();
  call.out.setStrides({36, 3, 12, 1});
  call.keepData = {1, 0, 1};
  call.keep.dl.data = call.keepData.data();
  call.keep.setStrides({0, 1}); // one row for all sequences
  ASSERT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
  for (int b = 0; b < 2; ++b)
    for (int s = 0; s < 3; ++s)
      for (int h = 0; h < 4; ++h) {
        const float *row = &out[b * 36 + s * 12 + h * 3];
        EXPECT_EQ(row[0], s == 1 ? 0 : 2 * q[b * 24 + s * 8 + h * 2]);
        EXPECT_EQ(row[2], -7);
      }
}

TEST(RuntimeChecks, anAxisOfOneEntryMayHaveAnyStride) {
  ExampleCall call;
  for (Tensor *tensor : {&call.q, &call.out}) {
    tensor->shape[0] = 1;
    tensor->setStrides({INT64_MIN, 6, 2, 1});
  }
  call.keep.shape[0] = call.sum.shape[0] = 1;
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
  EXPECT_EQ(call.outData[23], 2 * call.qData[23]);
}

TEST(RuntimeChecks, aTensorWithoutAxesNeedsNoShape) {
  ladon_param_info param = {"x", LADON_KIND_INPUT, 2, 32, 0, nullptr, nullptr};
  ladon_program program = {"single",
                           1,
                           &param,
                           0,
                           nullptr,
                           1,
                           /*run=*/[](ladon_ctx *, void **) {},
                           0,
                           0,
                           nullptr,
                           nullptr,
                           nullptr,
                           nullptr};
  float data[1] = {3};
  Tensor x(data, 2, 32, {});
  x.dl.shape = nullptr;
  void *args[] = {&x.dl};
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_OK)
      << ladon_rt_last_error();
  x.dl.ndim = 1;
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_RANK);
  EXPECT_STREQ(ladon_rt_last_error(), "x: expected 0 axes, found 1");
}

TEST(RuntimeChecks, inputsMayShareMemory) {
  static const int64_t dims[] = {2};
  static const ladon_param_info params[] = {
      {"a", LADON_KIND_INPUT, 2, 32, 1, dims, nullptr},
      {"b", LADON_KIND_INPUT, 2, 32, 1, dims, nullptr}};
  ladon_program program = {
      "two", 2, params,  0,       nullptr, 1,      [](ladon_ctx *, void **) {},
      0,     0, nullptr, nullptr, nullptr, nullptr};
  float data[2] = {};
  Tensor a(data, 2, 32, {2});
  void *args[] = {&a.dl, &a.dl};
  EXPECT_EQ(ladon_rt_enter(&program, args, nullptr), LADON_OK);
}
