//===- RowTiles.cpp - Tiles of few rows -----------------------------------===//
//
// A few rows against many keys are bound by reading K and V, so each is read
// once, in order, for all rows. Products with K have features in the lanes: as
// many of them are kept as a register has lanes, which are then summed across
// by a transposition (one vector of sums costs log2(lanes) shuffles and adds
// per sum, and no scalar). Weights have keys in the lanes, accumulators
// features.
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

static int64_t extent(Value buffer, unsigned axis) {
  return cast<MemRefType>(buffer.getType()).getDimSize(axis);
}

/// How many rows share a pass over keys or values: more than four would leave
/// too few registers for keys or features.
static int64_t rowGroup(int64_t rows) {
  return rows % 4 == 0 ? 4 : rows % 2 == 0 ? 2 : 1;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Value RowTiles::scalar(double value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(e.element, value));
}

void RowTiles::forRows(int64_t rows, llvm::function_ref<void(Value)> body) {
  e.loop(e.index(0), e.index(rows), 1, {},
         [&](Value row, ValueRange) -> SmallVector<Value> {
           body(row);
           return {};
         });
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
    body([&](Value from, Value row) {
           return loadSome(e, from, {row, d}, count);
         },
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

/// The sum of each of `lanes` vectors, in the lanes of one.
static Value sumAcross(VectorEmitter &e, SmallVector<Value> vectors) {
  Value sum;
  for (Value x : e.transpose(std::move(vectors)))
    sum = sum ? e.add(sum, x) : x;
  return sum;
}

/// A last group of fewer keys repeats the last one, as in LaneTiles.
void RowTiles::contract(tile::ContractOp op) {
  Value query = op.getLeft(), key = op.getRight(), keys = op.getColumns();
  Value scores = op.getOuts()[0];
  int64_t rows = extent(query, 0), features = extent(query, 1);
  int64_t group = std::min(rowGroup(rows), e.lanes), keysAtOnce = e.lanes / group;
  int64_t whole = features - features % e.lanes;
  Value last = arith::SubIOp::create(b, keys, e.index(1));

  // One vector of maxima per group of rows, laid out as the sums are.
  bool hasMax = op.getOuts().size() > 1;
  SmallVector<Value> noMax;
  if (hasMax)
    noMax.assign(rows / group, e.splat(lowestFinite(e.element)));
  auto products = [&](Value first, ArrayRef<Value> keyRows) {
    auto step = [&](Value d, int64_t count, SmallVector<Value> acc) {
      SmallVector<Value> right;
      for (Value row : keyRows)
        right.push_back(loadSome(e, key, {row, d}, count));
      for (int64_t r = 0; r < group; ++r) {
        Value left = loadSome(e, query, {e.addIndex(first, r), d}, count);
        for (int64_t k = 0; k < keysAtOnce; ++k) {
          Value &sum = acc[r * keysAtOnce + k];
          sum = vector::FMAOp::create(b, left, right[k], sum);
        }
      }
      return acc;
    };
    SmallVector<Value> zeros(e.lanes, e.splat(0));
    int64_t unroll = op.getCompact() ? 1 : registers.unroll;
    while (whole % (unroll * e.lanes) != 0)
      --unroll;
    SmallVector<Value> acc = llvm::to_vector(
        e.loop(e.index(0), e.index(whole), unroll * e.lanes, zeros,
               [&](Value d, ValueRange carried) {
                 SmallVector<Value> acc(carried);
                 for (int64_t u = 0; u < unroll; ++u)
                   acc = step(e.addIndex(d, u * e.lanes), e.lanes, acc);
                 return acc;
               }));
    if (whole < features)
      acc = step(e.index(whole), features - whole, acc);
    return sumAcross(e, acc);
  };
  ValueRange highest = e.loop(
      e.index(0), keys, keysAtOnce, noMax, [&](Value first, ValueRange carried) {
        SmallVector<Value> keyRows;
        for (int64_t k = 0; k < keysAtOnce; ++k)
          keyRows.push_back(e.minIndex(e.addIndex(first, k), last));
        SmallVector<Value> running(carried);
        for (int64_t n = 0; n < rows / group; ++n) {
          Value sums = products(e.index(n * group), keyRows);
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
      Value part = vector::ExtractStridedSliceOp::create(
          b, value, r * keysAtOnce, keysAtOnce, 1);
      Value most = vector::ReductionOp::create(
          b, vector::CombiningKind::MAXNUMF, part);
      memref::StoreOp::create(b, most, op.getOuts()[1],
                              ValueRange{e.index(n * group + r)});
    }
}

Value RowTiles::areKeys(Value key, Value keys) {
  auto toI32 = [&](Value index) {
    return e.broadcast(
        arith::IndexCastOp::create(b, b.getI32Type(), index).getResult());
  };
  Value lane = arith::AddIOp::create(b, toI32(key), e.laneNumbers());
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lane, toI32(keys));
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
  if (max) {
    Value most = vector::ReductionOp::create(b, vector::CombiningKind::MAXNUMF,
                                             highest[0]);
    memref::StoreOp::create(b, most, max, row);
  }
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
  PositionRegion region(e, op.getBody().front(),
                        std::is_same_v<PositionOp, tile::ModifyOp>,
                        op.getBatch(), map ? Value() : op.getHead(),
                        op.getCaptures());
  region.emitUniform();
  auto toI32 = [&](Value index) -> Value {
    return arith::IndexCastOp::create(b, b.getI32Type(), index);
  };
  Value max = op.getOuts().empty() ? Value() : op.getOuts()[0];
  forRows(extent(op.getScores(), 0), [&](Value row) {
    MappedRow mapped = applyRowMap(b, map, row);
    Value head;
    if (mapped.head)
      head = toI32(arith::AddIOp::create(b, op.getHead(), mapped.head));
    region.emitRows(
        head, toI32(arith::AddIOp::create(b, op.getQuery(), mapped.position)));
    forScores(op.getScores(), row, op.getKeys(), max,
              [&](Value key, Value s) {
                Value first = toI32(arith::AddIOp::create(b, op.getKey(), key));
                Value j = arith::AddIOp::create(b, e.broadcast(first),
                                                e.laneNumbers());
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

static Value inBase2(VectorEmitter &e, Value difference, bool base2) {
  if (base2)
    return difference;
  return arith::MulFOp::create(e.b, difference, e.splat(llvm::numbers::log2e));
}

Value RowTiles::power(Value difference, bool base2) {
  Value vector = e.exp2(inBase2(e, e.broadcast(difference), base2));
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

void RowTiles::softmaxWeights(tile::SoftmaxWeightsOp op) {
  Value scores = op.getScores(), keys = op.getKeys();
  forRows(extent(scores, 0), [&](Value row) {
    Value old = memref::LoadOp::create(b, op.getMax(), row);
    Value top = memref::LoadOp::create(b, op.getTop(), row);
    Value highest = e.max(top, old);
    memref::StoreOp::create(b, highest, op.getMax(), row);
    Value factor =
        power(arith::SubFOp::create(b, old, highest), op.getBase2());
    memref::StoreOp::create(b, factor, op.getOuts()[0], row);
    Value splat = e.broadcast(highest);
    Value sums = e.loop(
        e.index(0), keys, e.lanes, e.splat(0),
        [&](Value key, ValueRange carried) {
          Value s = e.load(scores, {row, key});
          Value difference = arith::SubFOp::create(b, s, splat);
          Value weight = e.exp2(inBase2(e, difference, op.getBase2()));
          weight = arith::SelectOp::create(b, areKeys(key, keys), weight,
                                           e.splat(0));
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

/// Accumulators of some rows and some registers of features at a time; each
/// block is summed from zero and then added.
void RowTiles::accumulate(tile::AccumulateOp op) {
  Value weights = op.getWeights(), value = op.getValue(), acc = op.getAcc();
  int64_t rows = extent(acc, 0), features = extent(acc, 1);
  bool guarded = op.getGuard() != nullptr;
  int64_t group = guarded ? 1 : rowGroup(rows);
  int64_t columns = guarded ? 1 : std::max<int64_t>(1, 8 / group);

  auto part = [&](Value first, Value d, ArrayRef<int64_t> counts) {
    auto at = [&](size_t n) { return e.addIndex(d, n * e.lanes); };
    SmallVector<Value> zeros(group * counts.size(), e.splat(0));
    ValueRange sums = e.loop(
        e.index(0), op.getKeys(), 1, zeros, [&](Value j, ValueRange carried) {
          SmallVector<Value> acc(carried), right;
          for (auto [n, count] : llvm::enumerate(counts))
            right.push_back(loadSome(e, value, {j, at(n)}, count));
          for (int64_t r = 0; r < group; ++r) {
            SmallVector<Value> indices = {e.addIndex(first, r), j};
            Value weight = memref::LoadOp::create(b, weights, indices);
            Value seen;
            if (guarded) {
              Value s = memref::LoadOp::create(b, op.getGuard(), indices);
              seen = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, s,
                                           scalar(-infinity));
            }
            for (size_t n = 0; n < counts.size(); ++n) {
              Value &sum = acc[r * counts.size() + n];
              Value next = vector::FMAOp::create(b, e.broadcast(weight),
                                                 right[n], sum);
              sum = seen ? arith::SelectOp::create(b, seen, next, sum)
                               .getResult()
                         : next;
            }
          }
          return acc;
        });
    for (int64_t r = 0; r < group; ++r) {
      Value row = e.addIndex(first, r);
      Value factor =
          e.broadcast(memref::LoadOp::create(b, op.getRescale(), row));
      for (auto [n, count] : llvm::enumerate(counts)) {
        Value old = loadSome(e, acc, {row, at(n)}, count);
        Value sum = vector::FMAOp::create(b, old, factor,
                                          sums[r * counts.size() + n]);
        storeSome(e, sum, acc, {row, at(n)}, count);
      }
    }
  };
  e.loop(e.index(0), e.index(rows), group, {}, [&](Value first, ValueRange) {
    int64_t width = columns * e.lanes, whole = features - features % width;
    SmallVector<int64_t> counts(columns, e.lanes);
    e.loop(e.index(0), e.index(whole), width, {},
           [&](Value d, ValueRange) -> SmallVector<Value> {
             part(first, d, counts);
             return {};
           });
    if (whole < features) {
      counts.clear();
      for (int64_t d = whole; d < features; d += e.lanes)
        counts.push_back(std::min(e.lanes, features - d));
      part(first, e.index(whole), counts);
    }
    return SmallVector<Value>();
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
