//===- Array.cpp - The tensor of a Python object --------------------------===//

#include "Array.h"

#include <cstring>

using namespace ladon::python;

/// Of DLDataTypeCode, but newer than the oldest header with a DLTensor.
static constexpr uint8_t codeBool = 6;

/// The exchange functions of a type; null where it has none of a version that
/// is known. Types are few, the attribute takes a while to find.
static const ExchangeApi *exchangeOf(PyTypeObject *type) {
  struct Known {
    PyTypeObject *type;
    const ExchangeApi *api;
  };
  static Known known[8];
  for (const Known &entry : known)
    if (entry.type == type)
      return entry.api;
  const ExchangeApi *api = nullptr;
  PyObject *capsule = PyObject_GetAttrString(reinterpret_cast<PyObject *>(type),
                                             "__dlpack_c_exchange_api__");
  if (capsule && PyCapsule_CheckExact(capsule))
    api = static_cast<const ExchangeApi *>(
        PyCapsule_GetPointer(capsule, "dlpack_exchange_api"));
  Py_XDECREF(capsule);
  PyErr_Clear();
  while (api && api->version.major != dlpackMajor)
    api = api->previous;
  if (api && !api->tensorFromObject)
    api = nullptr;
  for (Known &entry : known)
    if (!entry.type) {
      // Kept for good, so that no other type gets the same address.
      Py_INCREF(type);
      entry = {type, api};
      break;
    }
  return api;
}

Array::~Array() {
  if (buffer.obj)
    PyBuffer_Release(&buffer);
  // A deleter may run Python code, which must not see our exception.
  if ((managed && managed->deleter) || (versioned && versioned->deleter)) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    if (managed && managed->deleter)
      managed->deleter(managed);
    if (versioned && versioned->deleter)
      versioned->deleter(versioned);
    PyErr_Restore(type, value, trace);
  }
}

bool Array::take(PyObject *object, const char *name, bool isWritten) {
  if (PyCapsule_CheckExact(object))
    return takeCapsule(object, name, isWritten);
  if (const ExchangeApi *api = exchangeOf(Py_TYPE(object))) {
    if (api->tensorFromObject(object, &tensor) != 0)
      return setArrayError(name, "its memory cannot be used");
    exchange = api;
    return true;
  }
  if (PyObject_CheckBuffer(object))
    return takeBuffer(object, name, isWritten);
  return takeDlpack(object, name, isWritten);
}

void *Array::getStream() const {
  void *stream = nullptr;
  if (exchange && exchange->currentStream && tensor.device.device_type == 2 &&
      exchange->currentStream(tensor.device.device_type,
                              tensor.device.device_id, &stream) != 0)
    PyErr_Clear();
  return stream;
}

//===--- Buffers ----------------------------------------------------------===//

/// The type of an element in the notation of `struct`; lanes are 0 for one that
/// no tensor has.
static DLDataType readFormat(const char *format, Py_ssize_t itemSize) {
  if (!format)
    format = "B";
  // Of another order of bytes only '>' and '!' are.
  if (*format && strchr("@=<", *format))
    ++format;
  auto bits = static_cast<uint8_t>(8 * itemSize);
  if (format[0] && !format[1]) {
    if (strchr("efd", format[0]))
      return {kDLFloat, bits, 1};
    if (strchr("bhilqn", format[0]))
      return {kDLInt, bits, 1};
    if (strchr("BHILQN", format[0]))
      return {kDLUInt, bits, 1};
    if (format[0] == '?')
      return {codeBool, bits, 1};
  }
  return {0, 0, 0};
}

/// Whether it is an array whose element type NumPy lends from ml_dtypes.
static bool isBfloat16(PyObject *object) {
  bool result = false;
  PyObject *type = PyObject_GetAttrString(object, "dtype");
  PyObject *name = type ? PyObject_GetAttrString(type, "name") : nullptr;
  if (name && PyUnicode_Check(name))
    result = PyUnicode_CompareWithASCIIString(name, "bfloat16") == 0;
  Py_XDECREF(name);
  Py_XDECREF(type);
  PyErr_Clear();
  return result;
}

bool Array::takeBuffer(PyObject *object, const char *name, bool isWritten) {
  if (PyObject_GetBuffer(object, &buffer, PyBUF_STRIDES | PyBUF_FORMAT) != 0) {
    buffer.obj = nullptr;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    if (isBfloat16(object)) {
      Py_XDECREF(type);
      Py_XDECREF(value);
      Py_XDECREF(trace);
      return takeBfloat16(object, name, isWritten);
    }
    PyErr_Restore(type, value, trace);
    return setArrayError(name, "its memory cannot be used");
  }
  if (isWritten && buffer.readonly)
    return setArrayError(name, "the array is read-only");
  tensor.dtype = readFormat(buffer.format, buffer.itemsize);
  if (tensor.dtype.lanes == 0)
    return setArrayError(name, "no element type of a tensor has the format '" +
                                   std::string(buffer.format) + "'");
  tensor.data = buffer.buf;
  tensor.device = {kDLCPU, 0};
  tensor.ndim = buffer.ndim;
  tensor.shape = reinterpret_cast<int64_t *>(buffer.shape);
  // With more axes than any spec has, the library looks at no stride.
  if (buffer.ndim > maxAxes)
    return true;
  for (int axis = 0; axis < buffer.ndim; ++axis) {
    if (buffer.strides[axis] % buffer.itemsize != 0)
      return setArrayError(name, "the stride of axis " + std::to_string(axis) +
                                     ", " +
                                     std::to_string(buffer.strides[axis]) +
                                     " bytes, is no multiple of an element");
    strides[axis] = buffer.strides[axis] / buffer.itemsize;
  }
  tensor.strides = strides;
  return true;
}

/// NumPy gives no buffer of types that it lends, but one of the same memory as
/// 16-bit integers.
bool Array::takeBfloat16(PyObject *object, const char *name, bool isWritten) {
  PyObject *view = PyObject_CallMethod(object, "view", "s", "u2");
  if (!view)
    return setArrayError(name, "its memory cannot be used");
  // The buffer keeps the view alive.
  bool taken = takeBuffer(view, name, isWritten);
  Py_DECREF(view);
  if (taken)
    tensor.dtype = {kDLBfloat, 16, 1};
  return taken;
}

//===--- DLPack -----------------------------------------------------------===//

bool Array::takeDlpack(PyObject *object, const char *name, bool isWritten) {
  PyObject *method = PyObject_GetAttrString(object, "__dlpack__");
  if (!method) {
    PyErr_Clear();
    return setTypeError(std::string(name) +
                        ": expected an array (with __dlpack__ or the buffer "
                        "protocol), found " +
                        Py_TYPE(object)->tp_name);
  }
  PyObject *none = PyTuple_New(0);
  PyObject *version = Py_BuildValue("{s:(ii)}", "max_version", 1, 3);
  PyObject *capsule =
      none && version ? PyObject_Call(method, none, version) : nullptr;
  if (!capsule && PyErr_ExceptionMatches(PyExc_TypeError)) {
    // Older than versions.
    PyErr_Clear();
    capsule = PyObject_CallNoArgs(method);
  }
  Py_XDECREF(version);
  Py_XDECREF(none);
  Py_DECREF(method);
  if (!capsule)
    return setArrayError(name, "its memory cannot be used");
  bool taken = takeCapsule(capsule, name, isWritten);
  Py_DECREF(capsule);
  return taken;
}

bool Array::takeCapsule(PyObject *capsule, const char *name, bool isWritten) {
  if (!PyCapsule_CheckExact(capsule))
    return setTypeError(std::string(name) +
                        ": expected __dlpack__ to give a capsule, found " +
                        Py_TYPE(capsule)->tp_name);
  const char *kind = PyCapsule_GetName(capsule);
  if (!kind)
    kind = "";
  if (!strcmp(kind, "dltensor")) {
    managed = static_cast<ManagedTensor *>(PyCapsule_GetPointer(capsule, kind));
    PyCapsule_SetName(capsule, "used_dltensor");
    tensor = managed->tensor;
    return true;
  }
  if (!strcmp(kind, "dltensor_versioned")) {
    versioned =
        static_cast<VersionedTensor *>(PyCapsule_GetPointer(capsule, kind));
    PyCapsule_SetName(capsule, "used_dltensor_versioned");
    if (versioned->version.major != dlpackMajor)
      return setArrayError(name,
                           "expected a tensor of DLPack 1, found one of " +
                               std::to_string(versioned->version.major) + "." +
                               std::to_string(versioned->version.minor));
    if (isWritten && (versioned->flags & readOnlyFlag))
      return setArrayError(name, "the array is read-only");
    tensor = versioned->tensor;
    return true;
  }
  if (!strncmp(kind, "used_dltensor", strlen("used_dltensor")))
    return setArrayError(name, "the capsule was consumed before");
  return setArrayError(name, "expected a capsule of DLPack, found '" +
                                 std::string(kind) + "'");
}
