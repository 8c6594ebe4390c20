//===- Tile.h - The tile dialect -------------------------------*- C++ -*-===//
//
// The online-softmax loop nest as operations on tile values; see TileOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_DIALECTS_TILE_H
#define LADON_DIALECTS_TILE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/tile/TileDialect.h.inc"
#include "dialects/tile/TileInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/TileAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/tile/TileOps.h.inc"

namespace ladon::tile {

/// On a `tile.load` about to be bufferized: its rows are used where they lie,
/// one stride apart, each of them dense; nothing is copied where that is so.
inline constexpr llvm::StringLiteral inPlaceAttr = "tile.in_place";
/// Set on a load into a buffer where the features of a row are no neighbours in
/// memory, and nobody reads more of the buffer than the rows that are loaded.
inline constexpr llvm::StringLiteral sparseAttr = "tile.sparse";

/// Lets one-shot bufferization turn tile operations on tensors into those on
/// buffers.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);

} // namespace ladon::tile

#endif // LADON_DIALECTS_TILE_H
