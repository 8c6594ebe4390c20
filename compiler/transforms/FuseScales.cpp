//===- FuseScales.cpp - Read scaled keys and values as they are stored ----===//
//
// A cache of small integers is stored with a scale per key, and a spec writes
// the product. Computing it beforehand would write and read the cache in the
// wide type, several times the bytes that a call with few queries is bound by.
// A factor without features can leave the sum over them: that of a key goes to
// its score, that of a value to its weight.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"
#include "compiler/transforms/ScaledElements.h"

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

#define DEBUG_TYPE "attn-fuse-scales"

namespace ladon {
#define GEN_PASS_DEF_FUSESCALES
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;
using namespace ladon::attn;

//===----------------------------------------------------------------------===//
// Factors in a region
//===----------------------------------------------------------------------===//

namespace {

/// Writes values of a `linalg.generic`, whose result is operand `number` of an
/// attend, into a region of that attend.
class FactorWriter {
public:
  FactorWriter(AttendOp attend, unsigned number, linalg::GenericOp generic,
               Region &region)
      : attend(attend), number(number), generic(generic), region(region),
        b(generic.getLoc(), attend), isNew(region.empty()) {
    if (isNew)
      attend.createBody(b, region);
    b.setInsertionPointToStart(&region.front());
  }

  /// Multiplies the score or weight that comes in by the factors.
  void scale(ArrayRef<Factor> factors) {
    BlockArgument argument = region.getArgument(0);
    Value plain = argument;
    Operation *first = nullptr;
    for (Factor factor : factors) {
      Value value = write(factor.value);
      plain = factor.divides
                  ? arith::DivFOp::create(b, plain, value).getResult()
                  : arith::MulFOp::create(b, plain, value).getResult();
      if (!first)
        first = plain.getDefiningOp();
    }
    if (isNew)
      YieldOp::create(b, plain);
    else
      argument.replaceAllUsesExcept(plain, first);
  }

private:
  Value write(Value value) {
    if (Value known = written.lookupOrNull(value))
      return known;
    Operation *made = value.getDefiningOp();
    Value result;
    if (made && made->getBlock() == generic.getBody()) {
      for (Value operand : made->getOperands())
        written.map(operand, write(operand));
      result = b.clone(*made, written)->getResult(0);
    } else if (made && made->hasTrait<OpTrait::ConstantLike>()) {
      result = b.clone(*made)->getResult(0);
    } else if (auto argument = dyn_cast<BlockArgument>(value);
               argument && argument.getOwner() == generic.getBody()) {
      result = read(*generic.getMatchingOpOperand(argument));
    } else {
      result = capture(value);
    }
    written.map(value, result);
    return result;
  }

  Value read(OpOperand &operand) {
    Value tensor = capture(operand.get());
    SmallVector<Value> indices;
    for (AffineExpr axis :
         generic.getMatchingIndexingMap(&operand).getResults()) {
      auto loop = dyn_cast<AffineDimExpr>(axis);
      indices.push_back(loop ? position(loop.getPosition()) : integer(0));
    }
    Type element = cast<ShapedType>(tensor.getType()).getElementType();
    return ReadOp::create(b, element, tensor, indices);
  }

  /// The index along an axis of the operand, of the position that the region is
  /// for.
  Value position(unsigned axis) {
    auto args = region.getArguments().drop_front();
    Value batch = args[0], head = args[1], key = args[3];
    Value pages = attend.getPages();
    AttendOp::AxisRole role = (*attend.getAxisRoles(number))[axis];
    if (attend.isShared(number, role))
      return integer(0);
    switch (role) {
    case AttendOp::AxisRole::Batch:
      if (!pages)
        return batch;
      return ReadOp::create(
          b, b.getI32Type(), capture(pages),
          ValueRange{batch, arith::DivUIOp::create(b, key, pageSize())});
    case AttendOp::AxisRole::Head: {
      int64_t group = attend.getHeads() / attend.getKeyValueHeads();
      if (group == 1)
        return head;
      return arith::DivUIOp::create(b, head, integer(group));
    }
    case AttendOp::AxisRole::Position:
      if (!pages)
        return key;
      return arith::RemUIOp::create(b, key, pageSize());
    case AttendOp::AxisRole::Feature:
    case AttendOp::AxisRole::Joined:
      break;
    }
    llvm_unreachable("a factor has no feature");
  }

  Value pageSize() { return integer(attend.getPageSize()); }
  Value integer(int64_t value) {
    return arith::ConstantIntOp::create(b, value, 32);
  }

  /// The argument of the region for a value from outside.
  Value capture(Value value) {
    attend.getCapturesMutable().append(value);
    for (Region *body : attend.getBodies())
      body->addArgument(value.getType(), attend.getLoc());
    return region.getArguments().back();
  }

  AttendOp attend;
  unsigned number;
  linalg::GenericOp generic;
  Region &region;
  ImplicitLocOpBuilder b;
  bool isNew;
  IRMapping written;
};

} // namespace

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Constant factors of keys are one number for all scores, and have a place.
static SmallVector<Factor> foldIntoScale(AttendOp op,
                                         ArrayRef<Factor> factors) {
  SmallVector<Factor> rest;
  double scale = op.getScale().convertToDouble();
  for (Factor factor : factors) {
    llvm::APFloat constant(0.0);
    if (!matchPattern(factor.value, m_ConstantFloat(&constant))) {
      rest.push_back(factor);
      continue;
    }
    double number = constant.convertToDouble();
    scale = factor.divides ? scale / number : scale * number;
  }
  if (!std::isfinite(scale))
    return SmallVector<Factor>(factors);
  op.setScale(llvm::APFloat(scale));
  return rest;
}

/// Reads operand `number`, that of k or v, as it is stored, if it is scaled.
static bool fuseOperand(AttendOp op, unsigned number) {
  Value operand = op.getMappedOperand(number).get();
  auto generic = operand.getDefiningOp<linalg::GenericOp>();
  int64_t feature = op.findAxis(number, AttendOp::AxisRole::Feature);
  if (!generic || feature < 0)
    return false;
  // Elsewhere, narrow elements are not converted where they are used.
  if (!op.getElementType().isF32() ||
      cast<ShapedType>(operand.getType()).getElementType() !=
          op.getElementType())
    return false;
  ScaledElements scaled(generic, feature);
  if (!scaled.match())
    return false;
  SmallVector<Factor> factors(scaled.getFactors());
  if (number == 1)
    factors = foldIntoScale(op, factors);
  if (!factors.empty())
    FactorWriter(op, number, generic,
                 number == 1 ? op.getScore() : op.getWeight())
        .scale(factors);
  op.getMappedOperand(number).set(scaled.getStored());
  return true;
}

namespace {
struct FuseScales : ladon::impl::FuseScalesBase<FuseScales> {
  void runOnOperation() override {
    getOperation().walk([&](AttendOp op) {
      if (op->getNumResults() == 0)
        return;
      for (unsigned number : {1, 2})
        fused += fuseOperand(op, number);
    });
  }
};
} // namespace
