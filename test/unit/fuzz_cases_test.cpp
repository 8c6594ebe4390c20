//===- fuzz_cases_test.cpp - What random cases notice ---------------------===//
//
// The reference plays the compiled code; then the same with an error in it.
//
//===----------------------------------------------------------------------===//

#include "test/e2e/PoisonedMemory.h"
#include "test/e2e/fuzz/NearValid.h"
#include "test/e2e/fuzz/Relations.h"
#include "test/e2e/fuzz/Watch.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace ladon;
using namespace ladon::e2e;

namespace {

/// The reference, and an error that depends on every position and size.
class WrongProgram : public Program {
public:
  explicit WrongProgram(std::unique_ptr<Program> right)
      : right(std::move(right)) {}

  llvm::Error run(llvm::ArrayRef<HostTensor> inputs,
                  llvm::ArrayRef<HostTensor> outputs, int threads) override {
    if (llvm::Error error = right->run(inputs, outputs, threads))
      return error;
    const HostTensor &k = inputs[1], &out = outputs[0];
    double first = k.size() > 0 ? k.getFloat({0, 0, 0, 0}) : 0;
    if (!std::isfinite(first))
      first = 0;
    forEachPosition(out.shape, [&](llvm::ArrayRef<int64_t> at) {
      double error = 1 + 3 * at[0] + 5 * at[1] + 7 * at[2] + out.shape[2] +
                     k.shape[2] + first;
      out.setFloat(at, out.getFloat(at) + 0.25 * error);
    });
    return llvm::Error::success();
  }

private:
  std::unique_ptr<Program> right;
};

class WrongRunner : public Runner {
public:
  llvm::Expected<std::unique_ptr<Program>> prepare(Spec &spec) override {
    auto program = referenceRunner()->prepare(spec);
    if (!program)
      return program.takeError();
    return std::make_unique<WrongProgram>(std::move(*program));
  }
};

/// A small case of the relation.
std::unique_ptr<RelationCase> relationCase(Relation relation, uint64_t seed) {
  Choices choices(seed);
  auto result = writeRelation(choices, relation);
  // More than one of each: with one there is nothing to change places.
  result->trial.sizes["B"] = 3;
  result->trial.sizes["S"] = 4;
  result->trial.sizes["T"] = 6;
  return result;
}

class Relations : public testing::TestWithParam<Relation> {};

} // namespace

TEST_P(Relations, HoldForTheReference) {
  std::unique_ptr<Runner> reference = referenceRunner();
  int passed = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    auto test = relationCase(GetParam(), seed);
    CaseReport report = test->run({*reference, *reference});
    EXPECT_FALSE(report.failure) << describe(*test, *report.failure);
    passed += report.passed;
  }
  EXPECT_GT(passed, 8);
}

TEST_P(Relations, NoticeAWrongProgram) {
  std::unique_ptr<Runner> reference = referenceRunner();
  WrongRunner wrong;
  int noticed = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    auto test = relationCase(GetParam(), seed);
    if (GetParam() == Relation::ExplicitMask) {
      // The same error in both would be none.
      auto spec = llvm::cantFail(parseSpec(test->text, "a.attn", {}));
      auto right = llvm::cantFail(reference->prepare(*spec));
      auto off = llvm::cantFail(wrong.prepare(*spec));
      noticed += !test->check(*spec, *right, off.get()).empty();
      continue;
    }
    CaseReport report = test->run({wrong, *reference});
    noticed += bool(report.failure);
    if (report.failure) {
      EXPECT_EQ(report.failure->stage, FailureStage::Relation);
      EXPECT_TRUE(llvm::StringRef(report.failure->what)
                      .starts_with(nameOf(GetParam())));
    }
  }
  EXPECT_GT(noticed, 4);
}

INSTANTIATE_TEST_SUITE_P(All, Relations, testing::ValuesIn(allRelations()),
                         [](const auto &info) {
                           std::string name = nameOf(info.param).str();
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

//===--- Whole cases -----------------------------------------------------===//

TEST(RandomCases, AreTheSameForASeed) {
  for (uint64_t seed = 1; seed < 40; ++seed) {
    Choices first(seed), second(seed), again(first.draws());
    std::string text = writeCase(first)->text;
    EXPECT_EQ(writeCase(second)->text, text);
    EXPECT_EQ(first.draws(), second.draws());
    // Replayed, too.
    Choices replayed(first.draws());
    EXPECT_EQ(writeCase(replayed)->text, text);
  }
}

TEST(RandomCases, NoticeAWrongProgram) {
  std::unique_ptr<Runner> reference = referenceRunner();
  WrongRunner wrong;
  int right = 0, noticed = 0;
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    // One attend: its first result has four axes, or three.
    Choices choices(std::vector<uint32_t>{0, 0, 0, uint32_t(seed % 9)});
    auto test = writeNumericCase(choices);
    right += !test->run({*reference, *reference}).failure;
    CaseReport report = test->run({wrong, *reference});
    noticed += report.failure && report.failure->stage == FailureStage::Values;
    if (report.failure)
      EXPECT_TRUE(report.failure->trial);
  }
  EXPECT_EQ(right, 16);
  EXPECT_EQ(noticed, 16);
}

TEST(RandomCases, ChooseSizesWithinTheirBudget) {
  GeneratedSpec spec;
  spec.sizes = {"B", "S", "T"};
  spec.heads = 8;
  std::set<int64_t> queries, keys;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Choices choices(seed);
    SizeMap sizes = chooseSizes(choices, spec);
    EXPECT_EQ(sizes.size(), 3u);
    EXPECT_LE(8 * sizes["B"] * sizes["S"] * sizes["T"],
              60000 + 8 * 3 * 130 * 65);
    queries.insert(sizes["S"]);
    keys.insert(sizes["T"]);
  }
  // The border between the two kernel forms, the ends of blocks and chunks.
  for (int64_t edge : {0, 1, 7, 8, 9, 47, 48, 49})
    EXPECT_TRUE(queries.count(edge)) << edge;
  for (int64_t edge : {0, 1, 63, 64, 65, 127, 128, 129, 511, 512, 513})
    EXPECT_TRUE(keys.count(edge)) << edge;
}

//===--- Crashes ---------------------------------------------------------===//

/// What a child process that runs `body` prints, and how it ends.
static std::string outputOf(llvm::function_ref<void()> body, int &status) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    body();
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[256];
  for (ssize_t bytes; (bytes = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, bytes);
  close(ends[0]);
  waitpid(child, &status, 0);
  return text;
}

TEST(Watch, ACrashIsNamed) {
  int status = 0;
  std::string text = outputOf(
      [] {
        startWatch(/*seconds=*/100);
        {
          Note other("seed 4\n");
        }
        Note note("seed 5\nattention a\n");
        std::abort();
      },
      status);
  EXPECT_EQ(text, "FAIL crash of seed 5\nattention a\n");
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

TEST(Watch, WhatTakesTooLongIsNamed) {
  int status = 0;
  std::string text = outputOf(
      [] {
        startWatch(/*seconds=*/0);
        Note note("seed 6\n");
        pause();
      },
      status);
  EXPECT_EQ(text, "FAIL takes too long: seed 6\n");
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

//===--- Mistakes --------------------------------------------------------===//

TEST(NearValid, AFewTokensAreDifferent) {
  const char text[] = "attention a(q: f32[B, 1, S, 8]) -> f32[B, 1, S, 8] {\n"
                      "  return attend(q, q, q)\n}\n";
  int changed = 0, longer = 0, shorter = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Choices choices(seed);
    std::string mutant = mutateSpec(choices, text);
    changed += mutant != text;
    longer += mutant.size() > sizeof text;
    shorter += mutant.size() < sizeof text - 10;
    Choices again(choices.draws());
    EXPECT_EQ(mutateSpec(again, text), mutant);
  }
  EXPECT_GT(changed, 95);
  EXPECT_GT(longer, 10);
  EXPECT_GT(shorter, 10);
}

TEST(NearValid, IsAcceptedOrRefusedWithAPlace) {
  std::unique_ptr<Runner> reference = referenceRunner();
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Choices choices(seed);
    auto test = writeNearValid(choices);
    CaseReport report = test->run({*reference, *reference});
    EXPECT_FALSE(report.failure) << describe(*test, *report.failure);
  }
}

//===--- Working memory --------------------------------------------------===//

TEST(PoisonedMemory, IsFullOfNaNAndEndsBeforeAPageThatFaults) {
  ladon_options options = poisonedOptions(/*threads=*/3);
  EXPECT_EQ(options.threads, 3);
  for (size_t bytes : {64u, 4096u, 70000u - 70000u % 64}) {
    auto *memory = static_cast<unsigned char *>(
        options.allocate(options.allocator_user, bytes, 64));
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
    EXPECT_TRUE(std::all_of(memory, memory + bytes,
                            [](unsigned char byte) { return byte == 0xff; }));
    pid_t child = fork();
    if (child == 0) {
      std::signal(SIGSEGV, [](int) { _exit(7); });
      static_cast<volatile unsigned char *>(memory)[bytes] = 1;
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 7);
    options.deallocate(options.allocator_user, memory, bytes);
  }
}
