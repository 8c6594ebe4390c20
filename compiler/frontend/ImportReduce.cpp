//===- ImportReduce.cpp - Reductions over ranges of a call as loops -------===//

#include "compiler/frontend/ImportExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cmath>

using namespace mlir;
using namespace ladon;
using ast::Expr;
using ast::ScalarType;

/// A loop whose value is that of the terms so far. What blocks name in it is
/// there in it only.
Value ExprImporter::emitReduce(const Expr *expr) {
  using ast::Reduction;
  ScalarType counter = expr->variable->type;
  Type type = scalarType(b, expr->type.element);
  auto bound = [&](unsigned side) {
    const Expr *arg = expr->args[side];
    return convert(emit(arg), arg->type.element, counter);
  };
  Value low = bound(0), high = bound(1);
  Value one = integer(scalarType(b, counter), 1);
  bool isFloat = isa<FloatType>(type);
  auto extreme = [&](bool isLargest) {
    if (isFloat)
      return real(type, isLargest ? INFINITY : -INFINITY);
    unsigned width = type.getIntOrFloatBitWidth();
    return integer(type, (isLargest ? llvm::APInt::getSignedMaxValue(width)
                                    : llvm::APInt::getSignedMinValue(width))
                             .getSExtValue());
  };
  Value start;
  switch (expr->reduction) {
  case Reduction::Sum:
    start = isFloat ? real(type, 0) : integer(type, 0);
    break;
  case Reduction::Min:
    start = extreme(/*isLargest=*/true);
    break;
  case Reduction::Max:
    start = extreme(/*isLargest=*/false);
    break;
  case Reduction::Any:
    start = integer(type, 0);
    break;
  case Reduction::All:
    start = integer(type, -1);
    break;
  }
  auto loop = scf::ForOp::create(b, low, high, one, start);
  auto outside = locals;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  variables[expr->variable] = loop.getInductionVar();
  Value so = loop.getRegionIterArg(0), term = emit(expr->args[2]);
  Value joined;
  switch (expr->reduction) {
  case Reduction::Sum:
    joined = isFloat ? arith::AddFOp::create(b, so, term).getResult()
                     : arith::AddIOp::create(b, so, term).getResult();
    break;
  case Reduction::Min:
    joined = isFloat ? arith::MinNumFOp::create(b, so, term).getResult()
                     : arith::MinSIOp::create(b, so, term).getResult();
    break;
  case Reduction::Max:
    joined = isFloat ? arith::MaxNumFOp::create(b, so, term).getResult()
                     : arith::MaxSIOp::create(b, so, term).getResult();
    break;
  case Reduction::Any:
    joined = arith::OrIOp::create(b, so, term);
    break;
  case Reduction::All:
    joined = arith::AndIOp::create(b, so, term);
    break;
  }
  scf::YieldOp::create(b, joined);
  locals = std::move(outside);
  return loop.getResult(0);
}
