//===- MaskExpression.cpp - Integers of a mask as linear forms ------------===//
//
// Conditions are in MaskCondition.cpp.
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

static StaticRange rangeOfType(Type type) {
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

Linear MaskExpression::floorDiv(Linear a, Linear b, Value value) {
  if (b.isConstant() && b.constant < 0)
    return floorDiv(scaled(a, -1), scaled(b, -1), value);
  if (b.isConstant(0) || !b.isUniform() || a.overflowed || b.overflowed)
    return opaque(value);
  StaticRange ra = a.range(), rb = b.range();
  if (rb.max < 1)
    return opaque(value);
  if (!b.isConstant()) {
    if (rb.min < 1) {
      auto o = std::make_unique<Obligation>(Obligation{b, 1, kScalarLimit});
      b.obligations.push_back(o.get());
      obligations.push_back(std::move(o));
    }
    Wide low = std::min<Wide>(ra.min, 0), high = std::max<Wide>(ra.max, 0);
    return atomForm(atom(Atom::Kind::FloorDiv, {a, b}, {low, high}));
  }
  // Multiples of the divisor come out: (d x + y) // d = x + y // d.
  int64_t d = b.constant;
  auto floor = [&](Wide w) { return w >= 0 ? w / d : -((-w + d - 1) / d); };
  Linear quotient, rest;
  quotient.constant = static_cast<int64_t>(floor(a.constant));
  rest.constant = a.constant - quotient.constant * d;
  rest.obligations = a.obligations;
  for (auto term : a.terms) {
    if (term.second % d == 0)
      quotient.terms.push_back({term.first, term.second / d});
    else
      rest.terms.push_back(term);
  }
  StaticRange r = rest.range();
  Linear tail = rest;
  if (r.min >= 0 && r.max < d) {
    tail = Linear();
    tail.obligations = rest.obligations;
  } else {
    tail = atomForm(
        atom(Atom::Kind::FloorDiv, {rest, b}, {floor(r.min), floor(r.max)}));
  }
  return add(quotient, tail);
}

Linear MaskExpression::floorMod(Linear a, Linear b, Value value) {
  if (b.isConstant() && b.constant < 0)
    return scaled(floorMod(scaled(a, -1), scaled(b, -1), value), -1);
  if (!b.isConstant()) {
    // x mod d = x - d (x // d) shares the obligations of the division.
    Linear quotient = floorDiv(a, b, value);
    if (quotient.terms.size() != 1 ||
        quotient.terms[0].first->kind != Atom::Kind::FloorDiv)
      return opaque(value);
    const Atom *division = quotient.terms[0].first;
    return atomForm(atom(Atom::Kind::FloorMod, division->args,
                         {0, std::max<Wide>(b.range().max - 1, 0)}));
  }
  if (b.isConstant(0) || a.overflowed)
    return opaque(value);
  int64_t d = b.constant;
  StaticRange r = a.range();
  if (r.min >= 0 && r.max < d)
    return a;
  llvm::erase_if(a.terms, [&](auto &t) { return t.second % d == 0; });
  a.constant = (a.constant % d + d) % d;
  r = a.range();
  if (r.min >= 0 && r.max < d)
    return a;
  return atomForm(atom(Atom::Kind::FloorMod, {a, b}, {0, d - 1}));
}

Linear MaskExpression::minimum(const Linear &a, const Linear &b, bool isMax) {
  StaticRange ra = a.range(), rb = b.range();
  if (sameForm(a, b))
    return a;
  StaticRange r =
      isMax ? StaticRange{std::max(ra.min, rb.min), std::max(ra.max, rb.max)}
            : StaticRange{std::min(ra.min, rb.min), std::min(ra.max, rb.max)};
  return atomForm(atom(isMax ? Atom::Kind::Max : Atom::Kind::Min, {a, b}, r));
}

Linear MaskExpression::absolute(const Linear &a) {
  StaticRange r = a.range();
  if (r.min >= 0)
    return a;
  if (r.max <= 0)
    return scaled(a, -1);
  return atomForm(atom(Atom::Kind::Abs, {a}, {0, std::max(-r.min, r.max)}));
}

Linear MaskExpression::multiply(const Linear &a, const Linear &b, Value value) {
  if (b.isConstant())
    return scaled(a, b.constant);
  if (a.isConstant())
    return scaled(b, a.constant);
  StaticRange ra = a.range(), rb = b.range();
  if (!a.isWithin(kScalarLimit >> 31) || !b.isWithin(int64_t(1) << 31))
    return opaque(value);
  Wide corners[] = {ra.min * rb.min, ra.min * rb.max, ra.max * rb.min,
                    ra.max * rb.max};
  StaticRange r{*std::min_element(corners, corners + 4),
                *std::max_element(corners, corners + 4)};
  if (sameForm(a, b))
    r.min = std::max<Wide>(r.min, 0);
  return atomForm(atom(Atom::Kind::Mul, {a, b}, r));
}

Linear MaskExpression::bits(Operation *op, const Linear &a, const Linear &b) {
  Value value = op->getResult(0);
  if (isa<arith::XOrIOp>(op) && b.isConstant(-1))
    return add(Linear{-1, {}, {}, false}, a, -1);
  StaticRange ra = a.range(), rb = b.range();
  if (isa<arith::AndIOp>(op) && b.isConstant() && b.constant > 0 &&
      llvm::isMask_64(b.constant))
    return floorMod(a, Linear{b.constant + 1, {}, {}, false}, value);
  if (isa<arith::AndIOp>(op) && b.isConstant() && b.constant < 0 &&
      llvm::isPowerOf2_64(-static_cast<uint64_t>(b.constant)) &&
      b.constant > -kScalarLimit)
    return add(a, floorMod(a, Linear{-b.constant, {}, {}, false}, value), -1);
  if (isa<arith::AndIOp>(op) && (ra.min >= 0 || rb.min >= 0)) {
    Wide max = ra.min < 0   ? rb.max
               : rb.min < 0 ? ra.max
                            : std::min(ra.max, rb.max);
    return atomForm(atom(Atom::Kind::BitsAnd, {a, b}, {0, max}));
  }
  if (!isa<arith::AndIOp>(op) && ra.min >= 0 && rb.min >= 0 &&
      ra.max < kScalarLimit && rb.max < kScalarLimit)
    return atomForm(atom(Atom::Kind::BitsOr, {a, b}, {0, ra.max + rb.max}));
  return opaque(value);
}

Linear MaskExpression::read(Operation *op) {
  Value result = op->getResult(0);
  auto arg = dyn_cast<BlockArgument>(op->getOperand(0));
  if (!arg || arg.getOwner() != &body || arg.getArgNumber() < 4)
    return opaque(result);
  Value tensor = site.captures[arg.getArgNumber() - 4];
  auto type = dyn_cast<MemRefType>(tensor.getType());
  if (!type || !emitter.isOutside(tensor) || type.getElementTypeBitWidth() == 1)
    return opaque(result);
  SmallVector<Linear> indices;
  for (Value index : op->getOperands().drop_front())
    indices.push_back(linear(index));
  return atomForm(
      atom(Atom::Kind::Read, indices, rangeOfType(result.getType()), tensor));
}

/// Whether `cond` says that `rem`, a remainder by a positive `divisor`, is
/// negative: `rem < 0`, possibly with `rem != 0` beside it and with the sign of
/// the divisor taken into account.
static bool saysNegative(Value cond, Value rem, Value divisor) {
  using arith::CmpIPredicate;
  Operation *op = cond.getDefiningOp();
  auto isSignOf = [](Value v, Value of) {
    auto cmp = v.getDefiningOp<arith::CmpIOp>();
    return cmp && cmp.getPredicate() == CmpIPredicate::slt &&
           cmp.getLhs() == of && matchPattern(cmp.getRhs(), m_Zero());
  };
  auto differs = [&](Value a, Value b) {
    return (isSignOf(a, rem) && isSignOf(b, divisor)) ||
           (isSignOf(b, rem) && isSignOf(a, divisor));
  };
  if (isSignOf(cond, rem))
    return true;
  if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(op)) {
    if (cmp.getPredicate() == CmpIPredicate::ne)
      return differs(cmp.getLhs(), cmp.getRhs());
    auto product = cmp.getLhs().getDefiningOp<arith::XOrIOp>();
    return cmp.getPredicate() == CmpIPredicate::slt && product &&
           matchPattern(cmp.getRhs(), m_Zero()) &&
           llvm::is_contained(product->getOperands(), rem) &&
           llvm::is_contained(product->getOperands(), divisor);
  }
  if (isa_and_nonnull<arith::XOrIOp>(op))
    return differs(op->getOperand(0), op->getOperand(1));
  if (!isa_and_nonnull<arith::AndIOp>(op))
    return false;
  auto isNonZero = [&](Value v) {
    auto cmp = v.getDefiningOp<arith::CmpIOp>();
    return cmp && cmp.getPredicate() == CmpIPredicate::ne &&
           cmp.getLhs() == rem && matchPattern(cmp.getRhs(), m_Zero());
  };
  Value a = op->getOperand(0), b = op->getOperand(1);
  return (isNonZero(a) && saysNegative(b, rem, divisor)) ||
         (isNonZero(b) && saysNegative(a, rem, divisor));
}

Linear MaskExpression::select(arith::SelectOp op) {
  Value result = op.getResult(), onFalse = op.getFalseValue();
  // Floor remainder from a truncating one: r + d where r is negative, else r.
  if (auto rem = onFalse.getDefiningOp<arith::RemSIOp>())
    if (auto sum = op.getTrueValue().getDefiningOp<arith::AddIOp>()) {
      Value divisor = rem.getRhs();
      bool sums = (sum.getLhs() == rem && sum.getRhs() == divisor) ||
                  (sum.getRhs() == rem && sum.getLhs() == divisor);
      Linear d = linear(divisor);
      if (sums && d.range().min >= 1 &&
          saysNegative(op.getCondition(), rem, divisor))
        return floorMod(linear(rem.getLhs()), d, result);
    }
  const Condition *cond = condition(op.getCondition(), true);
  Linear a = linear(op.getTrueValue()), b = linear(onFalse);
  if (cond->kind == Condition::Kind::Constant)
    return cond->truth ? a : b;
  if (sameForm(a, b))
    return a;
  if (cond->kind == Condition::Kind::LessEqual && cond->rhs.isConstant(0) &&
      cond->lhs.obligations.empty()) {
    // `x <= 0` or `x < 0` between x and -x, between a and b where x = a - b.
    auto isAbout = [&](const Linear &x) {
      return sameForm(cond->lhs, x) ||
             sameForm(cond->lhs, add(x, {1, {}, {}, false}));
    };
    // Adding nothing of a and b keeps their obligations.
    auto from = [&](Linear form) { return add(add(form, a, 0), b, 0); };
    if (sameForm(a, scaled(b, -1))) {
      if (isAbout(b))
        return from(absolute(b));
      if (isAbout(a))
        return from(scaled(absolute(a), -1));
    }
    if (isAbout(add(a, b, -1)))
      return from(minimum(a, b, /*isMax=*/false));
    if (isAbout(add(b, a, -1)))
      return from(minimum(a, b, /*isMax=*/true));
  }
  StaticRange ra = a.range(), rb = b.range();
  StaticRange r{std::min(ra.min, rb.min), std::max(ra.max, rb.max)};
  const Atom *chosen = atom(Atom::Kind::Select, {a, b}, r, {}, cond);
  const_cast<Atom *>(chosen)->otherwise = condition(op.getCondition(), false);
  return atomForm(chosen);
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
