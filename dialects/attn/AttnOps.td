//===- AttnOps.td - Operations of the attn dialect ---------*- tablegen -*-===//

#ifndef LADON_DIALECTS_ATTN_OPS_TD
#define LADON_DIALECTS_ATTN_OPS_TD

include "dialects/attn/AttnAttributes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// f16 and bf16 are types of storage: what they hold is computed in f32.
def Attn_Float : AnyTypeOf<[F16, BF16, F32, F64]>;
def Attn_Tensor : RankedTensorOf<[Attn_Float]>;
/// A tensor before bufferization, a memref after it.
def Attn_Shaped : AnyTypeOf<[RankedTensorOf<[Attn_Float]>,
                             MemRefOf<[Attn_Float]>],
                            "ranked tensor or memref of f16, bf16, f32 or f64">;
/// Keys, values and caches of them may be small integers, too.
def Attn_KeyValue : AnyTypeOf<[RankedTensorOf<[I8, Attn_Float]>,
                               MemRefOf<[I8, Attn_Float]>],
                              "ranked tensor or memref of i8, f16, bf16, f32 "
                              "or f64">;
/// Numbers of pages.
def Attn_Table : AnyTypeOf<[RankedTensorOf<[I32]>, MemRefOf<[I32]>],
                           "ranked tensor or memref of i32">;
/// Where each entry of a batch begins, or all do.
def Attn_Places
    : AnyTypeOf<[RankedTensorOf<[I32, I64]>, MemRefOf<[I32, I64]>, I32, I64],
                "ranked tensor or memref of i32 or i64, or a single one">;
def Attn_Capture
    : AnyTypeOf<[AnyRankedTensor, AnyMemRef, AnySignlessInteger, AnyFloat],
                "ranked tensor, memref, integer or float">;

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
    AttrSizedOperandSegments, IsolatedFromAbove, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "softmax(mask(score(scale * q k^T))) v, head by head";
  let description = [{
    For every batch `b`, query head `h` and query position `i`:

        s[j]   = score(scale * sum_d q[b,h,i,d] * k[b,hk,j,d], b, h, i, j)
        out[e] = sum_{visible j} weight(exp(s[j]), b, h, i, j) v[b,hk,j,e]
                 / sum_{visible j} exp(s[j])
        lse    = log(sum_{visible j} exp(s[j]))

    where `hk = h floordiv (heads / key_value_heads)` and `j` is visible when
    `mask(b, h, i, j)` is true. A row without a visible key gives `out = 0` and
    `lse = -inf`. A masked key contributes nothing, whatever its values; a score
    of `-inf` means masked. Sizes may be zero.

    With `sinks`, of one axis, head `h` has one more key whose score is
    `sinks[h]` and that has no value: `exp(sinks[h])` joins the sum below `out`
    and the one of `lse`. A row without a visible key then gives `out = 0` and
    `lse = sinks[h]`. A sink of `-inf` is none.

    With `pages`, a table `[batch, page]` of page numbers, keys and values lie
    in a pool of pages: at `(b, j)` the maps of k and v are applied to
    `(pages[b, j floordiv n], j mod n)`, where n is the static size of a page,
    their extent along j. Page numbers are clamped into the pool. There are as
    many keys as the table has pages for, and none where the pool is empty.

    `indexing_maps` has one map for q, k, v, then one per destination, each over
    the dimensions `(b, h, i, j, d, e)`: the element of that operand read or
    written at that point. In the canonical form they are

        q (b, h, i, d)   k (b, h floordiv g, j, d)   v (b, h floordiv g, j, e)
        out (b, h, i, e)   lse (b, h, i)

    with `g = heads / key_value_heads` (left out when it is 1). In the map of q,
    k or v a 0 may stand for the batch or for the head: the operand has one of
    them, which all read. A map may have
    its results in any order, and may join head and feature into one axis, as
    `h * head_dim + d`: `attn-fuse-heads` replaces split and concatenated
    operands by maps such as `(b, i, h * 64 + d)`.

    `score` has block arguments `(s, b, h, i, j, captures...)`, `mask`
    `(b, h, i, j, captures...)`, `weight` `(w, b, h, i, j, captures...)`; s and w
    have the type that is computed in, positions are i32. `weight` must be
    linear in w, for w comes divided by some number of its row: it is there for
    factors of values that have one per key, and for dropout.
    Any region may be empty: the plain score, no mask, the plain weight. Regions
    see nothing but their arguments, and hold only pure scalar operations,
    `attn.read`, and `scf.for` of such operations, with bounds that are the same
    for all heads, queries and keys.

    The destinations are `out`, if a second one is given `lse`, and if a third
    one is given `scores`, of the axes (b, h, i, j): there `s[j]`, and minus
    infinity where key j is not visible. With `normalized` they are the weights
    `exp(s[j] - lse)` instead, before `weight`, and 0 where key j is not visible;
    if the lse of a row is NaN, all of its weights are. The map of weights may
    leave out the head: they are then the sum over the heads, in their order,
    and have the type that is computed in.

    All of it is computed in f64 if q has elements of f64, else in f32. The
    other operands may have any element type with the same computed type:
    elements of f16 and bf16 are widened when they are read, and results rounded
    to them, to nearest even, when they are stored. Keys and values of i8 are
    signed integers, converted when they are read.

    The operation is on tensors, and returns its destinations' new values, or on
    memrefs, writes its destinations, and returns nothing. What the destinations
    hold before does not matter.

    ```mlir
    %out = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64
        scale 1.250000e-01
        ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>,
            tensor<?x8x?x64xf32>)
        captures(%offset : i32)
        outs(%init : tensor<?x8x?x64xf32>)
        maps [#q, #k, #v, #out]
        mask(%b: i32, %h: i32, %i: i32, %j: i32, %o: i32) {
          %last = arith.addi %i, %o : i32
          %visible = arith.cmpi sle, %j, %last : i32
          attn.yield %visible : i1
        } -> tensor<?x8x?x64xf32>
    ```
  }];
  let arguments = (ins
    Attn_Shaped:$query, Attn_KeyValue:$key, Attn_KeyValue:$value,
    Variadic<Attn_Capture>:$captures,
    Optional<Attn_Shaped>:$sinks,
    Optional<Attn_Table>:$pages,
    Variadic<Attn_Shaped>:$inits,
    I64Attr:$heads, I64Attr:$key_value_heads, I64Attr:$head_dim,
    I64Attr:$value_dim, F64Attr:$scale, UnitAttr:$normalized,
    AffineMapArrayAttr:$indexing_maps);
  let results = (outs Variadic<Attn_Tensor>:$results);
  let regions = (region MaxSizedRegion<1>:$score, MaxSizedRegion<1>:$mask,
                        MaxSizedRegion<1>:$weight);
  let skipDefaultBuilders = 1;
  /// On tensors or memrefs in the canonical form, with empty regions. Heads and
  /// feature sizes are those of the types; a batch or heads of 1 are shared by
  /// as many as the first destination, or the other one of k and v, has.
  let builders = [OpBuilder<(ins "::mlir::Value":$query, "::mlir::Value":$key,
      "::mlir::Value":$value, "::mlir::ValueRange":$captures,
      "::mlir::ValueRange":$inits, "double":$scale,
      CArg<"::mlir::Value", "{}">:$sinks,
      CArg<"::mlir::Value", "{}">:$pages)>];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    /// The dimensions of the indexing maps, by position.
    enum MapDim : unsigned { Batch, Head, Query, Key, Feature, ValueFeature };
    /// The operands that have a map, by its position.
    enum Mapped : unsigned { Q, K, V, Out, Lse, Scores };
    /// What an axis of an operand counts. Positions are those of queries for q,
    /// out, lse and scores, of keys for k and v. Features of scores are keys.
    /// Joined is `h * D + d`.
    enum class AxisRole { Batch, Head, Position, Feature, Joined };

    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getInitsMutable();
    }
    bool hasScore() { return !getScore().empty(); }
    bool hasMask() { return !getMask().empty(); }
    bool hasWeight() { return !getWeight().empty(); }
    /// The number of positions of a page; only with a table of pages.
    int64_t getPageSize() {
      return ::llvm::cast<::mlir::ShapedType>(getKey().getType())
          .getDimSize(findAxis(1, AxisRole::Position));
    }
    bool hasLse() { return getInits().size() > 1; }
    bool hasScores() { return getInits().size() > 2; }
    /// What is computed in: f32 or f64.
    ::mlir::FloatType getElementType();
    /// The map of q, k, v (0 to 2), out (3), lse (4) or scores (5).
    ::mlir::AffineMap getMap(unsigned operand);
    /// q, k, v, out, lse or scores, by the position of its map.
    ::mlir::OpOperand &getMappedOperand(unsigned operand);
    unsigned getNumMaps() { return 3 + getInits().size(); }
    /// The map of an operand in the canonical form.
    static ::mlir::AffineMap getCanonicalMap(::mlir::MLIRContext *context,
        unsigned operand, int64_t heads, int64_t keyValueHeads);
    /// `h`, or `h floordiv g` for k and v with fewer heads: what stands for the
    /// head in the map of `operand`.
    ::mlir::AffineExpr getHeadExpr(unsigned operand);
    /// `d` or `e`, for scores `j`, and null for lse.
    ::mlir::AffineExpr getFeatureExpr(unsigned operand);
    /// What each axis of an operand counts, after its map; none when the map
    /// has no such reading.
    std::optional<::llvm::SmallVector<AxisRole, 4>> getAxisRoles(
        unsigned operand);
    /// The axis of an operand with that role, or -1.
    int64_t findAxis(unsigned operand, AxisRole role);
    /// Whether an operand has one batch entry, or one head, for all: its map
    /// has a 0 there.
    bool isShared(unsigned operand, AxisRole role);
    /// Adds the one block of an empty region of the operation, with the
    /// arguments it must have.
    ::mlir::Block *createBody(::mlir::OpBuilder &builder,
                              ::mlir::Region &region);
    /// Whether a region has s or w as its first argument.
    bool hasNumber(::mlir::Region &region) { return &region != &getMask(); }
    /// The block arguments of a region that stand for the captures.
    ::mlir::Block::BlockArgListType getCaptureArguments(
        ::mlir::Region &region) {
      return region.getArguments().drop_front(hasNumber(region) ? 5 : 4);
    }
    /// The regions that are not empty.
    ::llvm::SmallVector<::mlir::Region *, 3> getBodies();
  }];
}

def Attn_AppendOp : Attn_Op<"append", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "a cache with new positions, in the memory of the cache";
  let description = [{
    The axes of `source` and `cache` are (batch, head, position, feature), of
    which the head, the feature or both may be missing; `axis`, 1 or 2, is that
    of positions, whose number is all that they differ in. At position
    `at[b] + n` of batch entry `b` the result is what `source` is at position
    `n`, rounded to the elements of the cache, as `tile.store` does; elsewhere it
    is the cache. `at` is a single number where it is the same for all entries.

    With `pages`, a table `[batch, page]` of page numbers, the cache is a pool
    of pages, with the axes (page, head, position) and maybe feature: position
    `p` of entry `b` is `cache[pages[b, p floordiv n], :, p mod n, :]`, where n
    is the static size of a page.

    The cache is an `inout` parameter of the function, with no other use: the
    operation writes its memory, also if nobody asks for the result. `at` is a
    parameter whose `attn.param` demands that the new positions fit, and that of
    `pages` that there are such pages.

    ```mlir
    %keys = attn.append %k at %len : tensor<?xi32> into %cache axis 2
        : tensor<?x2x?x64xf16>, tensor<?x2x?x64xf16> -> tensor<?x2x?x64xf16>
    ```
  }];
  let arguments = (ins Attn_Shaped:$source, Attn_Places:$at,
                       Optional<Attn_Table>:$pages, Attn_KeyValue:$cache,
                       I64Attr:$axis);
  let results = (outs Optional<RankedTensorOf<[I8, Attn_Float]>>:$result);
  let assemblyFormat = [{
    $source `at` $at `:` type($at) (`pages` $pages^ `:` type($pages))?
    `into` $cache `axis` $axis attr-dict `:` type($source) `,` type($cache)
    (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(
          getOperation(), getCacheMutable().getOperandNumber(), 1);
    }
    /// Whether positions have features, along the last axis.
    bool hasFeatures() {
      return static_cast<int64_t>(getAxis()) + 1 <
             ::llvm::cast<::mlir::ShapedType>(getCache().getType()).getRank();
    }
    /// The number of positions of a page; only with a table of pages.
    int64_t getPageSize() {
      return ::llvm::cast<::mlir::ShapedType>(getCache().getType())
          .getDimSize(getAxis());
    }
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
  let arguments = (ins AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$source,
                       Variadic<AnySignlessInteger>:$indices);
  let results = (outs AnyTypeOf<[AnySignlessInteger, AnyFloat]>:$result);
  let assemblyFormat = [{
    $source `[` $indices `]` attr-dict `:` type($source) (`,` type($indices)^)?
    `->` type($result)
  }];
  let hasVerifier = 1;
}

def Attn_CheckIndicesOp : Attn_Op<"check_indices", [
    IsolatedFromAbove, SingleBlock, NoTerminator, MemoryEffects<[MemWrite]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "refuses a call in which an index leaves its tensor";
  let description = [{
    Where the call asks for it, `body` is evaluated with
    `(b, h, i, j, captures...)` at every position below the four sizes, the last
    one fastest; the first `attn.expect_index` that is not met ends the call.
    Nothing has been written by then, as the operation stands before all that
    writes. Other calls pass by.

    With `unchecked`, the name of a tensor, nobody can tell beforehand which
    elements of it are read: the call ends in any case, if it asks.

    ```mlir
    attn.check_indices over(%B, %H, %S, %T)
        captures(%bias : tensor<8x?xf32>) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %t: tensor<8x?xf32>):
      %at = arith.subi %j, %i : i32
      attn.expect_index %at in %t axis 1 name "bias" if %visible
          : i32, tensor<8x?xf32>
    }
    ```
  }];
  let arguments = (ins Index:$batches, Index:$heads, Index:$queries,
                       Index:$keys, Variadic<Attn_Capture>:$captures,
                       OptionalAttr<StrAttr>:$unchecked);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `over` `(` $batches `,` $heads `,` $queries `,` $keys `)`
    (`captures` `(` $captures^ `:` type($captures) `)`)?
    (`unchecked` $unchecked^)? $body attr-dict
  }];
  let hasVerifier = 1;
}

def Attn_ExpectIndexOp : Attn_Op<"expect_index", [MemoryEffects<[MemWrite]>]> {
  let summary = "an index that has to be within its tensor";
  let description = [{
    Where `condition` is true, `index` must be 0 or more and less than the
    extent of `source` on `axis`. `name` is what people call the tensor; with
    `page` it is that of a table, whose entry the index is.
  }];
  let arguments = (ins AnySignlessInteger:$index,
                       AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$source,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$axis,
                       StrAttr:$name, UnitAttr:$page, I1:$condition);
  let assemblyFormat = [{
    $index `in` $source `axis` $axis `name` $name (`page` $page^)?
    `if` $condition attr-dict `:` type($index) `,` type($source)
  }];
  let hasVerifier = 1;
}

def Attn_RandomOp : Attn_Op<"random", [Pure]> {
  let summary = "32 random bits that belong to a position";
  let description = [{
    Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
    3") with the key `seed`, low half first, and the counter
    `(key floordiv 4, query, head, batch)`: word `key mod 4` of its output. So
    the bits depend on nothing but seed and position.

    ```mlir
    %bits = attn.random %seed[%b, %h, %i, %j]
    ```
  }];
  let arguments = (ins I64:$seed, I32:$batch, I32:$head, I32:$query, I32:$key);
  let results = (outs I32:$result);
  let assemblyFormat =
      "$seed `[` $batch `,` $head `,` $query `,` $key `]` attr-dict";
}

def Attn_YieldOp : Attn_Op<"yield", [Pure, Terminator, ParentOneOf<["AttendOp"]>]> {
  let summary = "the score, visibility or weight of one position";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif // LADON_DIALECTS_ATTN_OPS_TD
