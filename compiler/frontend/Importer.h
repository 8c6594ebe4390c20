//===- Importer.h - The state of one import --------------------*- C++ -*-===//
//
// One member function per kind of thing that is imported: the function and its
// signature, sizes, storage and attends in Import.cpp, loops over elements in
// ImportElementwise.cpp, rotary positions in ImportRotate.cpp, other operations
// on tensors in ImportTensor.cpp. Expressions of scalars are in ImportExpr.h.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_IMPORTER_H
#define LADON_COMPILER_FRONTEND_IMPORTER_H

#include "compiler/frontend/Import.h"
#include "compiler/frontend/ImportExpr.h"
#include "compiler/frontend/KeepHeads.h"
#include "compiler/support/SizeExpr.h"
#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace ladon {

class Importer {
public:
  Importer(mlir::MLIRContext &context, const CheckedSpec &spec,
           const llvm::SourceMgr &sources)
      : b(mlir::UnknownLoc::get(&context), &context), spec(spec),
        attention(*spec.attention), locations(context, sources),
        parts(attention) {}

  mlir::OwningOpRef<mlir::ModuleOp> import();
  llvm::DenseMap<const ast::Expr *, mlir::Operation *>
      masked; ///< Attends by mask.

private:
  /// What score and mask name, by name, in the order of their mention.
  using Captures = llvm::MapVector<llvm::StringRef, mlir::Value>;

  mlir::RankedTensorType tensorType(const ast::Type &type,
                                    ast::ScalarType element);
  /// Of what is computed.
  mlir::RankedTensorType tensorType(const ast::Type &type) {
    return tensorType(type, computedType(type.element));
  }
  mlir::DictionaryAttr describe(attn::ParamKind kind, llvm::StringRef name,
                                const ast::Type &type,
                                const ast::Param *values = nullptr);
  void describe(mlir::func::FuncOp function);
  mlir::func::FuncOp createFunction();
  static const ast::Expr *findAttend(const ast::Expr *expr);
  void findMembers(const ast::Expr *expr);

  mlir::Value extent(const ast::Dim &dim);
  mlir::Value computedExtent(const SizeExpr &size);
  mlir::Value extentAsInteger(const ast::Dim &dim);
  mlir::Value empty(const ast::Type &type, ast::ScalarType element);
  mlir::Value empty(const ast::Type &type) {
    return empty(type, computedType(type.element));
  }
  static mlir::Value convertFloat(mlir::OpBuilder &b, mlir::Location loc,
                                  mlir::Value x, mlir::Type to);
  mlir::Value convertElements(mlir::Value from, mlir::Value init);
  mlir::Value computed(mlir::Value value);
  mlir::Value inStorage(mlir::Value value, const ast::Type &type,
                        bool isOnlyResult);

  mlir::Value tensor(const ast::Expr *expr);
  mlir::Value emitTensor(const ast::Expr *expr);
  attn::AttendOp attend(const ast::Expr *expr);
  attn::AttendOp createAttend(const ast::Expr *expr, bool hasLse,
                              bool hasScores);
  mlir::Value keyCount(const ast::AttendArgs &args);
  void capture(const ast::Expr *expr, const ast::AttendArgs &attend,
               Captures &captures);
  mlir::Value matmul(const ast::Expr *expr, const ast::Expr *bias);
  /// Whether `expr` is `x @ w + bias`: then the sum starts at the bias.
  static bool isBiasedProduct(const ast::Expr *expr);
  static bool isElementwise(const ast::Expr *expr);
  static void collectLeaves(const ast::Expr *expr,
                            llvm::SmallVectorImpl<const ast::Expr *> &leaves);
  /// A single value, at the top level of the function.
  mlir::Value single(const ast::Expr *expr);
  /// The tree of operations `expr` as one loop over the axes of its shape, into
  /// `init`; with `along`, a reduction along an axis that `init` lacks, they
  /// join its elements.
  mlir::Value loop(const ast::Expr *expr, mlir::Value init,
                   const ast::Expr *along);
  mlir::Value elementwise(const ast::Expr *expr) {
    return loop(expr, empty(expr->type), /*along=*/nullptr);
  }
  llvm::SmallVector<mlir::OpFoldResult> mixedSizes(const ast::Type &type);
  mlir::Value slice(const ast::Expr *expr);
  mlir::Value join(const ast::Expr *expr);
  mlir::Value append(const ast::Expr *expr);
  mlir::Value reduceAlong(const ast::Expr *expr);
  mlir::Value rotate(const ast::Expr *expr);

  mlir::ImplicitLocOpBuilder b;
  const CheckedSpec &spec;
  const ast::Attention &attention;
  SourceLocations locations;
  PartBuilder parts;
  mlir::Block *entry = nullptr;
  llvm::DenseMap<const ast::Param *, mlir::Value> params;
  /// The first parameter that has a size, and on which axis.
  llvm::StringMap<std::pair<const ast::Param *, int64_t>> carriers;
  /// Sizes by name, as index and as i32, made when first needed.
  llvm::StringMap<mlir::Value> extents, integerExtents;
  llvm::DenseMap<const ast::Expr *, mlir::Value> tensors;
  llvm::DenseMap<const ast::Expr *, attn::AttendOp> attends;
  /// Operations for scores only, of which nothing else is used.
  llvm::DenseMap<const ast::Expr *, attn::AttendOp> scores;
  llvm::DenseSet<const ast::Expr *> withLse, withWeights;
  llvm::DenseSet<const ast::Let *> visitedLocals; ///< By `capture`.
  /// Names of the lets whose values are being emitted, for locations.
  llvm::DenseMap<const ast::Expr *, llvm::StringRef> letNames;
};

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_IMPORTER_H
