//===- runtime_program.h - A program written by hand ------------*- C++ -*-===//
//
// What a generated library contains, without a compiler: the tables and a run
// function, for the tests of the runtime.
//
//   q     f32[B, 4, S, 2]
//   keep  bool[B, S]
//   cap   f32
//   out   f32[B, 4, S, 2]     q * cap where keep, else 0
//   sum   f32[B]              the sum of out
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_UNIT_RUNTIME_PROGRAM_H
#define LADON_TEST_UNIT_RUNTIME_PROGRAM_H

#include "kernel_abi.h"
#include "ladon/ladon.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ladon::test {

/// A memref as the runtime hands it to generated code.
struct Memref {
  char *allocated, *aligned;
  int64_t offset;
  int64_t rest[];
  const int64_t *sizes() const { return rest; }
  const int64_t *strides(int rank) const { return rest + rank; }
};

inline void runExample(ladon_ctx *ctx, void **args) {
  struct Env {
    const Memref *q, *keep, *out, *sum;
    float cap;
    float *partial; // [B, 4]
  } env;
  env.q = static_cast<const Memref *>(args[0]);
  env.keep = static_cast<const Memref *>(args[1]);
  env.cap = *static_cast<const float *>(args[2]);
  env.out = static_cast<const Memref *>(args[3]);
  env.sum = static_cast<const Memref *>(args[4]);
  int64_t batch = env.q->sizes()[0];
  env.partial =
      static_cast<float *>(ladon_rt_alloc(ctx, batch * 4 * sizeof(float)));
  ladon_rt_parallel_for(
      ctx, batch * 4, 256,
      [](void *opaque, int64_t i, void *scratch) {
        const Env &env = *static_cast<const Env *>(opaque);
        int64_t b = i / 4, h = i % 4;
        auto at = [&](const Memref *m, int64_t s, int64_t d) {
          const int64_t *st = m->strides(4);
          return reinterpret_cast<float *>(m->aligned) + b * st[0] + h * st[1] +
                 s * st[2] + d * st[3];
        };
        float *total = static_cast<float *>(scratch);
        *total = 0;
        for (int64_t s = 0; s < env.q->sizes()[2]; ++s) {
          bool keep = env.keep->aligned[b * env.keep->strides(2)[0] +
                                        s * env.keep->strides(2)[1]];
          for (int64_t d = 0; d < 2; ++d)
            *total += *at(env.out, s, d) =
                keep ? *at(env.q, s, d) * env.cap : 0.0f;
        }
        env.partial[i] = *total;
      },
      &env);
  ladon_rt_parallel_for(
      ctx, batch, 0,
      [](void *opaque, int64_t b, void *) {
        const Env &env = *static_cast<const Env *>(opaque);
        float total = 0;
        for (int64_t h = 0; h < 4; ++h)
          total += env.partial[b * 4 + h];
        reinterpret_cast<float *>(
            env.sum->aligned)[b * env.sum->strides(1)[0]] = total;
      },
      &env);
}

inline const ladon_program &exampleProgram() {
  static const int64_t dims4[] = {-1, 4, -2, 2}, dims2[] = {-1, -2},
                       dims1[] = {-1};
  static const char *const words[] = {"sequences", "heads", "positions",
                                      "features"};
  static const ladon_param_info params[] = {
      {"q", LADON_KIND_INPUT, 2, 32, 4, dims4, words},
      {"keep", LADON_KIND_INPUT, 6, 8, 2, dims2, nullptr},
      {"cap", LADON_KIND_SCALAR, 2, 32, 0, nullptr, nullptr},
      {"out", LADON_KIND_OUTPUT, 2, 32, 4, dims4, nullptr},
      {"sum", LADON_KIND_OUTPUT, 2, 32, 1, dims1, nullptr}};
  static const char *const symbols[] = {"B", "S"};
  static const ladon_program program = {
      "example", 5, params,  2,       symbols, 1,      runExample,
      0,         0, nullptr, nullptr, nullptr, nullptr};
  return program;
}

/// A tensor whose description a test may spoil.
struct Tensor {
  DLTensor dl{};
  std::vector<int64_t> shape, strides;

  Tensor(void *data, int code, int bits, std::vector<int64_t> extents)
      : shape(std::move(extents)) {
    dl.data = data;
    dl.device.device_type = kDLCPU;
    dl.dtype = {uint8_t(code), uint8_t(bits), 1};
    dl.ndim = int(shape.size());
    dl.shape = shape.data();
  }
  Tensor(const Tensor &) = delete;

  void setStrides(std::vector<int64_t> values) {
    strides = std::move(values);
    dl.strides = strides.data();
  }
};

/// Valid arguments for the example with B = 2, S = 3.
struct ExampleCall {
  static constexpr int64_t B = 2, S = 3;
  std::vector<float> qData = std::vector<float>(B * 4 * S * 2);
  std::vector<uint8_t> keepData = std::vector<uint8_t>(B * S, 1);
  std::vector<float> outData = std::vector<float>(B * 4 * S * 2, -7);
  std::vector<float> sumData = std::vector<float>(B, -7);
  float cap = 2;
  Tensor q{qData.data(), 2, 32, {B, 4, S, 2}};
  Tensor keep{keepData.data(), 6, 8, {B, S}};
  Tensor out{outData.data(), 2, 32, {B, 4, S, 2}};
  Tensor sum{sumData.data(), 2, 32, {B}};
  ladon_options options = LADON_OPTIONS_INIT;

  ExampleCall() {
    for (size_t i = 0; i < qData.size(); ++i)
      qData[i] = float(i);
    keepData[1] = 0;
  }

  int32_t run(const void *opts) {
    void *args[] = {&q.dl, &keep.dl, &cap, &out.dl, &sum.dl};
    return ladon_rt_enter(&exampleProgram(), args, opts);
  }
  int32_t run() { return run(&options); }

  /// Whether outputs in row-major order hold the right values.
  bool isRight() const {
    for (int64_t b = 0; b < B; ++b) {
      float total = 0;
      for (int64_t i = 0; i < 4 * S * 2; ++i) {
        float expected =
            keepData[b * S + i / 2 % S] ? qData[b * 4 * S * 2 + i] * cap : 0;
        if (outData[b * 4 * S * 2 + i] != expected)
          return false;
        total += expected;
      }
      if (sumData[b] != total)
        return false;
    }
    return true;
  }

  /// Whether the outputs still hold what they held before any call.
  bool isUntouched() const {
    for (float value : outData)
      if (value != -7)
        return false;
    return sumData[0] == -7 && sumData[1] == -7;
  }
};

/// Runs the call and expects it to be refused.
inline void expectRefused(ExampleCall &call, int32_t status,
                          const char *sentence) {
  EXPECT_EQ(call.run(), status);
  EXPECT_STREQ(ladon_rt_last_error(), sentence);
  EXPECT_TRUE(call.isUntouched());
}

} // namespace ladon::test

#endif // LADON_TEST_UNIT_RUNTIME_PROGRAM_H
