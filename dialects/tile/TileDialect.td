//===- TileDialect.td - The tile dialect -------------------*- tablegen -*-===//

#ifndef LADON_DIALECTS_TILE_DIALECT_TD
#define LADON_DIALECTS_TILE_DIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::ladon::tile";
  let summary = "When an attention computes what: the online-softmax loop nest";
  let description = [{
    One level below `attn`: a grid over (batch, head, query tile), and for each
    query tile a loop over blocks of keys that carries the online-softmax state
    (Milakov and Gimelshein 2018). Tiles are values, statically shaped tensors of
    two axes, or of one for what there is once per row. The dialect assumes
    neither a CPU nor a GPU, and an interpreter runs it
    (compiler/reference/TileInterpreter.h), so that a wrong schedule is found
    before any code generator.

    Every operation on tiles has two forms. On tensors it is a function: it
    returns its results and changes nothing. On buffers (memrefs of the same
    shapes) it returns no tile; it updates some operands in place and writes
    what is new into `outs`. `tile-bufferize` leads from one to the other.

    `transposed` says that tiles of (row, key) or (row, feature) are written
    with the row last: `[D, R]`, not `[R, D]`. A code generator whose vector
    lanes are rows asks for it.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{
    /// Beside an operation that is to become tiles: of which shape.
    static constexpr ::llvm::StringLiteral shapeName = "tile.shape";
    /// Beside an attend whose nest multiplies what it computes by the matrix
    /// of the product that follows: for which sizes.
    static constexpr ::llvm::StringLiteral projectionName = "tile.projection";
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

class Tile_Op<string mnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def Tile_ScheduleAttr : AttrDef<Tile_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "the order in which the points of a grid are handed out";
  let description = [{
    `order` lists the axes of the grid from the slowest to the fastest;
    `descending` lists those that are walked from their last index to their
    first. Points may run at the same time; the order only says which start
    first.

    ```mlir
    #tile.schedule<order = [0, 1, 2], descending = [2]>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$order,
                        OptionalArrayRefParameter<"int64_t">:$descending);
  let assemblyFormat =
      "`<` `order` `=` `[` $order `]` (`,` `descending` `=` `[` $descending^ `]`)? `>`";
}

def Tile_ShapeAttr : AttrDef<Tile_Dialect, "Shape"> {
  let mnemonic = "shape";
  let summary = "into which tiles an attend is cut";
  let description = [{
    A query tile has `queries` rows, a block `keys` keys. Where a call has at
    most `few` queries, the form for few is used, with chunks of `chunk` keys; 0
    leaves that form out. `few_keys` is a block of that form (0: `keys`), the
    number of its rows is a multiple of `few_rows`, and where there would be
    more than `few_chunks` chunks they are longer (0: never). With `narrow`,
    rows come first in all tiles, and queries, keys, values and weights keep the
    16-bit type they are stored in: for machines that multiply tiles of such
    numbers as a whole. With `pairs` the form for many queries keeps them so, with
    rows last: for machines that multiply pairs of such numbers. Where `lanes`
    rows fill a register (0: nobody says), a last tile need not be full: the last
    ones have a register less each, so that none of them has only one. The target
    puts all this beside `attn.attend` as `tile.shape`, and `tile-attention` reads
    it.

    ```mlir
    #tile.shape<queries = 24, keys = 128, few = 8, chunk = 512, lanes = 8>
    #tile.shape<queries = 64, keys = 64, few = 16, chunk = 256, narrow = true,
                few_keys = 32, few_rows = 16, few_chunks = 128>
    ```
  }];
  let parameters = (ins "int64_t":$queries, "int64_t":$keys,
                        DefaultValuedParameter<"int64_t", "0">:$few,
                        DefaultValuedParameter<"int64_t", "0">:$chunk,
                        DefaultValuedParameter<"bool", "false">:$narrow,
                        DefaultValuedParameter<"int64_t", "0">:$few_keys,
                        DefaultValuedParameter<"int64_t", "1">:$few_rows,
                        DefaultValuedParameter<"int64_t", "0">:$few_chunks,
                        DefaultValuedParameter<"bool", "false">:$pairs,
                        DefaultValuedParameter<"int64_t", "0">:$lanes);
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    /// Keys of a block in the form for few queries.
    int64_t getBlockOfFew() const {
      return getFewKeys() > 0 ? getFewKeys() : getKeys();
    }
  }];
  let genVerifyDecl = 1;
}

def Tile_ProjectionAttr : AttrDef<Tile_Dialect, "Projection"> {
  let mnemonic = "projection";
  let summary = "when a nest multiplies its rows by a matrix";
  let description = [{
    `attn-fuse-projection` puts it beside an `attn.attend` as `tile.projection`.
    The `linalg.contract` that is the only reader of what the attend computes
    comes next, and both become one nest: a tile of queries goes through all
    heads, and each adds its rows times the matrix. A call does so that has at
    most `most_keys` keys, and at least `least_tiles` tiles of queries, of all
    batch entries; others compute the product afterwards.

    ```mlir
    #tile.projection<most_keys = 3072, least_tiles = 8>
    ```
  }];
  let parameters = (ins "int64_t":$most_keys, "int64_t":$least_tiles);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // LADON_DIALECTS_TILE_DIALECT_TD
