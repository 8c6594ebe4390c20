//===- MatrixPanels.cpp - A matrix in panels of registers -----------------===//

#include "compiler/codegen/cpu/MatrixPanels.h"

#include "compiler/codegen/cpu/RowView.h"
#include "compiler/codegen/cpu/TileEmitter.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ladon::cpu;

void ladon::cpu::forElements(VectorEmitter &e, Value memref, ValueRange first,
                             Value rows, Value columns, int64_t width,
                             ElementBody whole, ElementBody single) {
  ImplicitLocOpBuilder &b = e.b;
  Value isFull = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, columns,
                                       e.index(width));
  Value isDense =
      arith::AndIOp::create(b, isFull, hasUnitInnerStride(e, memref));
  auto branch =
      scf::IfOp::create(b, TypeRange(), isDense, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  Value view = rowsInPlace(e, memref, first, rows, width);
  forEach(e, e.index(0), rows, 1, [&](Value r) {
    for (int64_t n = 0; n < width; n += e.lanes)
      whole(view, {r, e.index(n)}, r, e.index(n));
  });
  b.setInsertionPoint(branch.elseBlock()->getTerminator());
  forEach(e, e.index(0), rows, 1, [&](Value r) {
    forEach(e, e.index(0), columns, 1, [&](Value c) {
      SmallVector<Value> at(first);
      at[at.size() - 2] = arith::AddIOp::create(b, at[at.size() - 2], r);
      at.back() = arith::AddIOp::create(b, at.back(), c);
      single(memref, at, r, c);
    });
  });
}

/// What is packed at once: so many rows of a matrix, or all steps of a block of
/// a transposed one.
static constexpr int64_t rowsAtOnce = 8;
/// Columns of a task that packs, whole panels of them.
static constexpr int64_t columnsOfTask = 512;

MatrixPanels::MatrixPanels(VectorEmitter &e, Value matrix, bool isTransposed,
                           int64_t width, int64_t depth)
    : e(e), b(e.b), matrix(matrix), isTransposed(isTransposed), width(width),
      depth(depth) {}

/// Squares of registers are transposed; what is left over, and everything where
/// steps are not neighbours in memory, goes element by element.
void MatrixPanels::packTransposed(Value first, Value steps, Value column,
                                  Value columns, Value target) {
  auto stored = VectorType::get({e.lanes}, elementOf(matrix));
  Value whole = arith::MulIOp::create(
      b, arith::DivUIOp::create(b, steps, e.index(e.lanes)), e.index(e.lanes));
  Value isFull = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, columns,
                                       e.index(width));
  whole = arith::SelectOp::create(
      b, arith::AndIOp::create(b, isFull, hasUnitInnerStride(e, matrix)), whole,
      e.index(0));
  Value view = rowsInPlace(e, matrix, {column, first}, columns, depth);
  forEach(e, e.index(0), whole, e.lanes, [&](Value k) {
    forEach(e, e.index(0), e.index(width), e.lanes, [&](Value c) {
      SmallVector<Value> square;
      for (int64_t n = 0; n < e.lanes; ++n) {
        Value x = vector::LoadOp::create(b, stored, view,
                                         ValueRange{e.addIndex(c, n), k});
        square.push_back(e.convert(x, e.element));
      }
      for (auto [n, x] : llvm::enumerate(e.transpose(square)))
        e.store(x, target, {e.addIndex(k, n), c});
    });
  });
  forEach(e, e.index(0), columns, 1, [&](Value c) {
    forEach(e, whole, steps, 1, [&](Value k) {
      Value x = memref::LoadOp::create(
          b, matrix,
          ValueRange{arith::AddIOp::create(b, column, c),
                     arith::AddIOp::create(b, first, k)});
      memref::StoreOp::create(b, e.convert(x, e.element), target,
                              ValueRange{k, c});
    });
  });
}

void MatrixPanels::pack(Value first, Value steps, Value column, Value columns,
                        Value target) {
  if (isTransposed)
    return packTransposed(first, steps, column, columns, target);
  auto stored = VectorType::get({e.lanes}, elementOf(matrix));
  forElements(
      e, matrix, {first, column}, steps, columns, width,
      [&](Value view, ValueRange at, Value k, Value c) {
        Value x = vector::LoadOp::create(b, stored, view, at);
        // Of the rows that are packed next, unless there are none.
        prefetch(e, view, e.addIndex(at[0], rowsAtOnce), at[1]);
        e.store(e.convert(x, e.element), target, {k, c});
      },
      [&](Value memref, ValueRange at, Value k, Value c) {
        Value x = memref::LoadOp::create(b, memref, at);
        memref::StoreOp::create(b, e.convert(x, e.element), target,
                                ValueRange{k, c});
      });
}

Value MatrixPanels::countSteps() {
  return memref::DimOp::create(b, matrix, isTransposed ? 1 : 0);
}

/// Rows of a buffer of panels.
Value MatrixPanels::view(Value buffer, Value row, Value rows) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return memref::SubViewOp::create(
      b, buffer, ArrayRef<OpFoldResult>{row, zero},
      ArrayRef<OpFoldResult>{rows, b.getIndexAttr(width)},
      ArrayRef<OpFoldResult>{one, one});
}

/// Packs steps [first, first + steps) of columns [column, end): those of the
/// first panel go to the rows of `target` from `row` on, those of each other
/// `pitch` rows after the one before.
void MatrixPanels::packRows(Value first, Value steps, Value column, Value end,
                            Value target, Value row, Value pitch) {
  forEach(e, column, end, width, [&](Value c) {
    Value number = arith::DivUIOp::create(
        b, arith::SubIOp::create(b, c, column), e.index(width));
    Value place =
        arith::AddIOp::create(b, row, arith::MulIOp::create(b, number, pitch));
    pack(first, steps, c, rest(end, c, width), view(target, place, steps));
  });
}

Value MatrixPanels::rest(Value extent, Value from, int64_t most) {
  return e.minIndex(arith::SubIOp::create(b, extent, from), e.index(most));
}

/// Where the panels of a block of steps begin if all are packed.
Value MatrixPanels::rowOfBlock(Value first, Value steps, Value column) {
  Value columns = memref::DimOp::create(b, matrix, isTransposed ? 0 : 1);
  Value panels = arith::CeilDivUIOp::create(b, columns, e.index(width));
  Value panel = arith::DivUIOp::create(b, column, e.index(width));
  return arith::AddIOp::create(b, arith::MulIOp::create(b, first, panels),
                               arith::MulIOp::create(b, panel, steps));
}

void MatrixPanels::packAll(Value isWanted) {
  Value rows = countSteps();
  Value columns = memref::DimOp::create(b, matrix, isTransposed ? 0 : 1);
  Value panels = arith::CeilDivUIOp::create(b, columns, e.index(width));
  Value size = arith::SelectOp::create(
      b, isWanted, arith::MulIOp::create(b, panels, rows), e.index(0));
  auto memory = TryAllocOp::create(
      b, MemRefType::get({ShapedType::kDynamic, width}, e.element),
      b.getI1Type(), size);
  all = memory.getMemory();
  isPacked = arith::AndIOp::create(b, isWanted, memory.getGranted());

  int64_t depthStep = isTransposed ? depth : rowsAtOnce;
  Value end = arith::SelectOp::create(b, isPacked, rows, e.index(0));
  OpFoldResult zero = b.getIndexAttr(0);
  auto grid = scf::ForallOp::create(
      b, ArrayRef<OpFoldResult>{zero, zero},
      ArrayRef<OpFoldResult>{end, columns},
      ArrayRef<OpFoldResult>{b.getIndexAttr(depthStep),
                             b.getIndexAttr(columnsOfTask)},
      ValueRange(), std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(grid.getBody());
  Value first = grid.getInductionVars()[0], left = grid.getInductionVars()[1];
  Value within = arith::RemUIOp::create(b, first, e.index(depth));
  Value block = arith::SubIOp::create(b, first, within);
  Value stepsOfBlock = rest(rows, block, depth);
  Value row =
      arith::AddIOp::create(b, rowOfBlock(block, stepsOfBlock, left), within);
  Value right =
      arith::AddIOp::create(b, left, rest(columns, left, columnsOfTask));
  packRows(first, rest(rows, first, depthStep), left, right, all, row,
           stepsOfBlock);
}

void MatrixPanels::allocateScratch(int64_t columns) {
  own = scratch(e, columns / width * depth, width);
}

Value MatrixPanels::getBlock(Value first, Value steps, Value column,
                             Value end) {
  Value panels = arith::CeilDivUIOp::create(
      b, arith::SubIOp::create(b, end, column), e.index(width));
  Value rows = arith::MulIOp::create(b, panels, steps);
  Value shared = view(all, rowOfBlock(first, steps, column), rows);
  auto branch = scf::IfOp::create(b, TypeRange{shared.getType()}, isPacked,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, shared);
  b.setInsertionPointToStart(branch.elseBlock());
  int64_t depthStep = isTransposed ? depth : rowsAtOnce;
  forEach(e, e.index(0), steps, depthStep, [&](Value k) {
    packRows(arith::AddIOp::create(b, first, k), rest(steps, k, depthStep),
             column, end, own, k, steps);
  });
  Value packedHere =
      memref::CastOp::create(b, shared.getType(), view(own, e.index(0), rows));
  scf::YieldOp::create(b, packedHere);
  return branch.getResult(0);
}

Value MatrixPanels::getPanel(Value block, Value number, Value steps) {
  return view(block, arith::MulIOp::create(b, number, steps), steps);
}
