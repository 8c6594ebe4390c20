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

    A function that is an entry point of a library says what its caller sees:
    `attn.param` on every argument and result (see ParamAttr), and on the
    function itself `attn.source`, the text that it was made of, and
    `attn.settings`, a dictionary of strings with the compile-time parameters of
    that text. The last two may be missing.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    static constexpr ::llvm::StringLiteral paramName = "attn.param";
    static constexpr ::llvm::StringLiteral sourceName = "attn.source";
    static constexpr ::llvm::StringLiteral settingsName = "attn.settings";

    void registerAttributes();
  }];
}

class Attn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Attn_Dialect, mnemonic, traits>;

#endif // LADON_DIALECTS_ATTN_DIALECT_TD
