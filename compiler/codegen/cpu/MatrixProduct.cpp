//===- MatrixProduct.cpp - What the forms of a product share --------------===//

#include "compiler/codegen/cpu/MatrixProduct.h"

#include "compiler/codegen/cpu/RowView.h"
#include "compiler/codegen/cpu/TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace ladon::cpu;

static int64_t rankOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getRank();
}

Value MatrixProduct::getStart(Value n) {
  return scalarStart ? scalarStart
                     : memref::LoadOp::create(e.b, columnStart, n).getResult();
}

Value MatrixProduct::countRows() {
  Value rows = memref::DimOp::create(e.b, out, 0);
  for (int64_t axis = 1; axis < rankOf(out) - 1; ++axis)
    rows =
        arith::MulIOp::create(e.b, rows, memref::DimOp::create(e.b, out, axis));
  return rows;
}

Value MatrixProduct::countColumns() {
  return memref::DimOp::create(e.b, out, rankOf(out) - 1);
}

Value MatrixProduct::countSteps() {
  return memref::DimOp::create(e.b, x, rankOf(x) - 1);
}

SmallVector<Value> MatrixProduct::position(Value row, Value last) {
  SmallVector<Value> at(rankOf(out));
  at.back() = last;
  for (int64_t axis = rankOf(out) - 2; axis > 0; --axis) {
    Value extent = memref::DimOp::create(e.b, out, axis);
    at[axis] = arith::RemUIOp::create(e.b, row, extent);
    row = arith::DivUIOp::create(e.b, row, extent);
  }
  at[0] = row;
  return at;
}

void MatrixProduct::copyRows(Value row, Value rows, Value step, Value steps,
                             Value target) {
  OpFoldResult zero = e.b.getIndexAttr(0), one = e.b.getIndexAttr(1);
  OpFoldResult width = e.b.getIndexAttr(extent(target, 1));
  forEach(e, e.index(0), rows, 1, [&](Value r) {
    Value line = memref::SubViewOp::create(
        e.b, target, ArrayRef<OpFoldResult>{r, zero},
        ArrayRef<OpFoldResult>{one, width}, ArrayRef<OpFoldResult>{one, one});
    cpu::copyRows(e, x, position(arith::AddIOp::create(e.b, row, r), step),
                  e.index(1), steps, line);
  });
}
