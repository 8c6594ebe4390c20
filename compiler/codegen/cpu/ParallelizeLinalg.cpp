//===- ParallelizeLinalg.cpp - Elementwise work into parallel tasks -------===//
//
// What is left of linalg after attention and matrix products (fills, bias
// broadcasts, elementwise arithmetic, transposes and copies) is tiled through
// upstream's TilingInterface into an scf.forall whose tasks are pieces of about
// the same size; operations that can share their tasks do.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "compiler/codegen/cpu/RowGroups.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/TilingInterface.h"

#define DEBUG_TYPE "cpu-parallelize-linalg"

namespace ladon::cpu {
#define GEN_PASS_DEF_PARALLELIZELINALG
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon::cpu;

/// Elements of an operation per task: some hundred times what a task costs, and
/// few enough for what a group touches to stay in the second cache.
static constexpr int64_t elementsPerTask = 8192;

/// Upstream's bufferization copies by `memref.copy`, which may become a call of
/// MLIR's runtime.
static void makeCopiesLinalg(func::FuncOp function) {
  function.walk([](memref::CopyOp copy) {
    if (!isa<MemRefType>(copy.getSource().getType()) ||
        !isa<MemRefType>(copy.getTarget().getType()))
      return;
    OpBuilder b(copy);
    linalg::CopyOp::create(b, copy.getLoc(), copy.getSource(),
                           copy.getTarget());
    copy.erase();
  });
}

/// Moves the parallel loops of an operation to the front, where groups look for
/// them.
static LogicalResult orderLoops(RewriterBase &rewriter, linalg::LinalgOp op) {
  SmallVector<unsigned> order, rest;
  for (auto [loop, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    (kind == utils::IteratorType::parallel ? order : rest).push_back(loop);
  llvm::append_range(order, rest);
  if (llvm::is_sorted(order))
    return success();
  rewriter.setInsertionPoint(op);
  FailureOr<linalg::GenericOp> generic =
      linalg::generalizeNamedOp(rewriter, op);
  if (failed(generic))
    generic = cast<linalg::GenericOp>(op.getOperation());
  return linalg::interchangeGenericOp(rewriter, *generic, order);
}

namespace {
/// The parallel loop of one group.
class Tasks {
public:
  Tasks(OpBuilder &builder, RowGroup &group)
      : b(group.ops.back().getLoc(), builder), group(group) {
    b.setInsertionPoint(group.ops.back());
    for (linalg::LinalgOp op : group.ops)
      domains.push_back(
          cast<TilingInterface>(op.getOperation()).getIterationDomain(b));
  }

  LogicalResult build();

private:
  /// Of one axis of all operations.
  OpFoldResult lengthOf(unsigned axis) const { return domains[0][axis].size; }
  OpFoldResult elementsInRow();
  void chooseSteps();
  LogicalResult buildBody(ValueRange starts);

  ImplicitLocOpBuilder b;
  RowGroup &group;
  SmallVector<SmallVector<Range>> domains;
  /// Of a task along each axis of the group, and which axes tasks differ in.
  SmallVector<OpFoldResult> steps;
  SmallVector<unsigned> split;
};
} // namespace

static Value asValue(ImplicitLocOpBuilder &b, OpFoldResult number) {
  return getValueOrCreateConstantIndexOp(b, b.getLoc(), number);
}

/// At most, what a row has in any of the operations.
OpFoldResult Tasks::elementsInRow() {
  Value most = asValue(b, b.getIndexAttr(1));
  for (ArrayRef<Range> domain : domains) {
    Value elements = asValue(b, b.getIndexAttr(1));
    for (const Range &range : domain.drop_front(group.axes))
      elements =
          b.createOrFold<arith::MulIOp>(elements, asValue(b, range.size));
    most = b.createOrFold<arith::MaxSIOp>(most, elements);
  }
  return getAsOpFoldResult(most);
}

/// From the innermost axis on, as much as is left of a task's elements.
void Tasks::chooseSteps() {
  Value one = asValue(b, b.getIndexAttr(1));
  Value wanted = asValue(b, b.getIndexAttr(elementsPerTask));
  Value elements = asValue(b, elementsInRow());
  steps.resize(group.axes);
  for (unsigned axis = group.axes; axis-- > 0;) {
    Value length = asValue(b, lengthOf(axis));
    Value step = b.createOrFold<arith::MaxSIOp>(
        b.createOrFold<arith::DivUIOp>(wanted, elements), one);
    Value taken = b.createOrFold<arith::MinSIOp>(step, length);
    bool isWhole =
        isEqualConstantIntOrValue(getAsOpFoldResult(taken), lengthOf(axis));
    if (axis == 0 || !isWhole)
      split.push_back(axis);
    steps[axis] = isWhole ? lengthOf(axis) : getAsOpFoldResult(step);
    elements = b.createOrFold<arith::MulIOp>(
        elements, b.createOrFold<arith::MaxSIOp>(taken, one));
  }
  std::reverse(split.begin(), split.end());
}

LogicalResult Tasks::buildBody(ValueRange starts) {
  SmallVector<OpFoldResult> offsets(group.axes, b.getIndexAttr(0)), sizes;
  for (unsigned axis = 0; axis < group.axes; ++axis)
    sizes.push_back(lengthOf(axis));
  for (auto [axis, start] : llvm::zip_equal(split, starts)) {
    offsets[axis] = start;
    std::optional<int64_t> step = getConstantIntValue(steps[axis]),
                           length = getConstantIntValue(lengthOf(axis));
    // The last one may be smaller.
    if (step == 1 || (step && length && *length % *step == 0)) {
      sizes[axis] = steps[axis];
      continue;
    }
    AffineExpr rest = b.getAffineSymbolExpr(0) - b.getAffineDimExpr(0);
    sizes[axis] = affine::makeComposedFoldedAffineMin(
        b, b.getLoc(),
        AffineMap::get(1, 2, {rest, b.getAffineSymbolExpr(1)}, b.getContext()),
        {start, lengthOf(axis), steps[axis]});
  }
  for (auto [op, domain] : llvm::zip_equal(group.ops, domains)) {
    SmallVector<OpFoldResult> opOffsets = offsets, opSizes = sizes;
    for (const Range &range : ArrayRef(domain).drop_front(group.axes)) {
      opOffsets.push_back(range.offset);
      opSizes.push_back(range.size);
    }
    b.setLoc(op.getLoc());
    if (failed(cast<TilingInterface>(op.getOperation())
                   .getTiledImplementation(b, opOffsets, opSizes)))
      return op.emitOpError("cannot be tiled");
  }
  return success();
}

LogicalResult Tasks::build() {
  chooseSteps();
  SmallVector<OpFoldResult> zeros, lengths, loopSteps;
  for (unsigned axis : split) {
    zeros.push_back(b.getIndexAttr(0));
    lengths.push_back(lengthOf(axis));
    loopSteps.push_back(steps[axis]);
  }
  auto loop = scf::ForallOp::create(b, zeros, lengths, loopSteps, ValueRange{},
                                    std::nullopt);
  b.setInsertionPoint(loop.getTerminator());
  if (failed(buildBody(loop.getInductionVars())))
    return failure();
  for (linalg::LinalgOp op : group.ops)
    op.erase();
  return success();
}

namespace {
struct ParallelizeLinalg
    : public ladon::cpu::impl::ParallelizeLinalgBase<ParallelizeLinalg> {
  void runOnOperation() override {
    makeCopiesLinalg(getOperation());
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (!op->getParentOfType<scf::ForallOp>())
        ops.push_back(op);
    });
    llvm::SetVector<Block *> blocks;
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op.emitOpError("expected buffers; run attn-bufferize before");
        return signalPassFailure();
      }
      blocks.insert(op->getBlock());
      if (failed(orderLoops(rewriter, op))) {
        op.emitOpError("cannot be tiled");
        return signalPassFailure();
      }
    }
    for (Block *block : blocks)
      for (RowGroup &group : findRowGroups(*block))
        if (failed(Tasks(rewriter, group).build()))
          return signalPassFailure();
  }
};
} // namespace
