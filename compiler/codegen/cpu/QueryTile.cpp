//===- QueryTile.cpp - One query tile on a CPU core -----------------------===//
//
// The online softmax is that of Milakov and Gimelshein 2018; the rescale of the
// accumulators is one multiply-add where a block's sum is added to them
// (FlashAttention, Dao 2022, has it as a pass of its own).
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/QueryTile.h"

#include "compiler/codegen/cpu/PositionRegion.h"
#include "compiler/codegen/cpu/RowView.h"
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

QueryTile::QueryTile(VectorEmitter &emitter, TileShape shape)
    : e(emitter), b(emitter.b), shape(shape) {
  setCompact(false);
  query = buffer({shape.features, shape.queries});
  score = buffer({shape.keys, shape.queries});
  acc = buffer({shape.values, shape.queries});
  max = buffer({shape.queries});
  sum = buffer({shape.queries});
  rescale = buffer({shape.queries});
  blockMax = buffer({shape.queries});
  // Also holds the rows of a query tile whose inner stride is not 1.
  keyCopy = buffer({std::max(shape.keys, shape.queries), shape.features});
  valueCopy = buffer({shape.keys, shape.values});
  // Finite, so that a row without a visible key has differences that are not
  // NaN, in units of log2(e) too.
  lowest = e.element.isF32() ? -double(std::numeric_limits<float>::max()) / 2
                             : -std::numeric_limits<double>::max() / 2;
}

void QueryTile::setCompact(bool compact) {
  scoreRows = compact ? 1 : shape.rowsAtOnce;
  scoreUnroll = compact ? 1 : shape.unroll;
}

Value QueryTile::buffer(ArrayRef<int64_t> dims) {
  return memref::AllocOp::create(b, MemRefType::get(dims, e.element),
                                 b.getI64IntegerAttr(64));
}

Value QueryTile::elementConstant(double value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(e.element, value));
}

void QueryTile::forColumns(ColumnBody body) {
  e.loop(e.index(0), e.index(shape.queries), e.lanes, {},
         [&](Value column, ValueRange) -> SmallVector<Value> {
           body(column);
           return {};
         });
}

void QueryTile::forRowGroups(
    int64_t rows, llvm::function_ref<void(Value first, int64_t count)> body) {
  int64_t whole = rows - rows % shape.rowsAtOnce;
  e.loop(e.index(0), e.index(whole), shape.rowsAtOnce, {},
         [&](Value first, ValueRange) -> SmallVector<Value> {
           body(first, shape.rowsAtOnce);
           return {};
         });
  if (whole < rows)
    body(e.index(whole), rows - whole);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Missing rows repeat the last one; nobody reads what becomes of them.
void QueryTile::loadQuery(Value source, Value batch, Value head, Value row,
                          Value rows, double scale) {
  Value view = rowView(e, source, {batch, head, row, e.index(0)}, rows,
                       e.index(shape.features), keyCopy);
  Value factor = e.splat(scale), scalarFactor = elementConstant(scale);
  Value last = arith::SubIOp::create(b, rows, e.index(1));
  int64_t square = shape.features - shape.features % e.lanes;
  forColumns([&](Value column) {
    SmallVector<Value> from;
    for (int64_t r = 0; r < e.lanes; ++r)
      from.push_back(e.minIndex(e.addIndex(column, r), last));
    e.loop(e.index(0), e.index(square), e.lanes, {}, [&](Value d, ValueRange) {
      SmallVector<Value> block;
      for (Value r : from) {
        Value x = e.load(view, {r, d});
        block.push_back(arith::MulFOp::create(b, x, factor));
      }
      for (auto [t, x] : llvm::enumerate(e.transpose(block)))
        e.store(x, query, {e.addIndex(d, t), column});
      return SmallVector<Value>();
    });
    for (int64_t d = square; d < shape.features; ++d)
      for (int64_t r = 0; r < e.lanes; ++r) {
        Value x =
            memref::LoadOp::create(b, view, ValueRange{from[r], e.index(d)});
        x = arith::MulFOp::create(b, x, scalarFactor);
        memref::StoreOp::create(b, x, query,
                                ValueRange{e.index(d), e.addIndex(column, r)});
      }
  });
}

Value QueryTile::loadRows(Value source, Value batch, Value head, Value row,
                          Value rows, bool isValue) {
  int64_t width = isValue ? shape.values : shape.features;
  return rowView(e, source, {batch, head, row, e.index(0)}, rows,
                 e.index(width), isValue ? valueCopy : keyCopy);
}

void QueryTile::storeOut(Value dest, Value batch, Value head, Value row,
                         Value rows) {
  auto branch = scf::IfOp::create(b, TypeRange(), hasUnitInnerStride(e, dest),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  int64_t square = shape.values - shape.values % e.lanes;
  auto storeScalars = [&](int64_t begin) {
    e.loop(e.index(0), rows, 1, {}, [&](Value lane, ValueRange) {
      Value position = arith::AddIOp::create(b, row, lane);
      e.loop(e.index(begin), e.index(shape.values), 1, {},
             [&](Value d, ValueRange) -> SmallVector<Value> {
               Value x = memref::LoadOp::create(b, acc, ValueRange{d, lane});
               memref::StoreOp::create(b, x, dest,
                                       ValueRange{batch, head, position, d});
               return {};
             });
      return SmallVector<Value>();
    });
  };
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  Value view =
      rowsInPlace(e, dest, {batch, head, row, e.index(0)}, rows, shape.values);
  forColumns([&](Value column) {
    e.loop(e.index(0), e.index(square), e.lanes, {}, [&](Value d, ValueRange) {
      SmallVector<Value> block;
      for (int64_t t = 0; t < e.lanes; ++t)
        block.push_back(e.load(acc, {e.addIndex(d, t), column}));
      for (auto [r, x] : llvm::enumerate(e.transpose(block))) {
        Value lane = e.addIndex(column, r);
        Value exists =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lane, rows);
        auto store = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(store.thenBlock());
        e.store(x, view, {lane, d});
      }
      return SmallVector<Value>();
    });
  });
  if (square < shape.values)
    storeScalars(square);
  b.setInsertionPoint(branch.elseBlock()->getTerminator());
  storeScalars(0);
}

void QueryTile::storeLse(Value dest, Value batch, Value head, Value row,
                         Value rows) {
  e.loop(e.index(0), rows, 1, {},
         [&](Value lane, ValueRange) -> SmallVector<Value> {
           Value position = arith::AddIOp::create(b, row, lane);
           Value x = memref::LoadOp::create(b, sum, lane);
           memref::StoreOp::create(b, x, dest,
                                   ValueRange{batch, head, position});
           return {};
         });
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

void QueryTile::scores(Value key, Value keys, bool isLast) {
  int64_t columns = shape.queries / e.lanes;
  int64_t group = scoreRows;
  Value last = arith::SubIOp::create(b, keys, e.index(1));
  SmallVector<Value> zeros(group * columns, e.splat(0));
  SmallVector<Value> noMax;
  if (isLast)
    noMax.assign(columns, e.splat(lowest));
  // A last group of fewer keys repeats the last key: the buffer has room for
  // its rows, a repeated score does not change the maximum, and no row past
  // the end is touched.
  ValueRange highest = e.loop(
      e.index(0), keys, group, noMax, [&](Value first, ValueRange carried) {
        SmallVector<Value> keyRows;
        for (int64_t r = 0; r < group; ++r)
          keyRows.push_back(e.minIndex(e.addIndex(first, r), last));
        SmallVector<Value> dots = e.matmul(
            group, columns, e.index(shape.features), scoreUnroll, zeros,
            [&](int64_t r, Value d) -> Value {
              return memref::LoadOp::create(b, key, ValueRange{keyRows[r], d});
            },
            [&](Value d, int64_t n) {
              return e.load(query, {d, e.index(n * e.lanes)});
            });
        SmallVector<Value> running(carried);
        for (int64_t r = 0; r < group; ++r)
          for (int64_t n = 0; n < columns; ++n) {
            Value dot = dots[r * columns + n];
            e.store(dot, score, {e.addIndex(first, r), e.index(n * e.lanes)});
            if (isLast)
              running[n] = e.max(dot, running[n]);
          }
        return running;
      });
  for (auto [n, value] : llvm::enumerate(highest))
    e.store(value, blockMax, e.index(n * e.lanes));
}

void QueryTile::forScores(Value keys, bool isLast,
                          llvm::function_ref<void(Value column)> enterColumn,
                          llvm::function_ref<Value(Value row, Value s)> body) {
  forColumns([&](Value column) {
    enterColumn(column);
    SmallVector<Value> noMax;
    if (isLast)
      noMax.push_back(e.splat(lowest));
    ValueRange highest =
        e.loop(e.index(0), keys, 1, noMax, [&](Value row, ValueRange carried) {
          Value s = body(row, e.load(score, {row, column}));
          e.store(s, score, {row, column});
          SmallVector<Value> running(carried);
          if (isLast)
            running[0] = e.max(s, running[0]);
          return running;
        });
    if (isLast)
      e.store(highest[0], blockMax, column);
  });
}

template <typename PositionOp>
static PositionRegion makeRegion(VectorEmitter &e, PositionOp op,
                                 IRMapping &map) {
  auto at = [&](Value v) { return map.lookupOrDefault(v); };
  SmallVector<Value> captures;
  for (Value capture : op.getCaptures())
    captures.push_back(at(capture));
  return PositionRegion(e, op.getBody().front(),
                        std::is_same_v<PositionOp, tile::ModifyOp>,
                        at(op.getBatch()), at(op.getHead()), at(op.getQuery()),
                        at(op.getKey()), captures, map);
}

void QueryTile::modify(tile::ModifyOp op, IRMapping &map, bool isLast) {
  PositionRegion region = makeRegion(e, op, map);
  region.emitUniform();
  forScores(
      map.lookupOrDefault(op.getKeys()), isLast,
      [&](Value column) { region.emitColumn(column); },
      [&](Value row, Value s) { return region.emitRow(row, s); });
}

void QueryTile::mask(tile::MaskOp op, IRMapping &map, bool isLast) {
  PositionRegion region = makeRegion(e, op, map);
  Value hidden = e.splat(-infinity);
  region.emitUniform();
  forScores(
      map.lookupOrDefault(op.getKeys()), isLast,
      [&](Value column) { region.emitColumn(column); },
      [&](Value row, Value s) -> Value {
        Value visible = region.emitRow(row, s);
        return arith::SelectOp::create(b, visible, s, hidden);
      });
}

//===----------------------------------------------------------------------===//
// Online softmax
//===----------------------------------------------------------------------===//

void QueryTile::softmaxInit() {
  forColumns([&](Value column) {
    e.store(e.splat(lowest), max, column);
    e.store(e.splat(0), sum, column);
    e.loop(e.index(0), e.index(shape.values), 1, {},
           [&](Value d, ValueRange) -> SmallVector<Value> {
             e.store(e.splat(0), acc, {d, column});
             return {};
           });
  });
}

void QueryTile::softmaxUpdate(Value value, Value keys, bool base2,
                              bool guarded) {
  weights(keys, base2, guarded);
  if (guarded)
    accumulateGuarded(value, keys);
  else
    accumulate(value, keys);
}

/// Turns scores into weights, column by column: a column's constants and state
/// fit the registers, three columns' would not.
void QueryTile::weights(Value keys, bool base2, bool guarded) {
  Value log2e = e.splat(llvm::numbers::log2e);
  forColumns([&](Value column) {
    Value old = e.load(max, column);
    Value highest = e.max(e.load(blockMax, column), old);
    e.store(highest, max, column);
    Value drop = arith::SubFOp::create(b, old, highest);
    Value shift = arith::NegFOp::create(b, highest);
    if (!base2) {
      drop = arith::MulFOp::create(b, drop, log2e);
      shift = arith::MulFOp::create(b, shift, log2e);
    }
    Value factor = e.exp2(drop);
    e.store(factor, rescale, column);
    // The block is summed by itself first: fewer terms in one running sum.
    Value blockSum = e.loop(
        e.index(0), keys, 1, e.splat(0), [&](Value row, ValueRange carried) {
          Value s = e.load(score, {row, column});
          Value t = base2
                        ? e.add(s, shift)
                        : vector::FMAOp::create(b, s, log2e, shift).getResult();
          Value weight = e.exp2(t);
          Value stored = weight;
          if (guarded) {
            // A hidden key must stay distinguishable from a vanishing weight.
            Value hidden = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                                 s, e.splat(-infinity));
            stored = arith::SelectOp::create(b, hidden, e.splat(-1), weight);
          }
          e.store(stored, score, {row, column});
          return SmallVector<Value>{e.add(carried[0], weight)};
        })[0];
    Value previous = e.load(sum, column);
    e.store(vector::FMAOp::create(b, previous, factor, blockSum), sum, column);
  });
}

/// Each block is summed from zero and then added: sums stay short, and with
/// them the rounding error, however many keys there are.
void QueryTile::accumulate(Value value, Value keys) {
  int64_t columns = shape.queries / e.lanes;
  forRowGroups(shape.values, [&](Value first, int64_t count) {
    SmallVector<Value> rows;
    for (int64_t r = 0; r < count; ++r)
      rows.push_back(e.addIndex(first, r));
    SmallVector<Value> zeros(count * columns, e.splat(0));
    SmallVector<Value> sums = e.matmul(
        count, columns, keys, shape.unroll, zeros,
        [&](int64_t r, Value j) -> Value {
          return memref::LoadOp::create(b, value, ValueRange{j, rows[r]});
        },
        [&](Value j, int64_t n) {
          return e.load(score, {j, e.index(n * e.lanes)});
        });
    for (int64_t n = 0; n < columns; ++n) {
      Value lane = e.index(n * e.lanes);
      Value factor = e.load(rescale, lane);
      for (int64_t r = 0; r < count; ++r) {
        Value old = e.load(acc, {rows[r], lane});
        Value sum =
            vector::FMAOp::create(b, old, factor, sums[r * columns + n]);
        e.store(sum, acc, {rows[r], lane});
      }
    }
  });
}

/// The same with hidden keys (weight -1) left out lane by lane, so that a value
/// that is not finite reaches only the rows that see it. Small, not fast.
void QueryTile::accumulateGuarded(Value value, Value keys) {
  Value zero = e.splat(0);
  forColumns([&](Value column) {
    Value factor = e.load(rescale, column);
    e.loop(e.index(0), e.index(shape.values), 1, {}, [&](Value d, ValueRange) {
      Value old = e.load(acc, {d, column});
      Value start = arith::MulFOp::create(b, old, factor);
      Value result =
          e.loop(e.index(0), keys, 1, start, [&](Value j, ValueRange carried) {
            Value weight = e.load(score, {j, column});
            Value x = memref::LoadOp::create(b, value, ValueRange{j, d});
            Value seen = arith::CmpFOp::create(b, arith::CmpFPredicate::UGE,
                                               weight, zero);
            Value next =
                vector::FMAOp::create(b, weight, e.broadcast(x), carried[0]);
            return SmallVector<Value>{
                arith::SelectOp::create(b, seen, next, carried[0])};
          })[0];
      e.store(result, acc, {d, column});
      return SmallVector<Value>();
    });
  });
}

void QueryTile::softmaxFinish(bool base2) {
  Value zero = e.splat(0);
  forColumns([&](Value column) {
    Value total = e.load(sum, column);
    // A row that saw no key has total 0 and acc 0, and stays 0; NaN stays NaN.
    Value empty =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, total, zero);
    Value inverse = arith::DivFOp::create(
        b, e.splat(1), arith::SelectOp::create(b, empty, e.splat(1), total));
    e.loop(e.index(0), e.index(shape.values), 1, {},
           [&](Value d, ValueRange) -> SmallVector<Value> {
             Value x = e.load(acc, {d, column});
             e.store(arith::MulFOp::create(b, x, inverse), acc, {d, column});
             return {};
           });
    Value highest = e.load(max, column);
    if (base2)
      highest = arith::MulFOp::create(b, highest, e.splat(llvm::numbers::ln2));
    Value lse = e.add(highest, math::LogOp::create(b, total));
    lse = arith::SelectOp::create(b, empty, e.splat(-infinity), lse);
    e.store(lse, sum, column);
  });
}

Value QueryTile::hasNonFinite() {
  auto bits = VectorType::get({e.lanes}, b.getI1Type());
  Value none =
      arith::ConstantOp::create(b, bits, DenseElementsAttr::get(bits, false));
  Value zero = e.splat(0);
  Value any = e.loop(e.index(0), e.index(shape.values), 1, none,
                     [&](Value d, ValueRange carried) {
                       SmallVector<Value> found(carried);
                       for (int64_t n = 0; n < shape.queries / e.lanes; ++n) {
                         Value x = e.load(acc, {d, e.index(n * e.lanes)});
                         // x - x is 0 for finite x only.
                         Value difference = arith::SubFOp::create(b, x, x);
                         Value bad = arith::CmpFOp::create(
                             b, arith::CmpFPredicate::UNE, difference, zero);
                         found[0] = arith::OrIOp::create(b, found[0], bad);
                       }
                       return found;
                     })[0];
  return vector::ReductionOp::create(b, vector::CombiningKind::OR, any);
}
