//===- ContractToCpu.cpp - Matrix products to vectors ---------------------===//
//
// See Passes.td. FewRows.cpp and ManyRows.cpp have the two forms of a product.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/MatrixProduct.h"
#include "compiler/codegen/cpu/Passes.h"
#include "compiler/codegen/vector/VectorEmitter.h"
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

/// Whether `op` is out[.., n] += x[.., k] * w[k, n], or w[n, k]: then w is
/// transposed.
static FailureOr<bool> checkForm(linalg::ContractOp op) {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("expected buffers; run attn-bufferize before");
  auto x = cast<MemRefType>(op.getInputs()[0].getType());
  auto w = cast<MemRefType>(op.getInputs()[1].getType());
  int64_t rank = x.getRank();
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> dims;
  for (int64_t d = 0; d <= rank; ++d)
    dims.push_back(getAffineDimExpr(d, context));
  AffineExpr n = dims[rank - 1], k = dims[rank];
  SmallVector<AffineExpr> lead(dims.begin(), dims.begin() + rank - 1);
  auto with = [&](AffineExpr last) {
    SmallVector<AffineExpr> results = lead;
    results.push_back(last);
    return AffineMap::get(rank + 1, 0, results, context);
  };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  bool isTransposed = maps[1] == AffineMap::get(rank + 1, 0, {n, k}, context);
  if (rank < 2 || w.getRank() != 2 || maps[0] != with(k) ||
      (!isTransposed &&
       maps[1] != AffineMap::get(rank + 1, 0, {k, n}, context)) ||
      maps[2] != with(n))
    return op.emitOpError("expected out[.., n] += x[.., k] * w[k, n], or "
                          "w[n, k], with the dimensions in the order "
                          "(.., n, k)");
  return isTransposed;
}

/// A fill, or a broadcast of a bias over all rows, right before the product
/// need not touch memory: the product starts from its value. Returns the
/// operation, or null.
static Operation *findStart(linalg::ContractOp op, MatrixProduct &product) {
  int64_t rank = cast<MemRefType>(product.out.getType()).getRank();
  for (Operation *before = op->getPrevNode(); before;
       before = before->getPrevNode()) {
    if (auto fill = dyn_cast<linalg::FillOp>(before);
        fill && fill.getOutputs()[0] == product.out) {
      product.scalarStart = fill.getInputs()[0];
      return fill;
    }
    if (auto broadcast = dyn_cast<linalg::BroadcastOp>(before);
        broadcast && broadcast.getInit() == product.out) {
      if (cast<MemRefType>(broadcast.getInput().getType()).getRank() != 1 ||
          llvm::is_contained(broadcast.getDimensions(), rank - 1))
        return nullptr;
      product.columnStart = broadcast.getInput();
      return broadcast;
    }
    // Anything that may touch `out` in between keeps its contents meaningful.
    if (!isMemoryEffectFree(before))
      return nullptr;
  }
  return nullptr;
}

namespace {
struct ContractToCpu
    : public ladon::cpu::impl::ContractToCpuBase<ContractToCpu> {
  using ContractToCpuBase::ContractToCpuBase;

  void runOnOperation() override {
    SmallVector<linalg::ContractOp> products;
    getOperation().walk([&](linalg::ContractOp op) { products.push_back(op); });
    for (linalg::ContractOp op : products) {
      FailureOr<bool> isTransposed = checkForm(op);
      if (failed(isTransposed))
        return signalPassFailure();
      lower(op, *isTransposed);
    }
  }

  void lower(linalg::ContractOp op, bool isTransposed) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value out = op.getOutputs()[0];
    auto element =
        cast<FloatType>(cast<MemRefType>(out.getType()).getElementType());
    VectorEmitter e(b, element, vectorBits / element.getWidth());
    MatrixProduct product{e,      op.getInputs()[0], op.getInputs()[1],
                          out,    isTransposed,      Value(),
                          Value()};
    Operation *start = findStart(op, product);
    auto form = scf::IfOp::create(b, TypeRange(), hasFewRows(product),
                                  /*withElseRegion=*/true);
    b.setInsertionPointToStart(form.thenBlock());
    emitFewRows(product);
    b.setInsertionPointToStart(form.elseBlock());
    emitManyRows(product, rowsAtOnce, unroll);
    if (start)
      start->erase();
    op.erase();
  }
};
} // namespace
