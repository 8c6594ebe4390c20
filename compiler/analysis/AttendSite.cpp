//===- AttendSite.cpp - What an attend says about its positions -----------===//

#include "compiler/analysis/AttendSite.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace ladon::analysis;
using ladon::attn::AttendOp;

namespace {
/// The operand of an attend, and its axis, that b, h, i and j run along.
struct PositionAxis {
  Value tensor;
  int64_t axis;
};
} // namespace

/// Where an extent comes from: its name in the spec, or a tensor and an axis.
using ExtentSource = std::pair<Attribute, std::pair<Value, int64_t>>;

static ExtentSource findExtent(Value tensor, int64_t axis) {
  while (Operation *producer = tensor.getDefiningOp()) {
    if (auto empty = dyn_cast<tensor::EmptyOp>(producer)) {
      if (!empty.getType().isDynamicDim(axis))
        break;
      auto dim = empty.getDynamicSize(axis).getDefiningOp<tensor::DimOp>();
      if (!dim || !dim.getConstantIndex())
        break;
      tensor = dim.getSource();
      axis = *dim.getConstantIndex();
      continue;
    }
    // A result has the shape of its destination.
    auto onDestination = dyn_cast<DestinationStyleOpInterface>(producer);
    if (!onDestination)
      break;
    tensor = onDestination.getTiedOpOperand(cast<OpResult>(tensor))->get();
  }
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    if (auto function =
            dyn_cast<FunctionOpInterface>(arg.getOwner()->getParentOp()))
      if (auto param = ladon::attn::getParam(function, arg.getArgNumber()))
        if (static_cast<size_t>(axis) < param.getDims().size())
          return {param.getDims()[axis], {}};
  return {Attribute(), {tensor, axis}};
}

static PositionAxis axisOf(AttendOp op, unsigned number) {
  unsigned operand = number == 3 ? 1 : 0;
  auto role =
      number == 0 ? AttendOp::AxisRole::Batch : AttendOp::AxisRole::Position;
  return {op.getMappedOperand(operand).get(), op.findAxis(operand, role)};
}

MaskSite ladon::analysis::siteOf(AttendOp op) {
  MaskSite site;
  site.captures = op.getCaptures();
  for (unsigned number : {0u, 2u, 3u}) {
    auto [tensor, axis] = axisOf(op, number);
    int64_t extent = cast<ShapedType>(tensor.getType()).getDimSize(axis);
    // An empty axis has no position; any range is right for it.
    if (!ShapedType::isDynamic(extent))
      site.positions[number].max = std::max<int64_t>(extent, 1) - 1;
  }
  site.positions[1].max = op.getHeads() - 1;
  site.axisOfExtent = [op](Value outside) mutable -> std::optional<unsigned> {
    auto dim = outside.getDefiningOp<tensor::DimOp>();
    if (!dim || !dim.getConstantIndex())
      return std::nullopt;
    ExtentSource source = findExtent(dim.getSource(), *dim.getConstantIndex());
    for (unsigned number : {0u, 2u, 3u}) {
      auto [tensor, axis] = axisOf(op, number);
      if (source == findExtent(tensor, axis))
        return number;
    }
    return std::nullopt;
  };
  return site;
}
