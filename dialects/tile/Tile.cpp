//===- Tile.cpp - The tile dialect ----------------------------------------===//
//
// Registration and verifiers. Every verifier clause states what the operation's
// description promises about shapes.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace ladon::tile;

#include "dialects/tile/TileDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/tile/TileOps.cpp.inc"

void TileDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/tile/TileOps.cpp.inc"
      >();
}

static RankedTensorType tileType(Value v) {
  return cast<RankedTensorType>(v.getType());
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

LogicalResult LoadOp::verify() {
  auto source = cast<MemRefType>(getSource().getType());
  RankedTensorType tile = getTile().getType();
  if (source.getRank() != 4)
    return emitOpError("expected a source of rank 4 (batch, head, position, "
                       "feature), found rank ")
           << source.getRank();
  if (tile.getRank() != 2)
    return emitOpError("expected a tile of rank 2, found rank ")
           << tile.getRank();
  if (tile.getElementType() != source.getElementType())
    return emitOpError("expected a tile of ")
           << source.getElementType() << ", found " << tile.getElementType();
  int64_t features = source.getDimSize(3);
  if (!ShapedType::isDynamic(features) && features != tile.getDimSize(1))
    return emitOpError("expected ")
           << features << " features in the tile, found " << tile.getDimSize(1);
  return success();
}

LogicalResult StoreOp::verify() {
  auto dest = cast<MemRefType>(getDest().getType());
  RankedTensorType tile = tileType(getTile());
  if (tile.getElementType() != dest.getElementType())
    return emitOpError("expected a destination of ")
           << tile.getElementType() << ", found " << dest.getElementType();
  if (dest.getRank() != tile.getRank() + 2)
    return emitOpError("expected a destination of rank ")
           << tile.getRank() + 2 << ", found rank " << dest.getRank();
  return success();
}

LogicalResult ValueRangeOp::verify() {
  auto source = cast<MemRefType>(getSource().getType());
  if (static_cast<int64_t>(getLower().size()) != source.getRank())
    return emitOpError("expected ")
           << source.getRank() << " bounds on each side, found "
           << getLower().size();
  return success();
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

LogicalResult KeyLoopOp::verify() {
  if (static_cast<int64_t>(getStep()) < 1)
    return emitOpError("expected a step of at least 1");
  if (!getExceptLower() != !getExceptUpper())
    return emitOpError("expected both ends of the excepted range, or none");
  Block &block = getBody().front();
  if (block.getNumArguments() != getInits().size() + 2)
    return emitOpError("expected ") << getInits().size() + 2
                                    << " body arguments (first key, number of "
                                       "keys, state), found "
                                    << block.getNumArguments();
  if (!getFirstKey().getType().isIndex() || !getKeyCount().getType().isIndex())
    return emitOpError("expected the first key and the number of keys of type "
                       "index");
  if (getInits().getTypes() != getResultTypes() ||
      getInits().getTypes() != ValueRange(getStateArgs()).getTypes())
    return emitOpError("expected initial values, body arguments and results "
                       "of the same types");
  auto yield = cast<YieldOp>(block.getTerminator());
  if (yield.getValues().getTypes() != getResultTypes())
    return yield.emitOpError("expected values of the loop's result types");
  return success();
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

LogicalResult ScoresOp::verify() {
  RankedTensorType query = tileType(getQuery()), key = tileType(getKey()),
                   scores = getScores().getType();
  if (query.getRank() != 2 || key.getRank() != 2 || scores.getRank() != 2)
    return emitOpError("expected tiles of rank 2");
  if (query.getDimSize(1) != key.getDimSize(1))
    return emitOpError(
               "expected query and key of the same feature size, found ")
           << query.getDimSize(1) << " and " << key.getDimSize(1);
  if (scores.getDimSize(0) != query.getDimSize(0) ||
      scores.getDimSize(1) != key.getDimSize(0))
    return emitOpError("expected scores of ")
           << query.getDimSize(0) << "x" << key.getDimSize(0) << ", found "
           << scores.getDimSize(0) << "x" << scores.getDimSize(1);
  return success();
}

/// A position region takes (s, if `withScore`,) b, h, i, j and the captures,
/// and yields one value of type `yielded`.
static LogicalResult verifyPositionRegion(Operation *op, Block &body,
                                          bool withScore, Type element,
                                          TypeRange captures, Type yielded) {
  SmallVector<Type> expected;
  if (withScore)
    expected.push_back(element);
  expected.append(4, IntegerType::get(op->getContext(), 32));
  llvm::append_range(expected, captures);
  if (body.getArgumentTypes() != TypeRange(expected))
    return op->emitOpError("expected body arguments of types ")
           << TypeRange(expected) << ", found "
           << TypeRange(body.getArgumentTypes());
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getValues().size() != 1 ||
      yield.getValues()[0].getType() != yielded)
    return op->emitOpError("expected the body to yield one ") << yielded;
  return success();
}

LogicalResult ModifyOp::verify() {
  Type element = tileType(getScores()).getElementType();
  return verifyPositionRegion(*this, getBody().front(), /*withScore=*/true,
                              element, getCaptures().getTypes(), element);
}

LogicalResult MaskOp::verify() {
  Type element = tileType(getScores()).getElementType();
  return verifyPositionRegion(*this, getBody().front(), /*withScore=*/false,
                              element, getCaptures().getTypes(),
                              IntegerType::get(getContext(), 1));
}

//===----------------------------------------------------------------------===//
// Online softmax
//===----------------------------------------------------------------------===//

LogicalResult SoftmaxUpdateOp::verify() {
  RankedTensorType scores = tileType(getScores()), value = tileType(getValue()),
                   max = tileType(getMax()), sum = tileType(getSum()),
                   acc = tileType(getAcc());
  if (scores.getRank() != 2 || value.getRank() != 2 || acc.getRank() != 2 ||
      max.getRank() != 1 || sum.getRank() != 1)
    return emitOpError("expected scores, value and acc of rank 2, max and sum "
                       "of rank 1");
  int64_t queries = scores.getDimSize(0);
  if (value.getDimSize(0) != scores.getDimSize(1))
    return emitOpError("expected ")
           << scores.getDimSize(1) << " keys in the value tile, found "
           << value.getDimSize(0);
  if (max.getDimSize(0) != queries || sum.getDimSize(0) != queries ||
      acc.getDimSize(0) != queries)
    return emitOpError("expected a state of ") << queries << " rows";
  if (acc.getDimSize(1) != value.getDimSize(1))
    return emitOpError("expected ")
           << value.getDimSize(1) << " features in acc, found "
           << acc.getDimSize(1);
  return success();
}
