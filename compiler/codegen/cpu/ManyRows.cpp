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
/// Rows per grid point, at most: whole register tiles of them. So many are one
/// point's, which packs its panels itself: a copy of all of w would go through
/// memory twice.
static constexpr int64_t mostRows = 192;
/// Columns per grid point, at most, a multiple of every panel's: so often is a
/// row of x used that was copied. There is memory for so many of half of the
/// rows, or for half as many of all.
static constexpr int64_t columnBlock = 512;
/// Points that there should be, for as many threads.
static constexpr int64_t enoughPoints = 8;
/// Of a panel of w at once: it stays in the first-level cache beside the rows
/// of a register tile.
static constexpr int64_t panelBytes = 24 << 10;

namespace {
class ManyRows {
public:
  ManyRows(MatrixProduct product, int64_t group, int64_t unroll)
      : product(product), e(product.e), b(product.e.b), out(product.out),
        group(group), unroll(unroll),
        rowBlock(mostRows - mostRows % (2 * group)),
        width(registerColumns * e.lanes),
        depthBlock(panelBytes * 8 / (width * e.element.getWidth())),
        panels(e, product.w, product.isTransposed, width, depthBlock) {}

  void lower();

private:
  /// What a grid point computes: `rows` rows from `row` on, and the columns
  /// [column, end).
  struct Point {
    Value row, rows, column, end;
  };
  void lowerPoint(Value row, Value column);
  /// Of each panel its number in the block, its first column, and how many of
  /// its columns exist.
  void forPanels(
      Value column, Value end,
      llvm::function_ref<void(Value number, Value first, Value columns)> body);
  void initialise(Value rows, Value column, Value end);
  void addProducts(const Point &point, Value panel, Value next, Value number,
                   Value step, Value steps);
  void askForRows(Value memory, const Point &point, Value first, Value end,
                  Value turn, Value turns);
  void finish(Value row, Value rows, Value column, Value end);
  /// The row of `tile` that holds row `r` of a panel.
  Value tileRow(Value number, Value r) {
    return sum(arith::MulIOp::create(b, number, rowStep), r);
  }
  Value sum(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value rest(Value extent, Value from, Value most) {
    return e.minIndex(arith::SubIOp::create(b, extent, from), most);
  }

  MatrixProduct product;
  VectorEmitter &e;
  ImplicitLocOpBuilder &b;
  Value out;
  int64_t group, unroll, rowBlock, width, depthBlock;
  MatrixPanels panels;
  Value rowStep, columnStep; ///< Rows and columns of a grid point.
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
  auto choose = [&](Value condition, int64_t x, int64_t y) -> Value {
    return arith::SelectOp::create(b, condition, e.index(x), e.index(y));
  };
  Value isMore = arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, rows,
                                       e.index(rowBlock));
  // Panels that several points of the grid use are packed once.
  panels.packAll(isMore);
  Value isWide = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, columns,
                                       e.index(enoughPoints * columnBlock / 2));
  rowStep = choose(isMore, rowBlock / 2, rowBlock);
  columnStep = choose(arith::OrIOp::create(b, isMore, isWide), columnBlock / 2,
                      columnBlock / 4);
  Value isTall = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, rows,
                                       e.index(enoughPoints * rowBlock / 2));
  columnStep =
      arith::SelectOp::create(b, isTall, e.index(columnBlock), columnStep);
  OpFoldResult zero = b.getIndexAttr(0);
  auto grid = scf::ForallOp::create(b, ArrayRef<OpFoldResult>{zero, zero},
                                    ArrayRef<OpFoldResult>{rows, columns},
                                    ArrayRef<OpFoldResult>{rowStep, columnStep},
                                    ValueRange(), std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(grid.getBody());
  tile = scratch(e, columnBlock / 2 / width * rowBlock, width);
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
    body(number, first, rest(end, first, e.index(width)));
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

/// Asks for elements [first, end) of some rows of a tensor, which are wanted
/// soon: for each `turns`th of the rows of a grid point, from `turn` on. All at
/// once they would wait for each other.
void ManyRows::askForRows(Value memory, const Point &point, Value first,
                          Value end, Value turn, Value turns) {
  auto rows = scf::ForOp::create(b, turn, point.rows, turns);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(rows.getBody());
  SmallVector<Value> at =
      product.position(sum(point.row, rows.getInductionVar()), first);
  auto lines = scf::ForOp::create(b, first, end, e.index(lineElements(memory)));
  b.setInsertionPointToStart(lines.getBody());
  at.back() = lines.getInductionVar();
  memref::PrefetchOp::create(b, memory, at, /*isWrite=*/false,
                             /*localityHint=*/2, /*isDataCache=*/true);
}

/// Adds the products of all rows with the panel to the tile. A last group of
/// fewer rows multiplies what its scratch holds: there is room for whole
/// groups, and nobody reads what becomes of them. The first groups ask for the
/// panel that is `next`, a line of each of its rows at a time: it lies in the
/// last cache, and hardware takes a while to see where a panel begins. Between
/// groups, rows of x at the next steps are asked for, or of the result.
void ManyRows::addProducts(const Point &point, Value panel, Value next,
                           Value number, Value step, Value steps) {
  int64_t line = lineElements(panel), lines = llvm::divideCeil(width, line);
  Value groups = arith::CeilDivUIOp::create(b, point.rows, e.index(group));
  Value depth = product.countSteps(), following = sum(step, steps);
  Value isLast =
      arith::CmpIOp::create(b, arith::CmpIPredicate::uge, following, depth);
  Value followingEnd = e.minIndex(e.addIndex(following, depthBlock), depth);
  Value panelsOfPoint = arith::CeilDivUIOp::create(
      b, arith::SubIOp::create(b, point.end, point.column), e.index(width));
  Value turns = arith::MulIOp::create(b, panelsOfPoint, groups);
  forEach(e, e.index(0), point.rows, group, [&](Value r0) {
    Value turn = arith::DivUIOp::create(b, r0, e.index(group));
    Value place = sum(arith::MulIOp::create(b, number, groups), turn);
    auto branch = scf::IfOp::create(b, isLast, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(branch.thenBlock()->getTerminator());
      askForRows(out, point, point.column, point.end, place, turns);
      b.setInsertionPoint(branch.elseBlock()->getTerminator());
      askForRows(product.x, point, following, followingEnd, place, turns);
    }
    Value lane = arith::MulIOp::create(b, e.minIndex(turn, e.index(lines - 1)),
                                       e.index(line));
    // Each block of steps is summed from zero: short sums round less.
    SmallVector<Value> zeros(group * registerColumns, e.splat(0));
    SmallVector<Value> sums = e.matmul(
        group, registerColumns, steps, unroll, zeros,
        [&](int64_t r, Value k) -> Value {
          if (r == 0)
            prefetch(e, next, k, lane, Cache::Second);
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
  Value rows = rest(product.countRows(), row, rowStep);
  Value end = sum(column, rest(product.countColumns(), column, columnStep));
  Point point{row, rows, column, end};
  Value depth = product.countSteps();
  initialise(rows, column, end);
  forEach(e, e.index(0), depth, depthBlock, [&](Value k0) {
    Value steps = rest(depth, k0, e.index(depthBlock));
    product.copyRows(row, rows, k0, steps, xRows);
    forPanels(column, end, [&](Value number, Value first, Value columns) {
      Value panel = panels.getPanel(k0, steps, first, columns);
      Value next = panels.placeOf(k0, steps, e.addIndex(first, width));
      addProducts(point, panel, next, number, k0, steps);
    });
  });
  finish(row, rows, column, end);
}
