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

/// What was timed on GPU 0.
struct DeviceTimes {
  std::vector<double> seconds; ///< Of each run, by the GPU's clock, ascending.
  std::string gpu;             ///< Its name, as the driver has it.
  uint64_t workspace = 0;      ///< Bytes that a call takes.
  double copied = 0; ///< Bytes per second, read and written, of a large copy.
};

/// Calls again and again on tensors that are copied there once. Each run starts
/// with keys and values outside of the GPU's cache. `runs` 0: at least 20, for
/// half a second. An error where the driver has no clock, as the simulated one.
llvm::Expected<DeviceTimes> timeOnDevice(const LoadedAttention &attention,
                                         llvm::ArrayRef<HostTensor> inputs,
                                         llvm::ArrayRef<HostTensor> outputs,
                                         int runs);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOST_DEVICECALL_H
