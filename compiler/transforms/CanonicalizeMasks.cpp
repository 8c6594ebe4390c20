//===- CanonicalizeMasks.cpp - Masks in the form that analysis reads ------===//
//
// The mask becomes the tree that compiler/analysis makes of it: no negation,
// the key position alone on the left where the algebra allows, |x| <= c as two
// bounds, every bound that another one implies gone. Code generation gains too:
// what stands on the right of a key position is the same for all keys. What
// could wrap or divides stays as it is written.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/analysis/AttendSite.h"
#include "compiler/support/Debug.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/RegionUtils.h"

#define DEBUG_TYPE "attn-canonicalize-masks"

namespace ladon {
#define GEN_PASS_DEF_CANONICALIZEMASKS
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;
using namespace ladon::analysis;
using attn::AttendOp;
using Kind = Condition::Kind;
using Relation = Condition::Relation;
using Predicate = arith::CmpIPredicate;

namespace {

/// Emits a condition at the end of its mask.
class ConditionPrinter {
public:
  explicit ConditionPrinter(Block &mask)
      : key(mask.getArgument(3)), loc(mask.getTerminator()->getLoc()),
        b(loc, OpBuilder(mask.getTerminator())) {}

  Value print(const Condition *condition);

private:
  /// j `predicate` the sum of `terms` and `constant`.
  struct Bound {
    Predicate predicate;
    SmallVector<std::pair<const Atom *, int64_t>> terms;
    int64_t constant;
  };
  std::optional<Bound> solve(const Condition *comparison);
  bool canWrite(const Bound &bound);
  Value printBound(const Bound &bound);
  Value printJunction(const Condition *junction);
  Value printAsWritten(Value value, bool truth);
  Value constant(int64_t value) {
    return arith::ConstantOp::create(b, b.getIntegerAttr(key.getType(), value));
  }

  Value key;
  Location loc;
  ImplicitLocOpBuilder b;
  llvm::DenseMap<const Condition *, Value> printed;
  llvm::DenseMap<std::pair<Value, unsigned>, Value> asWritten;
};

} // namespace

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

/// A comparison as a bound of the key position; none if it holds no such, or
/// the bound could wrap.
std::optional<ConditionPrinter::Bound>
ConditionPrinter::solve(const Condition *c) {
  const LinearForm &form = c->form;
  auto isKey = [](auto &term) { return term.first->kind == Atom::Kind::Key; };
  auto *found = llvm::find_if(form.terms, isKey);
  if (c->isDerived || !form.obligations.empty() || found == form.terms.end() ||
      std::abs(found->second) != 1)
    return std::nullopt;
  // factor * j + rest against 0 is j against -factor * rest.
  int64_t factor = found->second;
  Bound bound;
  bound.predicate = c->relation == Relation::Equal      ? Predicate::eq
                    : c->relation == Relation::NotEqual ? Predicate::ne
                    : factor == 1                       ? Predicate::sle
                                                        : Predicate::sge;
  // Strict where that saves adding 1.
  bound.constant = -factor * form.constant;
  if (c->relation == Relation::LessEqual && bound.constant == -factor) {
    bound.predicate = factor == 1 ? Predicate::slt : Predicate::sgt;
    bound.constant = 0;
  }
  // Positive terms first, so that no leading negation is needed.
  for (bool isPositive : {true, false})
    for (auto [atom, coefficient] : form.terms)
      if (atom != found->first && (-factor * coefficient > 0) == isPositive) {
        if (!atom->value || atom->value.getType() != key.getType())
          return std::nullopt;
        bound.terms.push_back({atom, -factor * coefficient});
      }
  return canWrite(bound) ? std::optional(bound) : std::nullopt;
}

/// Whether no partial sum can wrap.
bool ConditionPrinter::canWrite(const Bound &bound) {
  IntegerRange all = rangeOfType(key.getType());
  LinearForm partial;
  for (auto term : bound.terms) {
    LinearForm product;
    product.terms.push_back({term.first, std::abs(term.second)});
    partial.terms.push_back(term);
    if (!all.contains(product.range()) || !all.contains(partial.range()) ||
        !all.contains({std::abs(term.second), std::abs(term.second)}))
      return false;
  }
  partial.constant = bound.constant;
  return all.contains({bound.constant, bound.constant}) &&
         all.contains(partial.range());
}

Value ConditionPrinter::printBound(const Bound &bound) {
  Value sum;
  for (auto [atom, factor] : bound.terms) {
    Value value = atom->value;
    if (std::abs(factor) != 1)
      value = arith::MulIOp::create(b, value, constant(std::abs(factor)));
    if (!sum)
      sum = factor > 0 ? value : arith::SubIOp::create(b, constant(0), value);
    else if (factor > 0)
      sum = arith::AddIOp::create(b, sum, value);
    else
      sum = arith::SubIOp::create(b, sum, value);
  }
  if (!sum)
    sum = constant(bound.constant);
  else if (bound.constant != 0)
    sum = arith::AddIOp::create(b, sum, constant(bound.constant));
  return arith::CmpIOp::create(b, bound.predicate, key, sum);
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

Value ConditionPrinter::printAsWritten(Value value, bool truth) {
  if (truth)
    return value;
  Value &result = asWritten[{value, truth}];
  if (result)
    return result;
  b.setLoc(value.getLoc());
  if (auto compare = value.getDefiningOp<arith::CmpIOp>())
    return result = arith::CmpIOp::create(
               b, arith::invertPredicate(compare.getPredicate()),
               compare.getLhs(), compare.getRhs());
  Value one = arith::ConstantOp::create(b, b.getBoolAttr(true));
  return result = arith::XOrIOp::create(b, value, one);
}

Value ConditionPrinter::printJunction(const Condition *c) {
  // A comparison with a part that is no bound stays as it is written, and then
  // says what its other parts say.
  llvm::SmallDenseSet<std::pair<Value, unsigned>> whole;
  for (const Condition *part : c->parts)
    if (part->kind == Kind::Compare && !solve(part))
      whole.insert({part->value, part->truth});
  Value result;
  SmallPtrSet<void *, 8> seen;
  for (const Condition *part : c->parts) {
    bool isWhole = part->kind == Kind::Compare &&
                   whole.contains({part->value, part->truth});
    Value next =
        isWhole ? printAsWritten(part->value, part->truth) : print(part);
    if (!seen.insert(next.getAsOpaquePointer()).second)
      continue;
    b.setLoc(loc);
    if (!result)
      result = next;
    else if (c->kind == Kind::And)
      result = arith::AndIOp::create(b, result, next);
    else
      result = arith::OrIOp::create(b, result, next);
  }
  return result;
}

Value ConditionPrinter::print(const Condition *c) {
  if (Value known = printed.lookup(c))
    return known;
  Value result;
  if (c->value)
    b.setLoc(c->value.getLoc());
  if (c->kind == Kind::Constant) {
    result = arith::ConstantOp::create(b, b.getBoolAttr(c->truth));
  } else if (c->isJunction() && !c->value) {
    result = printJunction(c);
  } else if (auto bound = c->kind == Kind::Compare ? solve(c) : std::nullopt) {
    result = printBound(*bound);
  } else {
    result = printAsWritten(c->value, c->truth);
  }
  return printed[c] = result;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Replaces comparisons that ranges decide, wherever they stand: a remainder of
/// natural numbers needs no correction of its sign.
static void decideComparisons(Block &body, unsigned firstPosition,
                              const MaskSite &site) {
  IntegerRanges ranges;
  auto args = body.getArguments().drop_front(firstPosition);
  for (auto [arg, range] : llvm::zip(args, site.positions))
    ranges.set(arg, range);
  for (auto [arg, capture] : llvm::zip(args.drop_front(4), site.captures))
    if (arg.getType().isIntOrIndex())
      ranges.set(arg, ranges.of(capture));
  for (Operation &inner : body) {
    auto compare = dyn_cast<arith::CmpIOp>(&inner);
    if (!compare || !compare.getType().isInteger(1))
      continue;
    IntegerRange truth = ranges.of(compare);
    if (!truth.isPoint())
      continue;
    OpBuilder b(compare);
    compare.replaceAllUsesWith(
        arith::ConstantOp::create(b, compare.getLoc(),
                                  b.getBoolAttr(truth.min != 0))
            .getResult());
  }
}

static void canonicalizeMask(AttendOp op, const MaskSite &site) {
  Block &body = op.getMask().front();
  MaskCondition mask(body, site);
  Value visible = ConditionPrinter(body).print(mask.visible());
  body.getTerminator()->setOperand(0, visible);
}

namespace {

struct CanonicalizeMasks
    : ladon::impl::CanonicalizeMasksBase<CanonicalizeMasks> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](AttendOp op) {
      MaskSite site = siteOf(op);
      if (op.hasScore())
        decideComparisons(op.getScore().front(), /*firstPosition=*/1, site);
      if (!op.hasMask())
        return;
      decideComparisons(op.getMask().front(), /*firstPosition=*/0, site);
      canonicalizeMask(op, site);
      (void)runRegionDCE(rewriter, op->getRegions());
      LADON_DEBUG("canonical mask " << op << '\n');
    });
  }
};

} // namespace
