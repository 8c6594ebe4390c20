//===- EntryValues.cpp - Values at the beginning of a function ------------===//

#include "compiler/transforms/EntryValues.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace ladon;

Value EntryValues::sizeOf(Extent extent) {
  if (auto number = dyn_cast<IntegerAttr>(extent))
    return arith::ConstantIndexOp::create(b, number.getInt());
  if (auto [arg, axis] = carrierOf(extent); arg)
    return tensor::DimOp::create(b, arg, axis);
  using Op = SizeExpr::Op;
  return SizeExpr::parse(cast<StringAttr>(extent))
      ->fold<Value>(
          [&](int64_t value) -> Value {
            return arith::ConstantIndexOp::create(b, value);
          },
          [&](StringRef name) { return sizeOf(b.getStringAttr(name)); },
          [&](Op op, Value left, Value right) -> Value {
            if (op == Op::Add)
              return arith::AddIOp::create(b, left, right);
            if (op == Op::Mul)
              return arith::MulIOp::create(b, left, right);
            return arith::FloorDivSIOp::create(b, left, right);
          });
}

Value EntryValues::hoisted(Value value) {
  if (isa<BlockArgument>(value))
    return value;
  if (Value known = copies.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    Extent extent =
        extents.getExtents(dim.getSource())[*dim.getConstantIndex()];
    return copies[value] = sizeOf(extent);
  }
  if (op->getNumRegions() != 0 || op->getNumResults() != 1 || !isPure(op) ||
      isa<TensorType>(value.getType()))
    return {};
  IRMapping map;
  for (Value operand : op->getOperands()) {
    Value copy = hoisted(operand);
    if (!copy)
      return {};
    map.map(operand, copy);
  }
  return copies[value] = b.clone(*op, map)->getResult(0);
}
