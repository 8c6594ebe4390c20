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
/// Of the panels of a block of steps, the part during which the next rows of x
/// are asked for: what is asked for sooner has left the second cache again.
static constexpr int64_t lateShare = 4;
/// Sums that a register tile must have for multiply-adds not to wait for each
/// other: two at a time, of four cycles.
static constexpr int64_t sumsInFlight = 8;
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
  /// Steps [step, step + steps) of the panel that is the `number`th of a point,
  /// and the panel that follows it, or the last again.
  struct Part {
    Value panel, next, number, step, steps;
  };
  void lowerPoint(Value row, Value column);
  /// Of each panel its number in the block, its first column, and how many of
  /// its columns exist.
  void forPanels(
      Value column, Value end,
      llvm::function_ref<void(Value number, Value first, Value columns)> body);
  void copyStart(Value column, Value end);
  void addProducts(const Point &point, const Part &part);
  void multiply(const Part &part, Value r0, int64_t rows, Value turn);
  void keep(ArrayRef<Value> sums, Value number, Value r0, bool add);
  void askForWhatFollows(const Point &point, const Part &part, Value turn,
                         Value groups);
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
  // What a point packs itself has room for half of the columns.
  columnStep = arith::SelectOp::create(
      b, arith::AndIOp::create(b, isTall, panels.arePacked()),
      e.index(columnBlock), columnStep);
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
  panels.allocateScratch(columnBlock / 2);
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

/// Copies what will be added to the sums.
void ManyRows::copyStart(Value column, Value end) {
  if (!product.startsElsewhere())
    return;
  forPanels(column, end, [&](Value number, Value first, Value columns) {
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
                             /*localityHint=*/3, /*isDataCache=*/true);
}

/// Between groups of rows, asks for rows of x at the next steps, or of the
/// result.
void ManyRows::askForWhatFollows(const Point &point, const Part &part,
                                 Value turn, Value groups) {
  Value depth = product.countSteps(), following = sum(part.step, part.steps);
  Value end = e.minIndex(e.addIndex(following, depthBlock), depth);
  Value panelsOfPoint = arith::CeilDivUIOp::create(
      b, arith::SubIOp::create(b, point.end, point.column), e.index(width));
  auto turnsOf = [&](Value panels) -> Value {
    return arith::MulIOp::create(b, panels, groups);
  };
  Value place = sum(turnsOf(part.number), turn);
  Value isLast =
      arith::CmpIOp::create(b, arith::CmpIPredicate::uge, following, depth);
  auto branch = scf::IfOp::create(b, isLast, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  askForRows(out, point, point.column, point.end, place,
             turnsOf(panelsOfPoint));
  b.setInsertionPoint(branch.elseBlock()->getTerminator());
  Value latePanels =
      arith::CeilDivUIOp::create(b, panelsOfPoint, e.index(lateShare));
  Value early = arith::SubIOp::create(b, panelsOfPoint, latePanels);
  Value isLate =
      arith::CmpIOp::create(b, arith::CmpIPredicate::uge, part.number, early);
  auto late = scf::IfOp::create(b, isLate, /*withElseRegion=*/false);
  b.setInsertionPoint(late.thenBlock()->getTerminator());
  askForRows(product.x, point, following, end,
             arith::SubIOp::create(b, place, turnsOf(early)),
             turnsOf(latePanels));
}

/// Adds the products of `rows` rows from `r0` on with the panel to the tile,
/// and asks for a line of each row of the next: it lies in the last cache, and
/// hardware takes a while to see where a panel begins.
void ManyRows::multiply(const Part &part, Value r0, int64_t rows, Value turn) {
  int64_t line = lineElements(part.panel);
  int64_t lines = llvm::divideCeil(width, line);
  Value lane = arith::MulIOp::create(b, e.minIndex(turn, e.index(lines - 1)),
                                     e.index(line));
  // Each block of steps is summed from zero: short sums round less.
  SmallVector<Value> zeros(rows * registerColumns, e.splat(0));
  SmallVector<Value> sums = e.matmul(
      rows, registerColumns, part.steps, unroll, zeros,
      [&](int64_t r, Value k) -> Value {
        if (r == 0)
          prefetch(e, part.next, k, lane, Cache::Second);
        return memref::LoadOp::create(b, xRows,
                                      ValueRange{e.addIndex(r0, r), k});
      },
      [&](Value k, int64_t n) {
        return e.load(part.panel, {k, e.index(n * e.lanes)});
      });
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, part.step, e.index(0));
  auto first = scf::IfOp::create(b, isFirst, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(first.thenBlock()->getTerminator());
  keep(sums, part.number, r0, /*add=*/false);
  b.setInsertionPoint(first.elseBlock()->getTerminator());
  keep(sums, part.number, r0, /*add=*/true);
}

/// Adds the products of all rows with the panel to the tile. The last rows are
/// a smaller register tile's if that fills the pipelines too. Still fewer
/// multiply what their scratch holds: there is room for whole groups, and
/// nobody reads what becomes of them.
void ManyRows::addProducts(const Point &point, const Part &part) {
  int64_t fewer = group / 3;
  bool hasFewer = fewer * registerColumns >= sumsInFlight;
  Value count = e.index(group);
  Value groups = hasFewer
                     ? arith::DivUIOp::create(b, point.rows, count).getResult()
                     : arith::CeilDivUIOp::create(b, point.rows, count);
  Value end = arith::MulIOp::create(b, groups, count);
  auto turnOf = [&](Value r0) -> Value {
    return arith::DivUIOp::create(b, r0, count);
  };
  forEach(e, e.index(0), end, group, [&](Value r0) {
    askForWhatFollows(point, part, turnOf(r0), groups);
    multiply(part, r0, group, turnOf(r0));
  });
  if (hasFewer)
    forEach(e, end, point.rows, fewer,
            [&](Value r0) { multiply(part, r0, fewer, turnOf(r0)); });
}

/// Stores the sums of a group of rows and a panel, or adds them to what is
/// there.
void ManyRows::keep(ArrayRef<Value> sums, Value number, Value r0, bool add) {
  for (auto [i, x] : llvm::enumerate(sums)) {
    SmallVector<Value> at = {
        e.addIndex(tileRow(number, r0), i / registerColumns),
        e.index(i % registerColumns * e.lanes)};
    e.store(add ? e.add(e.load(tile, at), x) : x, tile, at);
  }
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
  copyStart(column, end);
  // One block of steps where there are none: its sums are zero.
  Value depth = product.countSteps();
  Value atLeastOne = arith::MaxUIOp::create(b, depth, e.index(1));
  forEach(e, e.index(0), atLeastOne, depthBlock, [&](Value k0) {
    Value steps = rest(depth, k0, e.index(depthBlock));
    product.copyRows(row, rows, k0, steps, xRows);
    Value block = panels.getBlock(k0, steps, column, end);
    Value last = arith::DivUIOp::create(
        b, arith::SubIOp::create(b, sum(end, e.index(-1)), column),
        e.index(width));
    forPanels(column, end, [&](Value number, Value, Value) {
      Value panel = panels.getPanel(block, number, steps);
      Value following = e.minIndex(last, e.addIndex(number, 1));
      Value next = panels.getPanel(block, following, steps);
      addProducts(point, {panel, next, number, k0, steps});
    });
  });
  finish(row, rows, column, end);
}
