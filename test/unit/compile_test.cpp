//===- compile_test.cpp - What an internal error leaves behind ------------===//

#include "compiler/driver/compile/Compile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>

using namespace ladon;

namespace {

constexpr char spec[] = R"(attention broken(
    q: f32[B, 2, S, 16],
) -> f32[B, 2, S, 16] {
  return attend(q, q, q)
}
)";

/// Compiles `spec` in an empty directory, which goes away with the test.
class CompileTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::current_path(home));
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("ladon", folder));
    ASSERT_FALSE(llvm::sys::fs::set_current_path(folder));
    unsigned buffer = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBuffer(spec, "broken.attn"), llvm::SMLoc());
    DiagnosticEngine diagnostics(sources);
    checked = parseAndCheck(sources, buffer, {}, diagnostics);
    ASSERT_TRUE(checked);
  }
  void TearDown() override {
    llvm::sys::fs::set_current_path(home);
    llvm::sys::fs::remove_directories(folder);
  }

  llvm::SmallString<128> home, folder;
  llvm::SourceMgr sources;
  std::unique_ptr<CheckedSpec> checked;
};

TEST_F(CompileTest, aFailedPassIsReportedWithWhatReproducesIt) {
  cpu::CpuTarget target = *cpu::findCpuTarget("x86-64-v3");
  target.keyTile = 0; // No loop over keys can have this step.
  auto artefact = compileArtefact(*checked, sources, target);
  ASSERT_FALSE(artefact);
  std::string message = llvm::toString(artefact.takeError());
  EXPECT_NE(message.find("a compiler pass failed"), std::string::npos);
  EXPECT_NE(message.find("broken.attn\":4:"), std::string::npos) << message;
  EXPECT_NE(message.find("'ladon-reproducer-broken' reproduce this"),
            std::string::npos);

  auto source =
      llvm::MemoryBuffer::getFile("ladon-reproducer-broken/broken.attn");
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->getBuffer(), checked->attention->source);
  auto module =
      llvm::MemoryBuffer::getFile("ladon-reproducer-broken/broken.mlir");
  ASSERT_TRUE(module);
  EXPECT_TRUE((*module)->getBuffer().starts_with("// ladon-opt"));
  EXPECT_TRUE((*module)->getBuffer().contains("attn.attend"));
}

TEST_F(CompileTest, aCrashIsReportedAsAFailure) {
  cpu::CpuTarget target = *cpu::findCpuTarget("x86-64-v3");
  target.vectorBits = 0; // Divides the size of a tile.
  auto artefact = compileArtefact(*checked, sources, target);
  ASSERT_FALSE(artefact);
  EXPECT_NE(llvm::toString(artefact.takeError()).find("reproduce this"),
            std::string::npos);
}

} // namespace
