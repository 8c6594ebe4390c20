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
#include "mlir/Dialect/MemRef/IR/MemRef.h"
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

  /// Says that the keys of a register are one after the other in its lanes:
  /// what lies along them in memory is then loaded as it lies.
  void setKeysInLanes() { keysInLanes = true; }
  /// Elements of rows in the lanes, along the keys in memory, are to be loaded
  /// for as many keys as there are lanes, and turned; false if there are none.
  /// Call before the rows, and `emitTurnedKeys` for the first of these keys, an
  /// i32 that all lanes have, before they are emitted.
  bool turnRows();
  void emitTurnedKeys(mlir::Value key);

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

  /// A read of rows along the keys: where they lie when they have been turned,
  /// the first key there, and the offset of each row.
  struct RowReads {
    attn::ReadOp op;
    mlir::Value turned, first;
    llvm::SmallVector<mlir::Value> offsets;
  };

  Level levelOf(mlir::Operation &op) const;
  Level levelOf(mlir::Value value) const;
  void emit(Level level);
  void emitOperation(mlir::Operation &op);
  void emitLoop(mlir::scf::ForOp op);
  mlir::Value emitRead(attn::ReadOp op);
  mlir::Value emitClampedRead(attn::ReadOp op);
  mlir::Value flatten(mlir::memref::ExtractStridedMetadataOp metadata,
                      mlir::Value offset);
  mlir::Value fitsInRow(attn::ReadOp op, mlir::Value first);
  mlir::Value offsetOfRow(attn::ReadOp op, int64_t lane);
  mlir::Value loadFrom(attn::ReadOp op, mlir::Value offset);
  bool isAlongKeys(attn::ReadOp op) const;
  mlir::Value emitReadAlongKeys(attn::ReadOp op);
  bool isOfRows(attn::ReadOp op) const;
  void emitRowOffsets(RowReads &reads);
  mlir::Value emitTurned(RowReads &reads);
  mlir::Value emitLoad(mlir::Value source, llvm::ArrayRef<mlir::Value> indices,
                       mlir::Type element);

  VectorEmitter &e;
  mlir::ImplicitLocOpBuilder &b;
  mlir::Block &body;
  /// scoreArg is null for a mask, headArg where all rows have one head.
  mlir::Value scoreArg, headArg, queryArg, keyArg;
  mlir::IRMapping map;
  llvm::DenseMap<mlir::Operation *, Level> levels;
  bool isInGroup = false, keysInLanes = false;
  llvm::SmallVector<RowReads, 0> rowReads;
};

} // namespace ladon

#endif // LADON_COMPILER_CODEGEN_VECTOR_POSITIONREGION_H
