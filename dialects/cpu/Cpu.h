//===- Cpu.h - The cpu dialect ---------------------------------*- C++ -*-===//
//
// What compiled code asks of the runtime; see CpuOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_DIALECTS_CPU_H
#define LADON_DIALECTS_CPU_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/cpu/CpuDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/cpu/CpuOps.h.inc"

#endif // LADON_DIALECTS_CPU_H
