//===- Passes.td - CUDA code generation passes --------------*- tablegen -*-===//

#ifndef LADON_COMPILER_CODEGEN_CUDA_PASSES_TD
#define LADON_COMPILER_CODEGEN_CUDA_PASSES_TD

include "mlir/Pass/PassBase.td"

def TileProducts : Pass<"cuda-tile-products", "::mlir::func::FuncOp"> {
  let summary = "Lower matrix products to tiles";
  let description = [{
    A `linalg.contract` out[.., n] += x[.., k] * w[k, n] on buffers becomes
    grids over tiles of its rows and columns; each adds up what blocks of k
    contribute with `tile.accumulate`, x as weights and w as values. Operands of
    one 16-bit type keep it; others are multiplied as f32.

    Other products are left as they are: with more than four axes, sums that are
    not f32, and a number of k that is no multiple of 16.
  }];
  let statistics = [Statistic<"tiled", "products", "products made of tiles">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::ladon::tile::TileDialect"
  ];
}

def ParallelizeLinalg
    : Pass<"cuda-parallelize-linalg", "::mlir::func::FuncOp"> {
  let summary = "Give each thread an element of elementwise work";
  let description = [{
    Every `linalg` operation and copy on buffers becomes an `scf.forall` over
    blocks of `threads` threads, for each element of its result one; what an
    element is a sum of is added up in order. An operation whose first axis is
    summed over is an error.
  }];
  let options = [
    Option<"threads", "threads", "int64_t", "128", "threads of a block">
  ];
  let statistics = [
    Statistic<"distributed", "loops", "operations given to threads">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def OutlineKernels : Pass<"cuda-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Make a kernel of every parallel loop";
  let description = [{
    The body of each `scf.forall` that is not in another one becomes a
    `gpu.func` in the module `kernels`, and the loop a `gpu.launch_func` with a
    block of threads for each iteration, in the order of the loop. How many
    threads a block has follows from the tiles that the body stores. What it
    uses from outside becomes arguments; constants are made anew.

    What is left around the launches runs on the host, which sees sizes and
    strides but no element: an operation there that reads or writes memory is an
    error. It may allocate: that memory is the GPU's.
  }];
  let options = [
    Option<"threads", "threads", "int64_t", "128",
           "threads of a block without tiles">,
    Option<"wanted", "wanted", "int64_t", "0",
           "threads of a block whose tiles have so many rows, or half as many">
  ];
  let statistics = [Statistic<"outlined", "kernels", "kernels made">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect"
  ];
}

def StageTiles : Pass<"cuda-stage-tiles", "::mlir::gpu::GPUFuncOp"> {
  let summary = "Put tiles that all threads read into shared memory";
  let description = [{
    The keys of a `tile.contract` and the values of a `tile.accumulate` are read
    by all threads of a block: their `tile.load` fills a buffer in workgroup
    memory. So do queries that would take more than 32 registers of a thread.
    Copies are asynchronous; barriers keep a buffer from being filled while it
    is still read, and from being read before it is full.

    Where a loop has one block in each iteration, whose place follows from the
    number of the iteration, and `shared` bytes are enough for two blocks,
    those of the next are copied while this one is worked on. Elsewhere the
    copies of keys and values of one block start together, so that values
    arrive while scores are computed.

    Keys beyond the end of a block have been left open so far: their scores are
    hidden before the softmax.
  }];
  let options = [
    Option<"shared", "shared", "int64_t", "101376",
           "bytes of shared memory that a block may have">
  ];
  let statistics = [
    Statistic<"ahead", "loops-ahead", "loops that copy a block ahead of time">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect", "::ladon::tile::TileDialect"
  ];
}

def TilesToThreads : Pass<"cuda-tiles-to-threads", "::mlir::gpu::GPUFuncOp"> {
  let summary = "Lower tiles to what each thread holds of them";
  let description = [{
    A tile becomes a vector of the elements that a thread holds, in the layout
    of the accumulators of `mma.sync` (ThreadTile.h); products become `mma.sync`
    with operands from `ldmatrix`, and sums over a row go across the four threads
    that share it. Products of f32 are made of three products of tf32. No
    operation of the tile dialect is left.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def KernelsToLLVM : Pass<"cuda-kernels-to-llvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Lower kernels to the LLVM and NVVM dialects";
  let description = [{
    As upstream's `convert-gpu-to-nvvm`, but math functions become those of LLVM
    rather than calls of NVIDIA's libdevice. One that has no code on a GPU is an
    error.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def EmbedKernels : Pass<"cuda-embed-kernels", "::mlir::ModuleOp"> {
  let summary = "Make images of the kernels, as constants of the module";
  let description = [{
    The module `kernels`, in the LLVM and NVVM dialects, is compiled and goes
    away. In its place are constants: its images, and the table of them that the
    runtime is given with every launch (runtime/lib/kernel_abi.h). The images are
    machine code for each architecture of `target`, where there is a CUDA
    toolkit, and PTX of the oldest; with `simulate`, a shared library for the
    simulated driver at the path `driver`.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"",
           "architectures, separated by commas">,
    Option<"simulate", "simulate", "bool", "false", "for the simulator">,
    Option<"driver", "driver", "std::string", "\"libcuda.so.1\"",
           "library of the driver">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LaunchToLLVM : Pass<"cuda-launch-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower launches to calls of the runtime";
  let description = [{
    A `gpu.launch_func` in an entry function (`cpu-emit-entry`) becomes a call of
    `ladon_rt_launch` with the table of kernels and the addresses of the
    kernel's arguments. Calls of `ladon_rt_alloc` become such of
    `ladon_rt_device_alloc`: working memory is the GPU's.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // LADON_COMPILER_CODEGEN_CUDA_PASSES_TD
