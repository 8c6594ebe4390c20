//===- ImportExpr.h - Score and mask expressions as scalar code -*- C++ -*-===//
//
// Emits `arith` and `math` operations for the expression of one position. The
// meaning of every operator is that of docs/semantics.md: integers wrap, a
// division by zero gives zero, nothing traps.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_IMPORTEXPR_H
#define LADON_COMPILER_FRONTEND_IMPORTEXPR_H

#include "compiler/frontend/AST.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

namespace ladon {

/// Places of the source text as locations: the start of a range.
class SourceLocations {
public:
  SourceLocations(mlir::MLIRContext &context, const llvm::SourceMgr &sources)
      : context(context), sources(sources) {}
  mlir::Location get(llvm::SMRange range) const;

private:
  mlir::MLIRContext &context;
  const llvm::SourceMgr &sources;
};

/// The values that an expression may name, inside a score or mask region.
struct Position {
  mlir::Value score; ///< Null in a mask.
  mlir::Value batch, head, query, key;
  int64_t headsPerKeyValueHead = 1;
  /// Parameters, lets and sizes by name, and "offset".
  llvm::StringMap<mlir::Value> captured;
};

/// The type of an element in memory; a bool is a byte.
mlir::Type storageType(mlir::Builder &b, ast::ScalarType type);

/// The type of a value in an expression: a bool is an i1, a float of a type of
/// storage is what it is computed in.
mlir::Type scalarType(mlir::Builder &b, ast::ScalarType type);

class ExprImporter {
public:
  /// Emits at the insertion point of `builder`.
  ExprImporter(mlir::OpBuilder &builder, const SourceLocations &locations,
               const Position &position)
      : b(builder.getUnknownLoc(), builder), locations(locations),
        position(position) {}

  /// The value of `expr`, of its type; a bool is an i1.
  mlir::Value emit(const ast::Expr *expr);
  /// The value of a call whose arguments are `args`, each of its own type.
  mlir::Value emitCall(const ast::Expr *expr, llvm::ArrayRef<mlir::Value> args);
  /// An element as it is stored, in the type that it is computed in; a bool as
  /// an i1.
  mlir::Value fromStorage(mlir::Value value, ast::ScalarType stored);
  /// A number or bool as another type of value.
  mlir::Value convert(mlir::Value value, ast::ScalarType from,
                      ast::ScalarType to);

private:
  mlir::Value integer(mlir::Type type, int64_t value);
  mlir::Value real(mlir::Type type, double value);
  mlir::Value literal(const ast::Expr *expr);
  /// Towards zero, saturating; NaN gives 0.
  mlir::Value floatToInteger(mlir::Value value, mlir::Type type);

  mlir::Value emitName(const ast::Expr *expr);
  mlir::Value emitLocal(const ast::Let *let);
  mlir::Value emitUnary(const ast::Expr *expr);
  mlir::Value emitBinary(const ast::Expr *expr);
  mlir::Value emitIntegerOp(const ast::Expr *expr, mlir::Value left,
                            mlir::Value right);
  mlir::Value emitFloorDiv(const ast::Expr *divisor, mlir::Value left,
                           mlir::Value right);
  mlir::Value emitFloorMod(const ast::Expr *divisor, mlir::Value left,
                           mlir::Value right);
  mlir::Value emitCompare(ast::BinaryOp op, mlir::Value left,
                          mlir::Value right);
  mlir::Value emitCall(const ast::Expr *expr);
  mlir::Value emitFloatCall(ast::Builtin builtin,
                            llvm::ArrayRef<mlir::Value> args);
  mlir::Value emitSigmoid(mlir::Value x);
  mlir::Value emitMask(const ast::Expr *expr);
  mlir::Value emitIndex(const ast::Expr *expr);
  mlir::Value emitReduce(const ast::Expr *expr);

  mlir::ImplicitLocOpBuilder b;
  const SourceLocations &locations;
  const Position &position;
  /// Values that blocks name, each computed where it is first needed.
  llvm::DenseMap<const ast::Let *, mlir::Value> locals;
  /// Those of the loops around.
  llvm::DenseMap<const ast::RangeVariable *, mlir::Value> variables;
};

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_IMPORTEXPR_H
