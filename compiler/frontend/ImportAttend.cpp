//===- ImportAttend.cpp - An attend with its regions ----------------------===//

#include "compiler/frontend/Importer.h"
#include "compiler/frontend/TreeBuilder.h"

using namespace mlir;
using namespace ladon;
using ast::Dim;
using ast::Expr;
using ast::ScalarType;
using Kind = Expr::Kind;

/// T, as an i32.
Value Importer::keyCount(const ast::AttendArgs &args) {
  Value keys = extentAsInteger((*args.k->type.dims)[2]);
  if (!args.pages)
    return keys;
  Value pages = extentAsInteger((*args.pages->type.dims)[1]);
  return arith::MulIOp::create(b, pages, keys);
}

/// Adds what `expr`, the score or mask of `attend`, needs from outside of its
/// region.
void Importer::capture(const Expr *expr, const ast::AttendArgs &attend,
                       Captures &captures) {
  bool usesOffset = expr->kind == Kind::Name && expr->isOffset;
  if (expr->kind == Kind::Mask)
    usesOffset = expr->maskForm != ast::MaskForm::CausalTopLeft;
  if (usesOffset && !captures.contains("offset"))
    captures["offset"] = arith::SubIOp::create(
        b, keyCount(attend), extentAsInteger((*attend.q->type.dims)[2]));
  if (expr->kind == Kind::Name && expr->size && !expr->size->isStatic())
    captures[expr->size->name] = extentAsInteger(*expr->size);
  if (expr->kind == Kind::Name && expr->param) {
    const ast::Param &param = *expr->param;
    Value value = params.lookup(&param);
    if (!param.type.isTensor() && param.type.element == ScalarType::Bool) {
      if (captures.contains(param.name))
        return;
      Value zero = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
      value = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value, zero);
    }
    captures[param.name] = value;
  }
  if (expr->kind == Kind::Name && expr->let && expr->type.isTensor())
    captures[expr->name] = tensor(expr);
  else if (expr->kind == Kind::Name && expr->let &&
           visitedLocals.insert(expr->let).second)
    capture(expr->let->value, attend, captures);
  for (const Expr *arg : expr->args)
    capture(arg, attend, captures);
}

attn::AttendOp Importer::attend(const Expr *expr) {
  if (attn::AttendOp known = attends.lookup(expr))
    return known;
  bool hasWeights = withWeights.contains(expr);
  attn::AttendOp op =
      createAttend(expr, hasWeights || withLse.contains(expr), hasWeights);
  op.setNormalized(hasWeights);
  return attends[expr] = op;
}

/// The weight of a position after dropout: none, or larger by what is missing
/// elsewhere. A share is a multiple of 2^-32, as random bits are.
static Value keptWeight(OpBuilder &builder, Location loc,
                        const Position &position, Value seed, double share) {
  ImplicitLocOpBuilder b(loc, builder);
  Value weight = position.score;
  double limit = std::min(std::round(share * 0x1p32), 0x1p32 - 1);
  Value bits =
      attn::RandomOp::create(b, b.getI32Type(), seed, position.batch,
                             position.head, position.query, position.key);
  Value isKept = arith::CmpIOp::create(
      b, arith::CmpIPredicate::uge, bits,
      arith::ConstantOp::create(
          b, b.getIntegerAttr(b.getI32Type(),
                              APInt(32, static_cast<uint64_t>(limit)))));
  auto real = [&](double value) -> Value {
    return arith::ConstantOp::create(b,
                                     b.getFloatAttr(weight.getType(), value));
  };
  Value larger =
      arith::MulFOp::create(b, weight, real(1 / (1 - limit * 0x1p-32)));
  return arith::SelectOp::create(b, isKept, larger, real(0));
}

/// The n-th of `heads`, for n of 0 on.
static Value selectHead(ImplicitLocOpBuilder &b, Value n,
                        ArrayRef<int64_t> heads) {
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(int32_t(value)));
  };
  Value head = number(heads[0]);
  for (size_t at = 1; at < heads.size(); ++at) {
    Value isBehind = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, n,
                                           number(int64_t(at)));
    head = arith::SelectOp::create(b, isBehind, number(heads[at]), head);
  }
  return head;
}

/// Whether `head` is one of `heads`.
static Value isOneOf(ImplicitLocOpBuilder &b, Value head,
                     ArrayRef<int64_t> heads) {
  Value found;
  for (int64_t one : heads) {
    Value isIt = arith::CmpIOp::create(
        b, arith::CmpIPredicate::eq, head,
        arith::ConstantOp::create(b, b.getI32IntegerAttr(int32_t(one))));
    found = found ? arith::OrIOp::create(b, found, isIt).getResult() : isIt;
  }
  return found;
}

attn::AttendOp Importer::createAttend(const Expr *expr, bool hasLse,
                                      bool hasScores) {
  const ast::AttendArgs &args = *expr->attend;
  Value query = tensor(args.q), key = tensor(args.k), value = tensor(args.v);

  Captures captures;
  visitedLocals.clear();
  for (const Expr *region : {args.score, args.mask, args.seed})
    if (region)
      capture(region, args, captures);
  SmallVector<Value> captured, inits = {empty(expr->type)};
  for (auto &[name, outside] : captures)
    captured.push_back(outside);
  ast::Type rows = expr->type;
  rows.dims->pop_back();
  if (hasLse)
    inits.push_back(empty(rows));
  if (hasScores) {
    rows.dims->push_back(TreeBuilder::keyCount(args));
    inits.push_back(empty(rows));
  }
  auto op = attn::AttendOp::create(
      b, query, key, value, captured, inits, args.scaleValue,
      args.sinks ? emitTensor(args.sinks) : Value(),
      args.pages ? params.lookup(args.pages->param) : Value());
  if (args.mask)
    masked[args.mask] = op;

  // Either what there is has the kept heads only, or the others see no keys.
  ArrayRef<int64_t> kept = args.keptHeads;
  bool hasOnlyKept = int64_t(kept.size()) == args.heads.size;
  auto emitRegion = [&](const Expr *body, Region &region) {
    bool hidesHeads = &region == &op.getMask() && !kept.empty() && !hasOnlyKept;
    if (!body && !hidesHeads)
      return;
    OpBuilder::InsertionGuard guard(b);
    Block *block = op.createBody(b, region);
    b.setInsertionPointToStart(block);
    auto blockArgs = block->getArguments();
    Position position;
    if (op.hasNumber(region)) {
      position.score = blockArgs.front();
      blockArgs = blockArgs.drop_front();
    }
    position.batch = blockArgs[0];
    position.head = blockArgs[1];
    position.query = blockArgs[2];
    position.key = blockArgs[3];
    position.headsPerKeyValueHead = args.headsPerKeyValueHead;
    if (hasOnlyKept)
      position.head = selectHead(b, position.head, kept);
    for (auto [entry, arg] : llvm::zip(captures, blockArgs.drop_front(4)))
      position.captured[entry.first] = arg;
    Value result =
        body ? ExprImporter(b, locations, position).emit(body) : Value();
    if (hidesHeads) {
      Value isKept = isOneOf(b, position.head, kept);
      result = result ? arith::AndIOp::create(b, isKept, result) : isKept;
    }
    if (body && body == args.seed)
      result = keptWeight(b, locations.get(args.dropout->range), position,
                          /*seed=*/result, args.dropoutValue);
    attn::YieldOp::create(b, body ? locations.get(body->range) : b.getLoc(),
                          result);
  };
  emitRegion(args.score, op.getScore());
  emitRegion(args.mask, op.getMask());
  emitRegion(args.seed, op.getWeight());
  return op;
}
