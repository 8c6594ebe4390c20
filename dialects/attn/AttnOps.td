//===- AttnOps.td - Operations of the attn dialect ---------*- tablegen -*-===//

#ifndef LADON_DIALECTS_ATTN_OPS_TD
#define LADON_DIALECTS_ATTN_OPS_TD

include "dialects/attn/AttnDialect.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_FloatElement : AnyTypeOf<[F32, F64]>;
def Attn_Tensor : TensorOf<[F32, F64]>;
/// A tensor before bufferization, a memref after it.
def Attn_Shaped : AnyTypeOf<[RankedTensorOf<[F32, F64]>, MemRefOf<[F32, F64]>],
                            "ranked tensor or memref of f32 or f64">;
def Attn_Capture
    : AnyTypeOf<[AnyRankedTensor, AnyRankedOrUnrankedMemRef, AnyInteger, AnyFloat],
                "captured tensor, memref, integer or float">;

def Attn_SplitHeadsOp : Attn_Op<"split_heads", [Pure]> {
  let summary = "[batch, positions, heads * D] to [batch, heads, positions, D]";
  let description = [{
    Feature `h * D + d` of a position becomes feature `d` of head `h`. The
    number of features must be divisible by `heads`.

    ```mlir
    %q = attn.split_heads %x heads 8
       : tensor<?x?x512xf32> -> tensor<?x8x?x64xf32>
    ```
  }];
  let arguments = (ins Attn_Tensor:$source, I64Attr:$heads);
  let results = (outs Attn_Tensor:$result);
  let assemblyFormat =
      "$source `heads` $heads attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Attn_ConcatHeadsOp : Attn_Op<"concat_heads", [Pure]> {
  let summary = "[batch, heads, positions, D] to [batch, positions, heads * D]";
  let description = [{
    The inverse of `attn.split_heads`: feature `d` of head `h` becomes feature
    `h * D + d` of its position.

    ```mlir
    %y = attn.concat_heads %o : tensor<?x8x?x64xf32> -> tensor<?x?x512xf32>
    ```
  }];
  let arguments = (ins Attn_Tensor:$source);
  let results = (outs Attn_Tensor:$result);
  let assemblyFormat =
      "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Attn_AttendOp : Attn_Op<"attend", [
    AttrSizedOperandSegments, RecursiveMemoryEffects,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DestinationStyleOpInterface]> {
  let summary = "softmax(mask(score(scale * q k^T))) v, head by head";
  let description = [{
    For every batch `b`, query head `h` and query position `i`:

        s[j]   = score(scale * sum_d q[b,h,i,d] * k[b,hk,j,d], b, h, i, j)
        out[e] = sum_{visible j} exp(s[j]) v[b,hk,j,e] / sum_{visible j} exp(s[j])
        lse    = log(sum_{visible j} exp(s[j]))

    where `hk = h floordiv (heads / key_value_heads)` and `j` is visible when
    `mask(b, h, i, j)` is true. A row without a visible key gives `out = 0` and
    `lse = -inf`. A masked key contributes nothing, whatever its values; a score
    of `-inf` means masked. Sizes may be zero.

    `indexing_maps` has one map for q, k, v, then one per destination, each over
    the dimensions `(b, h, i, j, d, e)`: the element of that operand read or
    written at that point. In the canonical form they are

        q (b, h, i, d)   k (b, h floordiv g, j, d)   v (b, h floordiv g, j, e)
        out (b, h, i, e)   lse (b, h, i)

    and `attn-fuse-heads` replaces split and concatenated operands by maps such
    as `(b, i, h * 64 + d)`.

    `score` has block arguments `(s, b, h, i, j, captures...)`, `mask`
    `(b, h, i, j, captures...)`; s has the element type of q, positions are i32.
    Either region may be empty: the plain score, and no mask. Regions see
    nothing but their arguments, and hold only pure elementwise operations and
    `attn.read`. The destinations are `out` and, if a second one is given, `lse`.

    ```mlir
    %out = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64
        scale 1.250000e-01
        ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>,
            tensor<?x8x?x64xf32>)
        captures(%offset : i32)
        outs(%init : tensor<?x8x?x64xf32>)
        maps [#q, #k, #v, #out]
        score {}
        mask {
        ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %o: i32):
          %last = arith.addi %i, %o : i32
          %visible = arith.cmpi sle, %j, %last : i32
          attn.yield %visible : i1
        } -> tensor<?x8x?x64xf32>
    ```
  }];
  let arguments = (ins
    Attn_Shaped:$query, Attn_Shaped:$key, Attn_Shaped:$value,
    Variadic<Attn_Capture>:$captures,
    Variadic<Attn_Shaped>:$inits,
    I64Attr:$heads, I64Attr:$key_value_heads, I64Attr:$head_dim,
    I64Attr:$value_dim, F64Attr:$scale,
    AffineMapArrayAttr:$indexing_maps);
  let results = (outs Variadic<Attn_Tensor>:$results);
  let regions = (region AnyRegion:$score, AnyRegion:$mask);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getInitsMutable();
    }
    bool hasScore() { return !getScore().empty(); }
    bool hasMask() { return !getMask().empty(); }
    bool hasLse() { return getInits().size() > 1; }
    /// f32 or f64.
    ::mlir::FloatType getElementType();
    ::mlir::AffineMap getMap(unsigned operand);
  }];
}

def Attn_ReadOp : Attn_Op<"read", [Pure]> {
  let summary = "element of a captured tensor, indices clamped into it";
  let description = [{
    Each index is clamped to `[0, extent - 1]` of its axis before the read, so
    that no index leaves the tensor. Reading from a tensor with an extent of
    zero gives zero. bool tensors are tensors of i8.

    ```mlir
    %d = attn.read %doc[%b, %j] : tensor<?x?xi32>, i32, i32
    ```
  }];
  let arguments = (ins AnyTypeOf<[AnyRankedTensor, AnyRankedOrUnrankedMemRef]>:$source,
                       Variadic<AnySignlessInteger>:$indices);
  let results = (outs AnyTypeOf<[AnyInteger, AnyFloat]>:$result);
  let assemblyFormat = [{
    $source `[` $indices `]` attr-dict `:` type($source) (`,` type($indices)^)?
    `->` type($result)
  }];
  let hasVerifier = 1;
}

def Attn_YieldOp : Attn_Op<"yield", [Pure, Terminator, ParentOneOf<["AttendOp"]>]> {
  let summary = "the score or visibility of one position";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif // LADON_DIALECTS_ATTN_OPS_TD
