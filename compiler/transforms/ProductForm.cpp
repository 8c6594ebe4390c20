//===- ProductForm.cpp - Matrix products as lowerings want them -----------===//

#include "compiler/transforms/ProductForm.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace ladon;

std::optional<MatrixForm> ladon::getMatrixForm(linalg::ContractOp op) {
  if (!op.hasPureBufferSemantics())
    return std::nullopt;
  auto x = cast<MemRefType>(op.getInputs()[0].getType());
  auto w = cast<MemRefType>(op.getInputs()[1].getType());
  int64_t rank = x.getRank();
  if (rank < 2 || w.getRank() != 2)
    return std::nullopt;
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> dims;
  for (int64_t d = 0; d <= rank; ++d)
    dims.push_back(getAffineDimExpr(d, context));
  AffineExpr n = dims[rank - 1], k = dims[rank];
  auto rowsWith = [&](AffineExpr last) {
    SmallVector<AffineExpr> results(dims.begin(), dims.begin() + rank - 1);
    results.push_back(last);
    return AffineMap::get(rank + 1, 0, results, context);
  };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (maps[0] != rowsWith(k) || maps[2] != rowsWith(n))
    return std::nullopt;
  if (maps[1] == AffineMap::get(rank + 1, 0, {k, n}, context))
    return MatrixForm::ByStep;
  if (maps[1] == AffineMap::get(rank + 1, 0, {n, k}, context))
    return MatrixForm::ByColumn;
  return std::nullopt;
}

linalg::ContractOp ladon::findProduct(Value x) {
  for (Operation *user : x.getUsers())
    if (auto product = dyn_cast<linalg::ContractOp>(user))
      if (product.getInputs()[0] == x && getMatrixForm(product))
        return product;
  return {};
}

ProductStart ladon::findStart(linalg::ContractOp op) {
  Value out = op.getOutputs()[0];
  int64_t rank = cast<MemRefType>(out.getType()).getRank();
  for (Operation *before = op->getPrevNode(); before;
       before = before->getPrevNode()) {
    if (auto fill = dyn_cast<linalg::FillOp>(before);
        fill && fill.getOutputs()[0] == out)
      return {fill, fill.getInputs()[0], Value()};
    if (auto broadcast = dyn_cast<linalg::BroadcastOp>(before);
        broadcast && broadcast.getInit() == out) {
      Value source = broadcast.getInput();
      if (cast<MemRefType>(source.getType()).getRank() != 1 ||
          llvm::is_contained(broadcast.getDimensions(), rank - 1))
        return {};
      return {broadcast, Value(), source};
    }
    // Anything that may touch `out` in between keeps its contents meaningful.
    if (!isMemoryEffectFree(before))
      return {};
  }
  return {};
}
