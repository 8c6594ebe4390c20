//===- RemoteCall.h - Code for another kind of CPU -------------*- C++ -*-===//

#ifndef LADON_COMPILER_DRIVER_HOST_REMOTECALL_H
#define LADON_COMPILER_DRIVER_HOST_REMOTECALL_H

#include "compiler/driver/compile/LoadedAttention.h"
#include "compiler/reference/HostTensor.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace ladon {

/// An error unless there is a command that runs code for another machine.
llvm::Error checkLauncher();

/// One call of an attention that this machine cannot run, by the command that
/// the environment variable LADON_LAUNCHER holds, followed by the library, its
/// entry point and a file (runtime/remote/remote.h). All memory of the tensors
/// goes there and back, what lies between their elements and that of inputs
/// included: what has changed by mistake shows.
llvm::Error callElsewhere(const LoadedAttention &attention,
                          llvm::ArrayRef<HostTensor> inputs,
                          llvm::ArrayRef<HostTensor> outputs, int threads,
                          bool checkIndices);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOST_REMOTECALL_H
