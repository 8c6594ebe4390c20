//===- Attn.h - The attn dialect -------------------------------*- C++ -*-===//
//
// What an attention computes, as operations on whole tensors; see AttnOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_DIALECTS_ATTN_H
#define LADON_DIALECTS_ATTN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/attn/AttnDialect.h.inc"
#include "dialects/attn/AttnEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/attn/AttnAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/attn/AttnOps.h.inc"

namespace ladon::attn {

/// The type that elements are computed in: f32 for the types of storage f16 and
/// bf16, else the type itself.
mlir::Type getComputedType(mlir::Type element);

/// The parameter that an argument of an entry point stands for; null when it
/// does not say.
ParamAttr getParam(mlir::FunctionOpInterface function, unsigned argument);

/// The parameter that a result stands for.
ParamAttr getResultParam(mlir::FunctionOpInterface function, unsigned result);

/// Tells one-shot bufferization about the operations of this dialect.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);

} // namespace ladon::attn

#endif // LADON_DIALECTS_ATTN_H
