//===- Mutations.cpp - Small changes to a module --------------------------===//

#include "test/e2e/mutants/Mutations.h"

#include "dialects/tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Matchers.h"

using namespace ladon;
using namespace ladon::e2e;
using namespace mlir;

std::string Mutation::describe() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  op->print(os, OpPrintingFlags().skipRegions().useLocalScope());
  return what + ": " + text.substr(0, text.find('\n')).substr(0, 150);
}

/// How many operations before and after one are shown.
static constexpr int shownBefore = 30, shownAfter = 15;

std::string Mutation::surroundings() const {
  Operation *function = op;
  while (function->getParentOp() && !isa<ModuleOp>(function->getParentOp()))
    function = function->getParentOp();
  AsmState names(function, OpPrintingFlags().skipRegions());
  std::string text;
  llvm::raw_string_ostream os(text);
  auto print = [&](Operation *shown, StringRef mark) {
    std::string line;
    llvm::raw_string_ostream lineOs(line);
    shown->print(lineOs, names);
    os << mark << StringRef(line).split('\n').first << "\n";
  };
  SmallVector<Operation *> around;
  for (Operation *outer = op->getParentOp(); outer && outer != function;
       outer = outer->getParentOp())
    around.push_back(outer);
  for (Operation *outer : llvm::reverse(around))
    print(outer, "in ");
  Operation *first = op;
  for (int left = shownBefore; left && first->getPrevNode(); --left)
    first = first->getPrevNode();
  int left = shownAfter;
  for (Operation *shown = first; shown && left; shown = shown->getNextNode()) {
    print(shown, shown == op ? "> " : "  ");
    left -= op->isBeforeInBlock(shown);
  }
  return text;
}

void Mutation::makeProbe() const {
  // Bodies of scores and masks are not code by themselves.
  Operation *at = op;
  while (!isa<func::FuncOp, scf::ForOp, scf::IfOp, scf::ForallOp, tile::GridOp,
              tile::KeyLoopOp>(at->getParentOp()))
    at = at->getParentOp();
  auto module = op->getParentOfType<ModuleOp>();
  auto builder = OpBuilder::atBlockEnd(module.getBody());
  auto type = builder.getFunctionType({}, {});
  auto abort = func::FuncOp::create(builder, op->getLoc(), "abort", type);
  abort.setPrivate();
  builder.setInsertionPoint(at);
  func::CallOp::create(builder, op->getLoc(), abort);
}

namespace {

/// Collects what can be changed.
class Collector {
public:
  void visit(Operation *op);
  std::vector<Mutation> found;

private:
  void add(Operation *op, std::string what, std::function<void()> make) {
    found.push_back({std::move(what), op, std::move(make)});
  }
  void predicates(Operation *op);
  void siblings(Operation *op);
  void swaps(Operation *op);
  void omissions(Operation *op);
  void constants(Operation *op);
  void indices(Operation *op);
  void attributes(Operation *op);
};

} // namespace

//===--- Operators -------------------------------------------------------===//

template <typename Predicate>
static Predicate otherOfPair(Predicate predicate,
                             ArrayRef<std::pair<Predicate, Predicate>> pairs) {
  for (auto [one, other] : pairs) {
    if (predicate == one)
      return other;
    if (predicate == other)
      return one;
  }
  return predicate;
}

/// The predicate that differs where both sides are equal.
static arith::CmpIPredicate beside(arith::CmpIPredicate predicate) {
  using P = arith::CmpIPredicate;
  static const std::pair<P, P> pairs[] = {{P::eq, P::ne},
                                          {P::slt, P::sle},
                                          {P::sgt, P::sge},
                                          {P::ult, P::ule},
                                          {P::ugt, P::uge}};
  return otherOfPair<P>(predicate, pairs);
}

static arith::CmpFPredicate beside(arith::CmpFPredicate predicate) {
  using P = arith::CmpFPredicate;
  static const std::pair<P, P> pairs[] = {
      {P::OEQ, P::ONE}, {P::UEQ, P::UNE}, {P::OLT, P::OLE}, {P::OGT, P::OGE},
      {P::ULT, P::ULE}, {P::UGT, P::UGE}, {P::ORD, P::UNO}};
  return otherOfPair<P>(predicate, pairs);
}

void Collector::predicates(Operation *op) {
  if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    auto other = beside(compare.getPredicate());
    add(op, "predicate " + arith::stringifyCmpIPredicate(other).str(),
        [=]() mutable { compare.setPredicate(other); });
  }
  if (auto compare = dyn_cast<arith::CmpFOp>(op)) {
    auto other = beside(compare.getPredicate());
    add(op, "predicate " + arith::stringifyCmpFPredicate(other).str(),
        [=]() mutable { compare.setPredicate(other); });
  }
}

void Collector::siblings(Operation *op) {
  static const std::pair<const char *, const char *> others[] = {
      {"arith.addi", "arith.subi"},
      {"arith.subi", "arith.addi"},
      {"arith.muli", "arith.addi"},
      {"arith.andi", "arith.ori"},
      {"arith.ori", "arith.andi"},
      {"arith.minsi", "arith.maxsi"},
      {"arith.maxsi", "arith.minsi"},
      {"arith.floordivsi", "arith.divsi"},
      {"arith.ceildivsi", "arith.divsi"},
      {"arith.addf", "arith.subf"},
      {"arith.subf", "arith.addf"},
      {"arith.mulf", "arith.addf"},
      {"arith.divf", "arith.mulf"},
      {"arith.maximumf", "arith.minimumf"},
      {"arith.minimumf", "arith.maximumf"},
      {"arith.maxnumf", "arith.minnumf"},
      {"arith.extsi", "arith.extui"},
      {"arith.extui", "arith.extsi"}};
  for (auto [name, other] : others)
    if (op->getName().getStringRef() == name) {
      std::string with = other;
      add(op, "in place of it " + with, [op, with] {
        OpBuilder builder(op);
        OperationState state(op->getLoc(), with, op->getOperands(),
                             op->getResultTypes());
        op->replaceAllUsesWith(builder.create(state));
      });
    }
}

/// Operands that may not change places, and do; values that are handed on.
void Collector::swaps(Operation *op) {
  bool isOrdered =
      isa<arith::SubIOp, arith::SubFOp, arith::DivFOp, arith::DivSIOp,
          arith::FloorDivSIOp, arith::RemSIOp, arith::SelectOp, tile::YieldOp,
          scf::YieldOp, tile::MergeOp>(op);
  if (!isOrdered)
    return;
  unsigned first = isa<arith::SelectOp>(op) ? 1 : 0;
  for (unsigned at = first; at + 1 < op->getNumOperands(); ++at)
    if (op->getOperand(at).getType() == op->getOperand(at + 1).getType() &&
        op->getOperand(at) != op->getOperand(at + 1))
      add(op, "operands " + std::to_string(at) + " and the next swapped",
          [op, at] {
            Value one = op->getOperand(at);
            op->setOperand(at, op->getOperand(at + 1));
            op->setOperand(at + 1, one);
          });
}

/// The operation is left out.
void Collector::omissions(Operation *op) {
  if (isa<memref::StoreOp, vector::StoreOp, vector::MaskedStoreOp,
          tile::StoreOp, memref::AtomicRMWOp>(op) &&
      op->use_empty())
    add(op, "left out", [op] { op->erase(); });
  if (auto branch = dyn_cast<scf::IfOp>(op))
    add(op, "condition negated", [branch]() mutable {
      OpBuilder builder(branch);
      Value yes = arith::ConstantIntOp::create(builder, branch.getLoc(), 1, 1);
      branch.getConditionMutable().assign(arith::XOrIOp::create(
          builder, branch.getLoc(), branch.getCondition(), yes));
    });
  if (op->getNumResults() != 1 || op->getNumRegions() || op->use_empty() ||
      matchPattern(op, m_Constant()))
    return;
  for (unsigned at = 0; at < op->getNumOperands(); ++at)
    if (op->getOperand(at).getType() == op->getResult(0).getType())
      add(op, "left out for operand " + std::to_string(at), [op, at] {
        op->getResult(0).replaceAllUsesWith(op->getOperand(at));
      });
}

//===--- Numbers ---------------------------------------------------------===//

/// The constant beside `value`; nothing for what has none.
static TypedAttr beside(TypedAttr value) {
  Builder builder(value.getContext());
  if (auto integer = dyn_cast<IntegerAttr>(value))
    return IntegerAttr::get(integer.getType(), integer.getValue() + 1);
  if (auto number = dyn_cast<FloatAttr>(value)) {
    double old = number.getValueAsDouble();
    return builder.getFloatAttr(number.getType(), old == 0 ? 1 : 2 * old);
  }
  auto splat = dyn_cast<SplatElementsAttr>(value);
  if (!splat)
    return nullptr;
  auto element = dyn_cast<TypedAttr>(splat.getSplatValue<Attribute>());
  return DenseElementsAttr::get(splat.getType(), Attribute(beside(element)));
}

/// Each use of a constant.
void Collector::constants(Operation *op) {
  for (OpOperand &operand : op->getOpOperands()) {
    TypedAttr value;
    if (!matchPattern(operand.get(), m_Constant(&value)))
      continue;
    TypedAttr other = beside(value);
    if (!other)
      continue;
    unsigned at = operand.getOperandNumber();
    add(op, "constant " + std::to_string(at) + " changed", [op, at, other] {
      OpBuilder builder(op);
      op->setOperand(at,
                     arith::ConstantOp::create(builder, op->getLoc(), other));
    });
  }
}

/// Positions in memory and bounds of loops, one too large.
void Collector::indices(Operation *op) {
  if (!isa<memref::LoadOp, memref::StoreOp, vector::LoadOp, vector::StoreOp,
           vector::MaskedLoadOp, vector::MaskedStoreOp, scf::ForOp>(op) &&
      !isa_and_nonnull<tile::TileDialect>(op->getDialect()))
    return;
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned at = operand.getOperandNumber();
    if (!operand.get().getType().isIndex() ||
        matchPattern(operand.get(), m_Constant()))
      continue;
    for (int64_t change : {1, -1})
      add(op, "operand " + std::to_string(at) + (change > 0 ? " + 1" : " - 1"),
          [op, at, change] {
            OpBuilder builder(op);
            Value by =
                arith::ConstantIndexOp::create(builder, op->getLoc(), change);
            op->setOperand(at, arith::AddIOp::create(builder, op->getLoc(),
                                                     op->getOperand(at), by));
          });
  }
}

void Collector::attributes(Operation *op) {
  if (!isa_and_nonnull<tile::TileDialect>(op->getDialect()))
    return;
  if (auto weights = dyn_cast<tile::SoftmaxWeightsOp>(op))
    add(op, "another base",
        [weights]() mutable { weights.setBase2(!weights.getBase2()); });
  if (auto finish = dyn_cast<tile::SoftmaxFinishOp>(op))
    add(op, "another base",
        [finish]() mutable { finish.setBase2(!finish.getBase2()); });
  if (auto merge = dyn_cast<tile::MergeOp>(op))
    add(op, "another base",
        [merge]() mutable { merge.setBase2(!merge.getBase2()); });
  if (auto scale = op->getAttrOfType<FloatAttr>("scale"))
    add(op, "another scale", [op, scale] {
      op->setAttr("scale", FloatAttr::get(scale.getType(),
                                          1.001 * scale.getValueAsDouble()));
    });
}

//===--- All -------------------------------------------------------------===//

/// Whether nothing but a prefetch depends on an operation.
static bool isForPrefetch(Operation *op) {
  if (isa<memref::PrefetchOp>(op))
    return true;
  return op->getNumResults() > 0 && op->getNumRegions() == 0 &&
         !op->use_empty() && llvm::all_of(op->getUsers(), isForPrefetch);
}

void Collector::visit(Operation *op) {
  if (isForPrefetch(op))
    return;
  predicates(op);
  siblings(op);
  swaps(op);
  omissions(op);
  constants(op);
  indices(op);
  attributes(op);
}

void e2e::trustFewQueries(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    for (auto form : function.getOps<scf::IfOp>()) {
      if (form.getNumResults() != 1 ||
          !form.getResult(0).getType().isInteger(1))
        continue;
      scf::YieldOp yield = form.thenYield();
      OpBuilder builder(yield);
      yield.setOperand(
          0, arith::ConstantIntOp::create(builder, yield.getLoc(), 0, 1));
    }
}

std::vector<Mutation> e2e::mutationsOf(ModuleOp module) {
  Collector collector;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) { collector.visit(op); });
  return std::move(collector.found);
}
