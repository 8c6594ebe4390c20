//===- ThreadMemory.cpp - Tiles between memory and threads ----------------===//

#include "compiler/codegen/cuda/ThreadEmitter.h"
#include "compiler/codegen/vector/RowMap.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cuda;

static Value index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

static Value isBelow(ImplicitLocOpBuilder &b, Value x, Value end) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, end);
}

/// A number in another type; from 16 bits to 16 bits by way of f32.
static Value convert(ImplicitLocOpBuilder &b, Value x, Type to) {
  Type from = x.getType();
  if (from == to)
    return x;
  unsigned before = from.getIntOrFloatBitWidth(),
           after = to.getIntOrFloatBitWidth();
  if (before == after)
    return convert(b, convert(b, x, b.getF32Type()), to);
  return before < after ? arith::ExtFOp::create(b, to, x).getResult()
                        : arith::TruncFOp::create(b, to, x).getResult();
}

static Value zeroOf(ImplicitLocOpBuilder &b, Type type) {
  return arith::ConstantOp::create(b, b.getZeroAttr(type));
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

namespace {
/// Where a row of a tile is in memory.
struct RowPlace {
  Value batch, head, position;

  SmallVector<Value> indices() const { return {batch, head, position}; }
};
} // namespace

/// The place of row `row`, an i32 or an index, of a tile.
template <typename Op>
static RowPlace placeOfRow(ImplicitLocOpBuilder &b, Op op, Value row) {
  Value at = row;
  if (!row.getType().isIndex())
    at = arith::IndexCastOp::create(b, b.getIndexType(), row);
  RowPlace place{op.getBatch(), op.getHead(), {}};
  if (op.getRowMap()) {
    MappedRow mapped = applyRowMap(b, op.getRowMap(), at);
    place.head = arith::AddIOp::create(b, op.getHead(), mapped.head);
    at = mapped.position;
  }
  place.position = arith::AddIOp::create(b, op.getRow(), at);
  return place;
}

/// The same for a tile whose rows may be in pages.
static RowPlace placeOfRow(ImplicitLocOpBuilder &b, tile::LoadOp op,
                           Value row) {
  RowPlace place = placeOfRow<tile::LoadOp>(b, op, row);
  if (!op.getPages())
    return place;
  Value size = index(b, *op.getPageSize());
  Value number = memref::LoadOp::create(
      b, op.getPages(),
      ValueRange{place.batch, arith::DivUIOp::create(b, place.position, size)});
  Value page = arith::IndexCastOp::create(b, b.getIndexType(), number);
  Value last = arith::SubIOp::create(
      b, memref::DimOp::create(b, op.getSource(), 0), index(b, 1));
  page = arith::MinSIOp::create(b, page, last);
  place.batch = arith::MaxSIOp::create(b, page, index(b, 0));
  place.position = arith::RemUIOp::create(b, place.position, size);
  return place;
}

/// Rows that do not exist repeat the last one, so that nothing is read beyond
/// it and their numbers are ordinary; columns that do not exist are zero.
Vectors ladon::cuda::emitLoad(ImplicitLocOpBuilder &b, tile::LoadOp op) {
  auto type = cast<RankedTensorType>(op.getTileType());
  ThreadTile place(b, type);
  VectorType vector = place.vector;
  Type element = type.getElementType();
  Value last = arith::SubIOp::create(
      b, arith::IndexCastOp::create(b, b.getI32Type(), op.getRows()),
      place.constant(1));
  last = arith::MaxSIOp::create(b, last, place.constant(0));
  SmallVector<RowPlace> rows;
  for (int64_t n = 0; n < place.rowCount(); ++n)
    rows.push_back(
        placeOfRow(b, op, arith::MinSIOp::create(b, place.row(n), last)));
  int64_t columns = type.getRank() == 2 ? type.getDimSize(1) : 0;
  SmallVector<Value> elements;
  for (int64_t e = 0; e < place.size; ++e) {
    SmallVector<Value> at = rows[place.rowOf(e)].indices();
    Value exists;
    if (type.getRank() == 2) {
      int64_t first = place.firstColumn(e);
      if (first >= columns) {
        elements.push_back(zeroOf(b, element));
        continue;
      }
      Value column = place.column(e);
      if (first + 8 > columns) {
        exists = isBelow(b, column, place.constant(columns));
        column = arith::MinSIOp::create(b, column, place.constant(columns - 1));
      }
      at.push_back(place.index(column));
    }
    Value x = memref::LoadOp::create(b, op.getSource(), at);
    x = convert(b, x, element);
    if (exists)
      x = arith::SelectOp::create(b, exists, x, zeroOf(b, element));
    elements.push_back(x);
  }
  Value result = vector::FromElementsOp::create(b, vector, elements);
  if (op.getScale()) {
    auto factor = b.getFloatAttr(element, op.getScale()->convertToDouble());
    result = arith::MulFOp::create(
        b, result,
        arith::ConstantOp::create(b, DenseElementsAttr::get(vector, factor)));
  }
  return {result};
}

void ladon::cuda::emitStore(ImplicitLocOpBuilder &b, tile::StoreOp op,
                            Value tile) {
  auto type = cast<RankedTensorType>(op.getTile().getType());
  ThreadTile place(b, type);
  Type element = getElementTypeOrSelf(op.getDest().getType());
  bool isMatrix = type.getRank() == 2;
  int64_t columns = isMatrix ? type.getDimSize(1) : 0;
  Value rows = arith::IndexCastOp::create(b, b.getI32Type(), op.getRows());
  for (int64_t number = 0; number < place.rowCount(); ++number) {
    Value row = place.row(number);
    Value exists = isBelow(b, row, rows);
    if (!isMatrix) {
      // One of the four threads of the row.
      Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                          place.inGroup, place.constant(0));
      exists = arith::AndIOp::create(b, exists, first);
    }
    auto branch = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    SmallVector<Value> at = placeOfRow(b, op, row).indices();
    auto put = [&](int64_t e, ValueRange indices) {
      Value x = vector::ExtractOp::create(b, tile, e);
      memref::StoreOp::create(b, convert(b, x, element), op.getDest(), indices);
    };
    if (!isMatrix) {
      put(number, at);
      continue;
    }
    at.push_back({});
    for (int64_t e = 0; e < place.size; ++e) {
      int64_t first = place.firstColumn(e);
      if (place.rowOf(e) != number || first >= columns)
        continue;
      Value column = place.column(e);
      at.back() = place.index(column);
      if (first + 8 <= columns) {
        put(e, at);
        continue;
      }
      auto inside =
          scf::IfOp::create(b, isBelow(b, column, place.constant(columns)),
                            /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(inside.thenBlock());
      put(e, at);
    }
  }
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

namespace {
/// The rows that a copy reads, and the buffer that it fills.
struct Copy {
  tile::LoadOp op;
  Value shared; ///< [rows, whole rows with their ends]
  int64_t rows, columns, padded;
  Type element;
  memref::ExtractStridedMetadataOp source;

  Value stride(int64_t axis) { return source.getStrides()[axis]; }
};
} // namespace

/// Element by element: any strides, any type.
static void copyElements(ImplicitLocOpBuilder &b, Thread &thread, Copy &copy) {
  Value first = thread.index(thread.number);
  auto loop = scf::ForOp::create(b, first, index(b, copy.rows * copy.padded),
                                 index(b, thread.count));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value width = index(b, copy.padded);
  Value row = arith::DivUIOp::create(b, loop.getInductionVar(), width);
  Value column = arith::RemUIOp::create(b, loop.getInductionVar(), width);
  Value exists = isBelow(b, row, copy.op.getRows());
  if (copy.padded > copy.columns)
    exists = arith::AndIOp::create(b, exists,
                                   isBelow(b, column, index(b, copy.columns)));
  auto branch = scf::IfOp::create(b, TypeRange{copy.element}, exists,
                                  /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    SmallVector<Value> at = placeOfRow(b, copy.op, row).indices();
    at.push_back(column);
    Value x = memref::LoadOp::create(b, copy.op.getSource(), at);
    scf::YieldOp::create(b, convert(b, x, copy.element));
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, zeroOf(b, copy.element));
  }
  memref::StoreOp::create(b, branch.getResult(0), copy.shared,
                          ValueRange{row, column});
}

/// The address of a memref's element 0, and of what lies `bytes` behind it.
static Value pointer(ImplicitLocOpBuilder &b, Value base, Value bytes,
                     unsigned space) {
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, base);
  address = arith::IndexCastOp::create(
      b, b.getI64Type(), arith::AddIOp::create(b, address, bytes));
  return LLVM::IntToPtrOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext(), space), address);
}

/// Units of 16 bytes, asynchronously; of rows that do not exist nothing is
/// read, and the unit is filled with zeros.
static void copyUnits(ImplicitLocOpBuilder &b, Thread &thread, Copy &copy,
                      int64_t bytes) {
  int64_t perUnit = 16 / bytes, perRow = copy.padded / perUnit;
  int64_t units = copy.rows * perRow;
  Value start = copy.source.getOffset();
  Value last = arith::SubIOp::create(b, copy.op.getRows(), index(b, 1));
  last = arith::MaxSIOp::create(b, last, index(b, 0));
  int64_t sharedRow = cast<MemRefType>(copy.shared.getType()).getDimSize(1);
  auto unit = [&](Value number) {
    Value row = thread.index(
        arith::DivUIOp::create(b, number, thread.constant(perRow)));
    Value column = thread.index(thread.mul(
        arith::RemUIOp::create(b, number, thread.constant(perRow)), perUnit));
    Value exists = isBelow(b, row, copy.op.getRows());
    // Columns beyond the last are zero, too.
    if (copy.padded > copy.columns)
      exists = arith::AndIOp::create(
          b, exists, isBelow(b, column, index(b, copy.columns)));
    Value size = arith::SelectOp::create(b, exists, thread.constant(16),
                                         thread.constant(0));
    RowPlace place =
        placeOfRow(b, copy.op, arith::MinSIOp::create(b, row, last));
    Value from = start;
    for (auto [axis, at] : llvm::enumerate(place.indices()))
      from = arith::AddIOp::create(
          b, from, arith::MulIOp::create(b, at, copy.stride(axis)));
    from = arith::AddIOp::create(
        b, from,
        arith::MinSIOp::create(b, column, index(b, copy.columns - perUnit)));
    Value to = arith::AddIOp::create(
        b, arith::MulIOp::create(b, row, index(b, sharedRow)), column);
    Value width = index(b, bytes);
    NVVM::CpAsyncOp::create(
        b, pointer(b, copy.shared, arith::MulIOp::create(b, to, width), 3),
        pointer(b, copy.op.getSource(), arith::MulIOp::create(b, from, width),
                1),
        16, NVVM::LoadCacheModifierKind::CG, size);
  };
  int64_t whole = units / thread.count;
  for (int64_t n = 0; n < whole; ++n)
    unit(thread.add(thread.number, thread.constant(n * thread.count)));
  if (units % thread.count == 0)
    return;
  Value number =
      thread.add(thread.number, thread.constant(whole * thread.count));
  auto rest = scf::IfOp::create(b, isBelow(b, number, thread.constant(units)),
                                /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(rest.thenBlock());
  unit(number);
}

/// Whether all rows of the source begin at a multiple of 16 bytes and have
/// their features side by side.
static Value isRegular(ImplicitLocOpBuilder &b, Copy &copy, int64_t bytes) {
  Value all =
      memref::ExtractAlignedPointerAsIndexOp::create(b, copy.op.getSource());
  Value elements = copy.source.getOffset();
  for (int64_t axis : {0, 1, 2})
    elements = arith::OrIOp::create(b, elements, copy.stride(axis));
  elements = arith::MulIOp::create(b, elements, index(b, bytes));
  all = arith::AndIOp::create(b, arith::OrIOp::create(b, all, elements),
                              index(b, 15));
  Value aligned =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, all, index(b, 0));
  Value dense = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                      copy.stride(3), index(b, 1));
  return arith::AndIOp::create(b, aligned, dense);
}

void ladon::cuda::emitCopy(ImplicitLocOpBuilder &b, tile::LoadOp op) {
  Thread thread(b);
  Value out = op.getOuts()[0];
  auto type = cast<MemRefType>(out.getType());
  MemRefType whole = sharedTile(type, type.getMemorySpace());
  Copy copy{op,
            {},
            type.getDimSize(0),
            type.getDimSize(1),
            paddedColumns(type.getDimSize(1)),
            type.getElementType(),
            {}};
  copy.shared = memref::ReinterpretCastOp::create(
      b, whole, out, /*offset=*/0, whole.getShape(),
      ArrayRef<int64_t>{whole.getDimSize(1), 1});
  copy.source = memref::ExtractStridedMetadataOp::create(b, op.getSource());
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  bool sameType =
      getElementTypeOrSelf(op.getSource().getType()) == copy.element;
  if (!sameType || copy.columns * bytes % 16 != 0)
    return copyElements(b, thread, copy);
  auto branch = scf::IfOp::create(b, isRegular(b, copy, bytes),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  copyUnits(b, thread, copy, bytes);
  b.setInsertionPointToStart(branch.elseBlock());
  copyElements(b, thread, copy);
}
