//===- AttnDialect.td - The attn dialect -------------------*- tablegen -*-===//

#ifndef LADON_DIALECTS_ATTN_DIALECT_TD
#define LADON_DIALECTS_ATTN_DIALECT_TD

include "mlir/IR/OpBase.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let cppNamespace = "::ladon::attn";
  let summary = "What an attention computes, not how";
  let description = [{
    The operations of multi-head attention on whole tensors: splitting features
    into heads, attending, and concatenating heads. Projections, biases and
    sizes are `linalg`, `tensor` and `arith`. An `attn.attend` carries its score
    and mask as regions over positions, so that later passes can reason about
    them; nothing here says in what order or on what machine the work is done.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

class Attn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Attn_Dialect, mnemonic, traits>;

#endif // LADON_DIALECTS_ATTN_DIALECT_TD
