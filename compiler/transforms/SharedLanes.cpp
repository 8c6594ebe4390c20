//===- SharedLanes.cpp - Query heads beside each other in a tile ----------===//

#include "compiler/transforms/SharedLanes.h"

#include "mlir/Analysis/SliceAnalysis.h"

using namespace mlir;
using namespace ladon;

/// Whether an element that is read in `region` depends on head and key: rows of
/// one head read it once, rows of several gather it.
static bool readsByHeadAndKey(Region &region) {
  if (region.empty())
    return false;
  // The last of the positions (b, h, i, j) is the key, after s where there is
  // one; captures follow.
  auto op = region.getParentOfType<attn::AttendOp>();
  unsigned first = &region == &op.getMask() ? 0 : 1;
  Value head = region.getArgument(first + 1),
        key = region.getArgument(first + 3);
  auto found = region.walk([&](attn::ReadOp read) {
    BackwardSliceOptions options;
    options.inclusive = true;
    SetVector<Operation *> slice;
    (void)getBackwardSlice(read.getOperation(), &slice, options);
    auto uses = [&](Value position) {
      return llvm::any_of(slice, [&](Operation *made) {
        return llvm::is_contained(made->getOperands(), position);
      });
    };
    return uses(head) && uses(key) ? WalkResult::interrupt()
                                   : WalkResult::advance();
  });
  return found.wasInterrupted();
}

int64_t ladon::headsThatShareLanes(attn::AttendOp op) {
  bool seeTheSame = !op.hasMask() || op.getMask().getArgument(1).use_empty();
  if (!seeTheSame || readsByHeadAndKey(op.getScore()) ||
      readsByHeadAndKey(op.getWeight()))
    return 1;
  return static_cast<int64_t>(op.getHeads() / op.getKeyValueHeads());
}
