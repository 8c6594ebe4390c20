//===- RowView.cpp - Rows of a tensor with unit inner stride --------------===//

#include "compiler/codegen/cpu/RowView.h"

#include "compiler/codegen/cpu/TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

/// A [rows, width] view of `base` with rows `rowStride` apart.
static Value makeView(VectorEmitter &e, Value base, Value offset, Value rows,
                      int64_t width, Value rowStride) {
  ImplicitLocOpBuilder &b = e.b;
  auto dynamic = ShapedType::kDynamic;
  auto layout = StridedLayoutAttr::get(b.getContext(), dynamic, {dynamic, 1});
  Type element = cast<MemRefType>(base.getType()).getElementType();
  auto type = MemRefType::get({dynamic, width}, element, layout);
  return memref::ReinterpretCastOp::create(
      b, type, base, OpFoldResult(offset),
      ArrayRef<OpFoldResult>{rows, b.getIndexAttr(width)},
      ArrayRef<OpFoldResult>{rowStride, b.getIndexAttr(1)});
}

Value ladon::cpu::hasUnitInnerStride(VectorEmitter &e, Value memref) {
  auto metadata = memref::ExtractStridedMetadataOp::create(e.b, memref);
  return arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq,
                               metadata.getStrides().back(), e.index(1));
}

Value ladon::cpu::rowsInPlace(VectorEmitter &e, Value source, ValueRange first,
                              Value rows, int64_t width) {
  ImplicitLocOpBuilder &b = e.b;
  auto metadata = memref::ExtractStridedMetadataOp::create(b, source);
  SmallVector<Value> strides(metadata.getStrides());
  Value offset = metadata.getOffset();
  for (auto [at, stride] : llvm::zip(first, strides))
    offset =
        arith::AddIOp::create(b, offset, arith::MulIOp::create(b, at, stride));
  return makeView(e, metadata.getBaseBuffer(), offset, rows, width,
                  strides[strides.size() - 2]);
}

void ladon::cpu::copyRows(VectorEmitter &e, Value source, ValueRange first,
                          Value rows, Value columns, Value scratch) {
  ImplicitLocOpBuilder &b = e.b;
  auto loaded = VectorType::get(
      {e.lanes}, cast<MemRefType>(source.getType()).getElementType());
  int64_t width = cast<MemRefType>(scratch.getType()).getDimSize(1);
  Value view = rowsInPlace(e, source, first, rows, width);
  // Registers where neighbours are neighbours in memory, then the rest.
  Value lanes = e.index(e.lanes);
  Value whole = arith::MulIOp::create(
      b, arith::DivUIOp::create(b, columns, lanes), lanes);
  whole = arith::SelectOp::create(b, hasUnitInnerStride(e, source), whole,
                                  e.index(0));
  SmallVector<Value> at(first);
  forEach(e, e.index(0), rows, 1, [&](Value r) {
    forEach(e, e.index(0), whole, e.lanes, [&](Value c) {
      Value x = vector::LoadOp::create(b, loaded, view, ValueRange{r, c});
      e.store(e.convert(x, e.element), scratch, {r, c});
    });
    at[at.size() - 2] = arith::AddIOp::create(b, first[first.size() - 2], r);
    forEach(e, whole, columns, 1, [&](Value c) {
      at.back() = arith::AddIOp::create(b, first.back(), c);
      Value x = memref::LoadOp::create(b, source, at);
      memref::StoreOp::create(b, e.convert(x, e.element), scratch,
                              ValueRange{r, c});
    });
  });
}

Value ladon::cpu::rowView(VectorEmitter &e, Value source, ValueRange first,
                          Value rows, Value columns, Value scratch) {
  ImplicitLocOpBuilder &b = e.b;
  int64_t width = cast<MemRefType>(scratch.getType()).getDimSize(1);
  auto copied = [&] {
    copyRows(e, source, first, rows, columns, scratch);
    return makeView(e, scratch, e.index(0), rows, width, e.index(width));
  };
  if (cast<MemRefType>(source.getType()).getElementType() != e.element)
    return copied();
  Value inPlace = rowsInPlace(e, source, first, rows, width);
  auto branch = scf::IfOp::create(b, TypeRange{inPlace.getType()},
                                  hasUnitInnerStride(e, source),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, inPlace);

  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, copied());
  return branch.getResult(0);
}
