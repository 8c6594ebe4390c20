//===- AttnDialect.cpp - Registration of the attn dialect -----------------===//

#include "dialects/attn/Attn.h"

using namespace ladon::attn;

#include "dialects/attn/AttnDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/attn/AttnOps.cpp.inc"

void AttnDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/attn/AttnOps.cpp.inc"
      >();
}
