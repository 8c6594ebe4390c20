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

/// What one task packs: so many rows of w, or so many columns of it if it is
/// transposed, whole panels of them.
static constexpr int64_t rowsOfTask = 8, columnsOfTask = 512;

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
        // Of the next panel, which is packed after this one has been used.
        prefetch(e, view, at[0], e.addIndex(at[1], width));
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
Value MatrixPanels::view(Value buffer, Value row, Value steps) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return memref::SubViewOp::create(
      b, buffer, ArrayRef<OpFoldResult>{row, zero},
      ArrayRef<OpFoldResult>{steps, b.getIndexAttr(width)},
      ArrayRef<OpFoldResult>{one, one});
}

Value MatrixPanels::placeOf(Value first, Value steps, Value column) {
  auto multiply = [&](Value x, Value y) -> Value {
    return arith::MulIOp::create(b, x, y);
  };
  Value columns = memref::DimOp::create(b, matrix, isTransposed ? 0 : 1);
  Value panels = arith::CeilDivUIOp::create(b, columns, e.index(width));
  Value panel = arith::DivUIOp::create(b, column, e.index(width));
  Value within = arith::RemUIOp::create(b, first, e.index(depth));
  Value block = arith::SubIOp::create(b, first, within);
  Value depthOfBlock =
      e.minIndex(arith::SubIOp::create(b, countSteps(), block), e.index(depth));
  Value row = arith::AddIOp::create(b, multiply(block, panels),
                                    multiply(panel, depthOfBlock));
  return view(all, arith::AddIOp::create(b, row, within), steps);
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

  // Rows of w are read on and on: the hardware sees where they go.
  int64_t depthStep = isTransposed ? depth : rowsOfTask;
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
  auto rest = [&](Value extent, Value from, int64_t most) {
    return e.minIndex(arith::SubIOp::create(b, extent, from), e.index(most));
  };
  Value first = grid.getInductionVars()[0], left = grid.getInductionVars()[1];
  Value steps = rest(rows, first, depthStep);
  Value right =
      arith::AddIOp::create(b, left, rest(columns, left, columnsOfTask));
  forEach(e, left, right, width, [&](Value column) {
    pack(first, steps, column, rest(columns, column, width),
         placeOf(first, steps, column));
  });
}

void MatrixPanels::allocateScratch() { own = scratch(e, depth, width); }

Value MatrixPanels::getPanel(Value first, Value steps, Value column,
                             Value columns) {
  Value shared = placeOf(first, steps, column);
  auto branch = scf::IfOp::create(b, TypeRange{shared.getType()}, isPacked,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, shared);
  b.setInsertionPointToStart(branch.elseBlock());
  pack(first, steps, column, columns, own);
  Value packedHere =
      memref::CastOp::create(b, shared.getType(), view(own, e.index(0), steps));
  scf::YieldOp::create(b, packedHere);
  return branch.getResult(0);
}
