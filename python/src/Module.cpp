//===- Module.cpp - ladon._native
//------------------------------------------===//

#include "Entry.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstdlib>

namespace nb = nanobind;
using namespace ladon::python;

/// The parameters of a manifest: dictionaries with name, kind, dtype and dims.
static std::vector<Param> readParams(const nb::list &list,
                                     const nb::list &symbols) {
  std::vector<std::string> names;
  for (nb::handle symbol : symbols)
    names.push_back(nb::cast<std::string>(symbol));
  std::vector<Param> params;
  for (nb::handle item : list) {
    Param param;
    param.name = nb::cast<std::string>(item["name"]);
    param.element = nb::cast<std::string>(item["dtype"]);
    auto kind = nb::cast<std::string>(item["kind"]);
    param.kind = kind == "input"    ? Param::Input
                 : kind == "output" ? Param::Output
                 : kind == "inout"  ? Param::InOut
                                    : Param::Scalar;
    if (param.kind != Param::Scalar)
      for (nb::handle dim : item["dims"]) {
        if (nb::isinstance<nb::int_>(dim)) {
          param.dims.push_back(nb::cast<int64_t>(dim));
          continue;
        }
        auto symbol =
            std::find(names.begin(), names.end(), nb::cast<std::string>(dim));
        if (symbol == names.end())
          throw std::runtime_error("the manifest has a size without a name");
        param.dims.push_back(-1 - (symbol - names.begin()));
      }
    params.push_back(std::move(param));
  }
  return params;
}

static PyObject *callEntry(PyObject *self, PyObject *arguments,
                           PyObject *keywords) {
  return nb::inst_ptr<Entry>(self)->call(arguments, keywords);
}

/// The level of x86-64 that this machine has, or LADON_MAX_CPU allows; code for
/// `native` goes by it.
static std::string nativeLevel() {
  bool hasPairs = __builtin_cpu_supports("avx512bf16") &&
                  __builtin_cpu_supports("avx512vnni");
  std::string level = __builtin_cpu_supports("x86-64-v4")
                          ? (hasPairs ? "x86-64-v4-bf16" : "x86-64-v4")
                      : __builtin_cpu_supports("x86-64-v3") ? "x86-64-v3"
                      : __builtin_cpu_supports("x86-64-v2") ? "x86-64-v2"
                                                            : "x86-64";
  // The names are in the order of the levels.
  if (const char *most = std::getenv("LADON_MAX_CPU"))
    level = std::min(level, std::string(most));
  return level;
}

NB_MODULE(_native, module) {
  // Kernels that other libraries hold live until the process ends.
  nb::set_leak_warnings(false);
  static PyType_Slot slots[] = {
      {Py_tp_call, reinterpret_cast<void *>(callEntry)}, {0, nullptr}};
  nb::class_<Entry>(module, "Entry", nb::type_slots(slots))
      .def(
          "__init__",
          [](Entry *self, const std::string &library, const std::string &entry,
             const std::string &lastError, const nb::list &params,
             const nb::list &symbols, const nb::list &formulas) {
            std::vector<nb::object> bySymbol;
            for (nb::handle formula : formulas)
              bySymbol.push_back(nb::borrow(formula));
            new (self) Entry(library, entry, lastError,
                             readParams(params, symbols), std::move(bySymbol));
          },
          nb::arg("library"), nb::arg("entry"), nb::arg("last_error"),
          nb::arg("params"), nb::arg("symbols"), nb::arg("formulas"));
  module.def("native_level", nativeLevel);
}
