//===- ThreadTile.cpp - What a thread holds of a tile ---------------------===//

#include "compiler/codegen/cuda/ThreadTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ladon::cuda;

int64_t ladon::cuda::paddedColumns(int64_t columns) {
  return llvm::alignTo(columns, 16);
}

VectorType ladon::cuda::threadVector(RankedTensorType tile) {
  int64_t held = tile.getDimSize(0) / (threadsPerBlock / 4);
  if (tile.getRank() == 2)
    held *= paddedColumns(tile.getDimSize(1)) / 4;
  return VectorType::get({held}, tile.getElementType());
}

MemRefType ladon::cuda::sharedTile(Type tile, Attribute memorySpace) {
  auto type = cast<ShapedType>(tile);
  int64_t free = 128 / type.getElementTypeBitWidth();
  return MemRefType::get(
      {type.getDimSize(0), paddedColumns(type.getDimSize(1)) + free},
      type.getElementType(), AffineMap(), memorySpace);
}

int64_t ladon::cuda::sharedBytes(Type tile) {
  MemRefType type = sharedTile(tile, Attribute());
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

ThreadPlace::ThreadPlace(ImplicitLocOpBuilder &b) : b(b) {
  Value id = ::mlir::gpu::ThreadIdOp::create(
      b, b.getIndexType(), ::mlir::gpu::Dimension::x, IntegerAttr());
  thread = arith::IndexCastOp::create(b, b.getI32Type(), id);
  lane = arith::AndIOp::create(b, thread, constant(31));
  group = arith::ShRUIOp::create(b, lane, constant(2));
  inGroup = arith::AndIOp::create(b, lane, constant(3));
  Value warp = arith::ShRUIOp::create(b, thread, constant(5));
  firstRow = add(mul(warp, 16), group);
}

Value ThreadPlace::constant(int64_t value) {
  return arith::ConstantIntOp::create(b, value, 32);
}

Value ThreadPlace::add(Value x, Value y) {
  return arith::AddIOp::create(b, x, y);
}

Value ThreadPlace::mul(Value x, int64_t y) {
  return arith::MulIOp::create(b, x, constant(y));
}

Value ThreadPlace::index(Value x) {
  return arith::IndexCastOp::create(b, b.getIndexType(), x);
}

/// `base` plus what `offsetOf` says, for each element.
static Value addToEach(ImplicitLocOpBuilder &b, Value base, int64_t size,
                       llvm::function_ref<int32_t(int64_t)> offsetOf) {
  auto type = VectorType::get({size}, b.getI32Type());
  SmallVector<int32_t> offsets;
  for (int64_t element = 0; element < size; ++element)
    offsets.push_back(offsetOf(element));
  Value added = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<int32_t>(offsets)));
  return arith::AddIOp::create(b, vector::BroadcastOp::create(b, type, base),
                               added);
}

Value ThreadPlace::rows(int64_t size) {
  return addToEach(b, firstRow, size,
                   [](int64_t element) { return 8 * halfOf(element); });
}

static int64_t columnOffset(int64_t element) {
  return 8 * (element / 4) + element % 2;
}

Value ThreadPlace::columns(int64_t size) {
  return addToEach(b, mul(inGroup, 2), size, columnOffset);
}

Value ThreadPlace::column(int64_t element) {
  return add(mul(inGroup, 2), constant(columnOffset(element)));
}

Value ThreadPlace::exchange(Value x, int64_t distance) {
  return NVVM::ShflOp::create(b, x.getType(), constant(-1), x,
                              constant(distance), constant(31),
                              NVVM::ShflKind::bfly, UnitAttr());
}

Value ThreadPlace::fromLane(Value x, Value from) {
  return NVVM::ShflOp::create(b, x.getType(), constant(-1), x, from,
                              constant(31), NVVM::ShflKind::idx, UnitAttr());
}
