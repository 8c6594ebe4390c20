//===- AttendSite.cpp - What an attend says about its positions -----------===//

#include "compiler/analysis/AttendSite.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace ladon::analysis;
using ladon::attn::AttendOp;

/// A tensor and one of its axes.
using TensorAxis = std::pair<Value, int64_t>;

/// Where the extent of an axis comes from: its name in the spec, or the tensor
/// that has it first.
static std::pair<Attribute, TensorAxis> sourceOf(TensorAxis at) {
  auto &[tensor, axis] = at;
  while (Operation *producer = tensor.getDefiningOp()) {
    // A result has the shape of its destination.
    if (auto onDestination = dyn_cast<DestinationStyleOpInterface>(producer)) {
      tensor = onDestination.getTiedOpOperand(cast<OpResult>(tensor))->get();
      continue;
    }
    auto empty = dyn_cast<tensor::EmptyOp>(producer);
    if (!empty || !empty.getType().isDynamicDim(axis))
      break;
    auto dim = empty.getDynamicSize(axis).getDefiningOp<tensor::DimOp>();
    if (!dim || !dim.getConstantIndex())
      break;
    at = {dim.getSource(), *dim.getConstantIndex()};
  }
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    if (auto function =
            dyn_cast<FunctionOpInterface>(arg.getOwner()->getParentOp()))
      if (auto param = ladon::attn::getParam(function, arg.getArgNumber()))
        if (static_cast<size_t>(axis) < param.getDims().size())
          return {param.getDims()[axis], {}};
  return {Attribute(), at};
}

/// The axis that b, i or j runs along, by the number of the argument.
static TensorAxis axisOf(AttendOp op, unsigned number) {
  auto role =
      number == 0 ? AttendOp::AxisRole::Batch : AttendOp::AxisRole::Position;
  unsigned operand = number == 3 ? AttendOp::K : AttendOp::Q;
  if (op.isShared(operand, role))
    operand = AttendOp::Out;
  return {op.getMappedOperand(operand).get(), op.findAxis(operand, role)};
}

/// How many positions b, i or j has, or a dynamic extent.
static int64_t extentOf(AttendOp op, unsigned number) {
  auto [tensor, axis] = axisOf(op, number);
  int64_t extent = cast<ShapedType>(tensor.getType()).getDimSize(axis);
  if (number != 3 || !op.getPages())
    return extent;
  int64_t pages = cast<ShapedType>(op.getPages().getType()).getDimSize(1);
  return ShapedType::isDynamic(pages) ? pages : pages * extent;
}

MaskSite ladon::analysis::siteOf(AttendOp op) {
  MaskSite site;
  site.captures = op.getCaptures();
  site.positions[1].max = op.getHeads() - 1;
  for (unsigned number : {0u, 2u, 3u}) {
    int64_t extent = extentOf(op, number);
    // An empty axis has no position; any range is right for it.
    if (!ShapedType::isDynamic(extent))
      site.positions[number].max = std::max<int64_t>(extent, 1) - 1;
  }
  site.axisOfExtent = [op](Value outside) mutable -> std::optional<unsigned> {
    auto dim = outside.getDefiningOp<tensor::DimOp>();
    if (dim && dim.getConstantIndex())
      for (unsigned number : {0u, 2u, 3u})
        // The extent of keys in pages is a product.
        if (!(number == 3 && op.getPages()) &&
            sourceOf({dim.getSource(), *dim.getConstantIndex()}) ==
                sourceOf(axisOf(op, number)))
          return number;
    return std::nullopt;
  };
  return site;
}
