//===- TileProducts.cpp - Matrix products to tiles ------------------------===//
//
// See Passes.td. To `mma.sync` a product x w is what weights and values of an
// attend are: a row of x weighs the rows of w.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Passes.h"

#include "compiler/transforms/ProductForm.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ladon::cuda {
#define GEN_PASS_DEF_TILEPRODUCTS
#include "compiler/codegen/cuda/Passes.h.inc"
} // namespace ladon::cuda

using namespace mlir;
using namespace ladon;

/// Rows and columns of the result that a block of threads computes.
static constexpr int64_t tileRows = 128, tileColumns = 64;
/// What one product of tiles sums over, at best and at least.
static constexpr int64_t depthBlock = 32, smallestDepth = 16;

/// Whether `op` is out[.., n] += x[.., k] * w[k, n] on buffers, of types that
/// units for matrices multiply, over a number of k that they have.
static bool isProduct(linalg::ContractOp op) {
  if (getMatrixForm(op) != MatrixForm::ByStep)
    return false;
  auto x = cast<MemRefType>(op.getInputs()[0].getType());
  auto w = cast<MemRefType>(op.getInputs()[1].getType());
  auto out = cast<MemRefType>(op.getOutputs()[0].getType());
  if (x.getRank() > 4 || !w.hasStaticShape() || !out.getElementType().isF32() ||
      w.getDimSize(0) % smallestDepth != 0)
    return false;
  return llvm::all_of(ArrayRef{x, w}, [](MemRefType type) {
    Type element = type.getElementType();
    return element.isF32() || element.isF16() || element.isBF16();
  });
}

/// A memref seen as (batch, head, row, column): axes that it does not have are
/// single.
static Value asRows(ImplicitLocOpBuilder &b, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  int64_t rank = type.getRank();
  if (rank == 4)
    return memory;
  SmallVector<OpFoldResult> sizes =
      memref::getMixedSizes(b, b.getLoc(), memory);
  SmallVector<int64_t> shape(type.getShape());
  // Before the rows: (s) to (1, 1, s), or behind the batch: (b) to (b, 1).
  auto at = rank == 2 ? 0 : 1;
  sizes.insert(sizes.begin() + at, 4 - rank, b.getIndexAttr(1));
  shape.insert(shape.begin() + at, 4 - rank, 1);
  SmallVector<ReassociationIndices> groups;
  if (rank == 2)
    groups = {{0, 1, 2}, {3}};
  else
    groups = {{0, 1}, {2}, {3}};
  auto expanded =
      memref::ExpandShapeOp::computeExpandedType(type, shape, groups);
  return memref::ExpandShapeOp::create(b, *expanded, memory, groups, sizes);
}

/// Columns [first, first + count) of what asRows has made.
static Value columnsOf(ImplicitLocOpBuilder &b, Value rows, Value first,
                       int64_t count) {
  SmallVector<OpFoldResult> sizes = memref::getMixedSizes(b, b.getLoc(), rows),
                            offsets(4, b.getIndexAttr(0)),
                            steps(4, b.getIndexAttr(1));
  offsets.back() = first;
  sizes.back() = b.getIndexAttr(count);
  return memref::SubViewOp::create(b, rows, offsets, sizes, steps);
}

namespace {
/// The grids of one product.
class ProductTiler {
public:
  ProductTiler(linalg::ContractOp op, ImplicitLocOpBuilder &b)
      : b(b), x(asRows(b, op.getInputs()[0])), w(asRows(b, op.getInputs()[1])),
        out(asRows(b, op.getOutputs()[0])) {
    depth = cast<MemRefType>(w.getType()).getDimSize(2);
    block = depth % depthBlock == 0 ? depthBlock : smallestDepth;
    // Of two types, that of the sums: its products are exact enough for both.
    Type left = elementOf(x), right = elementOf(w);
    operand = left == right ? left : b.getF32Type();
  }

  void run() {
    int64_t columns = cast<MemRefType>(w.getType()).getDimSize(3);
    int64_t whole = columns / tileColumns, rest = columns % tileColumns;
    if (whole > 0)
      addGrid(0, whole, tileColumns);
    if (rest > 0)
      addGrid(whole * tileColumns, 1, rest);
  }

private:
  static Type elementOf(Value memory) {
    return cast<MemRefType>(memory.getType()).getElementType();
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value load(Value source, ArrayRef<Value> at, Value rows, int64_t height,
             int64_t width, Type element) {
    auto type = RankedTensorType::get({height, width}, element);
    return tile::LoadOp::create(
               b, type, source, at[0], at[1], at[2], rows, /*pages=*/Value(),
               /*outs=*/ValueRange(), /*page_size=*/IntegerAttr(),
               /*scale=*/FloatAttr(), AffineMapAttr(), /*transposed=*/false)
        .getTile();
  }
  void addGrid(int64_t firstColumn, int64_t tiles, int64_t width);
  void fillPoint(Block::BlockArgListType at, Value rowCount,
                 int64_t firstColumn, int64_t width);

  ImplicitLocOpBuilder &b;
  Value x, w, out;
  int64_t depth, block;
  Type operand;
};
} // namespace

/// `tiles` tiles of columns from `firstColumn` on, for all rows. Those of one
/// tile of rows come one after the other: the rows are still in the cache.
void ProductTiler::addGrid(int64_t firstColumn, int64_t tiles, int64_t width) {
  Value rows = memref::DimOp::create(b, x, 2);
  Value height = index(tileRows);
  SmallVector<Value> sizes = {
      memref::DimOp::create(b, x, 0), memref::DimOp::create(b, x, 1),
      arith::CeilDivSIOp::create(b, rows, height), index(tiles)};
  auto schedule = tile::ScheduleAttr::get(b.getContext(), {0, 1, 2, 3}, {});
  auto grid = tile::GridOp::create(b, sizes, schedule);
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(4, b.getIndexType());
  Block *body = b.createBlock(&grid.getBody(), {}, types,
                              SmallVector<Location>(4, b.getLoc()));
  fillPoint(body->getArguments(), rows, firstColumn, width);
  tile::YieldOp::create(b);
}

void ProductTiler::fillPoint(Block::BlockArgListType at, Value rowCount,
                             int64_t firstColumn, int64_t width) {
  auto multiply = [&](Value value, int64_t factor) -> Value {
    return arith::MulIOp::create(b, value, index(factor));
  };
  Value zero = index(0), row = multiply(at[2], tileRows);
  Value rows = arith::MinSIOp::create(
      b, arith::SubIOp::create(b, rowCount, row), index(tileRows));
  Value column = arith::AddIOp::create(b, multiply(at[3], tileColumns),
                                       index(firstColumn));
  Value result = columnsOf(b, out, column, width);
  Value weights = columnsOf(b, w, column, width);
  Value sums =
      load(result, {at[0], at[1], row}, rows, tileRows, width, b.getF32Type());
  auto loop =
      scf::ForOp::create(b, zero, index(depth), index(block), ValueRange(sums));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value k = loop.getInductionVar();
    Value left = load(columnsOf(b, x, k, block), {at[0], at[1], row}, rows,
                      tileRows, block, operand);
    Value right =
        load(weights, {zero, zero, k}, index(block), block, width, operand);
    auto next = tile::AccumulateOp::create(
        b, sums.getType(), left, right, index(block),
        loop.getRegionIterArgs()[0], /*rescale=*/Value(), /*guard=*/Value(),
        /*rows=*/Value(), /*transposed=*/false, /*value_transposed=*/false);
    scf::YieldOp::create(b, next.getResult());
  }
  tile::StoreOp::create(b, loop.getResult(0), result, at[0], at[1], row, rows,
                        /*columns=*/Value(), AffineMapAttr(),
                        /*transposed=*/false);
}

namespace {
struct TileProducts : public ladon::cuda::impl::TileProductsBase<TileProducts> {
  void runOnOperation() override {
    SmallVector<linalg::ContractOp> products;
    getOperation().walk([&](linalg::ContractOp op) {
      if (isProduct(op))
        products.push_back(op);
    });
    for (linalg::ContractOp op : products) {
      ImplicitLocOpBuilder b(op.getLoc(), op);
      ProductTiler(op, b).run();
      op.erase();
      ++tiled;
    }
  }
};
} // namespace
