//===- HostCall.h - Compiled code on host tensors --------------*- C++ -*-===//
//
// Calls a loaded attention on host tensors through its C entry point. A status
// other than LADON_OK is an error with the library's own sentence.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_HOSTCALL_H
#define LADON_COMPILER_DRIVER_HOSTCALL_H

#include "compiler/driver/Compile.h"
#include "compiler/reference/HostTensor.h"

namespace ladon {

/// Compiles a spec and loads it into this process.
llvm::Expected<std::unique_ptr<LoadedAttention>>
compileAndLoad(const CheckedSpec &spec, llvm::SourceMgr &sources,
               const cpu::CpuTarget &target);

/// `inputs` has a tensor per parameter, in order (without axes for a scalar),
/// `outputs` one per result. `threads` 0 means all CPUs.
llvm::Error callOnHost(const LoadedAttention &attention,
                       llvm::ArrayRef<HostTensor> inputs,
                       llvm::ArrayRef<HostTensor> outputs, int threads);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOSTCALL_H
