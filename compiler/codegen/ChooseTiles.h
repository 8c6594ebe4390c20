//===- ChooseTiles.h - The tiles of an attend ------------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CHOOSETILES_H
#define LADON_COMPILER_CODEGEN_CHOOSETILES_H

#include "compiler/codegen/Backend.h"
#include "dialects/attn/Attn.h"

namespace ladon {

/// Puts the shape of the tiles that `target` wants for it beside `op`
/// (`tile.shape`), and returns it.
TileShape chooseTiles(attn::AttendOp op, const Target &target);

} // namespace ladon

#endif // LADON_COMPILER_CODEGEN_CHOOSETILES_H
