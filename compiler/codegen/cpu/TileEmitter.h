//===- TileEmitter.h - Tile operations on a CPU core -----------*- C++ -*-===//
//
// Emits operations on tiles in buffers as loops over vectors of one native
// register, at the place of the operation. Each method implements the operation
// of the same name in TileOps.td.
//
// There is a form for each place of the rows. In transposed tiles they lie in
// the vector lanes, and keys and features in the loops (LaneTiles): K and V are
// read where they lie, one scalar broadcast at a time, no reduction crosses
// lanes, and a mask is a comparison of a lane vector with a scalar. It wants
// as many rows as three registers have lanes. In the other tiles (RowTiles)
// keys and features lie in the lanes: for a few rows, whose work is to read K
// and V once.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CPU_TILEEMITTER_H
#define LADON_COMPILER_CODEGEN_CPU_TILEEMITTER_H

#include "compiler/codegen/vector/VectorEmitter.h"
#include "dialects/tile/Tile.h"

namespace ladon::cpu {

/// A register tile: what is kept in registers in an inner loop.
struct RegisterTile {
  int64_t rows = 4;   ///< broadcast scalars, or rows of vectors
  int64_t unroll = 4; ///< steps of the inner loop
};

/// Rows in the vector lanes. The rows of every tile are a multiple of the
/// lanes.
class LaneTiles {
public:
  LaneTiles(VectorEmitter &emitter, RegisterTile registers)
      : e(emitter), b(emitter.b), registers(registers) {}

  void contract(tile::ContractOp op);
  void rowMax(tile::RowMaxOp op);
  void modify(tile::ModifyOp op);
  void mask(tile::MaskOp op);
  void softmaxWeights(tile::SoftmaxWeightsOp op);
  void round(tile::RoundOp op);
  void accumulate(tile::AccumulateOp op);
  void merge(tile::MergeOp op);
  void softmaxFinish(tile::SoftmaxFinishOp op);
  void softmaxNormalize(tile::SoftmaxNormalizeOp op);

private:
  llvm::SmallVector<mlir::Value>
  product(int64_t count, mlir::Value first, int64_t columns, mlir::Value depth,
          int64_t unroll, mlir::Value tile,
          llvm::function_ref<mlir::Value(int64_t r, mlir::Value k)> scalar);
  void contractColumns(tile::ContractOp op, mlir::Value firstLane,
                       int64_t columns, int64_t group);
  void accumulateColumns(tile::AccumulateOp op, mlir::Value value,
                         mlir::Value first, int64_t count,
                         mlir::Value firstLane, int64_t columns);
  /// Runs `body` for the first lane of each register that holds some of the
  /// first `rows` rows, or of `all` where that is null.
  void forColumns(int64_t all, mlir::Value rows,
                  llvm::function_ref<void(mlir::Value)> body);
  /// How many steps a register tile takes at once: code for few columns runs
  /// rarely, and is small.
  int64_t unrollOf(int64_t columns, mlir::Value tile);
  /// Covers these registers with register tiles: one of all `columns`; where
  /// rows fill all but one, one of those; where they fill fewer, one for each.
  void forRegisterTiles(
      int64_t columns, mlir::Value rows,
      llvm::function_ref<void(mlir::Value first, int64_t columns)> body);
  /// Keys that are visited `keys` at a time, from `first` on, which is 0 or
  /// less; `enter` runs before those of a group from its first key on, which
  /// may be before the block.
  struct KeyGroups {
    int64_t keys;
    mlir::Value first;
    llvm::function_ref<void(mlir::Value first)> enter;
  };
  /// Replaces every score of the first `keys` keys and `rows` rows by `body` of
  /// it, and takes the maximum into `max` unless it is null.
  void forScores(
      mlir::Value scores, mlir::Value keys, mlir::Value rows, mlir::Value max,
      llvm::function_ref<void(mlir::Value column)> enterColumn,
      llvm::function_ref<mlir::Value(mlir::Value key, mlir::Value s)> body,
      const KeyGroups *groups = nullptr);
  template <typename PositionOp>
  void positions(
      PositionOp op,
      llvm::function_ref<mlir::Value(mlir::Value s, mlir::Value)> combine);
  void accumulateGuarded(tile::AccumulateOp op);

  VectorEmitter &e;
  mlir::ImplicitLocOpBuilder &b;
  RegisterTile registers;
};

/// Few rows; keys or features in the vector lanes. The keys of a block are a
/// multiple of the lanes.
class RowTiles {
public:
  explicit RowTiles(VectorEmitter &emitter) : e(emitter), b(emitter.b) {}

  void contract(tile::ContractOp op);
  void rowMax(tile::RowMaxOp op);
  void modify(tile::ModifyOp op);
  void mask(tile::MaskOp op);
  void softmaxWeights(tile::SoftmaxWeightsOp op);
  void accumulate(tile::AccumulateOp op);
  void merge(tile::MergeOp op);
  void softmaxFinish(tile::SoftmaxFinishOp op);
  void softmaxNormalize(tile::SoftmaxNormalizeOp op);

private:
  using Load = llvm::function_ref<mlir::Value(mlir::Value from, mlir::Value)>;
  using Store =
      llvm::function_ref<void(mlir::Value x, mlir::Value to, mlir::Value)>;
  /// Runs `body` over [0, width), a register at a time; its load and store take
  /// a matrix and a row, and leave alone what is beyond the width.
  void forFeatures(int64_t width,
                   llvm::function_ref<void(Load load, Store store)> body);
  /// `rows`, or all rows of a tile where that is null.
  mlir::Value countRows(mlir::Value tile, mlir::Value rows);
  /// Runs `body` for the first `rows` rows of a tile, all where that is null.
  void forRows(mlir::Value tile, mlir::Value rows,
               llvm::function_ref<void(mlir::Value row)> body);
  /// The first `count` rows of a tile, `size` of which share a pass over keys
  /// or values. Those of a last group that do not exist have room in the tile,
  /// and what is computed for them is looked at by nobody.
  struct Groups {
    mlir::Value count;
    int64_t size;
  };
  /// Runs `body` for groups of at most `most` of the first `rows` rows of a
  /// tile, all where that is null: where their number is not known, in branches
  /// for one or two of them and for more.
  void inGroups(mlir::Value tile, mlir::Value rows, int64_t most,
                llvm::function_ref<void(const Groups &)> body);
  void contractGroups(tile::ContractOp op, const Groups &groups);
  void accumulateGroups(tile::AccumulateOp op, const Groups &groups);
  /// Replaces the scores of row `row`, a register of keys at a time, and takes
  /// the maximum of the first `keys` into `max` unless it is null.
  void forScores(
      mlir::Value scores, mlir::Value row, mlir::Value keys, mlir::Value max,
      llvm::function_ref<mlir::Value(mlir::Value key, mlir::Value s)> body);
  /// The maximum of the first `keys` scores of each row.
  void maxima(mlir::Value scores, mlir::Value rows, mlir::Value keys,
              mlir::Value max);
  template <typename PositionOp>
  void positions(
      PositionOp op,
      llvm::function_ref<mlir::Value(mlir::Value s, mlir::Value)> combine);
  void accumulateGuarded(tile::AccumulateOp op);
  /// B^difference of a scalar.
  mlir::Value power(mlir::Value difference, bool base2);
  mlir::Value scalar(double value);
  /// Whether each lane of a register of keys from `key` on is below `keys`.
  mlir::Value areKeys(mlir::Value key, mlir::Value keys);

  VectorEmitter &e;
  mlir::ImplicitLocOpBuilder &b;
};

/// What does not depend on where the rows are.
void emitLoad(VectorEmitter &e, tile::LoadOp op);
void emitStore(VectorEmitter &e, tile::StoreOp op);
void emitNormalizeStored(VectorEmitter &e, tile::NormalizeStoredOp op);
void emitSoftmaxInit(VectorEmitter &e, tile::SoftmaxInitOp op);
/// Any maps, element by element.
void emitScalarContract(VectorEmitter &e, tile::ContractOp op);
mlir::Value emitHasNonFinite(VectorEmitter &e, tile::HasNonFiniteOp op);

/// A register of elements, the first `count` of which exist and are read, in
/// the type that is computed in; or these alone are written.
mlir::Value loadSome(VectorEmitter &e, mlir::Value from, mlir::ValueRange at,
                     int64_t count);
void storeSome(VectorEmitter &e, mlir::Value x, mlir::Value to,
               mlir::ValueRange at, int64_t count);
/// The lowest finite number of an element type: the maximum of no scores.
double lowestFinite(mlir::FloatType type);
/// What weights are multiplied by to be divided by their sum: 1 where there are
/// none.
mlir::Value inverseOfSum(VectorEmitter &e, mlir::Value sum);
/// The type of the elements of a memref.
mlir::Type elementOf(mlir::Value memref);
/// The size of a buffer along an axis.
int64_t extent(mlir::Value buffer, unsigned axis);
/// How many elements of a buffer a cache line holds.
int64_t lineElements(mlir::Value memory);
/// How many rows before their use lines are asked for: 16 KiB, far enough for
/// memory and near enough for half of the first cache.
int64_t rowsAhead(mlir::Value matrix);
/// Asks for the cache line of an element that will be read, or for those of a
/// row. An address past the end of the tensor does no harm.
enum class Cache { First, Second };
void prefetch(VectorEmitter &e, mlir::Value matrix, mlir::Value row,
              mlir::Value d, Cache cache = Cache::First);
void prefetchRow(VectorEmitter &e, mlir::Value matrix, mlir::Value row);
/// A matrix in the scratch memory of a thread.
mlir::Value scratch(VectorEmitter &e, int64_t rows, int64_t columns);
/// 2^difference with `base2`, else e^difference, of a vector that is at most 0.
mlir::Value emitPower(VectorEmitter &e, mlir::Value difference, bool base2);
/// A loop that carries nothing.
void forEach(VectorEmitter &e, mlir::Value lower, mlir::Value upper,
             int64_t step, llvm::function_ref<void(mlir::Value)> body);
/// Runs `whole` over the registers of [0, width), and `single` over the rest.
void forRegisters(VectorEmitter &e, int64_t width,
                  llvm::function_ref<void(mlir::Value)> whole,
                  llvm::function_ref<void(mlir::Value)> single);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_TILEEMITTER_H
