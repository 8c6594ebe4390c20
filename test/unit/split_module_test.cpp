//===- split_module_test.cpp - Code in parts ------------------------------===//

#include "compiler/codegen/cpu/SplitModule.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>
#include <set>

using namespace ladon::cpu;

namespace {

/// A function with `count` additions after `body`.
std::string longFunction(const std::string &head, const std::string &body,
                         int count) {
  std::string text = "define internal void " + head + " {\n" + body;
  for (int i = 0; i < count; ++i)
    text += "  %x" + std::to_string(i) + " = add i64 1, 2\n";
  return text + "  ret void\n}\n";
}

struct Parts {
  explicit Parts(const std::string &text) {
    llvm::SMDiagnostic problem;
    whole = llvm::parseAssemblyString(text, problem, context);
    if (!whole) {
      ADD_FAILURE() << problem.getMessage().str() << text;
      return;
    }
    split.emplace(*whole);
    for (size_t part = 0; part < split->size(); ++part) {
      contexts.push_back(std::make_unique<llvm::LLVMContext>());
      modules.push_back(split->load(part, *contexts.back()));
      std::string problems;
      llvm::raw_string_ostream os(problems);
      EXPECT_FALSE(llvm::verifyModule(*modules.back(), &os)) << problems;
    }
  }

  /// The functions that a part defines.
  std::set<std::string> defined(size_t part) const {
    std::set<std::string> names;
    for (const llvm::Function &function : *modules[part])
      if (!function.isDeclaration())
        names.insert(function.getName().str());
    return names;
  }

  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> whole;
  std::optional<SplitModule> split;
  std::vector<std::unique_ptr<llvm::LLVMContext>> contexts;
  std::vector<std::unique_ptr<llvm::Module>> modules;
};

using Names = std::set<std::string>;

/// An entry that launches two tasks, the second of which calls a helper.
std::string launches(int firstSize, int secondSize) {
  return "declare void @launch(ptr)\n"
         "@table = internal constant [1 x ptr] [ptr @run]\n"
         "define void @entry() {\n"
         "  call void @launch(ptr @table)\n  ret void\n}\n" +
         longFunction("@run()",
                      "  call void @launch(ptr @first)\n"
                      "  call void @launch(ptr @second)\n",
                      0) +
         longFunction("@first()", "", firstSize) +
         longFunction("@second()", "  call void @helper()\n", secondSize) +
         longFunction("@helper()", "", 5);
}

TEST(SplitModule, a_launched_task_and_what_it_calls_are_a_part) {
  Parts parts(launches(300, 400));
  ASSERT_EQ(parts.modules.size(), 3u);
  EXPECT_EQ(parts.defined(0), (Names{"entry", "run"}));
  EXPECT_EQ(parts.defined(1), (Names{"first"}));
  EXPECT_EQ(parts.defined(2), (Names{"second", "helper"}));
}

TEST(SplitModule, the_longest_part_is_first_in_line) {
  EXPECT_EQ(Parts(launches(300, 400)).split->getLargestFirst(),
            llvm::ArrayRef<size_t>({2, 1, 0}));
  EXPECT_EQ(Parts(launches(500, 400)).split->getLargestFirst(),
            llvm::ArrayRef<size_t>({1, 2, 0}));
  // Of equal ones the first in the module.
  EXPECT_EQ(Parts(launches(407, 400)).split->getLargestFirst(),
            llvm::ArrayRef<size_t>({1, 2, 0}));
}

TEST(SplitModule, short_functions_stay_together) {
  Parts parts(launches(10, 400));
  ASSERT_EQ(parts.modules.size(), 2u);
  EXPECT_EQ(parts.defined(0), (Names{"entry", "run", "first"}));
  Parts none(launches(10, 10));
  ASSERT_EQ(none.modules.size(), 1u);
  EXPECT_EQ(none.defined(0),
            (Names{"entry", "run", "first", "second", "helper"}));
}

TEST(SplitModule, what_parts_see_of_one_another_is_hidden_from_others) {
  Parts parts(launches(300, 400));
  llvm::Function *task = parts.modules[1]->getFunction("first");
  EXPECT_TRUE(task->hasExternalLinkage());
  EXPECT_TRUE(task->hasHiddenVisibility());
  llvm::Function *launched = parts.modules[0]->getFunction("first");
  EXPECT_TRUE(launched->isDeclaration());
  EXPECT_TRUE(launched->hasHiddenVisibility());
  // A helper is seen by nobody, an entry point by everybody.
  EXPECT_TRUE(parts.modules[2]->getFunction("helper")->hasInternalLinkage());
  EXPECT_TRUE(parts.modules[0]->getFunction("entry")->hasDefaultVisibility());
}

TEST(SplitModule, what_is_never_inlined_may_be_elsewhere) {
  Parts parts("declare void @launch(ptr)\n"
              "define void @entry() {\n"
              "  call void @launch(ptr @first)\n"
              "  call void @launch(ptr @second)\n  ret void\n}\n" +
              longFunction("@first()", "  call void @helper()\n", 300) +
              longFunction("@second()", "  call void @helper()\n", 300) +
              longFunction("@helper() noinline", "", 5));
  ASSERT_EQ(parts.modules.size(), 3u);
  EXPECT_EQ(parts.defined(0), (Names{"entry", "helper"}));
  EXPECT_EQ(parts.defined(1), (Names{"first"}));
  EXPECT_EQ(parts.defined(2), (Names{"second"}));
  for (const auto &part : parts.modules) {
    llvm::Function *helper = part->getFunction("helper");
    EXPECT_TRUE(helper->hasExternalLinkage());
    EXPECT_TRUE(helper->hasHiddenVisibility());
  }
}

TEST(SplitModule, a_helper_of_two_tasks_joins_them) {
  Parts parts("declare void @launch(ptr)\n"
              "define void @entry() {\n"
              "  call void @launch(ptr @a)\n  call void @launch(ptr @b)\n"
              "  ret void\n}\n" +
              longFunction("@a()", "  call void @helper()\n", 300) +
              longFunction("@helper()", "", 1) +
              longFunction("@b()", "  call void @helper()\n", 300));
  ASSERT_EQ(parts.modules.size(), 2u);
  EXPECT_EQ(parts.defined(0), (Names{"entry"}));
  EXPECT_EQ(parts.defined(1), (Names{"a", "helper", "b"}));
}

TEST(SplitModule, data_joins_the_functions_that_mention_it) {
  // Two tasks with a table between them, mentioned by a constant expression.
  Parts parts("@table = internal global [4 x i64] zeroinitializer\n"
              "declare void @launch(ptr)\n"
              "define void @entry() {\n"
              "  call void @launch(ptr @a)\n  call void @launch(ptr @b)\n"
              "  call void @launch(ptr @c)\n  ret void\n}\n" +
              longFunction("@a()", "  store i64 1, ptr @table\n", 300) +
              longFunction("@b()",
                           "  store i64 2, ptr getelementptr (i8, ptr "
                           "@table, i64 8)\n",
                           300) +
              longFunction("@c()", "", 300));
  ASSERT_EQ(parts.modules.size(), 3u);
  EXPECT_EQ(parts.defined(1), (Names{"a", "b"}));
  EXPECT_EQ(parts.defined(2), (Names{"c"}));
}

} // namespace
