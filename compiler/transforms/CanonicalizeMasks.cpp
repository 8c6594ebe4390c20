//===- CanonicalizeMasks.cpp - Masks in the form that analysis reads ------===//
//
// The mask becomes a tree of conjunctions and disjunctions of comparisons: no
// negation, the key position alone on the left where the algebra allows, |x| <=
// c as two bounds, every bound that another one implies gone. Code generation
// gains too: what stands on the right of a key position is the same for all
// keys.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/transforms/MaskFormula.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <map>

#define DEBUG_TYPE "attn-canonicalize-masks"

namespace ladon {
#define GEN_PASS_DEF_CANONICALIZEMASKS
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;
using namespace ladon::attn;
using Predicate = arith::CmpIPredicate;

namespace {

/// Emits formulas at the end of a mask, every operation once.
class FormulaEmitter {
public:
  explicit FormulaEmitter(Block &mask)
      : key(mask.getArgument(3)),
        b(mask.getTerminator()->getLoc(), OpBuilder(mask.getTerminator())) {}

  Value emit(const Formula &formula);

private:
  Value emitBound(const Formula &bound);
  Value emitJunction(const Formula &formula);
  Value constant(Type type, int64_t value);
  Value compare(Predicate predicate, Value left, Value right);
  /// The operation `OpTy` of two values.
  template <typename OpTy> Value binary(Value left, Value right) {
    return emitOnce(OpTy::getOperationName(), left, right,
                    [&] { return OpTy::create(b, left, right); });
  }
  Value emitOnce(StringRef name, Value left, Value right,
                 llvm::function_ref<Value()> create);

  Value key;
  ImplicitLocOpBuilder b;
  /// What has been emitted, by operation and operands.
  std::map<std::tuple<std::string, void *, void *>, Value> emitted;
};

} // namespace

Value FormulaEmitter::emitOnce(StringRef name, Value left, Value right,
                               llvm::function_ref<Value()> create) {
  Value &known = emitted[{name.str(), left.getAsOpaquePointer(),
                          right.getAsOpaquePointer()}];
  if (!known)
    known = create();
  return known;
}

Value FormulaEmitter::constant(Type type, int64_t value) {
  std::string name = std::to_string(value);
  if (type.isInteger(1))
    name += " of i1";
  return emitOnce(name, {}, {}, [&] {
    return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
  });
}

Value FormulaEmitter::compare(Predicate predicate, Value left, Value right) {
  return emitOnce(arith::stringifyCmpIPredicate(predicate), left, right, [&] {
    return arith::CmpIOp::create(b, predicate, left, right);
  });
}

Value FormulaEmitter::emitBound(const Formula &bound) {
  auto [predicate, offset] = bound.getWritten();
  Type type = key.getType();
  Value sum;
  for (auto [value, factor] : bound.getOrderedTerms()) {
    if (std::abs(factor) != 1)
      value = binary<arith::MulIOp>(value, constant(type, std::abs(factor)));
    if (!sum)
      sum =
          factor > 0 ? value : binary<arith::SubIOp>(constant(type, 0), value);
    else
      sum = factor > 0 ? binary<arith::AddIOp>(sum, value)
                       : binary<arith::SubIOp>(sum, value);
  }
  if (!sum)
    sum = constant(type, offset);
  else if (offset != 0)
    sum = binary<arith::AddIOp>(sum, constant(type, offset));
  return compare(predicate, key, sum);
}

Value FormulaEmitter::emitJunction(const Formula &formula) {
  Value result;
  for (const Formula &part : formula.parts) {
    Value next = emit(part);
    b.setLoc(formula.loc);
    if (!result)
      result = next;
    else
      result = formula.kind == Formula::And
                   ? binary<arith::AndIOp>(result, next)
                   : binary<arith::OrIOp>(result, next);
  }
  return result;
}

Value FormulaEmitter::emit(const Formula &formula) {
  b.setLoc(formula.loc);
  switch (formula.kind) {
  case Formula::True:
  case Formula::False:
    return constant(b.getI1Type(), formula.kind == Formula::True);
  case Formula::Value:
    if (!formula.negated)
      return formula.value;
    return binary<arith::XOrIOp>(formula.value, constant(b.getI1Type(), 1));
  case Formula::Compare:
    return compare(formula.predicate, formula.left, formula.right);
  case Formula::Bound:
    return emitBound(formula);
  case Formula::And:
  case Formula::Or:
    return emitJunction(formula);
  }
  return {};
}

/// What a comparison of any two values of two ranges gives, if always the same.
static std::optional<bool> decide(Predicate predicate, IntegerRange left,
                                  IntegerRange right) {
  switch (predicate) {
  case Predicate::slt:
    if (left.max < right.min || left.min >= right.max)
      return left.max < right.min;
    return std::nullopt;
  case Predicate::sle:
    if (left.max <= right.min || left.min > right.max)
      return left.max <= right.min;
    return std::nullopt;
  case Predicate::sgt:
  case Predicate::sge:
    return decide(predicate == Predicate::sgt ? Predicate::slt : Predicate::sle,
                  right, left);
  default:
    if (left.max < right.min || left.min > right.max)
      return predicate == Predicate::ne;
    return std::nullopt;
  }
}

/// Replaces comparisons that ranges decide, wherever they stand: a remainder of
/// natural numbers needs no correction of its sign.
static void decideComparisons(AttendOp op, Region &region,
                              unsigned firstPosition) {
  IntegerForms forms(op, firstPosition);
  for (Operation &inner : region.front()) {
    auto compare = dyn_cast<arith::CmpIOp>(&inner);
    if (!compare || compare.getPredicate() > Predicate::sge)
      continue;
    std::optional<bool> truth =
        decide(compare.getPredicate(), forms.range(compare.getLhs()),
               forms.range(compare.getRhs()));
    if (!truth)
      continue;
    OpBuilder b(compare);
    compare.replaceAllUsesWith(
        arith::ConstantOp::create(b, compare.getLoc(), b.getBoolAttr(*truth))
            .getResult());
  }
}

static void canonicalizeMask(AttendOp op) {
  Block &body = op.getMask().front();
  auto yield = cast<YieldOp>(body.getTerminator());
  Formula formula = FormulaBuilder(op).build(yield.getValue(), /*truth=*/true);
  yield.setOperand(FormulaEmitter(body).emit(formula));
  // Users stand after what they use.
  SmallVector<Operation *> old;
  for (Operation &inner : body.without_terminator())
    old.push_back(&inner);
  for (Operation *inner : llvm::reverse(old))
    if (isOpTriviallyDead(inner))
      inner->erase();
}

namespace {

struct CanonicalizeMasks
    : ladon::impl::CanonicalizeMasksBase<CanonicalizeMasks> {
  void runOnOperation() override {
    getOperation().walk([](AttendOp op) {
      if (op.hasScore())
        decideComparisons(op, op.getScore(), /*firstPosition=*/1);
      if (!op.hasMask())
        return;
      decideComparisons(op, op.getMask(), /*firstPosition=*/0);
      canonicalizeMask(op);
    });
  }
};

} // namespace
