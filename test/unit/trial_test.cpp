//===- trial_test.cpp - Inputs, trials, and what a trial notices ----------===//
//
// Programs that are right but for one thing run through the trials of `ladon
// check`; the reference plays the compiled code.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/check/NumericTrial.h"
#include "compiler/frontend/Frontend.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <set>

using namespace ladon;
using ast::ScalarType;
using Tensors = llvm::ArrayRef<HostTensor>;

namespace {

constexpr char text[] =
    "attention a(q: f32[B, 2, S, 8], k: f32[B, 2, T, 8], v: f32[B, 2, T, 4],\n"
    "    len: i32[B], doc: i32[B, T], flags: bool[T], bias: f32[2, 5],\n"
    "    seen: bool[S, T], t: f32, n: i32)\n"
    "    -> (o: f32[B, 2, S, 4], lse: f32[B, 2, S]) {\n"
    "  let r = attend(q, k, v, score = s * t + bias[h, n],\n"
    "    mask = j < len[b] or doc[b, i] == doc[b, j] and flags[j]\n"
    "      or seen[i, j])\n"
    "  return r.out, r.lse\n}\n";

class TrialTest : public testing::Test {
protected:
  void SetUp() override {
    unsigned id = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text, "a.attn"), {});
    DiagnosticEngine diagnostics(sources);
    checked = parseAndCheck(sources, id, {}, diagnostics);
    if (!checked)
      diagnostics.print(llvm::errs());
    ASSERT_TRUE(checked);
  }

  const ast::Attention &attention() const { return *checked->attention; }

  /// Fills outputs with what the reference says.
  llvm::Error computeRight(Tensors inputs, Tensors outputs) const {
    auto results = evaluate(attention(), inputs);
    if (!results)
      return results.takeError();
    for (size_t which = 0; which < outputs.size(); ++which) {
      size_t next = 0;
      forEachPosition(outputs[which].shape, [&](llvm::ArrayRef<int64_t> at) {
        outputs[which].setFloat(at, (*results)[which].value[next++]);
      });
    }
    return llvm::Error::success();
  }

  /// Runs a trial of a right program with `also` done after it; what the trial
  /// says against it.
  std::string problemOf(
      llvm::function_ref<void(Tensors inputs, Tensors outputs, int threads)>
          also,
      Trial trial) const {
    auto program = [&](Tensors inputs, Tensors outputs,
                       int threads) -> llvm::Error {
      if (llvm::Error error = computeRight(inputs, outputs))
        return error;
      also(inputs, outputs, threads);
      return llvm::Error::success();
    };
    auto report = runTrial(attention(), program, trial);
    return report ? report->problem() : llvm::toString(report.takeError());
  }
  Trial smallTrial(ViewKind views = ViewKind::Padded) const {
    Trial trial;
    trial.sizes = {{"B", 2}, {"S", 5}, {"T", 7}};
    trial.views = views;
    return trial;
  }

  std::vector<HostTensor> inputs(InputOptions options) const {
    if (options.sizes.empty())
      options.sizes = {{"B", 2}, {"S", 40}, {"T", 50}};
    return llvm::cantFail(generateInputs(attention(), options));
  }

  llvm::SourceMgr sources;
  std::unique_ptr<CheckedSpec> checked;
};

void nothing(Tensors, Tensors, int) {}

//===--- Trials ----------------------------------------------------------===//

TEST_F(TrialTest, ARightProgramPassesInEveryView) {
  for (ViewKind views : allViewKinds())
    for (ValueKind values : allValueKinds()) {
      Trial trial = smallTrial(views);
      trial.values = values;
      EXPECT_EQ(problemOf(nothing, trial), "") << describe(trial);
    }
}

TEST_F(TrialTest, AWrongElementIsNamed) {
  std::string problem =
      problemOf([](Tensors, Tensors outputs,
                   int) { outputs[0].setFloat({1, 1, 4, 3}, 99); },
                smallTrial());
  EXPECT_EQ(problem.substr(0, 34), "o: element [1, 1, 4, 3]: expected ");
  EXPECT_NE(problem.find("found 99"), std::string::npos);
  problem = problemOf(
      [](Tensors, Tensors outputs, int) { outputs[1].setFloat({0, 1, 2}, 99); },
      smallTrial());
  EXPECT_EQ(problem.substr(0, 31), "lse: element [0, 1, 2]: expecte");
}

TEST_F(TrialTest, AProgramThatFailsIsReported) {
  auto report = runTrial(
      attention(),
      [](Tensors, Tensors, int) -> llvm::Error {
        return llvm::createStringError("out of order");
      },
      smallTrial());
  ASSERT_FALSE(report);
  EXPECT_EQ(llvm::toString(report.takeError()), "out of order");
}

TEST_F(TrialTest, AChangedInputIsNoticed) {
  EXPECT_EQ(problemOf([](Tensors inputs, Tensors,
                         int) { inputs[1].setFloat({0, 0, 0, 0}, 7); },
                      smallTrial()),
            "input k was changed");
  // In the gap between two rows, too.
  EXPECT_EQ(problemOf(
                [](Tensors inputs, Tensors, int) {
                  auto *row = reinterpret_cast<float *>(inputs[2].data);
                  row[4] = 1;
                },
                smallTrial()),
            "input v was changed");
}

TEST_F(TrialTest, WritingBesideAnOutputIsNoticed) {
  for (ViewKind views :
       {ViewKind::Padded, ViewKind::Strided, ViewKind::Transposed})
    EXPECT_EQ(problemOf(
                  [](Tensors, Tensors outputs, int) {
                    reinterpret_cast<float *>(outputs[0].data)[-1] = 0;
                  },
                  smallTrial(views)),
              "memory beside o was changed")
        << nameOf(views).str();
}

TEST_F(TrialTest, ResultsThatDependOnTheThreadsAreNoticed) {
  // The last bit is enough.
  EXPECT_EQ(problemOf(
                [](Tensors, Tensors outputs, int threads) {
                  double x = outputs[1].getFloat({0, 0, 0});
                  if (threads > 1)
                    outputs[1].setFloat({0, 0, 0},
                                        std::nextafter(float(x), 1e30f));
                },
                smallTrial()),
            "lse depends on the number of threads");
}

TEST_F(TrialTest, SizesThatAreMissingAreAnError) {
  Trial trial = smallTrial();
  trial.sizes.erase("T");
  EXPECT_EQ(problemOf(nothing, trial), "no size is given for T");
}

TEST_F(TrialTest, SaysWhatItTried) {
  Trial trial = smallTrial(ViewKind::Strided);
  trial.values = ValueKind::OneHot;
  trial.seed = 12;
  EXPECT_EQ(describe(trial), "B=2,S=5,T=7 one-hot strided seed 12");
}

//===--- Series of trials ------------------------------------------------===//

TEST_F(TrialTest, ASeriesTriesAllPairsOfValuesAndViews) {
  std::set<std::pair<ValueKind, ViewKind>> seen;
  std::vector<SizeMap> sizes = edgeSizes(attention());
  for (uint64_t number = 0; number < pairsOfKinds(); ++number) {
    Trial trial = makeTrial(sizes, number);
    seen.insert({trial.values, trial.views});
    EXPECT_EQ(trial.seed, number + 1);
  }
  EXPECT_EQ(seen.size(), allValueKinds().size() * allViewKinds().size());
}

TEST_F(TrialTest, SizesAreAtTheEdgesOfTiles) {
  std::set<int64_t> queries, keys, batches;
  for (const SizeMap &sizes : edgeSizes(attention())) {
    EXPECT_EQ(sizes.size(), 3u);
    queries.insert(sizes.lookup("S"));
    keys.insert(sizes.lookup("T"));
    batches.insert(sizes.lookup("B"));
  }
  for (int64_t edge : {0, 1, 16, 17, 47, 48, 49})
    EXPECT_TRUE(queries.count(edge)) << edge;
  for (int64_t edge : {0, 1, 63, 64, 65, 127, 128, 129, 257})
    EXPECT_TRUE(keys.count(edge)) << edge;
  EXPECT_EQ(batches, (std::set<int64_t>{1, 2, 3}));
}

//===--- Inputs ----------------------------------------------------------===//

TEST_F(TrialTest, TheSameSeedGivesTheSameInputs) {
  InputOptions options;
  options.seed = 5;
  std::vector<HostTensor> first = inputs(options), second = inputs(options);
  options.seed = 6;
  std::vector<HostTensor> other = inputs(options);
  for (size_t which = 0; which < first.size(); ++which)
    EXPECT_EQ(*first[which].owner, *second[which].owner) << which;
  EXPECT_NE(*first[0].owner, *other[0].owner);
}

TEST_F(TrialTest, ValuesAreOfTheirKind) {
  auto withKind = [&](ValueKind kind) {
    InputOptions options;
    options.values = kind;
    return inputs(options);
  };
  auto all = [](const HostTensor &tensor, auto holds) {
    bool result = true;
    forEachPosition(tensor.shape, [&](llvm::ArrayRef<int64_t> at) {
      result &= holds(at, tensor.getFloat(at));
    });
    return result;
  };
  std::vector<HostTensor> constant = withKind(ValueKind::Constant);
  EXPECT_TRUE(all(constant[2], [](auto, double x) { return x == 0.3f; }));
  EXPECT_TRUE(all(constant[1], [](auto, double x) { return x == 0.25; }));
  std::vector<HostTensor> index = withKind(ValueKind::KeyIndex);
  EXPECT_TRUE(all(index[2], [](llvm::ArrayRef<int64_t> at, double x) {
    return x == double(at[2]);
  }));
  std::vector<HostTensor> hot = withKind(ValueKind::OneHot);
  EXPECT_TRUE(all(hot[2], [](llvm::ArrayRef<int64_t> at, double x) {
    return x == double(at[2] % 4 == at[3]);
  }));
  std::vector<HostTensor> sharp = withKind(ValueKind::Sharp);
  EXPECT_FALSE(all(sharp[0], [](auto, double x) { return std::fabs(x) < 20; }));
  EXPECT_TRUE(all(sharp[1], [](auto, double x) { return std::fabs(x) < 20; }));
  // NaN in keys and values, never in queries.
  std::vector<HostTensor> bad = withKind(ValueKind::NonFinite);
  EXPECT_TRUE(all(bad[0], [](auto, double x) { return std::isfinite(x); }));
  for (int which : {1, 2})
    EXPECT_FALSE(
        all(bad[which], [](auto, double x) { return std::isfinite(x); }));
}

TEST_F(TrialTest, OfOddSeedsOneOfTheLastKeysIsNan) {
  InputOptions options;
  options.values = ValueKind::NonFinite;
  std::set<int64_t> places;
  for (options.seed = 1; options.seed < 40; options.seed += 2) {
    std::vector<HostTensor> bad = inputs(options);
    std::set<int64_t> keys;
    for (int which : {1, 2})
      forEachPosition(bad[which].shape, [&](llvm::ArrayRef<int64_t> at) {
        if (std::isnan(bad[which].getFloat(at)))
          keys.insert(at[2]);
      });
    ASSERT_EQ(keys.size(), 1u);
    places.insert(*keys.begin());
  }
  // From the last one on, each in turn.
  EXPECT_TRUE(places.count(inputs(options)[1].shape[2] - 1));
  EXPECT_GT(places.size(), 2u);
}

/// The smallest and the largest size of the elements of a tensor.
std::pair<double, double> sizesOf(const HostTensor &tensor) {
  std::pair<double, double> sizes = {INFINITY, 0};
  forEachPosition(tensor.shape, [&](llvm::ArrayRef<int64_t> at) {
    double size = std::fabs(tensor.getFloat(at));
    sizes = {std::min(sizes.first, size), std::max(sizes.second, size)};
  });
  return sizes;
}

TEST_F(TrialTest, ExtremeValuesAreOfTheirKind) {
  auto withKind = [&](ValueKind kind) {
    InputOptions options;
    options.values = kind;
    return inputs(options);
  };
  // Signs alternate with the key.
  std::vector<HostTensor> alternating = withKind(ValueKind::Alternating);
  forEachPosition(alternating[1].shape, [&](llvm::ArrayRef<int64_t> at) {
    EXPECT_EQ(std::signbit(alternating[1].getFloat(at)), at[2] % 2 == 1);
  });
  // In the first feature below 1.2e-38, in the second around it, then above;
  // not all of them zero.
  std::vector<HostTensor> subnormal = withKind(ValueKind::Subnormal);
  for (int which : {1, 2}) {
    std::vector<double> largest(subnormal[which].shape[3]);
    ASSERT_GT(largest.size(), 2u);
    forEachPosition(subnormal[which].shape, [&](llvm::ArrayRef<int64_t> at) {
      double size = std::fabs(subnormal[which].getFloat(at));
      largest[at[3]] = std::max(largest[at[3]], size);
    });
    EXPECT_LT(largest[0], 0x1p-126);
    EXPECT_GT(largest[0], 0x1p-130);
    EXPECT_GT(largest[1], 0x1p-126);
    EXPECT_LT(largest[1], 0x1p-120);
    EXPECT_GT(largest[2], 0x1p-120);
    EXPECT_LT(largest[2], 0x1p-110);
  }
  // All 50 of a column add up to less than half of the largest number, to
  // which the reference vouches for the sum.
  std::vector<HostTensor> largest = withKind(ValueKind::Largest);
  EXPECT_LT(50 * sizesOf(largest[2]).second, 1.7e38);
  EXPECT_GT(50 * sizesOf(largest[2]).first, 1e38);
  EXPECT_LT(sizesOf(largest[1]).second, 5);
  // Padding is for what a score reads: here a row for each head.
  bool hasSmallest = false, hasInfinity = false, hasOthers = false;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    InputOptions options;
    options.values = ValueKind::Padding;
    options.seed = seed;
    std::vector<HostTensor> padding = inputs(options);
    EXPECT_LT(sizesOf(padding[0]).second, 5);
    forEachPosition(padding[6].shape, [&](llvm::ArrayRef<int64_t> at) {
      double x = padding[6].getFloat(at);
      hasSmallest |= x == -double(std::numeric_limits<float>::max());
      hasInfinity |= x == -INFINITY;
      hasOthers |= std::fabs(x) < 5;
      EXPECT_TRUE(x < 5) << x;
    });
  }
  EXPECT_TRUE(hasSmallest && hasInfinity && hasOthers);
}

TEST_F(TrialTest, ScoresPeakOrAscend) {
  InputOptions options;
  // Of each head one key, at all places as seeds go on.
  std::set<int64_t> places;
  options.values = ValueKind::Peak;
  for (options.seed = 0; options.seed < 100; ++options.seed) {
    std::vector<HostTensor> peak = inputs(options);
    int64_t peaks = 0;
    forEachPosition(peak[1].shape, [&](llvm::ArrayRef<int64_t> at) {
      if (at[3] == 0 && peak[1].getFloat(at) > 0) {
        ++peaks;
        places.insert(at[2]);
      }
    });
    EXPECT_EQ(peaks, peak[1].shape[0] * peak[1].shape[1]);
    EXPECT_GT(sizesOf(peak[0]).first, 30);
  }
  EXPECT_EQ(places.size(), 50u);
  options.values = ValueKind::Ascending;
  for (uint64_t seed : {0, 1}) {
    options.seed = seed;
    std::vector<HostTensor> ascending = inputs(options);
    double last = ascending[1].getFloat({0, 0, 49, 0});
    EXPECT_NEAR(last, (seed ? -98 : 98) / std::sqrt(8.0), 1e-4);
    EXPECT_EQ(ascending[1].getFloat({0, 0, 0, 0}), 0);
  }
}

TEST_F(TrialTest, WideExponentsCancelInScores) {
  InputOptions options;
  options.values = ValueKind::Wide;
  std::vector<HostTensor> wide = inputs(options);
  for (int which : {0, 1, 2}) {
    EXPECT_LT(sizesOf(wide[which]).first, 1e-8) << which;
    EXPECT_GT(sizesOf(wide[which]).second, 1e8) << which;
  }
  forEachPosition({2, 2, 40, 50}, [&](llvm::ArrayRef<int64_t> at) {
    double score = 0;
    for (int64_t d = 0; d < 8; ++d)
      score += wide[0].getFloat({at[0], at[1], at[2], d}) *
               wide[1].getFloat({at[0], at[1], at[3], d});
    EXPECT_LT(std::fabs(score), 60);
  });
}

TEST_F(TrialTest, LengthsAndDocumentsAreWhatAModelWouldPass) {
  for (uint64_t seed = 1; seed < 20; ++seed) {
    InputOptions options;
    options.seed = seed;
    options.typical = true;
    std::vector<HostTensor> tensors = inputs(options);
    for (int64_t b = 0; b < 2; ++b) {
      int64_t length = tensors[3].getInteger({b});
      EXPECT_GE(length, 25);
      EXPECT_LE(length, 50);
      for (int64_t j = 1; j < 50; ++j) {
        int64_t step =
            tensors[4].getInteger({b, j}) - tensors[4].getInteger({b, j - 1});
        EXPECT_TRUE(step == 0 || step == 1);
      }
    }
  }
}

TEST_F(TrialTest, LengthsReachTheirEnds) {
  std::set<int64_t> seen;
  for (uint64_t seed = 1; seed < 60; ++seed) {
    InputOptions options;
    options.seed = seed;
    std::vector<HostTensor> tensors = inputs(options);
    for (int64_t b = 0; b < 2; ++b) {
      int64_t length = tensors[3].getInteger({b});
      EXPECT_GE(length, -1);
      EXPECT_LE(length, 87);
      seen.insert(length);
    }
  }
  // A length of more keys than there are is no way out of a tensor.
  for (int64_t edge : {-1, 0, 1, 49, 50, 87})
    EXPECT_TRUE(seen.count(edge)) << edge;
}

TEST_F(TrialTest, BoolsAreAnyByte) {
  // A true bool need not be 1: dense views have ones, others another byte.
  for (ViewKind views : {ViewKind::Dense, ViewKind::Padded}) {
    std::set<int> bytes;
    for (uint64_t seed = 1; seed < 9; ++seed) {
      InputOptions options;
      options.seed = seed;
      options.views = views;
      std::vector<HostTensor> tensors = inputs(options);
      forEachPosition(tensors[7].shape, [&](llvm::ArrayRef<int64_t> at) {
        bytes.insert(uint8_t(*tensors[7].address(at)));
      });
    }
    EXPECT_EQ(bytes, (std::set<int>{0, views == ViewKind::Dense ? 1 : 0x80}));
  }
}

TEST_F(TrialTest, ShapesAloneNeedNoMemory) {
  InputOptions options;
  options.shapesOnly = true;
  options.sizes = {{"B", 1}, {"S", 10}, {"T", 1000000}};
  std::vector<HostTensor> tensors = inputs(options);
  for (int which : {0, 1, 2}) {
    EXPECT_EQ(tensors[which].data, nullptr);
    EXPECT_EQ(tensors[which].owner, nullptr);
  }
  EXPECT_EQ(tensors[1].shape, (Extents{1, 2, 1000000, 8}));
  EXPECT_EQ(tensors[1].strides[2], 8);
  // What masks and scores read is there.
  for (size_t which = 3; which < tensors.size(); ++which)
    EXPECT_NE(tensors[which].data, nullptr) << which;
}

TEST_F(TrialTest, TensorsLargerThanTheMachineAreRefused) {
  InputOptions options;
  options.sizes = {{"B", 1000000}, {"S", 1000000}, {"T", 10}};
  auto inputs = generateInputs(attention(), options);
  ASSERT_FALSE(inputs);
  std::string message = llvm::toString(inputs.takeError());
  EXPECT_NE(message.find("MB, this machine has"), std::string::npos) << message;
}

TEST(ViewNames, AreAllDifferent) {
  std::set<std::string> names;
  for (ViewKind kind : allViewKinds())
    names.insert(nameOf(kind).str());
  EXPECT_EQ(names.size(), allViewKinds().size());
  names.clear();
  for (ValueKind kind : allValueKinds())
    names.insert(nameOf(kind).str());
  EXPECT_EQ(names.size(), allValueKinds().size());
}

TEST(Views, HaveTheStridesOfTheirKind) {
  auto strides = [](ViewKind kind) {
    return makeView(ScalarType::F32, {2, 3, 4, 8}, kind).strides;
  };
  EXPECT_EQ(strides(ViewKind::Dense), (Extents{96, 32, 8, 1}));
  EXPECT_EQ(strides(ViewKind::Padded), (Extents{132, 44, 11, 1}));
  EXPECT_EQ(strides(ViewKind::Transposed), (Extents{96, 8, 24, 1}));
  EXPECT_EQ(strides(ViewKind::Strided), (Extents{192, 64, 16, 2}));
  EXPECT_EQ(strides(ViewKind::Broadcast), (Extents{0, 32, 8, 1}));
}

} // namespace
