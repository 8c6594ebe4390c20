//===- ImportExpr.cpp - Score and mask expressions as scalar code ---------===//

#include "compiler/frontend/ImportExpr.h"

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/SourceMgr.h"

#include <cmath>

using namespace mlir;
using namespace ladon;
using ast::BinaryOp;
using ast::Builtin;
using ast::Expr;
using ast::IndexVar;
using ast::ScalarType;
using CmpI = arith::CmpIPredicate;
using CmpF = arith::CmpFPredicate;
using Kind = Expr::Kind;

Location SourceLocations::get(llvm::SMRange range) const {
  unsigned buffer =
      range.isValid() ? sources.FindBufferContainingLoc(range.Start) : 0;
  if (!buffer)
    return UnknownLoc::get(&context);
  // Not getLineAndColumn, which looks for the start of the line each time: a
  // spec may be one long line.
  const auto &text = sources.getBufferInfo(buffer);
  unsigned line = text.getLineNumber(range.Start.getPointer());
  unsigned column =
      range.Start.getPointer() - text.getPointerForLineNumber(line) + 1;
  StringRef file = sources.getMemoryBuffer(buffer)->getBufferIdentifier();
  return FileLineColLoc::get(&context, file, line, column);
}

//===--- Constants --------------------------------------------------------===//

Value ExprImporter::integer(Type type, int64_t value) {
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}

Value ExprImporter::real(Type type, double value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
}

Value ExprImporter::literal(const Expr *expr) {
  Type type = scalarType(b, expr->type.element);
  bool isFloat = expr->kind == Kind::FloatLit;
  if (isa<FloatType>(type))
    return real(type, isFloat ? expr->floatValue : double(expr->intValue));
  return integer(type, expr->intValue);
}

//===--- Names, literals, masks -------------------------------------------===//

Value ExprImporter::emit(const Expr *expr) {
  Location outer = b.getLoc();
  b.setLoc(locations.get(expr->range));
  Value value;
  switch (expr->kind) {
  case Kind::IntLit:
  case Kind::FloatLit:
  case Kind::BoolLit:
    value = literal(expr);
    break;
  case Kind::Name:
    value = emitName(expr);
    break;
  case Kind::Unary:
    value = emitUnary(expr);
    break;
  case Kind::Binary:
    value = emitBinary(expr);
    break;
  case Kind::If: {
    // Both sides are pure and defined everywhere: a select will do.
    ScalarType type = expr->type.element;
    Value condition = emit(expr->args[0]);
    Value sides[2];
    for (unsigned side = 0; side < 2; ++side) {
      const Expr *arg = expr->args[side + 1];
      sides[side] = convert(emit(arg), arg->type.element, type);
    }
    value = arith::SelectOp::create(b, condition, sides[0], sides[1]);
    break;
  }
  case Kind::Call:
    value = emitCall(expr);
    break;
  case Kind::Mask:
    value = emitMask(expr);
    break;
  case Kind::Index:
    value = emitIndex(expr);
    break;
  case Kind::Reduce:
    value = emitReduce(expr);
    break;
  case Kind::Member:
  case Kind::Attend:
  case Kind::Split:
  case Kind::Concat:
  case Kind::Transpose:
  case Kind::Slice:
  case Kind::Repeat:
  case Kind::Along:
  case Kind::Join:
  case Kind::Append:
  case Kind::Iota:
  case Kind::Rotate:
    llvm_unreachable("a checked score or mask holds no tensor operation");
  }
  b.setLoc(outer);
  return value;
}

/// Nothing branches, so a value that is computed once is there for all below.
Value ExprImporter::emitLocal(const ast::Let *let) {
  if (Value known = locals.lookup(let))
    return known;
  Value value = emit(let->value);
  if (Operation *op = value.getDefiningOp())
    op->setLoc(NameLoc::get(b.getStringAttr(let->name), op->getLoc()));
  return locals[let] = value;
}

Value ExprImporter::emitName(const Expr *expr) {
  if (expr->let)
    return emitLocal(expr->let);
  if (expr->variable)
    return variables.lookup(expr->variable);
  if (expr->isOffset)
    return position.captured.lookup("offset");
  if (expr->size) {
    if (expr->size->isStatic())
      return integer(scalarType(b, expr->type.element), expr->size->size);
    return convert(position.captured.lookup(expr->size->name), ScalarType::I32,
                   expr->type.element);
  }
  if (expr->param)
    return position.captured.lookup(expr->param->name);
  switch (*expr->indexVar) {
  case IndexVar::Batch:
    return position.batch;
  case IndexVar::Head:
    return position.head;
  case IndexVar::KvHead:
    if (position.headsPerKeyValueHead == 1)
      return position.head;
    return arith::FloorDivSIOp::create(
        b, position.head,
        integer(b.getI32Type(), position.headsPerKeyValueHead));
  case IndexVar::Query:
    return position.query;
  case IndexVar::Key:
    return position.key;
  case IndexVar::Score:
    return position.score;
  }
  return {};
}

/// Sides of a window are compared with distances, not added to positions, so
/// that no side, however large, makes a sum wrap.
Value ExprImporter::emitMask(const Expr *expr) {
  if (expr->maskForm == ast::MaskForm::CausalTopLeft)
    return arith::CmpIOp::create(b, CmpI::sle, position.key, position.query);
  Value last = arith::AddIOp::create(b, position.query,
                                     position.captured.lookup("offset"));
  if (expr->maskForm == ast::MaskForm::Causal)
    return arith::CmpIOp::create(b, CmpI::sle, position.key, last);
  Value left = emit(expr->args[0]), right = emit(expr->args[1]);
  Value before = arith::SubIOp::create(b, last, position.key);
  Value after = arith::SubIOp::create(b, position.key, last);
  return arith::AndIOp::create(
      b, arith::CmpIOp::create(b, CmpI::sle, before, left),
      arith::CmpIOp::create(b, CmpI::sle, after, right));
}

Value ExprImporter::emitIndex(const Expr *expr) {
  const Expr *source = expr->args[0];
  Value tensor = position.captured.lookup(source->name);
  SmallVector<Value> indices;
  for (const Expr *index : ArrayRef(expr->args).drop_front())
    indices.push_back(emit(index));
  Type element = cast<ShapedType>(tensor.getType()).getElementType();
  Value value = attn::ReadOp::create(b, element, tensor, indices);
  return fromStorage(value, source->type.element);
}

//===--- Operators --------------------------------------------------------===//

Value ExprImporter::emitUnary(const Expr *expr) {
  Value value = emit(expr->args[0]);
  Type type = value.getType();
  switch (expr->unaryOp) {
  case ast::UnaryOp::Neg:
    if (isa<FloatType>(type))
      return arith::NegFOp::create(b, value);
    return arith::SubIOp::create(b, integer(type, 0), value);
  case ast::UnaryOp::Not:
  case ast::UnaryOp::BitNot:
    return arith::XOrIOp::create(b, value, integer(type, -1));
  }
  return {};
}

Value ExprImporter::emitBinary(const Expr *expr) {
  const Expr *left = expr->args[0], *right = expr->args[1];
  // The enumerators of scalar types are in the order in which types widen.
  ScalarType type = std::max(left->type.element, right->type.element);
  if (expr->binaryOp == BinaryOp::Div)
    type = expr->type.element;
  // Of the amount of a shift only the low bits count.
  if (expr->binaryOp == BinaryOp::Shl || expr->binaryOp == BinaryOp::Shr)
    type = left->type.element;
  Value l = convert(emit(left), left->type.element, type);
  Value r = convert(emit(right), right->type.element, type);
  if (expr->binaryOp >= BinaryOp::Lt && expr->binaryOp <= BinaryOp::Ne)
    return emitCompare(expr->binaryOp, l, r);
  if (!isa<FloatType>(l.getType()))
    return emitIntegerOp(expr, l, r);
  switch (expr->binaryOp) {
  case BinaryOp::Add:
    return arith::AddFOp::create(b, l, r);
  case BinaryOp::Sub:
    return arith::SubFOp::create(b, l, r);
  case BinaryOp::Mul:
    return arith::MulFOp::create(b, l, r);
  case BinaryOp::Div:
    return arith::DivFOp::create(b, l, r);
  case BinaryOp::FloorDiv:
    return math::FloorOp::create(b, arith::DivFOp::create(b, l, r));
  case BinaryOp::Mod: {
    Value whole = math::FloorOp::create(b, arith::DivFOp::create(b, l, r));
    return arith::SubFOp::create(b, l, arith::MulFOp::create(b, whole, r));
  }
  default:
    llvm_unreachable("a checked operator takes floats");
  }
}

Value ExprImporter::emitCompare(BinaryOp op, Value left, Value right) {
  // A comparison with NaN is false, but for `!=`.
  static constexpr std::pair<CmpI, CmpF> predicates[] = {
      {CmpI::slt, CmpF::OLT}, {CmpI::sle, CmpF::OLE}, {CmpI::sgt, CmpF::OGT},
      {CmpI::sge, CmpF::OGE}, {CmpI::eq, CmpF::OEQ},  {CmpI::ne, CmpF::UNE}};
  auto [ofIntegers, ofFloats] =
      predicates[unsigned(op) - unsigned(BinaryOp::Lt)];
  if (isa<FloatType>(left.getType()))
    return arith::CmpFOp::create(b, ofFloats, left, right);
  return arith::CmpIOp::create(b, ofIntegers, left, right);
}

Value ExprImporter::emitIntegerOp(const Expr *expr, Value left, Value right) {
  auto shiftAmount = [&] {
    Type type = right.getType();
    return arith::AndIOp::create(
        b, right, integer(type, type.getIntOrFloatBitWidth() - 1));
  };
  switch (expr->binaryOp) {
  case BinaryOp::Add:
    return arith::AddIOp::create(b, left, right);
  case BinaryOp::Sub:
    return arith::SubIOp::create(b, left, right);
  case BinaryOp::Mul:
    return arith::MulIOp::create(b, left, right);
  case BinaryOp::FloorDiv:
    return emitFloorDiv(expr->args[1], left, right);
  case BinaryOp::Mod:
    return emitFloorMod(expr->args[1], left, right);
  case BinaryOp::BitAnd:
  case BinaryOp::And:
    return arith::AndIOp::create(b, left, right);
  case BinaryOp::BitOr:
  case BinaryOp::Or:
    return arith::OrIOp::create(b, left, right);
  case BinaryOp::BitXor:
    return arith::XOrIOp::create(b, left, right);
  case BinaryOp::Shl:
    return arith::ShLIOp::create(b, left, shiftAmount());
  case BinaryOp::Shr:
    return arith::ShRSIOp::create(b, left, shiftAmount());
  default:
    llvm_unreachable("a checked operator takes integers");
  }
}

//===--- Functions --------------------------------------------------------===//

Value ExprImporter::emitCall(const Expr *expr) {
  ScalarType type = expr->type.element;
  SmallVector<Value> args;
  bool isTest = type == ScalarType::Bool;
  for (const Expr *arg : expr->args)
    args.push_back(isTest ? emit(arg)
                          : convert(emit(arg), arg->type.element, type));
  return emitCall(expr, args);
}

Value ExprImporter::emitCall(const Expr *expr, ArrayRef<Value> args) {
  bool isFloat = isa<FloatType>(args[0].getType());
  auto smaller = [&](Value x, Value y) -> Value {
    if (isFloat)
      return arith::MinNumFOp::create(b, x, y);
    return arith::MinSIOp::create(b, x, y);
  };
  auto larger = [&](Value x, Value y) -> Value {
    if (isFloat)
      return arith::MaxNumFOp::create(b, x, y);
    return arith::MaxSIOp::create(b, x, y);
  };
  Value result = args[0];
  switch (expr->builtin) {
  case Builtin::Float:
  case Builtin::Int:
  case Builtin::ToI64:
    return result;
  case Builtin::IsNan:
    return arith::CmpFOp::create(b, CmpF::UNO, result, result);
  case Builtin::Min:
    for (Value arg : args.drop_front())
      result = smaller(result, arg);
    return result;
  case Builtin::Max:
    for (Value arg : args.drop_front())
      result = larger(result, arg);
    return result;
  case Builtin::Clamp:
    return smaller(larger(result, args[1]), args[2]);
  case Builtin::Abs:
    if (isFloat)
      return math::AbsFOp::create(b, result);
    return math::AbsIOp::create(b, result);
  case Builtin::Sign: {
    // A zero and a NaN are left as they are.
    Type of = result.getType();
    auto number = [&](int value) {
      return isFloat ? real(of, value) : integer(of, value);
    };
    Value zero = number(0);
    Value above = emitCompare(BinaryOp::Gt, result, zero);
    Value below = emitCompare(BinaryOp::Lt, result, zero);
    Value rest = arith::SelectOp::create(b, below, number(-1), result);
    return arith::SelectOp::create(b, above, number(1), rest);
  }
  case Builtin::Popcount:
    return math::CtPopOp::create(b, result);
  default:
    return emitFloatCall(expr->builtin, args);
  }
}

Value ExprImporter::emitSigmoid(Value x) {
  // exp(-|x|) never overflows: with exp(-x) small results would become 0.
  Type type = x.getType();
  Value one = real(type, 1), size = math::AbsFOp::create(b, x);
  Value power = math::ExpOp::create(b, arith::NegFOp::create(b, size));
  Value isNegative = arith::CmpFOp::create(b, CmpF::OLT, x, real(type, 0));
  Value numerator = arith::SelectOp::create(b, isNegative, power, one);
  return arith::DivFOp::create(b, numerator,
                               arith::AddFOp::create(b, one, power));
}

Value ExprImporter::emitFloatCall(Builtin builtin, ArrayRef<Value> args) {
  Value x = args[0];
  Type type = x.getType();
  switch (builtin) {
  case Builtin::Exp:
    return math::ExpOp::create(b, x);
  case Builtin::Exp2:
    return math::Exp2Op::create(b, x);
  case Builtin::Expm1:
    return math::ExpM1Op::create(b, x);
  case Builtin::Log:
    return math::LogOp::create(b, x);
  case Builtin::Log2:
    return math::Log2Op::create(b, x);
  case Builtin::Log1p:
    return math::Log1pOp::create(b, x);
  case Builtin::Sqrt:
    return math::SqrtOp::create(b, x);
  case Builtin::Rsqrt:
    return math::RsqrtOp::create(b, x);
  case Builtin::Tanh:
    return math::TanhOp::create(b, x);
  case Builtin::Sigmoid:
    return emitSigmoid(x);
  case Builtin::Silu:
    return arith::MulFOp::create(b, x, emitSigmoid(x));
  case Builtin::Softplus: {
    // The power stays below 1, however large x is.
    Value power = math::ExpOp::create(
        b, arith::NegFOp::create(b, math::AbsFOp::create(b, x)));
    Value positive = arith::MaxNumFOp::create(b, x, real(type, 0));
    return arith::AddFOp::create(b, positive, math::Log1pOp::create(b, power));
  }
  case Builtin::Relu:
    return arith::MaxNumFOp::create(b, x, real(type, 0));
  case Builtin::Erf:
    return math::ErfOp::create(b, x);
  case Builtin::Gelu: {
    Value scaled = arith::MulFOp::create(b, x, real(type, M_SQRT1_2));
    Value share =
        arith::AddFOp::create(b, math::ErfOp::create(b, scaled), real(type, 1));
    Value half = arith::MulFOp::create(b, x, real(type, 0.5));
    return arith::MulFOp::create(b, half, share);
  }
  case Builtin::Sin:
    return math::SinOp::create(b, x);
  case Builtin::Cos:
    return math::CosOp::create(b, x);
  case Builtin::Tan:
    return math::TanOp::create(b, x);
  case Builtin::Pow:
    return math::PowFOp::create(b, x, args[1]);
  case Builtin::Floor:
    return math::FloorOp::create(b, x);
  case Builtin::Ceil:
    return math::CeilOp::create(b, x);
  case Builtin::Round:
    return math::RoundEvenOp::create(b, x);
  case Builtin::Min:
  case Builtin::Max:
  case Builtin::Abs:
  case Builtin::Clamp:
  case Builtin::Sign:
  case Builtin::Popcount:
  case Builtin::IsNan:
  case Builtin::Float:
  case Builtin::Int:
  case Builtin::ToI64:
    break;
  }
  llvm_unreachable("not a function of floats");
}
