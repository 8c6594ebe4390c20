//===- TileEmitter.cpp - Tile operations, wherever their rows lie ---------===//

#include "compiler/codegen/cpu/TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

//===----------------------------------------------------------------------===//
// Shared by both forms
//===----------------------------------------------------------------------===//

double ladon::cpu::lowestFinite(FloatType type) {
  return type.isF32() ? std::numeric_limits<float>::lowest()
                      : std::numeric_limits<double>::lowest();
}

Type ladon::cpu::elementOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

int64_t ladon::cpu::extent(Value buffer, unsigned axis) {
  return cast<MemRefType>(buffer.getType()).getDimSize(axis);
}

/// Bytes of a cache line.
static constexpr int64_t lineBytes = 64;

int64_t ladon::cpu::lineElements(Value memory) {
  return lineBytes * 8 / elementOf(memory).getIntOrFloatBitWidth();
}

/// The first `count` lanes.
static Value firstLanes(VectorEmitter &e, int64_t count) {
  SmallVector<bool> bits(e.lanes, false);
  std::fill_n(bits.begin(), count, true);
  auto type = VectorType::get({e.lanes}, e.b.getI1Type());
  return arith::ConstantOp::create(e.b, type,
                                   DenseElementsAttr::get(type, bits));
}

Value ladon::cpu::loadSome(VectorEmitter &e, Value from, ValueRange at,
                           int64_t count) {
  auto type = VectorType::get({e.lanes}, elementOf(from));
  if (count == e.lanes)
    return e.convert(vector::LoadOp::create(e.b, type, from, at), e.element);
  Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(type));
  Value some = vector::MaskedLoadOp::create(e.b, type, from, at,
                                            firstLanes(e, count), zero);
  return e.convert(some, e.element);
}

void ladon::cpu::storeSome(VectorEmitter &e, Value x, Value to, ValueRange at,
                           int64_t count) {
  if (count == e.lanes)
    return e.store(x, to, at);
  vector::MaskedStoreOp::create(e.b, to, at, firstLanes(e, count), x);
}

int64_t ladon::cpu::rowsAhead(Value matrix) {
  constexpr int64_t bytesAhead = 16384, most = 64;
  int64_t rowBytes = llvm::divideCeil(
      extent(matrix, 1) * elementOf(matrix).getIntOrFloatBitWidth(), 8);
  return std::min<int64_t>(llvm::divideCeil(bytesAhead, rowBytes), most);
}

void ladon::cpu::prefetch(VectorEmitter &e, Value matrix, Value row, Value d,
                          Cache cache) {
  memref::PrefetchOp::create(e.b, matrix, ValueRange{row, d},
                             /*isWrite=*/false,
                             /*localityHint=*/cache == Cache::First ? 3 : 2,
                             /*isDataCache=*/true);
}

void ladon::cpu::prefetchRow(VectorEmitter &e, Value matrix, Value row) {
  for (int64_t d = 0; d < extent(matrix, 1); d += lineElements(matrix))
    prefetch(e, matrix, row, e.index(d));
}

Value ladon::cpu::scratch(VectorEmitter &e, int64_t rows, int64_t columns) {
  return memref::AllocOp::create(e.b,
                                 MemRefType::get({rows, columns}, e.element),
                                 e.b.getI64IntegerAttr(64));
}

void ladon::cpu::forEach(VectorEmitter &e, Value lower, Value upper,
                         int64_t step, llvm::function_ref<void(Value)> body) {
  e.loop(lower, upper, step, {},
         [&](Value i, ValueRange) -> SmallVector<Value> {
           body(i);
           return {};
         });
}

void ladon::cpu::forRegisters(VectorEmitter &e, int64_t width,
                              llvm::function_ref<void(Value)> whole,
                              llvm::function_ref<void(Value)> single) {
  // Several at a time: a register is a load, a conversion and a store, and the
  // loop around it as much again.
  constexpr int64_t together = 4;
  int64_t square = width - width % e.lanes;
  int64_t main = width - width % (together * e.lanes);
  forEach(e, e.index(0), e.index(main), together * e.lanes, [&](Value d) {
    for (int64_t n = 0; n < together; ++n)
      whole(e.addIndex(d, n * e.lanes));
  });
  forEach(e, e.index(main), e.index(square), e.lanes, whole);
  forEach(e, e.index(square), e.index(width), 1, single);
}

Value ladon::cpu::emitPower(VectorEmitter &e, Value difference, bool base2) {
  if (!base2)
    difference =
        arith::MulFOp::create(e.b, difference, e.splat(llvm::numbers::log2e));
  return e.exp2(difference);
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

void ladon::cpu::emitScalarContract(VectorEmitter &e, tile::ContractOp op) {
  ImplicitLocOpBuilder &b = e.b;
  using Contract = tile::ContractOp;
  auto at = [&](unsigned number, Value first, Value second) {
    // `first` is along the dimension that comes first in (row, column, depth).
    AffineMap map = op.getMap(number);
    SmallVector<Value> indices = {first, second};
    if (map.getDimPosition(0) > map.getDimPosition(1))
      std::swap(indices[0], indices[1]);
    return indices;
  };
  auto size = [&](Value tile, unsigned number, unsigned dim) {
    return e.index(
        extent(tile, op.getMap(number).getDimPosition(0) == dim ? 0 : 1));
  };
  Value zero = arith::ConstantOp::create(b, b.getFloatAttr(e.element, 0));
  Value lowest = arith::ConstantOp::create(
      b, b.getFloatAttr(e.element, lowestFinite(e.element)));
  forEach(e, e.index(0), size(op.getLeft(), 0, Contract::Row), 1, [&](Value i) {
    Value highest = e.loop(
        e.index(0), op.getColumns(), 1, lowest, [&](Value j, ValueRange most) {
          Value dot = e.loop(
              e.index(0), size(op.getLeft(), 0, Contract::Depth), 1, zero,
              [&](Value k, ValueRange sum) {
                Value x = memref::LoadOp::create(b, op.getLeft(), at(0, i, k));
                Value y = memref::LoadOp::create(b, op.getRight(), at(1, j, k));
                y = e.convert(y, e.element);
                return SmallVector<Value>{math::FmaOp::create(b, x, y, sum[0])};
              })[0];
          memref::StoreOp::create(b, dot, op.getOuts()[0], at(2, i, j));
          return SmallVector<Value>{e.max(dot, most[0])};
        })[0];
    if (op.getOuts().size() > 1)
      memref::StoreOp::create(b, highest, op.getOuts()[1], i);
  });
}

/// The elements of a buffer as one row.
static Value flatten(VectorEmitter &e, Value buffer) {
  int64_t rank = cast<MemRefType>(buffer.getType()).getRank();
  if (rank == 1)
    return buffer;
  auto all = llvm::to_vector<2>(llvm::seq<int64_t>(0, rank));
  return memref::CollapseShapeOp::create(
      e.b, buffer, SmallVector<ReassociationIndices>{std::move(all)});
}

void ladon::cpu::emitSoftmaxInit(VectorEmitter &e, tile::SoftmaxInitOp op) {
  double values[] = {lowestFinite(e.element), 0, 0};
  for (unsigned part = 0; part < 3; ++part) {
    Value flat = flatten(e, op.getOuts()[part]);
    Value splat = e.splat(values[part]);
    Value scalar = arith::ConstantOp::create(
        e.b, e.b.getFloatAttr(e.element, values[part]));
    forRegisters(
        e, extent(flat, 0), [&](Value i) { e.store(splat, flat, i); },
        [&](Value i) { memref::StoreOp::create(e.b, scalar, flat, i); });
  }
  Value sinks = op.getSinks();
  if (!sinks)
    return;
  ImplicitLocOpBuilder &b = e.b;
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(b, b.getFloatAttr(e.element, value));
  };
  forEach(e, e.index(0), e.index(extent(sinks, 0)), 1, [&](Value row) {
    Value sink = memref::LoadOp::create(b, sinks, row);
    Value isNone =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sink,
                              number(-std::numeric_limits<double>::infinity()));
    Value most = number(-values[0]);
    Value isMore =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, sink, most);
    sink = arith::SelectOp::create(b, isMore, most, sink);
    Value max = arith::SelectOp::create(b, isNone, number(values[0]), sink);
    Value sum = arith::SelectOp::create(b, isNone, number(0), number(1));
    memref::StoreOp::create(b, max, op.getOuts()[0], row);
    memref::StoreOp::create(b, sum, op.getOuts()[1], row);
  });
}

Value ladon::cpu::emitHasNonFinite(VectorEmitter &e, tile::HasNonFiniteOp op) {
  ImplicitLocOpBuilder &b = e.b;
  Value flat = flatten(e, op.getTile());
  Value count = e.index(extent(flat, 0));
  // Rows that do not exist may hold anything. Those in the lanes share
  // registers with rows that do, and count: at worst a tile is computed twice.
  if (op.getRows() && !op.getTransposed())
    count = arith::MulIOp::create(b, op.getRows(),
                                  e.index(extent(op.getTile(), 1)));
  Value rest = arith::RemUIOp::create(b, count, e.index(e.lanes));
  Value whole = arith::SubIOp::create(b, count, rest);
  // x - x is 0 for finite x only.
  auto isBad = [&](Value x, Value zero) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE,
                                 arith::SubFOp::create(b, x, x), zero);
  };
  auto bits = VectorType::get({e.lanes}, b.getI1Type());
  Value none =
      arith::ConstantOp::create(b, bits, DenseElementsAttr::get(bits, false));
  Value any =
      e.loop(e.index(0), whole, e.lanes, none, [&](Value i, ValueRange found) {
        Value bad = isBad(e.load(flat, i), e.splat(0));
        return SmallVector<Value>{arith::OrIOp::create(b, found[0], bad)};
      })[0];
  Value result = vector::ReductionOp::create(b, vector::CombiningKind::OR, any);
  Value zero = arith::ConstantOp::create(b, b.getFloatAttr(e.element, 0));
  return e.loop(whole, count, 1, result, [&](Value i, ValueRange found) {
    Value x = memref::LoadOp::create(b, flat, i);
    return SmallVector<Value>{
        arith::OrIOp::create(b, found[0], isBad(x, zero))};
  })[0];
}
