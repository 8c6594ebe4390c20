//===- Passes.td - CPU code generation passes --------------*- tablegen -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_PASSES_TD
#define LADON_COMPILER_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def TileToVectors : Pass<"tile-to-vectors", "::mlir::func::FuncOp"> {
  let summary = "Lower tiles in buffers to loops over native vectors";
  let description = [{
    Every operation on tiles becomes loops over vectors of one native register:
    with rows in the lanes where tiles are transposed, with keys or features
    there where they are not. No operation of the tile dialect is left.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "256",
           "width of a vector register">,
    Option<"rowsAtOnce", "rows", "int64_t", "4",
           "keys, or features, per register tile">,
    Option<"unroll", "unroll", "int64_t", "4",
           "steps of a register tile's inner loop">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::ladon::cpu::CpuDialect"
  ];
}

def SummarizeRanges : Pass<"cpu-summarize-ranges", "::mlir::func::FuncOp"> {
  let summary = "Compute value ranges of captured tensors once per call";
  let description = [{
    Where a loop over keys, for many tiles of queries, asks for the
    `tile.value_range` of positions along the last axis of a tensor, at a point
    of the grid along the others, the range and the signature of every aligned
    block of `positions` are computed before the grid, in memory from
    `cpu.try_alloc`: 24 bytes per block. The loop combines the blocks that cover
    the positions, which may be a few positions too many. Without the memory, or
    for an empty tensor, it scans as before.
  }];
  let options = [
    Option<"positions", "positions", "int64_t", "32",
           "positions of a block of a summary">
  ];
  let statistics = [
    Statistic<"summaries", "summaries", "captured tensors that are summarized">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::ladon::cpu::CpuDialect",
    "::ladon::tile::TileDialect"
  ];
}

def OutlineRanges : Pass<"cpu-outline-ranges", "::mlir::ModuleOp"> {
  let summary = "Make scans of captured tensors calls of a function";
  let description = [{
    A `tile.value_range` of more than one element becomes a call of a private
    function that holds it, one for each type of tensor, set of axes with more
    than one position, and use of the signature.
  }];
  let dependentDialects = [
    "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
    "::ladon::tile::TileDialect"
  ];
}

def ContractToCpu : Pass<"contract-to-cpu", "::mlir::func::FuncOp"> {
  let summary = "Lower matrix products to register tiles over native vectors";
  let description = [{
    A `linalg.contract` of `x [.., K]` with a matrix `w [K, N]`, or `[N, K]`,
    becomes two forms and a branch between them. Up to 16 rows, counted through
    all leading axes, read `w` in place, once, where it has whole registers of
    neighbours. Other products are a grid over blocks of rows and of columns:
    each point copies its rows of `x`, some steps at a time, and multiplies them
    with panels of a few vectors of columns of `w`. Where several points need
    the same panels, all of them are packed before, in memory from
    `cpu.try_alloc`; else, and without the memory, a point packs its own.

    What a fill or a broadcast right before put into the result is added last.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "256",
           "width of a vector register">,
    Option<"rowsAtOnce", "rows", "int64_t", "4", "rows per register tile">,
    Option<"unroll", "unroll", "int64_t", "4",
           "steps of a register tile's inner loop">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::ladon::cpu::CpuDialect"
  ];
}

def ParallelizeLinalg
    : Pass<"cpu-parallelize-linalg", "::mlir::func::FuncOp"> {
  let summary = "Tile the rest of linalg into parallel loops";
  let description = [{
    Every linalg operation on buffers outside of a parallel loop goes into an
    `scf.forall` whose tasks are of about the same size. Those that follow one
    another and have their first parallel axes in common share one, where each
    needs of the others what they make in the same rows. What remains in the body
    are smaller operations of the same kind. One without parallel
    axes stays as it is. A `memref.copy` is a copy of linalg.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def LinalgToLoops : Pass<"cpu-linalg-to-loops", "::mlir::func::FuncOp"> {
  let summary = "Lower the rest of linalg to loops that LLVM vectorises";
  let description = [{
    Every linalg operation on buffers becomes loops over its elements. Where the
    innermost one goes along neighbours in memory, it asks for LLVM's
    vectoriser, and sums along it are carried in a value.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def ApproximateMath : Pass<"cpu-approximate-math"> {
  let summary = "Replace math functions by arithmetic on whole vectors";
  let description = [{
    Functions of f32 become vector arithmetic: exp, exp2, log and log2 by
    polynomials that hold on the whole domain, subnormal numbers included; tanh
    and erf by MLIR's approximations, which are good to a few ulp. log1p and
    expm1 of any float type become expressions of log and exp that keep what is
    small. Everything else (f64, and functions without a good approximation) is
    left to the C library.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def LowerIndexChecks : Pass<"cpu-lower-index-checks", "::mlir::func::FuncOp"> {
  let summary = "Check indices in loops over all positions, if the call asks";
  let description = [{
    `attn.check_indices` on buffers becomes loops of scalar code over its
    positions, behind `cpu.checks_indices`; loops over the batch or over heads
    that the body does not depend on run once. An `attn.expect_index` becomes a
    comparison and a `cpu.refuse_index`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::ladon::cpu::CpuDialect"];
}

def ExpandHalf : Pass<"cpu-expand-half"> {
  let summary = "Convert from and to f16 by arithmetic on the bits";
  let description = [{
    For CPUs without an instruction for it: `arith.extf` from f16 and
    `arith.truncf` to f16, of numbers and vectors, become integer arithmetic and
    one operation on f32, so that no function of a compiler's runtime is called.
    Results are those of the instruction, but for which NaN it is. Subnormal
    numbers must not be flushed to zero. A truncation is one of f32.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def OutlineParallel : Pass<"cpu-outline-parallel", "::mlir::ModuleOp"> {
  let summary = "Outline parallel loops into tasks for the runtime";
  let description = [{
    Every outermost `scf.forall`, wherever it stands in a function, becomes a
    private function, the task, that does one grid point: `(captured values...,
    index, scratch)`, and a `cpu.launch` of it. Buffers allocated in the body
    become parts of the scratch. Constants, views, and what is read off one value
    are made in the task. What is captured and does not alias is told by where it comes from: an allocation overlaps nothing else, an output
    (`attn.param`) no other argument; inputs may overlap each other.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::memref::MemRefDialect", "::ladon::cpu::CpuDialect"
  ];
}

def EmitEntry : Pass<"cpu-emit-entry", "::mlir::ModuleOp"> {
  let summary = "Make functions the entry functions of a library";
  let description = [{
    A public function `NAME` becomes `NAME.run(context, arguments)`, which the
    runtime calls after the entry checks: its arguments are `cpu.argument`s, in
    their order, and `memref.alloc` becomes `cpu.alloc`, which ends with the
    call.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::ladon::cpu::CpuDialect"];
}

def CpuToSCF : Pass<"cpu-to-scf", "::mlir::ModuleOp"> {
  let summary = "Lower launches to parallel loops, without Ladon's runtime";
  let description = [{
    For programs that have threads and memory of their own. A `cpu.launch` is a
    `scf.parallel` over calls of the task, whose scratch is on its stack up to 64
    KiB; beyond that, and for what a `cpu.alloc` or `cpu.try_alloc` gives, there
    is a `memref.alloc`, which is always granted. It has no owner yet: upstream's
    buffer deallocation finds one. What attn says of signatures (`attn.param`) is
    dropped.

    ```mlir
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      func.call @f.task0(%x, %i) : (memref<?xf32>, index) -> ()
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def CpuToLLVM : Pass<"cpu-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower the cpu dialect to calls of the runtime";
  let description = [{
    Expects functions in the LLVM dialect. Memory comes from `ladon_rt_alloc`
    and `ladon_rt_try_alloc`, with a number of bytes that does not wrap; without
    the memory of a `cpu.alloc` the function returns, as the call has failed. A
    `cpu.launch` stores what it captures in a structure on the stack (of a memref
    that is an argument, where its descriptor lies) and calls
    `ladon_rt_parallel_for` with a trampoline that unpacks it for the task. The
    pointers of the scratch, and of what is disjoint in every launch of a task,
    become `noalias`. The runtime's side is runtime/lib/kernel_abi.h.
    What a loop asks of LLVM (`llvm.loop_annotation`) goes to where the
    translation finds it. Gathers of bf16 gather its bits.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // LADON_COMPILER_CODEGEN_CPU_PASSES_TD
