//===- Tile.cpp - The tile dialect ----------------------------------------===//
//
// Registration, and what the operations do to memory. Verifiers are in
// TileVerifiers.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ladon::tile;

#include "dialects/tile/TileDialect.cpp.inc"
#include "dialects/tile/TileInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/TileAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/tile/TileOps.cpp.inc"

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/tile/TileAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/tile/TileOps.cpp.inc"
      >();
}

LogicalResult ShapeAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                int64_t queries, int64_t keys, int64_t few,
                                int64_t chunk, bool narrow, int64_t fewKeys,
                                int64_t fewRows, int64_t fewChunks, bool pairs,
                                int64_t lanes) {
  if (queries < 1 || keys < 1)
    return emitError() << "expected at least one query and one key, found "
                       << queries << " and " << keys;
  if (lanes < 0 || (lanes > 0 && queries % lanes != 0))
    return emitError()
           << "expected queries that fill whole registers of lanes, "
              "found "
           << queries << " queries and " << lanes << " lanes";
  if (few < 0)
    return emitError() << "expected a number of few queries, found " << few;
  if (fewKeys < 0 || fewRows < 1 || fewChunks < 0)
    return emitError() << "expected a block, at least one row and a number of "
                          "chunks for few queries, found "
                       << fewKeys << ", " << fewRows << " and " << fewChunks;
  if (narrow && pairs)
    return emitError() << "expected rows first (narrow) or last (pairs), found "
                          "both";
  int64_t block = fewKeys > 0 ? fewKeys : keys;
  if (few > 0 && (chunk < block || chunk % block != 0))
    return emitError() << "expected chunks of whole blocks of " << block
                       << " keys, found " << chunk;
  return success();
}

LogicalResult
ProjectionAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                       int64_t mostKeys, int64_t leastTiles) {
  if (mostKeys < 0 || leastTiles < 0)
    return emitError() << "expected numbers of at least 0, found " << mostKeys
                       << " keys and " << leastTiles << " tiles";
  return success();
}

LogicalResult TileDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attribute) {
  if (attribute.getName() == inPlaceAttr || attribute.getName() == sparseAttr) {
    if (isa<LoadOp>(op) && isa<UnitAttr>(attribute.getValue()))
      return success();
    return op->emitError("expected ")
           << attribute.getName() << " to be a flag of a tile.load";
  }
  if (attribute.getName() == projectionName) {
    if (isa<ProjectionAttr>(attribute.getValue()))
      return success();
    return op->emitError("expected '")
           << projectionName << "' to be a #tile.projection, found "
           << attribute.getValue();
  }
  if (attribute.getName() != shapeName)
    return op->emitError("unknown attribute ") << attribute.getName();
  if (!isa<ShapeAttr>(attribute.getValue()))
    return op->emitError("expected '")
           << shapeName << "' to be a #tile.shape, found "
           << attribute.getValue();
  return success();
}

ArrayAttr ContractOp::getMaps(Builder &builder, bool transposed) {
  AffineExpr row = builder.getAffineDimExpr(Row),
             column = builder.getAffineDimExpr(Column),
             depth = builder.getAffineDimExpr(Depth);
  auto map = [&](AffineExpr first, AffineExpr second, bool swap) {
    if (swap)
      std::swap(first, second);
    return AffineMap::get(3, 0, {first, second}, builder.getContext());
  };
  return builder.getAffineMapArrayAttr({map(row, depth, transposed),
                                        map(column, depth, false),
                                        map(row, column, transposed)});
}

//===----------------------------------------------------------------------===//
// Memory effects
//===----------------------------------------------------------------------===//

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

/// Memory operands are read; those that are updated or new are written.
static void addEffects(ValueOpInterface op, Effects &effects) {
  auto isMemory = [](Value v) { return isa<BaseMemRefType>(v.getType()); };
  for (OpOperand &operand : op->getOpOperands())
    if (isMemory(operand.get()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand,
                           SideEffects::DefaultResource::get());
  auto writes = [&](unsigned number) {
    OpOperand &operand = op->getOpOperand(number);
    if (isMemory(operand.get()))
      effects.emplace_back(MemoryEffects::Write::get(), &operand,
                           SideEffects::DefaultResource::get());
  };
  for (auto [operand, result] : op.getUpdates())
    writes(operand);
  OperandRange fresh = op.getNewBuffers();
  for (unsigned i = 0; i < fresh.size(); ++i)
    writes(fresh.getBeginOperandIndex() + i);
}

void StoreOp::getEffects(Effects &effects) {
  addEffects(*this, effects);
  effects.emplace_back(MemoryEffects::Write::get(), &getDestMutable(),
                       SideEffects::DefaultResource::get());
}

void NormalizeStoredOp::getEffects(Effects &effects) {
  addEffects(*this, effects);
  effects.emplace_back(MemoryEffects::Write::get(), &getWeightsMutable(),
                       SideEffects::DefaultResource::get());
}

#define DEFINE_EFFECTS(Op)                                                     \
  void Op::getEffects(Effects &effects) { addEffects(*this, effects); }
DEFINE_EFFECTS(LoadOp)
DEFINE_EFFECTS(ContractOp)
DEFINE_EFFECTS(RowMaxOp)
DEFINE_EFFECTS(ModifyOp)
DEFINE_EFFECTS(MaskOp)
DEFINE_EFFECTS(SoftmaxInitOp)
DEFINE_EFFECTS(SoftmaxWeightsOp)
DEFINE_EFFECTS(RoundOp)
DEFINE_EFFECTS(AccumulateOp)
DEFINE_EFFECTS(MergeOp)
DEFINE_EFFECTS(SoftmaxFinishOp)
DEFINE_EFFECTS(SoftmaxNormalizeOp)
DEFINE_EFFECTS(HasNonFiniteOp)
#undef DEFINE_EFFECTS

void KeyLoopOp::addFullRange(Value lower, Value upper) {
  assert(!getFullLower() && "expected a loop without a full range");
  getBody().insertArgument(2u, IntegerType::get(getContext(), 1), getLoc());
  getFullLowerMutable().assign(lower);
  getFullUpperMutable().assign(upper);
}
