//===- TileInterfaces.td - Interface of tile operations ----*- tablegen -*-===//

#ifndef LADON_DIALECTS_TILE_INTERFACES_TD
#define LADON_DIALECTS_TILE_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Tile_ValueOpInterface : OpInterface<"ValueOpInterface"> {
  let cppNamespace = "::ladon::tile";
  let description = [{
    An operation on tiles that has a form on tensors and one on buffers. Which
    operands the buffer form updates in place, and where it writes what is new.
  }];
  let methods = [
    InterfaceMethod<
        "(operand, result): on buffers the operand is updated in place and "
        "stands for the result.",
        "::llvm::SmallVector<std::pair<unsigned, unsigned>>", "getUpdates",
        (ins), "", "return {};">,
    InterfaceMethod<
        "The results that are in no update, in order, as buffers; empty on "
        "tensors.",
        "::mlir::OperandRange", "getNewBuffers", (ins), "",
        "return ::mlir::OperandRange($_op->getOperands().end(), "
        "$_op->getOperands().end());">,
    InterfaceMethod<"Sets what getNewBuffers returns.", "void",
        "setNewBuffers", (ins "::mlir::ValueRange":$buffers), "",
        "assert(buffers.empty());">
  ];
}

#endif // LADON_DIALECTS_TILE_INTERFACES_TD
