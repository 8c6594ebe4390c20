//===- Arena.h - The memory of a kernel of Halide --------------*- C++ -*-===//
//
// Halide keeps arrays of up to 16 KiB on the stack and asks `halide_malloc` for
// larger ones. Here that takes them from a piece of the task's scratch, which
// comes from the call's allocator like all other memory. Arrays are given back
// in any order; a cursor moves back once all behind it are.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_HALIDE_ARENA_H
#define LADON_COMPILER_CODEGEN_HALIDE_ARENA_H

#include "dialects/attn/Attn.h"
#include "dialects/tile/Tile.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ladon::halide {

/// No kernel for that attend asks for more.
int64_t arenaBytes(attn::AttendOp op, tile::ShapeAttr shape);

/// Emits the memory of one call; returns its address, the kernel's context.
mlir::Value addArena(mlir::ImplicitLocOpBuilder &b, int64_t bytes);

/// Adds `halide_malloc` and `halide_free` to a module.
void defineArena(mlir::ModuleOp module);

} // namespace ladon::halide

#endif // LADON_COMPILER_CODEGEN_HALIDE_ARENA_H
