//===- AttentionNest.h - Building blocks of an attention nest --*- C++ -*-===//
//
// What every kernel form of an attn.attend is put together from: its operands
// seen as (batch, head, position, feature), a tile of query rows, the loop over
// blocks of keys, and finished rows. A form (TileAttention.cpp) decides which
// rows make a tile and which keys a loop visits.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_TRANSFORMS_ATTENTIONNEST_H
#define LADON_COMPILER_TRANSFORMS_ATTENTIONNEST_H

#include "dialects/attn/Attn.h"
#include "dialects/tile/Tile.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ladon {

/// The tiles of one kernel form.
struct AttentionTiles {
  int64_t rows = 0; ///< Rows of a query tile.
  int64_t keys = 0; ///< Keys of a block.
  /// Keys and values keep the type in which they are stored: for rows that are
  /// used but once, right after they are read.
  bool stored = false;
  /// The operands of both products have the 16-bit type in which they are
  /// stored, and sums are scaled: for machines that multiply such tiles.
  bool narrow = false;
  /// Rows last in tiles of scores and accumulators.
  bool transposed = false;
  /// How many query heads a tile holds: row `r` is query head `r mod heads` of
  /// the position `r floordiv heads`.
  int64_t heads = 1;
  /// Rows that fill a register, where rows come last; 0: of no account.
  int64_t lanes = 0;
};

/// Rows of the queries: those of `heads` heads from `head` on, at positions
/// from `position` on.
struct QueryRows {
  mlir::Value batch;
  mlir::Value head;     ///< The first query head.
  mlir::Value keyHead;  ///< The head of k and v that all of them read.
  mlir::Value position; ///< The first position.
  mlir::Value count;    ///< Rows that exist, at most the rows of a tile.
};

/// max, sum and acc of rows that have seen some keys.
struct SoftmaxState {
  mlir::Value max, sum, acc;

  llvm::SmallVector<mlir::Value, 3> values() const { return {max, sum, acc}; }
};

/// Whether the weights are a sum over the heads: a nest adds to it head by
/// head, in one grid point.
bool sumsOverHeads(attn::AttendOp op);

/// Builds the parts of the nest of one attend, at the builder's place.
class AttentionNest {
public:
  AttentionNest(attn::AttendOp op, mlir::ImplicitLocOpBuilder &builder)
      : op(op), b(builder) {}

  /// Views of the operands; an error at the operation when there is none.
  mlir::LogicalResult makeViews();
  /// Takes other memory of the same shape for what the attend computes.
  void setOut(mlir::Value memory);
  /// From here on, tiles of that kind.
  void setTiles(AttentionTiles wanted) { tiles = wanted; }
  const AttentionTiles &getTiles() const { return tiles; }

  /// The extents of the operands: batch entries, S and T.
  mlir::Value batches, queries, keys;
  /// The view of an operand, by the position of its map: with the axes (batch,
  /// head, position, feature), or without the last for lse. The features of
  /// scores are keys.
  mlir::Value getView(unsigned operand) {
    const mlir::Value views[] = {queryView, keyView, valueView,
                                 outView,   lseView, scoresView};
    return views[operand];
  }

  /// Where in q, k or v, by its number, that batch entry or head lies: one may
  /// be shared by all.
  mlir::Value batchOf(unsigned operand, mlir::Value batch);
  mlir::Value headOf(unsigned operand, mlir::Value head);

  /// The scaled query rows, as a tile.
  mlir::Value loadQuery(const QueryRows &rows);
  /// The state of rows that have seen no key, but maybe a sink each.
  SoftmaxState initial(mlir::Value sinks = {});
  /// The state after the keys [lower, upper). `guarded` keeps what hidden keys
  /// hold away from the result, at a price.
  SoftmaxState visitKeys(const QueryRows &rows, mlir::Value query,
                         mlir::Value lower, mlir::Value upper,
                         SoftmaxState state, bool guarded);
  /// Whether keys are hidden from some rows, which could get a NaN or an
  /// infinity from them all the same: nothing times infinity is not nothing.
  bool canHide();
  /// Finishes the rows and stores all of them. With `canHide`, the result says
  /// whether any of them is not finite, and has to be computed again; else it
  /// is null.
  mlir::Value finish(const QueryRows &rows, SoftmaxState state);
  /// Finishes the rows, in that rare case after they are computed again at once
  /// with guarded updates over all keys, stores their lse and returns them. A
  /// null `query` is loaded there.
  mlir::Value finishGuarded(const QueryRows &rows, mlir::Value query,
                            SoftmaxState state);
  void storeOut(const QueryRows &rows, mlir::Value out);
  /// Where a pool of pages is empty there are no keys, but places for them.
  void fillScoresOfNoKeys();
  /// Stores the scores of all keys, or with a state what it makes of them:
  /// their weights.
  void storeScores(const QueryRows &rows, mlir::Value query,
                   std::optional<SoftmaxState> state);
  /// Has `visitKeys` leave weights in the result, or in memory for one head, as
  /// they are when their block is visited; not in a result of another type than
  /// is computed in. Sums over the heads are zero then.
  void keepWeights();
  /// Stores the weights of finished rows, whose state is that after all keys
  /// and sinks: makes them of those that were kept, or again of the scores. In
  /// sums over the heads adds them.
  void storeWeights(const QueryRows &rows, mlir::Value query,
                    SoftmaxState state);
  /// The state with the sinks of its rows, if there are any.
  SoftmaxState withSinks(const QueryRows &rows, SoftmaxState state);

  /// Partial states are kept in memrefs [batch, head, row, features] and
  /// [batch, head, row]: the first `rows` rows of a tile from `row` on.
  void storeState(SoftmaxState state, SoftmaxState memory, mlir::Value batch,
                  mlir::Value head, mlir::Value row, mlir::Value rows);
  SoftmaxState loadState(SoftmaxState memory, mlir::Value batch,
                         mlir::Value head, mlir::Value row, mlir::Value rows);
  SoftmaxState merge(const QueryRows &rows, SoftmaxState state,
                     SoftmaxState other);

  mlir::RankedTensorType rowType();
  mlir::RankedTensorType accType();
  mlir::FloatType accumulator();
  mlir::Value index(int64_t value);

private:
  /// Whether a block of keys lies in one page.
  bool isInOnePage() {
    return op.getPages() && op.getPageSize() % tiles.keys == 0;
  }
  /// How many rows of a tile operations compute, null for all: machines whose
  /// instructions take whole tiles compute all of them.
  mlir::Value rowsIn(const QueryRows &rows);
  mlir::FloatAttr scale();
  mlir::Type scoreOperand();
  mlir::RankedTensorType matrix(int64_t rows, int64_t columns);
  /// Of k (1) or v (2).
  mlir::Value loadBlock(const QueryRows &rows, unsigned operand,
                        mlir::Value first, mlir::Value count);
  mlir::Value scores(const QueryRows &rows, mlir::Value query,
                     mlir::Value firstKey, mlir::Value count, bool compact);
  template <typename PositionOp>
  mlir::Value positions(const QueryRows &rows, mlir::Value scores,
                        mlir::Region &region, mlir::Value firstKey,
                        mlir::Value count);
  mlir::Value keysFrom(mlir::Value first);
  void forBlocks(
      llvm::function_ref<void(mlir::Value first, mlir::Value count)> body);
  /// The head that has the rows in `scoresView`.
  mlir::Value scoreHead(const QueryRows &rows);
  mlir::Value columnsFrom(mlir::Value view, mlir::Value first,
                          mlir::Value count);
  mlir::Value partOf(mlir::Value view, const QueryRows &rows, mlir::Value first,
                     mlir::Value count);
  void storeColumns(const QueryRows &rows, mlir::Value tile, mlir::Value first,
                    mlir::Value count);
  void keepBlock(const QueryRows &rows, mlir::Value weights, mlir::Value max,
                 mlir::Value first, mlir::Value count);
  mlir::Value placeOfMaxima(const QueryRows &rows, mlir::Value first);
  std::pair<mlir::Value, mlir::Value> finished(const QueryRows &rows,
                                               SoftmaxState state);
  void storeLse(const QueryRows &rows, mlir::Value lse);
  /// Scores in base 2 need one operation less per element; a score expression
  /// must see them in natural units, as must who asks for scores.
  bool base2() {
    return !op.hasScore() && (!op.hasScores() || op.getNormalized());
  }
  /// From a row of a tile to head and position; of a tensor whose one head all
  /// share, with `isOneHead`.
  mlir::AffineMapAttr rowMap(bool isOneHead = false);

  attn::AttendOp op;
  mlir::ImplicitLocOpBuilder &b;
  AttentionTiles tiles;
  /// Views of the operands as (batch, head, position, feature).
  mlir::Value queryView, keyView, valueView, outView, lseView, scoresView;
  /// The maximum that each row had when the weights of a block were made,
  /// [batch, head, block * S + position], and NaN where a mask hides the block;
  /// null where weights are not kept.
  mlir::Value kept;
  /// Of weights that are summed over the heads, the sums; `scoresView` is then
  /// memory for the weights of one head.
  mlir::Value sums;
};

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_ATTENTIONNEST_H
