//===- PositionRegion.h - A score or mask expression in lanes --*- C++ -*-===//
//
// Emits the expression of a tile.modify or tile.mask for one register of
// queries at a time. Every operation goes to the outermost place where its
// operands are known: before the columns (what depends on batch and head
// only), per column (on the query), or per key.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CPU_POSITIONREGION_H
#define LADON_COMPILER_CODEGEN_CPU_POSITIONREGION_H

#include "compiler/codegen/cpu/VectorEmitter.h"
#include "dialects/attn/Attn.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseMap.h"

namespace ladon::cpu {

class PositionRegion {
public:
  /// `body` takes (s, if `hasScore`,) b, h, i, j and the captures. Positions
  /// are of type index; `query` is the query of lane 0 of column 0, `key` the
  /// key of row 0. `outer` maps the values from above that the body uses.
  PositionRegion(VectorEmitter &emitter, mlir::Block &body, bool hasScore,
                 mlir::Value batch, mlir::Value head, mlir::Value query,
                 mlir::Value key, mlir::ValueRange captures,
                 const mlir::IRMapping &outer);

  /// Emits what no position changes. Call once, before the columns.
  void emitUniform();
  /// Emits what depends on the query, for the lanes from `column` on.
  void emitColumn(mlir::Value column);
  /// Emits the rest for key `row` of the block; returns the yielded vector.
  mlir::Value emitRow(mlir::Value row, mlir::Value score);

private:
  /// Where an operation is emitted.
  enum Level { Uniform, Column, Row };

  void emit(Level level);
  void emitOperation(mlir::Operation &op);
  mlir::Value emitRead(attn::ReadOp op);
  mlir::Value emitLoad(mlir::Value source, llvm::ArrayRef<mlir::Value> indices,
                       mlir::Type element);
  mlir::Value toI32(mlir::Value index);

  VectorEmitter &e;
  mlir::ImplicitLocOpBuilder &b;
  mlir::Block &body;
  mlir::Value query, key;
  mlir::Value scoreArg, queryArg, keyArg; ///< scoreArg is null for a mask.
  mlir::IRMapping map;
  llvm::DenseMap<mlir::Operation *, Level> levels;
};

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_POSITIONREGION_H
