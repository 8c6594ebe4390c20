//===- ImportElementwise.cpp - Loops over the elements of tensors ---------===//

#include "compiler/frontend/Importer.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <cmath>

using namespace mlir;
using namespace ladon;
using ast::BinaryOp;
using ast::Dim;
using ast::Expr;
using Kind = Expr::Kind;

bool Importer::isBiasedProduct(const Expr *expr) {
  if (expr->kind != Kind::Binary || expr->binaryOp != BinaryOp::Add)
    return false;
  const Expr *product = expr->args[0], *bias = expr->args[1];
  if (product->kind != Kind::Binary || product->binaryOp != BinaryOp::MatMul ||
      !bias->type.isTensor() || bias->kind == Kind::Repeat)
    return false;
  ArrayRef<Dim> whole = *product->type.dims, part = *bias->type.dims;
  return part.size() < whole.size() && whole.take_back(part.size()) == part;
}

/// Whether `expr` is computed element by element from its operands.
bool Importer::isElementwise(const Expr *expr) {
  return expr->kind == Kind::Call ||
         (expr->kind == Kind::Binary && expr->binaryOp != BinaryOp::MatMul &&
          !isBiasedProduct(expr));
}

/// The tensors and single values at the leaves of an elementwise expression,
/// but for literals.
void Importer::collectLeaves(const Expr *expr,
                             SmallVectorImpl<const Expr *> &leaves) {
  if (expr->type.isTensor() && isElementwise(expr))
    for (const Expr *arg : expr->args)
      collectLeaves(arg, leaves);
  else if (expr->kind != Kind::FloatLit)
    leaves.push_back(expr);
}

Value Importer::single(const Expr *expr) {
  Captures captures;
  capture(expr, /*attend=*/{}, captures); // Nothing of a score or mask.
  Position nowhere;
  for (auto &[name, value] : captures)
    nowhere.captured[name] = value;
  return ExprImporter(b, locations, nowhere).emit(expr);
}

/// Where the elements of a leaf are, over the axes of `whole`.
static AffineMap leafMap(Builder &b, const Expr *leaf, ArrayRef<Dim> whole) {
  bool isRepeated = leaf->kind == Kind::Repeat;
  ArrayRef<Dim> axes = *(isRepeated ? leaf->args[0] : leaf)->type.dims;
  size_t first = isRepeated ? 0 : whole.size() - axes.size();
  SmallVector<AffineExpr> at;
  for (auto [axis, dim] : llvm::enumerate(axes))
    at.push_back(dim.size == 1 && !(whole[first + axis] == dim)
                     ? b.getAffineConstantExpr(0)
                     : b.getAffineDimExpr(first + axis));
  return AffineMap::get(whole.size(), /*symbolCount=*/0, at, b.getContext());
}

namespace {
/// What a leaf is inside of the loop.
struct Leaf {
  enum { Element, Single, Position } kind;
  unsigned number = 0; ///< Element: the operand. Position: the axis.
  Value value;         ///< Single
};
} // namespace

/// An element of a result along an axis, and the next one along it.
static Value joinElements(OpBuilder &b, Location loc, ast::Reduction reduction,
                          Value so, Value next) {
  switch (reduction) {
  case ast::Reduction::Max:
    return arith::MaxNumFOp::create(b, loc, so, next);
  case ast::Reduction::Min:
    return arith::MinNumFOp::create(b, loc, so, next);
  default: // Which partial sums there are is left to the compiler.
    return arith::AddFOp::create(b, loc, next, so,
                                 arith::FastMathFlags::reassoc);
  }
}

Value Importer::loop(const Expr *expr, Value init, const Expr *along) {
  SmallVector<const Expr *> found;
  collectLeaves(expr, found);
  ArrayRef<Dim> whole = *expr->type.dims;
  auto rank = static_cast<unsigned>(whole.size());
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<Leaf> leaves;
  for (const Expr *leaf : found) {
    if (!leaf->type.isTensor()) {
      leaves.push_back({Leaf::Single, 0, single(leaf)});
      continue;
    }
    bool isRepeated = leaf->kind == Kind::Repeat;
    const Expr *source = isRepeated ? leaf->args[0] : leaf;
    if (source->kind == Kind::Iota) {
      leaves.push_back({Leaf::Position, isRepeated ? 0 : rank - 1, {}});
      continue;
    }
    leaves.push_back({Leaf::Element, unsigned(inputs.size()), {}});
    inputs.push_back(tensor(source));
    maps.push_back(leafMap(b, leaf, whole));
  }
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  maps.push_back(along ? identity.dropResult(along->intValue) : identity);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  if (along)
    iterators[along->intValue] = utils::IteratorType::reduction;

  auto buildBody = [&](OpBuilder &builder, Location outer, ValueRange args) {
    Position nowhere;
    ExprImporter scalars(builder, locations, nowhere);
    unsigned next = 0;
    auto emitLeaf = [&](const Expr *e) -> Value {
      const Leaf &leaf = leaves[next++];
      Location loc = locations.get(e->range);
      switch (leaf.kind) {
      case Leaf::Single:
        return leaf.value;
      case Leaf::Position:
        return arith::IndexCastOp::create(
            builder, loc, builder.getI32Type(),
            linalg::IndexOp::create(builder, loc, leaf.number));
      case Leaf::Element:
        break;
      }
      Value element = args[leaf.number];
      return isFloat(e->type.element)
                 ? convertFloat(builder, loc, element,
                                scalarType(builder, e->type.element))
                 : scalars.fromStorage(element, e->type.element);
    };
    std::function<Value(const Expr *)> emit = [&](const Expr *e) -> Value {
      if (e->kind == Kind::FloatLit)
        return scalars.emit(e);
      if (!e->type.isTensor() || !isElementwise(e))
        return emitLeaf(e);
      SmallVector<Value> operands;
      for (const Expr *arg : e->args)
        operands.push_back(emit(arg));
      if (e->kind == Kind::Call) {
        for (auto [operand, arg] : llvm::zip(operands, e->args))
          operand = scalars.convert(operand, computedType(arg->type.element),
                                    e->type.element);
        return scalars.emitCall(e, operands);
      }
      Location loc = locations.get(e->range);
      switch (e->binaryOp) {
      case BinaryOp::Add:
        return arith::AddFOp::create(builder, loc, operands);
      case BinaryOp::Sub:
        return arith::SubFOp::create(builder, loc, operands);
      case BinaryOp::Mul:
        return arith::MulFOp::create(builder, loc, operands);
      default:
        return arith::DivFOp::create(builder, loc, operands);
      }
    };
    Value result = emit(expr);
    if (along)
      result =
          joinElements(builder, outer, along->reduction, args.back(), result);
    linalg::YieldOp::create(builder, outer, result);
  };
  return linalg::GenericOp::create(b, init.getType(), inputs, init, maps,
                                   iterators, buildBody)
      .getResult(0);
}

Value Importer::reduceAlong(const Expr *expr) {
  Value init = empty(expr->type);
  Type element = cast<RankedTensorType>(init.getType()).getElementType();
  double ofNothing = expr->reduction == ast::Reduction::Max   ? -HUGE_VAL
                     : expr->reduction == ast::Reduction::Min ? HUGE_VAL
                                                              : 0;
  Value first =
      arith::ConstantOp::create(b, b.getFloatAttr(element, ofNothing));
  init = linalg::FillOp::create(b, first, init).getResult(0);
  return loop(expr->args[0], init, expr);
}
