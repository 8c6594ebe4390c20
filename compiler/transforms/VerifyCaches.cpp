//===- VerifyCaches.cpp - Do new positions fit their caches? --------------===//
//
// Where a cache is written to is known at run time only. So that it is within
// the cache, the parameter that says where must have a bound, which the entry
// point checks, and it has to be the right one.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/ExtentVerifier.h"

using namespace mlir;
using namespace ladon;

/// The parameter of the function that `value` is, or null.
static attn::ParamAttr paramOf(func::FuncOp function, Value value) {
  auto argument = dyn_cast_if_present<BlockArgument>(value);
  return argument && argument.getOwner() == &function.front()
             ? attn::getParam(function, argument.getArgNumber())
             : nullptr;
}

/// A parameter of the kind inout has one use, its append: a second reader would
/// see the old or the new elements by the order of the code.
LogicalResult ExtentVerifier::verifyCaches() {
  for (BlockArgument argument : function.getArguments()) {
    attn::ParamAttr param = paramOf(function, argument);
    if (!param || param.getKind() != attn::ParamKind::InOut)
      continue;
    // Its sizes may be asked for.
    SmallVector<Operation *> users = llvm::to_vector(llvm::make_filter_range(
        argument.getUsers(), [](auto *op) { return !isa<tensor::DimOp>(op); }));
    auto append =
        users.size() == 1 ? dyn_cast<attn::AppendOp>(users.front()) : nullptr;
    if (!append || append.getCache() != argument ||
        append.getSource() == argument)
      return function.emitError("argument ")
             << argument.getArgNumber() << ": expected one use of inout '"
             << param.getName().getValue() << "', as the cache of an "
             << attn::AppendOp::getOperationName();
  }
  return success();
}

/// Checks that the entry point sees to it that all of `count` positions are
/// within `capacity`.
LogicalResult ExtentVerifier::verifyPlaces(attn::AppendOp op, Extent capacity,
                                           Extent count) {
  attn::ParamAttr at = paramOf(function, op.getAt());
  if (!at)
    return op.emitOpError("expected an argument that says where to append");
  std::optional<SizeExpr> all = SizeExpr::parse(str(capacity)),
                          taken = SizeExpr::parse(str(count)), last;
  if (all && taken)
    taken = SizeExpr::join(SizeExpr::Op::Mul, *taken, SizeExpr::constant(-1));
  if (all && taken)
    last = SizeExpr::join(SizeExpr::Op::Add, *all, *taken);
  if (!last)
    return explain(op.emitOpError("cannot tell where ")
                   << str(count) << " positions fit a cache of "
                   << str(capacity));
  std::optional<int64_t> known = last->asConstant();
  Extent most = known ? Extent(number(*known)) : b.getStringAttr(last->str());
  if (at.getTo() && llvm::is_contained(at.getTo(), most))
    return success();
  return op.emitOpError("expected '")
         << at.getName().getValue() << "' with values to [" << most
         << "], where what is appended fits the cache";
}

LogicalResult ExtentVerifier::visit(attn::AppendOp op) {
  attn::ParamAttr cache = paramOf(function, op.getCache());
  if (!cache || cache.getKind() != attn::ParamKind::InOut)
    return op.emitOpError("expected a cache that is an argument of the kind "
                          "inout");
  ArrayRef<Extent> source = extents[op.getSource()],
                   whole = extents[op.getCache()];
  int64_t positions = op.getAxis();
  auto expectEqual = [&](Extent expected, Extent found, StringRef what) {
    if (expected == found)
      return success();
    return LogicalResult(explain(op.emitOpError("expected ")
                                 << str(expected) << " as the extent of "
                                 << what << ", found " << str(found)));
  };
  for (auto [axis, extent] : llvm::enumerate(source))
    if (int64_t(axis) != positions && !(axis == 0 && op.getPages()) &&
        failed(expectEqual(whole[axis], extent,
                           ("axis " + Twine(axis) + " of the source").str())))
      return failure();
  if (isa<RankedTensorType>(op.getAt().getType()) &&
      failed(expectEqual(source[0], extents[op.getAt()][0], "the places")))
    return failure();
  Extent capacity = whole[positions];
  if (op.getPages()) {
    ArrayRef<Extent> table = extents[op.getPages()];
    if (failed(expectEqual(source[0], table[0], "axis 0 of the table")))
      return failure();
    std::optional<SizeExpr> pages = SizeExpr::parse(str(table[1]));
    if (pages)
      pages = SizeExpr::join(SizeExpr::Op::Mul, *pages,
                             SizeExpr::constant(op.getPageSize()));
    std::optional<int64_t> known = pages ? pages->asConstant() : std::nullopt;
    capacity = known   ? Extent(number(*known))
               : pages ? Extent(b.getStringAttr(pages->str()))
                       : Extent();
    attn::ParamAttr param = paramOf(function, op.getPages()),
                    at = paramOf(function, op.getAt());
    Attribute row = at ? b.getArrayAttr({at.getName(), source[positions],
                                         number(op.getPageSize()), whole[0]})
                       : Attribute();
    if (row && !(param && param.getWrites() &&
                 llvm::is_contained(param.getWrites(), row)))
      return op.emitOpError("expected a table that writes [")
             << row << "], whose pages are checked";
  }
  if (failed(verifyPlaces(op, capacity, source[positions])))
    return failure();
  if (op.getResult())
    extents[op.getResult()] = extents.lookup(op.getCache());
  return success();
}
