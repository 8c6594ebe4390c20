//===- InterpreterCall.h - Tile code on host tensors -----------*- C++ -*-===//

#ifndef LADON_COMPILER_DRIVER_HOST_INTERPRETERCALL_H
#define LADON_COMPILER_DRIVER_HOST_INTERPRETERCALL_H

#include "compiler/reference/HostTensor.h"
#include "compiler/reference/TileInterpreter.h"

namespace ladon {

/// `tensors`, one for each argument of `function`, as the tile interpreter
/// takes them.
std::vector<InterpreterArgument>
interpreterArguments(mlir::func::FuncOp function,
                     llvm::ArrayRef<HostTensor> tensors);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOST_INTERPRETERCALL_H
