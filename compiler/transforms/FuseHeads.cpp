//===- FuseHeads.cpp -===//

#include "compiler/transforms/Passes.h"

#define DEBUG_TYPE "attn-fuse-heads"

namespace ladon {
#define GEN_PASS_DEF_FUSEHEADS
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

namespace {
struct FuseHeads : ladon::impl::FuseHeadsBase<FuseHeads> {
  void runOnOperation() override {}
};
} // namespace
