//===- AttnAttributes.td - What the caller of a function sees -*- tablegen -*-===//

#ifndef LADON_DIALECTS_ATTN_ATTRIBUTES_TD
#define LADON_DIALECTS_ATTN_ATTRIBUTES_TD

include "dialects/attn/AttnDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Attn_ParamKind : I32EnumAttr<"ParamKind", "what a parameter is for", [
    I32EnumAttrCase<"Input", 0, "input">, I32EnumAttrCase<"Output", 1, "output">,
    I32EnumAttrCase<"Scalar", 2, "scalar">,
    I32EnumAttrCase<"InOut", 3, "inout">]> {
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
        #attn.param<inout cache: f16[B, 8, C, 64]>
        #attn.param<input len: i32[B] to ["C - S"]>
        #attn.param<input table: i32[B, P] writes [["len", "S", 16, "N"]]>

    - `input`, `output` and `inout` are tensors of at least one axis, `scalar`
      is a value without axes. A result of a function is an `output`; once
      results are arguments (`attn-bufferize`), so is the argument. An `inout`
      is an argument that is read and written, by an `attn.append`.
    - The element type is `bool`, `ui8`, `i8`, `i16`, `i32`, `i64` or a float. A
      `bool` is a byte in memory, an i8 in the type of the argument, and so is
      a `ui8`.
    - An extent is a known size, or a name for a size of run time. The argument
      has the same size, or a dynamic one, at that axis. Equal names are equal
      sizes, in all parameters of the function.
    - A size may be computed from names that inputs have: `"2 * S - 1"`, with
      `+`, `-`, `*` and `//`, in the canonical form of SizeExpr.h.
    - `to` says of integers that each lies between 0 and each of these sizes,
      which may be negative: then there is no such integer.
    - `writes` says of a table of pages which of its entries are written to: by
      a row [at, count, size, pool] those of the positions at[b] to at[b] +
      count - 1, where a page has `size` positions and the pool `pool` pages.
      `at` is the name of a parameter with a `to`. These entries lie between 0
      and pool - 1.
    - Names are identifiers of C. The text is one line of documentation.
  }];
  let parameters = (ins
    "::ladon::attn::ParamKind":$kind, "::mlir::StringAttr":$name,
    AttrParameter<"::mlir::Type", "i1 for bool">:$element,
    OptionalArrayRefParameter<"::mlir::Attribute",
                              "an i64 for a size, a string for a name">:$dims,
    OptionalParameter<"::mlir::ArrayAttr">:$to,
    OptionalParameter<"::mlir::ArrayAttr">:$writes,
    OptionalParameter<"::mlir::StringAttr">:$doc);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// One that demands nothing of its values.
    static ParamAttr get(::mlir::MLIRContext *context, ParamKind kind,
                         ::mlir::StringAttr name, ::mlir::Type element,
                         ::llvm::ArrayRef<::mlir::Attribute> dims,
                         ::mlir::StringAttr doc) {
      return get(context, kind, name, element, dims, /*to=*/nullptr,
                 /*writes=*/nullptr, doc);
    }
    /// The type of one element in memory: i8 for a bool and a ui8.
    ::mlir::Type getStorageType();
  }];
}

#endif // LADON_DIALECTS_ATTN_ATTRIBUTES_TD
