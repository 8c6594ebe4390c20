//===- TileOps.td - Operations of the tile dialect ---------*- tablegen -*-===//

#ifndef LADON_DIALECTS_TILE_OPS_TD
#define LADON_DIALECTS_TILE_OPS_TD

include "dialects/tile/TileDialect.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/LoopLikeInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Tile_Tile : StaticShapeTensorOf<[F32, F64]>;
def Tile_Memory : MemRefOf<[F32, F64]>;
def Tile_Capture : AnyTypeOf<[AnyMemRef, AnyInteger, AnyFloat]>;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

def Tile_LoadOp : Tile_Op<"load", [MemoryEffects<[MemRead]>]> {
  let summary = "rows of one head as a tile";
  let description = [{
    Reads `rows` rows of `source[b, h, row.., :]`, a memref in the order (batch,
    head, position, feature), into the first rows of a `[R, D]` tile, each
    element multiplied by `scale` where given. Rows from `rows` on are zero and
    nothing is read for them. `rows` may be zero.

    ```mlir
    %q = tile.load %query[%b, %h, %i0] rows %n scale 1.8e-01
       : memref<?x8x?x64xf32, strided<[?, ?, ?, ?], offset: ?>>
         -> tensor<24x64xf32>
    ```
  }];
  let arguments = (ins Arg<Tile_Memory, "", [MemRead]>:$source, Index:$batch,
                       Index:$head, Index:$row, Index:$rows,
                       OptionalAttr<F64Attr>:$scale);
  let results = (outs Tile_Tile:$tile);
  let assemblyFormat = [{
    $source `[` $batch `,` $head `,` $row `]` `rows` $rows (`scale` $scale^)?
    attr-dict `:` type($source) `->` type($tile)
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [MemoryEffects<[MemWrite]>]> {
  let summary = "the first rows of a tile into one head";
  let description = [{
    Writes the first `rows` rows of a `[R, D]` tile to `dest[b, h, row.., :]`,
    or of an `[R]` tile to `dest[b, h, row..]`.
  }];
  let arguments = (ins Tile_Tile:$tile, Arg<Tile_Memory, "", [MemWrite]>:$dest,
                       Index:$batch, Index:$head, Index:$row, Index:$rows);
  let assemblyFormat = [{
    $tile `,` $dest `[` $batch `,` $head `,` $row `]` `rows` $rows attr-dict
    `:` type($tile) `,` type($dest)
  }];
  let hasVerifier = 1;
}

def Tile_ValueRangeOp : Tile_Op<"value_range", [
    SameVariadicOperandSize, MemoryEffects<[MemRead]>,
    TypesMatchWith<"min has the element type of the source", "source",
        "min", "::llvm::cast<::mlir::MemRefType>($_self).getElementType()">,
    TypesMatchWith<"max has the element type of the source", "source",
        "max", "::llvm::cast<::mlir::MemRefType>($_self).getElementType()">]> {
  let summary = "smallest and largest element of a box of a captured tensor";
  let description = [{
    The minimum and maximum over `lower[k] <= index k <= upper[k]`, both ends
    clamped into the tensor. An implementation may return a wider range (from a
    summary of the tensor), never a narrower one; for a box of one element it
    returns exactly that. A tensor with an extent of
    zero, and a box with `lower[k] > upper[k]`, give (0, 0).

    ```mlir
    %min, %max = tile.value_range %doc from [%b, %j0] to [%b, %j1]
       : memref<?x?xi32, strided<[?, ?], offset: ?>>
    ```
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$source,
                       Variadic<Index>:$lower, Variadic<Index>:$upper);
  let results = (outs AnyInteger:$min, AnyInteger:$max);
  let assemblyFormat =
      "$source `from` `[` $lower `]` `to` `[` $upper `]` attr-dict `:` type($source)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

def Tile_KeyLoopOp : Tile_Op<"key_loop", [
    AttrSizedOperandSegments, RecursiveMemoryEffects,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "sequential loop over blocks of keys";
  let description = [{
    Visits the keys `[lower, upper)` in ascending order in blocks of at most
    `step` keys and carries the state. With `except [a, b)`, where
    `lower <= a <= b <= upper`, it visits `[lower, a)` and then `[b, upper)`:
    what another loop has done is left out. If `upper <= lower` it does
    nothing. The body gets the first key of the block, the number of keys in it
    (1 to step), and the state.

    ```mlir
    %st:3 = tile.key_loop (%j0, %n) in [%lo, %hi) step 128
        init(%m, %l, %acc : tensor<24xf32>, tensor<24xf32>, tensor<24x64xf32>)
        -> tensor<24xf32>, tensor<24xf32>, tensor<24x64xf32> {
    ^bb0(%j0: index, %n: index, %m_: tensor<24xf32>, ...):
      ...
      tile.yield %m1, %l1, %acc1 : ...
    }
    ```
  }];
  let arguments = (ins Index:$lower, Index:$upper,
                       Optional<Index>:$exceptLower,
                       Optional<Index>:$exceptUpper, I64Attr:$step,
                       Variadic<Tile_Tile>:$inits);
  let results = (outs Variadic<Tile_Tile>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `[` $lower `,` $upper `)` (`except` `[` $exceptLower^ `,` $exceptUpper `)`)?
    `step` $step `init` `(` ($inits^ `:` type($inits))? `)`
    (`->` type($results)^)? $body attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Value getFirstKey() { return getBody().getArgument(0); }
    ::mlir::Value getKeyCount() { return getBody().getArgument(1); }
    ::mlir::Block::BlockArgListType getStateArgs() {
      return getBody().getArguments().drop_front(2);
    }
  }];
}

def Tile_YieldOp : Tile_Op<"yield", [Pure, Terminator,
    ParentOneOf<["KeyLoopOp", "ModifyOp", "MaskOp"]>]> {
  let summary = "ends the body of a loop or the expression of a position";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

def Tile_ScoresOp : Tile_Op<"scores", [Pure]> {
  let summary = "q k^T of a query tile and a block of keys";
  let description = [{
    `[Q, D] x [K, D] -> [Q, K]`. Columns from `keys` on are minus infinity, and
    stay so through `modify` and `mask`.
  }];
  let arguments = (ins Tile_Tile:$query, Tile_Tile:$key, Index:$keys);
  let results = (outs Tile_Tile:$scores);
  let assemblyFormat = [{
    $query `,` $key `keys` $keys attr-dict
    `:` type($query) `,` type($key) `->` type($scores)
  }];
  let hasVerifier = 1;
}

class Tile_PositionOp<string mnemonic> : Tile_Op<mnemonic, [
    RecursiveMemoryEffects, AllTypesMatch<["scores", "result"]>,
    SingleBlock]> {
  let arguments = (ins Tile_Tile:$scores, Index:$batch, Index:$head,
                       Index:$query, Index:$key, Index:$keys,
                       Variadic<Tile_Capture>:$captures);
  let results = (outs Tile_Tile:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $scores `at` `[` $batch `,` $head `,` $query `,` $key `]` `keys` $keys
    (`captures` `(` $captures^ `:` type($captures) `)`)? $body attr-dict
    `:` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_ModifyOp : Tile_PositionOp<"modify"> {
  let summary = "a score expression applied to every position of a tile";
  let description = [{
    Element `[r, c]`, `c < keys`, becomes the value that the region yields for
    `(s, b, h, i = query + r, j = key + c, captures...)`; s has the element type
    of the tile, positions are i32. Other columns keep minus infinity.
  }];
}

def Tile_MaskOp : Tile_PositionOp<"mask"> {
  let summary = "hides the positions of a tile that a mask rejects";
  let description = [{
    Element `[r, c]` becomes minus infinity where the region yields false for
    `(b, h, i = query + r, j = key + c, captures...)`, whatever it was before.
  }];
}

//===----------------------------------------------------------------------===//
// Online softmax
//===----------------------------------------------------------------------===//

def Tile_SoftmaxInitOp : Tile_Op<"softmax_init", [Pure]> {
  let summary = "the state of rows that have seen no key";
  let description = [{
    `max` [Q] is lower than any score, `sum` [Q] and `acc` [Q, Dv] are zero.
  }];
  let results = (outs Tile_Tile:$max, Tile_Tile:$sum, Tile_Tile:$acc);
  let assemblyFormat =
      "attr-dict `:` type($max) `,` type($sum) `,` type($acc)";
}

def Tile_SoftmaxUpdateOp : Tile_Op<"softmax_update", [
    Pure, AllTypesMatch<["max", "newMax"]>, AllTypesMatch<["sum", "newSum"]>,
    AllTypesMatch<["acc", "newAcc"]>]> {
  let summary = "one step of the online softmax";
  let description = [{
    With scores `s` [Q, K] and values `v` [K, Dv] of the first `keys` keys:

        m' = max(m, max_c s[c])          a = B^(m - m')
        sum' = a sum + sum_c B^(s[c] - m')
        acc' = a acc + sum_c B^(s[c] - m') v[c]

    where B is 2 with `base2`, else e. A score of minus infinity contributes
    nothing. With `guarded` that holds whatever `v[c]` is; without it, a value
    that is not finite may turn the row's result into NaN.
  }];
  let arguments = (ins Tile_Tile:$scores, Tile_Tile:$value, Index:$keys,
                       Tile_Tile:$max, Tile_Tile:$sum, Tile_Tile:$acc,
                       UnitAttr:$base2, UnitAttr:$guarded);
  let results = (outs Tile_Tile:$newMax, Tile_Tile:$newSum, Tile_Tile:$newAcc);
  let assemblyFormat = [{
    $scores `,` $value `keys` $keys `state` `(` $max `,` $sum `,` $acc `)`
    (`base2` $base2^)? (`guarded` $guarded^)? attr-dict
    `:` type($scores) `,` type($value) `,` type($max) `,` type($sum) `,`
    type($acc)
  }];
  let hasVerifier = 1;
}

def Tile_SoftmaxFinishOp : Tile_Op<"softmax_finish", [
    Pure, AllTypesMatch<["max", "sum", "lse"]>, AllTypesMatch<["acc", "out"]>]> {
  let summary = "the outputs of finished rows";
  let description = [{
    `out = acc / sum` and `lse = max + log(sum)` in natural units. Rows that
    have seen no key give out 0 and lse minus infinity.
  }];
  let arguments = (ins Tile_Tile:$max, Tile_Tile:$sum, Tile_Tile:$acc,
                       UnitAttr:$base2);
  let results = (outs Tile_Tile:$out, Tile_Tile:$lse);
  let assemblyFormat = [{
    `(` $max `,` $sum `,` $acc `)` (`base2` $base2^)? attr-dict
    `:` type($max) `,` type($acc)
  }];
}

def Tile_HasNonFiniteOp : Tile_Op<"has_non_finite", [Pure]> {
  let summary = "whether any element is infinite or NaN";
  let arguments = (ins Tile_Tile:$tile);
  let results = (outs I1:$result);
  let assemblyFormat = "$tile attr-dict `:` type($tile)";
}

#endif // LADON_DIALECTS_TILE_OPS_TD
