//===- TileMemory.cpp - Tiles from and to tensors of the caller -----------===//
//
// Rows are read and written one after the other, whole registers at a time
// where their elements are neighbours; transposed tiles are turned in
// registers. Tensors may have any strides: what is not dense takes a slower
// path through single elements.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/PairTiles.h"
#include "compiler/codegen/cpu/RowView.h"
#include "compiler/codegen/cpu/TileEmitter.h"
#include "compiler/codegen/vector/RowMap.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

namespace {
/// Where the rows of a load or store are in the caller's tensor.
struct Rows {
  Value memory, batch, head, position;
  std::optional<AffineMap> map;
  Value pages; ///< Null without a page table.
  int64_t pageSize = 0;

  /// Rows that follow one another in memory, each one stride from the last.
  bool areStrided() const { return !map && !pages; }

  /// The indices of row `row`, without those of its features.
  SmallVector<Value> indices(VectorEmitter &e, Value row) const {
    ImplicitLocOpBuilder &b = e.b;
    MappedRow mapped = applyRowMap(b, map, row);
    Value h = mapped.head
                  ? arith::AddIOp::create(b, head, mapped.head).getResult()
                  : head;
    Value p = arith::AddIOp::create(b, position, mapped.position);
    if (!pages)
      return {batch, h, p};
    Value size = e.index(pageSize);
    Value number = memref::LoadOp::create(
        b, pages, ValueRange{batch, arith::DivUIOp::create(b, p, size)});
    Value page = arith::IndexCastOp::create(b, b.getIndexType(), number);
    Value last = arith::SubIOp::create(b, memref::DimOp::create(b, memory, 0),
                                       e.index(1));
    page = arith::MinSIOp::create(b, page, last);
    page = arith::MaxSIOp::create(b, page, e.index(0));
    return {page, h, arith::RemUIOp::create(b, p, size)};
  }
};
} // namespace

/// Calls one of two bodies, the first where the features of a row are
/// neighbours in memory.
static void ifDense(VectorEmitter &e, Value memory,
                    llvm::function_ref<void()> dense,
                    llvm::function_ref<void()> sparse) {
  auto branch =
      scf::IfOp::create(e.b, TypeRange(), hasUnitInnerStride(e, memory),
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPoint(branch.thenBlock()->getTerminator());
  dense();
  e.b.setInsertionPoint(branch.elseBlock()->getTerminator());
  sparse();
}

static VectorType vectorOf(VectorEmitter &e, Value memory) {
  return VectorType::get({e.lanes}, elementOf(memory));
}

/// Clears the elements of a buffer from row `count` on. What is unspecified is
/// zero here, so that no NaN of an earlier call looks like a result, and equal
/// calls give equal bits.
static void clearRest(VectorEmitter &e, Value buffer, Value count) {
  ImplicitLocOpBuilder &b = e.b;
  Type element = elementOf(buffer);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  auto vector = VectorType::get({e.lanes}, element);
  Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(vector));
  forEach(e, count, e.index(extent(buffer, 0)), 1, [&](Value row) {
    if (cast<MemRefType>(buffer.getType()).getRank() == 1) {
      memref::StoreOp::create(b, zero, buffer, row);
      return;
    }
    forRegisters(
        e, extent(buffer, 1),
        [&](Value d) { e.store(zeros, buffer, {row, d}); },
        [&](Value d) {
          memref::StoreOp::create(b, zero, buffer, ValueRange{row, d});
        });
  });
}

/// Copies rows into `buffer` [R, D], converted and scaled. Features that are
/// known not to be neighbours take single elements only.
static void copyIn(VectorEmitter &e, const Rows &rows, Value count,
                   Value buffer, std::optional<double> scale,
                   bool isSparse = false) {
  ImplicitLocOpBuilder &b = e.b;
  Type element = elementOf(buffer);
  auto scaled = [&](Value x) -> Value {
    x = e.convert(x, element);
    if (!scale)
      return x;
    Value factor =
        arith::ConstantOp::create(b, b.getFloatAttr(e.element, *scale));
    if (isa<VectorType>(x.getType()))
      factor = e.broadcast(factor);
    return arith::MulFOp::create(b, x, factor);
  };
  forEach(e, e.index(0), count, 1, [&](Value row) {
    SmallVector<Value> at = rows.indices(e, row);
    auto single = [&](Value d) {
      SmallVector<Value> from(at);
      from.push_back(d);
      Value x = memref::LoadOp::create(b, rows.memory, from);
      memref::StoreOp::create(b, scaled(x), buffer, ValueRange{row, d});
    };
    auto whole = [&](Value d) {
      Value view =
          rowsInPlace(e, rows.memory, {at[0], at[1], at[2], e.index(0)},
                      e.index(1), extent(buffer, 1));
      Value x = vector::LoadOp::create(b, vectorOf(e, rows.memory), view,
                                       ValueRange{e.index(0), d});
      e.store(scaled(x), buffer, {row, d});
    };
    auto sparse = [&] {
      forEach(e, e.index(0), e.index(extent(buffer, 1)), 1, single);
    };
    if (isSparse)
      return sparse();
    ifDense(
        e, rows.memory,
        [&] { forRegisters(e, extent(buffer, 1), whole, single); }, sparse);
  });
}

/// Runs `whole` over the registers of the first `columns` columns, or of all
/// `width` of them when it is null, and `single` over the rest.
static void forSomeRegisters(VectorEmitter &e, int64_t width, Value columns,
                             llvm::function_ref<void(Value)> whole,
                             llvm::function_ref<void(Value)> single) {
  if (!columns)
    return forRegisters(e, width, whole, single);
  Value rest = arith::RemUIOp::create(e.b, columns, e.index(e.lanes));
  Value square = arith::SubIOp::create(e.b, columns, rest);
  forEach(e, e.index(0), square, e.lanes, whole);
  forEach(e, square, columns, 1, single);
}

/// Copies the first `count` rows of `buffer` [R, D] out, converted; of each the
/// first `columns`, unless it is null.
static void copyOut(VectorEmitter &e, Value buffer, const Rows &rows,
                    Value count, Value columns) {
  ImplicitLocOpBuilder &b = e.b;
  Type element = elementOf(rows.memory);
  forEach(e, e.index(0), count, 1, [&](Value row) {
    SmallVector<Value> at = rows.indices(e, row);
    auto single = [&](Value d) {
      SmallVector<Value> to(at);
      to.push_back(d);
      Value x = memref::LoadOp::create(b, buffer, ValueRange{row, d});
      memref::StoreOp::create(b, e.convert(x, element), rows.memory, to);
    };
    auto whole = [&](Value d) {
      Value view =
          rowsInPlace(e, rows.memory, {at[0], at[1], at[2], e.index(0)},
                      e.index(1), extent(buffer, 1));
      vector::StoreOp::create(b, e.convert(e.load(buffer, {row, d}), element),
                              view, ValueRange{e.index(0), d});
    };
    ifDense(
        e, rows.memory,
        [&] { forSomeRegisters(e, extent(buffer, 1), columns, whole, single); },
        [&] {
          Value end = columns ? columns : e.index(extent(buffer, 1));
          forEach(e, e.index(0), end, 1, single);
        });
  });
}

//===----------------------------------------------------------------------===//
// Load
//===----------------------------------------------------------------------===//

/// Turns rows of a [R, D] view into a transposed tile. Registers with rows from
/// `count` on repeat the last one; nobody reads what becomes of them. The rows
/// on both sides are asked for: the next tile's are there, or the next head's.
static void transposeIn(VectorEmitter &e, Value view, Value count, Value tile,
                        double scale) {
  ImplicitLocOpBuilder &b = e.b;
  Value some =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, count, e.index(0));
  auto branch = scf::IfOp::create(b, some, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value factor = e.splat(scale);
  Value scalar = arith::ConstantOp::create(b, b.getFloatAttr(e.element, scale));
  Value last = arith::SubIOp::create(b, count, e.index(1));
  Value tileRows = e.index(extent(tile, 1));
  int64_t features = extent(tile, 0), square = features - features % e.lanes;
  forEach(e, e.index(0), count, e.lanes, [&](Value column) {
    SmallVector<Value> from;
    for (int64_t r = 0; r < e.lanes; ++r)
      from.push_back(e.minIndex(e.addIndex(column, r), last));
    forEach(e, e.index(0), e.index(square), e.lanes, [&](Value d) {
      SmallVector<Value> block;
      for (Value r : from) {
        Value x = e.load(view, {r, d});
        block.push_back(arith::MulFOp::create(b, x, factor));
        prefetch(e, view, arith::AddIOp::create(b, r, count), d);
        prefetch(e, view, arith::SubIOp::create(b, r, tileRows), d);
      }
      for (auto [t, x] : llvm::enumerate(e.transpose(block)))
        e.store(x, tile, {e.addIndex(d, t), column});
    });
    for (int64_t d = square; d < features; ++d)
      for (int64_t r = 0; r < e.lanes; ++r) {
        Value x =
            memref::LoadOp::create(b, view, ValueRange{from[r], e.index(d)});
        x = arith::MulFOp::create(b, x, scalar);
        memref::StoreOp::create(b, x, tile,
                                ValueRange{e.index(d), e.addIndex(column, r)});
      }
  });
}

/// A tile of one axis.
static void loadVector(VectorEmitter &e, const Rows &rows, Value count,
                       Value tile, double scale) {
  ImplicitLocOpBuilder &b = e.b;
  Value factor = arith::ConstantOp::create(b, b.getFloatAttr(e.element, scale));
  forEach(e, e.index(0), count, 1, [&](Value row) {
    Value x = memref::LoadOp::create(b, rows.memory, rows.indices(e, row));
    x = arith::MulFOp::create(b, e.convert(x, e.element), factor);
    memref::StoreOp::create(b, x, tile, row);
  });
  clearRest(e, tile, count);
}

void ladon::cpu::emitLoad(VectorEmitter &e, tile::LoadOp op) {
  Value tile = op.getOuts()[0], count = op.getRows();
  Rows rows{op.getSource(),
            op.getBatch(),
            op.getHead(),
            op.getRow(),
            op.getRowMap(),
            op.getPages(),
            static_cast<int64_t>(op.getPageSize().value_or(0))};
  std::optional<double> scale;
  if (op.getScale())
    scale = op.getScale()->convertToDouble();
  if (op.getTileType().getRank() == 1)
    return loadVector(e, rows, count, tile, scale.value_or(1));
  if (!op.getTransposed()) {
    bool isSparse = op->hasAttr(tile::sparseAttr);
    copyIn(e, rows, count, tile, scale, isSparse);
    if (!isSparse)
      clearRest(e, tile, count);
    return;
  }
  Value copy = scratch(e, extent(tile, 1), extent(tile, 0));
  Value view = copy;
  if (rows.areStrided() && elementOf(rows.memory) == e.element)
    view = rowView(e, rows.memory,
                   {rows.batch, rows.head, rows.position, e.index(0)}, count,
                   e.index(extent(tile, 0)), copy);
  else
    copyIn(e, rows, count, copy, std::nullopt);
  if (!hasPairs(tile))
    return transposeIn(e, view, count, tile, scale.value_or(1));
  VectorEmitter pairs(e.b, e.b.getF32Type(), e.lanes / 2);
  transposeToPairs(pairs, view, count, tile);
}

//===----------------------------------------------------------------------===//
// Store
//===----------------------------------------------------------------------===//

/// Turns a transposed tile in registers, and hands each of its first `count`
/// rows, `lanes` features at a time, to `whole`; features that fill no register
/// are left to `single`. Of the features only the first `columns`, unless that
/// is null.
static void
transposeOut(VectorEmitter &e, Value tile, Value count, Value columns,
             llvm::function_ref<void(Value row, Value d, Value x)> whole,
             llvm::function_ref<void(Value row, Value d, Value x)> single) {
  ImplicitLocOpBuilder &b = e.b;
  int64_t features = extent(tile, 0);
  Value end = columns ? columns : e.index(features);
  Value square = e.index(features - features % e.lanes);
  if (columns)
    square = arith::SubIOp::create(
        b, columns, arith::RemUIOp::create(b, columns, e.index(e.lanes)));
  forEach(e, e.index(0), count, e.lanes, [&](Value column) {
    forEach(e, e.index(0), square, e.lanes, [&](Value d) {
      SmallVector<Value> block;
      for (int64_t t = 0; t < e.lanes; ++t)
        block.push_back(e.load(tile, {e.addIndex(d, t), column}));
      for (auto [r, x] : llvm::enumerate(e.transpose(block))) {
        Value row = e.addIndex(column, r);
        Value exists =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row, count);
        auto store = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(store.thenBlock());
        whole(row, d, x);
      }
    });
  });
  if (columns || features % e.lanes != 0)
    forEach(e, e.index(0), count, 1, [&](Value row) {
      forEach(e, square, end, 1, [&](Value d) {
        single(row, d, memref::LoadOp::create(b, tile, ValueRange{d, row}));
      });
    });
}

void ladon::cpu::emitStore(VectorEmitter &e, tile::StoreOp op) {
  ImplicitLocOpBuilder &b = e.b;
  Value tile = op.getTile(), dest = op.getDest(), count = op.getRows(),
        columns = op.getColumns();
  Rows rows{dest,           op.getBatch(),     op.getHead(),  op.getRow(),
            op.getRowMap(), /*pages=*/Value(), /*pageSize=*/0};
  Type element = elementOf(dest);
  if (cast<MemRefType>(tile.getType()).getRank() == 1)
    return forEach(e, e.index(0), count, 1, [&](Value row) {
      Value x = memref::LoadOp::create(b, tile, row);
      memref::StoreOp::create(b, e.convert(x, element), dest,
                              rows.indices(e, row));
    });
  if (!op.getTransposed())
    return copyOut(e, tile, rows, count, columns);
  if (!rows.areStrided()) {
    Value copy = scratch(e, extent(tile, 1), extent(tile, 0));
    transposeOut(
        e, tile, count, columns,
        [&](Value row, Value d, Value x) { e.store(x, copy, {row, d}); },
        [&](Value row, Value d, Value x) {
          memref::StoreOp::create(b, x, copy, ValueRange{row, d});
        });
    return copyOut(e, copy, rows, count, columns);
  }
  auto single = [&](Value row, Value d, Value x) {
    SmallVector<Value> at = rows.indices(e, row);
    at.push_back(d);
    memref::StoreOp::create(b, e.convert(x, element), dest, at);
  };
  ifDense(
      e, dest,
      [&] {
        Value view = rowsInPlace(
            e, dest, {rows.batch, rows.head, rows.position, e.index(0)}, count,
            extent(tile, 0));
        transposeOut(
            e, tile, count, columns,
            [&](Value row, Value d, Value x) {
              vector::StoreOp::create(b, e.convert(x, element), view,
                                      ValueRange{row, d});
              // The next tile's rows are there, or the next head's: a store
              // waits for a line that is not in a cache.
              prefetch(e, view, arith::AddIOp::create(b, row, count), d);
            },
            single);
      },
      [&] {
        forEach(e, e.index(0), count, 1, [&](Value row) {
          Value end = columns ? columns : e.index(extent(tile, 0));
          forEach(e, e.index(0), end, 1, [&](Value d) {
            single(row, d, memref::LoadOp::create(b, tile, ValueRange{d, row}));
          });
        });
      });
}

//===----------------------------------------------------------------------===//
// Weights in place
//===----------------------------------------------------------------------===//

/// A factor for each row, of all rows at once, and one pass over the weights.
void ladon::cpu::emitNormalizeStored(VectorEmitter &e,
                                     tile::NormalizeStoredOp op) {
  ImplicitLocOpBuilder &b = e.b;
  Value weights = op.getWeights(), columns = op.getColumns();
  Value factors = scratch(e, 1, extent(op.getSeen(), 0)), first = e.index(0);
  forEach(e, first, op.getRows(), e.lanes, [&](Value row) {
    Value seen = e.load(op.getSeen(), row), max = e.load(op.getMax(), row);
    Value power =
        emitPower(e, arith::SubFOp::create(b, seen, max), op.getBase2());
    // What is hidden has this one as its weight: nothing, or NaN as the sum is.
    Value isHidden =
        arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, seen, seen);
    power = arith::SelectOp::create(b, isHidden, e.splat(0), power);
    Value inverse = inverseOfSum(e, e.load(op.getSum(), row));
    e.store(arith::MulFOp::create(b, power, inverse), factors, {first, row});
  });

  Rows rows{weights,        op.getBatch(),     op.getHead(),  op.getRow(),
            op.getRowMap(), /*pages=*/Value(), /*pageSize=*/0};
  forEach(e, first, op.getRows(), 1, [&](Value row) {
    SmallVector<Value> at = rows.indices(e, row);
    at.push_back(first);
    Value factor = memref::LoadOp::create(b, factors, ValueRange{first, row});
    Value seen = memref::LoadOp::create(b, op.getSeen(), row);
    Value isHidden =
        arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, seen, seen);
    Value all = e.broadcast(factor);
    auto single = [&](Value column) {
      at.back() = column;
      Value x = memref::LoadOp::create(b, weights, at);
      x = arith::MulFOp::create(b, x, factor);
      x = arith::SelectOp::create(b, isHidden, factor, x);
      memref::StoreOp::create(b, x, weights, at);
    };
    auto whole = [&](Value column) {
      at.back() = column;
      Value view = rowsInPlace(e, weights, at, e.index(1), e.lanes);
      Value x = e.load(view, {first, first});
      x = arith::MulFOp::create(b, x, all);
      x = arith::SelectOp::create(b, isHidden, all, x);
      e.store(x, view, {first, first});
    };
    ifDense(
        e, weights,
        [&] { forSomeRegisters(e, /*width=*/0, columns, whole, single); },
        [&] { forEach(e, first, columns, 1, single); });
  });
}
