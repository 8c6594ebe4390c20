//===- Passes.h - Passes for x86-64 ----------------------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_X86_PASSES_H
#define LADON_COMPILER_CODEGEN_CPU_X86_PASSES_H

#include "dialects/cpu/Cpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace ladon::cpu {

#define GEN_PASS_DECL
#include "compiler/codegen/cpu/x86/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/codegen/cpu/x86/Passes.h.inc"

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_X86_PASSES_H
