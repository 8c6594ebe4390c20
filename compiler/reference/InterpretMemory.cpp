//===- InterpretMemory.cpp - memref and linalg on host memory -------------===//

#include "compiler/reference/InterpreterState.h"

#include "dialects/attn/Attn.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/APFloat.h"

#include <algorithm>
#include <cstring>

using namespace mlir;
using namespace ladon::interpreter;
using llvm::Error;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

int64_t Memory::elementSize() const {
  return element.isIndex() ? 8 : (element.getIntOrFloatBitWidth() + 7) / 8;
}

char *Memory::at(ArrayRef<int64_t> indices) const {
  int64_t offset = 0;
  for (auto [index, stride] : llvm::zip(indices, strides))
    offset += index * stride;
  return data + offset * elementSize();
}

template <typename T> static T loadAs(const char *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T> static void storeAs(char *to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

RuntimeValue ladon::interpreter::loadElement(const Memory &memory,
                                             ArrayRef<int64_t> indices) {
  const char *from = memory.at(indices);
  if (memory.element.isF32())
    return {0, loadAs<float>(from)};
  if (memory.element.isF64())
    return {0, loadAs<double>(from)};
  if (auto stored = dyn_cast<FloatType>(memory.element)) {
    uint64_t bits = 0; // The bytes of a number are little-endian.
    std::memcpy(&bits, from, memory.elementSize());
    llvm::APFloat value(stored.getFloatSemantics(),
                        llvm::APInt(stored.getWidth(), bits));
    return {0, value.convertToDouble()};
  }
  switch (memory.elementSize()) {
  case 1:
    return {wrapped(loadAs<int8_t>(from), memory.element)};
  case 2:
    return {loadAs<int16_t>(from)};
  case 4:
    return {loadAs<int32_t>(from)};
  default:
    return {loadAs<int64_t>(from)};
  }
}

void ladon::interpreter::storeElement(const Memory &memory,
                                      ArrayRef<int64_t> indices,
                                      const RuntimeValue &value) {
  char *to = memory.at(indices);
  if (memory.element.isF32())
    return storeAs<float>(to, static_cast<float>(value.real));
  if (memory.element.isF64())
    return storeAs<double>(to, value.real);
  if (auto stored = dyn_cast<FloatType>(memory.element)) {
    llvm::APFloat narrow(value.real);
    bool losesInfo = false;
    narrow.convert(stored.getFloatSemantics(),
                   llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    uint64_t bits = narrow.bitcastToAPInt().getZExtValue();
    std::memcpy(to, &bits, memory.elementSize());
    return;
  }
  switch (memory.elementSize()) {
  case 1:
    return storeAs<int8_t>(to, static_cast<int8_t>(value.integer));
  case 2:
    return storeAs<int16_t>(to, static_cast<int16_t>(value.integer));
  case 4:
    return storeAs<int32_t>(to, static_cast<int32_t>(value.integer));
  default:
    return storeAs<int64_t>(to, value.integer);
  }
}

/// Calls `visit` with every index of a box, last index fastest.
static void forEachIndex(ArrayRef<int64_t> sizes,
                         function_ref<void(ArrayRef<int64_t>)> visit) {
  if (llvm::any_of(sizes, [](int64_t s) { return s <= 0; }))
    return;
  SmallVector<int64_t> index(sizes.size(), 0);
  while (true) {
    visit(index);
    int axis = static_cast<int>(sizes.size()) - 1;
    while (axis >= 0 && ++index[axis] == sizes[axis])
      index[axis--] = 0;
    if (axis < 0)
      return;
  }
}

static SmallVector<int64_t, 4> denseStrides(ArrayRef<int64_t> sizes) {
  SmallVector<int64_t, 4> strides(sizes.size(), 1);
  for (int axis = static_cast<int>(sizes.size()) - 2; axis >= 0; --axis)
    strides[axis] = strides[axis + 1] * sizes[axis + 1];
  return strides;
}

ladon::InterpreterBuffer
ladon::InterpreterBuffer::dense(void *data, ArrayRef<int64_t> sizes) {
  return {data, SmallVector<int64_t, 4>(sizes), denseStrides(sizes)};
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

static Memory expanded(const Memory &source, memref::ExpandShapeOp op,
                       ArrayRef<int64_t> sizes) {
  Memory r = source;
  r.sizes.assign(sizes.begin(), sizes.end());
  r.strides.assign(sizes.size(), 1);
  for (auto [axis, group] : llvm::enumerate(op.getReassociationIndices())) {
    int64_t stride = source.strides[axis];
    for (int64_t part : llvm::reverse(group)) {
      r.strides[part] = stride;
      stride *= sizes[part];
    }
  }
  return r;
}

static Memory collapsed(const Memory &source, memref::CollapseShapeOp op) {
  Memory r = source;
  r.sizes.clear();
  r.strides.clear();
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    int64_t size = 1, stride = 1;
    // The innermost axis that holds more than one element sets the stride.
    for (int64_t part : group) {
      size *= source.sizes[part];
      if (source.sizes[part] != 1 || part == group.back())
        stride = source.strides[part];
    }
    if (source.sizes[group.back()] == 1)
      for (int64_t part : group)
        if (source.sizes[part] != 1)
          stride = source.strides[part];
    r.sizes.push_back(size);
    r.strides.push_back(stride);
  }
  return r;
}

static Memory transposed(const Memory &source, AffineMap permutation) {
  Memory r = source;
  for (auto [axis, from] : llvm::enumerate(permutation.getResults())) {
    unsigned position = cast<AffineDimExpr>(from).getPosition();
    r.sizes[axis] = source.sizes[position];
    r.strides[axis] = source.strides[position];
  }
  return r;
}

static Memory subview(const Memory &source, memref::SubViewOp op,
                      ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes,
                      ArrayRef<int64_t> steps) {
  Memory r = source;
  r.data = source.at(offsets);
  r.sizes.clear();
  r.strides.clear();
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    if (dropped.test(axis))
      continue;
    r.sizes.push_back(sizes[axis]);
    r.strides.push_back(source.strides[axis] * steps[axis]);
  }
  return r;
}

/// attn.read: every index is clamped into its axis.
static RuntimeValue clampedRead(const Memory &source,
                                SmallVector<int64_t> indices) {
  for (auto [index, size] : llvm::zip(indices, source.sizes)) {
    if (size == 0)
      return {};
    index = std::clamp<int64_t>(index, 0, size - 1);
  }
  return loadElement(source, indices);
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

/// An error where `indices` are outside of `memory`.
static Error checkInside(Operation *op, const Memory &memory,
                         ArrayRef<int64_t> indices) {
  for (auto [index, size] : llvm::zip(indices, memory.sizes))
    if (index < 0 || index >= size)
      return failure(op, "index " + llvm::Twine(index) +
                             " is outside of an axis of " + llvm::Twine(size));
  return Error::success();
}

Error Interpreter::runMemory(Operation *op, bool &known) {
  known = true;
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    int64_t axis = integer(dim.getIndex());
    const Memory &source = memory(dim.getSource());
    if (axis < 0 || axis >= static_cast<int64_t>(source.sizes.size()))
      return failure(op, "the axis is out of range");
    set(dim.getResult(), source.sizes[axis]);
  } else if (auto attempt = dyn_cast<ladon::cpu::TryAllocOp>(op);
             attempt && !options.grantOptionalMemory) {
    set(attempt.getMemory(), Memory());
    set(attempt.getGranted(), false);
  } else if (isa<memref::AllocOp, memref::AllocaOp, ladon::cpu::TryAllocOp>(
                 op)) {
    auto type = cast<MemRefType>(op->getResult(0).getType());
    Memory r;
    r.element = type.getElementType();
    SmallVector<int64_t> sizes = mixed(type.getShape(), op->getOperands());
    r.sizes.assign(sizes.begin(), sizes.end());
    r.strides = denseStrides(sizes);
    int64_t count = 1;
    for (int64_t size : sizes)
      count *= std::max<int64_t>(size, 0);
    // Without tiles, nobody reads or writes what they would be kept in.
    if (options.evaluateTiles || !isa<FloatType>(r.element)) {
      r.owner = std::make_shared<std::vector<char>>(count * r.elementSize());
      r.data = r.owner->data();
    }
    set(op->getResult(0), r);
    if (auto attempt = dyn_cast<ladon::cpu::TryAllocOp>(op))
      set(attempt.getGranted(), true);
  } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
    const Memory &source = memory(load.getMemRef());
    SmallVector<int64_t> indices = integers(load.getIndices());
    if (Error error = checkInside(op, source, indices))
      return error;
    values[load.getResult()] = loadElement(source, indices);
  } else if (auto store = dyn_cast<memref::StoreOp>(op)) {
    const Memory &dest = memory(store.getMemRef());
    SmallVector<int64_t> indices = integers(store.getIndices());
    if (Error error = checkInside(op, dest, indices))
      return error;
    storeElement(dest, indices, get(store.getValue()));
  } else if (auto swap = dyn_cast<memref::AtomicRMWOp>(op);
             swap && swap.getKind() == arith::AtomicRMWKind::assign) {
    const Memory &dest = memory(swap.getMemref());
    SmallVector<int64_t> indices = integers(swap.getIndices());
    if (Error error = checkInside(op, dest, indices))
      return error;
    values[swap.getResult()] = loadElement(dest, indices);
    storeElement(dest, indices, get(swap.getValue()));
  } else if (auto read = dyn_cast<attn::ReadOp>(op)) {
    values[read.getResult()] =
        clampedRead(memory(read.getSource()), integers(read.getIndices()));
  } else if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    if (options.evaluateTiles)
      forEachIndex(memory(copy.getSource()).sizes, [&](ArrayRef<int64_t> i) {
        storeElement(memory(copy.getTarget()), i,
                     loadElement(memory(copy.getSource()), i));
      });
  } else if (auto cast = dyn_cast<memref::CastOp>(op)) {
    values[cast.getResult()] = RuntimeValue(get(cast.getSource()));
  } else if (auto expand = dyn_cast<memref::ExpandShapeOp>(op)) {
    set(expand.getResult(), expanded(memory(expand.getSrc()), expand,
                                     mixed(expand.getStaticOutputShape(),
                                           expand.getOutputShape())));
  } else if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
    set(collapse.getResult(), collapsed(memory(collapse.getSrc()), collapse));
  } else if (auto transpose = dyn_cast<memref::TransposeOp>(op)) {
    set(transpose.getResult(),
        transposed(memory(transpose.getIn()), transpose.getPermutation()));
  } else if (auto view = dyn_cast<memref::SubViewOp>(op)) {
    set(view.getResult(),
        subview(memory(view.getSource()), view,
                mixed(view.getStaticOffsets(), view.getOffsets()),
                mixed(view.getStaticSizes(), view.getSizes()),
                mixed(view.getStaticStrides(), view.getStrides())));
  } else if (!isa<memref::DeallocOp, attn::CheckIndicesOp>(op)) {
    // Nobody asks for a check here.
    known = false;
  }
  return Error::success();
}

/// Any structured operation: its region at every point of its iteration space.
Error Interpreter::runLinalg(Operation *operation) {
  auto op = cast<linalg::LinalgOp>(operation);
  if (!options.evaluateTiles)
    return Error::success();
  SmallVector<int64_t> shapes;
  for (Value operand : op->getOperands())
    if (isa<MemRefType>(operand.getType()))
      llvm::append_range(shapes, memory(operand).sizes);
  SmallVector<int64_t> loops = op.getShapesToLoopsMap().compose(shapes);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  Error error = Error::success();
  forEachIndex(loops, [&](ArrayRef<int64_t> point) {
    if (error)
      return;
    SmallVector<RuntimeValue> arguments;
    for (auto [operand, map] : llvm::zip(op->getOperands(), maps))
      arguments.push_back(isa<MemRefType>(operand.getType())
                              ? loadElement(memory(operand), map.compose(point))
                              : get(operand));
    linalgIndices.assign(point.begin(), point.end());
    auto results = runBlock(op->getRegion(0).front(), arguments);
    if (!results) {
      error = results.takeError();
      return;
    }
    unsigned inputs = op.getNumDpsInputs();
    for (auto [number, result] : llvm::enumerate(*results))
      storeElement(memory(op->getOperand(inputs + number)),
                   maps[inputs + number].compose(point), result);
  });
  return error;
}
