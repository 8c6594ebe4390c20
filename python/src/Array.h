//===- Array.h - The tensor of a Python object -----------------*- C++ -*-===//
//
// Whatever has memory that a call can use: NumPy arrays and other buffers,
// arrays of ml_dtypes, objects with `__dlpack__` (old and versioned capsules),
// capsules themselves, and types with DLPack's exchange functions (PyTorch).
// Nothing is copied.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_PYTHON_SRC_ARRAY_H
#define LADON_PYTHON_SRC_ARRAY_H

#include "DlpackPython.h"
#include "Errors.h"

namespace ladon::python {

/// The tensor of an object while a call lasts. The object must live longer.
class Array {
public:
  Array() = default;
  Array(const Array &) = delete;
  ~Array();

  /// Looks for the tensor of `object`; call once. `name` is for messages. An
  /// array that is written must not be read-only. On failure a Python exception
  /// is set.
  bool take(PyObject *object, const char *name, bool isWritten);

  /// Points to the object's memory.
  DLTensor tensor = {};

  /// The stream of a GPU that the object's library works in; null where there
  /// is none or it is not known.
  void *getStream() const;

private:
  bool takeBuffer(PyObject *object, const char *name, bool isWritten);
  bool takeBfloat16(PyObject *object, const char *name, bool isWritten);
  bool takeDlpack(PyObject *object, const char *name, bool isWritten);
  bool takeCapsule(PyObject *capsule, const char *name, bool isWritten);

  static constexpr int maxAxes = 16;

  Py_buffer buffer = {};
  ManagedTensor *managed = nullptr;
  VersionedTensor *versioned = nullptr;
  const ExchangeApi *exchange = nullptr;
  int64_t strides[maxAxes];
};

} // namespace ladon::python

#endif // LADON_PYTHON_SRC_ARRAY_H
