//===- TileVerifiers.cpp - What a tile operation must look like -----------===//
//
// Every clause states what the operation's description promises about shapes
// and types. test/dialects/tile/invalid.mlir has a case for each.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/TileShapes.h"

using namespace mlir;
using namespace ladon::tile;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

LogicalResult ladon::tile::verifyRowMap(Operation *op,
                                        std::optional<AffineMap> map) {
  if (map && (map->getNumDims() != 1 || map->getNumSymbols() != 0 ||
              map->getNumResults() != 2))
    return op->emitOpError("expected a row map (row) -> (head, position)");
  return success();
}

/// The tensor that rows are loaded from or stored to; `isPart` when it has
/// fewer features than the tile.
static LogicalResult verifyRows(Operation *op, Value memory,
                                const TileShape &tile, bool transposed,
                                StringRef what, bool isPart = false) {
  auto type = cast<MemRefType>(memory.getType());
  if (tile.dims.size() != 1 && tile.dims.size() != 2)
    return op->emitOpError("expected a tile of rank 1 or 2, found rank ")
           << tile.dims.size();
  if (type.getRank() != static_cast<int64_t>(tile.dims.size()) + 2)
    return op->emitOpError("expected a ")
           << what << " of rank " << tile.dims.size() + 2 << ", found rank "
           << type.getRank();
  if (tile.dims.size() == 1)
    return success();
  int64_t features = type.getDimSize(3);
  if (!ShapedType::isDynamic(features) && !isPart &&
      features != columnsOf(tile, transposed))
    return op->emitOpError("expected ")
           << features << " features in the tile, found "
           << columnsOf(tile, transposed);
  return success();
}

LogicalResult LoadOp::verify() {
  if (getOuts().size() > 1 || getOuts().empty() == !getTile())
    return emitOpError("expected one result on tensors, or one buffer to fill");
  TileShape tile = shapeOf(getTileType());
  if (failed(verifyRows(*this, getSource(), tile, getTransposed(), "source")) ||
      failed(verifyRowMap(*this, getRowMap())))
    return failure();
  if (getTransposed() && tile.dims.size() == 1)
    return emitOpError("expected a tile of rank 2 to transpose");
  Type stored = cast<MemRefType>(getSource().getType()).getElementType();
  if (tile.element.isInteger() && (tile.element != stored || getScale()))
    return emitOpError("expected a tile of integers to be loaded as it is, "
                       "found a source of ")
           << stored << (getScale() ? " and a scale" : "");
  if (!getPages() != !getPageSize())
    return emitOpError("expected a page table together with a page size");
  if (getPageSize() && static_cast<int64_t>(*getPageSize()) < 1)
    return emitOpError("expected a page size of at least 1");
  return success();
}

LogicalResult StoreOp::verify() {
  TileShape tile = shapeOf(getTile());
  if (failed(verifyRows(*this, getDest(), tile, getTransposed(), "destination",
                        /*isPart=*/bool(getColumns()))))
    return failure();
  if (getColumns() && tile.dims.size() == 1)
    return emitOpError("expected a tile of rank 2 to store columns of");
  return verifyRowMap(*this, getRowMap());
}

LogicalResult ValueRangeOp::verify() {
  // An odd one would be in neither half.
  int64_t rank = cast<MemRefType>(getSource().getType()).getRank();
  int64_t bounds = getOperation()->getNumOperands() - 1;
  if (bounds != 2 * rank)
    return emitOpError("expected ")
           << rank << " bounds on each side, found " << bounds << " in all";
  return success();
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

LogicalResult GridOp::verify() {
  size_t rank = getSizes().size();
  Block &block = getBody().front();
  if (rank == 0)
    return emitOpError("expected at least one axis");
  if (block.getNumArguments() != rank ||
      !llvm::all_of(block.getArgumentTypes(),
                    [](Type type) { return type.isIndex(); }))
    return emitOpError("expected ") << rank << " body arguments of type index";
  ArrayRef<int64_t> order = getSchedule().getOrder();
  SmallVector<int64_t> sorted(order);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rank)))
    return emitOpError("expected an order of the axes 0 to ") << rank - 1;
  for (int64_t axis : getSchedule().getDescending())
    if (axis < 0 || axis >= static_cast<int64_t>(rank))
      return emitOpError("expected descending axes below ")
             << rank << ", found " << axis;
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || !yield.getValues().empty())
    return emitOpError("expected a body that yields nothing");
  return success();
}

LogicalResult KeyLoopOp::verify() {
  if (static_cast<int64_t>(getStep()) < 1)
    return emitOpError("expected a step of at least 1");
  if (!getFullLower() != !getFullUpper())
    return emitOpError("expected both ends of the full range, or none");
  Block &block = getBody().front();
  size_t numPositions = getFullLower() ? 3 : 2;
  if (block.getNumArguments() != getInits().size() + numPositions)
    return emitOpError("expected ")
           << getInits().size() + numPositions
           << " body arguments (first key, number of keys, "
           << (getFullLower() ? "whether the block is full, " : "")
           << "state), found " << block.getNumArguments();
  if (!getFirstKey().getType().isIndex() || !getKeyCount().getType().isIndex())
    return emitOpError("expected the first key and the number of keys of type "
                       "index");
  if (getFullLower() && !getIsFull().getType().isInteger(1))
    return emitOpError("expected whether the block is full of type i1");
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

/// Whether `map` gives two of the three dimensions, `first` and `second`, in
/// either order.
static bool permutes(AffineMap map, unsigned first, unsigned second) {
  auto is = [&](unsigned result, unsigned dim) {
    return map.getResult(result) == getAffineDimExpr(dim, map.getContext());
  };
  return map.getNumDims() == 3 && map.getNumSymbols() == 0 &&
         map.getNumResults() == 2 &&
         ((is(0, first) && is(1, second)) || (is(0, second) && is(1, first)));
}

LogicalResult ContractOp::verify() {
  for (Value tile : {getLeft(), getRight()})
    if (failed(expectRank(*this, "tiles", tile, 2)))
      return failure();
  if (getMaps().size() != 3 || !permutes(getMap(0), Row, Depth) ||
      !permutes(getMap(1), Column, Depth) || !permutes(getMap(2), Row, Column))
    return emitOpError("expected maps of left over (row, depth), right over "
                       "(column, depth) and product over (row, column)");
  int64_t extents[3] = {0, 0, 0};
  auto bind = [&](AffineMap map, const TileShape &shape) -> LogicalResult {
    for (unsigned axis : {0, 1}) {
      int64_t &extent = extents[map.getDimPosition(axis)];
      if (extent && extent != shape.dims[axis])
        return emitOpError("expected equal depths, found ")
               << extent << " and " << shape.dims[axis];
      extent = shape.dims[axis];
    }
    return success();
  };
  if (failed(bind(getMap(0), shapeOf(getLeft()))) ||
      failed(bind(getMap(1), shapeOf(getRight()))))
    return failure();
  ValueRange products = getProducts();
  if (products.empty())
    return emitOpError("expected a product");
  Type element = shapeOf(products[0]).element;
  for (Value operand : {getLeft(), getRight()})
    if (element.getIntOrFloatBitWidth() <
        shapeOf(operand).element.getIntOrFloatBitWidth())
      return emitOpError("expected products at least as wide as the operands, "
                         "found ")
             << element << " of " << shapeOf(operand).element;
  AffineMap map = getMap(2);
  TileShape product{
      {extents[map.getDimPosition(0)], extents[map.getDimPosition(1)]},
      element};
  // Tiles that many threads share are buffers beside a product that is a
  // tensor: the right one, or both.
  SmallVector<Value> tiles = {getLeft(), getRight()};
  if (isa<MemRefType>(getRight().getType()))
    tiles.pop_back();
  if (tiles.size() == 1 && getNewBuffers().empty() &&
      isa<MemRefType>(getLeft().getType()))
    tiles.clear();
  return verifyForm(*this, tiles, {product, {{extents[Row]}, element}},
                    /*optional=*/1);
}

LogicalResult RowMaxOp::verify() {
  if (failed(expectRank(*this, "scores", getScores(), 2)))
    return failure();
  TileShape scores = shapeOf(getScores());
  return verifyForm(*this, getScores(),
                    {{{rowsOf(scores, getTransposed())}, scores.element}});
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

template <typename PositionOp>
static LogicalResult verifyPositions(PositionOp op, bool withScore,
                                     Type yielded) {
  if (failed(expectRank(op, "scores", op.getScores(), 2)) ||
      failed(verifyRowMap(op, op.getRowMap())))
    return failure();
  TileShape scores = shapeOf(op.getScores());
  if (failed(verifyForm(
          op, op.getScores(),
          {scores, {{rowsOf(scores, op.getTransposed())}, scores.element}},
          /*optional=*/1)))
    return failure();
  return verifyPositionRegion(op, op.getBody().front(), withScore,
                              scores.element, op.getCaptures().getTypes(),
                              yielded);
}

LogicalResult ModifyOp::verify() {
  return verifyPositions(*this, /*withScore=*/true,
                         shapeOf(getScores()).element);
}

LogicalResult MaskOp::verify() {
  return verifyPositions(*this, /*withScore=*/false,
                         IntegerType::get(getContext(), 1));
}
