//===- Signature.cpp - A function as its caller sees it -------------------===//

#include "compiler/codegen/artifact/Signature.h"

#include "compiler/support/SizeExpr.h"
#include "dialects/attn/Attn.h"
#include "dialects/attn/Limits.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::artifact;
using attn::AttnDialect;
using attn::ParamAttr;

/// The element type in the C interface, or none.
static std::optional<ElementType> elementType(Type type) {
  for (const ScalarTypeInfo &info : scalarTypes()) {
    unsigned bits = info.kind == ScalarKind::Bool ? 1 : 8 * info.bytes;
    auto number = dyn_cast<FloatType>(type);
    if (number ? &number.getFloatSemantics() == info.format
               : !info.format && type.isInteger(bits) &&
                     type.isUnsignedInteger() == isUnsigned(info.type))
      return info.type;
  }
  return std::nullopt;
}

static ParamKind paramKind(attn::ParamKind kind) {
  switch (kind) {
  case attn::ParamKind::Input:
    return ParamKind::Input;
  case attn::ParamKind::Output:
    return ParamKind::Output;
  case attn::ParamKind::Scalar:
    return ParamKind::Scalar;
  case attn::ParamKind::InOut:
    return ParamKind::InOut;
  }
  llvm_unreachable("unknown kind of parameter");
}

namespace {

/// Reads one function.
class SignatureReader {
public:
  explicit SignatureReader(func::FuncOp function) : function(function) {}

  FailureOr<ProgramSpec> read();

private:
  LogicalResult addParam(ParamAttr param, const Twine &what);
  LogicalResult addValueChecks(unsigned number, ParamAttr param);
  std::string sizeText(Attribute size);
  void limitPages();

  func::FuncOp function;
  ProgramSpec spec;
  llvm::StringMap<int> symbols;
  llvm::StringSet<> names;
  llvm::StringSet<> bound;         ///< Symbols that are the size of an input.
  std::vector<StringRef> computed; ///< Symbols that are made of others.
};

} // namespace

LogicalResult SignatureReader::addParam(ParamAttr param, const Twine &what) {
  if (!param)
    return function.emitError(what)
           << ": expected '" << AttnDialect::paramName << "', found none";
  StringRef name = param.getName();
  if (!names.insert(name).second)
    return function.emitError(what)
           << ": another parameter has the name '" << name << "'";
  std::optional<ElementType> element = elementType(param.getElement());
  if (!element)
    return function.emitError(what)
           << ": the C interface has no elements of " << param.getElement();
  if (param.getKind() == attn::ParamKind::Scalar && isStorageOnly(*element))
    return function.emitError(what)
           << ": " << param.getElement()
           << " is a type of tensors, expected a single value of "
           << spelling(computedType(*element));
  ParamSpec result;
  result.name = name.str();
  result.kind = paramKind(param.getKind());
  result.element = *element;
  for (Attribute attribute : param.getDims()) {
    DimSpec &dim = result.dims.emplace_back();
    if (auto size = dyn_cast<IntegerAttr>(attribute)) {
      dim.size = size.getInt();
      continue;
    }
    StringRef symbol = cast<StringAttr>(attribute).getValue();
    auto [it, added] = symbols.try_emplace(symbol, symbols.size());
    if (added)
      spec.symbols.push_back(symbol.str());
    dim.symbol = it->second;
    if (isComputedSize(symbol))
      computed.push_back(symbol);
    else if (result.kind == ParamKind::Input || result.kind == ParamKind::InOut)
      bound.insert(symbol);
    else if (!bound.contains(symbol))
      return function.emitError(what)
             << ": expected a size of an input, found '" << symbol << "'";
  }
  if (param.getDoc())
    result.doc = param.getDoc().str();
  spec.params.push_back(std::move(result));
  return success();
}

/// The text of a size that the runtime evaluates.
std::string SignatureReader::sizeText(Attribute size) {
  if (auto number = dyn_cast<IntegerAttr>(size))
    return std::to_string(number.getInt());
  StringRef text = cast<StringAttr>(size).getValue();
  computed.push_back(text);
  return text.str();
}

/// What the entry point demands of the values of a parameter.
LogicalResult SignatureReader::addValueChecks(unsigned number,
                                              ParamAttr param) {
  if (ArrayAttr to = param.getTo())
    for (Attribute most : to)
      spec.bounds.push_back({number, sizeText(most)});
  if (!param.getWrites())
    return success();
  for (auto row : param.getWrites().getAsRange<ArrayAttr>()) {
    StringRef name = cast<StringAttr>(row[0]).getValue();
    auto at = llvm::find_if(spec.params, [&](const ParamSpec &other) {
      return other.name == name;
    });
    // Of the table's batch, or one for all entries.
    bool isPlace =
        at != spec.params.end() &&
        (at->element == ElementType::I32 || at->element == ElementType::I64) &&
        (at->dims.empty() ||
         (at->dims.size() == 1 && at->dims[0] == spec.params[number].dims[0]));
    if (!isPlace)
      return function.emitError("expected the name of a place in 'writes', a "
                                "parameter of i32 or i64 without axes or with "
                                "the first axis of the table, found '")
             << name << "'";
    spec.writtenPages.push_back(
        {number, static_cast<unsigned>(at - spec.params.begin()),
         sizeText(row[1]), sizeText(row[3]),
         cast<IntegerAttr>(row[2]).getInt()});
  }
  return success();
}

/// Keys in pages have positions as all keys have.
void SignatureReader::limitPages() {
  function.walk([&](attn::AttendOp op) {
    auto table = dyn_cast_if_present<BlockArgument>(op.getPages());
    if (!table || table.getOwner() != &function.front())
      return;
    const DimSpec &pages = spec.params[table.getArgNumber()].dims.back();
    if (pages.size >= 0)
      return;
    int64_t most = (kPositionLimit - 1) / op.getPageSize();
    auto [known, isNew] = spec.limits.try_emplace(pages.symbol, most);
    known->second = std::min(known->second, most);
  });
}

FailureOr<ProgramSpec> SignatureReader::read() {
  spec.name = function.getName().str();
  auto interface = cast<FunctionOpInterface>(function.getOperation());
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (failed(addParam(attn::getParam(interface, i), "argument " + Twine(i))))
      return failure();
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (failed(
            addParam(attn::getResultParam(interface, i), "result " + Twine(i))))
      return failure();
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (failed(addValueChecks(i, attn::getParam(interface, i))))
      return failure();
  for (const WrittenPagesSpec &pages : spec.writtenPages)
    if (llvm::none_of(spec.bounds, [&](const BoundSpec &bound) {
          return bound.param == pages.at;
        }))
      return function.emitError("expected a place with a bound in 'writes', "
                                "found '")
             << spec.params[pages.at].name << "', which has no 'to'";
  for (StringRef symbol : computed) {
    std::string unbound;
    SizeExpr::parse(symbol)->forEachName([&](StringRef name) {
      if (!bound.contains(name))
        unbound = name;
    });
    if (!unbound.empty())
      return function.emitError("expected a size of an input in '")
             << symbol << "', found '" << unbound << "'";
  }
  limitPages();
  if (llvm::none_of(spec.params, [](const ParamSpec &param) {
        return param.kind == ParamKind::Output;
      }))
    return function.emitError("expected an output, found none");
  if (auto source =
          function->getAttrOfType<StringAttr>(AttnDialect::sourceName))
    spec.source = source.str();
  if (auto settings =
          function->getAttrOfType<DictionaryAttr>(AttnDialect::settingsName))
    for (NamedAttribute setting : settings)
      spec.facts.emplace_back(("param." + setting.getName().getValue()).str(),
                              cast<StringAttr>(setting.getValue()).str());
  return std::move(spec);
}

FailureOr<ProgramSpec> ladon::artifact::readSignature(func::FuncOp function) {
  return SignatureReader(function).read();
}

SmallVector<func::FuncOp> ladon::artifact::entryPoints(ModuleOp module) {
  SmallVector<func::FuncOp> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal())
      functions.push_back(function);
  return functions;
}

LogicalResult ladon::artifact::verifySignature(func::FuncOp function,
                                               const ProgramSpec &spec) {
  FailureOr<ProgramSpec> found = readSignature(function);
  if (failed(found))
    return failure();
  if (found->params.size() != spec.params.size())
    return function.emitError("expected ")
           << spec.params.size() << " parameters, found "
           << found->params.size();
  for (auto [i, params] :
       llvm::enumerate(llvm::zip(spec.params, found->params))) {
    auto &[expected, actual] = params;
    if (!(expected == actual))
      return function.emitError("parameter ")
             << i << ": expected " << expected.name << ": "
             << typeText(spec, expected) << ", found " << actual.name << ": "
             << typeText(*found, actual);
  }
  if (found->bounds != spec.bounds || found->writtenPages != spec.writtenPages)
    return function.emitError("expected the same bounds of values");
  return success();
}
