//===- CpuOps.td - Operations of the cpu dialect -----------*- tablegen -*-===//

#ifndef LADON_DIALECTS_CPU_OPS_TD
#define LADON_DIALECTS_CPU_OPS_TD

include "dialects/cpu/CpuDialect.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Cpu_ArgumentOp : Cpu_Op<"argument", [Pure]> {
  let summary = "an argument of the call";
  let description = [{
    Argument `number` of the entry point: a memref for a tensor, of at most 64
    axes, or the value of a scalar. An `i1` is a byte that is zero or not.

    ```mlir
    %q = cpu.argument 0 : memref<?x8x?x64xf32, strided<[?, ?, ?, ?], offset: ?>>
    %cap = cpu.argument 3 : f32
    ```
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$number);
  let results = (outs AnyTypeOf<[AnyMemRef, AnyInteger, Index, AnyFloat]>:$value);
  let assemblyFormat = "$number attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Cpu_AllocOp : Cpu_Op<"alloc"> {
  let summary = "memory that lives until the call ends";
  let description = [{
    Aligned to 64 bytes, with undefined contents. Where there is none the call
    fails and later loops do not run, so that nobody reads or writes it.
  }];
  let arguments = (ins Variadic<Index>:$sizes);
  let results = (outs Res<AnyMemRef, "", [MemAlloc]>:$memory);
  let assemblyFormat = "`(` $sizes `)` attr-dict `:` type($memory)";
  let hasVerifier = 1;
}

def Cpu_TryAllocOp : Cpu_Op<"try_alloc"> {
  let summary = "memory that the call can do without";
  let description = [{
    As `cpu.alloc`, but where there is none, `granted` is false and the call
    goes on; the memory must not be touched then.

    ```mlir
    %summary, %granted = cpu.try_alloc(%blocks) : memref<?x2xi32>
    scf.if %granted {
      ...
    }
    ```
  }];
  let arguments = (ins Variadic<Index>:$sizes);
  let results = (outs Res<AnyMemRef, "", [MemAlloc]>:$memory, I1:$granted);
  let assemblyFormat = "`(` $sizes `)` attr-dict `:` type($memory)";
  let hasVerifier = 1;
}

def Cpu_LaunchOp : Cpu_Op<"launch", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a parallel loop on the threads of the call";
  let description = [{
    Runs `task(captures..., index, scratch)` for every index in [0, count), in
    any order and several at once, and waits for all. `scratch` is a buffer of
    that many bytes, private to the running thread, 64-byte aligned, with
    undefined contents. After a failed allocation nothing runs.

    `disjoint` numbers the captured memrefs that share no byte which the task
    writes with another one: their pointers do not alias.

    ```mlir
    cpu.launch @f.task0[%points] scratch 384 (%x, %y, %n
       : memref<?xf32>, memref<?xf32>, index) disjoint [0, 1]
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$task, Index:$count,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$scratch,
                       Variadic<AnyType>:$captures,
                       OptionalAttr<DenseI64ArrayAttr>:$disjoint);
  let assemblyFormat = [{
    $task `[` $count `]` `scratch` $scratch
    `(` ($captures^ `:` type($captures))? `)` (`disjoint` $disjoint^)? attr-dict
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Checks of a call
//===----------------------------------------------------------------------===//

def Cpu_ChecksIndicesOp : Cpu_Op<"checks_indices"> {
  let summary = "whether the call asks for its indices to be checked";
  let results = (outs I1:$asked);
  let assemblyFormat = "attr-dict";
}

def Cpu_RefuseIndexOp : Cpu_Op<"refuse_index"> {
  let summary = "ends the call: an index leaves its tensor";
  let description = [{
    Nothing behind it runs. `name` is that of the tensor, `axis` the one that the
    index leaves; without it the index is an entry of a table of pages, called
    `name`, that leaves the pool. `position` is that of the batch, the head, the
    query and the key.

    ```mlir
    cpu.refuse_index %index of %extent at(%b, %h, %i, %j) name "bias" axis 1
    ```
  }];
  let arguments = (ins I64:$index, I64:$extent, Variadic<I64>:$position,
                       StrAttr:$name, OptionalAttr<I64Attr>:$axis);
  let assemblyFormat = [{
    $index `of` $extent `at` `(` $position `)` `name` $name (`axis` $axis^)?
    attr-dict
  }];
  let hasVerifier = 1;
}

def Cpu_RefuseCheckOp : Cpu_Op<"refuse_check"> {
  let summary = "ends the call: the indices of a tensor cannot be checked";
  let arguments = (ins StrAttr:$name);
  let assemblyFormat = "$name attr-dict";
}

//===----------------------------------------------------------------------===//
// Pairs
//===----------------------------------------------------------------------===//

def Cpu_Sums : VectorOfRankAndType<[1], [F32]>;
def Cpu_Pairs : VectorOfRankAndType<[1], [BF16]>;

def Cpu_DotPairsOp : Cpu_Op<"dot_pairs", [
    Pure, AllTypesMatch<["sums", "result"]>, AllTypesMatch<["left", "right"]>]> {
  let summary = "adds the products of pairs of numbers to sums";
  let description = [{
    Lane `n` of the result is `sums[n] + left[2 n] right[2 n] +
    left[2 n + 1] right[2 n + 1]`, in an order of the machine's and rounded to
    nearest after each addition; subnormal numbers may be taken for zero.

    ```mlir
    %next = cpu.dot_pairs %left, %right, %sums : vector<32xbf16>, vector<16xf32>
    ```
  }];
  let arguments = (ins Cpu_Pairs:$left, Cpu_Pairs:$right, Cpu_Sums:$sums);
  let results = (outs Cpu_Sums:$result);
  let assemblyFormat =
      "$left `,` $right `,` $sums attr-dict `:` type($left) `,` type($sums)";
  let hasVerifier = 1;
}

def Cpu_RoundPairsOp : Cpu_Op<"round_pairs", [
    Pure, AllTypesMatch<["first", "second"]>]> {
  let summary = "pairs of rounded numbers";
  let description = [{
    Pair `n` is lane `n` of each operand, rounded to nearest, ties to even;
    subnormal numbers may be taken for zero.

    ```mlir
    %pairs = cpu.round_pairs %even, %odd : vector<16xf32> -> vector<32xbf16>
    ```
  }];
  let arguments = (ins Cpu_Sums:$first, Cpu_Sums:$second);
  let results = (outs Cpu_Pairs:$pairs);
  let assemblyFormat =
      "$first `,` $second attr-dict `:` type($first) `->` type($pairs)";
  let hasVerifier = 1;
}

#endif // LADON_DIALECTS_CPU_OPS_TD
