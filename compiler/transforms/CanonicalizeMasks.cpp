//===- CanonicalizeMasks.cpp -===//

#include "compiler/transforms/Passes.h"

#define DEBUG_TYPE "attn-canonicalize-masks"

namespace ladon {
#define GEN_PASS_DEF_CANONICALIZEMASKS
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

namespace {
struct CanonicalizeMasks : ladon::impl::CanonicalizeMasksBase<CanonicalizeMasks> {
  void runOnOperation() override {}
};
} // namespace
