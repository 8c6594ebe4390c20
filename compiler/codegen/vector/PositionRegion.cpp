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
  for (Value operand : op.getOperands())
    level = std::max(level, levelOf(operand));
  return level;
}

PositionRegion::Level PositionRegion::levelOf(Value value) const {
  if (value == queryArg || (headArg && value == headArg))
    return Row;
  if (value == keyArg || value == scoreArg)
    return Key;
  Operation *def = value.getDefiningOp();
  return def ? levels.lookup(def) : Uniform;
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
  for (RowReads &reads : rowReads)
    emitRowOffsets(reads);
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
    auto found = llvm::find_if(
        rowReads, [&](const RowReads &reads) { return reads.op == read; });
    map.map(read.getResult(),
            found == rowReads.end() ? emitRead(read) : emitTurned(*found));
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
