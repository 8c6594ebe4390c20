//===- CallBuffers.cpp - Memrefs as buffers of Halide ---------------------===//
//
// The layout is that of HalideRuntime.h, which is part of Halide's interface:
//
//   halide_buffer_t     { uint64 device; void *interface; uint8 *host;
//                         uint64 flags; halide_type_t type; int32 dimensions;
//                         halide_dimension_t *dim; void *padding; }
//   halide_type_t       { uint8 code; uint8 bits; uint16 lanes; }
//   halide_dimension_t  { int32 min, extent, stride; uint32 flags; }
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/halide/CallBuffers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ladon::halide;

/// Words of 64 bits of a buffer, and which of them holds what.
constexpr int64_t bufferWords = 7, hostWord = 2, typeWord = 4, axesWord = 5;
/// Words of 32 bits of an axis.
constexpr int64_t axisWords = 4, extentWord = 1, strideWord = 2;

Value CallBuffers::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value CallBuffers::integer(int64_t value, unsigned bits) {
  return arith::ConstantIntOp::create(b, value, bits);
}

Value CallBuffers::allocate(int64_t size, Type element) {
  return memref::AllocaOp::create(b, MemRefType::get({size}, element),
                                  b.getI64IntegerAttr(64));
}

Value CallBuffers::addressOf(Value memory) {
  return memref::ExtractAlignedPointerAsIndexOp::create(b, memory);
}

Value CallBuffers::create(Value address, Type element, ArrayRef<Axis> axes) {
  auto word = [&](Value value, unsigned bits) -> Value {
    return value.getType().isIndex()
               ? arith::IndexCastOp::create(b, b.getIntegerType(bits), value)
                     .getResult()
               : value;
  };
  auto rank = static_cast<int64_t>(axes.size());
  Value dims = allocate(std::max<int64_t>(rank, 1) * axisWords, b.getI32Type());
  for (auto [axis, dim] : llvm::enumerate(axes)) {
    Value words[axisWords] = {integer(0, 32), word(dim.extent, 32),
                              word(dim.stride, 32), integer(0, 32)};
    static_assert(extentWord == 1 && strideWord == 2);
    for (auto [at, value] : llvm::enumerate(words))
      memref::StoreOp::create(b, value, dims,
                              ValueRange{index(axis * axisWords + at)});
  }
  // Floats of 16 bits are read as their bits.
  constexpr int64_t codeInt = 0, codeUInt = 1, codeFloat = 2;
  int64_t bits = element.getIntOrFloatBitWidth();
  int64_t code = !isa<FloatType>(element) ? codeInt
                 : bits == 16             ? codeUInt
                                          : codeFloat;
  int64_t type = code | bits << 8 | int64_t(1) << 16 | rank << 32;
  Value zero = integer(0, 64);
  Value words[bufferWords] = {zero, zero, zero, zero, zero, zero, zero};
  words[hostWord] = word(address, 64);
  words[typeWord] = integer(type, 64);
  words[axesWord] = word(addressOf(dims), 64);
  Value buffer = allocate(bufferWords, b.getI64Type());
  for (auto [at, value] : llvm::enumerate(words))
    memref::StoreOp::create(b, value, buffer, ValueRange{index(at)});
  return word(addressOf(buffer), 64);
}

/// Bytes of an element in memory.
static int64_t bytesOf(Type element) {
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

Value CallBuffers::addRows(Value view, ValueRange from, Value count) {
  auto type = cast<MemRefType>(view.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, view);
  auto strides = metadata.getStrides();
  Value offset = metadata.getOffset();
  for (auto [position, stride] : llvm::zip(from, strides))
    offset = arith::AddIOp::create(b, offset,
                                   arith::MulIOp::create(b, position, stride));
  Value bytes =
      arith::MulIOp::create(b, offset, index(bytesOf(type.getElementType())));
  Value address = arith::AddIOp::create(b, addressOf(view), bytes);
  SmallVector<Axis> axes;
  if (type.getRank() == 4)
    axes.push_back({metadata.getSizes()[3], strides[3]});
  axes.push_back({count, strides[2]});
  return create(address, type.getElementType(), axes);
}

Value CallBuffers::addAll(Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memory);
  Value isEmpty = integer(0, 1);
  for (Value extent : metadata.getSizes())
    isEmpty = arith::OrIOp::create(
        b, isEmpty,
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, extent, index(0)));
  Value nothing = allocate(1, b.getI64Type());
  memref::StoreOp::create(b, integer(0, 64), nothing, ValueRange{index(0)});
  Value bytes = arith::MulIOp::create(b, metadata.getOffset(),
                                      index(bytesOf(type.getElementType())));
  Value address = arith::AddIOp::create(b, addressOf(memory), bytes);
  address = arith::SelectOp::create(b, isEmpty, addressOf(nothing), address);
  SmallVector<Axis> axes;
  for (auto [extent, stride] :
       llvm::zip(metadata.getSizes(), metadata.getStrides()))
    axes.push_back(
        {arith::SelectOp::create(b, isEmpty, index(1), extent), stride});
  return create(address, type.getElementType(), axes);
}

std::pair<Value, Value> CallBuffers::addFlag() {
  Value flag = allocate(1, b.getI32Type());
  return {create(addressOf(flag), b.getI32Type(), {}), flag};
}
