//===- PositionRegion.h - A score or mask expression in lanes --*- C++ -*-===//
//
// Emits the expression of a tile.modify or tile.mask for one register at a
// time, of rows or of keys. Every operation goes to the outermost place where
// its operands are known: before the rows (what depends on batch and head
// only), per row or register of rows (on the query), per group of keys (random
// bits, whose generator gives the words of four keys at once), or per key.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_VECTOR_POSITIONREGION_H
#define LADON_COMPILER_CODEGEN_VECTOR_POSITIONREGION_H

#include "compiler/codegen/vector/VectorEmitter.h"
#include "dialects/attn/Attn.h"
#include "dialects/tile/Tile.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseMap.h"

namespace ladon {

class PositionRegion {
public:
  /// The expression of a tile.modify or tile.mask.
  template <typename PositionOp>
  PositionRegion(VectorEmitter &emitter, PositionOp op)
      : PositionRegion(
            emitter, op.getBody().front(),
            std::is_same_v<PositionOp, tile::ModifyOp>, op.getBatch(),
            op.getRowMap() ? mlir::Value() : op.getHead(), op.getCaptures()) {}

  /// Emits what no position changes. Call once, before the rows.
  void emitUniform();
  /// Emits what depends on the row: on the query and, where rows differ in it,
  /// the head. Each is an i32, or a vector of them.
  void emitRows(mlir::Value head, mlir::Value query);

  /// Keys 4 n to 4 n + 3 are a group.
  static constexpr int64_t groupKeys = 4;
  /// Whether something depends on the group of a key and not on the key itself.
  bool hasKeyGroups() const;
  /// Emits that, for the group of a key that all lanes have, an i32. Optional:
  /// without it `emitKeys` does.
  void emitKeyGroup(mlir::Value key);
  /// Emits the rest for a key, an i32 or a vector of them; returns the yielded
  /// vector.
  mlir::Value emitKeys(mlir::Value key, mlir::Value score);

private:
  /// `body` takes (s, if `hasScore`,) b, h, i, j and the captures. `batch` is
  /// of type index, and `head` too; it is null where rows differ in it.
  PositionRegion(VectorEmitter &emitter, mlir::Block &body, bool hasScore,
                 mlir::Value batch, mlir::Value head,
                 mlir::ValueRange captures);

  /// Where an operation is emitted.
  enum Level { Uniform, Row, KeyGroup, Key };

  Level levelOf(mlir::Operation &op) const;
  void emit(Level level);
  void emitOperation(mlir::Operation &op);
  void emitLoop(mlir::scf::ForOp op);
  mlir::Value emitRead(attn::ReadOp op);
  mlir::Value emitLoad(mlir::Value source, llvm::ArrayRef<mlir::Value> indices,
                       mlir::Type element);

  VectorEmitter &e;
  mlir::ImplicitLocOpBuilder &b;
  mlir::Block &body;
  /// scoreArg is null for a mask, headArg where all rows have one head.
  mlir::Value scoreArg, headArg, queryArg, keyArg;
  mlir::IRMapping map;
  llvm::DenseMap<mlir::Operation *, Level> levels;
  bool isInGroup = false;
};

} // namespace ladon

#endif // LADON_COMPILER_CODEGEN_VECTOR_POSITIONREGION_H
