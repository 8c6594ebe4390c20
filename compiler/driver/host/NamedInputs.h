//===- NamedInputs.h - Inputs on the command line --------------*- C++ -*-===//
//
// "--input q=q.npy --input span=64", "--inputs all.npz", and the errors about
// them.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_HOST_NAMEDINPUTS_H
#define LADON_COMPILER_DRIVER_HOST_NAMEDINPUTS_H

#include "compiler/reference/HostTensor.h"

#include "llvm/Support/Error.h"

namespace ladon {

/// Splits "name=value" given to `option`; the error says what was expected.
llvm::Expected<std::pair<llvm::StringRef, llvm::StringRef>>
splitNameValue(llvm::StringRef option, llvm::StringRef text);

/// Stores the inputs that `texts` name into `inputs`, which has one place per
/// parameter, and sets their places in `given`. A tensor is a NumPy file, a
/// scalar that or a value: 3, 0.5, true. Does not check shapes.
llvm::Error readNamedInputs(const ast::Attention &attention,
                            llvm::ArrayRef<std::string> texts,
                            std::vector<HostTensor> &inputs,
                            std::vector<bool> &given);

/// Stores those arrays of an archive (.npz or .safetensors) that have the names
/// of parameters, where none is given yet. An archive without any is an error.
/// Does not check shapes.
llvm::Error readArchive(const ast::Attention &attention, llvm::StringRef path,
                        std::vector<HostTensor> &inputs,
                        std::vector<bool> &given);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOST_NAMEDINPUTS_H
