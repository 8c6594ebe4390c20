//===- RowTiles.cpp - Tiles of few rows -----------------------------------===//
//
// A few rows against many keys are bound by reading K and V, so each is read
// once, in order, for all rows. Products with K have features in the lanes: as
// many of them are kept as a register has lanes, which are then summed across
// together, with two shuffles and an addition per sum. Weights have keys in the
// lanes, accumulators features.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/PositionRegion.h"
#include "compiler/codegen/cpu/RowMap.h"
#include "compiler/codegen/cpu/TileEmitter.h"
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

/// How many rows share a pass over keys or values: more than four would leave
/// too few registers for keys or features.
static int64_t rowGroup(int64_t rows) {
  return rows % 4 == 0 ? 4 : rows % 2 == 0 ? 2 : 1;
}

/// Accumulators of an inner loop that leave room for its operands: AVX-512 has
/// twice as many registers.
static int64_t accumulatorRegisters(VectorEmitter &e) {
  return e.lanes * e.element.getWidth() >= 512 ? 24 : 10;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Value RowTiles::scalar(double value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(e.element, value));
}

void RowTiles::forRows(int64_t rows, llvm::function_ref<void(Value)> body) {
  forEach(e, e.index(0), e.index(rows), 1, body);
}

static Value loadSome(VectorEmitter &e, Value from, ValueRange at,
                      int64_t count) {
  if (count == e.lanes)
    return e.load(from, at);
  auto mask = VectorType::get({e.lanes}, e.b.getI1Type());
  Value some = vector::ConstantMaskOp::create(e.b, mask, {count});
  return vector::MaskedLoadOp::create(e.b, e.vec, from, at, some, e.splat(0));
}

static void storeSome(VectorEmitter &e, Value x, Value to, ValueRange at,
                      int64_t count) {
  if (count == e.lanes)
    return e.store(x, to, at);
  auto mask = VectorType::get({e.lanes}, e.b.getI1Type());
  Value some = vector::ConstantMaskOp::create(e.b, mask, {count});
  vector::MaskedStoreOp::create(e.b, to, at, some, x);
}

void RowTiles::forFeatures(int64_t width,
                           llvm::function_ref<void(Load, Store)> body) {
  auto at = [&](Value d, int64_t count) {
    body([&](Value from,
             Value row) { return loadSome(e, from, {row, d}, count); },
         [&](Value x, Value to, Value row) {
           storeSome(e, x, to, {row, d}, count);
         });
  };
  int64_t whole = width - width % e.lanes;
  e.loop(e.index(0), e.index(whole), e.lanes, {},
         [&](Value d, ValueRange) -> SmallVector<Value> {
           at(d, e.lanes);
           return {};
         });
  if (whole < width)
    at(e.index(whole), width - whole);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// How far ahead rows are asked for, in bytes: memory's answer takes about as
/// long as it needs to deliver two pages, and the hardware's own prefetchers
/// stop at the end of one.
static constexpr int64_t prefetchBytes = 8192;

/// How many rows of a matrix that is.
static int64_t rowsAhead(VectorEmitter &e, Value matrix) {
  int64_t bytes = e.element.getWidth() / 8 * extent(matrix, 1);
  return std::max<int64_t>(1, prefetchBytes / bytes);
}

/// Asks for the cache line of an element of a later row. An address past the
/// end of the tensor does no harm.
static void prefetch(VectorEmitter &e, Value matrix, Value row, Value d) {
  memref::PrefetchOp::create(e.b, matrix, ValueRange{row, d},
                             /*isWrite=*/false, /*localityHint=*/3,
                             /*isDataCache=*/true);
}

/// One key after the other, each read from its first feature to its last:
/// memory is read in order. Every row has some sums per key, so that no
/// multiply-add waits for the one before. A last group of fewer keys repeats
/// the last one, as in LaneTiles.
void RowTiles::contract(tile::ContractOp op) {
  Value query = op.getLeft(), key = op.getRight(), keys = op.getColumns();
  Value scores = op.getOuts()[0];
  int64_t rows = extent(query, 0), features = extent(query, 1);
  int64_t group = std::min(rowGroup(rows), e.lanes);
  int64_t keysAtOnce = e.lanes / group;
  int64_t chains = op.getCompact() ? 1 : 8 / group / (group == 1 ? 2 : 1);
  Value last = arith::SubIOp::create(b, keys, e.index(1));

  /// The products of `group` rows from `first` on with one key, not yet summed
  /// across.
  int64_t ahead = rowsAhead(e, key);
  auto dots = [&](Value first, Value keyRow) {
    SmallVector<Value> sums(group * chains, e.splat(0));
    Value laterRow = e.addIndex(keyRow, ahead);
    auto step = [&](Value d, int64_t chain, int64_t count) {
      Value right = loadSome(e, key, {keyRow, d}, count);
      if (chain * e.lanes * e.element.getWidth() % 512 == 0)
        prefetch(e, key, laterRow, d);
      for (int64_t r = 0; r < group; ++r) {
        Value left = loadSome(e, query, {e.addIndex(first, r), d}, count);
        Value &sum = sums[r * chains + chain];
        sum = vector::FMAOp::create(b, left, right, sum);
      }
    };
    int64_t whole = features - features % e.lanes, width = chains * e.lanes;
    // Unrolled further, the query's registers would be loaded before the loop
    // over keys, and spilled.
    int64_t looped = whole - whole % width;
    sums = llvm::to_vector(
        e.loop(e.index(0), e.index(looped), width, sums,
               [&](Value d, ValueRange carried) {
                 sums.assign(carried.begin(), carried.end());
                 for (int64_t chain = 0; chain < chains; ++chain)
                   step(e.addIndex(d, chain * e.lanes), chain, e.lanes);
                 return sums;
               }));
    for (int64_t d = looped; d < features; d += e.lanes)
      step(e.index(d), (d - looped) / e.lanes % chains,
           std::min(e.lanes, features - d));
    SmallVector<Value> result;
    for (int64_t r = 0; r < group; ++r) {
      Value sum = sums[r * chains];
      for (int64_t chain = 1; chain < chains; ++chain)
        sum = e.add(sum, sums[r * chains + chain]);
      result.push_back(sum);
    }
    return result;
  };

  // One vector of maxima per group of rows, laid out as the sums are.
  bool hasMax = op.getOuts().size() > 1;
  SmallVector<Value> noMax;
  if (hasMax)
    noMax.assign(rows / group, e.splat(lowestFinite(e.element)));
  ValueRange highest = e.loop(
      e.index(0), keys, keysAtOnce, noMax,
      [&](Value first, ValueRange carried) {
        SmallVector<Value> running(carried);
        for (int64_t n = 0; n < rows / group; ++n) {
          SmallVector<Value> vectors(e.lanes);
          for (int64_t k = 0; k < keysAtOnce; ++k) {
            Value keyRow = e.minIndex(e.addIndex(first, k), last);
            for (auto [r, x] :
                 llvm::enumerate(dots(e.index(n * group), keyRow)))
              vectors[r * keysAtOnce + k] = x;
          }
          Value sums = e.sumAcross(vectors);
          for (int64_t r = 0; r < group; ++r) {
            Value part = vector::ExtractStridedSliceOp::create(
                b, sums, r * keysAtOnce, keysAtOnce, 1);
            vector::StoreOp::create(b, part, scores,
                                    ValueRange{e.index(n * group + r), first});
          }
          if (hasMax)
            running[n] = e.max(sums, running[n]);
        }
        return running;
      });
  for (auto [n, value] : llvm::enumerate(highest))
    for (int64_t r = 0; r < group; ++r) {
      // The lanes of one row, repeated to fill the register.
      SmallVector<int64_t> lanes;
      for (int64_t lane = 0; lane < e.lanes; ++lane)
        lanes.push_back(r * keysAtOnce + lane % keysAtOnce);
      Value part = vector::ShuffleOp::create(b, value, value, lanes);
      memref::StoreOp::create(b, e.maxAcross(part), op.getOuts()[1],
                              ValueRange{e.index(n * group + r)});
    }
}

Value RowTiles::areKeys(Value key, Value keys) {
  Value lane =
      arith::AddIOp::create(b, e.broadcast(e.toI32(key)), e.laneNumbers());
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lane,
                               e.broadcast(e.toI32(keys)));
}

void RowTiles::forScores(Value scores, Value row, Value keys, Value max,
                         llvm::function_ref<Value(Value key, Value s)> body) {
  Value lowest = e.splat(lowestFinite(e.element));
  SmallVector<Value> noMax;
  if (max)
    noMax.push_back(lowest);
  ValueRange highest = e.loop(
      e.index(0), keys, e.lanes, noMax, [&](Value key, ValueRange carried) {
        Value old = e.load(scores, {row, key});
        Value s = body(key, old);
        if (s != old)
          e.store(s, scores, {row, key});
        SmallVector<Value> running(carried);
        if (max) {
          Value counted =
              arith::SelectOp::create(b, areKeys(key, keys), s, lowest);
          running[0] = e.max(counted, running[0]);
        }
        return running;
      });
  if (max)
    memref::StoreOp::create(b, e.maxAcross(highest[0]), max, row);
}

void RowTiles::rowMax(tile::RowMaxOp op) {
  forRows(extent(op.getScores(), 0), [&](Value row) {
    forScores(op.getScores(), row, op.getKeys(), op.getOuts()[0],
              [](Value, Value s) { return s; });
  });
}

template <typename PositionOp>
void RowTiles::positions(PositionOp op,
                         llvm::function_ref<Value(Value, Value)> combine) {
  std::optional<AffineMap> map = op.getRowMap();
  PositionRegion region(e, op);
  region.emitUniform();
  Value max = op.getOuts().empty() ? Value() : op.getOuts()[0];
  forRows(extent(op.getScores(), 0), [&](Value row) {
    MappedRow mapped = applyRowMap(b, map, row);
    Value head;
    if (mapped.head)
      head = e.toI32(arith::AddIOp::create(b, op.getHead(), mapped.head));
    region.emitRows(head, e.toI32(arith::AddIOp::create(b, op.getQuery(),
                                                        mapped.position)));
    forScores(op.getScores(), row, op.getKeys(), max, [&](Value key, Value s) {
      Value first = e.toI32(arith::AddIOp::create(b, op.getKey(), key));
      Value j = arith::AddIOp::create(b, e.broadcast(first), e.laneNumbers());
      return combine(s, region.emitKeys(j, s));
    });
  });
}

void RowTiles::modify(tile::ModifyOp op) {
  positions(op, [](Value, Value score) { return score; });
}

void RowTiles::mask(tile::MaskOp op) {
  Value hidden = e.splat(-infinity);
  positions(op, [&](Value s, Value visible) -> Value {
    return arith::SelectOp::create(b, visible, s, hidden);
  });
}

//===----------------------------------------------------------------------===//
// Online softmax
//===----------------------------------------------------------------------===//

Value RowTiles::power(Value difference, bool base2) {
  Value vector = emitPower(e, e.broadcast(difference), base2);
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

void RowTiles::softmaxWeights(tile::SoftmaxWeightsOp op) {
  Value scores = op.getScores(), keys = op.getKeys();
  forRows(extent(scores, 0), [&](Value row) {
    Value old = memref::LoadOp::create(b, op.getMax(), row);
    Value top = memref::LoadOp::create(b, op.getTop(), row);
    Value highest = e.max(top, old);
    memref::StoreOp::create(b, highest, op.getMax(), row);
    Value factor = power(arith::SubFOp::create(b, old, highest), op.getBase2());
    memref::StoreOp::create(b, factor, op.getOuts()[0], row);
    Value splat = e.broadcast(highest);
    auto weightAt = [&](Value key) -> Value {
      Value difference =
          arith::SubFOp::create(b, e.load(scores, {row, key}), splat);
      return emitPower(e, difference, op.getBase2());
    };
    Value whole = arith::SubIOp::create(
        b, keys, arith::RemUIOp::create(b, keys, e.index(e.lanes)));
    ValueRange main =
        e.loop(e.index(0), whole, e.lanes, e.splat(0),
               [&](Value key, ValueRange carried) {
                 Value weight = weightAt(key);
                 e.store(weight, scores, {row, key});
                 return SmallVector<Value>{e.add(carried[0], weight)};
               });
    // A last register that is not full: what is no key has no weight.
    Value sums =
        e.loop(whole, keys, e.lanes, main, [&](Value key, ValueRange carried) {
          Value weight = arith::SelectOp::create(b, areKeys(key, keys),
                                                 weightAt(key), e.splat(0));
          e.store(weight, scores, {row, key});
          return SmallVector<Value>{e.add(carried[0], weight)};
        })[0];
    Value blockSum = vector::ReductionOp::create(
        b, vector::CombiningKind::ADD, sums, arith::FastMathFlags::reassoc);
    Value previous = memref::LoadOp::create(b, op.getSum(), row);
    memref::StoreOp::create(b,
                            math::FmaOp::create(b, previous, factor, blockSum),
                            op.getSum(), row);
  });
}

/// Accumulators of some rows and some registers of features at a time, over
/// few enough keys for their values to stay in the first cache until all rows
/// and features have used them: so memory is read in order.
void RowTiles::accumulate(tile::AccumulateOp op) {
  Value weights = op.getWeights(), value = op.getValue(), acc = op.getAcc();
  int64_t rows = extent(acc, 0), features = extent(acc, 1);
  int64_t group = rowGroup(rows);
  constexpr int64_t keysAtOnce = 32;

  forRows(rows, [&](Value row) {
    Value factor = e.broadcast(memref::LoadOp::create(b, op.getRescale(), row));
    forFeatures(features, [&](Load load, Store store) {
      store(arith::MulFOp::create(b, load(acc, row), factor), acc, row);
    });
  });
  if (op.getGuard())
    return accumulateGuarded(op);
  auto part = [&](Value begin, Value keys, Value first, Value d,
                  ArrayRef<int64_t> counts) {
    auto at = [&](size_t n) { return e.addIndex(d, n * e.lanes); };
    auto key = [&](Value j) -> Value {
      return arith::AddIOp::create(b, begin, j);
    };
    SmallVector<Value> zeros(group * counts.size(), e.splat(0));
    auto sums = e.matmul(
        group, counts.size(), keys, registers.unroll, zeros,
        [&](int64_t r, Value j) -> Value {
          return memref::LoadOp::create(
              b, weights, ValueRange{e.addIndex(first, r), key(j)});
        },
        [&](Value j, int64_t n) {
          if (n * e.lanes * e.element.getWidth() % 512 == 0)
            prefetch(e, value, e.addIndex(key(j), rowsAhead(e, value)), at(n));
          return loadSome(e, value, {key(j), at(n)}, counts[n]);
        });
    for (int64_t r = 0; r < group; ++r)
      for (auto [n, count] : llvm::enumerate(counts)) {
        SmallVector<Value> place = {e.addIndex(first, r), at(n)};
        Value old = loadSome(e, acc, place, count);
        storeSome(e, e.add(old, sums[r * counts.size() + n]), acc, place,
                  count);
      }
  };
  // Registers of features in passes of nearly equal width.
  int64_t total = llvm::divideCeil(features, e.lanes);
  int64_t passes = llvm::divideCeil(total, accumulatorRegisters(e) / group);
  auto block = [&](Value begin, Value keys, Value first) {
    for (int64_t pass = 0, from = 0; pass < passes; ++pass) {
      int64_t to = total * (pass + 1) / passes;
      SmallVector<int64_t> counts;
      for (int64_t n = from; n < to; ++n)
        counts.push_back(std::min(e.lanes, features - n * e.lanes));
      part(begin, keys, first, e.index(from * e.lanes), counts);
      from = to;
    }
  };
  e.loop(e.index(0), op.getKeys(), keysAtOnce, {},
         [&](Value begin, ValueRange) {
           Value rest = arith::SubIOp::create(b, op.getKeys(), begin);
           Value keys = e.minIndex(e.index(keysAtOnce), rest);
           e.loop(e.index(0), e.index(rows), group, {},
                  [&](Value first, ValueRange) -> SmallVector<Value> {
                    block(begin, keys, first);
                    return {};
                  });
           return SmallVector<Value>();
         });
}

/// One key after the other, and each row adds those that it sees.
void RowTiles::accumulateGuarded(tile::AccumulateOp op) {
  Value acc = op.getAcc();
  forRows(extent(acc, 0), [&](Value row) {
    e.loop(e.index(0), op.getKeys(), 1, {}, [&](Value j, ValueRange) {
      Value s = memref::LoadOp::create(b, op.getGuard(), ValueRange{row, j});
      Value seen = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, s,
                                         scalar(-infinity));
      auto branch = scf::IfOp::create(b, seen, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      Value weight = e.broadcast(
          memref::LoadOp::create(b, op.getWeights(), ValueRange{row, j}));
      forFeatures(extent(acc, 1), [&](Load load, Store store) {
        store(vector::FMAOp::create(b, weight, load(op.getValue(), j),
                                    load(acc, row)),
              acc, row);
      });
      return SmallVector<Value>();
    });
  });
}

void RowTiles::merge(tile::MergeOp op) {
  forRows(extent(op.getMax(), 0), [&](Value row) {
    Value own = memref::LoadOp::create(b, op.getMax(), row);
    Value other = memref::LoadOp::create(b, op.getOtherMax(), row);
    Value highest = e.max(own, other);
    Value ownFactor =
        power(arith::SubFOp::create(b, own, highest), op.getBase2());
    Value otherFactor =
        power(arith::SubFOp::create(b, other, highest), op.getBase2());
    memref::StoreOp::create(b, highest, op.getMax(), row);
    Value sum = memref::LoadOp::create(b, op.getSum(), row);
    Value otherSum = memref::LoadOp::create(b, op.getOtherSum(), row);
    Value scaled = arith::MulFOp::create(b, otherSum, otherFactor);
    memref::StoreOp::create(b, math::FmaOp::create(b, sum, ownFactor, scaled),
                            op.getSum(), row);
    Value ownSplat = e.broadcast(ownFactor);
    Value otherSplat = e.broadcast(otherFactor);
    forFeatures(extent(op.getAcc(), 1), [&](Load load, Store store) {
      Value scaled =
          arith::MulFOp::create(b, load(op.getOtherAcc(), row), otherSplat);
      store(vector::FMAOp::create(b, load(op.getAcc(), row), ownSplat, scaled),
            op.getAcc(), row);
    });
  });
}

void RowTiles::softmaxFinish(tile::SoftmaxFinishOp op) {
  Value acc = op.getAcc();
  forRows(extent(acc, 0), [&](Value row) {
    Value total = memref::LoadOp::create(b, op.getSum(), row);
    // A row that saw no key has total 0 and acc 0, and stays 0; NaN stays NaN.
    Value empty =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, total, scalar(0));
    Value inverse = arith::DivFOp::create(
        b, scalar(1), arith::SelectOp::create(b, empty, scalar(1), total));
    Value splat = e.broadcast(inverse);
    forFeatures(extent(acc, 1), [&](Load load, Store store) {
      store(arith::MulFOp::create(b, load(acc, row), splat), acc, row);
    });
    Value highest = memref::LoadOp::create(b, op.getMax(), row);
    if (op.getBase2())
      highest = arith::MulFOp::create(b, highest, scalar(llvm::numbers::ln2));
    Value lse = e.add(highest, math::LogOp::create(b, total));
    lse = arith::SelectOp::create(b, empty, scalar(-infinity), lse);
    memref::StoreOp::create(b, lse, op.getOuts()[0], row);
  });
}
