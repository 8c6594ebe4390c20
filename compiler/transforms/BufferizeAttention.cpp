//===- BufferizeAttention.cpp -===//

#include "compiler/transforms/Passes.h"

#define DEBUG_TYPE "attn-bufferize"

namespace ladon {
#define GEN_PASS_DEF_BUFFERIZEATTENTION
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

namespace {
struct BufferizeAttention : ladon::impl::BufferizeAttentionBase<BufferizeAttention> {
  void runOnOperation() override {}
};
} // namespace
