//===- few_queries_test.cpp - The two forms of a kernel, and their border -===//
//
// A call with few queries runs the form for them, which cuts the keys into
// chunks of 512 and merges their states; one with more runs the form for many.
// Up to how many it takes depends on types and on how many heads share a key
// head: 24 rows of f32, 12 of f64, 10 of pairs of bf16. The numeric gate
// compares both with the reference around these borders, at the ends of blocks
// and chunks, for groups of query heads and numbers of features that are no
// multiple of a register; and that for many where another register is filled,
// of which tiles have fewer at the end.
//
//===----------------------------------------------------------------------===//

#include "compiled_spec.h"

#include "compiler/driver/check/NumericTrial.h"

using namespace ladon;
using namespace ladon::test;

namespace {

/// One attend, with its lse.
struct Form {
  const char *name;
  const char *element;
  int64_t heads, keyHeads, features, valueFeatures;
  const char *options; ///< Of the attend, as the language has them.
  /// What keys and values are stored as, with a scale for each; null where they
  /// are as queries are.
  const char *cache = nullptr;
};

const Form forms[] = {
    {"one_head", "f32", 1, 1, 1, 1, ""},
    {"a_feature_less_than_a_register", "f32", 2, 2, 7, 15, ""},
    {"a_feature_more_than_a_register", "f32", 2, 1, 17, 9, ", mask = causal"},
    {"groups_of_three", "f32", 6, 2, 20, 33, ", mask = causal"},
    {"groups_of_two", "f32", 4, 2, 33, 16, ", mask = causal"},
    {"groups_of_seven", "f32", 7, 1, 16, 20, ", mask = causal, sinks = z"},
    {"groups_of_ten", "f32", 10, 1, 8, 8, ", mask = h % 3 != j % 4"},
    {"groups_of_four", "f32", 4, 1, 16, 16, ", score = s - 0.01 * (i + 2 * j)"},
    {"groups_of_eight", "f32", 8, 1, 8, 12, ", mask = j % 3 != h % 3"},
    {"a_window", "f32", 2, 2, 24, 8, ", mask = window(300, 100)"},
    {"hidden_chunks", "f32", 2, 1, 8, 8, ", mask = j >= 600 or j == i"},
    {"sinks", "f32", 4, 2, 12, 4, ", mask = causal, sinks = z"},
    {"a_score_and_sinks", "f32", 3, 3, 5, 6, ", score = 2 * s, sinks = z"},
    {"doubles", "f64", 4, 2, 9, 5, ", mask = causal"},
    {"halves", "f16", 4, 1, 18, 10, ", mask = causal"},
    {"halves_of_whole_registers", "f16", 6, 2, 16, 32, ", mask = causal"},
    {"brain_floats_of_whole_registers", "bf16", 4, 1, 32, 16, ""},
    {"brain_floats", "bf16", 2, 2, 31, 3, ", score = s + j / 1024"},
    {"bytes", "f32", 4, 2, 31, 17, ", mask = causal", "i8"},
    {"bytes_of_whole_registers", "f32", 8, 2, 32, 16, "", "i8"},
    {"scaled_halves", "f32", 2, 2, 16, 24, ", mask = j % 5 != 2", "f16"},
};

void PrintTo(const Form &form, std::ostream *os) { *os << form.name; }

std::string textOf(const Form &form) {
  std::string text;
  llvm::raw_string_ostream os(text);
  bool hasSinks = llvm::StringRef(form.options).contains("sinks");
  const char *cache = form.cache ? form.cache : form.element;
  os << "attention few(q: " << form.element << "[B, " << form.heads << ", S, "
     << form.features << "], k: " << cache << "[B, " << form.keyHeads << ", T, "
     << form.features << "], v: " << cache << "[B, " << form.keyHeads << ", T, "
     << form.valueFeatures << "]";
  if (form.cache)
    os << ", ks: f32[B, " << form.keyHeads << ", T], vs: f32[B, "
       << form.keyHeads << ", T]";
  if (hasSinks)
    os << ", z: " << form.element << "[" << form.heads << "]";
  os << ") -> (o: " << form.element << "[B, " << form.heads << ", S, "
     << form.valueFeatures << "], lse: " << form.element << "[B, " << form.heads
     << ", S]) {\n  let a = attend(q, "
     << (form.cache ? "float(k) * ks, float(v) * vs" : "k, v") << form.options
     << ")\n  return a.out, a.lse\n}\n";
  return text;
}

class FewQueries : public testing::TestWithParam<Form> {
protected:
  void expectRightUpToTheBorderAndBeyond();
  void expectRightAroundTheEndsOfChunks();
  void expectRightInTilesOfAllHeights();
  void expectTheLastOfMany();
  void expectTheMaximumOfEveryLane();

private:
  /// The gate's verdict on one call, whose values and views depend on `number`.
  void expectRight(int64_t batches, int64_t queries, int64_t keys,
                   uint64_t number) {
    SizeMap sizes;
    sizes["B"] = batches;
    sizes["S"] = queries;
    sizes["T"] = keys;
    Trial trial = makeTrial(sizes, number);
    auto program = [&](llvm::ArrayRef<HostTensor> inputs,
                       llvm::ArrayRef<HostTensor> outputs, int threads) {
      return spec->call(inputs, outputs, threads);
    };
    auto report =
        runTrial(spec->attention(), program, trial, spec->getArithmetic());
    ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
    EXPECT_EQ(report->problem(), "") << describe(trial);
  }

protected:
  std::unique_ptr<CompiledSpec> spec;
};

/// Every number of queries up to the border and beyond, with keys that end in
/// and after a block.
void FewQueries::expectRightUpToTheBorderAndBeyond() {
  uint64_t number = 0;
  for (int64_t queries :
       {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 23, 24, 25})
    for (int64_t keys : {1, 37, 130})
      expectRight(1 + number % 2, queries, keys, number), ++number;
}

/// Keys around the ends of blocks and chunks, for one query, a full tile of the
/// form for few, more than that, and those of the other form.
void FewQueries::expectRightAroundTheEndsOfChunks() {
  uint64_t number = 7;
  for (int64_t keys : {0, 127, 128, 129, 511, 512, 513, 640, 1024, 1025})
    expectRight(1, 1, keys, number++);
  for (int64_t keys : {511, 512, 513, 1025})
    for (int64_t queries : {8, 11, 20, 25})
      expectRight(1, queries, keys, number++);
}

/// A call with few queries gives the rows that one with many gives, to within
/// the rounding of two orders of summation.
void FewQueries::expectRightInTilesOfAllHeights() {
  // Of one to seven registers of 16 numbers, of which a tile has three.
  for (int64_t filled = 16; filled <= 112; filled += 16)
    for (int64_t queries : {filled - 1, filled, filled + 1})
      expectRight(1, queries, 20 + queries % 7, queries);
}

void FewQueries::expectTheLastOfMany() {
  const ast::Attention &attention = spec->attention();
  for (int64_t keys : {30, 520}) {
    InputOptions options;
    options.sizes["B"] = 2;
    options.sizes["S"] = 26;
    options.sizes["T"] = keys;
    auto inputs = generateInputs(attention, options);
    ASSERT_TRUE(bool(inputs)) << llvm::toString(inputs.takeError());
    std::vector<HostTensor> many = (*spec)(*inputs);
    for (int64_t queries : {1, 3, 8, 24}) {
      // The last queries; causal masks are aligned at the end.
      std::vector<HostTensor> last = *inputs;
      last[0].data = last[0].address({0, 0, 26 - queries, 0});
      last[0].shape[2] = queries;
      std::vector<HostTensor> few = (*spec)(last);
      for (size_t result = 0; result < few.size(); ++result)
        forEachPosition(few[result].shape, [&](llvm::ArrayRef<int64_t> at) {
          Extents same(at);
          same[2] += 26 - queries;
          double expected = many[result].getFloat(same);
          double unit =
              isStorageOnly(few[result].element)
                  ? (few[result].element == ast::ScalarType::F16 ? 2e-3 : 2e-2)
                  : 1e-5;
          ASSERT_NEAR(few[result].getFloat(at), expected,
                      unit * (1 + std::fabs(expected)))
              << queries << " of 26 queries, " << keys << " keys";
        });
    }
  }
}

/// One key has all the weight, whichever lane of a register it is in: with the
/// largest score of the others taken for the largest, its weight would be
/// infinite.
void FewQueries::expectTheMaximumOfEveryLane() {
  const ast::Attention &attention = spec->attention();
  for (int64_t queries : {1, 8, 12}) {
    InputOptions options;
    options.sizes["B"] = 1;
    options.sizes["S"] = queries;
    options.sizes["T"] = 40;
    auto inputs = generateInputs(attention, options);
    ASSERT_TRUE(bool(inputs)) << llvm::toString(inputs.takeError());
    auto fill = [&](size_t input,
                    llvm::function_ref<double(llvm::ArrayRef<int64_t>)> value) {
      HostTensor &tensor = (*inputs)[input];
      forEachPosition(tensor.shape, [&](llvm::ArrayRef<int64_t> at) {
        tensor.setFloat(at, value(at));
      });
    };
    fill(0, [](llvm::ArrayRef<int64_t> at) { return at[3] ? 0 : 120; });
    fill(2, [](llvm::ArrayRef<int64_t> at) { return at[2] + 1; });
    for (int64_t key = 0; key < 40; ++key) {
      fill(1, [&](llvm::ArrayRef<int64_t> at) {
        return at[2] == key && at[3] == 0 ? 120 : 0;
      });
      HostTensor out = (*spec)(*inputs).front();
      // The last query sees all keys under a causal mask, too.
      for (int64_t head = 0; head < out.shape[1]; ++head)
        ASSERT_EQ(out.getFloat({0, head, queries - 1, 0}), key + 1)
            << queries << " queries";
    }
  }
}

/// One test: to compile a form takes longer than to call it.
TEST_P(FewQueries, are_right) {
  spec = std::make_unique<CompiledSpec>(textOf(GetParam()));
  ASSERT_TRUE(*spec);
  expectRightUpToTheBorderAndBeyond();
  expectRightAroundTheEndsOfChunks();
  expectRightInTilesOfAllHeights();
  // Rows of other masks depend on where they are.
  llvm::StringRef options = GetParam().options;
  if (options == ", mask = causal")
    expectTheLastOfMany();
  // Its keys are written as floats without a scale.
  if (!GetParam().cache && (options.empty() || options == ", mask = causal"))
    expectTheMaximumOfEveryLane();
}

INSTANTIATE_TEST_SUITE_P(Forms, FewQueries, testing::ValuesIn(forms),
                         [](const testing::TestParamInfo<Form> &info) {
                           return std::string(info.param.name);
                         });

} // namespace
