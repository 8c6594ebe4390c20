//===- InterpreterCall.cpp - Tile code on host tensors --------------------===//

#include "compiler/driver/host/InterpreterCall.h"

using namespace ladon;

static InterpreterArgument argumentOf(const HostTensor &tensor,
                                      mlir::Type type) {
  if (mlir::isa<mlir::MemRefType>(type))
    return InterpreterBuffer{tensor.data, tensor.shape, tensor.strides};
  if (mlir::isa<mlir::FloatType>(type))
    return tensor.getFloat({});
  return tensor.getInteger({});
}

std::vector<InterpreterArgument>
ladon::interpreterArguments(mlir::func::FuncOp function,
                            llvm::ArrayRef<HostTensor> tensors) {
  std::vector<InterpreterArgument> arguments;
  for (auto [tensor, type] :
       llvm::zip_equal(tensors, function.getArgumentTypes()))
    arguments.push_back(argumentOf(tensor, type));
  return arguments;
}
