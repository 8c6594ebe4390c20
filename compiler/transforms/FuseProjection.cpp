//===- FuseProjection.cpp - The output projection in attention's nest -----===//
//
// concat(attend(q, k, v)) @ w: a tile of queries that goes through all heads
// can add the rows of each, times its part of w, to a tile of the result. Then
// what the attend computes never lies in memory. What it costs, and for which
// sizes it pays: docs/design/projections.md.
//
// On buffers, where the two are still one operation each: neither has to know
// of the other, and calls for which it does not pay compute them in turn.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/transforms/AttentionNest.h"
#include "compiler/transforms/Overlap.h"
#include "compiler/transforms/ProductForm.h"
#include "dialects/attn/Attn.h"
#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <limits>

#define DEBUG_TYPE "attn-fuse-projection"

namespace ladon {
#define GEN_PASS_DEF_FUSEPROJECTION
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;
using attn::AttendOp;

//===----------------------------------------------------------------------===//
// What can be one nest
//===----------------------------------------------------------------------===//

static Type elementOf(Value memory) {
  return cast<MemRefType>(memory.getType()).getElementType();
}

/// Why a nest cannot compute a product; empty if it can.
static StringRef whyNot(AttendOp op, linalg::ContractOp product) {
  using Role = AttendOp::AxisRole;
  Value out = op.getInits()[0], matrix = product.getInputs()[1];
  if (!out.getDefiningOp<memref::AllocOp>() || !out.hasNUses(2))
    return "what the attend computes has other readers";
  if (sumsOverHeads(op))
    return "its weights are summed over the heads";
  if (product->getBlock() != op->getBlock() ||
      !llvm::equal(*op.getAxisRoles(AttendOp::Out),
                   ArrayRef{Role::Batch, Role::Position, Role::Joined}))
    return "its heads are not concatenated";
  bool isNarrow = elementOf(matrix).getIntOrFloatBitWidth() < 32;
  if (elementOf(out) != op.getElementType() ||
      elementOf(product.getOutputs()[0]) != op.getElementType() ||
      (isNarrow && op.getElementType().isF64()))
    return "heads, or sums, are stored in another type than they have";
  if (!cast<MemRefType>(matrix.getType()).hasStaticShape())
    return "the matrix has sizes of run time";
  return "";
}

/// Whether `op` can be computed just before `product`, and piece by piece with
/// it: nothing in between writes what it reads or touches what it writes, and
/// neither does the product.
static bool canMeet(AttendOp op, linalg::ContractOp product) {
  SmallVector<Value> read, written;
  for (OpOperand &operand : op->getOpOperands())
    if (isa<MemRefType>(operand.get().getType()))
      (op.isDpsInit(&operand) ? written : read).push_back(operand.get());
  auto touches = [&](Operation *other) {
    auto writes = [&](Value memory) {
      return mayAccess(other, Access::Write, memory);
    };
    return llvm::any_of(read, writes) || llvm::any_of(written, writes) ||
           llvm::any_of(written, [&](Value memory) {
             return mayAccess(other, Access::Read, memory);
           });
  };
  for (Operation *between = op->getNextNode(); between != product;
       between = between->getNextNode())
    if (!between || touches(between))
      return false;
  // The product reads the first destination, as it should.
  Value result = product.getOutputs()[0], matrix = product.getInputs()[1];
  return llvm::none_of(
             llvm::concat<Value>(read, written),
             [&](Value memory) { return mayOverlap(memory, result); }) &&
         llvm::none_of(
             written, [&](Value memory) { return mayOverlap(memory, matrix); });
}

//===----------------------------------------------------------------------===//
// When it pays
//===----------------------------------------------------------------------===//

/// What every tile of queries reads, keys and values of all heads and the
/// matrix, has to stay in the last cache for the next tile.
static constexpr int64_t cacheBytes = 16 << 20;
/// The sums of a tile of 48 rows of f32 take 192 KiB then: the second cache has
/// room for them, and for keys, values and a part of the matrix.
static constexpr int64_t mostColumns = 1024;
/// Tiles that there should be, for as many threads: they are all the pieces
/// that a nest over all heads has.
static constexpr int64_t leastTiles = 8;
static constexpr int64_t allKeys = std::numeric_limits<int64_t>::max();

static int64_t bytesOf(Type element) {
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

static int64_t countColumns(linalg::ContractOp product) {
  return cast<MemRefType>(product.getOutputs()[0].getType()).getShape().back();
}

/// Up to how many keys it pays; 0 if never.
static int64_t countKeys(AttendOp op, linalg::ContractOp product) {
  auto matrix = cast<MemRefType>(product.getInputs()[1].getType());
  int64_t matrixBytes =
      matrix.getNumElements() * bytesOf(matrix.getElementType());
  auto heads = static_cast<int64_t>(op.getKeyValueHeads()),
       keyFeatures = static_cast<int64_t>(op.getHeadDim()),
       valueFeatures = static_cast<int64_t>(op.getValueDim());
  int64_t keyBytes =
      heads * (keyFeatures * bytesOf(elementOf(op.getKey())) +
               valueFeatures * bytesOf(elementOf(op.getValue())));
  return std::max<int64_t>((cacheBytes - matrixBytes) / keyBytes, 0);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct FuseProjection : ladon::impl::FuseProjectionBase<FuseProjection> {
  using FuseProjectionBase::FuseProjectionBase;

  void runOnOperation() override {
    SmallVector<AttendOp> attends;
    getOperation().walk([&](AttendOp op) { attends.push_back(op); });
    for (AttendOp op : attends) {
      if (!op.getResults().empty()) {
        op.emitOpError("expected buffers; run attn-bufferize before");
        return signalPassFailure();
      }
      linalg::ContractOp product = findProduct(op.getInits()[0]);
      if (!product)
        continue;
      StringRef reason = whyNot(op, product);
      if (reason.empty() && !canMeet(op, product))
        reason = "something between the two uses the same memory";
      auto sizes =
          tile::ProjectionAttr::get(&getContext(), allKeys, /*least_tiles=*/0);
      if (reason.empty() && !always) {
        // Those may share the lanes of a tile, which is worth more.
        if (op.getHeads() != op.getKeyValueHeads())
          reason = "query heads share key heads";
        else if (countColumns(product) > mostColumns)
          reason = "the sums of a tile are too many for the second cache";
        else if (int64_t keys = countKeys(op, product))
          sizes = tile::ProjectionAttr::get(&getContext(), keys, leastTiles);
        else
          reason = "its matrix is too large to stay in the cache";
      }
      if (!reason.empty()) {
        op.emitRemark("the output projection is computed after the attend: ")
            << reason;
        continue;
      }
      Operation *start = findStart(product).op;
      op->moveBefore(start ? start : product);
      op->setAttr(tile::TileDialect::projectionName, sizes);
      ++fused;
    }
  }
};
} // namespace
