//===- RowGroups.cpp - Elementwise work that goes together ----------------===//
//
// A norm is a fill, a sum, a root and a product: for a few rows at a time all
// of them find what they need in the nearest cache, and there is one parallel
// loop instead of four. Rows are the points of the loops that the operations
// have in common. They may be taken one by one if an element that one operation
// writes is touched by the others in the same row only.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/RowGroups.h"

#include "compiler/transforms/Overlap.h"
#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

namespace {
/// One axis of a memref.
struct Axis {
  Value memory;
  int64_t number;
};
} // namespace

/// The axis that a view's axis is all of: of a group of one where axes are
/// split or joined.
static std::optional<Axis> getViewedAxis(Axis axis) {
  Operation *op = axis.memory.getDefiningOp();
  if (auto cast = dyn_cast_or_null<memref::CastOp>(op))
    return Axis{cast.getSource(), axis.number};
  if (auto expand = dyn_cast_or_null<memref::ExpandShapeOp>(op)) {
    for (auto [number, group] :
         llvm::enumerate(expand.getReassociationIndices()))
      if (group.size() == 1 && group.front() == axis.number)
        return Axis{expand.getSrc(), static_cast<int64_t>(number)};
  } else if (auto collapse = dyn_cast_or_null<memref::CollapseShapeOp>(op)) {
    ReassociationIndices group =
        collapse.getReassociationIndices()[axis.number];
    if (group.size() == 1)
      return Axis{collapse.getSrc(), group.front()};
  }
  return std::nullopt;
}

/// As above, also where the view may be of fewer elements, from the first on.
static std::optional<Axis> getSlicedAxis(Axis axis) {
  auto slice = axis.memory.getDefiningOp<memref::SubViewOp>();
  if (!slice)
    return getViewedAxis(axis);
  if (slice.getType().getRank() != slice.getSourceType().getRank() ||
      slice.getStaticOffsets()[axis.number] != 0 ||
      slice.getStaticStrides()[axis.number] != 1)
    return std::nullopt;
  return Axis{slice.getSource(), axis.number};
}

/// The length of an axis: a number or the name of a size, a value, or an axis
/// that cannot be followed further. Equal ones are equal; others may be.
using Length = std::pair<const void *, int64_t>;

static Length getLength(Axis axis) {
  Builder b(axis.memory.getContext());
  while (true) {
    auto type = cast<MemRefType>(axis.memory.getType());
    if (!type.isDynamicDim(axis.number))
      return {b.getIndexAttr(type.getDimSize(axis.number)).getAsOpaquePointer(),
              0};
    OpFoldResult size;
    Operation *op = axis.memory.getDefiningOp();
    if (auto made = dyn_cast_or_null<memref::AllocOp>(op))
      size = made.getMixedSizes()[axis.number];
    else if (auto slice = dyn_cast_or_null<memref::SubViewOp>(op);
             slice &&
             slice.getType().getRank() == slice.getSourceType().getRank())
      size = slice.getMixedSizes()[axis.number];
    if (size) {
      auto dim = cast<Value>(size).getDefiningOp<memref::DimOp>();
      std::optional<int64_t> number =
          dim ? dim.getConstantIndex() : std::nullopt;
      if (!number)
        return {cast<Value>(size).getAsOpaquePointer(), 0};
      axis = {dim.getSource(), *number};
      continue;
    }
    if (auto argument = dyn_cast<BlockArgument>(axis.memory))
      if (auto function =
              dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
        if (attn::ParamAttr param =
                attn::getParam(function, argument.getArgNumber()))
          return {param.getDims()[axis.number].getAsOpaquePointer(), 0};
    std::optional<Axis> viewed = getViewedAxis(axis);
    if (!viewed)
      return {axis.memory.getAsOpaquePointer(), axis.number};
    axis = *viewed;
  }
}

/// The length of a loop of `op`, as some operand has it.
static std::optional<Length> getLength(linalg::LinalgOp op, unsigned loop) {
  for (OpOperand &operand : op->getOpOperands())
    if (isa<MemRefType>(operand.get().getType()))
      for (auto [number, index] :
           llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
        if (index == getAffineDimExpr(loop, op.getContext()))
          return getLength(Axis{operand.get(), static_cast<int64_t>(number)});
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// The axis that a loop goes along in what the views of an operand are of.
static std::optional<Axis> getAxisOfLoop(linalg::LinalgOp op,
                                         OpOperand &operand, unsigned loop) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  std::optional<unsigned> number =
      map.getResultPosition(getAffineDimExpr(loop, op.getContext()));
  if (!number)
    return std::nullopt;
  Axis axis{operand.get(), *number};
  while (std::optional<Axis> viewed = getSlicedAxis(axis))
    axis = *viewed;
  return axis;
}

/// Whether what one of two operations writes is touched by the other in the
/// same row only.
static bool staysInRows(linalg::LinalgOp one, linalg::LinalgOp other,
                        unsigned axes) {
  auto isSafe = [&](OpOperand &a, OpOperand &b) {
    bool isWritten = one.isDpsInit(&a) || other.isDpsInit(&b);
    if (!isWritten || !isa<MemRefType>(a.get().getType()) ||
        !isa<MemRefType>(b.get().getType()) || !mayOverlap(a.get(), b.get()))
      return true;
    for (unsigned loop = 0; loop < axes; ++loop) {
      std::optional<Axis> ofOne = getAxisOfLoop(one, a, loop);
      std::optional<Axis> ofOther = getAxisOfLoop(other, b, loop);
      if (!ofOne || !ofOther || ofOne->memory != ofOther->memory ||
          ofOne->number != ofOther->number)
        return false;
    }
    return true;
  };
  return llvm::all_of(one->getOpOperands(), [&](OpOperand &a) {
    return llvm::all_of(other->getOpOperands(),
                        [&](OpOperand &b) { return isSafe(a, b); });
  });
}

/// How many loops of an operation are parallel before one that is not.
static unsigned countParallel(linalg::LinalgOp op) {
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  return llvm::find_if(kinds,
                       [](utils::IteratorType kind) {
                         return kind != utils::IteratorType::parallel;
                       }) -
         kinds.begin();
}

/// How many loops there must be in common with others: all but an innermost
/// parallel one, which a row consists of.
static unsigned countRowAxes(linalg::LinalgOp op) {
  return std::max(1u, std::min(countParallel(op), op.getNumLoops() - 1));
}

/// Adds an operation to a group if it can be.
static bool join(RowGroup &group, linalg::LinalgOp op) {
  unsigned least = countRowAxes(op), axes = 0;
  for (linalg::LinalgOp member : group.ops)
    least = std::max(least, countRowAxes(member));
  unsigned most = std::min(group.axes, countParallel(op));
  for (; axes < most; ++axes) {
    std::optional<Length> length = getLength(op, axes);
    if (!length || length != getLength(group.ops.front(), axes))
      break;
  }
  for (; axes >= least; --axes) // At least one.
    if (llvm::all_of(group.ops, [&](linalg::LinalgOp member) {
          return staysInRows(member, op, axes);
        })) {
      group.ops.push_back(op);
      group.axes = axes;
      return true;
    }
  return false;
}

SmallVector<RowGroup> ladon::cpu::findRowGroups(Block &block) {
  SmallVector<RowGroup> groups;
  bool isOpen = false;
  for (Operation &op : block) {
    auto work = dyn_cast<linalg::LinalgOp>(op);
    if (!work || countParallel(work) == 0) {
      // Views, sizes and arithmetic may as well be done before the group.
      isOpen &= isMemoryEffectFree(&op) || isa<memref::AllocOp>(op);
      continue;
    }
    if (!isOpen || !join(groups.back(), work))
      groups.push_back({{work}, countParallel(work)});
    isOpen = true;
  }
  return groups;
}
