//===- Entry.cpp - An entry point of a compiled library -------------------===//

#include "Entry.h"

#include <dlfcn.h>
#include <memory>
#include <stdexcept>

namespace nb = nanobind;
using namespace ladon::python;

namespace {

/// The value of a scalar, as the C interface passes it.
union Scalar {
  float f32;
  double f64;
  int32_t i32;
  int64_t i64;
  uint8_t boolean;
};

ffi_type *typeOf(const Param &param) {
  if (param.kind != Param::Scalar)
    return &ffi_type_pointer;
  if (param.element == "f32")
    return &ffi_type_float;
  if (param.element == "f64")
    return &ffi_type_double;
  if (param.element == "i32")
    return &ffi_type_sint32;
  if (param.element == "i64")
    return &ffi_type_sint64;
  if (param.element == "bool")
    return &ffi_type_uint8;
  throw std::runtime_error(param.name + ": unknown type " + param.element);
}

} // namespace

/// All there is to one call; arrays are let go of at its end.
struct Entry::Call {
  explicit Call(size_t count)
      : objects(count), arrays(new Array[count]), scalars(count) {}

  std::vector<PyObject *> objects; ///< Borrowed; null where none is given.
  std::unique_ptr<Array[]> arrays;
  std::vector<Scalar> scalars;
  std::vector<nb::object> outputs; ///< In the order of the results.
  PyObject *out = nullptr;         ///< The option; null if not given.
  PyObject *family = nullptr;      ///< An object to make results like.
  nb::object finish;               ///< Makes the object to return of a result.
  ladon_options options = LADON_OPTIONS_INIT;
};

Entry::Entry(const std::string &path, const std::string &entry,
             const std::string &lastErrorName, std::vector<Param> someParams,
             std::vector<nb::object> someFormulas)
    : name(entry), params(std::move(someParams)),
      formulas(std::move(someFormulas)) {
  for (size_t index = 0; index < params.size(); ++index) {
    types.push_back(typeOf(params[index]));
    if (params[index].kind == Param::Output) {
      results.push_back(index);
      continue;
    }
    given.push_back(index);
    byName.emplace(params[index].name, index);
  }
  types.push_back(&ffi_type_pointer);
  if (ffi_prep_cif(&interface, FFI_DEFAULT_ABI, types.size(), &ffi_type_sint32,
                   types.data()) != FFI_OK)
    throw std::runtime_error(name + ": no call with these parameters");

  library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw std::runtime_error(dlerror());
  function = reinterpret_cast<void (*)()>(dlsym(library, entry.c_str()));
  lastError = reinterpret_cast<const char *(*)()>(
      dlsym(library, lastErrorName.c_str()));
  if (!function || !lastError) {
    dlclose(library);
    throw std::runtime_error(path + ": has no function '" + entry + "'");
  }
}

Entry::~Entry() {
  if (library)
    dlclose(library);
}

//===--- Arguments --------------------------------------------------------===//

bool Entry::bind(Call &call, PyObject *arguments, PyObject *keywords) const {
  auto count = static_cast<size_t>(PyTuple_GET_SIZE(arguments));
  if (count > given.size())
    return setTypeError(name + ": expected " + std::to_string(given.size()) +
                        " arguments, found " + std::to_string(count));
  for (size_t index = 0; index < count; ++index)
    call.objects[given[index]] = PyTuple_GET_ITEM(arguments, index);

  PyObject *key, *value;
  Py_ssize_t position = 0;
  while (keywords && PyDict_Next(keywords, &position, &key, &value)) {
    bool isOption = false;
    if (!bindOption(call, key, value, isOption))
      return false;
    if (isOption)
      continue;
    const char *letters = PyUnicode_AsUTF8(key);
    auto known = letters ? byName.find(letters) : byName.end();
    if (known == byName.end()) {
      PyErr_Clear();
      return setTypeError(name + ": there is no parameter '" +
                          (letters ? letters : "?") + "'");
    }
    if (call.objects[known->second])
      return setTypeError(name + ": " + letters + " is given twice");
    call.objects[known->second] = value;
  }
  for (size_t index : given)
    if (!call.objects[index])
      return setTypeError(name + ": " + params[index].name + " is not given");
  return true;
}

bool Entry::bindOption(Call &call, PyObject *key, PyObject *value,
                       bool &isOption) const {
  auto is = [&](const char *option) {
    isOption = PyUnicode_CompareWithASCIIString(key, option) == 0;
    return isOption;
  };
  if (is("out")) {
    call.out = value == Py_None ? nullptr : value;
  } else if (is("threads")) {
    int overflow = 0;
    long threads = PyLong_AsLongAndOverflow(value, &overflow);
    if (threads == -1 && PyErr_Occurred())
      return setArrayError("threads", "expected a number");
    // What does not fit is as wrong as what is just beyond the limits.
    call.options.threads =
        overflow || threads != int32_t(threads) ? -1 : int32_t(threads);
  } else if (is("check_indices")) {
    int truth = PyObject_IsTrue(value);
    if (truth < 0)
      return false;
    call.options.check_indices = uint32_t(truth);
  } else if (is("stream") && value != Py_None) {
    call.options.stream = PyLong_AsVoidPtr(value);
    if (PyErr_Occurred())
      return setArrayError("stream", "expected the number of a CUstream");
  }
  return true;
}

bool Entry::readScalar(const Param &param, PyObject *object,
                       void *place) const {
  auto *value = static_cast<Scalar *>(place);
  auto wrong = [&] {
    PyErr_Clear();
    PyObject *text = PyObject_Repr(object);
    const char *letters = text ? PyUnicode_AsUTF8(text) : nullptr;
    std::string found = letters ? letters : Py_TYPE(object)->tp_name;
    Py_XDECREF(text);
    PyErr_Clear();
    return setTypeError(param.name + ": expected a number of type " +
                        param.element + ", found " + found);
  };
  if (param.element == "f32" || param.element == "f64") {
    double number = PyFloat_AsDouble(object);
    if (number == -1 && PyErr_Occurred())
      return wrong();
    if (param.element == "f32")
      value->f32 = float(number);
    else
      value->f64 = number;
    return true;
  }
  if (param.element == "bool") {
    int truth = PyBool_Check(object) || PyIndex_Check(object) ||
                        !strcmp(Py_TYPE(object)->tp_name, "numpy.bool")
                    ? PyObject_IsTrue(object)
                    : -1;
    if (truth < 0)
      return wrong();
    value->boolean = uint8_t(truth);
    return true;
  }
  PyObject *whole = PyNumber_Index(object);
  int overflow = 0;
  long long number =
      whole ? PyLong_AsLongLongAndOverflow(whole, &overflow) : -1;
  Py_XDECREF(whole);
  bool isSmall = param.element == "i32";
  if (!whole || overflow || (isSmall && number != int32_t(number)))
    return wrong();
  if (isSmall)
    value->i32 = int32_t(number);
  else
    value->i64 = number;
  return true;
}

bool Entry::takeInputs(Call &call) const {
  for (size_t index : given) {
    const Param &param = params[index];
    PyObject *object = call.objects[index];
    if (param.kind == Param::Scalar) {
      if (!readScalar(param, object, &call.scalars[index]))
        return false;
      continue;
    }
    if (!call.arrays[index].take(object, param.name.c_str(),
                                 /*isWritten=*/param.kind == Param::InOut))
      return false;
    if (!call.family && !PyCapsule_CheckExact(object))
      call.family = object;
    if (!call.options.stream)
      call.options.stream = call.arrays[index].getStream();
  }
  return true;
}

//===--- Results ----------------------------------------------------------===//

/// How results like `object` are made and handed out: ladon._arrays says it
/// once for each type.
static std::pair<nb::object, nb::object> familyOf(PyObject *object) {
  // Leaked: it must outlive the interpreter's modules.
  static PyObject *families = PyDict_New();
  auto *type = object ? reinterpret_cast<PyObject *>(Py_TYPE(object)) : Py_None;
  PyObject *family = PyDict_GetItem(families, type);
  if (!family) {
    nb::object made =
        nb::module_::import_("ladon._arrays").attr("family")(nb::handle(type));
    PyDict_SetItem(families, type, made.ptr());
    family = made.ptr(); // The dictionary has it.
  }
  return {nb::borrow(PyTuple_GET_ITEM(family, 0)),
          nb::borrow(PyTuple_GET_ITEM(family, 1))};
}

/// Sizes that are computed from others and that no input has.
bool Entry::computeSizes(std::vector<int64_t> &symbols) const {
  nb::object all;
  for (size_t symbol = 0; symbol < symbols.size(); ++symbol) {
    if (symbols[symbol] >= 0 || formulas[symbol].is_none())
      continue;
    if (!all) {
      all = nb::steal(PyTuple_New(Py_ssize_t(symbols.size())));
      for (size_t at = 0; at < symbols.size(); ++at)
        PyTuple_SET_ITEM(all.ptr(), Py_ssize_t(at),
                         PyLong_FromLongLong(symbols[at]));
    }
    nb::object value =
        nb::steal(PyObject_CallOneArg(formulas[symbol].ptr(), all.ptr()));
    if (!value)
      return false;
    symbols[symbol] = PyLong_AsLongLong(value.ptr());
    if (PyErr_Occurred())
      return false;
  }
  return true;
}

bool Entry::takeOutputs(Call &call) const {
  call.outputs.reserve(results.size());
  if (call.out) {
    bool isOne = results.size() == 1 && !PyTuple_CheckExact(call.out) &&
                 !PyList_CheckExact(call.out);
    nb::object all = isOne ? nb::steal(PyTuple_Pack(1, call.out))
                           : nb::steal(PySequence_Tuple(call.out));
    if (!all.is_valid())
      return false;
    if (size_t(PyTuple_GET_SIZE(all.ptr())) != results.size())
      return setTypeError(name + ": expected " +
                          std::to_string(results.size()) +
                          " arrays in out, found " +
                          std::to_string(PyTuple_GET_SIZE(all.ptr())));
    for (size_t place = 0; place < results.size(); ++place)
      call.outputs.push_back(nb::borrow(PyTuple_GET_ITEM(all.ptr(), place)));
  } else {
    // Extents are bound by the first parameter that has them. Where inputs do
    // not fit, the library says so before it looks at results.
    std::vector<int64_t> symbols(formulas.size(), -1);
    for (size_t index : given) {
      const Param &param = params[index];
      const DLTensor &tensor = call.arrays[index].tensor;
      for (size_t axis = 0; axis < param.dims.size(); ++axis)
        if (param.dims[axis] < 0 && int64_t(axis) < tensor.ndim) {
          int64_t &symbol = symbols[-1 - param.dims[axis]];
          if (symbol < 0)
            symbol = tensor.shape[axis];
        }
    }
    if (!computeSizes(symbols))
      return false;
    auto [make, finish] = familyOf(call.family);
    call.finish = finish;
    for (size_t index : results) {
      const Param &param = params[index];
      nb::object shape = nb::steal(PyTuple_New(param.dims.size()));
      for (size_t axis = 0; axis < param.dims.size(); ++axis) {
        int64_t extent = param.dims[axis];
        if (extent < 0)
          extent = std::max<int64_t>(symbols[-1 - extent], 0);
        PyTuple_SET_ITEM(shape.ptr(), axis, PyLong_FromLongLong(extent));
      }
      call.outputs.push_back(
          make(nb::handle(call.family ? call.family : Py_None), shape,
               param.element.c_str()));
    }
  }
  for (size_t place = 0; place < results.size(); ++place) {
    size_t index = results[place];
    if (!call.arrays[index].take(call.outputs[place].ptr(),
                                 params[index].name.c_str(),
                                 /*isWritten=*/true))
      return false;
  }
  return true;
}

//===--- The call ---------------------------------------------------------===//

bool Entry::run(Call &call) const {
  size_t count = params.size();
  std::vector<void *> pointers(count), values(count + 1);
  for (size_t index = 0; index < count; ++index) {
    pointers[index] = &call.arrays[index].tensor;
    values[index] = params[index].kind == Param::Scalar
                        ? static_cast<void *>(&call.scalars[index])
                        : &pointers[index];
  }
  const ladon_options *options = &call.options;
  values[count] = &options;
  ffi_arg status = 0;
  Py_BEGIN_ALLOW_THREADS;
  ffi_call(&interface, function, &status, values.data());
  Py_END_ALLOW_THREADS;
  if (int32_t(status) == LADON_OK)
    return true;
  return setCallError(lastError(), int32_t(status));
}

PyObject *Entry::call(PyObject *arguments, PyObject *keywords) const {
  try {
    Call call(params.size());
    if (!bind(call, arguments, keywords) || !takeInputs(call) ||
        !takeOutputs(call) || !run(call))
      return nullptr;
    if (call.finish.is_valid() && !call.finish.is_none())
      for (nb::object &output : call.outputs)
        output = call.finish(output);
    if (call.out)
      return Py_NewRef(call.out);
    if (call.outputs.size() == 1)
      return call.outputs.front().release().ptr();
    PyObject *tuple = PyTuple_New(call.outputs.size());
    for (size_t place = 0; place < call.outputs.size(); ++place)
      PyTuple_SET_ITEM(tuple, place, call.outputs[place].release().ptr());
    return tuple;
  } catch (nb::python_error &error) {
    error.restore();
  } catch (const std::bad_alloc &) {
    PyErr_NoMemory();
  } catch (const std::exception &error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}
