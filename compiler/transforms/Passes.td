//===- Passes.td - Passes from attn to the tile level ------*- tablegen -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_PASSES_TD
#define LADON_COMPILER_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// attn on tensors
//===----------------------------------------------------------------------===//

def VerifyExtents : Pass<"attn-verify-extents", "::mlir::func::FuncOp"> {
  let summary = "Refuse functions whose sizes do not add up";
  let description = [{
    Changes nothing. In a function with `attn.param`, the extent of every tensor
    has to be a number or a size that an argument names, followed from the
    arguments through the operations: operands that share an axis must agree in
    it, accesses must stay within their tensors, and results must have the
    extents that they declare. The entry point checks the arguments, so nothing
    is read or written outside of a tensor then. What does not follow is an
    error at the operation. An `inout` argument has one use, its `attn.append`,
    whose places and pages are arguments with values that the entry point
    checks. A function without attributes has no entry point and is left alone.
  }];
}

def CheckIndices : Pass<"attn-check-indices", "::mlir::func::FuncOp"> {
  let summary = "Let calls ask whether an index leaves its tensor";
  let description = [{
    An `attn.read` clamps its indices. Those of every `attn.attend` that may
    need it, as far as ranges and names of sizes (`attn.param`) tell, become an
    `attn.check_indices` at the beginning of the function, and so do the pages of
    keys. A read counts at visible positions, and where the value that it is
    needed for depends on it: the right side of a conjunction after a true left
    side, a side of a selection where the condition chooses it. Conditions that
    depend on the score count as both; an index that does cannot be checked, nor
    one of a tensor that is computed. Runs before masks change their form.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseHeads : Pass<"attn-fuse-heads", "::mlir::func::FuncOp"> {
  let summary = "Fold split and concatenated heads into attend's indexing maps";
  let description = [{
    An `attn.attend` reads the source of an `attn.split_heads` directly, through
    a map such as `(b, i, h * 64 + d)`, and stores its output where a lone
    `attn.concat_heads` would put it. What cannot be folded (a split that is no
    operand of an attend, an output needed in both forms) is copied by a
    `linalg.generic`, with a remark that says why. No `attn.split_heads` or
    `attn.concat_heads` is left.
  }];
  let statistics = [
    Statistic<"fused", "heads-fused", "splits and concatenations folded">,
    Statistic<"lowered", "heads-lowered",
              "splits and concatenations that became transpositions">
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CanonicalizeMasks : Pass<"attn-canonicalize-masks", "::mlir::func::FuncOp"> {
  let summary = "Bring masks into the normal form that analysis reads";
  let description = [{
    In the mask of every `attn.attend`: negations move to the comparisons, a
    comparison has the key position alone on its left where the algebra allows,
    `|x| <= c` is two bounds, conjuncts that the ranges of the positions imply
    are gone. A rewrite happens only where no value can wrap, given that
    positions and sizes are below 2^30.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def FuseScales : Pass<"attn-fuse-scales", "::mlir::func::FuncOp"> {
  let summary = "Read scaled keys and values as they are stored";
  let description = [{
    Keys or values that are the product of a stored tensor (of i8, f16, bf16 or
    of the type that is computed in) and of factors without features, one per
    key, head or batch, are not computed beforehand: the attend reads what is
    stored. A score of such keys is multiplied by the factors in `score`, and a
    weight of such values in `weight`; constant factors of keys join `scale`.

        k[b,hk,j,d] = stored[b,hk,j,d] * factor[b,hk,j]
        s = sum_d q[d] k[d]   becomes   s = factor * sum_d q[d] stored[d]

    Numbers are the same up to rounding. Factors that differ between the
    features of a key are left where they are.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"fused", "fused", "Operands read as they are stored">
  ];
}

def ExpandRandom : Pass<"attn-expand-random", "::mlir::func::FuncOp"> {
  let summary = "Write random bits as integer arithmetic";
  let description = [{
    Every `attn.random` becomes the ten rounds of Philox-4x32 in operations of
    `arith`, which all back ends have.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def FuseWeights : Pass<"attn-fuse-weights", "::mlir::func::FuncOp"> {
  let summary = "Read the weights of products as they are stored";
  let description = [{
    The second operand of a `linalg.contract` is read without being computed
    beforehand where it is

    - a `linalg.transpose`: the product's indexing map reads its source;
    - a stored tensor (i8, f16, bf16, or of the type that is computed in), alone
      or times factors that no summed element depends on: the sums are
      multiplied by them.

        sum_k x[m,k] * (float(w[k,n]) * scale[n]) = scale[n] * sum_k x[m,k] * w[k,n]

    What the sums started from is added after that. Numbers are the same up to
    rounding. Factors that differ along what is summed are left alone.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"fused", "fused", "Transposes and products that are gone">
  ];
}

def FuseHeadSums : Pass<"attn-fuse-head-sums", "::mlir::func::FuncOp"> {
  let summary = "Sum weights over the heads where they are made";
  let description = [{
    The normalized scores of an `attn.attend` whose only reader is their sum
    over the heads, a `linalg.generic` that starts from a fill with zero, become
    that sum: the map of scores leaves out the head. So they take the memory of
    one head.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"fused", "fused", "Sums that attends make">];
}

def FuseElementwise : Pass<"attn-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Compute chains of elementwise operations in one loop";
  let description = [{
    An elementwise `linalg.generic` becomes part of the one that reads it

    - where it only copies, and its reader reads whole rows of the source;
    - where each element is read once, and nobody else reads it, or it takes a
      few additions and multiplications, which are then done more than once.

    A `tensor.extract_slice` of such a cheap operation computes its part alone,
    if nobody reads the whole: so norms go into the rotations of `rope`.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def BufferizeAttention : Pass<"attn-bufferize", "::mlir::ModuleOp"> {
  let summary = "Tensors to memrefs, results to arguments";
  let description = [{
    Results of a function become trailing arguments with the attributes of the
    results (`attn.param`), memrefs of any strides like all others, and are
    computed in place. Intermediate tensors become `memref.alloc`, which the caller frees as a whole after the call: no
    `memref.dealloc` is made. A result that is an argument, or is returned
    twice, is copied (`linalg.copy`).

    An `inout` argument is written in place by its `attn.append`; where that is
    not possible, because something else reads or writes it, there is an error.
  }];
  let dependentDialects = [
    "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect"
  ];
}

//===----------------------------------------------------------------------===//
// Tile level
//===----------------------------------------------------------------------===//

def TileAppends : Pass<"tile-appends", "::mlir::func::FuncOp"> {
  let summary = "Append to caches by a grid over batches, heads and positions";
  let description = [{
    Every `attn.append` on memrefs becomes a `tile.grid` whose points copy some
    new positions of one head from the source to their place in the cache, by a
    `tile.load` and a `tile.store`, which converts them. In a cache of pages a
    point copies one position. That a place is within the cache is what the
    entry point has checked; where it cannot, since the places lie on a device,
    the operation is refused.
  }];
  let options = [
    Option<"onDevice", "on-device", "bool", "false",
           "the entry point cannot read tensors">
  ];
  let dependentDialects = [
    "::ladon::tile::TileDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"
  ];
}

def FuseProjection : Pass<"attn-fuse-projection", "::mlir::func::FuncOp"> {
  let summary = "Compute the output projection in the nest of an attend";
  let description = [{
    Where the only reader of what an `attn.attend` on buffers computes is a
    `linalg.contract` over all of its features, the attend moves next to it and
    gets a `tile.projection`, which says for which sizes the two are one nest:

    - keys and values of all heads, and the matrix, stay in the last cache, and
      the sums of a tile in the second,
    - there are enough tiles of queries for some threads,
    - each query head has a key head of its own.

    With `always`, for all sizes. What lies between the two must not write what
    the attend reads, or touch what it writes.
  }];
  let options = [
    Option<"always", "always", "bool", "false", "whatever the sizes are">
  ];
  let statistics = [
    Statistic<"fused", "fused", "Products that attends compute">
  ];
  let dependentDialects = ["::ladon::tile::TileDialect"];
}

def TileAttention : Pass<"tile-attention", "::mlir::func::FuncOp"> {
  let summary = "Lower attend to the online-softmax loop nest";
  let description = [{
    Each `attn.attend` on buffers becomes a `tile.grid` over (batch, head, query
    tile); each grid point loops over all blocks of keys and masks every block.
    With `few-queries`, a second form is there for calls with so few: a grid
    over (batch, key head, chunk of keys, positions) whose tiles are all query
    heads of a key head, at one position or, where tiles have more rows than
    that, at several; and a grid that merges the chunks.
    Operands that are no (batch, head, position, feature) tensors are viewed as
    such; no element is copied. Where hidden keys could spread a NaN or an
    infinity, the finished tile is tested and computed again with guarded
    updates in that rare case.

    The shape of the tiles is the `tile.shape` beside the `attn.attend`, which a
    target puts there; the options are for those without.
  }];
  let options = [
    Option<"queryTile", "query-tile", "int64_t", "24",
           "rows of a query tile">,
    Option<"keyTile", "key-tile", "int64_t", "128", "keys of a block">,
    Option<"transposed", "transposed", "bool", "true",
           "rows last in tiles of scores and accumulators">,
    Option<"fewQueries", "few-queries", "int64_t", "0",
           "queries up to which the form for few is used; 0 leaves it out">,
    Option<"chunkKeys", "chunk-keys", "int64_t", "512",
           "keys of a chunk of that form">,
    Option<"narrow", "narrow", "bool", "false",
           "rows first, and operands of products in their 16-bit type">,
    Option<"pairs", "pairs", "bool", "false",
           "operands of products for many queries in their 16-bit type">,
    Option<"lanes", "lanes", "int64_t", "0",
           "rows that fill a register; 0 makes all tiles but the last full">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::ladon::tile::TileDialect"
  ];
}

def ClassifyBlocks : Pass<"classify-blocks", "::mlir::func::FuncOp"> {
  let summary = "Visit only the blocks of keys that a mask lets through";
  let description = [{
    For each `tile.key_loop` whose block of keys goes through one `tile.mask`,
    scalar code computed from the mask at run time

    - tightens the bounds of the loop to the keys that some row of the query
      tile may see (not rounded to whole blocks);
    - where the visible keys are described by ranges, makes those that every row
      sees the full range of the loop, whose blocks go without the mask, if they
      are at least half a block;
    - where they are not (captured tensors, remainders), tests each block: one
      that no row can see is skipped and nothing is read for it, one that every
      row sees goes without the mask.

    All blocks have one body, with the mask under a condition.

    A loop with guarded updates keeps its mask and is only tightened. A part of
    a mask that has no bounds is reported in a remark; the result is correct
    whatever the mask is.
  }];
  let statistics = [
    Statistic<"tightened", "loops-tightened", "loops with bounds from the mask">,
    Statistic<"unmasked", "loops-unmasked",
              "loops with keys that go without the mask">,
    Statistic<"tested", "loops-tested", "loops that test each block">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect",
                           "::ladon::tile::TileDialect"];
}

def FuseRowMax : Pass<"tile-fuse-row-max", "::mlir::func::FuncOp"> {
  let summary = "Take the maximum of scores where they are made";
  let description = [{
    A `tile.row_max` becomes the second result of the `tile.contract`,
    `tile.modify` or `tile.mask` that makes its scores, if that is over the same
    columns; where scores come from a branch, in each of its sides. Others stay.
  }];
  let statistics = [
    Statistic<"fused", "maxima-fused", "maxima taken where scores are made">,
    Statistic<"kept", "maxima-kept", "maxima that stay on their own">
  ];
  let dependentDialects = ["::ladon::tile::TileDialect"];
}

def LowerTileControl : Pass<"tile-lower-control", "::mlir::func::FuncOp"> {
  let summary = "Lower grids, key loops and value ranges to scf";
  let description = [{
    A `tile.grid` becomes a `scf.forall` in the order of its schedule, a
    `tile.key_loop` a `scf.for` over blocks, a `tile.value_range` a scan of the
    box, for LLVM to vectorise. Operations on tiles stay.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"
  ];
}

def BufferizeTiles : Pass<"tile-bufferize", "::mlir::func::FuncOp"> {
  let summary = "Give every tile value a buffer";
  let description = [{
    Operations on tiles change from their form on tensors to that on buffers.
    A value is updated in place where nobody needs it any more, and copied
    (`linalg.copy`) where somebody does. Rows that need no conversion are used
    where they lie. Grids and key loops must be lowered before.
  }];
  let dependentDialects = [
    "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::ladon::tile::TileDialect"
  ];
}

#endif // LADON_COMPILER_TRANSFORMS_PASSES_TD
