//===- messages_test.cpp - What passes say, as text -----------------------===//

#include "compiler/driver/compile/Messages.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

using namespace ladon;

namespace {

TEST(Messages, thePlaceIsTheFirstOneInAFile) {
  mlir::MLIRContext context;
  mlir::Builder b(&context);
  auto file = mlir::FileLineColLoc::get(&context, "a.attn", 3, 7);
  auto other = mlir::FileLineColLoc::get(&context, "b.attn", 1, 1);
  EXPECT_EQ(placeOf(b.getUnknownLoc()), "");
  EXPECT_EQ(placeOf(file), "a.attn:3:7");
  EXPECT_EQ(placeOf(mlir::NameLoc::get(b.getStringAttr("q"), file)),
            "a.attn:3:7");
  EXPECT_EQ(placeOf(b.getFusedLoc({b.getUnknownLoc(), file, other})),
            "a.attn:3:7");
}

TEST(Messages, keepNotesButNotTheOperation) {
  mlir::MLIRContext context;
  mlir::Builder b(&context);
  std::vector<Message> messages;
  mlir::ScopedDiagnosticHandler handler(&context,
                                        [&](mlir::Diagnostic &diagnostic) {
                                          messages.emplace_back(diagnostic);
                                          return mlir::success();
                                        });
  auto file = mlir::FileLineColLoc::get(&context, "a.attn", 3, 7);
  {
    mlir::InFlightDiagnostic error = mlir::emitError(file, "expected a mask");
    error.attachNote() << "see current operation: \"attn.attend\"() : () -> ()";
    error.attachNote() << "found a score";
  }
  mlir::emitRemark(b.getUnknownLoc(), "no place");
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].str(),
            "a.attn:3:7: expected a mask\n  note: found a score");
  EXPECT_EQ(messages[1].str(), "no place");
  EXPECT_TRUE(messages[0] == messages[0]);
  EXPECT_FALSE(messages[0] == messages[1]);
}

} // namespace
