//===- mutations_test.cpp - Small changes to modules ----------------------===//

#include "test/e2e/mutants/Mutations.h"

#include "compiler/transforms/InitLadon.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <set>

using namespace ladon;
using namespace ladon::e2e;

namespace {

class Mutations : public testing::Test {
protected:
  Mutations() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// A function of two indices, a float, a bool and memory.
  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef body) {
    std::string text = "func.func @f(%a: index, %b: index, %x: f32, %c: i1, "
                       "%m: memref<8xf32>) {\n" +
                       body.str() + "\nreturn\n}";
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return module;
  }

  /// What the body becomes by each change; all are valid.
  std::set<std::string> mutantsOf(llvm::StringRef body) {
    std::set<std::string> mutants;
    size_t count = mutationsOf(*parse(body)).size();
    for (size_t number = 0; number < count; ++number) {
      auto module = parse(body);
      mutationsOf(*module)[number].make();
      EXPECT_TRUE(mlir::succeeded(mlir::verify(*module)));
      std::string text;
      llvm::raw_string_ostream os(text);
      module->print(os);
      EXPECT_TRUE(mutants.insert(text).second) << "twice:\n" << text;
    }
    return mutants;
  }

  bool some(const std::set<std::string> &mutants, llvm::StringRef part) {
    return llvm::any_of(mutants, [&](const std::string &text) {
      return llvm::StringRef(text).contains(part);
    });
  }

  mlir::MLIRContext context;
};

} // namespace

TEST_F(Mutations, PredicatesBecomeTheirNeighbours) {
  auto mutants = mutantsOf("%0 = arith.cmpi sle, %a, %b : index\n"
                           "%1 = arith.cmpf ogt, %x, %x : f32");
  EXPECT_EQ(mutants.size(), 2u);
  EXPECT_TRUE(some(mutants, "cmpi slt"));
  EXPECT_TRUE(some(mutants, "cmpf oge"));
}

TEST_F(Mutations, OperatorsAreReplacedSwappedAndLeftOut) {
  auto mutants = mutantsOf("%0 = arith.subi %a, %b : index\n"
                           "memref.store %x, %m[%0] : memref<8xf32>");
  EXPECT_TRUE(some(mutants, "addi %arg0, %arg1"));
  EXPECT_TRUE(some(mutants, "subi %arg1, %arg0"));
  EXPECT_TRUE(some(mutants, "memref.store %arg2, %arg4[%arg0]"));
  EXPECT_TRUE(some(mutants, "memref.store %arg2, %arg4[%arg1]"));
  // The store is left out, or goes one further or less far.
  EXPECT_EQ(mutants.size(), 4 + 1 + 2u);
}

TEST_F(Mutations, EachUseOfAConstantChanges) {
  auto mutants = mutantsOf("%c4 = arith.constant 4 : index\n"
                           "%0 = arith.minsi %a, %c4 : index\n"
                           "%1 = arith.maxsi %b, %c4 : index");
  // Beside the two changes of operators.
  EXPECT_EQ(mutants.size(), 2 + 2u);
  for (llvm::StringRef text : mutants)
    if (text.contains("constant 5"))
      EXPECT_TRUE(text.contains("constant 4"));
}

TEST_F(Mutations, ConditionsAreNegated) {
  auto mutants = mutantsOf("scf.if %c {\n"
                           "memref.store %x, %m[%a] : memref<8xf32>\n}");
  EXPECT_TRUE(some(mutants, "xori %arg3, %true"));
  EXPECT_EQ(mutants.size(), 1 + 3u);
}

TEST_F(Mutations, AreDescribed) {
  auto module = parse("%0 = arith.minsi %a, %b : index\n"
                      "memref.store %x, %m[%0] : memref<8xf32>");
  std::vector<Mutation> found = mutationsOf(*module);
  ASSERT_EQ(found.size(), 3 + 3u);
  EXPECT_EQ(found[0].describe(), "in place of it arith.maxsi: %0 = arith.minsi "
                                 "%arg0, %arg1 : index");
  EXPECT_EQ(found[1].what, "left out for operand 0");
  EXPECT_EQ(found[2].what, "left out for operand 1");
  EXPECT_EQ(found[3].what, "left out");
  EXPECT_EQ(found[4].what, "operand 2 + 1");
}

TEST_F(Mutations, WhatIsOnlyPrefetchedDoesNotCount) {
  const char *prefetch =
      "%i = arith.addi %a, %b : index\n"
      "memref.prefetch %m[%i], read, locality<3>, data : memref<8xf32>";
  EXPECT_TRUE(mutantsOf(prefetch).empty());
  std::string used = prefetch;
  used += "\nmemref.store %x, %m[%i] : memref<8xf32>";
  EXPECT_TRUE(some(mutantsOf(used), "arith.subi"));
}

/// The first mutation of the addition in a branch of what `module` holds.
static Mutation inBranch(mlir::ModuleOp module) {
  for (const Mutation &mutation : mutationsOf(module))
    if (mutation.op->getName().getStringRef() == "arith.addi")
      return mutation;
  ADD_FAILURE() << "no addition";
  return {};
}

static const char *const branch =
    "scf.if %c {\n%i = arith.addi %a, %b : index\n"
    "memref.store %x, %m[%i] : memref<8xf32>\n}";

TEST_F(Mutations, AreShownWithWhatStandsAround) {
  auto module = parse(branch);
  std::string shown = inBranch(*module).surroundings();
  EXPECT_EQ(shown.find("in scf.if %"), 0u) << shown;
  EXPECT_NE(shown.find("\n> %"), std::string::npos) << shown;
  EXPECT_NE(shown.find("\n  memref.store"), std::string::npos) << shown;
}

TEST_F(Mutations, AProbeStandsWhereTheOperationDoes) {
  auto module = parse(branch);
  Mutation mutation = inBranch(*module);
  mutation.makeProbe();
  EXPECT_TRUE(mlir::succeeded(mlir::verify(*module)));
  mlir::Operation *before = mutation.op->getPrevNode();
  ASSERT_TRUE(before);
  EXPECT_EQ(before->getName().getStringRef(), "func.call");
}
