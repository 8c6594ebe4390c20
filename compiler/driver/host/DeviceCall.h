//===- DeviceCall.h - Compiled code for a GPU, on host tensors -*- C++ -*-===//

#ifndef LADON_COMPILER_DRIVER_HOST_DEVICECALL_H
#define LADON_COMPILER_DRIVER_HOST_DEVICECALL_H

#include "compiler/driver/compile/LoadedAttention.h"
#include "compiler/reference/HostTensor.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace ladon {

/// One call of an attention whose tensors lie on GPU 0: copies all memory of
/// the tensors there, what lies between their elements included, calls, waits,
/// and copies it back, that of inputs too: what has changed by mistake shows.
llvm::Error callOnDevice(const LoadedAttention &attention,
                         llvm::ArrayRef<HostTensor> inputs,
                         llvm::ArrayRef<HostTensor> outputs);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOST_DEVICECALL_H
