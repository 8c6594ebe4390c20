//===- summary_memory_test.cpp - Memory that a call can do without -------===//
//
// A host that refuses the memory for summaries of captured tensors gets the
// same results; one that refuses any other gets an error.
//
//===----------------------------------------------------------------------===//

#include "compiled_spec.h"
#include "refusing_allocator.h"

#include <random>

using namespace ladon;
using namespace ladon::test;

namespace {

/// q, k, v [2, 2, S, 16] and documents of about 40 positions, in any order.
std::vector<HostTensor> makeInputs(int64_t positions) {
  std::mt19937 random(11);
  std::vector<HostTensor> inputs;
  for (int n = 0; n < 3; ++n) {
    HostTensor x =
        HostTensor::zeros(ast::ScalarType::F32, {2, 2, positions, 16});
    forEachPosition(x.shape, [&](llvm::ArrayRef<int64_t> at) {
      x.setFloat(at, std::normal_distribution<double>()(random));
    });
    inputs.push_back(x);
  }
  HostTensor doc = HostTensor::zeros(ast::ScalarType::I32, {2, positions});
  int64_t number = 0;
  forEachPosition(doc.shape, [&](llvm::ArrayRef<int64_t> at) {
    if (at.back() == 0 || random() % 40 == 0)
      number = static_cast<int64_t>(random() % 50) - 10;
    doc.setInteger(at, number);
  });
  inputs.push_back(doc);
  return inputs;
}

const char *const documents =
    "attention documents(q: f32[B, 2, S, 16], k: f32[B, 2, S, 16], "
    "v: f32[B, 2, S, 16], doc: i32[B, S]) -> f32[B, 2, S, 16] {\n"
    "  return attend(q, k, v, mask = doc[b, i] == doc[b, j])\n}\n";

TEST(SummaryMemory, summaries_are_asked_for_once) {
  CompiledSpec spec(documents);
  ASSERT_TRUE(spec);
  for (int threads : {1, 2}) {
    RefusingAllocator allocator;
    auto outputs = spec.call(makeInputs(300), allocator.options(threads));
    ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
    // 10 blocks of 32 positions in each of 2 batches, 24 bytes for each; then
    // the slots of the threads, and their scratch for two loops.
    ASSERT_EQ(allocator.requests.size(), 2u + 2 * threads);
    EXPECT_GE(allocator.requests.front(), 2u * 10 * 24);
    EXPECT_LE(allocator.requests.front(), 2u * 10 * 24 + 128);
    EXPECT_EQ(allocator.live, 0);
  }
}

TEST(SummaryMemory, results_are_the_same_without_it) {
  CompiledSpec spec(documents);
  ASSERT_TRUE(spec);
  for (int64_t positions : {1, 24, 25, 31, 32, 33, 127, 129, 300}) {
    std::vector<HostTensor> inputs = makeInputs(positions);
    RefusingAllocator granting, refusing;
    refusing.refused = 0;
    auto with = spec.call(inputs, granting.options(1));
    auto without = spec.call(inputs, refusing.options(1));
    if (positions <= 24) {
      // The form for few queries has no summary.
      ASSERT_TRUE(bool(with));
      EXPECT_FALSE(bool(without));
      llvm::consumeError(without.takeError());
      continue;
    }
    ASSERT_TRUE(bool(with)) << llvm::toString(with.takeError());
    ASSERT_TRUE(bool(without)) << llvm::toString(without.takeError());
    EXPECT_EQ(refusing.requests.front(), granting.requests.front());
    EXPECT_EQ(refusing.live, 0);
    EXPECT_EQ(elementsOf((*with)[0]), elementsOf((*without)[0]))
        << positions << " positions";
  }
}

TEST(SummaryMemory, other_memory_is_needed) {
  CompiledSpec spec(documents);
  ASSERT_TRUE(spec);
  for (int refused : {1, 2, 3}) {
    RefusingAllocator allocator;
    allocator.refused = refused;
    auto outputs = spec.call(makeInputs(100), allocator.options(1));
    ASSERT_FALSE(bool(outputs));
    EXPECT_NE(llvm::toString(outputs.takeError()).find("out of memory"),
              std::string::npos);
    EXPECT_EQ(allocator.live, 0);
  }
}

} // namespace
