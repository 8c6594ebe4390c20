//===- TileSoftmaxOps.td - The online softmax on tiles ------*- tablegen -*-===//

#ifndef LADON_DIALECTS_TILE_SOFTMAX_OPS_TD
#define LADON_DIALECTS_TILE_SOFTMAX_OPS_TD

include "dialects/tile/TileTypes.td"

//===----------------------------------------------------------------------===//
// Online softmax
//===----------------------------------------------------------------------===//

def Tile_SoftmaxInitOp : Tile_ValueOp<"softmax_init", [
    AttrSizedOperandSegments,
    Tile_ValueOpInterface]> {
  let summary = "the state of rows that have seen no key";
  let description = [{
    `max` [R] is the lowest finite number, `sum` [R] and `acc` [R, Dv] are zero.
    So every difference between a score and the maximum is a number: a row that
    has seen nothing needs no special case, and a row of scores that are all the
    lowest number gets equal weights.

    With `sinks` [R], rows have seen one score without a value, in the units of
    the other scores: `max` is that score and `sum` is one. A sink of minus
    infinity is none; one of plus infinity, which a change of units may make of a
    large number, counts as the largest number.

    ```mlir
    %st:3 = tile.softmax_init sinks(%s : tensor<24xf32>)
        : tensor<24xf32>, tensor<24xf32>, tensor<24x64xf32>
    ```
  }];
  let arguments = (ins Optional<Tile_AccTile>:$sinks,
                       Variadic<Tile_Buffer>:$outs);
  let results = (outs Variadic<Tile_AccResult>:$results);
  let assemblyFormat = [{
    (`sinks` `(` $sinks^ `:` type($sinks) `)`)?
    (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    (`:` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Tile_NewBuffers;
}

def Tile_SoftmaxWeightsOp : Tile_ValueOp<"softmax_weights", [
    AttrSizedOperandSegments,
    Tile_ValueOpInterface]> {
  let summary = "one step of the online softmax, up to its weights";
  let description = [{
    With the scores `s` of the first `keys` keys, their largest `top` per row,
    and the state `max`, `sum`:

        max'    = max(max, top)           rescale = B^(max - max')
        weights = B^(s - max')            sum'    = rescale sum + sum weights

    where B is 2 with `base2`, else e; differences are taken before anything is
    multiplied. Weights of columns from `keys` on are unspecified, and with
    `rows` all results of other rows. A score of minus infinity has weight zero.
    Results: weights, max', sum', rescale.
  }];
  let arguments = (ins Tile_AccTile:$scores, Tile_AccTile:$top, Index:$keys,
                       Tile_AccTile:$max, Tile_AccTile:$sum,
                       Optional<Index>:$rows, Variadic<Tile_Buffer>:$outs,
                       UnitAttr:$base2,
                       UnitAttr:$transposed);
  let results = (outs Variadic<Tile_AccResult>:$results);
  let assemblyFormat = [{
    $scores `top` $top `keys` $keys (`rows` $rows^)?
    `state` `(` $max `,` $sum `)` (`base2` $base2^)? (`transposed` $transposed^)?
    (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($scores) `,` type($top) `,` type($max) `,` type($sum)
    (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Tile_NewBuffers # [{
    ::llvm::SmallVector<std::pair<unsigned, unsigned>> getUpdates() {
      return {{0, 0}, {3, 1}, {4, 2}};
    }
    enum Result : unsigned { Weights, NewMax, NewSum, Rescale };
  }];
}

def Tile_RoundOp : Tile_ValueOp<"round", [
    AttrSizedOperandSegments,
    Tile_ValueOpInterface]> {
  let summary = "a tile in a narrower type";
  let description = [{
    The columns of the first `keys` keys, rounded to nearest, ties to even:
    weights for a product whose operands are narrow. Other columns, and with
    `rows` other rows, are unspecified.

    ```mlir
    %p = tile.round %w keys %n : tensor<128x48xf32> -> tensor<128x48xbf16>
    ```
  }];
  let arguments = (ins Tile_AccTile:$tile, Index:$keys, Optional<Index>:$rows,
                       Variadic<Tile_Buffer>:$outs, UnitAttr:$transposed);
  let results = (outs Optional<Tile_Result>:$result);
  let assemblyFormat = [{
    $tile `keys` $keys (`rows` $rows^)? (`transposed` $transposed^)?
    (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($tile) (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Tile_NewBuffers;
}

def Tile_AccumulateOp : Tile_ValueOp<"accumulate", [
    AttrSizedOperandSegments,
    Tile_ValueOpInterface]> {
  let summary = "adds weighted values to the accumulators";
  let description = [{
    With weights `p` and values `v` [K, Dv] of the first `keys` keys:

        acc' = rescale acc + sum_c p[c] v[c]

    computed in the type of acc, to which narrower weights and values are
    converted; without `rescale`, acc is added as it is. Values may be a buffer
    beside weights that are a tensor, and with `value_transposed` they are
    [Dv, K]. With `rows`, other rows are unspecified.

    `guarded` gives the scores that the weights were made of: then a key whose
    score is minus infinity contributes nothing, whatever its values are.
    Without it, a value that is not finite turns the results of rows that do not
    see it into NaN.
  }];
  let arguments = (ins Tile_Tile:$weights, Tile_StoredTile:$value, Index:$keys,
                       Tile_AccTile:$acc, Optional<Tile_AccTile>:$rescale,
                       Optional<Tile_AccTile>:$guard, Optional<Index>:$rows,
                       UnitAttr:$transposed, UnitAttr:$value_transposed);
  let results = (outs Optional<Tile_AccResult>:$result);
  let assemblyFormat = [{
    $weights `,` $value (`value_transposed` $value_transposed^)? `keys` $keys (`rows` $rows^)? `into` $acc
    (`rescale` $rescale^)?
    (`guarded` $guard^ `:` type($guard))? (`transposed` $transposed^)? attr-dict
    `:` type($weights) `,` type($value) `,` type($acc) (`,` type($rescale)^)?
    (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::SmallVector<std::pair<unsigned, unsigned>> getUpdates() {
      return {{3, 0}};
    }
  }];
}

def Tile_MergeOp : Tile_ValueOp<"merge", [
    Tile_ValueOpInterface]> {
  let summary = "the state of rows that have seen the keys of two states";
  let description = [{
    For states of the same rows over disjoint sets of keys, with
    `max = max(max1, max2)` and `a_n = B^(max_n - max)`:

        sum = a_1 sum1 + a_2 sum2        acc = a_1 acc1 + a_2 acc2

    where B is 2 with `base2`, else e. With `rows`, other rows are unspecified.
    Results: max, sum, acc.
  }];
  let arguments = (ins Tile_AccTile:$max, Tile_AccTile:$sum, Tile_AccTile:$acc,
                       Tile_AccTile:$otherMax, Tile_AccTile:$otherSum,
                       Tile_AccTile:$otherAcc, Optional<Index>:$rows,
                       UnitAttr:$base2,
                       UnitAttr:$transposed);
  let results = (outs Variadic<Tile_AccResult>:$results);
  let assemblyFormat = [{
    `(` $max `,` $sum `,` $acc `)` `with`
    `(` $otherMax `,` $otherSum `,` $otherAcc `)` (`rows` $rows^)?
    (`base2` $base2^)? (`transposed` $transposed^)? attr-dict
    `:` type($max) `,` type($sum) `,` type($acc) `,` type($otherMax) `,`
    type($otherSum) `,` type($otherAcc) (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::SmallVector<std::pair<unsigned, unsigned>> getUpdates() {
      return {{0, 0}, {1, 1}, {2, 2}};
    }
  }];
}

def Tile_SoftmaxFinishOp : Tile_ValueOp<"softmax_finish", [
    AttrSizedOperandSegments,
    Tile_ValueOpInterface]> {
  let summary = "the outputs of finished rows";
  let description = [{
    `out = acc / sum` and `lse = max + log(sum)` in natural units. Rows that
    have seen no key give out acc as it is, which is 0 unless a value that they
    do not see has made it NaN, and lse minus infinity. With `rows`, other rows
    are unspecified. Results: out, lse.
  }];
  let arguments = (ins Tile_AccTile:$max, Tile_AccTile:$sum, Tile_AccTile:$acc,
                       Optional<Index>:$rows, Variadic<Tile_Buffer>:$outs,
                       UnitAttr:$base2,
                       UnitAttr:$transposed);
  let results = (outs Variadic<Tile_AccResult>:$results);
  let assemblyFormat = [{
    `(` $max `,` $sum `,` $acc `)` (`rows` $rows^)? (`base2` $base2^)?
    (`transposed` $transposed^)? (`outs` `(` $outs^ `:` type($outs) `)`)?
    attr-dict `:` type($max) `,` type($sum) `,` type($acc)
    (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Tile_NewBuffers # [{
    ::llvm::SmallVector<std::pair<unsigned, unsigned>> getUpdates() {
      return {{2, 0}};
    }
    enum Result : unsigned { Out, Lse };
  }];
}

def Tile_SoftmaxNormalizeOp : Tile_ValueOp<"softmax_normalize", [
    Tile_ValueOpInterface]> {
  let summary = "the weights of finished rows";
  let description = [{
    With the scores `s` of the first `keys` keys, and the state of their rows
    after all keys:

        weights = B^(s - max) / sum

    where B is 2 with `base2`, else e. A score of minus infinity has weight
    zero, unless the sum is NaN: then the whole row is. Weights of columns from
    `keys` on, and with `rows` of other rows, are unspecified.
  }];
  let arguments = (ins Tile_AccTile:$scores, Index:$keys, Tile_AccTile:$max,
                       Tile_AccTile:$sum, Optional<Index>:$rows,
                       UnitAttr:$base2, UnitAttr:$transposed);
  let results = (outs Optional<Tile_AccResult>:$result);
  let assemblyFormat = [{
    $scores `keys` $keys (`rows` $rows^)? `state` `(` $max `,` $sum `)`
    (`base2` $base2^)? (`transposed` $transposed^)? attr-dict
    `:` type($scores) `,` type($max) `,` type($sum) (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::SmallVector<std::pair<unsigned, unsigned>> getUpdates() {
      return {{0, 0}};
    }
  }];
}

def Tile_NormalizeStoredOp : Tile_ValueOp<"normalize_stored", [
    Tile_ValueOpInterface]> {
  let summary = "the weights of finished rows, where they were stored";
  let description = [{
    The first `columns` elements of row `r < rows`, at
    `weights[batch, head + h(r), row + p(r), :]` as in `tile.store`, are what
    `tile.softmax_weights` made of scores when the maximum of the row was
    `seen[r]`. With the state after all keys they become

        weights' = weights B^(seen - max) / sum

    where B is 2 with `base2`, else e. Where `seen` is NaN nobody has stored
    weights, for the row sees none of these keys: they become 0, whatever is
    there. Where `sum` is NaN, all weights are.

    ```mlir
    tile.normalize_stored %w[%b, %h, %i0] rows %n columns %c
        seen %then state(%max, %sum) base2 : memref<?x12x?x?xf32>,
        tensor<48xf32>, tensor<48xf32>, tensor<48xf32>
    ```
  }];
  let arguments = (ins MemRefRankOf<[F32, F64], [4]>:$weights,
                       Index:$batch, Index:$head, Index:$row, Index:$rows,
                       Index:$columns, Tile_AccTile:$seen, Tile_AccTile:$max,
                       Tile_AccTile:$sum,
                       OptionalAttr<AffineMapAttr>:$row_map, UnitAttr:$base2);
  let assemblyFormat = [{
    $weights `[` $batch `,` $head `,` $row `]` `rows` $rows `columns` $columns
    `seen` $seen `state` `(` $max `,` $sum `)` (`base2` $base2^)?
    (`map` $row_map^)? attr-dict
    `:` type($weights) `,` type($seen) `,` type($max) `,` type($sum)
  }];
  let hasVerifier = 1;
}

def Tile_HasNonFiniteOp : Tile_ValueOp<"has_non_finite", [
    Tile_ValueOpInterface]> {
  let summary = "whether any element is infinite or NaN";
  let description = [{
    With `rows`, an element of the first `rows` rows; what others have may or may
    not count.
  }];
  let arguments = (ins Tile_AccTile:$tile, Optional<Index>:$rows,
                       UnitAttr:$transposed);
  let results = (outs I1:$result);
  let assemblyFormat = [{
    $tile (`rows` $rows^)? (`transposed` $transposed^)? attr-dict
    `:` type($tile)
  }];
}

#endif // LADON_DIALECTS_TILE_SOFTMAX_OPS_TD
