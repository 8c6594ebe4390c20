//===- QueryTiles.cpp - How queries are cut into tiles --------------------===//

#include "compiler/transforms/QueryTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ladon;

QueryTiles::QueryTiles(AttentionNest &nest, ImplicitLocOpBuilder &b)
    : nest(nest), b(b) {
  const AttentionTiles &tiles = nest.getTiles();
  height = tiles.rows / tiles.heads;
  unit = tiles.lanes % tiles.heads == 0 ? tiles.lanes / tiles.heads : 0;
  count = arith::CeilDivSIOp::create(b, nest.queries, nest.index(height));
  if (unit == 0 || unit == height)
    return;
  Value units = arith::CeilDivSIOp::create(b, nest.queries, nest.index(unit));
  Value places = arith::MulIOp::create(b, count, nest.index(height / unit));
  Value spare = arith::SubIOp::create(b, places, units);
  Value small = arith::MinSIOp::create(b, spare, count);
  large = arith::SubIOp::create(b, count, small);
}

Value QueryTiles::getPosition(Value tile) {
  Value position = arith::MulIOp::create(b, tile, nest.index(height));
  if (!large)
    return position;
  Value after = arith::SubIOp::create(b, tile, large);
  Value smallBefore = arith::MaxSIOp::create(b, after, nest.index(0));
  Value less = arith::MulIOp::create(b, smallBefore, nest.index(unit));
  return arith::SubIOp::create(b, position, less);
}

Value QueryTiles::getSize(Value tile, Value position) {
  Value most = nest.index(height);
  if (large) {
    Value isLarge =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, tile, large);
    most = arith::SelectOp::create(b, isLarge, most, nest.index(height - unit));
  }
  Value rest = arith::SubIOp::create(b, nest.queries, position);
  return arith::MinSIOp::create(b, rest, most);
}
