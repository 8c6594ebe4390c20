//===- Arena.cpp - The memory of a kernel of Halide -----------------------===//

#include "compiler/codegen/halide/Arena.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace ladon;

/// What an array is aligned to, and what the cursor takes.
static constexpr int64_t alignment = 64;

int64_t ladon::halide::arenaBytes(attn::AttendOp op, tile::ShapeAttr shape) {
  int64_t headDim = op.getHeadDim(), valueDim = op.getValueDim() + 8;
  int64_t rows = shape.getQueries(), keys = shape.getKeys();
  // The queries; the state's three, the block's values and the result; scores
  // and weights; keys and values, widened.
  int64_t numbers = rows * (headDim + 5 * valueDim + 2 * keys + 16) +
                    keys * (headDim + valueDim);
  // Halide rounds up each of the dozen arrays, and may read a vector further.
  constexpr int64_t arrays = 16, slack = 4 * alignment;
  return numbers * (op.getElementType().getWidth() / 8) + arrays * slack;
}

Value ladon::halide::addArena(ImplicitLocOpBuilder &b, int64_t bytes) {
  Value memory = memref::AllocOp::create(
      b, MemRefType::get({alignment + bytes}, b.getI8Type()),
      b.getI64IntegerAttr(alignment));
  Value address = arith::IndexCastOp::create(
      b, b.getI64Type(),
      memref::ExtractAlignedPointerAsIndexOp::create(b, memory));
  // The cursor lies in front.
  Value first = arith::AddIOp::create(
      b, address, arith::ConstantIntOp::create(b, alignment, 64));
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  LLVM::StoreOp::create(b, first,
                        LLVM::IntToPtrOp::create(b, pointer, address));
  return address;
}

void ladon::halide::defineArena(ModuleOp module) {
  ImplicitLocOpBuilder b(module.getLoc(), module.getBodyRegion());
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto begin = [&](StringRef name, Type result, ArrayRef<Type> arguments) {
    b.setInsertionPointToEnd(module.getBody());
    auto function = LLVM::LLVMFuncOp::create(
        b, name, LLVM::LLVMFunctionType::get(result, arguments));
    Block *body = function.addEntryBlock(b);
    b.setInsertionPointToStart(body);
    return body->getArguments();
  };
  auto number = [&](int64_t value) -> Value {
    return LLVM::ConstantOp::create(b, b.getI64IntegerAttr(value));
  };
  {
    auto args = begin("halide_malloc", pointer, {pointer, b.getI64Type()});
    Value place = LLVM::LoadOp::create(b, b.getI64Type(), args[0]);
    Value end = LLVM::AddOp::create(b, place, args[1]);
    Value raised = LLVM::AddOp::create(b, end, number(alignment - 1));
    Value next = LLVM::AndOp::create(b, raised, number(-alignment));
    LLVM::StoreOp::create(b, next, args[0]);
    Value array = LLVM::IntToPtrOp::create(b, pointer, place);
    LLVM::ReturnOp::create(b, array);
  }
  auto args = begin("halide_free", LLVM::LLVMVoidType::get(b.getContext()),
                    {pointer, pointer});
  Value place = LLVM::PtrToIntOp::create(b, b.getI64Type(), args[1]);
  LLVM::StoreOp::create(b, place, args[0]);
  LLVM::ReturnOp::create(b, ValueRange());
}
