//===- Passes.td - Passes that ask a target ----------------*- tablegen -*-===//

#ifndef LADON_COMPILER_CODEGEN_PASSES_TD
#define LADON_COMPILER_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def ChooseTiles : Pass<"attn-choose-tiles", "::mlir::func::FuncOp"> {
  let summary = "Say in what tiles a machine computes an attend";
  let description = [{
    Puts a `tile.shape` beside every `attn.attend` that has none, with the tiles
    that fill the registers of a machine. `tile-attention` reads it.
  }];
  let options = [
    Option<"level", "cpu", "std::string", "\"x86-64-v3\"",
           "level of the machine, as in --cpu of ladon build">
  ];
  let dependentDialects = ["::ladon::tile::TileDialect"];
}

#endif // LADON_COMPILER_CODEGEN_PASSES_TD
