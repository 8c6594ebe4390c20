//===- MaskExpression.cpp - Integers of a mask as linear forms ------------===//
//
// Operations that are not linear are in MaskOperations.cpp, conditions in
// MaskCondition.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskExpression.h"

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace ladon::analysis;

static StaticRange rangeOfWidth(unsigned width) {
  if (width == 1)
    return {0, 1};
  Wide half = Wide(1) << (std::min(width, 64u) - 1);
  return {-half, half - 1};
}

StaticRange ladon::analysis::rangeOfType(Type type) {
  return rangeOfWidth(type.isIndex() ? 64 : type.getIntOrFloatBitWidth());
}

/// What is known about a scalar from outside the loop.
static StaticRange rangeOfScalar(Value value, unsigned depth = 8) {
  StaticRange all = rangeOfType(value.getType());
  APInt c;
  if (matchPattern(value, m_ConstantInt(&c)))
    return {c.getSExtValue(), c.getSExtValue()};
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return all;
  if (isa<memref::DimOp>(op))
    return {0, kMaxPosition - 1};
  StaticRange r = all;
  if (isa<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(op)) {
    r = rangeOfScalar(op->getOperand(0), depth - 1);
  } else if (isa<arith::AddIOp, arith::SubIOp, arith::MinSIOp, arith::MaxSIOp>(
                 op)) {
    StaticRange a = rangeOfScalar(op->getOperand(0), depth - 1);
    StaticRange b = rangeOfScalar(op->getOperand(1), depth - 1);
    if (isa<arith::AddIOp>(op))
      r = {a.min + b.min, a.max + b.max};
    else if (isa<arith::SubIOp>(op))
      r = {a.min - b.max, a.max - b.min};
    else if (isa<arith::MinSIOp>(op))
      r = {std::min(a.min, b.min), std::min(a.max, b.max)};
    else
      r = {std::max(a.min, b.min), std::max(a.max, b.max)};
  }
  return r.min < all.min || r.max > all.max ? all : r;
}

MaskExpression::MaskExpression(Block &body, const MaskSite &site,
                               ScalarEmitter &emitter)
    : site(site), emitter(emitter), body(body) {
  root = condition(body.getTerminator()->getOperand(0), /*truth=*/true);
}

//===----------------------------------------------------------------------===//
// Atoms
//===----------------------------------------------------------------------===//

static bool dependsOnKey(const Condition *c) {
  if (!c)
    return false;
  return dependsOnKey(c->left) || dependsOnKey(c->right) ||
         c->lhs.dependsOnKey() || c->rhs.dependsOnKey();
}

/// Whether `form` runs through consecutive values as j does.
static bool stepsWithKey(const Linear &form) {
  bool steps = false;
  for (auto [atom, coefficient] : form.terms) {
    if (!atom->onKey)
      continue;
    bool unit = coefficient == 1 || coefficient == -1;
    bool runs = atom->kind == Atom::Kind::Key ||
                (atom->kind == Atom::Kind::Abs && stepsWithKey(atom->args[0]));
    if (steps || !unit || !runs)
      return false;
    steps = true;
  }
  return steps;
}

const Atom *MaskExpression::atom(Atom::Kind kind, ArrayRef<Linear> args,
                                 StaticRange range, Value value,
                                 const Condition *cond) {
  for (auto &known : atoms)
    if (known->kind == kind && known->value == value &&
        known->condition == cond && known->args.size() == args.size() &&
        std::equal(args.begin(), args.end(), known->args.begin(),
                   [](const Linear &x, const Linear &y) {
                     return sameForm(x, y) && x.obligations == y.obligations;
                   }))
      return known.get();
  auto a = std::make_unique<Atom>();
  a->kind = kind;
  a->id = atoms.size();
  a->value = value;
  a->args.append(args.begin(), args.end());
  a->condition = cond;
  a->range = range;
  a->onQuery = kind == Atom::Kind::Query || kind == Atom::Kind::Opaque ||
               kind == Atom::Kind::Select;
  a->onKey = kind == Atom::Kind::Key || dependsOnKey(cond);
  for (const Linear &arg : args) {
    a->onQuery |= arg.dependsOnQuery();
    a->onKey |= arg.dependsOnKey();
  }
  if (kind == Atom::Kind::FloorMod && args[1].isConstant() &&
      stepsWithKey(args[0]) && args[1].constant <= site.step / 2) {
    a->onQuery = true;
    a->onKey = false;
  }
  atoms.push_back(std::move(a));
  return atoms.back().get();
}

Linear MaskExpression::atomForm(const Atom *a) {
  Linear r;
  if (a->range.min == a->range.max)
    r.constant = static_cast<int64_t>(a->range.min);
  else
    r.terms.push_back({a, 1});
  // Adding nothing of the arguments keeps their obligations.
  for (const Linear &arg : a->args)
    r = add(r, arg, 0);
  return r;
}

Linear MaskExpression::opaque(Value value) {
  return atomForm(
      atom(Atom::Kind::Opaque, {}, rangeOfType(value.getType()), value));
}

Linear MaskExpression::fitted(Linear form, Value value) {
  StaticRange type = rangeOfType(value.getType()), range = form.range();
  bool plain =
      form.constant == 0 && form.terms.size() == 1 && form.terms[0].second == 1;
  bool fits = range.min >= type.min && range.max <= type.max;
  if (fits && (plain || form.isWithin(kScalarLimit)))
    return form;
  // Cloning the operation keeps its wraparound.
  if (isUniform(value))
    return atomForm(atom(Atom::Kind::Uniform, {}, type, cloneOutside(value)));
  if (!form.isWithin(kScalarLimit))
    return opaque(value);
  auto o = std::make_unique<Obligation>();
  o->value = form;
  o->min = static_cast<int64_t>(type.min);
  o->max = static_cast<int64_t>(type.max);
  form.obligations.push_back(o.get());
  obligations.push_back(std::move(o));
  return form;
}

//===----------------------------------------------------------------------===//
// Values that are the same for the whole tile
//===----------------------------------------------------------------------===//

bool MaskExpression::isUniform(Value value) {
  auto [it, isNew] = uniformity.try_emplace(value, false);
  if (!isNew)
    return it->second;
  bool uniform = false;
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    const unsigned n = arg.getArgNumber();
    uniform = arg.getOwner() == &body &&
              (n < 2 || (n >= 4 && !isa<ShapedType>(value.getType()) &&
                         emitter.isOutside(site.captures[n - 4])));
  } else {
    Operation *op = value.getDefiningOp();
    uniform =
        op->getBlock() == &body && op->getNumResults() == 1 && isPure(op) &&
        op->getName().getDialectNamespace() != "attn" &&
        llvm::all_of(op->getOperands(), [&](Value v) { return isUniform(v); });
  }
  return uniformity[value] = uniform;
}

Value MaskExpression::cloneOutside(Value value) {
  if (Value known = outside.lookup(value))
    return known;
  Value result;
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    unsigned n = arg.getArgNumber();
    if (n >= 4) {
      result = site.captures[n - 4];
    } else {
      Value source = n == 0 ? site.batch : site.head;
      result = arith::IndexCastOp::create(
          emitter.builderFor(source), value.getLoc(), value.getType(), source);
    }
  } else {
    Operation *op = value.getDefiningOp();
    IRMapping map;
    for (Value operand : op->getOperands())
      map.map(operand, cloneOutside(operand));
    result = emitter.builderFor({}).clone(*op, map)->getResult(0);
  }
  return outside[value] = result;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

Linear MaskExpression::linear(Value value) {
  auto it = linearOf.find(value);
  if (it != linearOf.end())
    return it->second;
  Linear form = buildLinear(value);
  linearOf[value] = form;
  return form;
}

Linear MaskExpression::argument(BlockArgument arg) {
  StaticRange position{0, kMaxPosition - 1};
  switch (unsigned n = arg.getArgNumber()) {
  case 0:
    return atomForm(atom(Atom::Kind::Uniform, {}, position, site.batch));
  case 1:
    return atomForm(atom(Atom::Kind::Uniform, {}, position, site.head));
  case 2:
    return atomForm(atom(Atom::Kind::Query, {}, position));
  case 3:
    return atomForm(atom(Atom::Kind::Key, {}, position));
  default:
    Value capture = site.captures[n - 4];
    if (!isUniform(arg))
      return opaque(arg);
    if (auto cast = capture.getDefiningOp<arith::IndexCastOp>()) {
      // An index that the cast keeps whole is used without the cast.
      StaticRange in = rangeOfScalar(cast.getIn());
      StaticRange type = rangeOfType(capture.getType());
      if (cast.getIn().getType().isIndex() && in.min >= type.min &&
          in.max <= type.max)
        capture = cast.getIn();
    }
    return atomForm(
        atom(Atom::Kind::Uniform, {}, rangeOfScalar(capture), capture));
  }
}

Linear MaskExpression::buildLinear(Value value) {
  if (auto arg = dyn_cast<BlockArgument>(value))
    return argument(arg);
  Operation *op = value.getDefiningOp();
  APInt c;
  if (matchPattern(value, m_ConstantInt(&c)) && c.getSignificantBits() <= 64)
    return Linear{c.getSExtValue(), {}, {}, false};
  if (isa<ladon::attn::ReadOp>(op))
    return read(op);
  if (auto choice = dyn_cast<arith::SelectOp>(op))
    return select(choice);
  if (isa<arith::ExtUIOp, arith::ExtSIOp>(op) &&
      op->getOperand(0).getType().isInteger(1)) {
    int64_t one = isa<arith::ExtUIOp>(op) ? 1 : -1;
    const Condition *cond = condition(op->getOperand(0), true);
    if (cond->kind == Condition::Kind::Constant)
      return Linear{cond->truth ? one : 0, {}, {}, false};
    const Atom *bit =
        atom(Atom::Kind::Select,
             {Linear{one, {}, {}, false}, Linear{0, {}, {}, false}},
             {std::min<int64_t>(one, 0), std::max<int64_t>(one, 0)}, {}, cond);
    const_cast<Atom *>(bit)->otherwise = condition(op->getOperand(0), false);
    return atomForm(bit);
  }
  for (Value operand : op->getOperands())
    if (!operand.getType().isIntOrIndex() || operand.getType().isInteger(1))
      return isUniform(value) ? atomForm(atom(Atom::Kind::Uniform, {},
                                              rangeOfType(value.getType()),
                                              cloneOutside(value)))
                              : opaque(value);
  if (op->getNumOperands() == 0 || op->getNumOperands() > 2)
    return opaque(value);
  Linear a = linear(op->getOperand(0));
  Linear b = op->getNumOperands() == 2 ? linear(op->getOperand(1)) : Linear();
  StaticRange ra = a.range(), rb = b.range();
  bool natural = ra.min >= 0 && rb.min >= 0;
  Linear r;
  if (isa<arith::AddIOp>(op))
    r = add(a, b);
  else if (isa<arith::SubIOp>(op))
    r = add(a, b, -1);
  else if (isa<arith::MulIOp>(op))
    r = multiply(a, b, value);
  else if (isa<arith::FloorDivSIOp>(op) ||
           (natural && isa<arith::DivSIOp, arith::DivUIOp>(op)))
    r = floorDiv(a, b, value);
  else if (isa<arith::CeilDivSIOp>(op))
    r = scaled(floorDiv(scaled(a, -1), b, value), -1);
  else if (natural && isa<arith::RemSIOp, arith::RemUIOp>(op))
    r = floorMod(a, b, value);
  else if (isa<arith::MinSIOp>(op) || (natural && isa<arith::MinUIOp>(op)))
    r = minimum(a, b, /*isMax=*/false);
  else if (isa<arith::MaxSIOp>(op) || (natural && isa<arith::MaxUIOp>(op)))
    r = minimum(a, b, /*isMax=*/true);
  else if (isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op))
    r = a.isConstant() ? bits(op, b, a) : bits(op, a, b);
  else if (isa<arith::ShLIOp>(op) && b.isConstant() && b.constant >= 0 &&
           b.constant < 31)
    r = scaled(a, int64_t(1) << b.constant);
  else if ((isa<arith::ShRSIOp>(op) ||
            (ra.min >= 0 && isa<arith::ShRUIOp>(op))) &&
           b.isConstant() && b.constant >= 0 && b.constant < 31)
    r = floorDiv(a, Linear{int64_t(1) << b.constant, {}, {}, false}, value);
  else if (op->getName().getStringRef() == "math.absi")
    r = absolute(a);
  else if (isa<arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp>(op) ||
           (ra.min >= 0 && isa<arith::ExtUIOp, arith::IndexCastUIOp>(op)))
    r = a;
  else
    r = opaque(value);
  return fitted(r, value);
}
