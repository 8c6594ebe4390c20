//===- TileDialect.td - The tile dialect -------------------*- tablegen -*-===//

#ifndef LADON_DIALECTS_TILE_DIALECT_TD
#define LADON_DIALECTS_TILE_DIALECT_TD

include "mlir/IR/OpBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::ladon::tile";
  let summary = "When an attention computes what: the online-softmax loop nest";
  let description = [{
    One level below `attn`: a grid over (batch, head, query tile), and for each
    query tile a loop over blocks of keys that carries the online-softmax state
    (Milakov and Gimelshein 2018). Tiles are values, statically shaped tensors;
    where they live and how they are laid out is the target's business. The
    dialect assumes neither a CPU nor a GPU, and an interpreter runs it
    (compiler/reference/TileInterpreter.h), so that a wrong schedule is found
    before any code generator.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

class Tile_Op<string mnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, mnemonic, traits>;

#endif // LADON_DIALECTS_TILE_DIALECT_TD
