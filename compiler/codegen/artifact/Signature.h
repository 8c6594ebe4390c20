//===- Signature.h - A function as its caller sees it ----------*- C++ -*-===//
//
// The only way from a module to the ProgramSpec that header, manifest and entry
// checks are made of: the `attn.param` of every argument and result (see
// dialects/attn/AttnAttributes.td). The types alone do not say enough, and
// nothing else is asked.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_ARTIFACT_SIGNATURE_H
#define LADON_COMPILER_CODEGEN_ARTIFACT_SIGNATURE_H

#include "compiler/codegen/artifact/Artifact.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace ladon::artifact {

/// Describes `function`, on tensors or on memrefs: arguments in their order,
/// then results. Target and facts of code generation are left empty. Reports
/// what is missing or contradicts itself at the function.
mlir::FailureOr<ProgramSpec> readSignature(mlir::func::FuncOp function);

/// The entry points of a module, in order: its public functions.
llvm::SmallVector<mlir::func::FuncOp> entryPoints(mlir::ModuleOp module);

/// Fails, with an error at `function`, unless it still has the parameters of
/// `spec` in their order. Code generation unpacks the arguments of `function`,
/// the entry point packs the parameters of `spec`: this is where both meet.
mlir::LogicalResult verifySignature(mlir::func::FuncOp function,
                                    const ProgramSpec &spec);

} // namespace ladon::artifact

#endif // LADON_COMPILER_CODEGEN_ARTIFACT_SIGNATURE_H
