//===- CallChecks.h - Checks of a call, lowered to LLVM --------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_CALLCHECKS_H
#define LADON_COMPILER_CODEGEN_CPU_CALLCHECKS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/IR/PatternMatch.h"

namespace ladon::cpu {

/// Whether `op` is one of those that addCallCheckPatterns lowers; they are in
/// entry functions only, whose first argument is the call.
bool isCallCheck(mlir::Operation *op);

/// Adds patterns that lower cpu.checks_indices, cpu.refuse_index and
/// cpu.refuse_check to calls of the runtime, which they declare.
void addCallCheckPatterns(const mlir::LLVMTypeConverter &converter,
                          mlir::RewritePatternSet &patterns);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_CALLCHECKS_H
