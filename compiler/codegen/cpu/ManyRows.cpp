//===- ManyRows.cpp - Products of many rows -------------------------------===//
//
// The register tile is that of attention: rows of x are scalars, broadcast,
// columns of w are in the lanes.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/MatrixPanels.h"
#include "compiler/codegen/cpu/MatrixProduct.h"
#include "compiler/codegen/cpu/TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

/// Vectors of columns per register tile, and per panel of w: sizes of models
/// are multiples of 16, and of 32, but not of 24.
static constexpr int64_t registerColumns = 2;
/// Rows per grid point, at most: whole register tiles of them.
static constexpr int64_t mostRows = 96;
/// Columns per grid point, a multiple of every panel's: so often is a row of x
/// used that was copied.
static constexpr int64_t columnBlock = 256;
/// Of a panel of w at once: it stays in the first-level cache beside the rows
/// of a register tile.
static constexpr int64_t panelBytes = 24 << 10;

namespace {
class ManyRows {
public:
  ManyRows(MatrixProduct product, int64_t group, int64_t unroll)
      : product(product), e(product.e), b(product.e.b), out(product.out),
        group(group), unroll(unroll),
        rowBlock(std::max(mostRows - mostRows % group, group)),
        width(registerColumns * e.lanes),
        depthBlock(panelBytes * 8 / (width * e.element.getWidth())),
        panels(e, product.w, product.isTransposed, width, depthBlock) {}

  void lower();

private:
  void lowerPoint(Value row, Value column);
  /// Of each panel its number in the block, its first column, and how many of
  /// its columns exist.
  void forPanels(
      Value column, Value end,
      llvm::function_ref<void(Value number, Value first, Value columns)> body);
  void initialise(Value rows, Value column, Value end);
  void addProducts(Value panel, Value number, Value rows, Value steps);
  void finish(Value row, Value rows, Value column, Value end);
  /// The row of `tile` that holds row `r` of a panel.
  Value tileRow(Value number, Value r) {
    return sum(arith::MulIOp::create(b, number, e.index(rowBlock)), r);
  }
  Value sum(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value rest(Value extent, Value from, int64_t most) {
    return e.minIndex(arith::SubIOp::create(b, extent, from), e.index(most));
  }

  MatrixProduct product;
  VectorEmitter &e;
  ImplicitLocOpBuilder &b;
  Value out;
  int64_t group, unroll, rowBlock, width, depthBlock;
  MatrixPanels panels;
  /// Scratch of a grid point: sums, panel by panel; what is added to a row of
  /// them, a panel per row; and rows of x.
  Value tile, start, xRows;
};
} // namespace

void ladon::cpu::emitManyRows(MatrixProduct product, int64_t group,
                              int64_t unroll) {
  ManyRows(product, group, unroll).lower();
}

void ManyRows::lower() {
  Value rows = product.countRows(), columns = product.countColumns();
  // Panels that several points of the grid use are packed once.
  panels.packAll(arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, rows,
                                       e.index(rowBlock)));
  OpFoldResult zero = b.getIndexAttr(0);
  auto grid =
      scf::ForallOp::create(b, ArrayRef<OpFoldResult>{zero, zero},
                            ArrayRef<OpFoldResult>{rows, columns},
                            ArrayRef<OpFoldResult>{b.getIndexAttr(rowBlock),
                                                   b.getIndexAttr(columnBlock)},
                            ValueRange(), std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(grid.getBody());
  tile = scratch(e, columnBlock / width * rowBlock, width);
  start = scratch(e, columnBlock / width, width);
  // Rows of x may be a power of two apart, and would then share few sets of a
  // cache; those of the copy are not.
  xRows = scratch(e, rowBlock, depthBlock + 16);
  panels.allocateScratch();
  lowerPoint(grid.getInductionVars()[0], grid.getInductionVars()[1]);
}

void ManyRows::forPanels(Value column, Value end,
                         llvm::function_ref<void(Value, Value, Value)> body) {
  forEach(e, column, end, width, [&](Value first) {
    Value number = arith::DivUIOp::create(
        b, arith::SubIOp::create(b, first, column), e.index(width));
    body(number, first, rest(end, first, width));
  });
}

/// Sums of zero, and what will be added to them.
void ManyRows::initialise(Value rows, Value column, Value end) {
  forPanels(column, end, [&](Value number, Value first, Value columns) {
    forEach(e, e.index(0), rows, 1, [&](Value r) {
      for (int64_t n = 0; n < registerColumns; ++n)
        e.store(e.splat(0), tile, {tileRow(number, r), e.index(n * e.lanes)});
    });
    if (!product.startsElsewhere())
      return;
    forEach(e, e.index(0), columns, 1, [&](Value c) {
      memref::StoreOp::create(b, product.getStart(sum(first, c)), start,
                              ValueRange{number, c});
    });
  });
}

/// Adds the products of all rows with the panel to the tile. A last group of
/// fewer rows multiplies what its scratch holds: there is room for whole
/// groups, and nobody reads what becomes of them.
void ManyRows::addProducts(Value panel, Value number, Value rows, Value steps) {
  forEach(e, e.index(0), rows, group, [&](Value r0) {
    // Each block of steps is summed from zero: short sums round less.
    SmallVector<Value> zeros(group * registerColumns, e.splat(0));
    SmallVector<Value> sums = e.matmul(
        group, registerColumns, steps, unroll, zeros,
        [&](int64_t r, Value k) -> Value {
          return memref::LoadOp::create(b, xRows,
                                        ValueRange{e.addIndex(r0, r), k});
        },
        [&](Value k, int64_t n) {
          return e.load(panel, {k, e.index(n * e.lanes)});
        });
    for (int64_t r = 0; r < group; ++r)
      for (int64_t n = 0; n < registerColumns; ++n) {
        SmallVector<Value> at = {e.addIndex(tileRow(number, r0), r),
                                 e.index(n * e.lanes)};
        Value old = e.load(tile, at);
        e.store(e.add(old, sums[r * registerColumns + n]), tile, at);
      }
  });
}

void ManyRows::finish(Value row, Value rows, Value column, Value end) {
  forEach(e, e.index(0), rows, 1, [&](Value r) {
    SmallVector<Value> at = product.position(sum(row, r), column);
    forPanels(column, end, [&](Value number, Value first, Value columns) {
      at.back() = first;
      Value from = tileRow(number, r);
      forElements(
          e, out, at, e.index(1), columns, width,
          [&](Value view, ValueRange place, Value, Value c) {
            Value before = product.startsElsewhere()
                               ? e.load(start, {number, c})
                               : e.load(view, place);
            e.store(e.add(before, e.load(tile, {from, c})), view, place);
          },
          [&](Value memref, ValueRange place, Value, Value c) {
            Value before =
                product.startsElsewhere()
                    ? memref::LoadOp::create(b, start, ValueRange{number, c})
                    : memref::LoadOp::create(b, memref, place);
            Value x = memref::LoadOp::create(b, tile, ValueRange{from, c});
            memref::StoreOp::create(b, arith::AddFOp::create(b, before, x),
                                    memref, place);
          });
    });
  });
}

void ManyRows::lowerPoint(Value row, Value column) {
  Value rows = rest(product.countRows(), row, rowBlock);
  Value end = sum(column, rest(product.countColumns(), column, columnBlock));
  Value depth = product.countSteps();
  initialise(rows, column, end);
  forEach(e, e.index(0), depth, depthBlock, [&](Value k0) {
    Value steps = rest(depth, k0, depthBlock);
    product.copyRows(row, rows, k0, steps, xRows);
    forPanels(column, end, [&](Value number, Value first, Value columns) {
      addProducts(panels.getPanel(k0, steps, first, columns), number, rows,
                  steps);
    });
  });
  finish(row, rows, column, end);
}
