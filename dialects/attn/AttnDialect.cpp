//===- AttnDialect.cpp - Registration of the attn dialect -----------------===//

#include "dialects/attn/Attn.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace ladon::attn;

#include "dialects/attn/AttnDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/attn/AttnOps.cpp.inc"

namespace {
/// Nothing here knows of the function that it is in.
struct AttnInliner : public mlir::DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(mlir::Operation *, mlir::Region *, bool,
                       mlir::IRMapping &) const override {
    return true;
  }
};
} // namespace

void AttnDialect::initialize() {
  addInterfaces<AttnInliner>();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/attn/AttnOps.cpp.inc"
      >();
}
