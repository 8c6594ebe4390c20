//===- Errors.h - Python exceptions ----------------------------*- C++ -*-===//

#ifndef LADON_PYTHON_SRC_ERRORS_H
#define LADON_PYTHON_SRC_ERRORS_H

#include <Python.h>

#include <cstdint>
#include <string>

namespace ladon::python {

/// Sets ladon.CallError as the exception, with the status of a library, or with
/// `noStatus` where the call did not get as far. Returns false.
bool setCallError(const std::string &message, int32_t status);
inline constexpr int32_t noStatus = -1;

/// Sets a TypeError, as Python does for arguments that do not fit. Returns
/// false.
bool setTypeError(const std::string &message);

/// Sets what is wrong with the array of argument `name`; an exception of its
/// own library becomes the cause, whose first line is added. Returns false.
bool setArrayError(const char *name, const std::string &message);

} // namespace ladon::python

#endif // LADON_PYTHON_SRC_ERRORS_H
