//===- Safetensors.h - Files of named tensors ------------------*- C++ -*-===//
//
// Reads the format in which weights of models are passed around: a length, a
// header in JSON, the elements. Any bytes are accepted: what is wrong with them
// is an error that names the file.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_HOST_SAFETENSORS_H
#define LADON_COMPILER_DRIVER_HOST_SAFETENSORS_H

#include "compiler/reference/HostTensor.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

namespace ladon {

/// Those tensors of a file whose names `isWanted` takes. Only their element
/// types have to be ones of specs; bytes (U8) are read as bools.
llvm::Expected<llvm::StringMap<HostTensor>>
readSafetensors(llvm::StringRef path,
                llvm::function_ref<bool(llvm::StringRef)> isWanted);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOST_SAFETENSORS_H
