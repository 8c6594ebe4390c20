//===- Errors.cpp - Python exceptions -------------------------------------===//

#include "Errors.h"

#include <nanobind/nanobind.h>

#include <cstring>

namespace nb = nanobind;
using namespace ladon::python;

bool ladon::python::setCallError(const std::string &message, int32_t status) {
  try {
    nb::object type = nb::module_::import_("ladon._errors").attr("CallError");
    nb::object number = status == noStatus ? nb::none() : nb::cast(status);
    nb::object error = type(nb::str(message.c_str()), number);
    PyErr_SetObject(type.ptr(), error.ptr());
  } catch (nb::python_error &error) {
    error.restore();
  }
  return false;
}

bool ladon::python::setTypeError(const std::string &message) {
  PyErr_SetString(PyExc_TypeError, message.c_str());
  return false;
}

bool ladon::python::setArrayError(const char *name,
                                  const std::string &message) {
  PyObject *type, *cause, *trace;
  PyErr_Fetch(&type, &cause, &trace);
  if (type)
    PyErr_NormalizeException(&type, &cause, &trace);
  std::string text = std::string(name) + ": " + message;
  if (cause)
    if (PyObject *said = PyObject_Str(cause)) {
      if (const char *letters = PyUnicode_AsUTF8(said); letters && *letters)
        text += ": " + std::string(letters, strcspn(letters, "\n"));
      Py_DECREF(said);
    }
  PyErr_Clear();
  setCallError(text, noStatus);
  if (cause) {
    PyObject *ourType, *ours, *ourTrace;
    PyErr_Fetch(&ourType, &ours, &ourTrace);
    PyErr_NormalizeException(&ourType, &ours, &ourTrace);
    if (trace)
      PyException_SetTraceback(cause, trace);
    Py_INCREF(cause);
    PyException_SetCause(ours, cause); // Takes the reference.
    PyErr_Restore(ourType, ours, ourTrace);
  }
  Py_XDECREF(type);
  Py_XDECREF(cause);
  Py_XDECREF(trace);
  return false;
}
