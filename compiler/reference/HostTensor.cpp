//===- HostTensor.cpp - A tensor in host memory ---------------------------===//

#include "compiler/reference/HostTensor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>
#include <limits>
#include <sys/mman.h>

using namespace ladon;
using namespace ladon::ast;
using llvm::ArrayRef;

int64_t ladon::elementCount(ArrayRef<int64_t> shape) {
  // However long the other axes are.
  if (llvm::is_contained(shape, 0))
    return 0;
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

Extents ladon::denseStrides(ArrayRef<int64_t> shape) {
  Extents strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;)
    // Too large only where there are no elements, and no stride matters.
    strides[axis - 1] = llvm::checkedMul(strides[axis], shape[axis])
                            .value_or(std::numeric_limits<int64_t>::max());
  return strides;
}

void ladon::forEachPosition(ArrayRef<int64_t> shape,
                            llvm::function_ref<void(ArrayRef<int64_t>)> visit) {
  if (elementCount(shape) == 0)
    return;
  Extents position(shape.size(), 0);
  while (true) {
    visit(position);
    size_t axis = shape.size();
    while (axis > 0 && ++position[axis - 1] == shape[axis - 1])
      position[--axis] = 0;
    if (axis == 0)
      return;
  }
}

std::shared_ptr<std::vector<char>> ladon::allocateBytes(size_t bytes,
                                                        char filler) {
  auto memory = std::make_shared<std::vector<char>>();
  memory->reserve(bytes);
  // Before the first byte is touched; whether it is done changes no result.
  constexpr uint64_t large = uint64_t(1) << 21;
  auto begin = reinterpret_cast<uintptr_t>(memory->data());
  uint64_t first = llvm::alignTo(begin, large);
  uint64_t last = llvm::alignDown(begin + bytes, large);
  if (first < last)
    (void)madvise(reinterpret_cast<void *>(first), last - first, MADV_HUGEPAGE);
  memory->assign(bytes, filler);
  return memory;
}

HostTensor HostTensor::zeros(ScalarType element, ArrayRef<int64_t> shape) {
  HostTensor tensor;
  tensor.element = element;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.strides = denseStrides(shape);
  tensor.owner = allocateBytes(elementCount(shape) * byteSize(element));
  tensor.data = tensor.owner->data();
  return tensor;
}

HostTensor HostTensor::scalar(ScalarType element, double value) {
  HostTensor tensor = zeros(element, {});
  if (isFloat(element))
    tensor.setFloat({}, value);
  else
    tensor.setInteger({}, static_cast<int64_t>(value));
  return tensor;
}

char *HostTensor::address(ArrayRef<int64_t> position) const {
  int64_t index = 0;
  for (size_t axis = 0; axis < position.size(); ++axis)
    index += position[axis] * strides[axis];
  return data + index * int64_t(byteSize(element));
}

template <typename T> static T load(const char *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T> static void store(char *to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

int64_t HostTensor::getInteger(ArrayRef<int64_t> position) const {
  const char *from = address(position);
  switch (element) {
  case ScalarType::Bool:
    return *from != 0;
  case ScalarType::U8:
    return load<uint8_t>(from);
  case ScalarType::I8:
    return load<int8_t>(from);
  case ScalarType::I16:
    return load<int16_t>(from);
  case ScalarType::I32:
    return load<int32_t>(from);
  case ScalarType::I64:
    return load<int64_t>(from);
  default:
    return 0;
  }
}

double HostTensor::getFloat(ArrayRef<int64_t> position) const {
  const char *from = address(position);
  if (!isFloat(element))
    return static_cast<double>(getInteger(position));
  if (element == ScalarType::F32)
    return load<float>(from);
  if (element == ScalarType::F64)
    return load<double>(from);
  uint64_t bits = 0; // The bytes of a number are little-endian.
  std::memcpy(&bits, from, byteSize(element));
  return decodeFloat(element, bits);
}

void HostTensor::setInteger(ArrayRef<int64_t> position, int64_t value) const {
  char *to = address(position);
  switch (element) {
  case ScalarType::Bool:
    *to = value != 0;
    return;
  case ScalarType::U8:
    return store(to, static_cast<uint8_t>(value));
  case ScalarType::I8:
    return store(to, static_cast<int8_t>(value));
  case ScalarType::I16:
    return store(to, static_cast<int16_t>(value));
  case ScalarType::I32:
    return store(to, static_cast<int32_t>(value));
  case ScalarType::I64:
    return store(to, value);
  default:
    return setFloat(position, static_cast<double>(value));
  }
}

void HostTensor::setFloat(ArrayRef<int64_t> position, double value) const {
  char *to = address(position);
  if (isStorageOnly(element) && !isFloat(element))
    value = roundedTo(element, value);
  if (!isFloat(element))
    return setInteger(position, static_cast<int64_t>(value));
  if (element == ScalarType::F32)
    return store(to, float(value));
  if (element == ScalarType::F64)
    return store(to, value);
  uint64_t bits = encodeFloat(element, value);
  std::memcpy(to, &bits, byteSize(element));
}

HostTensor HostTensor::dense() const {
  HostTensor copy = zeros(element, shape);
  unsigned bytes = byteSize(element);
  forEachPosition(shape, [&](ArrayRef<int64_t> position) {
    std::memcpy(copy.address(position), address(position), bytes);
  });
  return copy;
}
