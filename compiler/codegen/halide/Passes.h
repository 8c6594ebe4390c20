//===- Passes.h - Passes of the Halide back end ----------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_HALIDE_PASSES_H
#define LADON_COMPILER_CODEGEN_HALIDE_PASSES_H

#include "dialects/cpu/Cpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace ladon::halide {

/// Attributes of a function whose code Halide makes: the text of its attend,
/// and, without a value, that it is the one for values that are not finite.
constexpr llvm::StringLiteral kernelName = "cpu.kernel";
constexpr llvm::StringLiteral guardedName = "cpu.guarded";

#define GEN_PASS_DECL
#include "compiler/codegen/halide/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/codegen/halide/Passes.h.inc"

} // namespace ladon::halide

#endif // LADON_COMPILER_CODEGEN_HALIDE_PASSES_H
