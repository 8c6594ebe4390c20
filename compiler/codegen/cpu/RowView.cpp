//===- RowView.cpp - Rows of a tensor with unit inner stride --------------===//

#include "compiler/codegen/cpu/RowView.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ladon::cpu;

Value ladon::cpu::rowView(VectorEmitter &e, Value source, ValueRange first,
                          Value rows, Value columns, Value scratch) {
  ImplicitLocOpBuilder &b = e.b;
  int64_t width = cast<MemRefType>(scratch.getType()).getDimSize(1);
  auto dynamic = ShapedType::kDynamic;
  auto layout = StridedLayoutAttr::get(b.getContext(), dynamic, {dynamic, 1});
  auto viewType = MemRefType::get({dynamic, width}, e.element, layout);
  auto view = [&](Value base, Value offset, Value rowStride) -> Value {
    return memref::ReinterpretCastOp::create(
        b, viewType, base, OpFoldResult(offset),
        ArrayRef<OpFoldResult>{rows, b.getIndexAttr(width)},
        ArrayRef<OpFoldResult>{rowStride, b.getIndexAttr(1)});
  };

  auto metadata = memref::ExtractStridedMetadataOp::create(b, source);
  ValueRange strides = metadata.getStrides();
  Value offset = metadata.getOffset();
  for (auto [at, stride] : llvm::zip(first, strides))
    offset =
        arith::AddIOp::create(b, offset, arith::MulIOp::create(b, at, stride));
  Value isUnit = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                       strides.back(), e.index(1));
  auto branch = scf::IfOp::create(b, TypeRange{viewType}, isUnit,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(
      b, view(metadata.getBaseBuffer(), offset, strides[strides.size() - 2]));

  b.setInsertionPointToStart(branch.elseBlock());
  SmallVector<Value> at(first);
  e.loop(e.index(0), rows, 1, {}, [&](Value r, ValueRange) {
    at[at.size() - 2] = arith::AddIOp::create(b, first[first.size() - 2], r);
    e.loop(e.index(0), columns, 1, {},
           [&](Value c, ValueRange) -> SmallVector<Value> {
             at.back() = arith::AddIOp::create(b, first.back(), c);
             Value x = memref::LoadOp::create(b, source, at);
             memref::StoreOp::create(b, x, scratch, ValueRange{r, c});
             return {};
           });
    return SmallVector<Value>();
  });
  scf::YieldOp::create(b, view(scratch, e.index(0), e.index(width)));
  return branch.getResult(0);
}
