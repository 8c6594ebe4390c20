//===- LinearReader.cpp - Integers of a mask as linear forms --------------===//
//
// Operations that are not linear are in LinearOperations.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskCondition.h"

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace ladon::analysis;

//===----------------------------------------------------------------------===//
// Atoms
//===----------------------------------------------------------------------===//

/// Whether `form` runs through consecutive values as the solved position does.
static bool stepsWithPosition(const LinearForm &form) {
  bool steps = false;
  for (auto [atom, coefficient] : form.terms) {
    if (!atom->onSolved)
      continue;
    bool unit = coefficient == 1 || coefficient == -1;
    bool runs = atom->isPosition() || (atom->kind == Atom::Kind::Abs &&
                                       stepsWithPosition(atom->args[0]));
    if (steps || !unit || !runs)
      return false;
    steps = true;
  }
  return steps;
}

/// The atom of its parts; null where there are too many.
Atom *MaskCondition::atom(Atom::Kind kind, ArrayRef<LinearForm> args,
                          IntegerRange range, Value source) {
  for (auto &known : atoms)
    if (known->kind == kind && known->source == source &&
        std::equal(args.begin(), args.end(), known->args.begin(),
                   known->args.end(),
                   [](const LinearForm &x, const LinearForm &y) {
                     return sameForm(x, y) && x.obligations == y.obligations;
                   }))
      return known.get();
  auto a = std::make_unique<Atom>();
  a->kind = kind;
  if (atoms.size() >= kAtoms && !a->isPosition())
    return nullptr;
  a->source = source;
  a->args.append(args.begin(), args.end());
  a->range = range;
  if (kind == Atom::Kind::Select)
    a->condition = condition(source);
  bool isSolved = (kind == Atom::Kind::Key) == (site.solved == Axis::Key);
  a->onSolved =
      a->isPosition() ? isSolved : a->condition && a->condition->onSolved();
  a->onFixed = (a->isPosition() && !isSolved) || kind == Atom::Kind::Opaque ||
               kind == Atom::Kind::Select;
  // An atom is as coarse as all of it that depends on the solved position.
  a->isCoarse = !a->onSolved;
  for (const LinearForm &arg : args)
    for (auto [part, coefficient] : arg.terms) {
      a->onFixed |= part->onFixed;
      a->onSolved |= part->onSolved;
      a->isCoarse &= part->isCoarse || !part->onSolved;
    }
  a->isCoarse &= a->onSolved;
  if (kind == Atom::Kind::FloorMod && args[1].isConstant() &&
      stepsWithPosition(args[0]))
    a->isCoarse |= args[1].constant <= site.step / 2;
  a->id = atoms.size();
  return atoms.emplace_back(std::move(a)).get();
}

LinearForm MaskCondition::atomForm(const Atom *a) {
  if (!a)
    return LinearForm::nothing();
  LinearForm r;
  if (a->range.isPoint())
    r.constant = static_cast<int64_t>(a->range.min);
  else
    r.terms.push_back({a, 1});
  for (const LinearForm &arg : a->args)
    r = keepObligations(r, arg);
  return r;
}

/// Adds that `form` lies in [min, max] to what it rests on.
void MaskCondition::oblige(LinearForm &form, Wide min, Wide max) {
  obligations.push_back(std::make_unique<Obligation>(
      Obligation{form, static_cast<int64_t>(min), static_cast<int64_t>(max)}));
  form.obligations.push_back(obligations.back().get());
}

LinearForm MaskCondition::leaf(Atom::Kind kind, Value value) {
  if (ConstantIntRanges::getStorageBitwidth(value.getType()) > 64)
    return LinearForm::nothing();
  return atomForm(atom(kind, {}, ranges.of(value), value));
}

LinearForm MaskCondition::fitted(LinearForm form, Value value) {
  IntegerRange type = rangeOfType(value.getType());
  bool fits = type.contains(form.range()) || type.contains(widestRange(form));
  if (fits && (form.isAtom() || form.isWithin(kScalarLimit)))
    return form;
  // What is computed once for a tile may wrap as it does in the region.
  if (isUniform(value))
    return uniform(value);
  if (!form.isWithin(kScalarLimit))
    return opaque(value);
  oblige(form, type.min, type.max);
  return form;
}

bool MaskCondition::isUniform(Value value) {
  auto [it, isNew] = uniformity.try_emplace(value, false);
  if (!isNew)
    return it->second;
  bool isFixed = false;
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    const unsigned n = arg.getArgNumber();
    isFixed = arg.getOwner() == &body &&
              (n < 2 ||
               (n >= 4 && !isa<ShapedType>(value.getType()) &&
                (!site.loop || !site.loop->isAncestor(
                                   site.captures[n - 4].getParentRegion()))));
  } else {
    Operation *op = value.getDefiningOp();
    isFixed =
        op->getBlock() == &body && op->getNumResults() == 1 &&
        op->getNumRegions() == 0 && isPure(op) &&
        !isa<ladon::attn::AttnDialect>(op->getDialect()) &&
        llvm::all_of(op->getOperands(), [&](Value v) { return isUniform(v); });
  }
  return uniformity[value] = isFixed;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// A scalar outside of the region as a form of sizes; says nothing if it is
/// anything else.
LinearForm MaskCondition::definitionOf(Value outside) {
  APInt c;
  if (matchPattern(outside, m_ConstantInt(&c)) && c.isSignedIntN(32))
    return c.getSExtValue();
  LinearForm form = LinearForm::nothing();
  Operation *op = outside.getDefiningOp();
  if (!op || !site.axisOfExtent)
    return form;
  auto operand = [&](unsigned n) { return definitionOf(op->getOperand(n)); };
  if (std::optional<unsigned> number = site.axisOfExtent(outside)) {
    const Atom *&extent = extents[*number];
    // Where there is a position, its axis has at least one.
    if (!extent)
      extent = atom(Atom::Kind::Uniform, {}, {1, kPositions.max}, outside);
    form = atomForm(extent);
  } else if (isa<arith::AddIOp, arith::SubIOp>(op)) {
    form = add(operand(0), operand(1), isa<arith::SubIOp>(op) ? -1 : 1);
  } else if (isa<arith::IndexCastOp, arith::ExtSIOp>(op)) {
    form = operand(0);
  }
  bool fits = rangeOfType(outside.getType()).contains(form.range());
  return fits ? form : LinearForm::nothing();
}

LinearForm MaskCondition::argument(BlockArgument arg) {
  const unsigned n = arg.getArgNumber();
  if (n == 2 || n == 3)
    return leaf(n == 2 ? Atom::Kind::Query : Atom::Kind::Key, arg);
  if (!isUniform(arg))
    return opaque(arg);
  LinearForm form = uniform(arg);
  LinearForm size =
      n < 4 ? LinearForm::nothing() : definitionOf(site.captures[n - 4]);
  if (!size.overflowed && form.isAtom())
    const_cast<Atom *>(form.terms.front().first)->definition = size;
  return form;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

LinearForm MaskCondition::linear(Value value) {
  auto it = linearOf.find(value);
  if (it != linearOf.end())
    return it->second;
  LinearForm form = buildLinear(value);
  if (form.overflowed)
    form = opaque(value);
  if (form.isAtom() && form.obligations.empty()) {
    auto *a = const_cast<Atom *>(form.terms[0].first);
    if (!a->value)
      a->value = value;
  }
  linearOf[value] = form;
  return form;
}

LinearForm MaskCondition::buildLinear(Value value) {
  if (auto arg = dyn_cast<BlockArgument>(value))
    return argument(arg);
  Operation *op = value.getDefiningOp();
  APInt c;
  if (matchPattern(value, m_ConstantInt(&c)) && c.getSignificantBits() <= 64)
    return c.getSExtValue();
  if (isa<ladon::attn::ReadOp>(op))
    return read(op);
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    if (auto remainder = correctedRemainder(select))
      return *remainder;
    return choice(select.getCondition(), linear(select.getTrueValue()),
                  linear(select.getFalseValue()));
  }
  if (isa<arith::ExtUIOp, arith::ExtSIOp>(op) &&
      op->getOperand(0).getType().isInteger(1))
    return choice(op->getOperand(0), isa<arith::ExtUIOp>(op) ? 1 : -1, 0);
  SmallVector<LinearForm, 2> args;
  for (Value operand : op->getOperands()) {
    if (!operand.getType().isIntOrIndex() || operand.getType().isInteger(1))
      return isUniform(value) ? uniform(value) : opaque(value);
    args.push_back(linear(operand));
  }
  if (args.empty() || args.size() > 2)
    return opaque(value);
  return fitted(apply(op, args.front(), args.back()), value);
}

/// An operation on one or two integers, without wraparound.
LinearForm MaskCondition::apply(Operation *op, const LinearForm &a,
                                const LinearForm &b) {
  auto isNatural = [&](unsigned n) {
    return (n == 0 ? a : b).range().min >= 0 ||
           ranges.of(op->getOperand(n)).min >= 0;
  };
  bool areNatural = llvm::all_of(llvm::seq(op->getNumOperands()), isNatural);
  bool isShift = b.isConstant() && b.constant >= 0 && b.constant < 31;
  if (isa<arith::AddIOp>(op))
    return add(a, b);
  if (isa<arith::SubIOp>(op))
    return add(a, b, -1);
  if (isa<arith::MulIOp>(op))
    return multiply(a, b);
  if (isa<arith::FloorDivSIOp>(op) ||
      (areNatural && isa<arith::DivSIOp, arith::DivUIOp>(op)))
    return floorDiv(a, b);
  if (isa<arith::CeilDivSIOp>(op))
    return scaled(floorDiv(scaled(a, -1), b), -1);
  if (areNatural && isa<arith::RemSIOp, arith::RemUIOp>(op))
    return floorMod(a, b);
  if (isa<arith::MinSIOp>(op) || (areNatural && isa<arith::MinUIOp>(op)))
    return minimum(a, b, /*isMax=*/false);
  if (isa<arith::MaxSIOp>(op) || (areNatural && isa<arith::MaxUIOp>(op)))
    return minimum(a, b, /*isMax=*/true);
  if (isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op))
    return bits(op, a, b);
  if (isa<arith::ShLIOp>(op) && isShift)
    return scaled(a, int64_t(1) << b.constant);
  if (isShift &&
      (isa<arith::ShRSIOp>(op) || (isa<arith::ShRUIOp>(op) && isNatural(0))))
    return floorDiv(a, int64_t(1) << b.constant);
  if (isa<math::AbsIOp>(op))
    return absolute(a);
  if (isa<arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp>(op) ||
      (isa<arith::ExtUIOp, arith::IndexCastUIOp>(op) && isNatural(0)))
    return a;
  return LinearForm::nothing();
}
