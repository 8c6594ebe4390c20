//===- LaneTiles.cpp - Tiles whose rows lie in the vector lanes -----------===//
//
// The online softmax is that of Milakov and Gimelshein 2018; the rescale of the
// accumulators is one multiply-add where a block's sum is added to them
// (FlashAttention, Dao 2022, has it as a pass of its own).
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/PairTiles.h"
#include "compiler/codegen/cpu/TileEmitter.h"
#include "compiler/codegen/vector/PositionRegion.h"
#include "compiler/codegen/vector/RowMap.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// How many rows of a matrix in memory a register tile goes along.
static constexpr int64_t mostAddresses = 8;

void LaneTiles::forColumns(int64_t all, Value rows,
                           llvm::function_ref<void(Value)> body) {
  forEach(e, e.index(0), rows ? rows : e.index(all), e.lanes, body);
}

int64_t LaneTiles::unrollOf(int64_t columns, Value tile) {
  int64_t all = extent(tile, 1) / e.lanes;
  return columns == all ? registers.unroll : columns == 1 ? 1 : 2;
}

void LaneTiles::forRegisterTiles(
    int64_t columns, Value rows,
    llvm::function_ref<void(Value first, int64_t columns)> body) {
  if (!rows || columns == 1)
    return body(e.index(0), columns);
  OpBuilder::InsertionGuard guard(b);
  int64_t least = std::max<int64_t>(columns - 1, 2);
  for (int64_t filled = columns; filled >= least; --filled) {
    Value areFilled = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, rows,
                                            e.index((filled - 1) * e.lanes));
    auto branch = scf::IfOp::create(b, TypeRange(), areFilled,
                                    /*withElseRegion=*/true);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    body(e.index(0), filled);
    b.setInsertionPoint(branch.elseBlock()->getTerminator());
  }
  forColumns(columns * e.lanes, rows, [&](Value first) { body(first, 1); });
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Rows of scalars, or of pairs, times the first `depth` rows of `columns`
/// registers of a tile, from lane `first` on: sums from zero, row by row.
SmallVector<Value>
LaneTiles::product(int64_t count, Value first, int64_t columns, Value depth,
                   int64_t unroll, Value tile,
                   llvm::function_ref<Value(int64_t r, Value k)> scalar) {
  SmallVector<Value> zeros(count * columns, e.splat(0));
  auto lane = [&](int64_t n) { return e.addIndex(first, n * e.lanes); };
  if (!hasPairs(tile))
    return e.matmul(
        count, columns, depth, unroll, zeros, scalar,
        [&](Value k, int64_t n) { return e.load(tile, {k, lane(n)}); });
  Value rows = pairRows(e, tile);
  return e.matmul(
      count, columns, arith::CeilDivUIOp::create(b, depth, e.index(2)), unroll,
      zeros, scalar,
      [&](Value pair, int64_t n) { return loadPairs(e, rows, pair, lane(n)); },
      [&](Value x, Value y, Value sums) -> Value {
        return DotPairsOp::create(b, sums.getType(), x, y, sums);
      });
}

/// Register tiles of keys by queries.
void LaneTiles::contract(tile::ContractOp op) {
  Value scores = op.getOuts()[0];
  int64_t all = extent(scores, 1) / e.lanes;
  if (op.getCompact())
    return contractColumns(op, e.index(0), all, /*group=*/1);
  forRegisterTiles(all, op.getRows(), [&](Value first, int64_t columns) {
    // As many accumulators in any case, but an address for each key. A group
    // that does not divide the buffer would write past its end.
    int64_t group = std::min(registers.rows * all / columns, mostAddresses);
    while (extent(scores, 0) % group != 0)
      --group;
    contractColumns(op, first, columns, group);
  });
}

/// A last group of fewer keys repeats the last key: the buffer has room for its
/// rows, a repeated score does not change the maximum, and no row past the end
/// is touched.
void LaneTiles::contractColumns(tile::ContractOp op, Value firstLane,
                                int64_t columns, int64_t group) {
  Value query = op.getLeft(), key = op.getRight(), keys = op.getColumns();
  Value scores = op.getOuts()[0];
  bool hasMax = op.getOuts().size() > 1;
  int64_t all = extent(scores, 1) / e.lanes;
  int64_t unroll = op.getCompact() ? 1 : unrollOf(columns, scores);
  auto lane = [&](int64_t n) { return e.addIndex(firstLane, n * e.lanes); };
  Value last = arith::SubIOp::create(b, keys, e.index(1));
  Value scale =
      op.getScale() ? e.splat(op.getScale()->convertToDouble()) : Value();
  SmallVector<Value> noMax;
  if (hasMax)
    noMax.assign(columns, e.splat(lowestFinite(e.element)));
  ValueRange highest = e.loop(
      e.index(0), keys, group, noMax, [&](Value first, ValueRange carried) {
        SmallVector<Value> keyRows;
        for (int64_t r = 0; r < group; ++r)
          keyRows.push_back(e.minIndex(e.addIndex(first, r), last));
        // Neighbours may lie a row of all heads apart, which the hardware does
        // not see coming. A group of few rows has used them before they come.
        int64_t ahead = columns < all ? std::max(group, rowsAhead(key)) : group;
        if (!op.getCompact())
          for (Value row : keyRows)
            prefetchRow(e, key, e.addIndex(row, ahead));
        SmallVector<Value> dots =
            product(group, firstLane, columns, e.index(extent(query, 0)),
                    unroll, query, [&](int64_t r, Value d) -> Value {
                      if (hasPairs(query))
                        return broadcastPair(e, key, keyRows[r], d);
                      Value x = memref::LoadOp::create(
                          b, key, ValueRange{keyRows[r], d});
                      return e.convert(x, e.element);
                    });
        SmallVector<Value> running(carried);
        for (int64_t r = 0; r < group; ++r)
          for (int64_t n = 0; n < columns; ++n) {
            Value dot = dots[r * columns + n];
            if (scale)
              dot = arith::MulFOp::create(b, dot, scale);
            e.store(dot, scores, {e.addIndex(first, r), lane(n)});
            if (hasMax)
              running[n] = e.max(dot, running[n]);
          }
        return running;
      });
  for (auto [n, value] : llvm::enumerate(highest))
    e.store(value, op.getOuts()[1], lane(static_cast<int64_t>(n)));
}

void LaneTiles::forScores(Value scores, Value keys, Value rows, Value max,
                          llvm::function_ref<void(Value column)> enterColumn,
                          llvm::function_ref<Value(Value key, Value s)> body,
                          const KeyGroups *groups) {
  forColumns(extent(scores, 1), rows, [&](Value column) {
    enterColumn(column);
    auto visit = [&](Value key, ValueRange carried) {
      Value old = e.load(scores, {key, column});
      Value s = body(key, old);
      if (s != old)
        e.store(s, scores, {key, column});
      SmallVector<Value> running(carried);
      if (max)
        running[0] = e.max(s, running[0]);
      return running;
    };
    SmallVector<Value> noMax;
    if (max)
      noMax.push_back(e.splat(lowestFinite(e.element)));
    Value zero = e.index(0);
    ValueRange highest;
    if (!groups)
      highest = e.loop(zero, keys, 1, noMax, visit);
    else
      highest =
          e.loop(groups->first, keys, groups->keys, noMax,
                 [&](Value first, ValueRange carried) -> SmallVector<Value> {
                   groups->enter(first);
                   Value from = arith::MaxSIOp::create(b, first, zero);
                   Value to = arith::MinSIOp::create(
                       b, e.addIndex(first, groups->keys), keys);
                   return llvm::to_vector(e.loop(from, to, 1, carried, visit));
                 });
    if (max)
      e.store(highest[0], max, column);
  });
}

void LaneTiles::rowMax(tile::RowMaxOp op) {
  forScores(
      op.getScores(), op.getKeys(), op.getRows(), op.getOuts()[0], [](Value) {},
      [](Value, Value s) { return s; });
}

template <typename PositionOp>
void LaneTiles::positions(PositionOp op,
                          llvm::function_ref<Value(Value, Value)> combine) {
  std::optional<AffineMap> map = op.getRowMap();
  PositionRegion region(e, op);
  region.emitUniform();
  auto enterColumn = [&](Value column) {
    Value lane = e.laneNumbers();
    if (!map) {
      Value first = e.toI32(arith::AddIOp::create(b, op.getQuery(), column));
      region.emitRows(Value(),
                      arith::AddIOp::create(b, e.broadcast(first), lane));
      return;
    }
    MappedRow mapped = applyRowMap(
        b, map, arith::AddIOp::create(b, e.broadcast(e.toI32(column)), lane));
    auto add = [&](Value index, Value more) -> Value {
      return arith::AddIOp::create(b, e.broadcast(e.toI32(index)), more);
    };
    region.emitRows(add(op.getHead(), mapped.head),
                    add(op.getQuery(), mapped.position));
  };
  Value max = op.getOuts().empty() ? Value() : op.getOuts()[0];
  auto number = [&](Value key) {
    return e.toI32(arith::AddIOp::create(b, op.getKey(), key));
  };
  auto enterGroup = [&](Value key) { region.emitKeyGroup(number(key)); };
  auto enterTurned = [&](Value key) { region.emitTurnedKeys(number(key)); };
  std::optional<KeyGroups> groups;
  // Blocks begin anywhere in a group of random bits.
  if (region.hasKeyGroups())
    groups =
        KeyGroups{PositionRegion::groupKeys,
                  arith::SubIOp::create(
                      b, e.index(0),
                      arith::RemUIOp::create(
                          b, op.getKey(), e.index(PositionRegion::groupKeys))),
                  enterGroup};
  else if (region.turnRows())
    groups = KeyGroups{e.lanes, e.index(0), enterTurned};
  forScores(
      op.getScores(), op.getKeys(), op.getRows(), max, enterColumn,
      [&](Value key, Value s) {
        return combine(s, region.emitKeys(number(key), s));
      },
      groups ? &*groups : nullptr);
}

void LaneTiles::modify(tile::ModifyOp op) {
  positions(op, [](Value, Value score) { return score; });
}

void LaneTiles::mask(tile::MaskOp op) {
  Value hidden = e.splat(-infinity);
  positions(op, [&](Value s, Value visible) -> Value {
    return arith::SelectOp::create(b, visible, s, hidden);
  });
}

//===----------------------------------------------------------------------===//
// Online softmax
//===----------------------------------------------------------------------===//

/// Column by column: a column's constants and state fit the registers, three
/// columns' would not.
void LaneTiles::softmaxWeights(tile::SoftmaxWeightsOp op) {
  Value scores = op.getScores(), rescale = op.getOuts()[0];
  auto power = [&](Value difference) {
    return emitPower(e, difference, op.getBase2());
  };
  forColumns(extent(scores, 1), op.getRows(), [&](Value column) {
    Value old = e.load(op.getMax(), column);
    Value highest = e.max(e.load(op.getTop(), column), old);
    e.store(highest, op.getMax(), column);
    Value factor = power(arith::SubFOp::create(b, old, highest));
    e.store(factor, rescale, column);
    // The block is summed by itself first: fewer terms in one running sum.
    Value blockSum =
        e.loop(e.index(0), op.getKeys(), 1, e.splat(0),
               [&](Value key, ValueRange carried) {
                 Value s = e.load(scores, {key, column});
                 Value weight = power(arith::SubFOp::create(b, s, highest));
                 e.store(weight, scores, {key, column});
                 return SmallVector<Value>{e.add(carried[0], weight)};
               })[0];
    Value previous = e.load(op.getSum(), column);
    e.store(vector::FMAOp::create(b, previous, factor, blockSum), op.getSum(),
            column);
  });
}

void LaneTiles::round(tile::RoundOp op) {
  roundToPairs(e, op.getTile(), op.getKeys(), op.getRows(), op.getOuts()[0]);
}

/// Each block is summed from zero and then added: sums stay short, and with
/// them the rounding error, however many keys there are.
void LaneTiles::accumulate(tile::AccumulateOp op) {
  if (op.getGuard())
    return accumulateGuarded(op);
  Value weights = op.getWeights(), value = op.getValue(), acc = op.getAcc();
  int64_t all = extent(acc, 1) / e.lanes, features = extent(acc, 0);
  if (hasPairs(weights))
    value = pairValues(e, value, op.getKeys());
  forRegisterTiles(all, op.getRows(), [&](Value firstLane, int64_t columns) {
    // Groups of features, then one smaller group for a rest.
    int64_t most = registers.rows * all / columns;
    // Each feature has an address where values are transposed.
    if (op.getValueTransposed())
      most = std::min(most, mostAddresses);
    int64_t whole = features - features % most;
    forEach(e, e.index(0), e.index(whole), most, [&](Value first) {
      accumulateColumns(op, value, first, most, firstLane, columns);
    });
    if (whole < features)
      accumulateColumns(op, value, e.index(whole), features - whole, firstLane,
                        columns);
  });
}

/// A group of features.
void LaneTiles::accumulateColumns(tile::AccumulateOp op, Value value,
                                  Value first, int64_t count, Value firstLane,
                                  int64_t columns) {
  Value weights = op.getWeights(), acc = op.getAcc();
  int64_t all = extent(acc, 1) / e.lanes;
  SmallVector<Value> rows;
  for (int64_t r = 0; r < count; ++r)
    rows.push_back(e.addIndex(first, r));
  // Features at constant distances: else each has a pointer of its own, and
  // they are more than there are registers for.
  Value group = value;
  if (!hasPairs(weights) && !op.getValueTransposed())
    group = memref::SubViewOp::create(
        b, value, ArrayRef<OpFoldResult>{b.getIndexAttr(0), first},
        ArrayRef<OpFoldResult>{memref::getMixedSize(b, b.getLoc(), value, 0),
                               b.getIndexAttr(count)},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1), b.getIndexAttr(1)});
  SmallVector<Value> sums =
      product(count, firstLane, columns, op.getKeys(), unrollOf(columns, acc),
              weights, [&](int64_t r, Value j) -> Value {
                if (hasPairs(weights))
                  return broadcastPair(e, value, j, rows[r]);
                if (op.getValueTransposed())
                  return e.convert(
                      memref::LoadOp::create(b, value, ValueRange{rows[r], j}),
                      e.element);
                if (r % lineElements(value) == 0 && columns < all)
                  prefetch(e, value, e.addIndex(j, rowsAhead(value)), rows[r]);
                return e.convert(
                    memref::LoadOp::create(b, group, ValueRange{j, e.index(r)}),
                    e.element);
              });
  for (int64_t n = 0; n < columns; ++n) {
    Value lane = e.addIndex(firstLane, n * e.lanes);
    Value factor = op.getRescale() ? e.load(op.getRescale(), lane) : Value();
    for (int64_t r = 0; r < count; ++r) {
      Value old = e.load(acc, {rows[r], lane}), sum = sums[r * columns + n];
      sum = factor ? vector::FMAOp::create(b, old, factor, sum).getResult()
                   : e.add(old, sum);
      e.store(sum, acc, {rows[r], lane});
    }
  }
}

/// The same with hidden keys left out lane by lane, so that a value that is not
/// finite reaches only the rows that see it. Small, not fast.
void LaneTiles::accumulateGuarded(tile::AccumulateOp op) {
  Value hidden = e.splat(-infinity), acc = op.getAcc();
  forColumns(extent(acc, 1), op.getRows(), [&](Value column) {
    Value factor = op.getRescale() ? e.load(op.getRescale(), column) : Value();
    e.loop(
        e.index(0), e.index(extent(acc, 0)), 1, {}, [&](Value d, ValueRange) {
          Value old = e.load(acc, {d, column});
          Value start =
              factor ? arith::MulFOp::create(b, old, factor).getResult() : old;
          Value result = e.loop(
              e.index(0), op.getKeys(), 1, start,
              [&](Value j, ValueRange carried) {
                Value weight = hasPairs(op.getWeights())
                                   ? loadOfPairs(e, op.getWeights(), j, column)
                                   : e.load(op.getWeights(), {j, column});
                Value s = e.load(op.getGuard(), {j, column});
                Value x =
                    memref::LoadOp::create(b, op.getValue(), ValueRange{j, d});
                x = e.convert(x, e.element);
                Value seen = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE,
                                                   s, hidden);
                Value next = vector::FMAOp::create(b, weight, e.broadcast(x),
                                                   carried[0]);
                return SmallVector<Value>{
                    arith::SelectOp::create(b, seen, next, carried[0])};
              })[0];
          e.store(result, acc, {d, column});
          return SmallVector<Value>();
        });
  });
}

void LaneTiles::merge(tile::MergeOp op) {
  auto power = [&](Value difference) {
    return emitPower(e, difference, op.getBase2());
  };
  forColumns(extent(op.getMax(), 0), /*rows=*/Value(), [&](Value column) {
    Value own = e.load(op.getMax(), column);
    Value other = e.load(op.getOtherMax(), column);
    Value highest = e.max(own, other);
    Value ownFactor = power(arith::SubFOp::create(b, own, highest));
    Value otherFactor = power(arith::SubFOp::create(b, other, highest));
    e.store(highest, op.getMax(), column);
    auto combine = [&](Value into, Value from, ValueRange at) {
      Value scaled = arith::MulFOp::create(b, e.load(from, at), otherFactor);
      e.store(vector::FMAOp::create(b, e.load(into, at), ownFactor, scaled),
              into, at);
    };
    combine(op.getSum(), op.getOtherSum(), column);
    e.loop(e.index(0), e.index(extent(op.getAcc(), 0)), 1, {},
           [&](Value d, ValueRange) -> SmallVector<Value> {
             combine(op.getAcc(), op.getOtherAcc(), {d, column});
             return {};
           });
  });
}

Value ladon::cpu::inverseOfSum(VectorEmitter &e, Value sum) {
  Value one = e.splat(1);
  Value empty =
      arith::CmpFOp::create(e.b, arith::CmpFPredicate::OEQ, sum, e.splat(0));
  return arith::DivFOp::create(e.b, one,
                               arith::SelectOp::create(e.b, empty, one, sum));
}

void LaneTiles::softmaxFinish(tile::SoftmaxFinishOp op) {
  Value zero = e.splat(0), acc = op.getAcc();
  forColumns(extent(acc, 1), /*rows=*/Value(), [&](Value column) {
    Value total = e.load(op.getSum(), column);
    // A row that saw no key has total 0 and acc 0, and stays 0; NaN stays NaN.
    Value empty =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, total, zero);
    Value inverse = inverseOfSum(e, total);
    e.loop(e.index(0), e.index(extent(acc, 0)), 1, {},
           [&](Value d, ValueRange) -> SmallVector<Value> {
             Value x = e.load(acc, {d, column});
             e.store(arith::MulFOp::create(b, x, inverse), acc, {d, column});
             return {};
           });
    Value highest = e.load(op.getMax(), column);
    if (op.getBase2())
      highest = arith::MulFOp::create(b, highest, e.splat(llvm::numbers::ln2));
    Value lse = e.add(highest, math::LogOp::create(b, total));
    lse = arith::SelectOp::create(b, empty, e.splat(-infinity), lse);
    e.store(lse, op.getOuts()[0], column);
  });
}

void LaneTiles::softmaxNormalize(tile::SoftmaxNormalizeOp op) {
  Value scores = op.getScores();
  forColumns(extent(scores, 1), op.getRows(), [&](Value column) {
    Value highest = e.load(op.getMax(), column);
    Value factor = inverseOfSum(e, e.load(op.getSum(), column));
    e.loop(e.index(0), op.getKeys(), 1, {},
           [&](Value key, ValueRange) -> SmallVector<Value> {
             Value s = e.load(scores, {key, column});
             Value weight = emitPower(e, arith::SubFOp::create(b, s, highest),
                                      op.getBase2());
             e.store(arith::MulFOp::create(b, weight, factor), scores,
                     {key, column});
             return {};
           });
  });
}
