//===- CpuDialect.td - The cpu dialect ---------------------*- tablegen -*-===//

#ifndef LADON_DIALECTS_CPU_DIALECT_TD
#define LADON_DIALECTS_CPU_DIALECT_TD

include "mlir/IR/OpBase.td"

def Cpu_Dialect : Dialect {
  let name = "cpu";
  let cppNamespace = "::ladon::cpu";
  let summary = "What compiled code asks of the runtime of a CPU library";
  let description = [{
    A call of a library runs one entry function: the arguments that the entry
    checks have passed, memory that lives until the call ends, and parallel
    loops on the threads of the call. An operation means the call that its
    function is part of; `cpu-to-llvm` finds the call's context in the arguments
    that `cpu-emit-entry` gives an entry function. The runtime's side is
    runtime/lib/kernel_abi.h.
  }];
}

class Cpu_Op<string mnemonic, list<Trait> traits = []>
    : Op<Cpu_Dialect, mnemonic, traits>;

#endif // LADON_DIALECTS_CPU_DIALECT_TD
