//===- NestProjection.h - A product at the end of a nest -------*- C++ -*-===//
//
// The output projection of an attend with a `tile.projection`: what the form
// for many queries does besides, and the product by itself for calls to which
// that does not apply.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_TRANSFORMS_NESTPROJECTION_H
#define LADON_COMPILER_TRANSFORMS_NESTPROJECTION_H

#include "compiler/transforms/AttentionNest.h"
#include "compiler/transforms/ProductForm.h"

#include <memory>

namespace ladon {

class NestProjection {
public:
  /// That of an attend: null where it has none, and an error at the operation
  /// where no product follows that reads what it computes, and only that.
  static mlir::FailureOr<std::unique_ptr<NestProjection>>
  find(attn::AttendOp op, AttentionNest &nest, mlir::ImplicitLocOpBuilder &b);

  /// Decides for a call, at the builder's place, whether the nest multiplies:
  /// `isFew` is whether another form computes the rows, or null. What the
  /// attend computes has no memory then.
  void decide(AttentionTiles wanted, mlir::Value isFew);
  /// How many pieces the heads of a tile of queries are: 1 where the nest
  /// multiplies, else `heads`.
  mlir::Value countPieces(mlir::Value heads);
  /// A piece: calls `attend` for each of its heads, which returns finished rows
  /// of queries, and adds them, times the matrix, to the result; or hands them
  /// to `store`. `rows` have no head yet.
  void forHeads(const QueryRows &rows, mlir::Value piece, mlir::Value heads,
                llvm::function_ref<mlir::Value(mlir::Value head)> attend,
                llvm::function_ref<void(mlir::Value head, mlir::Value)> store);
  /// At the builder's place, after the nest: the product of a call for which
  /// the nest does not multiply.
  void multiplyOthers();

private:
  NestProjection(attn::AttendOp op, mlir::linalg::ContractOp product,
                 AttentionNest &nest, mlir::ImplicitLocOpBuilder &b)
      : op(op), product(product), nest(nest), b(b) {}

  void makeViews();
  mlir::Value index(int64_t value);
  mlir::Value select(mlir::Value fused, mlir::Value separate);
  /// Sums [row, column] that begin with what the product starts from.
  mlir::Value begin(const QueryRows &rows);
  mlir::Value add(const QueryRows &rows, mlir::Value head, mlir::Value sums,
                  mlir::Value out);
  mlir::RankedTensorType sumsType();
  mlir::Value loadSums(const QueryRows &rows, mlir::Value view,
                       mlir::Value batch, mlir::Value position,
                       mlir::AffineMapAttr map);

  attn::AttendOp op;
  mlir::linalg::ContractOp product;
  AttentionNest &nest;
  mlir::ImplicitLocOpBuilder &b;
  AttentionTiles tiles;
  ProductStart start;
  MatrixForm form;
  mlir::Value isFused; ///< Whether the nest multiplies, an i1.
  /// As (batch, head, position, feature): the result with one head, the matrix
  /// with one batch, and what is added to each row, if that is not in the
  /// result, with one of all but features.
  mlir::Value result, matrix, rowStart;
};

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_NESTPROJECTION_H
