//===- TileOps.td - Operations of the tile dialect ---------*- tablegen -*-===//

#ifndef LADON_DIALECTS_TILE_OPS_TD
#define LADON_DIALECTS_TILE_OPS_TD

include "dialects/tile/TileTypes.td"

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

def Tile_LoadOp : Tile_ValueOp<"load", [
    AttrSizedOperandSegments,
    Tile_ValueOpInterface]> {
  let summary = "rows of a tensor as a tile";
  let description = [{
    Row `r < rows` of the tile is `source[batch, head + h(r), row + p(r), :]`,
    where `source` has the axes (batch, head, position, feature) and `row_map`
    is `(r) -> (h(r), p(r))`, by default `(r) -> (0, r)`. A source of three axes
    has no features and gives a tile of one axis. Rows from `rows` on are
    unspecified, and nothing is read for them. `rows` may be zero.

    The elements of the source are converted to the type of the tile and then
    multiplied by `scale`, where given, in that type. A tile of i8 is one of
    integers, as they are stored: its source has them, too.

    With `pages`, a table `[batch, page]` of page numbers and the static size of
    a page, position `p` is `source[table[batch, p floordiv size],
    head + h(r), p mod size, :]`. Page numbers are clamped into the source.

    ```mlir
    %q = tile.load %query[%b, %h, %i0] rows %n scale 1.8e-01 transposed
       : memref<?x8x?x64xbf16, strided<[?, ?, ?, ?], offset: ?>>
         -> tensor<64x24xf32>
    ```
  }];
  let arguments = (ins Tile_Source:$source, Index:$batch, Index:$head,
                       Index:$row, Index:$rows,
                       Optional<MemRefRankOf<[I32], [2]>>:$pages,
                       Variadic<Tile_StoredBuffer>:$outs,
                       OptionalAttr<I64Attr>:$page_size,
                       OptionalAttr<F64Attr>:$scale,
                       OptionalAttr<AffineMapAttr>:$row_map,
                       UnitAttr:$transposed);
  let results = (outs Optional<Tile_StoredResult>:$tile);
  let assemblyFormat = [{
    $source `[` $batch `,` $head `,` $row `]` `rows` $rows
    (`map` $row_map^)? (`pages` $pages^ `:` type($pages) `of` $page_size)?
    (`scale` $scale^)? (`transposed` $transposed^)?
    (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($source) (`->` type($tile)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Tile_NewBuffers # [{
    /// The tensor, or the buffer, that is filled.
    ::mlir::ShapedType getTileType() {
      return ::llvm::cast<::mlir::ShapedType>(
          getTile() ? getTile().getType() : getOuts()[0].getType());
    }
  }];
}

def Tile_StoreOp : Tile_ValueOp<"store", [Tile_ValueOpInterface]> {
  let summary = "the first rows of a tile into a tensor";
  let description = [{
    The reverse of `tile.load`: row `r < rows` goes to
    `dest[batch, head + h(r), row + p(r), :]`, rounded to the destination's type
    (to nearest, ties to even; what an i8 cannot hold is the nearest that it
    can, NaN is 0). A tile of one axis goes to a destination of three.

    With `columns`, only that many of the first columns of each row are stored,
    and the destination has as many features.
  }];
  let arguments = (ins Tile_Tile:$tile, Tile_Destination:$dest, Index:$batch,
                       Index:$head, Index:$row, Index:$rows,
                       Optional<Index>:$columns,
                       OptionalAttr<AffineMapAttr>:$row_map,
                       UnitAttr:$transposed);
  let assemblyFormat = [{
    $tile `,` $dest `[` $batch `,` $head `,` $row `]` `rows` $rows
    (`columns` $columns^)? (`map` $row_map^)? (`transposed` $transposed^)?
    attr-dict
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
  let summary = "which elements a box of a captured tensor has";
  let description = [{
    The minimum and maximum over `lower[k] <= index k <= upper[k]`, both ends
    clamped into the tensor, and a signature: bit `x mod 64` is set for each
    element `x`, so that two boxes whose signatures have no bit in common have
    no element in common.

    An implementation may return a wider range and more bits (from a summary of
    the tensor), never fewer; for a box of one element, whose bounds are the
    same values, it returns exactly that. A tensor with an extent of zero is
    read as (0, 0) with the signature of 0; a box with `lower[k] > upper[k]` has
    no element, and what is returned for it means nothing.

    ```mlir
    %min, %max, %bits = tile.value_range %doc from [%b, %j0] to [%b, %j1]
       : memref<?x?xi32, strided<[?, ?], offset: ?>>
    ```
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$source,
                       Variadic<Index>:$lower, Variadic<Index>:$upper);
  let results = (outs AnyInteger:$min, AnyInteger:$max, I64:$signature);
  let assemblyFormat =
      "$source `from` `[` $lower `]` `to` `[` $upper `]` attr-dict `:` type($source)";
  let builders = [OpBuilder<(ins "::mlir::Value":$source,
      "::mlir::ValueRange":$lower, "::mlir::ValueRange":$upper), [{
    auto type = ::llvm::cast<::mlir::MemRefType>(source.getType());
    ::mlir::Type element = type.getElementType();
    build($_builder, $_state, element, element, $_builder.getI64Type(), source,
          lower, upper);
  }]>];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

def Tile_GridOp : Tile_Op<"grid", [
    RecursiveMemoryEffects, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "independent pieces of work";
  let description = [{
    Runs the body once for each point of a box that begins at zero. Points are
    independent and may run at the same time; `schedule` says in which order
    they are handed out, so that heavy ones can come first.

    ```mlir
    tile.grid (%batches, %heads, %tiles)
        schedule <order = [0, 1, 2], descending = [2]> {
    ^bb0(%b: index, %h: index, %t: index):
      ...
    }
    ```
  }];
  let arguments = (ins Variadic<Index>:$sizes, Tile_ScheduleAttr:$schedule);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`(` $sizes `)` `schedule` $schedule $body attr-dict";
  let hasVerifier = 1;
}

def Tile_KeyLoopOp : Tile_Op<"key_loop", [
    AttrSizedOperandSegments, RecursiveMemoryEffects,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "sequential loop over blocks of keys";
  let description = [{
    Visits the keys `[lower, upper)` in blocks of at most `step` keys and
    carries the state. The body gets the first key of the block, the number of
    keys in it (1 to step), and the state. If `upper <= lower` it does nothing.

    With `full [a, b)`, where `lower <= a <= b <= upper`, the keys `[a, b)` are
    visited first, then `[lower, a)` and `[b, upper)`, each in blocks of its
    own; the body then gets, behind the number of keys, whether the block is one
    of the first. Otherwise the order is ascending.

    In an `aligned` loop, blocks begin at multiples of `step`: so do `lower` and
    the ends of the full range, but one that is `upper`. A pass that moves a
    bound keeps it so, and visits a few keys more.

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
                       Optional<Index>:$fullLower,
                       Optional<Index>:$fullUpper, I64Attr:$step,
                       UnitAttr:$aligned, Variadic<Tile_Result>:$inits);
  let results = (outs Variadic<Tile_Result>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `[` $lower `,` $upper `)` (`full` `[` $fullLower^ `,` $fullUpper `)`)?
    `step` $step (`aligned` $aligned^)? `init` `(` ($inits^ `:` type($inits))? `)`
    (`->` type($results)^)? $body attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Value getFirstKey() { return getBody().getArgument(0); }
    ::mlir::Value getKeyCount() { return getBody().getArgument(1); }
    /// Whether the block is of the full range; only with one.
    ::mlir::Value getIsFull() { return getBody().getArgument(2); }
    ::mlir::Block::BlockArgListType getStateArgs() {
      return getBody().getArguments().drop_front(getFullLower() ? 3 : 2);
    }
    /// Gives a loop without one the full range `[lower, upper)`.
    void addFullRange(::mlir::Value lower, ::mlir::Value upper);
  }];
}

def Tile_YieldOp : Tile_Op<"yield", [Pure, Terminator,
    ParentOneOf<["GridOp", "KeyLoopOp", "ModifyOp", "MaskOp"]>]> {
  let summary = "ends the body of a grid or loop, or the expression of a position";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

def Tile_ContractOp : Tile_ValueOp<"contract", [
    AttrSizedOperandSegments,
    Tile_ValueOpInterface]> {
  let summary = "product of two tiles";
  let description = [{
    Over the dimensions `(r, c, k)`, with `maps` for left, right and product,
    each a permutation of two of them:

        product[r, c] = sum_k left[r, k] * right[c, k]

    computed and accumulated in the element type of the product, to which
    narrower operands are converted, and then multiplied by `scale`, where
    given. Only the first `columns` of the dimension `c` are computed; nothing
    is read for the others, and their products are unspecified. With `rows`, the
    same holds for the dimension `r`.

    The right tile may be a buffer beside a left one that is a tensor: rows that
    many threads share.

    A second result, where there is one, is the largest product of each `r` over
    the columns computed, and the lowest finite number if there are none; a NaN
    is left out of it. `compact` asks for small code rather than fast code: for
    what runs rarely.

    ```mlir
    %s = tile.contract %q, %k columns %n
        maps [affine_map<(r, c, k) -> (k, r)>, affine_map<(r, c, k) -> (c, k)>,
              affine_map<(r, c, k) -> (c, r)>]
       : tensor<64x24xf32>, tensor<128x64xf32> -> tensor<128x24xf32>
    ```
  }];
  let arguments = (ins Tile_Tile:$left, Tile_StoredTile:$right, Index:$columns,
                       Optional<Index>:$rows, Variadic<Tile_Buffer>:$outs,
                       AffineMapArrayAttr:$maps,
                       UnitAttr:$compact, OptionalAttr<F64Attr>:$scale);
  let results = (outs Variadic<Tile_AccResult>:$results);
  let assemblyFormat = [{
    $left `,` $right `columns` $columns (`rows` $rows^)? `maps` $maps
    (`scale` $scale^)?
    (`compact` $compact^)? (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($left) `,` type($right) (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Tile_NewBuffers # [{
    /// The dimensions of the maps.
    enum Dim : unsigned { Row, Column, Depth };
    /// Maps of left, right and product: rows first, or last where transposed.
    static ::mlir::ArrayAttr getMaps(::mlir::Builder &builder, bool transposed);
    ::mlir::AffineMap getMap(unsigned number) {
      return ::llvm::cast<::mlir::AffineMapAttr>(getMaps()[number]).getValue();
    }
    /// Results, or the buffers that stand for them: the product, and maybe the
    /// largest of each row.
    ::mlir::ValueRange getProducts() {
      return getOuts().empty() ? ::mlir::ValueRange(getResults())
                               : ::mlir::ValueRange(getOuts());
    }
  }];
}

def Tile_RowMaxOp : Tile_ValueOp<"row_max", [
    AttrSizedOperandSegments,
    Tile_ValueOpInterface]> {
  let summary = "the largest score of each row";
  let description = [{
    The largest of the first `keys` scores of each row, or of the first `rows`
    rows; the lowest finite number if all of them are smaller, or there are
    none. A NaN is left out.
  }];
  let arguments = (ins Tile_AccTile:$scores, Index:$keys,
                       Optional<Index>:$rows, Variadic<Tile_Buffer>:$outs,
                       UnitAttr:$transposed);
  let results = (outs Optional<Tile_AccResult>:$max);
  let assemblyFormat = [{
    $scores `keys` $keys (`rows` $rows^)? (`transposed` $transposed^)?
    (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($scores) (`->` type($max)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Tile_NewBuffers;
}

class Tile_PositionOp<string mnemonic> : Tile_ValueOp<mnemonic, [
    AttrSizedOperandSegments, RecursiveMemoryEffects, SingleBlock,
    Tile_ValueOpInterface]> {
  let arguments = (ins Tile_AccTile:$scores, Index:$batch, Index:$head,
                       Index:$query, Index:$key, Index:$keys,
                       Optional<Index>:$rows, Variadic<Tile_Capture>:$captures,
                       Variadic<Tile_Buffer>:$outs,
                       OptionalAttr<AffineMapAttr>:$row_map,
                       UnitAttr:$transposed);
  let results = (outs Variadic<Tile_AccResult>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $scores `at` `[` $batch `,` $head `,` $query `,` $key `]` `keys` $keys
    (`rows` $rows^)? (`map` $row_map^)? (`transposed` $transposed^)?
    (`captures` `(` $captures^ `:` type($captures) `)`)?
    (`outs` `(` $outs^ `:` type($outs) `)`)? $body attr-dict
    `:` type($scores) (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  string methods = Tile_NewBuffers # [{
    ::llvm::SmallVector<std::pair<unsigned, unsigned>> getUpdates() {
      return {{0, 0}};
    }
    /// The scores after the operation, on tensors.
    ::mlir::Value getResult() { return getResults()[0]; }
    /// Whether the largest score of each row is another result.
    bool hasRowMax() { return getNumResults() > 1 || !getOuts().empty(); }
  }];
}

def Tile_ModifyOp : Tile_PositionOp<"modify"> {
  let summary = "a score expression applied to every position of a tile";
  let description = [{
    The score of row `r` and column `c < keys` becomes the value that the region
    yields for `(s, b, head + h(r), i = query + p(r), j = key + c,
    captures...)`, where `row_map` is `(r) -> (h(r), p(r))`, by default
    `(r) -> (0, r)`; s has the element type of the tile, positions are i32. Other
    columns, and with `rows` other rows, are unspecified. A second result, where there is one, is that of
    `tile.row_max`.
  }];
  let extraClassDeclaration = methods;
}

def Tile_MaskOp : Tile_PositionOp<"mask"> {
  let summary = "hides the positions of a tile that a mask rejects";
  let description = [{
    The score of row `r` and column `c < keys` becomes minus infinity, whatever
    it was before, where the region yields false for
    `(b, head + h(r), i = query + p(r), j = key + c, captures...)`. All else is as
    in `tile.modify`.
  }];
  let extraClassDeclaration = methods;
}

include "dialects/tile/TileSoftmaxOps.td"

#endif // LADON_DIALECTS_TILE_OPS_TD
