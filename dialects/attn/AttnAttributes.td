//===- AttnAttributes.td - What the caller of a function sees -*- tablegen -*-===//

#ifndef LADON_DIALECTS_ATTN_ATTRIBUTES_TD
#define LADON_DIALECTS_ATTN_ATTRIBUTES_TD

include "dialects/attn/AttnDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Attn_ParamKind : I32EnumAttr<"ParamKind", "what a parameter is for", [
    I32EnumAttrCase<"Input", 0, "input">, I32EnumAttrCase<"Output", 1, "output">,
    I32EnumAttrCase<"Scalar", 2, "scalar">]> {
  let cppNamespace = "::ladon::attn";
  let genSpecializedAttr = 0;
}

def Attn_ParamAttr : AttrDef<Attn_Dialect, "Param"> {
  let mnemonic = "param";
  let summary = "one parameter of an entry point";
  let description = [{
    What an argument or a result of a function is to its caller, as
    `attn.param` of that argument or result. The type of the argument says how
    the value is represented; this says what it means: its name in the C
    interface, its kind, its element type, and which extents are one size. The
    description of a library (header, manifest, entry checks) is made of these
    attributes and of nothing else.

        #attn.param<input q: f32[B, 8, S, 64], "the queries">
        #attn.param<input visible: bool[B, T]>
        #attn.param<scalar span: i32>
        #attn.param<output out: f32[B, 8, S, 64]>

    - `input` and `output` are tensors of at least one axis, `scalar` is a value
      without axes. A result of a function is an `output`; once results are
      arguments (`attn-bufferize`), so is the argument.
    - The element type is `bool`, `ui8`, `i8`, `i16`, `i32`, `i64` or a float. A
      `bool` is a byte in memory, an i8 in the type of the argument, and so is
      a `ui8`.
    - An extent is a known size, or a name for a size of run time. The argument
      has the same size, or a dynamic one, at that axis. Equal names are equal
      sizes, in all parameters of the function.
    - A size may be computed from names that inputs have: `"2 * S - 1"`, with
      `+`, `-`, `*` and `//`, in the canonical form of SizeExpr.h.
    - Names are identifiers of C. The text is one line of documentation.
  }];
  let parameters = (ins
    "::ladon::attn::ParamKind":$kind, "::mlir::StringAttr":$name,
    AttrParameter<"::mlir::Type", "i1 for bool">:$element,
    OptionalArrayRefParameter<"::mlir::Attribute",
                              "an i64 for a size, a string for a name">:$dims,
    OptionalParameter<"::mlir::StringAttr">:$doc);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The type of one element in memory: i8 for a bool and a ui8.
    ::mlir::Type getStorageType();
  }];
}

#endif // LADON_DIALECTS_ATTN_ATTRIBUTES_TD
