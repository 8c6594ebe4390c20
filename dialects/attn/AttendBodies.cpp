//===- AttendBodies.cpp - attn.attend: what its regions may hold ----------===//

#include "dialects/attn/Attn.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ladon::attn;

/// Types of the arguments of a region.
static SmallVector<Type> getBodyTypes(AttendOp op, Region &region) {
  SmallVector<Type> types;
  if (op.hasNumber(region))
    types.push_back(op.getElementType());
  types.append(4, IntegerType::get(op.getContext(), 32));
  llvm::append_range(types, op.getCaptures().getTypes());
  return types;
}

Block *AttendOp::createBody(OpBuilder &builder, Region &region) {
  SmallVector<Type> types = getBodyTypes(*this, region);
  SmallVector<Location> locs(types.size(), getLoc());
  OpBuilder::InsertionGuard guard(builder);
  return builder.createBlock(&region, region.end(), types, locs);
}

/// Whether a value of a region depends on what differs between the heads, the
/// queries or the keys of a tile.
static bool variesInTile(AttendOp op, Region &region, Value value) {
  unsigned batch = op.hasNumber(region) ? 1 : 0;
  SmallVector<Value> work = {value};
  llvm::SmallPtrSet<Operation *, 16> visited;
  while (!work.empty()) {
    Value next = work.pop_back_val();
    if (auto arg = dyn_cast<BlockArgument>(next)) {
      unsigned number = arg.getArgNumber();
      if (arg.getOwner() == &region.front() && number < batch + 4 &&
          number != batch)
        return true;
      continue;
    }
    next.getDefiningOp()->walk([&](Operation *inner) {
      if (visited.insert(inner).second)
        llvm::append_range(work, inner->getOperands());
    });
  }
  return false;
}

/// Whether an operation computes a number from numbers and captures; it may be
/// a loop of such operations.
static bool isScalar(Operation &op) {
  auto isNumber = [](Type type) { return type.isIntOrIndexOrFloat(); };
  if (isa<scf::ForOp>(op))
    return llvm::all_of(op.getResultTypes(), isNumber) &&
           llvm::all_of(op.getRegion(0).front().without_terminator(), isScalar);
  return op.getNumRegions() == 0 && isMemoryEffectFree(&op) &&
         llvm::all_of(op.getResultTypes(), isNumber);
}

static LogicalResult verifyBody(AttendOp op, Region &region, StringRef name) {
  if (region.empty())
    return success();
  Block &body = region.front();
  SmallVector<Type> expected = getBodyTypes(op, region);
  if (body.getArgumentTypes() != TypeRange(expected))
    return op.emitOpError("expected ")
           << name << " arguments of types " << TypeRange(expected)
           << ", found " << TypeRange(body.getArgumentTypes());
  auto yield = body.empty() ? YieldOp() : dyn_cast<YieldOp>(body.back());
  if (!yield)
    return op.emitOpError("expected ") << name << " to end in attn.yield";
  Type yielded = op.getElementType();
  if (!op.hasNumber(region))
    yielded = IntegerType::get(op.getContext(), 1);
  if (yield.getValue().getType() != yielded)
    return yield.emitOpError("expected a value of ")
           << yielded << " in " << name << ", found "
           << yield.getValue().getType();
  for (Operation &inner : body.without_terminator())
    if (!isScalar(inner))
      return inner.emitOpError("does not belong in a ")
             << name
             << ": expected pure operations on scalars, loops of them, and "
                "attn.read";
  WalkResult loops = region.walk([&](scf::ForOp loop) {
    for (Value bound :
         {loop.getLowerBound(), loop.getUpperBound(), loop.getStep()})
      if (variesInTile(op, region, bound)) {
        loop.emitOpError("expected bounds that are the same for all heads, "
                         "queries and keys");
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  if (loops.wasInterrupted())
    return failure();
  return success();
}

LogicalResult AttendOp::verifyRegions() {
  if (failed(verifyBody(*this, getScore(), "score")) ||
      failed(verifyBody(*this, getMask(), "mask")))
    return failure();
  return verifyBody(*this, getWeight(), "weight");
}
