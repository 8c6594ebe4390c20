//===- ProductForm.h - Matrix products as lowerings want them --*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_PRODUCTFORM_H
#define LADON_COMPILER_TRANSFORMS_PRODUCTFORM_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace ladon {

/// How the matrix of a product lies.
enum class MatrixForm {
  ByStep,  ///< w [K, N]
  ByColumn ///< w [N, K], as the weights of PyTorch's nn.Linear
};

/// Of out[.., n] += x[.., k] * w[k, n] or w[n, k] on buffers, with the
/// dimensions in the order (.., n, k); none for other products.
std::optional<MatrixForm> getMatrixForm(mlir::linalg::ContractOp op);

/// The product whose rows lie in `x`; null if none of its readers is one.
mlir::linalg::ContractOp findProduct(mlir::Value x);

/// What the sums of a product begin with.
struct ProductStart {
  /// The fill or the broadcast right before the product that puts it into its
  /// destination; null if it lies there already.
  mlir::Operation *op = nullptr;
  mlir::Value scalar;  ///< The same for all, or null.
  mlir::Value columns; ///< [N], one for each column, or null.
};
ProductStart findStart(mlir::linalg::ContractOp op);

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_PRODUCTFORM_H
