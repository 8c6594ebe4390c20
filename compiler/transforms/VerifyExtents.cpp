//===- VerifyExtents.cpp - Do the sizes of a function add up? -------------===//
//
// Code is generated for the sizes that operands and results are said to have,
// and the entry point has checked those of its arguments only. So that nothing
// is read or written beyond a tensor, every other extent has to follow from
// them. Each is either a number or the name of a size here, and two are equal
// when they are the same.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/support/Debug.h"
#include "compiler/transforms/ExtentVerifier.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/CheckedArithmetic.h"

#define DEBUG_TYPE "attn-verify-extents"

namespace ladon {
#define GEN_PASS_DEF_VERIFYEXTENTS
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

//===----------------------------------------------------------------------===//
// Extents
//===----------------------------------------------------------------------===//

std::string ExtentVerifier::str(Extent extent) {
  if (!extent)
    return "one that is unknown";
  if (auto number = dyn_cast<IntegerAttr>(extent))
    return std::to_string(number.getInt());
  return cast<StringAttr>(extent).str();
}

std::optional<int64_t> ExtentVerifier::getNumber(Extent extent) {
  if (auto number = dyn_cast_or_null<IntegerAttr>(extent))
    return number.getInt();
  return std::nullopt;
}

InFlightDiagnostic &&ExtentVerifier::explain(InFlightDiagnostic &&error) {
  error.attachNote()
      << "an extent is a number, or a name that an argument gives one of its "
         "axes in 'attn.param'; sizes that must be equal need one name, and "
         "the entry point checks that they are";
  return std::move(error);
}

std::optional<SizeExpr> ExtentVerifier::getExpr(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return SizeExpr::constant(*constant);
  Operation *op = cast<Value>(size).getDefiningOp();
  if (auto dim = dyn_cast_or_null<tensor::DimOp>(op)) {
    Extent extent = extents.lookup(dim.getSource())[*dim.getConstantIndex()];
    return extent ? SizeExpr::parse(str(extent)) : std::nullopt;
  }
  using Op = SizeExpr::Op;
  std::optional<Op> join = isa_and_nonnull<arith::AddIOp>(op) ? Op::Add
                           : isa_and_nonnull<arith::MulIOp>(op)
                               ? Op::Mul
                               : std::optional<Op>();
  if (isa_and_nonnull<arith::FloorDivSIOp>(op))
    join = Op::FloorDiv;
  if (!join)
    return std::nullopt;
  std::optional<SizeExpr> left = getExpr(op->getOperand(0)),
                          right = getExpr(op->getOperand(1));
  return left && right ? SizeExpr::join(*join, *left, *right) : std::nullopt;
}

/// What an index is: a number, the extent of a tensor, or computed from such.
Extent ExtentVerifier::getSize(OpFoldResult size) {
  std::optional<SizeExpr> known = getExpr(size);
  if (!known)
    return {};
  std::optional<int64_t> constant = known->asConstant();
  return constant ? Extent(number(*constant)) : b.getStringAttr(known->str());
}

/// The number of elements of axes that become one: with a named size among them
/// nothing but ones beside it has a name.
Extent ExtentVerifier::getProduct(ArrayRef<Extent> factors) {
  std::optional<int64_t> product = 1;
  Extent named;
  for (Extent factor : factors) {
    std::optional<int64_t> size = getNumber(factor);
    if (size && product)
      product = llvm::checkedMul(*product, *size);
    else if (!size && !named && factor)
      named = factor;
    else
      return {};
  }
  if (!product || (named && *product != 1))
    return {};
  return named ? named : number(*product);
}

SmallVector<Extent> ExtentVerifier::getDeclared(attn::ParamAttr param) {
  SmallVector<Extent> dims;
  for (Attribute dim : param.getDims()) {
    std::optional<int64_t> size = getNumber(dim);
    dims.push_back(size ? number(*size) : dim);
  }
  return dims;
}

SmallVector<Extent> ExtentVerifier::getStatic(Type type) {
  SmallVector<Extent> sizes;
  for (int64_t size : cast<RankedTensorType>(type).getShape())
    sizes.push_back(ShapedType::isDynamic(size) ? Extent() : number(size));
  return sizes;
}

//===----------------------------------------------------------------------===//
// attn and linalg
//===----------------------------------------------------------------------===//

/// Keys in pages: as many as the table has pages for. A pool that is empty has
/// none of them, which only the call knows.
LogicalResult ExtentVerifier::verifyPagedKeys(attn::AttendOp op, Extent found) {
  Extent keys = getKeysOf(op);
  if (keys && keys == found)
    return success();
  return explain(op.emitOpError("expected ")
                 << (keys ? str(keys) : "an unknown number of")
                 << " keys in pages, found " << str(found) << " in scores");
}

Extent ExtentVerifier::getKeysOf(attn::AttendOp paged) const {
  std::optional<SizeExpr> pages =
      SizeExpr::parse(str(getExtents(paged.getPages()).back()));
  std::optional<SizeExpr> keys =
      pages ? SizeExpr::join(SizeExpr::Op::Mul, *pages,
                             SizeExpr::constant(paged.getPageSize()))
            : std::nullopt;
  if (!keys)
    return {};
  Builder builder(paged.getContext());
  std::optional<int64_t> constant = keys->asConstant();
  return constant ? Extent(builder.getI64IntegerAttr(*constant))
                  : builder.getStringAttr(keys->str());
}

LogicalResult ExtentVerifier::visit(attn::AttendOp op) {
  using Role = attn::AttendOp::AxisRole;
  static constexpr StringLiteral operands[] = {"query", "key", "value",
                                               "out",   "lse", "scores"};
  static constexpr StringLiteral sizes[] = {
      "batch size", "number of queries", "number of keys", "number of pages"};
  // Other axes have numbers, which the verifier has compared.
  std::pair<Extent, StringRef> known[4];
  if (op.getPages())
    known[0] = {extents[op.getPages()].front(), "pages"};
  for (unsigned index = 0; index < op.getNumMaps(); ++index) {
    ArrayRef<Extent> axes = extents[op.getMappedOperand(index).get()];
    for (auto [axis, role] : llvm::enumerate(*op.getAxisRoles(index))) {
      bool isBatch = role == Role::Batch;
      if (op.isShared(index, role))
        continue;
      bool isKey = index == attn::AttendOp::Scores && role == Role::Feature;
      if (isKey && op.getPages()) {
        if (failed(verifyPagedKeys(op, axes[axis])))
          return failure();
        continue;
      }
      if (!isBatch && !isKey && role != Role::Position)
        continue;
      bool isKeyOrValue = index == 1 || index == 2 || isKey;
      unsigned which = isKeyOrValue ? (op.getPages() && isBatch ? 3 : 2) : 1;
      if (isBatch && which != 3)
        which = 0;
      auto &[extent, first] = known[which];
      if (!extent)
        std::tie(extent, first) = std::make_pair(axes[axis], operands[index]);
      else if (axes[axis] != extent)
        return explain(op.emitOpError("expected one ")
                       << sizes[which] << ", found " << str(extent) << " in "
                       << first << " and " << str(axes[axis]) << " in "
                       << operands[index]);
    }
  }
  for (auto [result, init] : llvm::zip_equal(op.getResults(), op.getInits()))
    extents[result] = extents.lookup(init);
  return success();
}

LogicalResult ExtentVerifier::visit(attn::SplitHeadsOp op) {
  SmallVector<Extent> axes = getStatic(op.getType());
  ArrayRef<Extent> source = extents[op.getSource()];
  axes[0] = source[0];
  axes[2] = source[1];
  extents[op.getResult()] = axes;
  return success();
}

LogicalResult ExtentVerifier::visit(attn::ConcatHeadsOp op) {
  SmallVector<Extent> axes = getStatic(op.getType());
  ArrayRef<Extent> source = extents[op.getSource()];
  axes[0] = source[0];
  axes[1] = source[2];
  extents[op.getResult()] = axes;
  return success();
}

/// Checks that what a map computes for an axis, such as `d1 * 64 + d2`, stays
/// within it.
LogicalResult ExtentVerifier::verifyAccess(linalg::LinalgOp op,
                                           OpOperand &operand, int64_t axis,
                                           ArrayRef<Extent> loops) {
  AffineExpr index = op.getMatchingIndexingMap(&operand).getResult(axis);
  SmallVector<std::optional<int64_t>> first(loops.size(), 0), last;
  for (Extent loop : loops) {
    std::optional<int64_t> size = getNumber(loop);
    if (size == 0) // Nothing is accessed.
      return success();
    last.push_back(size ? std::optional(*size - 1) : std::nullopt);
  }
  auto bound = [&](bool isUpper) {
    return getBoundForAffineExpr(index, loops.size(), /*numSymbols=*/0, first,
                                 last, isUpper);
  };
  std::optional<int64_t> low = bound(false), high = bound(true);
  Extent extent = extents[operand.get()][axis];
  std::optional<int64_t> size = getNumber(extent);
  if (low && high && size && *low >= 0 && *high < *size)
    return success();
  std::string text;
  llvm::raw_string_ostream(text) << index;
  return op->emitOpError("expected '")
         << text << "' to stay within axis " << axis << " of operand "
         << operand.getOperandNumber() << ", whose extent is " << str(extent)
         << ", for all positions; that is known where all sizes are numbers";
}

LogicalResult ExtentVerifier::visit(linalg::LinalgOp op) {
  SmallVector<Extent> loops(op.getNumLoops());
  SmallVector<unsigned> firstOperand(loops.size());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [axis, index] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(index);
      if (!dim)
        continue;
      Extent extent = extents[operand.get()][axis];
      Extent &loop = loops[dim.getPosition()];
      unsigned &first = firstOperand[dim.getPosition()];
      if (!loop) {
        loop = extent;
        first = operand.getOperandNumber();
      } else if (loop != extent) {
        return explain(op->emitOpError("expected one extent for d")
                       << dim.getPosition() << ", found " << str(loop)
                       << " in operand " << first << " and " << str(extent)
                       << " in operand " << operand.getOperandNumber());
      }
    }
  }
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [axis, index] : llvm::enumerate(map.getResults()))
      if (!isa<AffineDimExpr>(index) &&
          failed(verifyAccess(op, operand, axis, loops)))
        return failure();
  }
  WalkResult body = op.getBlock()->walk([](Operation *inner) {
    bool isScalar =
        inner->getNumRegions() == 0 &&
        llvm::none_of(inner->getOperandTypes(),
                      llvm::IsaPred<RankedTensorType>) &&
        llvm::none_of(inner->getResultTypes(), llvm::IsaPred<RankedTensorType>);
    if (isScalar)
      return WalkResult::advance();
    inner->emitOpError("expected operations on scalars in the body of a linalg "
                       "operation");
    return WalkResult::interrupt();
  });
  if (body.wasInterrupted())
    return failure();
  for (OpOperand &init : op.getDpsInitsMutable())
    extents[op.getTiedOpResult(&init)] = extents.lookup(init.get());
  return success();
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

LogicalResult ExtentVerifier::visit(arith::ConstantOp op) {
  if (isa<RankedTensorType>(op.getType()))
    extents[op.getResult()] = getStatic(op.getType());
  return success();
}

LogicalResult ExtentVerifier::visit(func::ReturnOp op) {
  for (auto [index, value] : llvm::enumerate(op.getOperands())) {
    attn::ParamAttr param = attn::getResultParam(function, index);
    if (!param)
      return function.emitError("result ")
             << index << ": expected '" << attn::AttnDialect::paramName
             << "', found none";
    ArrayRef<Extent> found = extents[value];
    for (auto [axis, expected] : llvm::enumerate(getDeclared(param)))
      if (found[axis] != expected)
        return explain(op.emitOpError("expected ")
                       << str(expected) << " on axis " << axis << " of '"
                       << param.getName().getValue() << "', as its '"
                       << attn::AttnDialect::paramName << "' says, found "
                       << str(found[axis]));
  }
  return success();
}

/// Any other operation may compute numbers. A check of indices writes nothing
/// and reads by attn.read only, which stays within any tensor.
LogicalResult ExtentVerifier::visitOther(Operation *op) {
  if (isa<attn::CheckIndicesOp>(op))
    return success();
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  if (llvm::none_of(op->getOperandTypes(), isTensor) &&
      llvm::none_of(op->getResultTypes(), isTensor))
    return success();
  return op->emitOpError("has extents that are not known: expected operations "
                         "of attn and linalg on tensors, arith.constant, and "
                         "of tensor dim, empty, cast, extract_slice, "
                         "insert_slice, collapse_shape and expand_shape");
}

LogicalResult ExtentVerifier::verify() {
  if (!function.getBody().hasOneBlock())
    return function.emitError("expected one block, found ")
           << function.getBody().getBlocks().size();
  for (BlockArgument argument : function.getArguments()) {
    if (!isa<RankedTensorType>(argument.getType()))
      continue;
    attn::ParamAttr param = attn::getParam(function, argument.getArgNumber());
    if (!param)
      return function.emitError("argument ")
             << argument.getArgNumber() << ": expected '"
             << attn::AttnDialect::paramName << "', found none";
    extents[argument] = getDeclared(param);
    declared.insert_range(extents[argument]);
  }
  if (failed(verifyCaches()))
    return failure();
  for (unsigned result = 0; result < function.getNumResults(); ++result)
    if (attn::ParamAttr param = attn::getResultParam(function, result))
      declared.insert_range(getDeclared(param));
  for (Operation &op : function.getBody().front()) {
    LogicalResult result =
        llvm::TypeSwitch<Operation *, LogicalResult>(&op)
            .Case<attn::AppendOp, attn::AttendOp, attn::SplitHeadsOp,
                  attn::ConcatHeadsOp, linalg::LinalgOp, tensor::DimOp,
                  tensor::EmptyOp, tensor::CastOp, tensor::ExtractSliceOp,
                  tensor::InsertSliceOp, tensor::CollapseShapeOp,
                  tensor::ExpandShapeOp, arith::ConstantOp, func::ReturnOp>(
                [&](auto op) { return visit(op); })
            .Default([&](Operation *op) { return visitOther(op); });
    if (failed(result))
      return failure();
    for (Value value : op.getResults())
      if (extents.contains(value))
        LADON_DEBUG(
            '[' << llvm::join(llvm::map_range(extents[value], str), ", ")
                << "] " << value << '\n');
  }
  return success();
}

/// Whether callers from outside are told about the function.
static bool isDeclared(func::FuncOp function) {
  return function.getArgAttrsAttr() || function.getResAttrsAttr();
}

namespace {

struct VerifyExtentsPass
    : public ladon::impl::VerifyExtentsBase<VerifyExtentsPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !isDeclared(function))
      return markAllAnalysesPreserved();
    if (failed(ExtentVerifier(function).verify()))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
