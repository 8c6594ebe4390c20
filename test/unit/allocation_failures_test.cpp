//===- allocation_failures_test.cpp - Every request of a call, refused ----===//
//
// A host refuses one request for memory of a call after the other. What then
// succeeds has the bits of an ordinary call; what fails says why, and nothing
// that the host gave is kept. (failing_memory.c does this to the C library.)
//
//===----------------------------------------------------------------------===//

#include "compiled_spec.h"
#include "refusing_allocator.h"

#include <random>

using namespace ladon;
using namespace ladon::test;
using ast::ScalarType;

namespace {

/// A spec, its sizes, and how many requests it needs to make on one thread at
/// the least, lest nothing is tried.
struct Case {
  const char *name, *text;
  std::vector<Extents> shapes;
  size_t requests;
};

const Case cases[] = {
    {"blocks",
     "attention a(q: f32[B, 4, S, 16], k: f32[B, 2, T, 16], "
     "v: f32[B, 2, T, 24]) -> (o: f32[B, 4, S, 24], l: f32[B, 4, S]) {\n"
     "  let a = attend(q, k, v, mask = causal)\n  return a.out, a.lse\n}\n",
     {{2, 4, 70, 16}, {2, 2, 90, 16}, {2, 2, 90, 24}},
     1},
    {"chunks of keys",
     "attention a(q: f64[B, 4, S, 16], k: f64[B, 2, T, 16], "
     "v: f64[B, 2, T, 16]) -> f64[B, 4, S, 16] {\n"
     "  return attend(q, k, v)\n}\n",
     {{1, 4, 1, 16}, {1, 2, 3000, 16}, {1, 2, 3000, 16}},
     2},
    {"captured tensors",
     "attention a(q: f32[B, 2, S, 16], k: f32[B, 2, S, 16], "
     "v: f32[B, 2, S, 16], doc: i32[B, S]) -> f32[B, 2, S, 16] {\n"
     "  return attend(q, k, v, mask = doc[b, i] == doc[b, j])\n}\n",
     {{2, 2, 100, 16}, {2, 2, 100, 16}, {2, 2, 100, 16}, {2, 100}},
     3},
    {"projections",
     "attention a(x: bf16[B, S, 64], wq: bf16[64, 64], wk: bf16[64, 64], "
     "wo: bf16[64, 64]) -> bf16[B, S, 64] {\n"
     "  let q = split(rms_norm(x) @ wq, heads = 4)\n"
     "  let k = rope(split(x @ wk, heads = 4))\n"
     "  return x + concat(attend(q, k, k, mask = causal)) @ wo\n}\n",
     {{2, 33, 64}, {64, 64}, {64, 64}, {64, 64}},
     4},
    {"one attend after the other",
     "attention a(q: f32[B, 2, S, 8], k: f32[B, 2, T, 8], "
     "v: f32[B, 2, T, 8]) -> f32[B, 2, S, 8] {\n"
     "  let a = attend(q, k, v, normalize = relu)\n"
     "  return attend(a, a, a, mask = window(9, 0))\n}\n",
     {{2, 2, 40, 8}, {2, 2, 20, 8}, {2, 2, 20, 8}},
     2}};

std::vector<HostTensor> makeInputs(const ast::Attention &attention,
                                   const std::vector<Extents> &shapes) {
  std::mt19937 random(3);
  std::vector<HostTensor> inputs;
  for (auto [param, shape] : llvm::zip_equal(attention.params, shapes)) {
    HostTensor input = HostTensor::zeros(param->type.element, shape);
    forEachPosition(shape, [&](llvm::ArrayRef<int64_t> at) {
      if (isFloat(input.element))
        input.setFloat(at, std::normal_distribution<double>()(random));
      else
        input.setInteger(at, at.back() / 30);
    });
    inputs.push_back(input);
  }
  return inputs;
}

std::vector<double> elementsOfAll(llvm::ArrayRef<HostTensor> tensors) {
  std::vector<double> all;
  for (const HostTensor &tensor : tensors)
    for (double element : elementsOf(tensor))
      all.push_back(element);
  return all;
}

class AllocationFailures : public testing::TestWithParam<int> {};

} // namespace

TEST_P(AllocationFailures, LeaveTheResultOrSaySo) {
  int threads = GetParam();
  for (const Case &test : cases) {
    SCOPED_TRACE(test.name);
    CompiledSpec spec(test.text);
    ASSERT_TRUE(spec);
    std::vector<HostTensor> inputs = makeInputs(spec.attention(), test.shapes);
    std::vector<double> expected = elementsOfAll(spec(inputs, threads));
    RefusingAllocator granting;
    ASSERT_TRUE(bool(spec.call(inputs, granting.options(threads))));
    EXPECT_EQ(granting.live, 0);
    ASSERT_GE(granting.requests.size(), test.requests);
    int failed = 0;
    for (int number = 0; number < int(granting.requests.size()); ++number) {
      SCOPED_TRACE("request " + std::to_string(number));
      RefusingAllocator allocator;
      allocator.refused = number;
      auto outputs = spec.call(inputs, allocator.options(threads));
      EXPECT_EQ(allocator.live, 0);
      EXPECT_GT(int(allocator.requests.size()), number);
      if (outputs) {
        EXPECT_EQ(elementsOfAll(*outputs), expected);
        continue;
      }
      ++failed;
      std::string message = llvm::toString(outputs.takeError());
      EXPECT_NE(message.find("out of memory: "), std::string::npos) << message;
      // Nothing of a failed call is left for the next one.
      EXPECT_EQ(elementsOfAll(spec(inputs, threads)), expected);
    }
    EXPECT_GT(failed, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, AllocationFailures, testing::Values(1, 3));
