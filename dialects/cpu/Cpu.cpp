//===- Cpu.cpp - The cpu dialect ------------------------------------------===//

#include "dialects/cpu/Cpu.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace ladon::cpu;

#include "dialects/cpu/CpuDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/cpu/CpuOps.cpp.inc"

void CpuDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/cpu/CpuOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

LogicalResult ArgumentOp::verify() {
  constexpr int64_t maxRank = 64;
  if (auto type = dyn_cast<MemRefType>(getValue().getType()))
    if (type.getRank() > maxRank)
      return emitOpError("expected at most ")
             << maxRank << " axes, found " << type.getRank();
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// What memory of the call may look like.
static LogicalResult verifyMemory(Operation *op, MemRefType type,
                                  size_t numSizes) {
  if (!type.getLayout().isIdentity())
    return op->emitOpError("expected memory in row-major order, found ")
           << type;
  if (type.getMemorySpace())
    return op->emitOpError("expected the default memory space, found ")
           << type.getMemorySpace();
  if (!type.getElementType().isIntOrIndexOrFloat())
    return op->emitOpError("expected numbers as elements, found ")
           << type.getElementType();
  if (type.getNumDynamicDims() != numSizes)
    return op->emitOpError("expected ")
           << type.getNumDynamicDims() << " sizes, found " << numSizes;
  int64_t elements = 1;
  constexpr int64_t maxElements = int64_t(1) << 48;
  for (int64_t extent : type.getShape()) {
    if (ShapedType::isDynamic(extent))
      continue;
    std::optional<int64_t> product = llvm::checkedMul(elements, extent);
    if (!product || *product > maxElements)
      return op->emitOpError("expected at most 2^48 elements, found ") << type;
    elements = *product;
  }
  return success();
}

LogicalResult AllocOp::verify() {
  return verifyMemory(*this, cast<MemRefType>(getMemory().getType()),
                      getSizes().size());
}

LogicalResult TryAllocOp::verify() {
  return verifyMemory(*this, cast<MemRefType>(getMemory().getType()),
                      getSizes().size());
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

LogicalResult LaunchOp::verify() {
  int64_t last = -1, numCaptures = getCaptures().size();
  for (int64_t number : getDisjoint().value_or(ArrayRef<int64_t>())) {
    if (number <= last || number >= numCaptures)
      return emitOpError("expected ascending numbers below ")
             << numCaptures << " in disjoint, found " << number << " after "
             << last;
    last = number;
    Type type = getCaptures()[number].getType();
    if (!isa<MemRefType>(type))
      return emitOpError("expected memrefs only in disjoint, found ")
             << type << " as capture " << number;
  }
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto task = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getTaskAttr());
  if (!task)
    return emitOpError("expected a function, found no '") << getTask() << "'";
  // A function of another dialect has types that are lowered further.
  auto found = dyn_cast<FunctionType>(task.getFunctionType());
  if (!found)
    return success();
  Builder b(getContext());
  SmallVector<Type> inputs(getCaptures().getTypes());
  inputs.push_back(b.getIndexType());
  inputs.push_back(
      MemRefType::get(static_cast<int64_t>(getScratch()), b.getI8Type()));
  FunctionType expected = b.getFunctionType(inputs, {});
  if (found != expected)
    return emitOpError("expected '")
           << getTask() << "' to have type " << expected << ", found " << found;
  return success();
}

//===----------------------------------------------------------------------===//
// Checks of a call
//===----------------------------------------------------------------------===//

LogicalResult RefuseIndexOp::verify() {
  if (getPosition().size() == 4)
    return success();
  return emitOpError("expected a position of 4 numbers, found ")
         << getPosition().size();
}

//===----------------------------------------------------------------------===//
// Pairs
//===----------------------------------------------------------------------===//

static LogicalResult verifyPairs(Operation *op, Type pairs, Type numbers) {
  int64_t found = cast<VectorType>(pairs).getNumElements();
  int64_t expected = 2 * cast<VectorType>(numbers).getNumElements();
  if (found == expected)
    return success();
  return op->emitOpError("expected pairs of ")
         << expected << " elements beside " << numbers << ", found " << found;
}

LogicalResult DotPairsOp::verify() {
  return verifyPairs(*this, getLeft().getType(), getSums().getType());
}

LogicalResult RoundPairsOp::verify() {
  return verifyPairs(*this, getPairs().getType(), getFirst().getType());
}
