//===- dropout_test.cpp - Which weights are dropped -----------------------===//
//
// With values that are the rows of a unit matrix, an output is the weights
// after dropout. Compiled code and reference are compared with bits that this
// test draws itself, from a generator that is held against published vectors.
//
//===----------------------------------------------------------------------===//

#include "compiled_spec.h"

#include <array>
#include <cmath>

using namespace ladon;
using namespace ladon::test;

namespace {

using Words = std::array<uint32_t, 4>;

/// Philox-4x32-10, as the paper has it: rounds and then the growth of the key.
Words philox(Words x, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(x[0]) * 0xD2511F53u, b = uint64_t(x[2]) * 0xCD9E8D57u;
    x = {uint32_t(b >> 32) ^ x[1] ^ key[0], uint32_t(b),
         uint32_t(a >> 32) ^ x[3] ^ key[1], uint32_t(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return x;
}

bool isDropped(double share, int64_t seed, int64_t b, int64_t h, int64_t i,
               int64_t j) {
  Words words = philox({uint32_t(j / 4), uint32_t(i), uint32_t(h), uint32_t(b)},
                       {uint32_t(seed), uint32_t(uint64_t(seed) >> 32)});
  return words[j % 4] < share * 0x1p32;
}

// The known answers that come with the authors' code.
TEST(Dropout, GeneratorIsPhilox) {
  constexpr uint32_t all = 0xffffffff;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({all, all, all, all}, {all, all}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                   {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

constexpr int64_t batches = 2, heads = 2, keys = 77;

/// Equal scores, and values that are rows of a unit matrix.
std::vector<HostTensor> inputs(int64_t queries, int64_t seed) {
  using ast::ScalarType;
  HostTensor q =
      HostTensor::zeros(ScalarType::F32, {batches, heads, queries, 4});
  HostTensor k = HostTensor::zeros(ScalarType::F32, {batches, 1, keys, 4});
  HostTensor v = HostTensor::zeros(ScalarType::F32, {batches, 1, keys, keys});
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t j = 0; j < keys; ++j)
      v.setFloat({b, 0, j, j}, 1);
  HostTensor key = HostTensor::zeros(ScalarType::I64, {});
  key.setInteger({}, seed);
  return {q, k, v, key};
}

std::string spec(const std::string &options) {
  return "attention a(q: f32[B, 2, S, 4], k: f32[B, 1, T, 4], "
         "v: f32[B, 1, T, 77], seed: i64) -> f32[B, 2, S, 77] "
         "{ return attend(q, k, v" +
         options + ") }";
}

// Few queries and many, tiles that are not full, any number of threads.
TEST(Dropout, DropsWhatTheSeedSays) {
  for (double share : {0.1, 0.5, 0.9}) {
    CompiledSpec compiled(
        spec(", dropout = " + std::to_string(share) + ", seed = seed"));
    ASSERT_TRUE(compiled);
    for (int64_t queries : {1, 3, 8, 9, 70})
      for (int64_t seed : {int64_t(0), int64_t(-1), int64_t(0x123456789abcdef)})
        for (int threads : {1, 3}) {
          auto in = inputs(queries, seed);
          std::vector<double> out = elementsOf(compiled(in, threads)[0]);
          std::vector<double> expected = compiled.reference(in)[0].value;
          ASSERT_EQ(out.size(), expected.size());
          for (size_t at = 0; at < out.size(); ++at) {
            int64_t j = at % keys, i = at / keys % queries,
                    h = at / keys / queries % heads,
                    b = at / keys / queries / heads;
            double weight =
                isDropped(share, seed, b, h, i, j) ? 0 : 1 / (1 - share) / keys;
            ASSERT_NEAR(out[at], weight, 1e-6 * weight)
                << share << " " << b << " " << h << " " << i << " " << j;
            ASSERT_NEAR(expected[at], weight, 1e-6 * weight);
          }
        }
  }
}

// Blocks of keys begin where a mask lets them, anywhere among the four keys of
// a block of random words.
TEST(Dropout, DropsTheSameUnderEveryMask) {
  for (const char *mask :
       {"window(5, 2)", "window(30, -1)", "causal and j >= 3",
        "j >= 65 and j <= 66", "j % 3 != 1 and i < j + 40"}) {
    std::string options = std::string(", mask = ") + mask;
    CompiledSpec plain(spec(options + ", score = s + 0 * float(seed)"));
    CompiledSpec compiled(spec(options + ", dropout = 0.5, seed = seed"));
    ASSERT_TRUE(plain && compiled);
    for (int64_t queries : {1, 6, 70, 201}) {
      auto in = inputs(queries, 42);
      std::vector<double> before = elementsOf(plain(in)[0]);
      std::vector<double> after = elementsOf(compiled(in)[0]);
      for (size_t at = 0; at < after.size(); ++at) {
        int64_t j = at % keys, i = at / keys % queries,
                h = at / keys / queries % heads,
                b = at / keys / queries / heads;
        double weight = isDropped(0.5, 42, b, h, i, j) ? 0 : 2 * before[at];
        ASSERT_NEAR(after[at], weight, 1e-6 * weight)
            << mask << " " << b << " " << h << " " << i << " " << j;
      }
    }
  }
}

TEST(Dropout, DropsTheShareThatIsAskedFor) {
  for (double share : {0.01, 0.1, 0.5, 0.99}) {
    int64_t count = 0, pairs = 0, drawn = 200000;
    for (int64_t at = 0; at < drawn; ++at) {
      bool isGone = isDropped(share, 7, 0, at % 8, at / 1000, at % 1000);
      count += isGone;
      // Neighbours are independent.
      pairs +=
          isGone && isDropped(share, 7, 0, at % 8, at / 1000, at % 1000 + 1);
    }
    double deviation = std::sqrt(drawn * share * (1 - share));
    EXPECT_NEAR(count, drawn * share, 5 * deviation) << share;
    EXPECT_NEAR(pairs, drawn * share * share,
                10 * std::sqrt(drawn * share * share) + 5);
  }
}

/// The module that a spec becomes, as text.
TEST(Dropout, OfNothingIsNothing) {
  CompiledSpec none(spec(", dropout = 0, seed = seed"));
  CompiledSpec plain(spec(", score = s + 0 * float(seed)"));
  ASSERT_TRUE(none && plain);
  const ast::AttendArgs &args = *none.attention().results[0].value->attend;
  EXPECT_EQ(args.dropout, nullptr);
  EXPECT_EQ(args.seed, nullptr);
  auto in = inputs(5, 1);
  EXPECT_EQ(elementsOf(none(in)[0]), elementsOf(plain(in)[0]));
}

// A share that no word is below, and one that all words but one are below.
TEST(Dropout, TakesTheEndsOfItsRange) {
  CompiledSpec few(spec(", dropout = 1e-12, seed = seed"));
  CompiledSpec most(spec(", dropout = 0.9999999999, seed = seed"));
  ASSERT_TRUE(few && most);
  auto in = inputs(9, 1);
  for (double weight : elementsOf(few(in)[0]))
    EXPECT_NEAR(weight, 1.0 / keys, 1e-8);
  for (double weight : elementsOf(most(in)[0]))
    EXPECT_EQ(weight, 0);
}

} // namespace
