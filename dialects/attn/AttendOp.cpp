//===- AttendOp.cpp - attn.attend: construction, maps and verifiers -------===//
//
// Every verifier clause states what the operation's description promises.
//
//===----------------------------------------------------------------------===//

#include "dialects/attn/Attn.h"

#include <cmath>

using namespace mlir;
using namespace ladon::attn;

static constexpr StringLiteral operandNames[] = {"query", "key", "value",
                                                 "out",   "lse", "scores"};

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

void AttendOp::build(OpBuilder &builder, OperationState &state, Value query,
                     Value key, Value value, ValueRange captures,
                     ValueRange inits, double scale, Value sinks, Value pages) {
  auto queryType = cast<ShapedType>(query.getType());
  auto keyType = cast<ShapedType>(key.getType());
  auto valueType = cast<ShapedType>(value.getType());
  auto outType = cast<ShapedType>(inits.front().getType());
  int64_t heads = outType.getDimSize(1);
  int64_t keyValueHeads =
      std::max(keyType.getDimSize(1), valueType.getDimSize(1));

  state.addOperands({query, key, value});
  state.addOperands(captures);
  if (sinks)
    state.addOperands(sinks);
  if (pages)
    state.addOperands(pages);
  state.addOperands(inits);
  for (Type type : inits.getTypes())
    if (isa<RankedTensorType>(type))
      state.addTypes(type);
  for (unsigned region = 0; region < 3; ++region)
    state.addRegion();

  SmallVector<AffineMap> maps;
  for (unsigned operand = 0; operand < 3 + inits.size(); ++operand)
    maps.push_back(
        getCanonicalMap(builder.getContext(), operand, heads, keyValueHeads));
  const ShapedType types[] = {queryType, keyType, valueType};
  for (auto [operand, type] : llvm::enumerate(types)) {
    SmallVector<AffineExpr> axes(maps[operand].getResults());
    AffineExpr shared = builder.getAffineConstantExpr(0);
    // The first axis of a pool counts its pages.
    bool countsPages = operand > 0 && pages;
    if (type.getDimSize(0) == 1 && outType.getDimSize(0) != 1 && !countsPages)
      axes[0] = shared;
    if (type.getDimSize(1) == 1 && (operand > 0 ? keyValueHeads : heads) != 1)
      axes[1] = shared;
    maps[operand] = AffineMap::get(6, 0, axes, builder.getContext());
  }
  auto &props = state.getOrAddProperties<Properties>();
  props.operandSegmentSizes = {1,
                               1,
                               1,
                               static_cast<int32_t>(captures.size()),
                               sinks ? 1 : 0,
                               pages ? 1 : 0,
                               static_cast<int32_t>(inits.size())};
  props.heads = builder.getI64IntegerAttr(heads);
  props.key_value_heads = builder.getI64IntegerAttr(keyValueHeads);
  props.head_dim = builder.getI64IntegerAttr(queryType.getDimSize(3));
  props.value_dim = builder.getI64IntegerAttr(valueType.getDimSize(3));
  props.scale = builder.getF64FloatAttr(scale);
  props.indexing_maps = builder.getAffineMapArrayAttr(maps);
}

SmallVector<Region *, 3> AttendOp::getBodies() {
  SmallVector<Region *, 3> bodies;
  for (Region &region : getOperation()->getRegions())
    if (!region.empty())
      bodies.push_back(&region);
  return bodies;
}

//===----------------------------------------------------------------------===//
// Operands and their maps
//===----------------------------------------------------------------------===//

Type ladon::attn::getComputedType(Type element) {
  auto number = dyn_cast<FloatType>(element);
  return number && number.getWidth() < 32
             ? Float32Type::get(element.getContext())
             : element;
}

FloatType AttendOp::getElementType() {
  return cast<FloatType>(
      getComputedType(cast<ShapedType>(getQuery().getType()).getElementType()));
}

AffineMap AttendOp::getMap(unsigned operand) {
  return cast<AffineMapAttr>(getIndexingMaps()[operand]).getValue();
}

OpOperand &AttendOp::getMappedOperand(unsigned operand) {
  if (operand < 3)
    return getOperation()->getOpOperand(operand);
  return getInitsMutable()[operand - 3];
}

static AffineExpr getHead(MLIRContext *context, unsigned operand, int64_t heads,
                          int64_t keyValueHeads) {
  AffineExpr head = getAffineDimExpr(AttendOp::Head, context);
  bool isKeyOrValue = operand == 1 || operand == 2;
  return isKeyOrValue ? head.floorDiv(heads / keyValueHeads) : head;
}

static AffineExpr getFeature(MLIRContext *context, unsigned operand) {
  switch (operand) {
  case AttendOp::Q:
  case AttendOp::K:
    return getAffineDimExpr(AttendOp::Feature, context);
  case AttendOp::V:
  case AttendOp::Out:
    return getAffineDimExpr(AttendOp::ValueFeature, context);
  case AttendOp::Scores:
    return getAffineDimExpr(AttendOp::Key, context);
  default:
    return {};
  }
}

static AffineExpr getPosition(MLIRContext *context, unsigned operand) {
  bool isKeyOrValue = operand == 1 || operand == 2;
  return getAffineDimExpr(isKeyOrValue ? AttendOp::Key : AttendOp::Query,
                          context);
}

AffineExpr AttendOp::getHeadExpr(unsigned operand) {
  return getHead(getContext(), operand, getHeads(), getKeyValueHeads());
}

AffineExpr AttendOp::getFeatureExpr(unsigned operand) {
  return getFeature(getContext(), operand);
}

AffineMap AttendOp::getCanonicalMap(MLIRContext *context, unsigned operand,
                                    int64_t heads, int64_t keyValueHeads) {
  SmallVector<AffineExpr> axes = {
      getAffineDimExpr(Batch, context),
      getHead(context, operand, heads, keyValueHeads),
      getPosition(context, operand)};
  if (AffineExpr feature = getFeature(context, operand))
    axes.push_back(feature);
  return AffineMap::get(/*dimCount=*/6, /*symbolCount=*/0, axes, context);
}

/// Features of one head of an operand.
static int64_t getFeatureCount(AttendOp op, unsigned operand) {
  return operand < 2 ? op.getHeadDim() : op.getValueDim();
}

std::optional<SmallVector<AttendOp::AxisRole, 4>>
AttendOp::getAxisRoles(unsigned operand) {
  AffineExpr batch = getAffineDimExpr(Batch, getContext());
  AffineExpr head = getHeadExpr(operand);
  AffineExpr position = getPosition(getContext(), operand);
  AffineExpr feature = getFeatureExpr(operand);
  AffineExpr joined;
  if (feature && operand != Scores)
    joined = head * getFeatureCount(*this, operand) + feature;

  // A 0 is in place of the batch, or if that has its axis, of the head.
  ArrayRef<AffineExpr> axes = getMap(operand).getResults();
  AffineExpr zero = getAffineConstantExpr(0, getContext());
  bool needsBatch = !llvm::is_contained(axes, batch);
  SmallVector<AxisRole, 4> roles;
  for (AffineExpr axis : axes) {
    if (axis == zero && operand <= V) {
      roles.push_back(needsBatch ? AxisRole::Batch : AxisRole::Head);
      needsBatch = false;
    } else if (axis == batch)
      roles.push_back(AxisRole::Batch);
    else if (axis == head)
      roles.push_back(AxisRole::Head);
    else if (axis == position)
      roles.push_back(AxisRole::Position);
    else if (axis == feature)
      roles.push_back(AxisRole::Feature);
    else if (axis == joined)
      roles.push_back(AxisRole::Joined);
    else
      return std::nullopt;
  }
  auto count = [&](AxisRole role) { return llvm::count(roles, role); };
  // Weights may be summed over the heads.
  bool hasHeads =
      count(AxisRole::Head) == 1 ||
      (operand == Scores && getNormalized() && count(AxisRole::Head) == 0);
  bool isSplit = hasHeads && count(AxisRole::Feature) == (feature ? 1 : 0) &&
                 count(AxisRole::Joined) == 0;
  bool isJoined = count(AxisRole::Joined) == 1 && count(AxisRole::Head) == 0 &&
                  count(AxisRole::Feature) == 0;
  if (count(AxisRole::Batch) != 1 || count(AxisRole::Position) != 1 ||
      (!isSplit && !isJoined))
    return std::nullopt;
  return roles;
}

int64_t AttendOp::findAxis(unsigned operand, AxisRole role) {
  auto roles = getAxisRoles(operand);
  if (!roles)
    return -1;
  auto *found = llvm::find(*roles, role);
  return found == roles->end() ? -1 : found - roles->begin();
}

bool AttendOp::isShared(unsigned operand, AxisRole role) {
  int64_t axis = findAxis(operand, role);
  return axis >= 0 && isa<AffineConstantExpr>(getMap(operand).getResult(axis));
}

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

void AttendOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : (*this)->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    MemoryEffects::Effect *effect = MemoryEffects::Read::get();
    if (isDpsInit(&operand))
      effect = MemoryEffects::Write::get();
    effects.emplace_back(effect, &operand, SideEffects::DefaultResource::get());
  }
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

static LogicalResult verifySizes(AttendOp op) {
  int64_t heads = op.getHeads(), keyValueHeads = op.getKeyValueHeads();
  if (heads < 1 || keyValueHeads < 1)
    return op.emitOpError("expected at least one head, found ")
           << heads << " and " << keyValueHeads << " key/value heads";
  if (heads % keyValueHeads != 0)
    return op.emitOpError() << heads << " heads do not share " << keyValueHeads
                            << " key/value heads evenly";
  int64_t headDim = op.getHeadDim(), valueDim = op.getValueDim();
  if (headDim < 1 || valueDim < 1)
    return op.emitOpError("expected at least one feature, found a head_dim of ")
           << headDim << " and a value_dim of " << valueDim;
  if (!std::isfinite(op.getScale().convertToDouble()))
    return op.emitOpError("expected a finite scale");
  return success();
}

static LogicalResult verifyOperandTypes(AttendOp op) {
  size_t inits = op.getInits().size();
  if (inits < 1 || inits > 3)
    return op.emitOpError("expected a destination for out and at most one each "
                          "for lse and scores, found ")
           << inits << " destinations";
  if (op.getNormalized() && !op.hasScores())
    return op.emitOpError("expected a destination for the normalized scores");
  bool onMemory = isa<MemRefType>(op.getQuery().getType());
  StringRef kind = onMemory ? "memref" : "tensor";
  for (unsigned operand = 0; operand < op.getNumMaps(); ++operand) {
    auto type = cast<ShapedType>(op.getMappedOperand(operand).get().getType());
    if (isa<MemRefType>(type) != onMemory)
      return op.emitOpError("expected ")
             << operandNames[operand] << " to be a " << kind
             << " as query is, found " << type;
    bool isInteger = type.getElementType().isInteger();
    if (!isInteger &&
        getComputedType(type.getElementType()) != op.getElementType())
      return op.emitOpError("expected ")
             << operandNames[operand] << " to be computed in "
             << op.getElementType() << " as query is, found "
             << type.getElementType();
  }
  for (Type type : op.getCaptures().getTypes())
    if (isa<ShapedType>(type) && isa<MemRefType>(type) != onMemory)
      return op.emitOpError("expected captures to be ")
             << kind << "s as query is, found " << type;
  return success();
}

static LogicalResult verifySinks(AttendOp op) {
  if (!op.getSinks())
    return success();
  auto type = cast<ShapedType>(op.getSinks().getType());
  if (isa<MemRefType>(type) != isa<MemRefType>(op.getQuery().getType()))
    return op.emitOpError("expected sinks to be a tensor or a memref as query "
                          "is, found ")
           << type;
  if (type.getRank() != 1 ||
      type.getDimSize(0) != static_cast<int64_t>(op.getHeads()))
    return op.emitOpError("expected a sink for each of ")
           << op.getHeads() << " heads, found " << type;
  if (getComputedType(type.getElementType()) != op.getElementType())
    return op.emitOpError("expected sinks to be computed in ")
           << op.getElementType() << " as query is, found "
           << type.getElementType();
  return success();
}

static LogicalResult verifyPages(AttendOp op) {
  if (!op.getPages())
    return success();
  auto type = cast<ShapedType>(op.getPages().getType());
  if (isa<MemRefType>(type) != isa<MemRefType>(op.getQuery().getType()))
    return op.emitOpError("expected pages to be a tensor or a memref as query "
                          "is, found ")
           << type;
  if (type.getRank() != 2)
    return op.emitOpError("expected pages of the axes (batch, page), found ")
           << type;
  return success();
}

/// The extent an axis must have, or a dynamic one.
static int64_t getExpectedExtent(AttendOp op, unsigned operand,
                                 AttendOp::AxisRole role) {
  if (op.isShared(operand, role))
    return 1;
  bool isKeyOrValue = operand == 1 || operand == 2;
  int64_t heads = isKeyOrValue ? op.getKeyValueHeads() : op.getHeads();
  switch (role) {
  case AttendOp::AxisRole::Head:
    return heads;
  case AttendOp::AxisRole::Feature:
    return getFeatureCount(op, operand);
  case AttendOp::AxisRole::Joined:
    return heads * getFeatureCount(op, operand);
  case AttendOp::AxisRole::Batch:
  case AttendOp::AxisRole::Position:
    break;
  }
  return ShapedType::kDynamic;
}

/// What is wrong with a map, in the terms in which maps are printed: d0 to d5
/// are b, h, i, j, d, e.
static LogicalResult emitMapError(AttendOp op, unsigned operand) {
  std::string expected;
  llvm::raw_string_ostream os(expected);
  AffineExpr head = op.getHeadExpr(operand);
  os << getAffineDimExpr(AttendOp::Batch, op.getContext()) << ", "
     << getPosition(op.getContext(), operand);
  if (operand == AttendOp::Scores)
    os << ", " << head << (op.getNormalized() ? " (but for sums over it)" : "")
       << " and " << op.getFeatureExpr(operand);
  else if (AffineExpr feature = op.getFeatureExpr(operand))
    os << ", " << head << " and " << feature << " (or "
       << head * getFeatureCount(op, operand) + feature << " for the two)";
  else
    os << " and " << head;
  return op.emitOpError("expected the map of ")
         << operandNames[operand] << " to give " << expected
         << ", each once, found " << AffineMapAttr::get(op.getMap(operand));
}

static LogicalResult verifyMaps(AttendOp op) {
  if (op.getIndexingMaps().size() != op.getNumMaps())
    return op.emitOpError("expected ")
           << op.getNumMaps() << " indexing maps, found "
           << op.getIndexingMaps().size();
  // Batch, query and key positions and pages, as far as some operand says them.
  constexpr int64_t dynamic = ShapedType::kDynamic;
  int64_t common[] = {dynamic, dynamic, dynamic, dynamic};
  const StringRef commonNames[] = {
      "batch size", "number of queries",
      op.getPages() ? "size of a page" : "number of keys", "number of pages"};
  if (op.getPages())
    common[0] = cast<ShapedType>(op.getPages().getType()).getDimSize(0);
  for (unsigned operand = 0; operand < op.getNumMaps(); ++operand) {
    auto type = cast<ShapedType>(op.getMappedOperand(operand).get().getType());
    AffineMap map = op.getMap(operand);
    auto roles = op.getAxisRoles(operand);
    if (!roles || map.getNumDims() != 6 || map.getNumSymbols() != 0)
      return emitMapError(op, operand);
    if (type.getRank() != map.getNumResults())
      return op.emitOpError("expected ")
             << operandNames[operand] << " of rank " << map.getNumResults()
             << " after its map, found rank " << type.getRank();
    for (auto [axis, role] : llvm::enumerate(*roles)) {
      int64_t extent = type.getDimSize(axis);
      bool isPosition = role == AttendOp::AxisRole::Position;
      bool isKey =
          operand == AttendOp::Scores && role == AttendOp::AxisRole::Feature;
      // Of keys in pages there are as many as the table has pages for.
      if (isKey && op.getPages())
        continue;
      bool isBatch =
          role == AttendOp::AxisRole::Batch && !op.isShared(operand, role);
      if (isPosition || isKey || isBatch) {
        bool isKeyOrValue = operand == 1 || operand == 2;
        isPosition |= isKey;
        isKeyOrValue |= isKey;
        unsigned which = isPosition ? (isKeyOrValue ? 2 : 1)
                         : isKeyOrValue && op.getPages() ? 3
                                                         : 0;
        int64_t &known = common[which];
        if (ShapedType::isDynamic(known))
          known = extent;
        if (!ShapedType::isDynamic(extent) && extent != known)
          return op.emitOpError("expected one ")
                 << commonNames[which] << ", found " << known << " and, in "
                 << operandNames[operand] << ", " << extent;
        continue;
      }
      int64_t expected = getExpectedExtent(op, operand, role);
      if (extent != expected)
        return op.emitOpError("expected an extent of ")
               << expected << " on axis " << axis << " of "
               << operandNames[operand] << ", found "
               << (ShapedType::isDynamic(extent) ? std::string("a dynamic one")
                                                 : std::to_string(extent));
    }
  }
  return success();
}

LogicalResult AttendOp::verify() {
  if (failed(verifySizes(*this)) || failed(verifyOperandTypes(*this)) ||
      failed(verifySinks(*this)) || failed(verifyPages(*this)) ||
      failed(verifyMaps(*this)))
    return failure();
  if (hasScores() && findAxis(Scores, AxisRole::Head) < 0) {
    auto type = cast<ShapedType>(getMappedOperand(Scores).get().getType());
    if (type.getElementType() != getElementType())
      return emitOpError("expected sums over heads of ")
             << getElementType() << ", in which they are computed, found "
             << type.getElementType();
  }
  if (getPages() && getPageSize() < 1)
    return emitOpError("expected a static size of pages, found ")
           << getKey().getType();
  return success();
}
