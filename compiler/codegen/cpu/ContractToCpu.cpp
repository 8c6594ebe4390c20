//===- ContractToCpu.cpp - Matrix products to vectors ---------------------===//
//
// See Passes.td. FewRows.cpp and ManyRows.cpp have the two forms of a product.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/MatrixProduct.h"
#include "compiler/codegen/cpu/Passes.h"
#include "compiler/codegen/vector/VectorEmitter.h"
#include "compiler/transforms/ProductForm.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#define DEBUG_TYPE "contract-to-cpu"

namespace ladon::cpu {
#define GEN_PASS_DEF_CONTRACTTOCPU
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

namespace {
struct ContractToCpu
    : public ladon::cpu::impl::ContractToCpuBase<ContractToCpu> {
  using ContractToCpuBase::ContractToCpuBase;

  void runOnOperation() override {
    SmallVector<linalg::ContractOp> products;
    getOperation().walk([&](linalg::ContractOp op) { products.push_back(op); });
    for (linalg::ContractOp op : products) {
      if (!op.hasPureBufferSemantics()) {
        op.emitOpError("expected buffers; run attn-bufferize before");
        return signalPassFailure();
      }
      std::optional<MatrixForm> form = getMatrixForm(op);
      if (!form) {
        op.emitOpError("expected out[.., n] += x[.., k] * w[k, n], or w[n, k], "
                       "with the dimensions in the order (.., n, k)");
        return signalPassFailure();
      }
      lower(op, *form);
    }
  }

  void lower(linalg::ContractOp op, MatrixForm matrix) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value out = op.getOutputs()[0];
    auto element =
        cast<FloatType>(cast<MemRefType>(out.getType()).getElementType());
    VectorEmitter e(b, element, vectorBits / element.getWidth());
    // What the product starts from need not touch memory.
    ProductStart start = findStart(op);
    MatrixProduct product{e,
                          op.getInputs()[0],
                          op.getInputs()[1],
                          out,
                          /*isTransposed=*/matrix == MatrixForm::ByColumn,
                          start.scalar,
                          start.columns};
    auto form = scf::IfOp::create(b, TypeRange(), hasFewRows(product),
                                  /*withElseRegion=*/true);
    b.setInsertionPointToStart(form.thenBlock());
    emitFewRows(product);
    b.setInsertionPointToStart(form.elseBlock());
    emitManyRows(product, rowsAtOnce, unroll);
    if (start.op)
      start.op->erase();
    op.erase();
  }
};
} // namespace
