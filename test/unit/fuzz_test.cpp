//===- fuzz_test.cpp - What writes random specs, and shrinks them ---------===//

#include "compiler/frontend/Frontend.h"
#include "test/e2e/fuzz/Cases.h"
#include "test/e2e/fuzz/Shrink.h"
#include "test/e2e/fuzz/Specs.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

using namespace ladon;
using namespace ladon::e2e;
using llvm::StringRef;

//===--- Choices ---------------------------------------------------------===//

TEST(Choices, AreTheSameForASeed) {
  Choices first(7), second(7), other(8);
  for (int number = 0; number < 20; ++number) {
    EXPECT_EQ(first.below(1000), second.below(1000));
    other.below(1000);
  }
  EXPECT_EQ(first.draws(), second.draws());
  EXPECT_NE(first.draws(), other.draws());
}

TEST(Choices, AreReplayed) {
  Choices first(3);
  std::vector<int64_t> seen;
  for (int64_t count : {2, 9, 100, 1 << 20})
    seen.push_back(first.below(count));
  Choices again(first.draws());
  for (int64_t count : {2, 9, 100, 1 << 20}) {
    EXPECT_EQ(again.below(count), seen.front());
    seen.erase(seen.begin());
  }
  // Used up: the simplest from here on.
  EXPECT_EQ(again.below(50), 0);
  EXPECT_FALSE(again.chance(99));
  EXPECT_EQ(again.draws().size(), 6u);
}

TEST(Choices, ADrawThatIsTooLargeIsTheLastOne) {
  Choices choices(std::vector<uint32_t>{17, 17});
  EXPECT_EQ(choices.below(18), 17);
  EXPECT_EQ(choices.below(5), 4);
  EXPECT_EQ(choices.draws(), (std::vector<uint32_t>{17, 4}));
}

TEST(Choices, TheSimplestIsNearestToZero) {
  Choices choices(std::vector<uint32_t>{});
  EXPECT_EQ(choices.integer(-9, 40), 0);
  EXPECT_EQ(choices.integer(3, 40), 3);
  EXPECT_EQ(choices.integer(-40, -3), -3);
  EXPECT_FALSE(choices.chance(100 - 1));
  EXPECT_EQ(choices.pick<int64_t>({8, 1, 2}), 8);
}

TEST(Choices, IntegersReachBothEnds) {
  std::set<int64_t> seen;
  Choices choices(1);
  for (int number = 0; number < 400; ++number)
    seen.insert(choices.integer(-3, 4));
  EXPECT_EQ(seen, (std::set<int64_t>{-3, -2, -1, 0, 1, 2, 3, 4}));
}

TEST(Choices, SpansHoldWhatIsDrawnInThem) {
  Choices choices(1);
  choices.below(3);
  {
    Choices::Mark outer(choices, SpanKind::Mask);
    choices.below(3);
    {
      Choices::Mark inner(choices, SpanKind::Integer);
      choices.below(3);
      choices.below(3);
    }
  }
  choices.below(3);
  ASSERT_EQ(choices.spans().size(), 2u);
  EXPECT_EQ(choices.spans()[0].begin, 1u);
  EXPECT_EQ(choices.spans()[0].end, 4u);
  EXPECT_EQ(choices.spans()[1].begin, 2u);
  EXPECT_EQ(choices.spans()[1].end, 4u);
  EXPECT_EQ(choices.spans()[1].kind, SpanKind::Integer);
}

//===--- Shrinking -------------------------------------------------------===//

/// A sum in brackets, with a leaf for the simplest draw.
static std::string sum(Choices &choices, int depth) {
  Choices::Mark span(choices, SpanKind::Integer);
  int64_t form = choices.below(depth == 0 ? 1 : 3);
  if (form == 0)
    return std::to_string(choices.below(100));
  std::string left = sum(choices, depth - 1);
  return "(" + left + (form == 1 ? "+" : "*") + sum(choices, depth - 1) + ")";
}

/// The smallest sum for which `fails` holds, from the first seed that has one.
static std::string shrinkSum(llvm::function_ref<bool(StringRef)> fails,
                             int attempts = 2000) {
  for (uint64_t seed = 1; seed < 1000; ++seed) {
    Choices choices(seed);
    std::string text = sum(choices, 5);
    if (text.size() < 40 || !fails(text))
      continue;
    Choices smallest(shrink(
        choices.draws(),
        [&](Choices &choices) { return fails(sum(choices, 5)); }, attempts));
    return sum(smallest, 5);
  }
  return "no seed fails";
}

TEST(Shrink, FindsTheSmallestLeaf) {
  EXPECT_EQ(shrinkSum([](StringRef) { return true; }), "0");
  EXPECT_EQ(shrinkSum([](StringRef text) { return text.contains('*'); }),
            "(0*0)");
  EXPECT_EQ(shrinkSum([](StringRef text) { return text.contains("77"); }),
            "77");
}

TEST(Shrink, KeepsWhatTheFailureNeeds) {
  // A product inside of a sum, and a number of two digits beside it.
  std::string smallest = shrinkSum([](StringRef text) {
    return text.contains("*") && text.contains("+(") && text.contains("5");
  });
  EXPECT_TRUE(StringRef(smallest).contains("+(")) << smallest;
  EXPECT_LE(smallest.size(), 14u) << smallest;
}

TEST(Shrink, StopsWhenItsAttemptsAreUsedUp) {
  int calls = 0;
  auto fails = [&](Choices &choices) {
    ++calls;
    for (int number = 0; number < 50; ++number)
      choices.below(1000);
    return true;
  };
  Choices choices(5);
  fails(choices);
  calls = 0;
  shrink(choices.draws(), fails, 10);
  EXPECT_EQ(calls, 11); // The first one is to see that it fails.
}

TEST(Shrink, LeavesAloneWhatDoesNotFail) {
  std::vector<uint32_t> draws = {4, 5, 6};
  EXPECT_EQ(shrink(draws, [](Choices &) { return false; }, 100), draws);
}

//===--- The grammar -----------------------------------------------------===//

namespace {

struct Checked {
  std::string text, diagnostics;
  bool isAccepted;
};

Checked check(uint64_t seed) {
  Choices choices(seed);
  Checked result;
  result.text = writeSpec(choices).text;
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics(sources);
  unsigned id = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(result.text), {});
  result.isAccepted = parseAndCheck(sources, id, {}, diagnostics) != nullptr;
  llvm::raw_string_ostream os(result.diagnostics);
  diagnostics.print(os);
  return result;
}

} // namespace

TEST(RandomSpecs, AreSpecs) {
  int refused = 0;
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Checked checked = check(seed);
    refused += !checked.isAccepted;
    // Never a mistake of syntax, of a name or of a type.
    StringRef diagnostics = checked.diagnostics;
    for (const char *code : {"LDN00", "LDN01", "LDN0201", "LDN0202", "LDN0203",
                             "LDN0301", "LDN0305", "LDN04"})
      EXPECT_FALSE(diagnostics.contains(std::string("error: ") + code))
          << checked.diagnostics;
  }
  // What is refused tests nothing: one of twenty had a constant index outside
  // of its tensor, or divided by a constant zero.
  EXPECT_LE(refused, 10);
}

TEST(RandomSpecs, HaveOneAxisOfKeysInATensor) {
  // Two of them, and a trial takes a quarter of a minute to make its inputs.
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    Choices choices(seed);
    std::string text = writeSpec(choices).text;
    llvm::SmallVector<StringRef> lines;
    StringRef(text).split(lines, '\n');
    for (StringRef line : lines)
      if (line.contains("(T + 7) // 8"))
        EXPECT_EQ(line.count("T"), 1u) << text;
  }
}

TEST(RandomSpecs, BoundTheKeysOfTheirPages) {
  int paged = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Choices choices(seed);
    GeneratedSpec spec = writeSpec(choices);
    SizeMap sizes = chooseSizes(choices, spec);
    EXPECT_EQ(sizes.size(), spec.sizes.size());
    if (!StringRef(spec.text).contains("pages = "))
      continue;
    ++paged;
    std::string page = ", " + std::to_string(spec.pageSize) + ", ";
    EXPECT_TRUE(StringRef(spec.text).contains(page)) << spec.text;
    int64_t scores = spec.heads * sizes["P"] * spec.pageSize;
    for (const char *size : {"B", "S"})
      if (sizes.count(size))
        scores *= sizes[size];
    EXPECT_LE(scores, 60000 + 8 * 3 * 130 * 65);
    EXPECT_LE(sizes["N"], 30);
  }
  EXPECT_GT(paged, 10);
}

TEST(RandomSpecs, HaveEverythingThatTheLanguageHas) {
  std::string all;
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    Choices choices(seed);
    all += writeSpec(choices).text;
  }
  auto expectSome = [&](StringRef what) {
    EXPECT_TRUE(StringRef(all).contains(what)) << what.str();
  };
#define BUILTIN(id, name, least, most, operands, value, meaning)               \
  expectSome(name "(");
#include "compiler/frontend/Builtins.def"
  for (const char *what :
       {" // ", " % ",   " / ",  " * ",  " + ", " - ",  " << ", " >> ", " & ",
        " | ",  " ^ ",   " == ", " != ", " < ", " <= ", " > ",  " >= ", " and ",
        " or ", "not (", "~",    " @ ",  "if ", "-(",   "0x",   "e-"})
    expectSome(what);
  for (const char *what : {"causal",
                           "causal_top_left",
                           "window(",
                           "sinks = ",
                           "scale = ",
                           "score = ",
                           "mask = ",
                           "offset",
                           "hk",
                           ".lse",
                           ".out",
                           "split(",
                           "concat(",
                           "param p0: bool",
                           "param p0: i64",
                           "fn f1(x)",
                           "bias_",
                           "{ let ",
                           "transpose(",
                           "sigmoid(d)",
                           "any(n",
                           "all(n",
                           "sum(n",
                           "rms_norm(",
                           "layer_norm(",
                           "l2_norm(",
                           ", eps = ",
                           "rope(",
                           ", dims = ",
                           ", interleaved = true",
                           ", base = ",
                           ", frequencies = ",
                           ", start = ",
                           ", positions = ",
                           ", cos = ",
                           "concat(past_k, k",
                           ", axis = 1)",
                           ", axis = 2)",
                           "float(k) * k_scale",
                           "float(v) - 8",
                           "pages = ",
                           ": f32[N, ",
                           "[1, ",
                           ", 1]",
                           "P + S",
                           "(T + 7) // 8",
                           "S + T]",
                           "normalize = softmax_plus_one",
                           "normalize = sigmoid",
                           "normalize = relu,",
                           "normalize = relu2",
                           "normalize = linear",
                           "divisor = "})
    expectSome(what);
  for (const char *element :
       {"f32", "f64", "f16", "bf16", "u8", "i8", "i16", "i32", "i64", "bool"})
    expectSome(std::string(": ") + element + "[");
  // Captured tensors of every rank, and single values.
  for (const char *what : {": i32,", ": i64,", ": f32,", ": f64,", ": bool,",
                           "[b]", "[h]", "[b, j]", "[i, j]"})
    expectSome(what);
}
