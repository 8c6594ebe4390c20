//===- HostTensor.h - A tensor in host memory ------------------*- C++ -*-===//
//
// A strided view of host memory, as a compiled attention takes it: element
// type, shape, strides in elements (any, 0 included), address of element zero.
// A view may own its memory together with others; copying a HostTensor copies
// the view. A scalar is a tensor without axes.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_REFERENCE_HOSTTENSOR_H
#define LADON_COMPILER_REFERENCE_HOSTTENSOR_H

#include "compiler/frontend/AST.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace ladon {

/// A shape, strides or a position.
using Extents = llvm::SmallVector<int64_t, 4>;

/// The product of the extents; 1 without axes.
int64_t elementCount(llvm::ArrayRef<int64_t> shape);

/// The strides of a dense tensor with the last axis innermost.
Extents denseStrides(llvm::ArrayRef<int64_t> shape);

/// Calls `visit` for every position of `shape`, the last axis fastest.
void forEachPosition(llvm::ArrayRef<int64_t> shape,
                     llvm::function_ref<void(llvm::ArrayRef<int64_t>)> visit);

/// Memory for elements, in large pages where the system has them, as NumPy
/// takes them for large arrays: else a call that reads much memory would wait
/// for the translation of its addresses.
std::shared_ptr<std::vector<char>> allocateBytes(size_t bytes, char filler = 0);

/// A strided view of host memory.
struct HostTensor {
  ast::ScalarType element = ast::ScalarType::F32;
  Extents shape;
  Extents strides;                          ///< In elements.
  char *data = nullptr;                     ///< Element zero.
  std::shared_ptr<std::vector<char>> owner; ///< Null: memory of the caller.

  /// A dense tensor of zeros that owns its memory.
  static HostTensor zeros(ast::ScalarType element,
                          llvm::ArrayRef<int64_t> shape);
  /// A scalar of the given value, converted to `element`.
  static HostTensor scalar(ast::ScalarType element, double value);

  int64_t size() const { return elementCount(shape); }
  char *address(llvm::ArrayRef<int64_t> position) const;

  /// The element as f64: exact but for large i64 values.
  double getFloat(llvm::ArrayRef<int64_t> position) const;
  /// The element of an integer or bool tensor; bool gives 0 or 1.
  int64_t getInteger(llvm::ArrayRef<int64_t> position) const;
  /// Stores `value`, rounded to the element type.
  void setFloat(llvm::ArrayRef<int64_t> position, double value) const;
  void setInteger(llvm::ArrayRef<int64_t> position, int64_t value) const;

  /// A dense copy.
  HostTensor dense() const;
};

} // namespace ladon

#endif // LADON_COMPILER_REFERENCE_HOSTTENSOR_H
