//===- Arena.cpp - The memory of a kernel of Halide -----------------------===//

#include "compiler/codegen/halide/Arena.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace ladon;

/// What an array is aligned to, and what the cursor and the header of an array
/// take.
static constexpr int64_t alignment = 64;

/// The words of an arena, and those in front of an array.
enum Word : int64_t { Cursor = 0, Last = 8, Before = 0, IsFree = 8 };

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
  // The cursor lies in front, and the address of the last array's header.
  auto store = [&](Value x, Word word) {
    Value at = arith::AddIOp::create(b, address,
                                     arith::ConstantIntOp::create(b, word, 64));
    auto pointer = LLVM::LLVMPointerType::get(b.getContext());
    LLVM::StoreOp::create(b, x, LLVM::IntToPtrOp::create(b, pointer, at));
  };
  store(arith::AddIOp::create(b, address,
                              arith::ConstantIntOp::create(b, alignment, 64)),
        Cursor);
  store(arith::ConstantIntOp::create(b, 0, 64), Last);
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
  auto at = [&](Value place, Word word) -> Value {
    Value address = LLVM::AddOp::create(b, place, number(word));
    return LLVM::IntToPtrOp::create(b, pointer, address);
  };
  auto load = [&](Value place, Word word) -> Value {
    return LLVM::LoadOp::create(b, b.getI64Type(), at(place, word));
  };
  auto store = [&](Value x, Value place, Word word) {
    LLVM::StoreOp::create(b, x, at(place, word));
  };
  auto addressOf = [&](Value p) -> Value {
    return LLVM::PtrToIntOp::create(b, b.getI64Type(), p);
  };
  {
    auto args = begin("halide_malloc", pointer, {pointer, b.getI64Type()});
    Value arena = addressOf(args[0]), header = load(arena, Cursor);
    store(load(arena, Last), header, Before);
    store(number(0), header, IsFree);
    store(header, arena, Last);
    Value array = LLVM::AddOp::create(b, header, number(alignment));
    Value end = LLVM::AddOp::create(b, array, args[1]);
    Value raised = LLVM::AddOp::create(b, end, number(alignment - 1));
    store(LLVM::AndOp::create(b, raised, number(-alignment)), arena, Cursor);
    Value result = LLVM::IntToPtrOp::create(b, pointer, array);
    LLVM::ReturnOp::create(b, result);
  }
  // Arrays are freed in any order: memory comes back once all behind are free.
  auto args = begin("halide_free", LLVM::LLVMVoidType::get(b.getContext()),
                    {pointer, pointer});
  Value arena = addressOf(args[0]);
  Value own = LLVM::SubOp::create(b, addressOf(args[1]), number(alignment));
  store(number(1), own, IsFree);
  Region &body = *b.getBlock()->getParent();
  Block *entry = b.getBlock(), *loop = b.createBlock(&body, body.end()),
        *check = b.createBlock(&body, body.end()),
        *pop = b.createBlock(&body, body.end()),
        *exit = b.createBlock(&body, body.end());
  b.setInsertionPointToEnd(entry);
  LLVM::BrOp::create(b, ValueRange(), loop);
  b.setInsertionPointToEnd(loop);
  Value last = load(arena, Last);
  Value isNone =
      LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, last, number(0));
  LLVM::CondBrOp::create(b, isNone, exit, check);
  b.setInsertionPointToEnd(check);
  Value isFree = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne,
                                      load(last, IsFree), number(0));
  LLVM::CondBrOp::create(b, isFree, pop, exit);
  b.setInsertionPointToEnd(pop);
  store(load(last, Before), arena, Last);
  store(last, arena, Cursor);
  LLVM::BrOp::create(b, ValueRange(), loop);
  b.setInsertionPointToEnd(exit);
  LLVM::ReturnOp::create(b, ValueRange());
}
