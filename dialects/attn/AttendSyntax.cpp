//===- AttendSyntax.cpp - The textual form of attn.attend -----------------===//

#include "dialects/attn/Attn.h"

using namespace mlir;
using namespace ladon::attn;

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

/// `keyword(%a, %b : type, type)`.
static ParseResult
parseOperands(OpAsmParser &parser,
              SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
              SmallVectorImpl<Type> &types) {
  llvm::SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLParen() || parser.parseOperandList(operands) ||
      parser.parseColonTypeList(types) || parser.parseRParen())
    return failure();
  if (operands.size() != types.size())
    return parser.emitError(loc, "expected ")
           << operands.size() << " types, found " << types.size();
  return success();
}

/// `(%s: f32, ...) { ... }`.
static ParseResult parseBody(OpAsmParser &parser, Region &region) {
  SmallVector<OpAsmParser::Argument> args;
  if (parser.parseArgumentList(args, OpAsmParser::Delimiter::Paren,
                               /*allowType=*/true))
    return failure();
  return parser.parseRegion(region, args);
}

ParseResult AttendOp::parse(OpAsmParser &parser, OperationState &result) {
  auto &props = result.getOrAddProperties<Properties>();
  Builder &builder = parser.getBuilder();
  int64_t heads, keyValueHeads, headDim, valueDim;
  double scale;
  if (parser.parseKeyword("heads") || parser.parseInteger(heads) ||
      parser.parseKeyword("key_value_heads") ||
      parser.parseInteger(keyValueHeads) || parser.parseKeyword("head_dim") ||
      parser.parseInteger(headDim) || parser.parseKeyword("value_dim") ||
      parser.parseInteger(valueDim) || parser.parseKeyword("scale") ||
      parser.parseFloat(scale))
    return failure();
  props.heads = builder.getI64IntegerAttr(heads);
  props.key_value_heads = builder.getI64IntegerAttr(keyValueHeads);
  props.head_dim = builder.getI64IntegerAttr(headDim);
  props.value_dim = builder.getI64IntegerAttr(valueDim);
  props.scale = builder.getF64FloatAttr(scale);

  SmallVector<OpAsmParser::UnresolvedOperand> inputs, captures, sinks, pages,
      inits;
  SmallVector<Type> inputTypes, captureTypes, sinkTypes, pageTypes, initTypes;
  llvm::SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword("ins") || parseOperands(parser, inputs, inputTypes))
    return failure();
  if (inputs.size() != 3)
    return parser.emitError(loc, "expected query, key and value, found ")
           << inputs.size() << " operands";
  if (succeeded(parser.parseOptionalKeyword("captures")) &&
      parseOperands(parser, captures, captureTypes))
    return failure();
  llvm::SMLoc sinkLoc = parser.getCurrentLocation();
  if (succeeded(parser.parseOptionalKeyword("sinks")) &&
      parseOperands(parser, sinks, sinkTypes))
    return failure();
  if (sinks.size() > 1)
    return parser.emitError(sinkLoc, "expected one operand of sinks, found ")
           << sinks.size();
  llvm::SMLoc pageLoc = parser.getCurrentLocation();
  if (succeeded(parser.parseOptionalKeyword("pages")) &&
      parseOperands(parser, pages, pageTypes))
    return failure();
  if (pages.size() > 1)
    return parser.emitError(pageLoc, "expected one table of pages, found ")
           << pages.size();
  if (parser.parseKeyword("outs") || parseOperands(parser, inits, initTypes) ||
      parser.resolveOperands(inputs, inputTypes, loc, result.operands) ||
      parser.resolveOperands(captures, captureTypes, loc, result.operands) ||
      parser.resolveOperands(sinks, sinkTypes, loc, result.operands) ||
      parser.resolveOperands(pages, pageTypes, loc, result.operands) ||
      parser.resolveOperands(inits, initTypes, loc, result.operands))
    return failure();
  props.operandSegmentSizes = {1,
                               1,
                               1,
                               static_cast<int32_t>(captures.size()),
                               static_cast<int32_t>(sinks.size()),
                               static_cast<int32_t>(pages.size()),
                               static_cast<int32_t>(inits.size())};

  if (parser.parseKeyword("maps") || parser.parseAttribute(props.indexing_maps))
    return failure();
  for (StringRef keyword : {"score", "mask", "weight"}) {
    Region *region = result.addRegion();
    if (succeeded(parser.parseOptionalKeyword(keyword)) &&
        parseBody(parser, *region))
      return failure();
  }
  if (parser.parseOptionalAttrDict(result.attributes))
    return failure();
  if (succeeded(parser.parseOptionalArrow()) &&
      parser.parseTypeList(result.types))
    return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static void printOperands(OpAsmPrinter &p, StringRef keyword,
                          OperandRange operands) {
  p.printNewline();
  p << "    " << keyword << "(" << operands << " : " << operands.getTypes()
    << ")";
}

static void printBody(OpAsmPrinter &p, StringRef keyword, Region &region) {
  if (region.empty())
    return;
  p.printNewline();
  p << keyword << "(";
  llvm::interleaveComma(region.getArguments(), p,
                        [&](BlockArgument arg) { p.printRegionArgument(arg); });
  p << ") ";
  p.printRegion(region, /*printEntryBlockArgs=*/false);
}

void AttendOp::print(OpAsmPrinter &p) {
  p << " heads " << getHeads() << " key_value_heads " << getKeyValueHeads()
    << " head_dim " << getHeadDim() << " value_dim " << getValueDim()
    << " scale ";
  p.printFloat(getScale());
  printOperands(p, "ins", getOperands().take_front(3));
  if (!getCaptures().empty())
    printOperands(p, "captures", getCaptures());
  if (getSinks())
    printOperands(p, "sinks", getSinksMutable());
  if (getPages())
    printOperands(p, "pages", getPagesMutable());
  printOperands(p, "outs", getInits());
  p.printNewline();
  p << "    maps " << getIndexingMaps();
  printBody(p, "score", getScore());
  printBody(p, "mask", getMask());
  printBody(p, "weight", getWeight());
  p.printOptionalAttrDict((*this)->getAttrs(),
                          {"heads", "key_value_heads", "head_dim", "value_dim",
                           "scale", "indexing_maps", "operandSegmentSizes"});
  if (getNumResults() != 0)
    p << " -> " << getResultTypes();
}

void AttendOp::getAsmBlockArgumentNames(Region &region,
                                        OpAsmSetValueNameFn setName) {
  if (region.empty())
    return;
  StringRef names[] = {&region == &getWeight() ? "w" : "s", "b", "h", "i", "j"};
  unsigned first = hasNumber(region) ? 0 : 1;
  for (BlockArgument arg : region.getArguments()) {
    size_t position = first + arg.getArgNumber();
    setName(arg, position < std::size(names) ? names[position] : "captured");
  }
}
