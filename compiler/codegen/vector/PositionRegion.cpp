//===- PositionRegion.cpp - A score or mask expression in lanes -----------===//

#include "compiler/codegen/vector/PositionRegion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ladon;

static bool isVector(Value v) { return isa<VectorType>(v.getType()); }

PositionRegion::PositionRegion(VectorEmitter &emitter, Block &body,
                               bool hasScore, Value batch, Value head,
                               ValueRange captures)
    : e(emitter), b(emitter.b), body(body) {
  auto args = body.getArguments();
  if (hasScore) {
    scoreArg = args.front();
    args = args.drop_front();
  }
  map.map(args[0], e.toI32(batch));
  if (head)
    map.map(args[1], e.toI32(head));
  else
    headArg = args[1];
  queryArg = args[2];
  keyArg = args[3];
  map.map(args.drop_front(4), captures);

  for (Operation &op : body.without_terminator())
    levels[&op] = levelOf(op);
}

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

/// Whether `op` gives the same for all keys of a group: the number of a group,
/// or of a group of groups.
static bool numbersGroups(Operation &op, Value key) {
  auto shift = dyn_cast<arith::ShRUIOp>(op);
  APInt bits;
  return shift && shift.getLhs() == key &&
         matchPattern(shift.getRhs(), m_ConstantInt(&bits)) &&
         bits.uge(llvm::Log2_64(PositionRegion::groupKeys));
}

PositionRegion::Level PositionRegion::levelOf(Operation &op) const {
  if (numbersGroups(op, keyArg))
    return KeyGroup;
  Level level = Uniform;
  // A loop is at the level of what it computes.
  if (op.getNumRegions() > 0)
    op.getRegion(0).walk([&](Operation *inner) {
      if (inner->getNumRegions() == 0)
        level = std::max(level, levelOf(*inner));
    });
  for (Value operand : op.getOperands()) {
    Level needed = Uniform;
    if (operand == queryArg || (headArg && operand == headArg))
      needed = Row;
    else if (operand == keyArg || operand == scoreArg)
      needed = Key;
    else if (Operation *def = operand.getDefiningOp())
      needed = levels.lookup(def);
    level = std::max(level, needed);
  }
  return level;
}

bool PositionRegion::hasKeyGroups() const {
  return llvm::any_of(levels,
                      [](auto &entry) { return entry.second == KeyGroup; });
}

void PositionRegion::emitUniform() { emit(Uniform); }

void PositionRegion::emitRows(Value head, Value query) {
  if (headArg)
    map.map(headArg, head);
  map.map(queryArg, query);
  emit(Row);
}

void PositionRegion::emitKeyGroup(Value key) {
  map.map(keyArg, key);
  emit(KeyGroup);
  isInGroup = true;
}

Value PositionRegion::emitKeys(Value key, Value score) {
  map.map(keyArg, key);
  if (!isInGroup)
    emit(KeyGroup);
  if (scoreArg)
    map.map(scoreArg, score);
  emit(Key);
  Value result = map.lookupOrDefault(body.getTerminator()->getOperand(0));
  return isVector(result) ? result : e.broadcast(result);
}

void PositionRegion::emit(Level level) {
  for (Operation &op : body.without_terminator())
    if (levels.lookup(&op) == level)
      emitOperation(op);
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// Elementwise operations keep their name and attributes; one vector operand
/// makes all of them vectors.
void PositionRegion::emitOperation(Operation &op) {
  if (auto read = dyn_cast<attn::ReadOp>(op)) {
    map.map(read.getResult(), emitRead(read));
    return;
  }
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return emitLoop(loop);
  SmallVector<Value> operands;
  for (Value operand : op.getOperands())
    operands.push_back(map.lookupOrDefault(operand));
  SmallVector<Type> types(op.getResultTypes());
  if (llvm::any_of(operands, isVector)) {
    for (Value &operand : operands)
      if (!isVector(operand))
        operand = e.broadcast(operand);
    for (Type &type : types)
      type = VectorType::get({e.lanes}, type);
  }
  Operation *copy = Operation::create(
      op.getLoc(), op.getName(), types, operands,
      op.getDiscardableAttrDictionary(), op.getPropertiesStorage(),
      /*successors=*/{}, /*numRegions=*/0);
  b.insert(copy);
  // s + slope * distance is one operation, and rounded once. A mask is exact:
  // docs/semantics.md promises a rounding after each of its operations. A
  // conversion is part of no such operation, and in LLVM has no flags.
  if (auto fastMath = dyn_cast<arith::ArithFastMathInterface>(copy);
      fastMath && scoreArg && !isa<arith::ExtFOp, arith::TruncFOp>(copy))
    copy->setAttr(fastMath.getFastMathAttrName(),
                  arith::FastMathFlagsAttr::get(
                      b.getContext(), arith::FastMathFlags::contract));
  map.map(op.getResults(), copy->getResults());
}

/// The bounds are the same in all lanes; what a loop and those in it carry is
/// in lanes unless nothing in them is.
void PositionRegion::emitLoop(scf::ForOp op) {
  Operation *outermost = body.findAncestorOpInBlock(*op);
  bool isInLanes = levels.lookup(outermost) != Uniform;
  auto inLanes = [&](Value value) {
    return isInLanes && !isVector(value) ? e.broadcast(value) : value;
  };
  SmallVector<Value> inits;
  for (Value init : op.getInitArgs())
    inits.push_back(inLanes(map.lookupOrDefault(init)));
  auto loop = scf::ForOp::create(b, map.lookupOrDefault(op.getLowerBound()),
                                 map.lookupOrDefault(op.getUpperBound()),
                                 map.lookupOrDefault(op.getStep()), inits);
  map.map(op.getInductionVar(), loop.getInductionVar());
  map.map(op.getRegionIterArgs(), loop.getRegionIterArgs());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    for (Operation &inner : op.getBody()->without_terminator())
      emitOperation(inner);
    SmallVector<Value> results;
    for (Value result : op.getBody()->getTerminator()->getOperands())
      results.push_back(inLanes(map.lookupOrDefault(result)));
    scf::YieldOp::create(b, results);
  }
  map.map(op.getResults(), loop.getResults());
}

/// Indices are clamped into the tensor; an empty tensor gives zero without a
/// read.
Value PositionRegion::emitRead(attn::ReadOp op) {
  Value source = map.lookupOrDefault(op.getSource());
  auto type = cast<MemRefType>(source.getType());
  Type element = type.getElementType();

  SmallVector<Value> indices;
  Value nonEmpty;
  for (auto [axis, operand] : llvm::enumerate(op.getIndices())) {
    Value index = map.lookupOrDefault(operand);
    Type intType = getElementTypeOrSelf(index.getType());
    Value extent = memref::DimOp::create(b, source, axis);
    Value last = arith::IndexCastOp::create(
        b, intType, arith::SubIOp::create(b, extent, e.index(1)));
    Value zero = arith::ConstantOp::create(b, b.getIntegerAttr(intType, 0));
    if (isVector(index)) {
      last = e.broadcast(last);
      zero = e.broadcast(zero);
    }
    index =
        arith::MinSIOp::create(b, arith::MaxSIOp::create(b, index, zero), last);
    indices.push_back(index);
    if (!type.isDynamicDim(axis) && type.getDimSize(axis) > 0)
      continue;
    Value some =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, extent, e.index(0));
    nonEmpty =
        nonEmpty ? arith::AndIOp::create(b, nonEmpty, some).getResult() : some;
  }
  if (!nonEmpty)
    return emitLoad(source, indices, element);

  Type result = llvm::any_of(indices, isVector)
                    ? Type(VectorType::get({e.lanes}, element))
                    : element;
  auto branch = scf::IfOp::create(b, TypeRange{result}, nonEmpty,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, emitLoad(source, indices, element));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(
      b, arith::ConstantOp::create(b, b.getZeroAttr(result)).getResult());
  return branch.getResult(0);
}

/// A scalar load, or a gather when an index differs between lanes.
Value PositionRegion::emitLoad(Value source, ArrayRef<Value> indices,
                               Type element) {
  if (llvm::none_of(indices, isVector)) {
    SmallVector<Value> at;
    for (Value index : indices)
      at.push_back(arith::IndexCastOp::create(b, b.getIndexType(), index));
    return memref::LoadOp::create(b, source, at);
  }
  // Offsets in elements, 64 bits wide: a captured [B, H, S, T] tensor may have
  // more than 2^31 elements.
  auto offsets = VectorType::get({e.lanes}, b.getI64Type());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, source);
  Value uniform = metadata.getOffset(), varying;
  for (auto [index, stride] : llvm::zip(indices, metadata.getStrides())) {
    if (!isVector(index)) {
      Value at = arith::IndexCastOp::create(b, b.getIndexType(), index);
      uniform = arith::AddIOp::create(b, uniform,
                                      arith::MulIOp::create(b, at, stride));
      continue;
    }
    Value wide = index;
    if (index.getType() != offsets)
      wide = arith::ExtSIOp::create(b, offsets, index);
    Value step = arith::IndexCastOp::create(b, b.getI64Type(), stride);
    Value term = arith::MulIOp::create(b, wide, e.broadcast(step));
    varying =
        varying ? arith::AddIOp::create(b, varying, term).getResult() : term;
  }
  auto dynamic = ShapedType::kDynamic;
  auto flatType = MemRefType::get(
      {dynamic}, element, StridedLayoutAttr::get(b.getContext(), dynamic, {1}));
  // The size is only a promise to the type system; offsets are in range.
  Value flat = memref::ReinterpretCastOp::create(
      b, flatType, metadata.getBaseBuffer(), OpFoldResult(uniform),
      ArrayRef<OpFoldResult>{OpFoldResult(e.index(INT64_C(1) << 40))},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
  auto maskType = VectorType::get({e.lanes}, b.getI1Type());
  Value all = arith::ConstantOp::create(b, maskType,
                                        DenseElementsAttr::get(maskType, true));
  auto result = VectorType::get({e.lanes}, element);
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(result));
  return vector::GatherOp::create(b, result, flat, ValueRange{e.index(0)},
                                  varying, all, none);
}
