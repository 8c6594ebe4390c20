//===- import_test.cpp - Places of the source text, from import on --------===//

#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Import.h"
#include "compiler/transforms/InitLadon.h"
#include "compiler/transforms/Pipelines.h"
#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace {

/// Line and column are counted from 1.
constexpr char spec[] = R"(attention located(
    x: f32[B, S, 64],
    w: f32[64, 64],
    n: i32[B],
) -> f32[B, S, 64] {
  let q = split(x @ w, heads = 2)
  let a = attend(q, q, q,
    score = s * 2.0,
    mask = j < n[b])
  return concat(a)
}
)";

class ImportTest : public testing::Test {
protected:
  ImportTest() {
    DialectRegistry registry;
    ladon::registerDialects(registry);
    context.appendDialectRegistry(registry);
    unsigned buffer = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBuffer(spec, "located.attn"), llvm::SMLoc());
    ladon::DiagnosticEngine diagnostics(sources);
    auto checked = ladon::parseAndCheck(sources, buffer, {}, diagnostics);
    EXPECT_TRUE(checked);
    module = ladon::importAttention(context, *checked, sources);
  }

  /// "line:column", and the name of a let before it, of the one `OpTy`.
  template <typename OpTy> std::string locate() {
    std::string text = "none";
    module->walk([&](OpTy op) {
      text.clear();
      Location loc = op.getLoc();
      if (auto named = dyn_cast<NameLoc>(loc)) {
        text = named.getName().str() + " ";
        loc = named.getChildLoc();
      }
      auto place = dyn_cast<FileLineColLoc>(loc);
      text += place ? std::to_string(place.getLine()) + ":" +
                          std::to_string(place.getColumn())
                    : "unknown";
      EXPECT_TRUE(!place || place.getFilename() == "located.attn");
    });
    return text;
  }

  MLIRContext context;
  llvm::SourceMgr sources;
  OwningOpRef<ModuleOp> module;
};

TEST_F(ImportTest, operations_have_the_place_they_come_from) {
  EXPECT_EQ(locate<func::FuncOp>(), "1:1");
  EXPECT_EQ(locate<linalg::ContractOp>(), "6:17");
  EXPECT_EQ(locate<ladon::attn::SplitHeadsOp>(), "q 6:11");
  EXPECT_EQ(locate<ladon::attn::AttendOp>(), "a 7:11");
  EXPECT_EQ(locate<arith::MulFOp>(), "8:13");
  EXPECT_EQ(locate<arith::CmpIOp>(), "9:12");
  EXPECT_EQ(locate<ladon::attn::ReadOp>(), "9:16");
  EXPECT_EQ(locate<ladon::attn::ConcatHeadsOp>(), "10:10");
}

TEST_F(ImportTest, places_survive_fusion_and_bufferization) {
  PassManager pm(&context);
  ladon::buildAttnPipeline(pm);
  ASSERT_TRUE(succeeded(pm.run(*module)));
  EXPECT_EQ(locate<linalg::ContractOp>(), "6:17");
  EXPECT_EQ(locate<ladon::attn::AttendOp>(), "a 7:11");
  EXPECT_EQ(locate<arith::MulFOp>(), "8:13");
  EXPECT_EQ(locate<arith::CmpIOp>(), "9:12");
  EXPECT_EQ(locate<ladon::attn::ReadOp>(), "9:16");
}

TEST_F(ImportTest, importing_twice_gives_equal_modules) {
  auto print = [&] {
    std::string text;
    llvm::raw_string_ostream os(text);
    module->print(os, OpPrintingFlags().enableDebugInfo());
    return text;
  };
  std::string first = print();
  ladon::DiagnosticEngine diagnostics(sources);
  auto checked = ladon::parseAndCheck(sources, 1, {}, diagnostics);
  ASSERT_TRUE(checked);
  module = ladon::importAttention(context, *checked, sources);
  EXPECT_EQ(first, print());
}

} // namespace
