//===- NestProjection.cpp - A product at the end of a nest ----------------===//

#include "compiler/transforms/NestProjection.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ladon;

FailureOr<std::unique_ptr<NestProjection>>
NestProjection::find(attn::AttendOp op, AttentionNest &nest,
                     ImplicitLocOpBuilder &b) {
  if (!op->hasAttr(tile::TileDialect::projectionName))
    return std::unique_ptr<NestProjection>();
  Value out = op.getInits()[0];
  linalg::ContractOp product = findProduct(out);
  bool isOnly =
      product && out.hasNUses(2) && out.getDefiningOp<memref::AllocOp>();
  Operation *next = op->getNextNode();
  if (isOnly && next == findStart(product).op)
    next = next->getNextNode();
  if (!isOnly || next != product)
    return op.emitOpError("expected the product of all that the attend "
                          "computes, and of nothing else, to follow it; run "
                          "attn-fuse-projection to find such products");
  return std::unique_ptr<NestProjection>(
      new NestProjection(op, product, nest, b));
}

Value NestProjection::index(int64_t value) { return nest.index(value); }

Value NestProjection::select(Value fused, Value separate) {
  return arith::SelectOp::create(b, isFused, fused, separate);
}

//===----------------------------------------------------------------------===//
// Before the nest
//===----------------------------------------------------------------------===//

/// The same elements with other axes.
static Value expand(ImplicitLocOpBuilder &b, Value memory,
                    ArrayRef<int64_t> shape,
                    ArrayRef<ReassociationIndices> groups) {
  return memref::ExpandShapeOp::create(b, shape, memory, groups);
}

void NestProjection::makeViews() {
  start = findStart(product);
  form = *getMatrixForm(product);
  Value w = product.getInputs()[1], out = product.getOutputs()[0];
  auto outShape = cast<MemRefType>(out.getType()).getShape();
  int64_t columns = outShape[2], heads = op.getHeads(),
          features = op.getValueDim();
  result = expand(b, out, {outShape[0], 1, outShape[1], columns},
                  {{0, 1}, {2}, {3}});
  if (form == MatrixForm::ByStep) {
    matrix = expand(b, w, {1, heads, features, columns}, {{0, 1, 2}, {3}});
  } else {
    matrix = expand(b, w, {1, columns, heads, features}, {{0, 1}, {2, 3}});
    AffineMap headsFirst = AffineMap::getPermutationMap(
        ArrayRef<int64_t>{0, 2, 1, 3}, b.getContext());
    matrix =
        memref::TransposeOp::create(b, matrix, AffineMapAttr::get(headsFirst));
  }
  if (start.columns)
    rowStart = expand(b, start.columns, {1, 1, 1, columns}, {{0, 1, 2, 3}});
}

void NestProjection::decide(AttentionTiles wanted, Value isFew) {
  tiles = wanted;
  makeViews();
  auto sizes = op->getAttrOfType<tile::ProjectionAttr>(
      tile::TileDialect::projectionName);
  Value height = index(tiles.rows / tiles.heads);
  Value count = arith::MulIOp::create(
      b, nest.batches, arith::CeilDivSIOp::create(b, nest.queries, height));
  using Predicate = arith::CmpIPredicate;
  Value hasTiles = arith::CmpIOp::create(b, Predicate::sge, count,
                                         index(sizes.getLeastTiles()));
  Value hasFewKeys = arith::CmpIOp::create(b, Predicate::sle, nest.keys,
                                           index(sizes.getMostKeys()));
  isFused = arith::AndIOp::create(b, hasTiles, hasFewKeys);
  if (isFew) {
    Value isMany = arith::XOrIOp::create(
        b, isFew, arith::ConstantIntOp::create(b, 1, /*width=*/1));
    isFused = arith::AndIOp::create(b, isFused, isMany);
  }

  // No batch entry needs no memory.
  auto old = op.getInits()[0].getDefiningOp<memref::AllocOp>();
  SmallVector<int64_t> shape(old.getType().getShape());
  SmallVector<Value> extents(old.getDynamicSizes());
  if (!old.getType().isDynamicDim(0))
    extents.insert(extents.begin(), index(shape[0]));
  shape[0] = ShapedType::kDynamic;
  extents[0] = select(index(0), extents[0]);
  Value memory = memref::AllocOp::create(
      b, MemRefType::get(shape, old.getType().getElementType()), extents,
      old.getAlignmentAttr());
  if (memory.getType() != old.getType())
    memory = memref::CastOp::create(b, old.getType(), memory);
  product.getInputsMutable()[0].set(memory);
  nest.setOut(memory);

  // A nest begins with a bias or with zero by itself.
  bool isZero = start.scalar && matchPattern(start.scalar, m_AnyZeroFloat());
  if (start.op && !isZero && !start.columns) {
    start.op->moveBefore(b.getInsertionBlock(), b.getInsertionPoint());
    start = {};
  }
}

//===----------------------------------------------------------------------===//
// In the nest
//===----------------------------------------------------------------------===//

RankedTensorType NestProjection::sumsType() {
  int64_t columns = cast<MemRefType>(result.getType()).getDimSize(3);
  SmallVector<int64_t, 2> shape = {tiles.rows, columns};
  if (tiles.transposed)
    std::swap(shape[0], shape[1]);
  return RankedTensorType::get(shape, op.getElementType());
}

Value NestProjection::countPieces(Value heads) {
  return select(index(1), heads);
}

Value NestProjection::loadSums(const QueryRows &rows, Value view, Value batch,
                               Value position, AffineMapAttr map) {
  // Where nobody adds to them, there are none.
  Value count = select(rows.count, index(0));
  return tile::LoadOp::create(b, sumsType(), view, batch, index(0), position,
                              count, /*pages=*/Value(), /*outs=*/ValueRange(),
                              /*page_size=*/IntegerAttr(),
                              /*scale=*/FloatAttr(), map, tiles.transposed)
      .getTile();
}

Value NestProjection::begin(const QueryRows &rows) {
  if (rowStart) {
    AffineExpr zero = b.getAffineConstantExpr(0);
    auto all = AffineMap::get(1, 0, {zero, zero}, b.getContext());
    return loadSums(rows, rowStart, index(0), index(0),
                    AffineMapAttr::get(all));
  }
  if (!start.op)
    return loadSums(rows, result, rows.batch, rows.position, {});
  // Accumulators that have seen nothing are zero.
  auto none = RankedTensorType::get({tiles.rows}, op.getElementType());
  return tile::SoftmaxInitOp::create(b, TypeRange{none, none, sumsType()},
                                     /*sinks=*/Value(), /*outs=*/ValueRange())
      ->getResult(2);
}

Value NestProjection::add(const QueryRows &rows, Value head, Value sums,
                          Value out) {
  int64_t columns = cast<MemRefType>(result.getType()).getDimSize(3);
  Type stored = cast<MemRefType>(matrix.getType()).getElementType();
  int64_t features = op.getValueDim();
  bool isTurned = form == MatrixForm::ByColumn;
  SmallVector<int64_t, 2> shape = {features, columns};
  if (isTurned)
    std::swap(shape[0], shape[1]);
  Value count = index(shape[0]), first = index(0);
  Value part =
      tile::LoadOp::create(b, RankedTensorType::get(shape, stored), matrix,
                           first, head, first, count, /*pages=*/Value(),
                           /*outs=*/ValueRange(), /*page_size=*/IntegerAttr(),
                           /*scale=*/FloatAttr(), AffineMapAttr(),
                           /*transposed=*/false)
          .getTile();
  return tile::AccumulateOp::create(
             b, sums.getType(), out, part, isTurned ? index(features) : count,
             sums, /*rescale=*/Value(), /*guard=*/Value(),
             tiles.transposed ? rows.count : Value(), tiles.transposed,
             /*value_transposed=*/isTurned)
      .getResult();
}

void NestProjection::forHeads(
    const QueryRows &rows, Value piece, Value heads,
    llvm::function_ref<Value(Value head)> attend,
    llvm::function_ref<void(Value head, Value out)> store) {
  Value one = index(1);
  Value next = arith::AddIOp::create(b, piece, one);
  auto loop = scf::ForOp::create(b, select(index(0), piece),
                                 select(heads, next), one, begin(rows));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value head = loop.getInductionVar(), sums = loop.getRegionIterArg(0);
    Value out = attend(head);
    auto branch = scf::IfOp::create(b, sums.getType(), isFused,
                                    /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, add(rows, head, sums, out));
    b.setInsertionPointToStart(branch.elseBlock());
    store(head, out);
    scf::YieldOp::create(b, sums);
    b.setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(b, branch.getResult(0));
  }
  Value count = select(rows.count, index(0));
  tile::StoreOp::create(b, loop.getResult(0), result, rows.batch, index(0),
                        rows.position, count, /*columns=*/Value(),
                        AffineMapAttr(), tiles.transposed);
}

//===----------------------------------------------------------------------===//
// After the nest
//===----------------------------------------------------------------------===//

void NestProjection::multiplyOthers() {
  Value isSeparate = arith::XOrIOp::create(
      b, isFused, arith::ConstantIntOp::create(b, 1, /*width=*/1));
  auto branch = scf::IfOp::create(b, isSeparate, /*withElseRegion=*/false);
  Operation *end = branch.thenBlock()->getTerminator();
  if (start.op)
    start.op->moveBefore(end);
  product->moveBefore(end);
}
