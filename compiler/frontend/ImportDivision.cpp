//===- ImportDivision.cpp - Integer division as scalar code ---------------===//

#include "compiler/frontend/ImportExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ladon;
using ast::BinaryOp;
using ast::Builtin;
using ast::Expr;
using ast::IndexVar;
using CmpI = arith::CmpIPredicate;
using Kind = Expr::Kind;

/// Whether an integer expression is never negative, given that positions and
/// sizes are not and that sizes are below 2^30.
static bool isNatural(const Expr *expr) {
  switch (expr->kind) {
  case Kind::IntLit:
    return expr->intValue >= 0;
  case Kind::Name:
    return expr->size || (expr->indexVar && *expr->indexVar != IndexVar::Score);
  case Kind::Binary:
    // A quotient and a remainder of natural numbers; a sum could wrap.
    return (expr->binaryOp == BinaryOp::FloorDiv ||
            expr->binaryOp == BinaryOp::Mod) &&
           isNatural(expr->args[0]) && isNatural(expr->args[1]);
  case Kind::Call:
    return (expr->builtin == Builtin::Min || expr->builtin == Builtin::Max) &&
           llvm::all_of(expr->args, isNatural);
  default:
    return false;
  }
}

/// A divisor that divides without trapping where `divisor` would not: 1 in the
/// place of 0, and of -1, whose quotient may not fit.
static Value safeDivisor(ImplicitLocOpBuilder &b, const Expr *expr,
                         Value divisor) {
  Type type = divisor.getType();
  Value one = arith::ConstantOp::create(b, b.getIntegerAttr(type, 1));
  if (isNatural(expr))
    return arith::MaxSIOp::create(b, divisor, one);
  Value zero = arith::ConstantOp::create(b, b.getIntegerAttr(type, 0));
  Value minusOne = arith::ConstantOp::create(b, b.getIntegerAttr(type, -1));
  Value isSpecial = arith::OrIOp::create(
      b, arith::CmpIOp::create(b, CmpI::eq, divisor, zero),
      arith::CmpIOp::create(b, CmpI::eq, divisor, minusOne));
  return arith::SelectOp::create(b, isSpecial, one, divisor);
}

Value ExprImporter::emitFloorDiv(const Expr *divisor, Value left, Value right) {
  Type type = left.getType();
  Value zero = integer(type, 0);
  if (divisor->kind == Kind::IntLit) {
    if (divisor->intValue == -1) // The smallest number wraps.
      return arith::SubIOp::create(b, zero, left);
    return arith::FloorDivSIOp::create(b, left, right);
  }
  Value quotient =
      arith::FloorDivSIOp::create(b, left, safeDivisor(b, divisor, right));
  if (!isNatural(divisor)) {
    Value isMinusOne =
        arith::CmpIOp::create(b, CmpI::eq, right, integer(type, -1));
    Value negated = arith::SubIOp::create(b, zero, left);
    quotient = arith::SelectOp::create(b, isMinusOne, negated, quotient);
  }
  Value isZero = arith::CmpIOp::create(b, CmpI::eq, right, zero);
  return arith::SelectOp::create(b, isZero, zero, quotient);
}

/// The remainder has the sign of the divisor. By 0 and by -1 it is 0, as it is
/// by 1, so that the safe divisor needs no correction afterwards.
Value ExprImporter::emitFloorMod(const Expr *divisor, Value left, Value right) {
  Type type = left.getType();
  Value zero = integer(type, 0);
  if (divisor->kind != Kind::IntLit)
    right = safeDivisor(b, divisor, right);
  else if (divisor->intValue == -1)
    return zero;
  Value rest = arith::RemSIOp::create(b, left, right);
  Value wrongSign = arith::CmpIOp::create(b, CmpI::slt, rest, zero);
  if (!isNatural(divisor)) {
    Value isNegative = arith::CmpIOp::create(b, CmpI::slt, right, zero);
    Value differs = arith::XOrIOp::create(b, wrongSign, isNegative);
    Value isRest = arith::CmpIOp::create(b, CmpI::ne, rest, zero);
    wrongSign = arith::AndIOp::create(b, isRest, differs);
  }
  Value sum = arith::AddIOp::create(b, rest, right);
  return arith::SelectOp::create(b, wrongSign, sum, rest);
}
