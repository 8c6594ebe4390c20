//===- RowTiles.cpp - Tiles of few rows -----------------------------------===//
//
// A few rows against many keys are bound by reading K and V, so each is read
// once, in order, for all rows. Products with K have features in the lanes: as
// many of them are kept as a register has lanes, which are then summed across
// together, with two shuffles and an addition per sum. Weights have keys in the
// lanes, accumulators features.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/TileEmitter.h"
#include "compiler/codegen/vector/PositionRegion.h"
#include "compiler/codegen/vector/RowMap.h"
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

/// The first `count` lanes.
static Value firstLanes(VectorEmitter &e, int64_t count) {
  SmallVector<bool> bits(e.lanes, false);
  std::fill_n(bits.begin(), count, true);
  auto type = VectorType::get({e.lanes}, e.b.getI1Type());
  return arith::ConstantOp::create(e.b, type,
                                   DenseElementsAttr::get(type, bits));
}

/// A register of elements, the first `count` of which exist, in the type that
/// is computed in.
static Value loadSome(VectorEmitter &e, Value from, ValueRange at,
                      int64_t count) {
  auto type = VectorType::get({e.lanes}, elementOf(from));
  if (count == e.lanes)
    return e.convert(vector::LoadOp::create(e.b, type, from, at), e.element);
  Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(type));
  Value some = vector::MaskedLoadOp::create(e.b, type, from, at,
                                            firstLanes(e, count), zero);
  return e.convert(some, e.element);
}

static void storeSome(VectorEmitter &e, Value x, Value to, ValueRange at,
                      int64_t count) {
  if (count == e.lanes)
    return e.store(x, to, at);
  vector::MaskedStoreOp::create(e.b, to, at, firstLanes(e, count), x);
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

/// The products of `rows` rows of the query from `first` on with some keys, row
/// by row, not yet summed across. Each has as many sums as are needed for no
/// multiply-add to wait for the one before.
static SmallVector<Value> emitDots(VectorEmitter &e, Value query, Value first,
                                   int64_t rows, Value key,
                                   ArrayRef<Value> keyRows, bool compact) {
  auto keys = static_cast<int64_t>(keyRows.size());
  int64_t dots = rows * keys, features = extent(query, 1);
  int64_t chains = compact ? 1 : std::clamp<int64_t>(8 / dots, 1, 4);
  // Unrolled further, the query's registers would be loaded before the loop
  // over keys, and spilled.
  int64_t unroll = compact ? 1 : std::max<int64_t>(2, chains);
  SmallVector<Value> sums(dots * chains, e.splat(0));
  auto step = [&](Value d, int64_t number, int64_t count) {
    // A line at a time: as many at once as a group has would wait in a queue.
    if (!compact && number % unroll * e.lanes % lineElements(key) == 0)
      for (Value keyRow : keyRows)
        prefetch(e, key, e.addIndex(keyRow, rowsAhead(key)), d);
    SmallVector<Value> right;
    for (Value keyRow : keyRows)
      right.push_back(loadSome(e, key, {keyRow, d}, count));
    for (int64_t r = 0; r < rows; ++r) {
      Value left = loadSome(e, query, {e.addIndex(first, r), d}, count);
      for (int64_t k = 0; k < keys; ++k) {
        Value &sum = sums[number % chains * dots + r * keys + k];
        sum = vector::FMAOp::create(e.b, left, right[k], sum);
      }
    }
  };
  int64_t width = unroll * e.lanes, looped = features - features % width;
  sums =
      llvm::to_vector(e.loop(e.index(0), e.index(looped), width, sums,
                             [&](Value d, ValueRange carried) {
                               sums.assign(carried.begin(), carried.end());
                               for (int64_t n = 0; n < unroll; ++n)
                                 step(e.addIndex(d, n * e.lanes), n, e.lanes);
                               return sums;
                             }));
  for (int64_t d = looped; d < features; d += e.lanes)
    step(e.index(d), d / e.lanes, std::min(e.lanes, features - d));
  for (int64_t chain = 1; chain < chains; ++chain)
    for (int64_t n = 0; n < dots; ++n)
      sums[n] = e.add(sums[n], sums[chain * dots + n]);
  sums.truncate(dots);
  return sums;
}

/// As many keys at a time as give, with the rows that share them, a register of
/// sums, which is summed across once. They are read a few at a time, in order:
/// as many as leave room for their sums. A last group of fewer keys repeats the
/// last one, as in LaneTiles.
void RowTiles::contract(tile::ContractOp op) {
  Value query = op.getLeft(), key = op.getRight(), keys = op.getColumns();
  Value scores = op.getOuts()[0];
  int64_t rows = extent(query, 0), group = std::min(rowGroup(rows), e.lanes);
  int64_t keysAtOnce = e.lanes / group;
  int64_t most = group == 1 ? 1 : accumulatorRegisters(e) >= 16 ? 4 : 2;
  int64_t together = std::min(keysAtOnce, most);
  Value last = arith::SubIOp::create(b, keys, e.index(1));
  auto dots = [&](Value row, Value firstKey) {
    SmallVector<Value> keyRows;
    for (int64_t k = 0; k < together; ++k)
      keyRows.push_back(e.minIndex(e.addIndex(firstKey, k), last));
    return emitDots(e, query, row, group, key, keyRows, op.getCompact());
  };
  Value products;
  if (together < keysAtOnce)
    products = scratch(e, e.lanes, e.lanes);

  forEach(e, e.index(0), keys, keysAtOnce, [&](Value first) {
    forEach(e, e.index(0), e.index(rows), group, [&](Value row) {
      SmallVector<Value> vectors;
      if (!products) {
        vectors = dots(row, first);
      } else {
        forEach(e, e.index(0), e.index(keysAtOnce), together, [&](Value k) {
          Value firstKey = arith::AddIOp::create(b, first, k);
          for (auto [n, x] : llvm::enumerate(dots(row, firstKey))) {
            int64_t before = n / together * keysAtOnce + n % together;
            e.store(x, products, {e.addIndex(k, before), e.index(0)});
          }
        });
        for (int64_t n = 0; n < e.lanes; ++n)
          vectors.push_back(e.load(products, {e.index(n), e.index(0)}));
      }
      Value sums = e.sumAcross(vectors);
      for (int64_t r = 0; r < group; ++r) {
        auto ofRow =
            llvm::to_vector(llvm::seq(r * keysAtOnce, (r + 1) * keysAtOnce));
        Value part = vector::ShuffleOp::create(b, sums, sums, ofRow);
        vector::StoreOp::create(b, part, scores,
                                ValueRange{e.addIndex(row, r), first});
      }
    });
  });
  if (op.getOuts().size() > 1)
    maxima(scores, keys, op.getOuts()[1]);
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

void RowTiles::maxima(Value scores, Value keys, Value max) {
  forRows(extent(scores, 0), [&](Value row) {
    forScores(scores, row, keys, max, [](Value, Value s) { return s; });
  });
}

void RowTiles::rowMax(tile::RowMaxOp op) {
  maxima(op.getScores(), op.getKeys(), op.getOuts()[0]);
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
    // In a last register that is not full, what is no key has no weight.
    Value sums =
        e.loop(e.index(0), keys, e.lanes, e.splat(0),
               [&](Value key, ValueRange carried) {
                 Value difference = arith::SubFOp::create(
                     b, e.load(scores, {row, key}), splat);
                 Value weight = arith::SelectOp::create(
                     b, areKeys(key, keys),
                     emitPower(e, difference, op.getBase2()), e.splat(0));
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

/// Asks for the values of the keys from `next` on, a part of them at each of
/// `slots` * `keys` times: in the order in which they lie in memory, whatever
/// the order in which those before are used.
static void prefetchInOrder(VectorEmitter &e, Value value, Value next,
                            int64_t keys, Value slot, int64_t slots, Value j) {
  ImplicitLocOpBuilder &b = e.b;
  int64_t rowLines = llvm::divideCeil(extent(value, 1), lineElements(value));
  int64_t linesAtOnce = llvm::divideCeil(rowLines, slots);
  Value before = arith::MulIOp::create(b, slot, e.index(keys));
  Value time = arith::AddIOp::create(b, before, j);
  Value first = arith::MulIOp::create(b, time, e.index(linesAtOnce));
  for (int64_t n = 0; n < linesAtOnce; ++n) {
    Value line = e.addIndex(first, n), perRow = e.index(rowLines);
    Value row =
        arith::AddIOp::create(b, next, arith::DivUIOp::create(b, line, perRow));
    Value d = arith::MulIOp::create(b, arith::RemUIOp::create(b, line, perRow),
                                    e.index(lineElements(value)));
    prefetch(e, value, row, d);
  }
}

/// Accumulators of some rows and some registers of features at a time, over
/// few enough keys for their values, and those asked for meanwhile, to stay in
/// the first cache until all rows and features have used them.
void RowTiles::accumulate(tile::AccumulateOp op) {
  Value weights = op.getWeights(), value = op.getValue(), acc = op.getAcc();
  int64_t rows = extent(acc, 0), features = extent(acc, 1);
  int64_t group = rowGroup(rows);
  constexpr int64_t keysAtOnce = 8;

  if (op.getRescale())
    forRows(rows, [&](Value row) {
      Value factor =
          e.broadcast(memref::LoadOp::create(b, op.getRescale(), row));
      forFeatures(features, [&](Load load, Store store) {
        store(arith::MulFOp::create(b, load(acc, row), factor), acc, row);
      });
    });
  if (op.getGuard())
    return accumulateGuarded(op);
  // Registers of features in passes of equal width, and a last one for a rest.
  int64_t total = llvm::divideCeil(features, e.lanes);
  int64_t passes = llvm::divideCeil(total, accumulatorRegisters(e) / group);
  int64_t width = llvm::divideCeil(total, passes) * e.lanes;
  int64_t whole = features - features % width;
  auto pass = [&](Value begin, Value keys, Value first, Value d,
                  ArrayRef<int64_t> counts) {
    auto at = [&](size_t n) { return e.addIndex(d, n * e.lanes); };
    auto key = [&](Value j) -> Value {
      return arith::AddIOp::create(b, begin, j);
    };
    Value slot = arith::AddIOp::create(
        b,
        arith::MulIOp::create(b,
                              arith::DivUIOp::create(b, first, e.index(group)),
                              e.index(passes)),
        arith::DivUIOp::create(b, d, e.index(width)));
    SmallVector<Value> zeros(group * counts.size(), e.splat(0));
    auto sums = e.matmul(
        group, counts.size(), keys, /*unroll=*/2, zeros,
        [&](int64_t r, Value j) -> Value {
          return memref::LoadOp::create(
              b, weights, ValueRange{e.addIndex(first, r), key(j)});
        },
        [&](Value j, int64_t n) {
          if (n == 0)
            prefetchInOrder(e, value, e.addIndex(begin, rowsAhead(value)),
                            keysAtOnce, slot, passes * (rows / group), j);
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
  SmallVector<int64_t> full(width / e.lanes, e.lanes), rest;
  for (int64_t d = whole; d < features; d += e.lanes)
    rest.push_back(std::min(e.lanes, features - d));
  forEach(e, e.index(0), op.getKeys(), keysAtOnce, [&](Value begin) {
    Value keys = e.minIndex(e.index(keysAtOnce),
                            arith::SubIOp::create(b, op.getKeys(), begin));
    forEach(e, e.index(0), e.index(rows), group, [&](Value first) {
      forEach(e, e.index(0), e.index(whole), width,
              [&](Value d) { pass(begin, keys, first, d, full); });
      if (!rest.empty())
        pass(begin, keys, first, e.index(whole), rest);
    });
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

void RowTiles::softmaxNormalize(tile::SoftmaxNormalizeOp op) {
  Value scores = op.getScores();
  forRows(extent(scores, 0), [&](Value row) {
    Value highest =
        e.broadcast(memref::LoadOp::create(b, op.getMax(), row).getResult());
    Value total = memref::LoadOp::create(b, op.getSum(), row);
    Value empty =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, total, scalar(0));
    Value factor = e.broadcast(arith::DivFOp::create(
        b, scalar(1), arith::SelectOp::create(b, empty, scalar(1), total)));
    forScores(scores, row, op.getKeys(), /*max=*/Value(), [&](Value, Value s) {
      Value weight =
          emitPower(e, arith::SubFOp::create(b, s, highest), op.getBase2());
      return arith::MulFOp::create(b, weight, factor).getResult();
    });
  });
}
