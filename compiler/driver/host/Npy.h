//===- Npy.h - NumPy files -------------------------------------*- C++ -*-===//
//
// Reads and writes tensors as NumPy does: .npy files of versions 1 to 3, and
// .npz archives (zip, stored or deflated). Element types are those of specs, in
// little-endian order, and uint8, which is read as bool; C and Fortran order.
// Any bytes are accepted: what is wrong with them is an error that names the
// file. Writing replaces a file only when the new one is complete.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_HOST_NPY_H
#define LADON_COMPILER_DRIVER_HOST_NPY_H

#include "compiler/reference/HostTensor.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

namespace ladon {

/// The tensor in the bytes of a .npy file; `name` is for messages.
llvm::Expected<HostTensor> parseNpy(llvm::StringRef bytes,
                                    llvm::StringRef name);

/// The bytes of a .npy file.
std::string formatNpy(const HostTensor &tensor);

/// "-" reads standard input.
llvm::Expected<HostTensor> readNpy(llvm::StringRef path);
/// "-" writes standard output.
llvm::Error writeNpy(llvm::StringRef path, const HostTensor &tensor);

/// The arrays of an archive, without the ".npy" of their names. An array of an
/// element type that specs do not have is an error.
llvm::Expected<llvm::StringMap<HostTensor>> readNpz(llvm::StringRef path);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOST_NPY_H
