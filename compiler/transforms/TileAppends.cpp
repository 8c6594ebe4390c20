//===- TileAppends.cpp - Caches that grow, as a grid of copies ------------===//
//
// A grid point copies some new positions of one head. That is little work, but
// that of a prompt, by one thread, would be as long as its attention is wide.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/transforms/TileGrid.h"
#include "dialects/attn/Attn.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "tile-appends"

namespace ladon {
#define GEN_PASS_DEF_TILEAPPENDS
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

/// `memory` with an axis of 1 behind its last one.
static Value withUnitAxis(ImplicitLocOpBuilder &b, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<ReassociationIndices> groups;
  SmallVector<OpFoldResult> sizes;
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    groups.push_back({axis});
    sizes.push_back(
        type.isDynamicDim(axis)
            ? OpFoldResult(memref::DimOp::create(b, memory, axis).getResult())
            : OpFoldResult(b.getIndexAttr(shape[axis])));
  }
  groups.back().push_back(type.getRank());
  shape.push_back(1);
  sizes.push_back(b.getIndexAttr(1));
  return memref::ExpandShapeOp::create(b, shape, memory, groups, sizes);
}

/// A tensor of an append as [batch, head, position, feature], where heads or
/// features that it lacks are 1.
static Value withAllAxes(ImplicitLocOpBuilder &b, attn::AppendOp op,
                         Value memory) {
  if (!op.hasFeatures())
    memory = withUnitAxis(b, memory);
  if (op.getAxis() == 2)
    return memory;
  memory = withUnitAxis(b, memory);
  AffineMap order = AffineMap::getPermutationMap(ArrayRef<int64_t>{0, 3, 1, 2},
                                                 b.getContext());
  return memref::TransposeOp::create(b, memory, AffineMapAttr::get(order));
}

static Value index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

static Value asIndex(ImplicitLocOpBuilder &b, Value integer) {
  return arith::IndexCastOp::create(b, b.getIndexType(), integer);
}

/// The place of the first new position of a batch entry.
static Value placeOf(ImplicitLocOpBuilder &b, attn::AppendOp op, Value batch) {
  Value at = op.getAt();
  if (isa<MemRefType>(at.getType()))
    at = memref::LoadOp::create(b, at, batch);
  return asIndex(b, at);
}

/// How many positions a grid point copies: some vectors, which fit in the
/// fastest cache. Positions of a page are not followed by those of the next.
static int64_t positionsOfPoint(attn::AppendOp op, int64_t features) {
  constexpr int64_t elements = 4096, most = 32;
  if (op.getPages())
    return 1;
  return std::clamp<int64_t>(elements / std::max<int64_t>(features, 1), 1,
                             most);
}

static void tileAppend(attn::AppendOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value source = withAllAxes(b, op, op.getSource()),
        cache = withAllAxes(b, op, op.getCache());
  auto type = cast<MemRefType>(source.getType());
  int64_t features = type.getDimSize(3);
  int64_t rows = positionsOfPoint(op, features);
  auto tile = RankedTensorType::get(
      {rows, features}, attn::getComputedType(type.getElementType()));
  Value count = memref::DimOp::create(b, source, 2), height = index(b, rows);
  Value batches = memref::DimOp::create(b, source, 0),
        heads = memref::DimOp::create(b, source, 1),
        points = arith::CeilDivSIOp::create(b, count, height);
  createGrid(b, {batches, heads, points}, /*descending=*/{}, [&](auto at) {
    Value batch = at[0], head = at[1];
    Value first = arith::MulIOp::create(b, at[2], height);
    Value rest = arith::SubIOp::create(b, count, first);
    Value taken = arith::MinSIOp::create(b, rest, height);
    Value loaded =
        tile::LoadOp::create(b, tile, source, batch, head, first, taken,
                             /*pages=*/Value(), /*outs=*/ValueRange(),
                             /*page_size=*/IntegerAttr(), /*scale=*/FloatAttr(),
                             /*row_map=*/AffineMapAttr(), /*transposed=*/false)
            .getTile();
    Value place = arith::AddIOp::create(b, placeOf(b, op, batch), first);
    Value entry = batch;
    if (Value table = op.getPages()) {
      Value size = index(b, op.getPageSize());
      Value number = arith::DivUIOp::create(b, place, size);
      entry = asIndex(
          b, memref::LoadOp::create(b, table, ValueRange{batch, number}));
      place = arith::RemUIOp::create(b, place, size);
    }
    tile::StoreOp::create(b, loaded, cache, entry, head, place, taken,
                          /*columns=*/Value(), /*row_map=*/AffineMapAttr(),
                          /*transposed=*/false);
  });
  op.erase();
}

namespace {

struct TileAppends : ladon::impl::TileAppendsBase<TileAppends> {
  using TileAppendsBase::TileAppendsBase;

  void runOnOperation() override {
    SmallVector<attn::AppendOp> appends;
    getOperation().walk([&](attn::AppendOp op) { appends.push_back(op); });
    for (attn::AppendOp op : appends) {
      if (!isa<MemRefType>(op.getCache().getType())) {
        op.emitOpError("expected buffers; run attn-bufferize before");
        return signalPassFailure();
      }
      if (onDevice) {
        op.emitError("cannot be compiled for a GPU: nobody checks there that "
                     "what is appended fits the cache");
        return signalPassFailure();
      }
      tileAppend(op);
    }
  }
};

} // namespace
