//===- FewRows.cpp - Products of few rows ---------------------------------===//
//
// A few rows are bound by reading w, so it is read once, in the order of memory
// and in place. Where columns are neighbours, some rows of w at a time are
// added to the sums of a block of columns, which stay in the first cache; where
// steps are, a sum is a dot product.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/MatrixProduct.h"
#include "compiler/codegen/cpu/RowView.h"
#include "compiler/codegen/cpu/TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

/// Columns per grid point: a row of w is read in pieces of so many.
static constexpr int64_t columnBlock = 256;
/// Steps whose products are summed from zero: short sums round less.
static constexpr int64_t depthBlock = 768;
/// Rows that share what is loaded of w.
static constexpr int64_t rowGroup = 4;

namespace {
class FewRows {
public:
  explicit FewRows(MatrixProduct product)
      : product(product), e(product.e), b(product.e.b) {}

  void lower();

private:
  void lowerPoint(Value column);
  void forRegisters(Value columns,
                    llvm::function_ref<void(Value row, Value column)> body);
  void finish(Value column, Value columns);
  void addRowsOfW(Value step, Value steps, Value column, Value columns);
  void addTiles(Value step, Value steps, Value column, Value columns);
  void addDots(Value first, int64_t group, Value step, Value steps,
               Value column, Value columns);
  /// w from an element on, as rows of `width` neighbours.
  Value viewOfW(Value row, Value at, int64_t width) {
    return rowsInPlace(e, product.w, {row, at},
                       memref::DimOp::create(b, product.w, 0), width);
  }
  Value load(Value matrix, Value row, Value at);
  void askFor(Value w, Value row, Value at);
  void ifFirst(Value first, llvm::function_ref<void()> body);
  Value sum(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value rest(Value extent, Value from, int64_t most) {
    return e.minIndex(arith::SubIOp::create(b, extent, from), e.index(most));
  }
  /// Row `r` of x, or the last one.
  Value rowOfX(Value first, int64_t r) {
    return e.minIndex(e.addIndex(first, r),
                      arith::SubIOp::create(b, rows, e.index(1)));
  }

  MatrixProduct product;
  VectorEmitter &e;
  ImplicitLocOpBuilder &b;
  Value rows;
  /// Scratch of a grid point: results, sums of a block of steps, and rows of x.
  Value results, sums, xRows;
};
} // namespace

void ladon::cpu::emitFewRows(MatrixProduct product) {
  FewRows(product).lower();
}

Value ladon::cpu::hasFewRows(MatrixProduct product) {
  VectorEmitter &e = product.e;
  Value few = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ule,
                                    product.countRows(), e.index(mostFewRows));
  Value inner =
      product.isTransposed ? product.countSteps() : product.countColumns();
  Value whole = arith::CmpIOp::create(
      e.b, arith::CmpIPredicate::eq,
      arith::RemUIOp::create(e.b, inner, e.index(e.lanes)), e.index(0));
  return arith::AndIOp::create(e.b, arith::AndIOp::create(e.b, few, whole),
                               hasUnitInnerStride(e, product.w));
}

void FewRows::lower() {
  rows = product.countRows();
  auto grid =
      scf::ForallOp::create(b, ArrayRef<OpFoldResult>{b.getIndexAttr(0)},
                            ArrayRef<OpFoldResult>{product.countColumns()},
                            ArrayRef<OpFoldResult>{b.getIndexAttr(columnBlock)},
                            ValueRange(), std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(grid.getBody());
  // Rows a power of two apart would share few sets of a cache.
  results = scratch(e, mostFewRows, columnBlock + 16);
  sums = scratch(e, mostFewRows, columnBlock + 16);
  xRows = scratch(e, mostFewRows, depthBlock + 16);
  lowerPoint(grid.getInductionVars()[0]);
}

void FewRows::lowerPoint(Value column) {
  Value columns = rest(product.countColumns(), column, columnBlock);
  forRegisters(columns,
               [&](Value r, Value c) { e.store(e.splat(0), results, {r, c}); });
  Value depth = product.countSteps();
  forEach(e, e.index(0), depth, depthBlock, [&](Value step) {
    Value steps = rest(depth, step, depthBlock);
    product.copyRows(e.index(0), rows, step, steps, xRows);
    // Each block of steps is summed from zero: short sums round less.
    forRegisters(columns,
                 [&](Value r, Value c) { e.store(e.splat(0), sums, {r, c}); });
    Value single =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rows, e.index(1));
    auto branch =
        scf::IfOp::create(b, TypeRange(), single, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    if (product.isTransposed)
      addDots(e.index(0), 1, step, steps, column, columns);
    else
      addRowsOfW(step, steps, column, columns);
    b.setInsertionPoint(branch.elseBlock()->getTerminator());
    if (product.isTransposed)
      forEach(e, e.index(0), rows, rowGroup, [&](Value first) {
        addDots(first, rowGroup, step, steps, column, columns);
      });
    else
      addTiles(step, steps, column, columns);
    b.setInsertionPointAfter(branch);
    forRegisters(columns, [&](Value r, Value c) {
      Value before = e.load(results, {r, c});
      e.store(e.add(before, e.load(sums, {r, c})), results, {r, c});
    });
  });
  finish(column, columns);
}

/// Registers of the sums of all rows; there are whole ones beyond `columns`.
void FewRows::forRegisters(Value columns,
                           llvm::function_ref<void(Value, Value)> body) {
  Value groups = arith::CeilDivUIOp::create(b, rows, e.index(rowGroup));
  Value end = arith::MulIOp::create(b, groups, e.index(rowGroup));
  forEach(e, e.index(0), end, 1, [&](Value r) {
    forEach(e, e.index(0), columns, e.lanes, [&](Value c) { body(r, c); });
  });
}

void FewRows::finish(Value column, Value columns) {
  forEach(e, e.index(0), rows, 1, [&](Value r) {
    SmallVector<Value> at = product.position(r, column);
    forEach(e, e.index(0), columns, 1, [&](Value c) {
      at.back() = sum(column, c);
      Value start = product.startsElsewhere()
                        ? product.getStart(at.back())
                        : memref::LoadOp::create(b, product.out, at);
      Value x = memref::LoadOp::create(b, results, ValueRange{r, c});
      memref::StoreOp::create(b, arith::AddFOp::create(b, start, x),
                              product.out, at);
    });
  });
}

/// A register of elements in the type of the sums.
Value FewRows::load(Value matrix, Value row, Value at) {
  auto stored = VectorType::get({e.lanes}, elementOf(matrix));
  return e.convert(
      vector::LoadOp::create(b, stored, matrix, ValueRange{row, at}),
      e.element);
}

/// Asks for what lies ahead of an element of a view of w: a row of w is read in
/// pieces, which the hardware does not see coming.
void FewRows::askFor(Value w, Value row, Value at) {
  prefetch(e, w, e.addIndex(row, rowsAhead(w)), at);
}

/// One row of x: some rows of w at a time, times a number each.
void FewRows::addRowsOfW(Value step, Value steps, Value column, Value columns) {
  constexpr int64_t together = 4;
  Value w = viewOfW(step, column, columnBlock);
  auto addSteps = [&](Value k, int64_t count) {
    SmallVector<Value> factors;
    for (int64_t n = 0; n < count; ++n)
      factors.push_back(e.broadcast(memref::LoadOp::create(
          b, xRows, ValueRange{e.index(0), e.addIndex(k, n)})));
    forEach(e, e.index(0), columns, e.lanes, [&](Value c) {
      Value total = e.load(sums, {e.index(0), c});
      for (int64_t n = 0; n < count; ++n) {
        Value row = e.addIndex(k, n);
        askFor(w, row, c);
        total = vector::FMAOp::create(b, factors[n], load(w, row, c), total);
      }
      e.store(total, sums, {e.index(0), c});
    });
  };
  Value whole = arith::MulIOp::create(
      b, arith::DivUIOp::create(b, steps, e.index(together)),
      e.index(together));
  forEach(e, e.index(0), whole, together,
          [&](Value k) { addSteps(k, together); });
  forEach(e, whole, steps, 1, [&](Value k) { addSteps(k, 1); });
}

/// Runs `body` for the first group of rows, which reads w from memory.
void FewRows::ifFirst(Value first, llvm::function_ref<void()> body) {
  Value is =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, first, e.index(0));
  auto branch = scf::IfOp::create(b, is, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

/// Rows of x in groups: register tiles over few enough rows of w to stay in the
/// first cache until all groups have used them. A last register of columns is
/// taken twice; the sums have room.
void FewRows::addTiles(Value step, Value steps, Value column, Value columns) {
  constexpr int64_t together = 8, registers = 2;
  Value w = viewOfW(step, column, columnBlock);
  Value lastColumns = arith::SubIOp::create(b, columns, e.index(e.lanes));
  forEach(e, e.index(0), steps, together, [&](Value k) {
    Value count = rest(steps, k, together);
    forEach(e, e.index(0), rows, rowGroup, [&](Value first) {
      forEach(e, e.index(0), columns, registers * e.lanes, [&](Value c) {
        SmallVector<Value> places, zeros(rowGroup * registers, e.splat(0));
        for (int64_t n = 0; n < registers; ++n)
          places.push_back(e.minIndex(e.addIndex(c, n * e.lanes), lastColumns));
        ifFirst(first, [&] {
          for (int64_t j = 0; j < together; ++j)
            for (int64_t n = 0; n < registers * e.lanes; n += lineElements(w))
              askFor(w, e.addIndex(k, j), e.addIndex(c, n));
        });
        SmallVector<Value> totals = e.matmul(
            rowGroup, registers, count, /*unroll=*/2, zeros,
            [&](int64_t r, Value j) -> Value {
              return memref::LoadOp::create(
                  b, xRows, ValueRange{rowOfX(first, r), sum(k, j)});
            },
            [&](Value j, int64_t n) { return load(w, sum(k, j), places[n]); });
        for (int64_t r = 0; r < rowGroup; ++r)
          for (int64_t n = 0; n < registers; ++n) {
            SmallVector<Value> at = {e.addIndex(first, r),
                                     e.addIndex(c, n * e.lanes)};
            e.store(e.add(e.load(sums, at), totals[r * registers + n]), sums,
                    at);
          }
      });
    });
  });
}

/// Two columns at a time: their steps are in the lanes. A last single column is
/// taken twice; the sums have room.
void FewRows::addDots(Value first, int64_t group, Value step, Value steps,
                      Value column, Value columns) {
  constexpr int64_t together = 2;
  int64_t dots = group * together, chains = std::max<int64_t>(8 / dots, 1);
  Value w = viewOfW(column, step, depthBlock);
  Value last = arith::SubIOp::create(b, columns, e.index(1));
  forEach(e, e.index(0), columns, together, [&](Value c) {
    SmallVector<Value> rowsOfW;
    for (int64_t n = 0; n < together; ++n)
      rowsOfW.push_back(e.minIndex(e.addIndex(c, n), last));
    auto add = [&](Value k, int64_t chain, SmallVector<Value> &totals) {
      SmallVector<Value> right;
      for (Value row : rowsOfW) {
        askFor(w, row, k);
        right.push_back(load(w, row, k));
      }
      for (int64_t r = 0; r < group; ++r) {
        Value left = e.load(xRows, {rowOfX(first, r), k});
        for (int64_t n = 0; n < together; ++n) {
          Value &total = totals[(chain * group + r) * together + n];
          total = vector::FMAOp::create(b, left, right[n], total);
        }
      }
    };
    SmallVector<Value> zeros(dots * chains, e.splat(0));
    int64_t width = chains * e.lanes;
    Value whole = arith::MulIOp::create(
        b, arith::DivUIOp::create(b, steps, e.index(width)), e.index(width));
    ValueRange totals = e.loop(
        e.index(0), whole, width, zeros, [&](Value k, ValueRange carried) {
          SmallVector<Value> next(carried);
          for (int64_t chain = 0; chain < chains; ++chain)
            add(e.addIndex(k, chain * e.lanes), chain, next);
          return next;
        });
    if (chains > 1)
      totals = e.loop(whole, steps, e.lanes, totals,
                      [&](Value k, ValueRange carried) {
                        SmallVector<Value> next(carried);
                        add(k, 0, next);
                        return next;
                      });
    for (int64_t dot = 0; dot < dots; ++dot) {
      Value total = totals[dot];
      for (int64_t chain = 1; chain < chains; ++chain)
        total = e.add(total, totals[chain * dots + dot]);
      Value across = vector::ReductionOp::create(
          b, vector::CombiningKind::ADD, total, arith::FastMathFlags::reassoc);
      SmallVector<Value> at = {e.addIndex(first, dot / together),
                               e.addIndex(c, dot % together)};
      Value before = memref::LoadOp::create(b, sums, at);
      memref::StoreOp::create(b, arith::AddFOp::create(b, before, across), sums,
                              at);
    }
  });
}
