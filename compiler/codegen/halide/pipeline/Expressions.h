//===- Expressions.h - Score and mask regions as Halide --------*- C++ -*-===//
//
// Every operation of a region becomes an expression of Halide with the same
// meaning (docs/semantics.md): integers wrap, floats round after every
// operation, a comparison with NaN is false.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_HALIDE_PIPELINE_EXPRESSIONS_H
#define LADON_COMPILER_CODEGEN_HALIDE_PIPELINE_EXPRESSIONS_H

#include "dialects/attn/Attn.h"

#include "Halide.h"

namespace ladon::halide {

/// What Halide calls the elements of a type: an i1 is a UInt(1), a float of 16
/// bits is its bits, which `load` reads.
Halide::Type typeOf(mlir::Type type);

/// A number in memory, widened to the type it is computed in.
Halide::Expr load(mlir::Type stored, Halide::Expr bits);
/// A number rounded, once, to what memory holds.
Halide::Expr store(mlir::Type stored, Halide::Expr value);

/// A function of the C library of one or two arguments.
Halide::Expr callLibrary(llvm::StringRef name, Halide::Expr x,
                         Halide::Expr y = {});

/// 2^x for f32 with a relative error of one unit; 0 below 2^-126, NaN of NaN.
Halide::Expr exp2Fast(Halide::Expr x);

/// The arguments of a region, by what stands for them.
struct RegionArguments {
  llvm::DenseMap<mlir::Value, Halide::Expr> scalars;
  llvm::DenseMap<mlir::Value, Halide::ImageParam> tensors;
};

/// What the region of one block yields; an error at an operation that has no
/// counterpart.
mlir::FailureOr<Halide::Expr> translate(mlir::Block &body,
                                        RegionArguments arguments);

} // namespace ladon::halide

#endif // LADON_COMPILER_CODEGEN_HALIDE_PIPELINE_EXPRESSIONS_H
