//===- Entry.h - An entry point of a compiled library ----------*- C++ -*-===//

#ifndef LADON_PYTHON_SRC_ENTRY_H
#define LADON_PYTHON_SRC_ENTRY_H

#include "Array.h"

#include <ffi.h>
#include <nanobind/nanobind.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ladon::python {

/// What a caller sees of a parameter or result.
struct Param {
  enum Kind { Input, Output, Scalar, InOut };

  std::string name;
  Kind kind;
  std::string element;       ///< "f32"
  std::vector<int64_t> dims; ///< An extent, or -1 - (the number of its name).
};

/// A compiled attention in this process, as something that Python calls:
///
///   entry(q, k, 0.5, v=v, out=None, threads=0, stream=None)
///
/// Arguments are the inputs and scalars of the spec, in its order or by name.
class Entry {
public:
  /// Opens a library. `formulas` has for each symbol None, or what computes it
  /// from a tuple of all of them. Throws std::runtime_error with a sentence.
  Entry(const std::string &library, const std::string &entry,
        const std::string &lastError, std::vector<Param> params,
        std::vector<nanobind::object> formulas);
  ~Entry();
  Entry(const Entry &) = delete;

  /// The results: one, or a tuple. Null, with a Python exception, on failure.
  PyObject *call(PyObject *arguments, PyObject *keywords) const;

private:
  struct Call;
  bool bind(Call &call, PyObject *arguments, PyObject *keywords) const;
  bool bindOption(Call &call, PyObject *name, PyObject *value,
                  bool &isOption) const;
  bool readScalar(const Param &param, PyObject *object, void *value) const;
  bool takeInputs(Call &call) const;
  bool computeSizes(std::vector<int64_t> &symbols) const;
  bool takeOutputs(Call &call) const;
  bool run(Call &call) const;

  void *library = nullptr;
  void (*function)() = nullptr;
  const char *(*lastError)() = nullptr;
  std::string name;
  std::vector<Param> params;
  std::vector<size_t> given;   ///< Which params arguments stand for, in order.
  std::vector<size_t> results; ///< Which params are results, in order.
  std::unordered_map<std::string_view, size_t> byName;
  std::vector<nanobind::object> formulas; ///< By symbol, or None.
  mutable ffi_cif interface;
  std::vector<ffi_type *> types;
};

} // namespace ladon::python

#endif // LADON_PYTHON_SRC_ENTRY_H
