//===- QueryTile.h - One query tile on a CPU core --------------*- C++ -*-===//
//
// Emits the operations of the tile dialect for one core in the key-major form:
// queries lie in the vector lanes, keys and features in the loops. So K and V
// are read where they lie, one scalar broadcast at a time, no reduction crosses
// lanes, and a mask is a comparison of a lane vector with a scalar. Every tile
// value lives in a scratch buffer whose rows are queries-wide:
//
//   query  [D][Q]   scaled and transposed once per tile
//   scores [K][Q]   of one block, later its weights
//   acc    [Dv][Q]  and max, sum, rescale [Q]: the online-softmax state
//
// There is one such set per grid point, so the state of only one query tile
// may be live at a time.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CPU_QUERYTILE_H
#define LADON_COMPILER_CODEGEN_CPU_QUERYTILE_H

#include "compiler/codegen/cpu/VectorEmitter.h"
#include "dialects/tile/Tile.h"

namespace ladon::cpu {

/// Shapes of one query tile and of the register tile.
struct TileShape {
  int64_t queries = 0;    ///< Q, a multiple of the lanes
  int64_t keys = 0;       ///< K, the largest block
  int64_t features = 0;   ///< D
  int64_t values = 0;     ///< Dv
  int64_t rowsAtOnce = 4; ///< rows of a register tile
  int64_t unroll = 4;     ///< steps of its inner loop
};

/// Emits one query tile at the insertion point of `emitter.b`. Each method
/// implements the operation of the same name in TileOps.td.
class QueryTile {
public:
  /// Allocates the scratch buffers at the insertion point.
  QueryTile(VectorEmitter &emitter, TileShape shape);

  /// From here on, small code rather than fast code: for what runs rarely.
  void setCompact(bool compact);

  /// Packs a query tile: transposes and scales it.
  void loadQuery(mlir::Value source, mlir::Value batch, mlir::Value head,
                 mlir::Value row, mlir::Value rows, double scale);

  /// A [rows, width] view of key or value rows with unit inner stride: the
  /// memory itself, or a copy in scratch when its inner stride is another.
  mlir::Value loadRows(mlir::Value source, mlir::Value batch, mlir::Value head,
                       mlir::Value row, mlir::Value rows, bool isValue);

  /// These three compute the scores of a block step by step. The last of them
  /// before the update also finds each query's largest score, while it has the
  /// scores in registers.
  void scores(mlir::Value key, mlir::Value keys, bool isLast);
  void modify(tile::ModifyOp op, mlir::IRMapping &map, bool isLast);
  void mask(tile::MaskOp op, mlir::IRMapping &map, bool isLast);
  void softmaxInit();
  void softmaxUpdate(mlir::Value value, mlir::Value keys, bool base2,
                     bool guarded);
  void softmaxFinish(bool base2);
  mlir::Value hasNonFinite();
  void storeOut(mlir::Value dest, mlir::Value batch, mlir::Value head,
                mlir::Value row, mlir::Value rows);
  void storeLse(mlir::Value dest, mlir::Value batch, mlir::Value head,
                mlir::Value row, mlir::Value rows);

private:
  using ColumnBody = llvm::function_ref<void(mlir::Value column)>;
  /// Runs `body` for the first lane of each register column.
  void forColumns(ColumnBody body);
  /// `groups` of `rowsAtOnce` rows, then one smaller group for a static rest.
  void forRowGroups(int64_t rows,
                    llvm::function_ref<void(mlir::Value first, int64_t count)>);
  /// Replaces every stored score of the first `keys` rows by `body` of it.
  void forScores(
      mlir::Value keys, bool isLast,
      llvm::function_ref<void(mlir::Value column)> enterColumn,
      llvm::function_ref<mlir::Value(mlir::Value row, mlir::Value s)> body);
  void weights(mlir::Value keys, bool base2, bool guarded);
  void accumulate(mlir::Value value, mlir::Value keys);
  void accumulateGuarded(mlir::Value value, mlir::Value keys);
  mlir::Value buffer(llvm::ArrayRef<int64_t> shape);
  mlir::Value elementConstant(double value);

  VectorEmitter &e;
  mlir::ImplicitLocOpBuilder &b;
  TileShape shape;
  /// The register tile of scores: `shape`'s, or the smallest when compact.
  int64_t scoreRows, scoreUnroll;
  mlir::Value query, score, acc, max, sum, rescale, blockMax;
  /// Below every score but minus infinity: the maximum of no scores.
  double lowest;
  mlir::Value keyCopy, valueCopy;
};

/// Emits `region`'s expression for one vector of queries: block arguments that
/// differ between lanes are vectors, all others scalars. See
/// PositionRegion.cpp.
class PositionRegion;

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_QUERYTILE_H
