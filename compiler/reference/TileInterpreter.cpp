//===- TileInterpreter.cpp - Runs a function at the tile level ------------===//
//
// Entry, control flow and dispatch.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/TileInterpreter.h"

#include "compiler/reference/InterpreterState.h"
#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ladon::interpreter;
using llvm::Error;
using llvm::Expected;

Error ladon::interpreter::failure(Operation *op, const llvm::Twine &what) {
  std::string where;
  llvm::raw_string_ostream(where) << op->getLoc();
  return llvm::createStringError(where + ": " + op->getName().getStringRef() +
                                 ": " + what);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

SmallVector<int64_t> Interpreter::integers(ValueRange range) {
  SmallVector<int64_t> r;
  for (Value v : range)
    r.push_back(integer(v));
  return r;
}

SmallVector<int64_t> Interpreter::mixed(ArrayRef<int64_t> fixed,
                                        ValueRange dynamic) {
  SmallVector<int64_t> r;
  for (int64_t f : fixed) {
    if (!ShapedType::isDynamic(f)) {
      r.push_back(f);
      continue;
    }
    r.push_back(integer(dynamic.front()));
    dynamic = dynamic.drop_front();
  }
  return r;
}

void Interpreter::set(Value v, Memory memory) {
  values[v] = {0, 0, nullptr, std::make_shared<Memory>(std::move(memory))};
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

Expected<SmallVector<RuntimeValue>>
Interpreter::runBlock(Block &block, ArrayRef<RuntimeValue> arguments) {
  for (auto [arg, value] : llvm::zip(block.getArguments(), arguments))
    values[arg] = value;
  for (Operation &op : block.without_terminator())
    if (Error e = runOp(&op))
      return std::move(e);
  SmallVector<RuntimeValue> results;
  if (block.mightHaveTerminator() &&
      block.back().hasTrait<OpTrait::IsTerminator>())
    for (Value v : block.back().getOperands())
      results.push_back(get(v));
  return results;
}

Error Interpreter::runForall(Operation *operation) {
  auto op = cast<scf::ForallOp>(operation);
  if (op->getNumResults() > 0)
    return failure(op, "results are not supported");
  SmallVector<int64_t> lower =
      mixed(op.getStaticLowerBound(), op.getDynamicLowerBound());
  SmallVector<int64_t> upper =
      mixed(op.getStaticUpperBound(), op.getDynamicUpperBound());
  SmallVector<int64_t> step = mixed(op.getStaticStep(), op.getDynamicStep());
  for (auto [low, high] : llvm::zip(lower, upper))
    if (low >= high)
      return Error::success();
  SmallVector<int64_t> at = lower;
  while (true) {
    SmallVector<RuntimeValue> arguments;
    for (int64_t i : at)
      arguments.push_back({i});
    for (auto [arg, value] : llvm::zip(op.getBody()->getArguments(), arguments))
      values[arg] = value;
    for (Operation &inner : op.getBody()->without_terminator())
      if (Error e = runOp(&inner))
        return e;
    int axis = static_cast<int>(at.size()) - 1;
    for (; axis >= 0 && (at[axis] += step[axis]) >= upper[axis]; --axis)
      at[axis] = lower[axis];
    if (axis < 0)
      return Error::success();
  }
}

Error Interpreter::runControl(Operation *op, bool &known) {
  known = true;
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    Region &taken = integer(branch.getCondition()) ? branch.getThenRegion()
                                                   : branch.getElseRegion();
    if (taken.empty())
      return Error::success();
    auto results = runBlock(taken.front(), {});
    if (!results)
      return results.takeError();
    for (auto [result, value] : llvm::zip(op->getResults(), *results))
      values[result] = value;
    return Error::success();
  }
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    int64_t step = integer(loop.getStep());
    if (step < 1)
      return failure(op, "expected a step of at least 1");
    SmallVector<RuntimeValue> state;
    for (Value init : loop.getInitArgs())
      state.push_back(get(init));
    int64_t upper = integer(loop.getUpperBound());
    for (int64_t i = integer(loop.getLowerBound()); i < upper; i += step) {
      SmallVector<RuntimeValue> arguments = {{i}};
      llvm::append_range(arguments, state);
      auto results = runBlock(*loop.getBody(), arguments);
      if (!results)
        return results.takeError();
      state = std::move(*results);
    }
    for (auto [result, value] : llvm::zip(op->getResults(), state))
      values[result] = value;
    return Error::success();
  }
  if (isa<scf::ForallOp>(op))
    return runForall(op);
  known = false;
  return Error::success();
}

Error Interpreter::runOp(Operation *op) {
  SmallVector<RuntimeValue, 3> operands;
  StringRef dialect = op->getName().getDialectNamespace();
  if (dialect == "arith" || dialect == "math") {
    for (Value operand : op->getOperands())
      operands.push_back(get(operand));
    if (std::optional<RuntimeValue> result = evaluateScalar(op, operands)) {
      values[op->getResult(0)] = *result;
      return Error::success();
    }
    return failure(op, "the interpreter does not know this operation");
  }
  bool known = false;
  if (dialect == "tile") {
    if (Error e = runTile(op, known))
      return e;
  } else if (dialect == "memref" || dialect == "attn" || dialect == "cpu") {
    if (Error e = runMemory(op, known))
      return e;
  } else if (dialect == "scf") {
    if (Error e = runControl(op, known))
      return e;
  } else if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    set(index.getResult(), linalgIndices[index.getDim()]);
    known = true;
  } else if (isa<linalg::LinalgOp>(op)) {
    return runLinalg(op);
  }
  return known ? Error::success()
               : failure(op, "the interpreter does not know this operation");
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

static Expected<RuntimeValue>
convertArgument(Type type, const ladon::InterpreterArgument &argument,
                unsigned number) {
  auto mismatch = [&](StringRef expected) {
    return llvm::createStringError("argument " + llvm::Twine(number) +
                                   ": expected " + expected);
  };
  if (auto memref = dyn_cast<MemRefType>(type)) {
    auto *buffer = std::get_if<ladon::InterpreterBuffer>(&argument);
    if (!buffer)
      return mismatch("a buffer");
    if (static_cast<int64_t>(buffer->sizes.size()) != memref.getRank() ||
        buffer->strides.size() != buffer->sizes.size())
      return mismatch("a buffer of rank " + std::to_string(memref.getRank()));
    for (auto [axis, size] : llvm::enumerate(memref.getShape()))
      if (!ShapedType::isDynamic(size) && size != buffer->sizes[axis])
        return mismatch(std::to_string(size) + " elements on axis " +
                        std::to_string(axis) + ", found " +
                        std::to_string(buffer->sizes[axis]));
    auto memory = std::make_shared<Memory>();
    memory->element = memref.getElementType();
    memory->data = static_cast<char *>(buffer->data);
    memory->sizes = buffer->sizes;
    memory->strides = buffer->strides;
    return RuntimeValue{0, 0, nullptr, memory};
  }
  if (type.isIntOrIndex()) {
    auto *value = std::get_if<int64_t>(&argument);
    if (!value)
      return mismatch("an integer");
    return RuntimeValue{wrapped(*value, type)};
  }
  auto *value = std::get_if<double>(&argument);
  if (!value || !isa<FloatType>(type))
    return mismatch("a real number");
  return RuntimeValue{0, rounded(*value, type)};
}

Error Interpreter::run(func::FuncOp function,
                       ArrayRef<ladon::InterpreterArgument> arguments) {
  if (function.getNumResults() > 0)
    return failure(function, "results are not supported");
  if (function.getNumArguments() != arguments.size())
    return failure(function,
                   "expected " + llvm::Twine(function.getNumArguments()) +
                       " arguments, found " + llvm::Twine(arguments.size()));
  SmallVector<RuntimeValue> converted;
  for (auto [number, argument] : llvm::enumerate(arguments)) {
    Type type = function.getArgumentTypes()[number];
    Expected<RuntimeValue> value = convertArgument(type, argument, number);
    if (!value)
      return value.takeError();
    converted.push_back(*value);
  }
  return runBlock(function.getBody().front(), converted).takeError();
}

Error ladon::interpret(func::FuncOp function,
                       ArrayRef<InterpreterArgument> arguments,
                       const InterpreterOptions &options) {
  return Interpreter(options).run(function, arguments);
}
