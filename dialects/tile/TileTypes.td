//===- TileTypes.td - What tile operations take ------------*- tablegen -*-===//

#ifndef LADON_DIALECTS_TILE_TYPES_TD
#define LADON_DIALECTS_TILE_TYPES_TD

include "dialects/tile/TileDialect.td"
include "dialects/tile/TileInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Tile_Operand : AnyTypeOf<[F16, BF16, F32, F64]>;
def Tile_Accumulator : AnyTypeOf<[F32, F64]>;
/// What keys and values may be stored as; i8 holds signed integers.
def Tile_Stored : AnyTypeOf<[I8, F16, BF16, F32, F64]>;

/// A value, or the buffer that stands for it.
def Tile_Tile : AnyTypeOf<[StaticShapeTensorOf<[Tile_Operand]>,
                           StaticShapeMemRefOf<[Tile_Operand]>]>;
def Tile_AccTile : AnyTypeOf<[StaticShapeTensorOf<[Tile_Accumulator]>,
                              StaticShapeMemRefOf<[Tile_Accumulator]>]>;
def Tile_StoredTile : AnyTypeOf<[StaticShapeTensorOf<[Tile_Stored]>,
                                 StaticShapeMemRefOf<[Tile_Stored]>]>;
def Tile_Result : StaticShapeTensorOf<[Tile_Operand]>;
def Tile_StoredResult : StaticShapeTensorOf<[Tile_Stored]>;
def Tile_AccResult : StaticShapeTensorOf<[Tile_Accumulator]>;
def Tile_Buffer : StaticShapeMemRefOf<[Tile_Operand]>;
def Tile_StoredBuffer : StaticShapeMemRefOf<[Tile_Stored]>;
/// Where users and partial results keep elements.
def Tile_Source : MemRefOf<[Tile_Stored]>;
def Tile_Destination : MemRefOf<[Tile_Stored]>;
def Tile_Capture : AnyTypeOf<[AnyMemRef, AnyInteger, AnyFloat]>;

/// An operation with a form on tensors and one on buffers.
class Tile_ValueOp<string mnemonic, list<Trait> traits = []>
    : Tile_Op<mnemonic, traits # [
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]>;

/// For operations with results that update no operand.
defvar Tile_NewBuffers = [{
    ::mlir::OperandRange getNewBuffers() { return getOuts(); }
    void setNewBuffers(::mlir::ValueRange buffers) {
      getOutsMutable().assign(buffers);
    }
}];

#endif // LADON_DIALECTS_TILE_TYPES_TD
