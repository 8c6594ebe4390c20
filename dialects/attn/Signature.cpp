//===- Signature.cpp - What the caller of a function sees -----------------===//
//
// The attribute `attn.param`, and the checks that it says the same as the type
// that it stands beside.
//
//===----------------------------------------------------------------------===//

#include "dialects/attn/Attn.h"

#include "compiler/support/SizeExpr.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ladon::attn;

#include "dialects/attn/AttnEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/attn/AttnAttributes.cpp.inc"

/// The largest extent: positions and their sums then fit 32 bits.
static constexpr int64_t maxExtent = (int64_t(1) << 30) - 1;

void AttnDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/attn/AttnAttributes.cpp.inc"
      >();
}

ParamAttr ladon::attn::getParam(FunctionOpInterface function,
                                unsigned argument) {
  return function.getArgAttrOfType<ParamAttr>(argument, AttnDialect::paramName);
}

ParamAttr ladon::attn::getResultParam(FunctionOpInterface function,
                                      unsigned result) {
  return function.getResultAttrOfType<ParamAttr>(result,
                                                 AttnDialect::paramName);
}

//===----------------------------------------------------------------------===//
// The attribute
//===----------------------------------------------------------------------===//

Type ParamAttr::getStorageType() {
  if (getElement().isInteger(1))
    return IntegerType::get(getContext(), 8);
  if (getElement().isUnsignedInteger())
    return IntegerType::get(getContext(), getElement().getIntOrFloatBitWidth());
  return getElement();
}

/// A size or the name of one.
static ParseResult parseDim(AsmParser &parser,
                            SmallVectorImpl<Attribute> &dims) {
  Builder &b = parser.getBuilder();
  int64_t size = 0;
  if (OptionalParseResult result = parser.parseOptionalInteger(size);
      result.has_value()) {
    dims.push_back(b.getI64IntegerAttr(size));
    return *result;
  }
  std::string name;
  if (parser.parseKeywordOrString(&name))
    return failure();
  dims.push_back(b.getStringAttr(name));
  return success();
}

Attribute ParamAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  Builder &b = parser.getBuilder();
  std::string name, doc;
  Type element;
  SmallVector<Attribute> dims;
  ArrayAttr to, writes;
  if (parser.parseLess())
    return {};
  FailureOr<ParamKind> kind = FieldParser<ParamKind>::parse(parser);
  if (failed(kind) || parser.parseKeywordOrString(&name) || parser.parseColon())
    return {};
  if (succeeded(parser.parseOptionalKeyword("bool")))
    element = b.getI1Type();
  else if (parser.parseType(element))
    return {};
  if (succeeded(parser.parseOptionalLSquare()))
    if (parser.parseCommaSeparatedList(
            [&] { return parseDim(parser, dims); }) ||
        parser.parseRSquare())
      return {};
  if (succeeded(parser.parseOptionalKeyword("to")) && parser.parseAttribute(to))
    return {};
  if (succeeded(parser.parseOptionalKeyword("writes")) &&
      parser.parseAttribute(writes))
    return {};
  bool hasDoc = succeeded(parser.parseOptionalComma());
  if ((hasDoc && parser.parseString(&doc)) || parser.parseGreater())
    return {};
  return parser.getChecked<ParamAttr>(
      loc, b.getContext(), *kind, b.getStringAttr(name), element, dims, to,
      writes, hasDoc ? b.getStringAttr(doc) : nullptr);
}

void ParamAttr::print(AsmPrinter &printer) const {
  printer << '<' << stringifyParamKind(getKind()) << ' ';
  printer.printKeywordOrString(getName());
  printer << ": ";
  if (getElement().isInteger(1))
    printer << "bool";
  else
    printer << getElement();
  if (!getDims().empty()) {
    printer << '[';
    llvm::interleaveComma(getDims(), printer, [&](Attribute dim) {
      if (auto size = dyn_cast<IntegerAttr>(dim))
        printer << size.getInt();
      else
        printer.printKeywordOrString(cast<StringAttr>(dim).getValue());
    });
    printer << ']';
  }
  if (getTo())
    printer << " to " << getTo();
  if (getWrites())
    printer << " writes " << getWrites();
  if (getDoc())
    printer << ", " << getDoc();
  printer << '>';
}

/// Whether `name` is an identifier of C.
static bool isIdentifier(StringRef name) {
  return !name.empty() && !llvm::isDigit(name.front()) &&
         llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

/// Whether `text` is the name of a size, or the canonical text of one that is
/// computed from names.
static bool isSize(StringRef text) {
  if (isIdentifier(text))
    return true;
  std::optional<ladon::SizeExpr> size = ladon::SizeExpr::parse(text);
  return size && !size->asConstant() && size->str() == text;
}

/// Whether `size` is a number or the text of a size, of any sign.
static bool isExtent(Attribute size) {
  auto text = dyn_cast<StringAttr>(size);
  return text ? isSize(text.getValue()) : isa<IntegerAttr>(size);
}

/// Whether `row` is [at, count, size, pool].
static bool isWritesRow(Attribute row) {
  auto items = dyn_cast<ArrayAttr>(row);
  if (!items || items.size() != 4 || !isa<StringAttr>(items[0]))
    return false;
  auto size = dyn_cast<IntegerAttr>(items[2]);
  return isExtent(items[1]) && size && size.getInt() > 0 && isExtent(items[3]);
}

LogicalResult ParamAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                ParamKind kind, StringAttr name, Type element,
                                ArrayRef<Attribute> dims, ArrayAttr to,
                                ArrayAttr writes, StringAttr doc) {
  if (!isIdentifier(name.getValue()))
    return emitError() << "expected a name of letters, digits and '_', found "
                       << name;
  bool isInteger =
      element.isUnsignedInteger(8) ||
      llvm::any_of(
          std::initializer_list<unsigned>{1, 8, 16, 32, 64},
          [&](unsigned bits) { return element.isSignlessInteger(bits); });
  if (!isInteger && !isa<FloatType>(element))
    return emitError() << "expected an element type of bool, ui8, i8, i16, "
                          "i32, i64 or a float, found "
                       << element;
  if (kind == ParamKind::Scalar && !dims.empty())
    return emitError() << "expected a scalar without axes, found "
                       << dims.size();
  if (kind != ParamKind::Scalar && dims.empty())
    return emitError() << "expected at least one axis for an "
                       << stringifyParamKind(kind);
  for (Attribute dim : dims) {
    auto size = dyn_cast<IntegerAttr>(dim);
    if (size && (size.getInt() < 0 || size.getInt() > maxExtent))
      return emitError() << "expected a size of 0 to " << maxExtent
                         << ", found " << size.getInt();
    auto symbol = dyn_cast<StringAttr>(dim);
    if (!size && !(symbol && isSize(symbol.getValue())))
      return emitError() << "expected a size or its name, found " << dim;
  }
  bool isPlace = (element.isInteger(32) || element.isInteger(64)) &&
                 !element.isUnsignedInteger() && dims.size() <= 1;
  if (to && (!isPlace || !llvm::all_of(to, isExtent)))
    return emitError() << "expected sizes in 'to', of an i32 or i64 of at most "
                          "one axis, found "
                       << to;
  bool isTable = element.isSignlessInteger(32) && dims.size() == 2;
  if (writes && (!isTable || !llvm::all_of(writes, isWritesRow)))
    return emitError() << "expected rows [at, count, size, pool] in 'writes', "
                          "of an i32 of two axes, found "
                       << writes;
  return success();
}

//===----------------------------------------------------------------------===//
// Beside the types
//===----------------------------------------------------------------------===//

/// Checks that `param` describes a value of `type`; `what` names it.
static LogicalResult verifyParam(Operation *op, ParamAttr param, Type type,
                                 const Twine &what) {
  auto fail = [&] {
    return op->emitError(what) << ": '" << AttnDialect::paramName << "' says ";
  };
  if (param.getKind() == ParamKind::Scalar) {
    if (type != param.getStorageType())
      return fail() << "a scalar held in " << param.getStorageType()
                    << ", the type is " << type;
    return success();
  }
  if (!isa<RankedTensorType, MemRefType>(type))
    return fail() << stringifyParamKind(param.getKind())
                  << ", which is a ranked tensor or memref, the type is "
                  << type;
  auto shaped = cast<ShapedType>(type);
  if (shaped.getElementType() != param.getStorageType())
    return fail() << "elements held in " << param.getStorageType()
                  << ", the type has " << shaped.getElementType();
  int64_t rank = param.getDims().size();
  if (shaped.getRank() != rank)
    return fail() << rank << " axes, the type has " << shaped.getRank();
  for (auto [axis, dim] : llvm::enumerate(param.getDims())) {
    auto known = dyn_cast<IntegerAttr>(dim);
    int64_t size = known ? known.getInt() : ShapedType::kDynamic;
    if (shaped.getDimSize(axis) != size)
      return fail() << dim << " on axis " << axis << ", the type is " << type;
  }
  return success();
}

/// `attribute` as a ParamAttr of a function; null after an error.
static ParamAttr checkedParam(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() != AttnDialect::paramName) {
    op->emitError("unknown attribute ") << attribute.getName();
    return nullptr;
  }
  auto param = dyn_cast<ParamAttr>(attribute.getValue());
  if (!param)
    op->emitError("expected '")
        << AttnDialect::paramName << "' to be an #attn.param, found "
        << attribute.getValue();
  else if (!isa<FunctionOpInterface>(op)) {
    op->emitError("expected '") << AttnDialect::paramName << "' on a function";
    return nullptr;
  }
  return param;
}

LogicalResult AttnDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                    unsigned argument,
                                                    NamedAttribute attribute) {
  ParamAttr param = checkedParam(op, attribute);
  if (!param)
    return failure();
  Type type = cast<FunctionOpInterface>(op).getArgumentTypes()[argument];
  if (param.getKind() == ParamKind::Output && isa<TensorType>(type))
    return op->emitError("argument ")
           << argument << ": '" << paramName
           << "' says output, expected a memref, or a result of the function";
  return verifyParam(op, param, type, "argument " + Twine(argument));
}

LogicalResult AttnDialect::verifyRegionResultAttribute(
    Operation *op, unsigned, unsigned result, NamedAttribute attribute) {
  ParamAttr param = checkedParam(op, attribute);
  if (!param)
    return failure();
  if (param.getKind() != ParamKind::Output)
    return op->emitError("result ")
           << result << ": '" << paramName << "' says "
           << stringifyParamKind(param.getKind()) << ", expected output";
  Type type = cast<FunctionOpInterface>(op).getResultTypes()[result];
  return verifyParam(op, param, type, "result " + Twine(result));
}

LogicalResult AttnDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name != sourceName && name != settingsName)
    return op->emitError("unknown attribute '") << name << "'";
  if (!isa<FunctionOpInterface>(op))
    return op->emitError("expected '") << name << "' on a function";
  if (name == sourceName && !isa<StringAttr>(attribute.getValue()))
    return op->emitError("expected '")
           << name << "' to be a string, found " << attribute.getValue();
  if (name != settingsName)
    return success();
  auto settings = dyn_cast<DictionaryAttr>(attribute.getValue());
  if (!settings || !llvm::all_of(settings, [](NamedAttribute setting) {
        return isa<StringAttr>(setting.getValue());
      }))
    return op->emitError("expected '")
           << name << "' to be a dictionary of strings, found "
           << attribute.getValue();
  return success();
}
