//===- PositionReads.cpp - Elements of captured tensors in lanes ----------===//
//
// Most elements that differ between lanes are gathered, which costs some cycles
// for each. Those that lie beside each other in memory need not be: a row along
// the keys is loaded where keys lie in the lanes, and where rows do, as many
// rows as there are lanes are loaded for as many keys, and turned.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/vector/PositionRegion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace ladon;

static bool isVector(Value v) { return isa<VectorType>(v.getType()); }

//===----------------------------------------------------------------------===//
// Any elements
//===----------------------------------------------------------------------===//

Value PositionRegion::emitRead(attn::ReadOp op) {
  if (isAlongKeys(op))
    return emitReadAlongKeys(op);
  return emitClampedRead(op);
}

/// Indices are clamped into the tensor; an empty tensor gives zero without a
/// read.
Value PositionRegion::emitClampedRead(attn::ReadOp op) {
  Value source = map.lookupOrDefault(op.getSource());
  auto type = cast<MemRefType>(source.getType());
  Type element = type.getElementType();

  SmallVector<Value> indices;
  Value nonEmpty;
  for (auto [axis, operand] : llvm::enumerate(op.getIndices())) {
    Value index = map.lookupOrDefault(operand);
    Type intType = getElementTypeOrSelf(index.getType());
    Value extent = memref::DimOp::create(b, source, axis);
    Value last = arith::IndexCastOp::create(
        b, intType, arith::SubIOp::create(b, extent, e.index(1)));
    Value zero = arith::ConstantOp::create(b, b.getIntegerAttr(intType, 0));
    if (isVector(index)) {
      last = e.broadcast(last);
      zero = e.broadcast(zero);
    }
    index =
        arith::MinSIOp::create(b, arith::MaxSIOp::create(b, index, zero), last);
    indices.push_back(index);
    if (!type.isDynamicDim(axis) && type.getDimSize(axis) > 0)
      continue;
    Value some =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, extent, e.index(0));
    nonEmpty =
        nonEmpty ? arith::AndIOp::create(b, nonEmpty, some).getResult() : some;
  }
  if (!nonEmpty)
    return emitLoad(source, indices, element);

  Type result = llvm::any_of(indices, isVector)
                    ? Type(VectorType::get({e.lanes}, element))
                    : element;
  auto branch = scf::IfOp::create(b, TypeRange{result}, nonEmpty,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, emitLoad(source, indices, element));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(
      b, arith::ConstantOp::create(b, b.getZeroAttr(result)).getResult());
  return branch.getResult(0);
}

/// The elements from `offset` on, as they lie in memory. The size is only a
/// promise to the type system; offsets are in range.
Value PositionRegion::flatten(memref::ExtractStridedMetadataOp metadata,
                              Value offset) {
  auto dynamic = ShapedType::kDynamic;
  Value base = metadata.getBaseBuffer();
  auto type = MemRefType::get(
      {dynamic}, cast<MemRefType>(base.getType()).getElementType(),
      StridedLayoutAttr::get(b.getContext(), dynamic, {1}));
  return memref::ReinterpretCastOp::create(
      b, type, base, OpFoldResult(offset),
      ArrayRef<OpFoldResult>{OpFoldResult(e.index(INT64_C(1) << 40))},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

/// A scalar load, or a gather when an index differs between lanes.
Value PositionRegion::emitLoad(Value source, ArrayRef<Value> indices,
                               Type element) {
  if (llvm::none_of(indices, isVector)) {
    SmallVector<Value> at;
    for (Value index : indices)
      at.push_back(arith::IndexCastOp::create(b, b.getIndexType(), index));
    return memref::LoadOp::create(b, source, at);
  }
  // Offsets in elements, 64 bits wide: a captured [B, H, S, T] tensor may have
  // more than 2^31 elements.
  auto offsets = VectorType::get({e.lanes}, b.getI64Type());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, source);
  Value uniform = metadata.getOffset(), varying;
  for (auto [index, stride] : llvm::zip(indices, metadata.getStrides())) {
    if (!isVector(index)) {
      Value at = arith::IndexCastOp::create(b, b.getIndexType(), index);
      uniform = arith::AddIOp::create(b, uniform,
                                      arith::MulIOp::create(b, at, stride));
      continue;
    }
    Value wide = index;
    if (index.getType() != offsets)
      wide = arith::ExtSIOp::create(b, offsets, index);
    Value step = arith::IndexCastOp::create(b, b.getI64Type(), stride);
    Value term = arith::MulIOp::create(b, wide, e.broadcast(step));
    varying =
        varying ? arith::AddIOp::create(b, varying, term).getResult() : term;
  }
  Value flat = flatten(metadata, uniform);
  auto maskType = VectorType::get({e.lanes}, b.getI1Type());
  Value all = arith::ConstantOp::create(b, maskType,
                                        DenseElementsAttr::get(maskType, true));
  auto result = VectorType::get({e.lanes}, element);
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(result));
  return vector::GatherOp::create(b, result, flat, ValueRange{e.index(0)},
                                  varying, all, none);
}

//===----------------------------------------------------------------------===//
// Elements beside each other
//===----------------------------------------------------------------------===//

/// Whether neighbours along the last axis are neighbours in memory, no axis is
/// empty, and so many elements from `first` on exist along the last axis.
Value PositionRegion::fitsInRow(attn::ReadOp op, Value first) {
  Value source = map.lookupOrDefault(op.getSource());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, source);
  Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                     metadata.getStrides().back(), e.index(1));
  auto need = [&](Value extent, Value least) {
    Value enough =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sge, extent, least);
    fits = arith::AndIOp::create(b, fits, enough);
  };
  for (Value extent : ValueRange(metadata.getSizes()).drop_back())
    need(extent, e.index(1));
  need(metadata.getSizes().back(), e.addIndex(first, e.lanes));
  return fits;
}

/// The place of an element whose last index is 0, in elements; an index per
/// lane takes that of `lane`.
Value PositionRegion::offsetOfRow(attn::ReadOp op, int64_t lane) {
  Value source = map.lookupOrDefault(op.getSource());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, source);
  Value offset = metadata.getOffset();
  for (auto [axis, operand] : llvm::enumerate(op.getIndices().drop_back())) {
    Value index = map.lookupOrDefault(operand);
    if (isVector(index))
      index = vector::ExtractOp::create(b, index, lane);
    index = arith::IndexCastOp::create(b, b.getIndexType(), index);
    Value last =
        arith::SubIOp::create(b, metadata.getSizes()[axis], e.index(1));
    index = e.minIndex(arith::MaxSIOp::create(b, index, e.index(0)), last);
    offset = arith::AddIOp::create(
        b, offset,
        arith::MulIOp::create(b, index, metadata.getStrides()[axis]));
  }
  return offset;
}

Value PositionRegion::loadFrom(attn::ReadOp op, Value offset) {
  Value source = map.lookupOrDefault(op.getSource());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, source);
  Value flat = flatten(metadata, e.index(0));
  auto type = VectorType::get(
      {e.lanes}, cast<MemRefType>(source.getType()).getElementType());
  return vector::LoadOp::create(b, type, flat, ValueRange{offset});
}

bool PositionRegion::isAlongKeys(attn::ReadOp op) const {
  return keysInLanes && op.getIndices().back() == keyArg &&
         llvm::none_of(op.getIndices().drop_back(), [&](Value index) {
           return isVector(map.lookupOrDefault(index));
         });
}

Value PositionRegion::emitReadAlongKeys(attn::ReadOp op) {
  Value first = arith::IndexCastOp::create(
      b, b.getIndexType(),
      vector::ExtractOp::create(b, map.lookup(keyArg), ArrayRef<int64_t>{0}));
  auto type = VectorType::get({e.lanes}, op.getResult().getType());
  auto branch = scf::IfOp::create(b, TypeRange{type}, fitsInRow(op, first),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value offset = arith::AddIOp::create(b, offsetOfRow(op, /*lane=*/0), first);
  scf::YieldOp::create(b, loadFrom(op, offset));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, emitClampedRead(op));
  return branch.getResult(0);
}

//===----------------------------------------------------------------------===//
// Rows that are turned
//===----------------------------------------------------------------------===//

/// What turned elements are kept as. Floats of 16 bits are integers: where
/// there are no instructions for them, LLVM shuffles and carries them as f32,
/// and calls a library to narrow them again.
static Type storageOf(Type element, OpBuilder &b) {
  return isa<Float16Type, BFloat16Type>(element) ? Type(b.getI16Type())
                                                 : element;
}

static Value bitcast(ImplicitLocOpBuilder &b, Value vector, Type element) {
  auto type = cast<VectorType>(vector.getType()).clone(element);
  if (type == vector.getType())
    return vector;
  return arith::BitcastOp::create(b, type, vector);
}

/// The key is the last index, and nothing else in them depends on it.
bool PositionRegion::isOfRows(attn::ReadOp op) const {
  Type element = op.getResult().getType();
  if (op->getBlock() != &body || op.getIndices().empty() ||
      op.getIndices().back() != keyArg ||
      element.getIntOrFloatBitWidth() > e.element.getWidth())
    return false;
  Level most = Uniform;
  for (Value index : op.getIndices().drop_back())
    most = std::max(most, levelOf(index));
  return most == Row;
}

bool PositionRegion::turnRows() {
  // Each is some hundred instructions: of more, as of a sum over heads, the
  // others are gathered.
  constexpr size_t most = 4;
  for (auto op : body.getOps<attn::ReadOp>())
    if (rowReads.size() < most && isOfRows(op)) {
      auto type = MemRefType::get({e.lanes, e.lanes},
                                  storageOf(op.getResult().getType(), b));
      Value turned = memref::AllocOp::create(b, type, b.getI64IntegerAttr(64));
      rowReads.push_back({op, turned, Value(), {}});
    }
  return !rowReads.empty();
}

void PositionRegion::emitRowOffsets(RowReads &reads) {
  reads.offsets.clear();
  for (int64_t lane = 0; lane < e.lanes; ++lane)
    reads.offsets.push_back(offsetOfRow(reads.op, lane));
}

void PositionRegion::emitTurnedKeys(Value key) {
  Value first = arith::IndexCastOp::create(b, b.getIndexType(), key);
  for (RowReads &reads : rowReads) {
    reads.first = key;
    Type element = cast<MemRefType>(reads.turned.getType()).getElementType();
    auto branch = scf::IfOp::create(b, fitsInRow(reads.op, first),
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    SmallVector<Value> rows;
    for (Value offset : reads.offsets) {
      Value at = arith::AddIOp::create(b, offset, first);
      Value row = loadFrom(reads.op, at);
      rows.push_back(bitcast(b, row, element));
      // Rows are many streams, of which the hardware sees few.
      memref::PrefetchOp::create(b,
                                 row.getDefiningOp<vector::LoadOp>().getBase(),
                                 e.addIndex(at, 2 * e.lanes), false, 3, true);
    }
    for (auto [lane, turned] : llvm::enumerate(e.transpose(rows)))
      vector::StoreOp::create(b, turned, reads.turned,
                              ValueRange{e.index(lane), e.index(0)});
    // At the ends of rows.
    b.setInsertionPointToStart(branch.elseBlock());
    e.loop(e.index(0), e.index(e.lanes), 1, {},
           [&](Value n, ValueRange) -> SmallVector<Value> {
             map.map(keyArg, arith::AddIOp::create(b, key, e.toI32(n)));
             Value read = emitClampedRead(reads.op);
             vector::StoreOp::create(b, bitcast(b, read, element), reads.turned,
                                     ValueRange{n, e.index(0)});
             return {};
           });
  }
}

Value PositionRegion::emitTurned(RowReads &reads) {
  Value n = arith::SubIOp::create(b, map.lookup(keyArg), reads.first);
  n = arith::IndexCastOp::create(b, b.getIndexType(), n);
  Type element = cast<MemRefType>(reads.turned.getType()).getElementType();
  Value turned =
      vector::LoadOp::create(b, VectorType::get({e.lanes}, element),
                             reads.turned, ValueRange{n, e.index(0)});
  return bitcast(b, turned, reads.op.getResult().getType());
}
