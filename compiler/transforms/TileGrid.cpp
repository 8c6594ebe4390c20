//===- TileGrid.cpp - Building a tile.grid --------------------------------===//

#include "compiler/transforms/TileGrid.h"

using namespace mlir;

void ladon::createGrid(
    ImplicitLocOpBuilder &b, ValueRange sizes, ArrayRef<int64_t> descending,
    llvm::function_ref<void(Block::BlockArgListType at)> body) {
  auto rank = static_cast<int64_t>(sizes.size());
  auto schedule = tile::ScheduleAttr::get(
      b.getContext(), llvm::to_vector(llvm::seq<int64_t>(0, rank)), descending);
  auto grid = tile::GridOp::create(b, sizes, schedule);
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(rank, b.getIndexType());
  SmallVector<Location> locations(rank, b.getLoc());
  Block *block = b.createBlock(&grid.getBody(), {}, types, locations);
  body(block->getArguments());
  tile::YieldOp::create(b);
}
