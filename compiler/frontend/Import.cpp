//===- Import.cpp - A checked attention as an attn module -----------------===//

#include "compiler/frontend/Import.h"

#include "compiler/frontend/Importer.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ladon;
using ast::BinaryOp;
using ast::Dim;
using ast::Expr;
using ast::ScalarType;
using Kind = Expr::Kind;

//===----------------------------------------------------------------------===//
// Types and the function
//===----------------------------------------------------------------------===//

RankedTensorType Importer::tensorType(const ast::Type &type,
                                      ScalarType element) {
  SmallVector<int64_t> shape;
  for (const Dim &dim : *type.dims)
    shape.push_back(dim.isStatic() ? dim.size : ShapedType::kDynamic);
  return RankedTensorType::get(shape, storageType(b, element));
}

static Attribute extentAttr(Builder &b, const Dim &dim) {
  return dim.isStatic() ? Attribute(b.getI64IntegerAttr(dim.size))
                        : b.getStringAttr(dim.name);
}

/// A number or the text of a size.
static Attribute extentAttr(Builder &b, const std::string &size) {
  std::optional<int64_t> known = SizeExpr::parse(size)->asConstant();
  return known ? Attribute(b.getI64IntegerAttr(*known)) : b.getStringAttr(size);
}

/// What an argument or result is to a caller.
DictionaryAttr Importer::describe(attn::ParamKind kind, StringRef name,
                                  const ast::Type &type,
                                  const ast::Param *values) {
  SmallVector<Attribute> dims;
  if (type.isTensor())
    for (const Dim &dim : *type.dims)
      dims.push_back(extentAttr(b, dim));
  Type element = type.element == ScalarType::Bool ? Type(b.getI1Type())
                 : isUnsigned(type.element)
                     ? Type(b.getIntegerType(8 * byteSize(type.element),
                                             /*isSigned=*/false))
                     : storageType(b, type.element);
  SmallVector<Attribute> to, writes;
  if (values) {
    for (const std::string &most : values->most)
      to.push_back(extentAttr(b, most));
    for (const ast::WrittenPages &written : values->writes) {
      Attribute row = b.getArrayAttr(
          {b.getStringAttr(written.at), extentAttr(b, written.count),
           b.getI64IntegerAttr(written.pageSize), extentAttr(b, written.pool)});
      // Pools of keys and of values have the same pages.
      if (!llvm::is_contained(writes, row))
        writes.push_back(row);
    }
  }
  auto orNull = [&](ArrayRef<Attribute> items) {
    return items.empty() ? nullptr : b.getArrayAttr(items);
  };
  auto param =
      attn::ParamAttr::get(b.getContext(), kind, b.getStringAttr(name), element,
                           dims, orNull(to), orNull(writes), /*doc=*/nullptr);
  return b.getDictionaryAttr(
      b.getNamedAttr(attn::AttnDialect::paramName, param));
}

/// What a caller can be told about the whole.
void Importer::describe(func::FuncOp function) {
  function->setAttr(attn::AttnDialect::sourceName,
                    b.getStringAttr(attention.source));
  NamedAttrList settings;
  for (const CompileTimeParam &param : spec.params)
    settings.set(param.name, b.getStringAttr(param.value));
  if (!settings.empty())
    function->setAttr(attn::AttnDialect::settingsName,
                      settings.getDictionary(b.getContext()));
}

func::FuncOp Importer::createFunction() {
  SmallVector<Type> inputs, results;
  for (const auto &param : attention.params)
    inputs.push_back(param->type.isTensor()
                         ? tensorType(param->type, param->type.element)
                         : storageType(b, param->type.element));
  for (const ast::Result &result : attention.results)
    results.push_back(tensorType(result.type, result.type.element));
  auto function = func::FuncOp::create(b, attention.name,
                                       b.getFunctionType(inputs, results));
  entry = b.createBlock(&function.getBody());
  // All at once: each change of one makes a new list of all.
  SmallVector<DictionaryAttr> attributes;
  for (auto [param, type] : llvm::zip_equal(attention.params, inputs)) {
    params[param.get()] = entry->addArgument(type, locations.get(param->range));
    attributes.push_back(describe(!param->type.isTensor()
                                      ? attn::ParamKind::Scalar
                                  : param->isInout ? attn::ParamKind::InOut
                                                   : attn::ParamKind::Input,
                                  param->name, param->type, param.get()));
    if (param->type.isTensor())
      for (auto [axis, dim] : llvm::enumerate(*param->type.dims))
        if (!dim.isStatic())
          carriers.try_emplace(dim.name, param.get(), axis);
  }
  function.setAllArgAttrs(attributes);
  for (auto [i, result] : llvm::enumerate(attention.results))
    function.setResultAttrs(
        i, describe(attn::ParamKind::Output, result.name, result.type));
  describe(function);
  return function;
}

/// The attend that an expression stands for, through lets.
const Expr *Importer::findAttend(const Expr *expr) {
  while (expr->kind == Kind::Name && expr->let)
    expr = expr->let->value;
  return expr;
}

/// Notes the attends whose lse or weights are asked for.
void Importer::findMembers(const Expr *expr) {
  if (expr->kind == Kind::Name && expr->let)
    return;
  if (expr->kind == Kind::Member && expr->name == "lse")
    withLse.insert(findAttend(expr->args[0]));
  if (expr->kind == Kind::Member && expr->name == "weights")
    withWeights.insert(findAttend(expr->args[0]));
  for (const Expr *arg : expr->args)
    findMembers(arg);
  if (expr->attend)
    for (const Expr *operand :
         {expr->attend->q, expr->attend->k, expr->attend->v})
      findMembers(operand);
}

OwningOpRef<ModuleOp> Importer::import() {
  b.setLoc(locations.get(attention.range));
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc());
  b.setInsertionPointToStart(module->getBody());
  createFunction();
  for (const auto &let : attention.lets) {
    letNames[let->value] = let->name;
    findMembers(let->value);
  }
  for (const ast::Result &result : attention.results)
    findMembers(result.value);
  // Caches are written, whether or not a result depends on them.
  for (const Expr *append : attention.appends)
    tensor(append);
  SmallVector<Value> results;
  for (const ast::Result &result : attention.results)
    results.push_back(tensor(result.value));
  // All are there before one is stored in another type: who else reads it?
  SmallVector<Value> stored;
  for (auto [result, value] : llvm::zip_equal(attention.results, results))
    stored.push_back(
        isStorageOnly(result.type.element)
            ? inStorage(value, result.type, llvm::count(results, value) == 1)
            : computed(value));
  func::ReturnOp::create(b, stored);
  return module;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// Sizes are read off the first parameter that carries them, at the top of the
/// function. Those that no parameter carries are computed.
Value Importer::extent(const Dim &dim) {
  OpBuilder::InsertionGuard guard(b);
  if (Value known = extents.lookup(dim.name))
    return known;
  if (isComputedSize(dim.name) && !carriers.contains(dim.name))
    return extents[dim.name] = computedExtent(*SizeExpr::parse(dim.name));
  auto [param, axis] = carriers.lookup(dim.name);
  b.setInsertionPointToStart(entry);
  b.setLoc(locations.get(param->range));
  return extents[dim.name] =
             tensor::DimOp::create(b, params.lookup(param), axis);
}

Value Importer::computedExtent(const SizeExpr &size) {
  // Below the sizes that it is computed from.
  size.forEachName([&](StringRef name) { extent(Dim{-1, name.str()}); });
  b.setInsertionPointToStart(entry);
  for (Operation &op : *entry)
    if (isa<tensor::DimOp>(op))
      b.setInsertionPointAfter(&op);
  using Op = SizeExpr::Op;
  return size.fold<Value>(
      [&](int64_t value) -> Value {
        return arith::ConstantIndexOp::create(b, value);
      },
      [&](StringRef name) { return extents.lookup(name); },
      [&](Op op, Value left, Value right) -> Value {
        switch (op) {
        case Op::Add:
          return arith::AddIOp::create(b, left, right);
        case Op::Mul:
          return arith::MulIOp::create(b, left, right);
        case Op::FloorDiv:
          return arith::FloorDivSIOp::create(b, left, right);
        }
        llvm_unreachable("every operation of sizes");
      });
}

Value Importer::extentAsInteger(const Dim &dim) {
  if (dim.isStatic())
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(dim.size));
  Value &known = integerExtents[dim.name];
  if (known)
    return known;
  Location loc = b.getLoc();
  Value index = extent(dim);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfterValue(index);
  known = arith::IndexCastOp::create(b, b.getI32Type(), index);
  b.setLoc(loc);
  return known;
}

Value Importer::empty(const ast::Type &type, ScalarType element) {
  Location loc = b.getLoc();
  SmallVector<Value> sizes;
  for (const Dim &dim : *type.dims)
    if (!dim.isStatic())
      sizes.push_back(extent(dim));
  b.setLoc(loc);
  return tensor::EmptyOp::create(b, tensorType(type, element), sizes);
}

//===----------------------------------------------------------------------===//
// Types of storage
//===----------------------------------------------------------------------===//

/// A float as another float type.
Value Importer::convertFloat(OpBuilder &b, Location loc, Value x, Type to) {
  unsigned from = x.getType().getIntOrFloatBitWidth();
  if (x.getType() == to)
    return x;
  return from < to.getIntOrFloatBitWidth()
             ? arith::ExtFOp::create(b, loc, to, x).getResult()
             : arith::TruncFOp::create(b, loc, to, x).getResult();
}

/// A copy of `from` in `init`, whose elements have another type. Between two
/// types of storage it goes by way of f32.
Value Importer::convertElements(Value from, Value init) {
  auto type = cast<RankedTensorType>(init.getType());
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  auto buildBody = [&](OpBuilder &builder, Location loc, ValueRange args) {
    if (args[0].getType() == type.getElementType()) {
      linalg::YieldOp::create(builder, loc, args[0]);
      return;
    }
    Type wide = attn::getComputedType(args[0].getType());
    Value x = convertFloat(builder, loc, args[0], wide);
    linalg::YieldOp::create(
        builder, loc, convertFloat(builder, loc, x, type.getElementType()));
  };
  return linalg::GenericOp::create(b, type, from, init,
                                   ArrayRef{identity, identity}, iterators,
                                   buildBody)
      .getResult(0);
}

/// `value` in the type that is computed in: a copy, if it is stored in another.
/// For what is small; what reads large tensors converts as it reads.
Value Importer::computed(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  auto wide = cast<RankedTensorType>(
      type.clone(attn::getComputedType(type.getElementType())));
  if (!isa<FloatType>(type.getElementType()) || type == wide)
    return value;
  Value init = tensor::EmptyOp::create(
      b, tensor::getMixedSizes(b, b.getLoc(), value), wide.getElementType());
  return convertElements(value, init);
}

/// `value` as a result that is stored in fewer bits. An attend whose result
/// nobody else reads rounds it as it stores it.
Value Importer::inStorage(Value value, const ast::Type &type,
                          bool isOnlyResult) {
  RankedTensorType wanted = tensorType(type, type.element);
  if (value.getType() == wanted)
    return value;
  auto concat = value.getDefiningOp<attn::ConcatHeadsOp>();
  Value source = concat ? concat.getSource() : value;
  auto attend = source.getDefiningOp<attn::AttendOp>();
  if (!attend || !isOnlyResult || !value.use_empty() ||
      (concat && !source.hasOneUse()))
    return convertElements(value, empty(type, type.element));
  auto change = [&](Value tensor) {
    tensor.setType(cast<RankedTensorType>(tensor.getType())
                       .clone(wanted.getElementType()));
  };
  auto init = attend.getInits()[cast<OpResult>(source).getResultNumber()]
                  .getDefiningOp<tensor::EmptyOp>();
  change(init);
  change(source);
  if (concat)
    change(value);
  return value;
}

OwningOpRef<ModuleOp>
ladon::importAttention(MLIRContext &context, const CheckedSpec &spec,
                       const llvm::SourceMgr &sources,
                       llvm::DenseMap<const Expr *, Operation *> *masked) {
  context.loadDialect<arith::ArithDialect, attn::AttnDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect, scf::SCFDialect,
                      tensor::TensorDialect>();
  Importer importer(context, spec, sources);
  OwningOpRef<ModuleOp> module = importer.import();
  if (masked)
    *masked = std::move(importer.masked);
  return module;
}
