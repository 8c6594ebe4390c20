//===- TileShapes.cpp - Clauses that tile verifiers share -----------------===//

#include "dialects/tile/TileShapes.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ladon::tile;

TileShape ladon::tile::shapeOf(Type type) {
  auto shaped = cast<ShapedType>(type);
  return {SmallVector<int64_t, 2>(shaped.getShape()), shaped.getElementType()};
}
TileShape ladon::tile::shapeOf(Value tile) { return shapeOf(tile.getType()); }

std::string ladon::tile::text(const TileShape &shape) {
  std::string result;
  llvm::raw_string_ostream os(result);
  for (int64_t dim : shape.dims)
    os << dim << 'x';
  os << shape.element;
  return result;
}

TileShape ladon::tile::matrix(int64_t rows, int64_t columns, Type element,
                              bool transposed) {
  if (transposed)
    std::swap(rows, columns);
  return {{rows, columns}, element};
}
int64_t ladon::tile::rowsOf(const TileShape &shape, bool transposed) {
  return shape.dims[transposed ? 1 : 0];
}
int64_t ladon::tile::columnsOf(const TileShape &shape, bool transposed) {
  return shape.dims[transposed ? 0 : 1];
}

//===----------------------------------------------------------------------===//
// Common clauses
//===----------------------------------------------------------------------===//

LogicalResult ladon::tile::expectShape(Operation *op, StringRef what,
                                       Value tile, const TileShape &expected) {
  TileShape found = shapeOf(tile);
  if (found == expected)
    return success();
  return op->emitOpError("expected ")
         << what << " of " << text(expected) << ", found " << text(found);
}

LogicalResult ladon::tile::expectRank(Operation *op, StringRef what, Value tile,
                                      size_t rank) {
  if (shapeOf(tile).dims.size() == rank)
    return success();
  return op->emitOpError("expected ")
         << what << " of rank " << rank << ", found rank "
         << shapeOf(tile).dims.size();
}

LogicalResult ladon::tile::verifyForm(ValueOpInterface op, ValueRange tiles,
                                      ArrayRef<TileShape> expected,
                                      size_t optional) {
  SmallVector<std::pair<unsigned, unsigned>> updates = op.getUpdates();
  OperandRange fresh = op.getNewBuffers();
  bool onTensors =
      tiles.empty() ? fresh.empty() : isa<TensorType>(tiles.front().getType());
  for (Value v : tiles)
    if (isa<TensorType>(v.getType()) != onTensors)
      return op->emitOpError("expected either tensors or buffers, found both");
  if (onTensors && !fresh.empty())
    return op->emitOpError("expected no outs on tensors");
  if (!onTensors && op->getNumResults() != 0)
    return op->emitOpError("expected no results on buffers");

  // What is new: results on tensors, outs on buffers.
  SmallVector<Value> found;
  SmallVector<TileShape> wanted;
  for (auto [number, shape] : llvm::enumerate(expected)) {
    auto isThis = [n = number](auto update) { return update.second == n; };
    if (onTensors || llvm::none_of(updates, isThis))
      wanted.push_back(shape);
  }
  if (onTensors)
    llvm::append_range(found, op->getResults());
  else
    llvm::append_range(found, fresh);
  if (found.size() > wanted.size() || found.size() + optional < wanted.size())
    return op->emitOpError("expected ")
           << wanted.size()
           << (onTensors ? " results, found " : " outs, found ")
           << found.size();
  for (auto [number, value] : llvm::enumerate(found))
    if (!(shapeOf(value) == wanted[number]))
      return op->emitOpError("expected ")
             << (onTensors ? "result " : "out ") << number << " of "
             << text(wanted[number]) << ", found " << text(shapeOf(value));
  return success();
}
