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
    "::mlir::vector::VectorDialect"
  ];
}

def ContractToCpu : Pass<"contract-to-cpu", "::mlir::func::FuncOp"> {
  let summary = "Lower matrix products to register tiles over native vectors";
  let description = [{
    A `linalg.contract` of `x [.., K]` with a matrix `w [K, N]` becomes a grid
    over blocks of rows and of columns; each point packs its columns of `w` once
    and multiplies all its rows with them.
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
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def ParallelizeLinalg
    : Pass<"cpu-parallelize-linalg", "::mlir::func::FuncOp"> {
  let summary = "Tile the rest of linalg into parallel loops";
  let description = [{
    Every linalg operation on buffers outside of a parallel loop becomes an
    `scf.forall` over all of its parallel axes but the last; a vector is cut into
    pieces. What remains in the body is a smaller operation of the same kind.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def ApproximateMath : Pass<"cpu-approximate-math"> {
  let summary = "Replace f32 math functions by polynomials on whole vectors";
  let description = [{
    Functions of f32 become vector arithmetic: exp, exp2, log and log2 by
    polynomials that hold on the whole domain, subnormal numbers included; tanh,
    erf, expm1 and log1p by MLIR's approximations, which are good to a few ulp.
    Everything else (f64, and functions without a good approximation) is left to
    the C library.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def OutlineParallel : Pass<"cpu-outline-parallel", "::mlir::ModuleOp"> {
  let summary = "Outline parallel loops into tasks for the runtime";
  let description = [{
    Every outermost `scf.forall` becomes a private function, the task, that does
    one grid point: `(captured values..., index, scratch)`. The loop becomes a
    call of a declared launch function `(context, count, captured values...)`
    that names its task and scratch size in attributes; `cpu-emit-entry` defines
    it once everything is in the LLVM dialect. Buffers allocated in the body
    become parts of the scratch. The entry function gets the runtime's context
    as first argument.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect"
  ];
}

def EmitEntry : Pass<"cpu-emit-entry", "::mlir::ModuleOp"> {
  let summary = "Define launch functions and the packed entry point";
  let description = [{
    On the LLVM dialect: defines each launch function (stores the captured
    values in an environment on the stack and calls `ladon_rt_parallel_for`),
    the trampoline that unpacks it, and `NAME.run(context, arguments)`, which
    unpacks memref descriptors and scalars for the entry function. Allocations
    go to `ladon_rt_alloc`. The runtime's side is runtime/lib/kernel_abi.h.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // LADON_COMPILER_CODEGEN_CPU_PASSES_TD
