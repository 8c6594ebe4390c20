//===- DlpackPython.h - How tensors come out of Python objects --*- C++ -*-===//
//
// The part of DLPack 1.3 (dlpack/dlpack.h) that is about Python; ladon.h has
// the DLTensor. Layouts are those of the standard.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_PYTHON_SRC_DLPACKPYTHON_H
#define LADON_PYTHON_SRC_DLPACKPYTHON_H

#include "ladon/ladon.h"

namespace ladon::python {

/// What a capsule named "dltensor" holds.
struct ManagedTensor {
  DLTensor tensor;
  void *context;
  void (*deleter)(ManagedTensor *self);
};

struct DlpackVersion {
  uint32_t major, minor;
};

/// What a capsule named "dltensor_versioned" holds.
struct VersionedTensor {
  DlpackVersion version;
  void *context;
  void (*deleter)(VersionedTensor *self);
  uint64_t flags;
  DLTensor tensor;
};

inline constexpr uint64_t readOnlyFlag = 1;
inline constexpr uint32_t dlpackMajor = 1;

/// What the attribute `__dlpack_c_exchange_api__` of a type of arrays points
/// to: a way to their tensors without a capsule. Functions return 0, or set a
/// Python exception.
struct ExchangeApi {
  DlpackVersion version;
  ExchangeApi *previous;
  void *allocate, *managedFromObject, *objectFromManaged;
  /// The view is valid as long as the object is; nothing waits for a stream.
  int (*tensorFromObject)(void *object, DLTensor *view);
  int (*currentStream)(DLDeviceType type, int32_t device, void **stream);
};

} // namespace ladon::python

#endif // LADON_PYTHON_SRC_DLPACKPYTHON_H
