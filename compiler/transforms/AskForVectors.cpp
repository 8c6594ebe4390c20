//===- AskForVectors.cpp - Loops that LLVM vectorises ---------------------===//

#include "compiler/transforms/AskForVectors.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

void ladon::askForVectors(scf::ForOp loop) {
  MLIRContext *context = loop.getContext();
  auto vectorize = LLVM::LoopVectorizeAttr::get(
      context, /*disable=*/BoolAttr::get(context, false), {}, {}, {}, {}, {},
      {});
  loop->setDiscardableAttr(
      "llvm.loop_annotation",
      LLVM::LoopAnnotationAttr::get(context, {}, vectorize, {}, {}, {}, {}, {},
                                    {}, {}, {}, {}, {}, {}, {}, {}));
}
