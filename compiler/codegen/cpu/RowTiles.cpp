//===- RowTiles.cpp - Tiles of few rows -----------------------------------===//
//
// A few rows against many keys are bound by reading K and V, so each is read
// once, in order, for all rows (RowProducts.cpp). Scores and weights have keys
// in the lanes, accumulators features.
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

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Value RowTiles::scalar(double value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(e.element, value));
}

Value RowTiles::countRows(Value tile, Value rows) {
  return rows ? rows : e.index(extent(tile, 0));
}

void RowTiles::forRows(Value tile, Value rows,
                       llvm::function_ref<void(Value)> body) {
  forEach(e, e.index(0), countRows(tile, rows), 1, body);
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

void RowTiles::maxima(Value scores, Value rows, Value keys, Value max) {
  forRows(scores, rows, [&](Value row) {
    forScores(scores, row, keys, max, [](Value, Value s) { return s; });
  });
}

void RowTiles::rowMax(tile::RowMaxOp op) {
  maxima(op.getScores(), op.getRows(), op.getKeys(), op.getOuts()[0]);
}

template <typename PositionOp>
void RowTiles::positions(PositionOp op,
                         llvm::function_ref<Value(Value, Value)> combine) {
  std::optional<AffineMap> map = op.getRowMap();
  PositionRegion region(e, op);
  region.setKeysInLanes();
  region.emitUniform();
  Value max = op.getOuts().empty() ? Value() : op.getOuts()[0];
  forRows(op.getScores(), op.getRows(), [&](Value row) {
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
  forRows(scores, op.getRows(), [&](Value row) {
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

/// One key after the other, and each row adds those that it sees.
void RowTiles::accumulateGuarded(tile::AccumulateOp op) {
  Value acc = op.getAcc();
  forRows(acc, op.getRows(), [&](Value row) {
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
  forRows(op.getMax(), op.getRows(), [&](Value row) {
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
  forRows(acc, op.getRows(), [&](Value row) {
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
  forRows(scores, op.getRows(), [&](Value row) {
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
