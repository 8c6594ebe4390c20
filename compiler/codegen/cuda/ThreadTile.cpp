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

int64_t ladon::cuda::threadsOf(Operation *op) {
  auto kernel = dyn_cast<::mlir::gpu::GPUFuncOp>(op);
  if (!kernel)
    kernel = op->getParentOfType<::mlir::gpu::GPUFuncOp>();
  std::optional<ArrayRef<int32_t>> size = kernel.getKnownBlockSize();
  return size ? size->front() : 0;
}

VectorType ladon::cuda::threadVector(RankedTensorType tile, int64_t threads) {
  // Four threads share a row, or rows.
  int64_t held = 4 * tile.getDimSize(0) / threads;
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

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

Thread::Thread(ImplicitLocOpBuilder &b)
    : b(b), count(threadsOf(b.getInsertionBlock()->getParentOp())) {
  Value id = ::mlir::gpu::ThreadIdOp::create(
      b, b.getIndexType(), ::mlir::gpu::Dimension::x, IntegerAttr());
  number = arith::IndexCastOp::create(b, b.getI32Type(), id);
  warp = arith::ShRUIOp::create(b, number, constant(5));
  lane = arith::AndIOp::create(b, number, constant(31));
  group = arith::ShRUIOp::create(b, lane, constant(2));
  inGroup = arith::AndIOp::create(b, lane, constant(3));
}

Value Thread::constant(int64_t value) {
  return arith::ConstantIntOp::create(b, value, 32);
}

Value Thread::add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }

Value Thread::mul(Value x, int64_t y) {
  return arith::MulIOp::create(b, x, constant(y));
}

Value Thread::index(Value x) {
  return arith::IndexCastOp::create(b, b.getIndexType(), x);
}

Value Thread::exchange(Value x, int64_t distance) {
  return NVVM::ShflOp::create(b, x.getType(), constant(-1), x,
                              constant(distance), constant(31),
                              NVVM::ShflKind::bfly, UnitAttr());
}

Value Thread::fromLane(Value x, Value from) {
  return NVVM::ShflOp::create(b, x.getType(), constant(-1), x, from,
                              constant(31), NVVM::ShflKind::idx, UnitAttr());
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

ThreadTile::ThreadTile(ImplicitLocOpBuilder &b, Type tile) : Thread(b) {
  auto type = cast<RankedTensorType>(tile);
  vector = threadVector(type, count);
  size = vector.getNumElements();
  groups = 2 * type.getDimSize(0) / count;
  firstRow = add(mul(warp, productRows * groups), group);
}

int64_t ThreadTile::rowOf(int64_t element) const {
  int64_t perGroup = size / groups;
  // Of a vector with one element per row, the element itself.
  if (perGroup == 2)
    return element;
  return 2 * (element / perGroup) + element / 2 % 2;
}

Value ThreadTile::row(int64_t row) {
  return add(firstRow, constant(productRows * (row / 2) + 8 * (row % 2)));
}

int64_t ThreadTile::firstColumn(int64_t element) const {
  return 8 * (element % (size / groups) / 4);
}

int64_t ThreadTile::columnOffset(int64_t element) const {
  return firstColumn(element) + element % 2;
}

Value ThreadTile::column(int64_t element) {
  return add(mul(inGroup, 2), constant(columnOffset(element)));
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

Value ThreadTile::rows() {
  return addToEach(b, firstRow, size, [&](int64_t element) {
    int64_t row = rowOf(element);
    return productRows * (row / 2) + 8 * (row % 2);
  });
}

Value ThreadTile::columns() {
  return addToEach(b, mul(inGroup, 2), size,
                   [&](int64_t element) { return columnOffset(element); });
}

Value ThreadTile::spread(Value rows) {
  SmallVector<int64_t> from;
  for (int64_t element = 0; element < size; ++element)
    from.push_back(rowOf(element));
  return vector::ShuffleOp::create(b, rows, rows, from);
}
