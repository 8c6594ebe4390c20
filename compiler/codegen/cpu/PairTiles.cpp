//===- PairTiles.cpp - Tiles whose elements lie in pairs ------------------===//

#include "compiler/codegen/cpu/PairTiles.h"

#include "compiler/codegen/cpu/TileEmitter.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

bool ladon::cpu::hasPairs(Value tile) {
  return elementOf(tile).getIntOrFloatBitWidth() == 16;
}

/// A register of pairs, or fewer of them.
static VectorType pairsType(Value memory, int64_t pairs) {
  return VectorType::get({2 * pairs}, elementOf(memory));
}

static Value half(VectorEmitter &e, Value x) {
  return arith::DivUIOp::create(e.b, x, e.index(2));
}
static Value twice(VectorEmitter &e, Value x) {
  return arith::MulIOp::create(e.b, x, e.index(2));
}

//===----------------------------------------------------------------------===//
// Access
//===----------------------------------------------------------------------===//

Value ladon::cpu::pairRows(VectorEmitter &e, Value tile) {
  int64_t first = extent(tile, 0), rows = extent(tile, 1);
  Value flat = memref::CollapseShapeOp::create(
      e.b, tile, SmallVector<ReassociationIndices>{{0, 1}});
  return memref::ExpandShapeOp::create(
      e.b, ArrayRef<int64_t>{first / 2, 2 * rows}, flat,
      SmallVector<ReassociationIndices>{{0, 1}});
}

Value ladon::cpu::broadcastPair(VectorEmitter &e, Value matrix, Value row,
                                Value pair) {
  ImplicitLocOpBuilder &b = e.b;
  Value two = vector::LoadOp::create(b, pairsType(matrix, 1), matrix,
                                     ValueRange{row, twice(e, pair)});
  Type i32 = b.getI32Type();
  Value bits = vector::BitCastOp::create(b, VectorType::get({1}, i32), two);
  bits = vector::ExtractOp::create(b, bits, ArrayRef<int64_t>{0});
  return vector::BitCastOp::create(b, pairsType(matrix, e.lanes),
                                   e.broadcast(bits));
}

Value ladon::cpu::loadPairs(VectorEmitter &e, Value rows, Value pair,
                            Value first) {
  return vector::LoadOp::create(e.b, pairsType(rows, e.lanes), rows,
                                ValueRange{pair, twice(e, first)});
}

Value ladon::cpu::loadOfPairs(VectorEmitter &e, Value tile, Value key,
                              Value first) {
  ImplicitLocOpBuilder &b = e.b;
  Value pairs = loadPairs(e, pairRows(e, tile), half(e, key), first);
  auto split = vector::DeinterleaveOp::create(b, pairs);
  Value isEven = arith::CmpIOp::create(
      b, arith::CmpIPredicate::eq, arith::RemUIOp::create(b, key, e.index(2)),
      e.index(0));
  Value one =
      arith::SelectOp::create(b, isEven, split.getRes1(), split.getRes2());
  return e.convert(one, e.element);
}

//===----------------------------------------------------------------------===//
// Making pairs
//===----------------------------------------------------------------------===//

/// Runs `body` for pairs of [0, count), and then, where that is odd, for a pair
/// with one element.
static void forPairs(VectorEmitter &e, Value count,
                     llvm::function_ref<void(Value pair, bool isWhole)> body) {
  ImplicitLocOpBuilder &b = e.b;
  Value whole = half(e, count);
  forEach(e, e.index(0), whole, 1, [&](Value pair) { body(pair, true); });
  Value isOdd = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                      twice(e, whole), count);
  auto branch = scf::IfOp::create(b, isOdd, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body(whole, false);
}

void ladon::cpu::roundToPairs(VectorEmitter &e, Value from, Value keys,
                              Value rows, Value to) {
  ImplicitLocOpBuilder &b = e.b;
  Value toPairs = pairRows(e, to);
  Value end = rows ? rows : e.index(extent(from, 1));
  forPairs(e, keys, [&](Value pair, bool isWhole) {
    Value key = twice(e, pair);
    forEach(e, e.index(0), end, e.lanes, [&](Value column) {
      Value first = e.load(from, {key, column});
      Value second =
          isWhole ? e.load(from, {e.addIndex(key, 1), column}) : e.splat(0);
      Value pairs =
          RoundPairsOp::create(b, pairsType(to, e.lanes), first, second);
      vector::StoreOp::create(b, pairs, toPairs,
                              ValueRange{pair, twice(e, column)});
    });
  });
}

void ladon::cpu::transposeToPairs(VectorEmitter &e, Value view, Value count,
                                  Value tile) {
  ImplicitLocOpBuilder &b = e.b;
  Value some =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, count, e.index(0));
  auto branch = scf::IfOp::create(b, some, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value last = arith::SubIOp::create(b, count, e.index(1));
  Value to = pairRows(e, tile);
  // Pairs move as numbers of twice the bits.
  VectorType whole = pairsType(view, e.lanes), one = pairsType(view, 1);
  int64_t pairs = extent(tile, 0) / 2, square = pairs - pairs % e.lanes;
  forEach(e, e.index(0), count, e.lanes, [&](Value column) {
    SmallVector<Value> from;
    for (int64_t r = 0; r < e.lanes; ++r)
      from.push_back(e.minIndex(e.addIndex(column, r), last));
    forEach(e, e.index(0), e.index(square), e.lanes, [&](Value pair) {
      SmallVector<Value> block;
      for (Value r : from) {
        Value x = vector::LoadOp::create(b, whole, view,
                                         ValueRange{r, twice(e, pair)});
        block.push_back(vector::BitCastOp::create(b, e.vec, x));
      }
      for (auto [t, x] : llvm::enumerate(e.transpose(block)))
        vector::StoreOp::create(
            b, vector::BitCastOp::create(b, whole, x), to,
            ValueRange{e.addIndex(pair, t), twice(e, column)});
    });
    forEach(e, e.index(square), e.index(pairs), 1, [&](Value pair) {
      for (auto [r, row] : llvm::enumerate(from)) {
        Value x = vector::LoadOp::create(b, one, view,
                                         ValueRange{row, twice(e, pair)});
        vector::StoreOp::create(
            b, x, to, ValueRange{pair, twice(e, e.addIndex(column, r))});
      }
    });
  });
}

Value ladon::cpu::pairValues(VectorEmitter &e, Value value, Value keys) {
  ImplicitLocOpBuilder &b = e.b;
  int64_t features = extent(value, 1);
  Value to = memref::AllocOp::create(
      b,
      MemRefType::get({(extent(value, 0) + 1) / 2, 2 * features},
                      elementOf(value)),
      b.getI64IntegerAttr(64));
  forPairs(e, keys, [&](Value pair, bool isWhole) {
    Value key = twice(e, pair), next = e.addIndex(key, 1);
    auto move = [&](Value d, int64_t count) {
      auto type = VectorType::get({count}, elementOf(value));
      Value first = vector::LoadOp::create(b, type, value, ValueRange{key, d});
      Value second =
          isWhole
              ? vector::LoadOp::create(b, type, value, ValueRange{next, d})
                    .getResult()
              : arith::ConstantOp::create(b, b.getZeroAttr(type)).getResult();
      Value both = vector::InterleaveOp::create(b, first, second);
      vector::StoreOp::create(b, both, to, ValueRange{pair, twice(e, d)});
    };
    // Registers, then parts of them.
    int64_t done = 0;
    for (int64_t count : {2 * e.lanes, int64_t(8), int64_t(1)}) {
      int64_t end = features - (features - done) % count;
      forEach(e, e.index(done), e.index(end), count,
              [&](Value d) { move(d, count); });
      done = end;
    }
  });
  return to;
}
