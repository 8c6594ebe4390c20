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
  /// j `predicate` `limit`.
  struct Bound {
    Predicate predicate;
    LinearForm limit;
  };
  std::optional<Bound> solve(const Condition *comparison);
  bool canWrite(const LinearForm &sum);
  Value printBound(const Bound &bound);
  Value printJunction(const Condition *c);
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
  auto isKey = [](auto &term) { return term.first->kind == Atom::Kind::Key; };
  LinearForm limit = c->form;
  auto *found = llvm::find_if(limit.terms, isKey);
  if (c->isDerived || !limit.obligations.empty() ||
      found == limit.terms.end() || std::abs(found->second) != 1)
    return std::nullopt;
  // factor * j + rest against 0 is j against -factor * rest.
  int64_t factor = found->second;
  limit.terms.erase(found);
  limit = scaled(limit, -factor);
  Predicate predicate = c->relation == Relation::Equal      ? Predicate::eq
                        : c->relation == Relation::NotEqual ? Predicate::ne
                        : factor == 1                       ? Predicate::sle
                                                            : Predicate::sge;
  // Strict where that saves adding 1.
  if (c->relation == Relation::LessEqual && limit.constant == -factor) {
    predicate = factor == 1 ? Predicate::slt : Predicate::sgt;
    limit.constant = 0;
  }
  // Positive terms first, so that no leading negation is needed.
  auto order = [](auto &term) {
    return std::make_pair(term.second < 0, term.first->id);
  };
  llvm::sort(limit.terms,
             [&](auto &a, auto &b) { return order(a) < order(b); });
  return canWrite(limit) ? std::optional(Bound{predicate, limit})
                         : std::nullopt;
}

/// Whether all terms have values, and no partial sum can wrap.
bool ConditionPrinter::canWrite(const LinearForm &sum) {
  IntegerRange all = rangeOfType(key.getType());
  auto fits = [&](Wide number) { return all.contains({number, number}); };
  LinearForm partial;
  for (auto [atom, factor] : sum.terms) {
    int64_t size = std::abs(factor);
    partial.terms.push_back({atom, factor});
    if (!atom->value || atom->value.getType() != key.getType() || !fits(size) ||
        !all.contains(atom->range * IntegerRange{size, size}) ||
        !all.contains(partial.range()))
      return false;
  }
  return fits(sum.constant) && all.contains(sum.range());
}

Value ConditionPrinter::printBound(const Bound &bound) {
  auto &[predicate, limit] = bound;
  Value sum;
  for (auto [atom, factor] : limit.terms) {
    Value value = atom->value;
    if (std::abs(factor) != 1)
      value = arith::MulIOp::create(b, value, constant(std::abs(factor)));
    if (!sum && factor > 0)
      sum = value;
    else if (factor > 0)
      sum = arith::AddIOp::create(b, sum, value);
    else
      sum = arith::SubIOp::create(b, sum ? sum : constant(0), value);
  }
  if (!sum)
    sum = constant(limit.constant);
  else if (limit.constant != 0)
    sum = arith::AddIOp::create(b, sum, constant(limit.constant));
  return arith::CmpIOp::create(b, predicate, key, sum);
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
  IntegerRanges ranges =
      site.rangesOf(body.getArguments().drop_front(firstPosition));
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
      Block &mask = op.getMask().front();
      decideComparisons(mask, /*firstPosition=*/0, site);
      MaskCondition condition(mask, site);
      Value visible = ConditionPrinter(mask).print(condition.visible());
      mask.getTerminator()->setOperand(0, visible);
      (void)runRegionDCE(rewriter, op->getRegions());
      LADON_DEBUG("canonical mask " << op << '\n');
    });
  }
};

} // namespace
