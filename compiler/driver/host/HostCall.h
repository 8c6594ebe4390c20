//===- HostCall.h - Compiled code on host tensors --------------*- C++ -*-===//
//
// Calls a loaded attention on host tensors through its C entry point. A status
// other than LADON_OK is an error with the library's own sentence.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_HOST_HOSTCALL_H
#define LADON_COMPILER_DRIVER_HOST_HOSTCALL_H

#include "compiler/driver/compile/LoadedAttention.h"
#include "compiler/reference/HostTensor.h"
#include "runtime/include/ladon/ladon.h"

#include <deque>

namespace ladon {

/// Compiles a spec and loads it into this process.
llvm::Expected<std::unique_ptr<LoadedAttention>>
compileAndLoad(const CheckedSpec &spec, llvm::SourceMgr &sources,
               const Target &target);

/// How the C interface calls an element type.
DLDataType dataType(ast::ScalarType element);

/// The memory that a tensor lives in: its own, or what its elements span.
std::pair<char *, size_t> memoryOf(const HostTensor &tensor);

/// The arguments of a call, made once for any number of calls. Keeps the memory
/// of tensors that own theirs.
class HostArguments {
public:
  /// `inputs` has a tensor per parameter, in order (without axes for a scalar),
  /// `outputs` one per result.
  /// `device` is where their memory is.
  HostArguments(llvm::ArrayRef<HostTensor> inputs,
                llvm::ArrayRef<HostTensor> outputs,
                DLDeviceType device = kDLCPU);
  HostArguments(const HostArguments &) = delete;

  llvm::Error call(const LoadedAttention &attention,
                   const ladon_options &options) const;

private:
  void add(const HostTensor &tensor, bool isOutput);

  DLDeviceType device;
  std::deque<HostTensor> views; // A DLTensor points into them.
  std::deque<DLTensor> tensors;
  std::vector<void *> pointers;
};

/// One call. `threads` 0 means all CPUs; with `checkIndices` an index that
/// would be clamped is an error. An attention for a GPU, which has no such
/// check, or for another kind of CPU runs there, on copies.
llvm::Error callOnHost(const LoadedAttention &attention,
                       llvm::ArrayRef<HostTensor> inputs,
                       llvm::ArrayRef<HostTensor> outputs, int threads,
                       bool checkIndices = false);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOST_HOSTCALL_H
