//===- RowMap.cpp - From the row of a tile to head and position -----------===//

#include "compiler/codegen/vector/RowMap.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AffineExprVisitor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace ladon;

namespace {
/// Emits an affine expression of the row, which upstream's expansion does for
/// single indices only: here it may be a vector. Rows are not negative, and
/// neither is what a row map makes of them, so division is that of natural
/// numbers.
class RowExpression : public AffineExprVisitor<RowExpression, Value> {
public:
  RowExpression(ImplicitLocOpBuilder &b, Value row) : b(b), row(row) {}

  Value visitDimExpr(AffineDimExpr) { return row; }
  Value visitSymbolExpr(AffineSymbolExpr) {
    llvm_unreachable("the verifier admits no symbols");
  }
  Value visitConstantExpr(AffineConstantExpr expr) {
    TypedAttr value =
        b.getIntegerAttr(getElementTypeOrSelf(row.getType()), expr.getValue());
    if (auto vector = dyn_cast<VectorType>(row.getType()))
      value = DenseElementsAttr::get(vector, value);
    return arith::ConstantOp::create(b, value);
  }
  Value visitAddExpr(AffineBinaryOpExpr e) { return emit<arith::AddIOp>(e); }
  Value visitMulExpr(AffineBinaryOpExpr e) { return emit<arith::MulIOp>(e); }
  Value visitModExpr(AffineBinaryOpExpr e) { return emit<arith::RemUIOp>(e); }
  Value visitFloorDivExpr(AffineBinaryOpExpr e) {
    return emit<arith::DivUIOp>(e);
  }
  Value visitCeilDivExpr(AffineBinaryOpExpr e) {
    return emit<arith::CeilDivUIOp>(e);
  }

private:
  template <typename Op> Value emit(AffineBinaryOpExpr expr) {
    Value left = visit(expr.getLHS()), right = visit(expr.getRHS());
    return Op::create(b, left, right);
  }

  ImplicitLocOpBuilder &b;
  Value row;
};
} // namespace

MappedRow ladon::applyRowMap(ImplicitLocOpBuilder &b,
                             std::optional<AffineMap> map, Value row) {
  if (!map)
    return {Value(), row};
  RowExpression expression(b, row);
  return {expression.visit(map->getResult(0)),
          expression.visit(map->getResult(1))};
}
