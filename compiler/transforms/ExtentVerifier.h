//===- ExtentVerifier.h - The extents of a function ------------*- C++ -*-===//
//
// What attn-verify-extents knows while it goes through a function. Operations
// of tensors are in VerifyTensorExtents.cpp, caches in VerifyCaches.cpp, the
// others in VerifyExtents.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_TRANSFORMS_EXTENTVERIFIER_H
#define LADON_COMPILER_TRANSFORMS_EXTENTVERIFIER_H

#include "compiler/support/SizeExpr.h"
#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace ladon {

/// A number (IntegerAttr of i64), the name of a size (StringAttr), or null when
/// nothing is known.
using Extent = mlir::Attribute;

/// Follows the extents through the operations of one function, in order.
class ExtentVerifier {
public:
  explicit ExtentVerifier(mlir::func::FuncOp function)
      : function(function), b(function.getContext()) {}

  mlir::LogicalResult verify();
  /// After that: those of a tensor; none of anything else.
  llvm::ArrayRef<Extent> getExtents(mlir::Value tensor) const {
    auto known = extents.find(tensor);
    return known == extents.end() ? llvm::ArrayRef<Extent>() : known->second;
  }

  /// How many keys the table of an attend has pages for; null where that is not
  /// known.
  Extent getKeysOf(attn::AttendOp paged) const;

private:
  static std::string str(Extent extent);
  static std::optional<int64_t> getNumber(Extent extent);
  /// Says how two sizes come to be one.
  static mlir::InFlightDiagnostic &&explain(mlir::InFlightDiagnostic &&error);
  Extent number(int64_t value) { return b.getI64IntegerAttr(value); }
  Extent getSize(mlir::OpFoldResult size);
  std::optional<SizeExpr> getExpr(mlir::OpFoldResult size);
  Extent getProduct(llvm::ArrayRef<Extent> factors);
  llvm::SmallVector<Extent> getDeclared(attn::ParamAttr param);
  llvm::SmallVector<Extent> getStatic(mlir::Type type);

  mlir::LogicalResult visit(attn::AttendOp op);
  mlir::LogicalResult verifyPagedKeys(attn::AttendOp op, Extent found);
  mlir::LogicalResult visit(attn::AppendOp op);
  mlir::LogicalResult verifyPlaces(attn::AppendOp op, Extent capacity,
                                   Extent count);
  mlir::LogicalResult verifyCaches();
  mlir::LogicalResult visit(attn::SplitHeadsOp op);
  mlir::LogicalResult visit(attn::ConcatHeadsOp op);
  mlir::LogicalResult visit(mlir::linalg::LinalgOp op);
  mlir::LogicalResult visit(mlir::tensor::DimOp op);
  mlir::LogicalResult visit(mlir::tensor::EmptyOp op);
  mlir::LogicalResult visit(mlir::tensor::CastOp op);
  mlir::LogicalResult visit(mlir::tensor::ExtractSliceOp op);
  mlir::LogicalResult visit(mlir::tensor::InsertSliceOp op);
  mlir::LogicalResult visit(mlir::tensor::CollapseShapeOp op);
  mlir::LogicalResult visit(mlir::tensor::ExpandShapeOp op);
  mlir::LogicalResult visit(mlir::arith::ConstantOp op);
  mlir::LogicalResult visit(mlir::func::ReturnOp op);
  mlir::LogicalResult visitOther(mlir::Operation *op);

  mlir::LogicalResult verifyAccess(mlir::linalg::LinalgOp op,
                                   mlir::OpOperand &operand, int64_t axis,
                                   llvm::ArrayRef<Extent> loops);
  mlir::LogicalResult
  verifyReshape(mlir::Operation *op, llvm::ArrayRef<Extent> large,
                llvm::ArrayRef<Extent> small,
                llvm::ArrayRef<mlir::ReassociationIndices> groups);
  mlir::FailureOr<llvm::SmallVector<Extent>>
  verifySlice(mlir::OffsetSizeAndStrideOpInterface op,
              llvm::ArrayRef<Extent> whole);

  mlir::func::FuncOp function;
  mlir::Builder b;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Extent>>
      extents; ///< of each tensor
  /// Those of the signature, which are not negative.
  llvm::DenseSet<Extent> declared;
};

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_EXTENTVERIFIER_H
