//===- ThreadSoftmax.cpp - Scores and rows, for a thread ------------------===//

#include "compiler/codegen/cuda/ThreadEmitter.h"
#include "compiler/codegen/vector/PositionRegion.h"
#include "compiler/codegen/vector/RowMap.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace ladon;
using namespace ladon::cuda;

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr double lowest = std::numeric_limits<float>::lowest();

static int64_t sizeOf(Value vector) {
  return cast<VectorType>(vector.getType()).getNumElements();
}

static Value splat(ImplicitLocOpBuilder &b, VectorType type, double value) {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(type,
                                b.getFloatAttr(type.getElementType(), value)));
}

/// 2^x of each element, by the hardware: 2 ulp, and zero below 2^-126.
static Value exp2(ImplicitLocOpBuilder &b, Value x) {
  SmallVector<Value> results;
  auto name = b.getStringAttr("llvm.nvvm.ex2.approx.ftz.f32");
  for (int64_t e = 0; e < sizeOf(x); ++e) {
    Value element = vector::ExtractOp::create(b, x, e);
    results.push_back(LLVM::CallIntrinsicOp::create(b, b.getF32Type(), name,
                                                    ValueRange{element})
                          .getResult(0));
  }
  return vector::FromElementsOp::create(b, x.getType(), results);
}

/// B^x of differences of scores.
static Value power(ImplicitLocOpBuilder &b, Value x, bool base2) {
  if (!base2)
    x = arith::MulFOp::create(
        b, x, splat(b, cast<VectorType>(x.getType()), llvm::numbers::log2e));
  return exp2(b, x);
}

using Combine = llvm::function_ref<Value(Value, Value)>;

/// What `combine` makes of all elements of each row, as a vector of rows.
static Value reduceRows(ThreadTile &place, Value tile, Combine combine) {
  ImplicitLocOpBuilder &b = place.b;
  SmallVector<Value> rows(place.rowCount());
  for (int64_t e = 0; e < place.size; ++e) {
    Value &row = rows[place.rowOf(e)];
    Value x = vector::ExtractOp::create(b, tile, e);
    row = row ? combine(row, x) : x;
  }
  for (Value &row : rows)
    for (int64_t distance : {1, 2})
      row = combine(row, place.exchange(row, distance));
  return vector::FromElementsOp::create(
      b, VectorType::get({place.rowCount()}, b.getF32Type()), rows);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

template <typename PositionOp>
static Value emitPositions(ImplicitLocOpBuilder &b, PositionOp op,
                           Value scores) {
  ThreadTile place(b, op.getScores().getType());
  VectorEmitter e(b, b.getF32Type(), place.size);
  PositionRegion region(e, op);
  auto positions = [&](Value first, Value more) -> Value {
    return arith::AddIOp::create(b, e.broadcast(e.toI32(first)), more);
  };
  region.emitUniform();
  MappedRow rows = applyRowMap(b, op.getRowMap(), place.rows());
  region.emitRows(rows.head ? positions(op.getHead(), rows.head) : Value(),
                  positions(op.getQuery(), rows.position));
  return region.emitKeys(positions(op.getKey(), place.columns()), scores);
}

Vectors ladon::cuda::emitModify(ImplicitLocOpBuilder &b, tile::ModifyOp op,
                                Value scores) {
  return {emitPositions(b, op, scores)};
}

Vectors ladon::cuda::emitMask(ImplicitLocOpBuilder &b, tile::MaskOp op,
                              Value scores) {
  Value visible = emitPositions(b, op, scores);
  Value hidden = splat(b, cast<VectorType>(scores.getType()), -infinity);
  return {arith::SelectOp::create(b, visible, scores, hidden)};
}

/// maxnumf leaves a NaN out.
Vectors ladon::cuda::emitRowMax(ImplicitLocOpBuilder &b, tile::RowMaxOp op,
                                Value scores) {
  ThreadTile place(b, op.getScores().getType());
  Value top = reduceRows(place, scores, [&](Value x, Value y) -> Value {
    return arith::MaxNumFOp::create(b, x, y);
  });
  Value least = splat(b, cast<VectorType>(top.getType()), lowest);
  return {arith::MaxNumFOp::create(b, top, least)};
}

//===----------------------------------------------------------------------===//
// Online softmax
//===----------------------------------------------------------------------===//

Vectors ladon::cuda::emitSoftmaxInit(ImplicitLocOpBuilder &b,
                                     tile::SoftmaxInitOp op,
                                     tile::SoftmaxInitOp::Adaptor operands) {
  auto type = [&](unsigned number) {
    return threadVector(cast<RankedTensorType>(op.getResultTypes()[number]),
                        threadsOf(op));
  };
  Value max = splat(b, type(0), lowest), sum = splat(b, type(1), 0);
  if (Value sinks = operands.getSinks()) {
    Value isNone = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sinks,
                                         splat(b, type(0), -infinity));
    Value most = splat(b, type(0), -lowest);
    sinks = arith::MinNumFOp::create(b, sinks, most);
    max = arith::SelectOp::create(b, isNone, max, sinks);
    sum = arith::SelectOp::create(b, isNone, sum, splat(b, type(1), 1));
  }
  return {max, sum, splat(b, type(2), 0)};
}

Vectors
ladon::cuda::emitSoftmaxWeights(ImplicitLocOpBuilder &b,
                                tile::SoftmaxWeightsOp op,
                                tile::SoftmaxWeightsOp::Adaptor operands) {
  ThreadTile place(b, op.getScores().getType());
  Value scores = operands.getScores(), old = operands.getMax();
  Value max = arith::MaxNumFOp::create(b, old, operands.getTop());
  Value rescale = power(b, arith::SubFOp::create(b, old, max), op.getBase2());
  Value difference = arith::SubFOp::create(b, scores, place.spread(max));
  Value weights = power(b, difference, op.getBase2());
  Value added = reduceRows(place, weights, [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(b, x, y);
  });
  Value sum = math::FmaOp::create(b, operands.getSum(), rescale, added);
  return {weights, max, sum, rescale};
}

Vectors ladon::cuda::emitMerge(ImplicitLocOpBuilder &b, tile::MergeOp op,
                               tile::MergeOp::Adaptor operands) {
  ThreadTile place(b, op.getAcc().getType());
  Value own = operands.getMax(), other = operands.getOtherMax();
  Value max = arith::MaxNumFOp::create(b, own, other);
  auto factor = [&](Value x) {
    return power(b, arith::SubFOp::create(b, x, max), op.getBase2());
  };
  Value ownFactor = factor(own), otherFactor = factor(other);
  auto combine = [&](Value into, Value from) -> Value {
    auto each = [&](Value rows) {
      return sizeOf(rows) == sizeOf(into) ? rows : place.spread(rows);
    };
    Value scaled = arith::MulFOp::create(b, from, each(otherFactor));
    return math::FmaOp::create(b, into, each(ownFactor), scaled);
  };
  return {max, combine(operands.getSum(), operands.getOtherSum()),
          combine(operands.getAcc(), operands.getOtherAcc())};
}

Vectors
ladon::cuda::emitSoftmaxFinish(ImplicitLocOpBuilder &b,
                               tile::SoftmaxFinishOp op,
                               tile::SoftmaxFinishOp::Adaptor operands) {
  ThreadTile place(b, op.getAcc().getType());
  Value sum = operands.getSum(), acc = operands.getAcc();
  auto rows = cast<VectorType>(sum.getType());
  // A row that saw no key has sum 0 and acc 0, and stays 0; NaN stays NaN.
  Value isEmpty = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sum,
                                        splat(b, rows, 0));
  Value divisor = arith::SelectOp::create(b, isEmpty, splat(b, rows, 1), sum);
  Value inverse = arith::DivFOp::create(b, splat(b, rows, 1), divisor);
  Value out = arith::MulFOp::create(b, acc, place.spread(inverse));
  Value max = operands.getMax();
  if (op.getBase2())
    max = arith::MulFOp::create(b, max, splat(b, rows, llvm::numbers::ln2));
  Value lse = arith::AddFOp::create(b, max, math::LogOp::create(b, sum));
  lse = arith::SelectOp::create(b, isEmpty, splat(b, rows, -infinity), lse);
  return {out, lse};
}

Vectors ladon::cuda::emitHasNonFinite(ImplicitLocOpBuilder &b, Value tile) {
  // x - x is 0 for a finite x, and NaN for all others.
  Value zeros = arith::SubFOp::create(b, tile, tile);
  Value isOther =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, zeros, zeros);
  Value any =
      vector::ReductionOp::create(b, vector::CombiningKind::OR, isOther);
  Value asInteger = arith::ExtUIOp::create(b, b.getI32Type(), any);
  auto together =
      NVVM::BarrierOp::create(b, TypeRange{b.getI32Type()}, Value(), Value(),
                              NVVM::BarrierReductionAttr::get(
                                  b.getContext(), NVVM::BarrierReduction::OR),
                              asInteger);
  Value zero = arith::ConstantIntOp::create(b, 0, 32);
  return {arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                together->getResult(0), zero)};
}
