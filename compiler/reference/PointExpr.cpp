//===- PointExpr.cpp - A score or mask at one position --------------------===//

#include "compiler/reference/PointExpr.h"

#include <algorithm>
#include <cmath>

using namespace ladon;
using namespace ladon::ast;
using Kind = Expr::Kind;

/// An operation whose operands have the types it works on: conversions are
/// nodes of their own.
struct PointExpr::Node {
  enum Op {
    Constant,
    Position,
    Unary,
    Binary,
    If,
    Call,
    Form,
    Index,
    Reduce,   ///< args: beginning, end, term.
    Variable, ///< What runs over a range.
    Convert,
    Shared ///< A value that a block names: evaluated once at a position.
  };
  Op op;
  ScalarType type;          ///< Of the result.
  ScalarType operandType{}; ///< Unary, Binary, Call, Convert: of the operands.
  llvm::SmallVector<const Node *, 3> args;
  Value constant;
  IndexVar position{};
  UnaryOp unary{};
  BinaryOp binary{};
  Builtin builtin{};
  MaskForm form{};
  HostTensor tensor;                              ///< Index.
  bool isComputed = false;                        ///< Index: of a let.
  std::shared_ptr<const ComputedTensor> computed; ///< Then, if it is known.
  std::string name;                               ///< Index: of the tensor.
  Reduction reduction{};
  size_t slot = 0; ///< Shared, Reduce, Variable: where the value is kept.
};

/// One evaluation.
struct PointExpr::Frame {
  const Point &point;
  ScalarMath &math;
  IndexSearch *search;
  llvm::SmallVector<std::optional<Value>, 4> shared;
  llvm::SmallVector<Value, 2> variables;
};

//===--- Building --------------------------------------------------------===//

class PointExpr::Builder {
public:
  Builder(PointExpr &owner, const Bindings &bindings, ScalarType scoreType)
      : owner(owner), bindings(bindings), scoreType(scoreType) {
    constants.floatType = scoreType;
  }

  const Node *build(const Expr *expr);
  const Node *buildAs(const Expr *expr, ScalarType type) {
    return convert(build(expr), type);
  }

private:
  Node *create(Node::Op op, ScalarType type) {
    owner.nodes.push_back(std::make_unique<Node>());
    owner.nodes.back()->op = op;
    owner.nodes.back()->type = type;
    return owner.nodes.back().get();
  }
  const Node *integer(int64_t value, ScalarType type) {
    Node *node = create(Node::Constant, type);
    node->constant.i = value;
    return node;
  }
  const Node *convert(const Node *from, ScalarType type);
  const Node *buildLocal(const Let *let);
  const Node *buildName(const Expr *expr);
  const Node *buildBinary(const Expr *expr);
  const Node *buildCall(const Expr *expr);
  const Node *buildIndex(const Expr *expr);
  const Node *buildReduce(const Expr *expr);

  PointExpr &owner;
  const Bindings &bindings;
  ScalarType scoreType;
  ScalarMath constants;
  llvm::DenseMap<const Let *, const Node *> locals;
  llvm::DenseMap<const RangeVariable *, size_t> variables;
};

const PointExpr::Node *PointExpr::Builder::convert(const Node *from,
                                                   ScalarType type) {
  if (from->type == type)
    return from;
  Node *node = create(Node::Convert, type);
  node->operandType = from->type;
  node->args = {from};
  return node;
}

const PointExpr::Node *PointExpr::Builder::buildLocal(const Let *let) {
  if (const Node *known = locals.lookup(let))
    return known;
  const Node *value = build(let->value);
  Node *node = create(Node::Shared, value->type);
  node->args = {value};
  node->slot = owner.sharedCount++;
  return locals[let] = node;
}

const PointExpr::Node *PointExpr::Builder::buildName(const Expr *expr) {
  if (expr->let)
    return buildLocal(expr->let);
  if (expr->variable) {
    Node *node = create(Node::Variable, expr->type.element);
    node->slot = variables.lookup(expr->variable);
    return node;
  }
  if (expr->size)
    return integer(bindings.extent(*expr->size), expr->type.element);
  if (expr->isOffset)
    return integer(owner.offset, expr->type.element);
  if (expr->param) {
    const HostTensor &scalar = bindings.inputs.find(expr->param)->second;
    Node *node = create(Node::Constant, scalar.element);
    node->constant.i = scalar.getInteger({});
    node->constant.f = scalar.getFloat({});
    return node;
  }
  Node *node =
      create(Node::Position,
             expr->indexVar == IndexVar::Score ? scoreType : ScalarType::I32);
  node->position = *expr->indexVar;
  return node;
}

const PointExpr::Node *PointExpr::Builder::buildBinary(const Expr *expr) {
  const Node *left = build(expr->args[0]), *right = build(expr->args[1]);
  ScalarType type = commonType(left->type, right->type);
  if (expr->binaryOp == BinaryOp::Div)
    type = expr->type.element;
  if (expr->binaryOp == BinaryOp::Shl || expr->binaryOp == BinaryOp::Shr)
    type = left->type; // Of the amount only the low bits count.
  Node *node = create(Node::Binary, expr->type.element);
  node->binary = expr->binaryOp;
  node->operandType = type;
  node->args = {convert(left, type), convert(right, type)};
  return node;
}

const PointExpr::Node *PointExpr::Builder::buildCall(const Expr *expr) {
  bool converts = changesType(expr->builtin);
  Node *node = create(Node::Call, expr->type.element);
  node->builtin = expr->builtin;
  node->operandType = expr->type.element;
  for (const Expr *arg : expr->args) {
    const Node *value = build(arg);
    if (converts)
      node->operandType = value->type;
    node->args.push_back(converts ? value : convert(value, node->type));
  }
  return node;
}

const PointExpr::Node *PointExpr::Builder::buildIndex(const Expr *expr) {
  const Expr *source = expr->args[0];
  Node *node = create(Node::Index, computedType(source->type.element));
  node->name = source->name;
  node->isComputed = source->let;
  if (source->let)
    node->computed = bindings.lets.lookup(source->let);
  else
    node->tensor = bindings.inputs.find(source->param)->second;
  for (const Expr *index : llvm::ArrayRef(expr->args).drop_front())
    node->args.push_back(build(index));
  return node;
}

const PointExpr::Node *PointExpr::Builder::buildReduce(const Expr *expr) {
  Node *node = create(Node::Reduce, expr->type.element);
  node->reduction = expr->reduction;
  node->slot = owner.variableCount++;
  variables[expr->variable] = node->slot;
  for (const Expr *bound : llvm::ArrayRef(expr->args).drop_back())
    node->args.push_back(build(bound));
  node->args.push_back(buildAs(expr->args[2], node->type));
  return node;
}

const PointExpr::Node *PointExpr::Builder::build(const Expr *expr) {
  ScalarType type = expr->type.element;
  switch (expr->kind) {
  case Kind::IntLit:
  case Kind::BoolLit: {
    // An integer literal may stand where a float is expected.
    Node *node = create(Node::Constant, type);
    node->constant = constants.constant(double(expr->intValue), type);
    node->constant.i = expr->intValue;
    return node;
  }
  case Kind::FloatLit: {
    Node *node = create(Node::Constant, type);
    node->constant = constants.constant(expr->floatValue, type);
    return node;
  }
  case Kind::Name:
    return buildName(expr);
  case Kind::Unary: {
    Node *node = create(Node::Unary, type);
    node->unary = expr->unaryOp;
    node->operandType = type;
    node->args = {buildAs(expr->args[0], type)};
    return node;
  }
  case Kind::Binary:
    return buildBinary(expr);
  case Kind::If: {
    Node *node = create(Node::If, type);
    node->args = {build(expr->args[0]), buildAs(expr->args[1], type),
                  buildAs(expr->args[2], type)};
    return node;
  }
  case Kind::Call:
    return buildCall(expr);
  case Kind::Mask: {
    Node *node = create(Node::Form, ScalarType::Bool);
    node->form = expr->maskForm;
    for (const Expr *side : expr->args)
      node->args.push_back(build(side));
    return node;
  }
  case Kind::Index:
    return buildIndex(expr);
  case Kind::Reduce:
    return buildReduce(expr);
  case Kind::Member:
  case Kind::Attend:
  case Kind::Split:
  case Kind::Concat:
  case Kind::Transpose:
  case Kind::Slice:
  case Kind::Repeat:
  case Kind::Along:
  case Kind::Join:
  case Kind::Append:
  case Kind::Iota:
  case Kind::Rotate:
    break; // Tensors, which a checked tree keeps out of here.
  }
  return integer(0, ScalarType::I32);
}

PointExpr::PointExpr(const Expr *expr, const Bindings &bindings, int64_t offset,
                     ScalarType scoreType)
    : offset(offset) {
  root = Builder(*this, bindings, scoreType).build(expr);
  llvm::DenseSet<const Node *> visited;
  findScores(*root, visited);
}

/// Notes what depends on the score, and whether anything is read.
void PointExpr::findScores(const Node &node,
                           llvm::DenseSet<const Node *> &visited) {
  if (!visited.insert(&node).second)
    return;
  readsTensors |= node.op == Node::Index;
  if (node.isComputed)
    computed = node.name;
  bool isOfScore = node.isComputed || (node.op == Node::Position &&
                                       node.position == IndexVar::Score);
  for (const Node *arg : node.args) {
    findScores(*arg, visited);
    isOfScore |= ofScore.contains(arg);
  }
  if (isOfScore)
    ofScore.insert(&node);
}

PointExpr::~PointExpr() = default;

ScalarType PointExpr::type() const { return root->type; }

//===--- Evaluating ------------------------------------------------------===//

static Value positionValue(IndexVar position, const Point &point) {
  Value value;
  switch (position) {
  case IndexVar::Batch:
    value.i = point.batch;
    break;
  case IndexVar::Head:
    value.i = point.head;
    break;
  case IndexVar::KvHead:
    value.i = point.kvHead;
    break;
  case IndexVar::Query:
    value.i = point.query;
    break;
  case IndexVar::Key:
    value.i = point.key;
    break;
  case IndexVar::Score:
    return point.score;
  }
  return value;
}

/// An element of a computed tensor; of those a search knows nothing.
Value PointExpr::evalComputed(const Node &node, Frame &frame) const {
  Value value;
  size_t index = 0;
  for (size_t axis = 0; axis < node.args.size(); ++axis) {
    int64_t at = eval(*node.args[axis], frame).i;
    if (!node.computed)
      continue;
    int64_t extent = node.computed->shape[axis];
    index = index * extent +
            std::clamp<int64_t>(at, 0, std::max<int64_t>(extent, 1) - 1);
  }
  if (!node.computed || node.computed->value.empty())
    return value;
  value.f = node.computed->value[index];
  value.err = node.computed->error[index];
  frame.math.ambiguous |= std::isinf(value.err);
  return value;
}

Value PointExpr::evalIndex(const Node &node, Frame &frame) const {
  if (node.isComputed)
    return evalComputed(node, frame);
  Extents position;
  for (size_t axis = 0; axis < node.args.size(); ++axis) {
    int64_t extent = node.tensor.shape[axis];
    int64_t index = eval(*node.args[axis], frame).i;
    position.push_back(
        std::clamp<int64_t>(index, 0, std::max<int64_t>(extent, 1) - 1));
    if (frame.search && ofScore.contains(node.args[axis]))
      frame.search->unchecked = node.name;
    else if (frame.search)
      frame.search->check(node.name, int64_t(axis), index, extent);
  }
  Value value;
  if (node.tensor.size() == 0)
    return value;
  if (isFloat(node.type))
    value.f = node.tensor.getFloat(position);
  else
    value.i = node.tensor.getInteger(position);
  return value;
}

/// Before the first term.
static Value startOf(Reduction reduction, ScalarType type) {
  Value value;
  bool isMin = reduction == Reduction::Min;
  if (isMin || reduction == Reduction::Max) {
    value.f = isMin ? HUGE_VAL : -HUGE_VAL;
    bool isWide = type == ScalarType::I64;
    value.i = isMin ? (isWide ? INT64_MAX : INT32_MAX)
                    : (isWide ? INT64_MIN : INT32_MIN);
  }
  if (reduction == Reduction::All)
    value.i = 1;
  return value;
}

/// One term after the other, until `any` or `all` is decided; what a block
/// names is evaluated for each anew.
Value PointExpr::evalReduce(const Node &node, Frame &frame) const {
  int64_t low = eval(*node.args[0], frame).i,
          high = eval(*node.args[1], frame).i;
  Value result = startOf(node.reduction, node.type);
  auto outside = frame.shared;
  for (int64_t at = low; at < high; ++at) {
    frame.variables[node.slot].i = at;
    Value term = eval(*node.args[2], frame);
    frame.shared = outside;
    switch (node.reduction) {
    case Reduction::Sum:
      result = frame.math.binary(BinaryOp::Add, node.type, result, term);
      break;
    case Reduction::Min:
    case Reduction::Max:
      result = frame.math.call(node.reduction == Reduction::Min ? Builtin::Min
                                                                : Builtin::Max,
                               node.type, {result, term}, node.type);
      break;
    case Reduction::Any:
    case Reduction::All:
      result.i = bool(term.i);
      // Of what depends on a score that is not known all is looked at.
      if (bool(result.i) == (node.reduction == Reduction::Any) &&
          !(frame.search && ofScore.contains(&node)))
        return result;
      break;
    }
  }
  return result;
}

Value PointExpr::eval(const Node &node, Frame &frame) const {
  const Point &point = frame.point;
  ScalarMath &math = frame.math;
  auto arg = [&](unsigned index) { return eval(*node.args[index], frame); };
  Value truth;
  switch (node.op) {
  case Node::Constant:
    if (math.roundResults && node.type == ScalarType::F32)
      return math.constant(node.constant.f, node.type);
    return node.constant;
  case Node::Position:
    return positionValue(node.position, point);
  case Node::Unary:
    return math.unary(node.unary, node.operandType, arg(0));
  case Node::Binary:
    if (node.binary == BinaryOp::And || node.binary == BinaryOp::Or) {
      Value left = arg(0);
      if (frame.search && ofScore.contains(node.args[0]))
        return arg(1);
      return bool(left.i) == (node.binary == BinaryOp::Or) ? left : arg(1);
    }
    return math.binary(node.binary, node.operandType, arg(0), arg(1));
  case Node::If:
    if (frame.search && ofScore.contains(node.args[0])) {
      arg(0);
      arg(1);
      return arg(2);
    }
    return arg(arg(0).i ? 1 : 2);
  case Node::Call: {
    llvm::SmallVector<Value, 4> args;
    for (unsigned index = 0; index < node.args.size(); ++index)
      args.push_back(arg(index));
    return math.call(node.builtin, node.operandType, args, node.type);
  }
  case Node::Form: {
    // Distances, not positions: no side of a window can overflow.
    int64_t distance = point.key - point.query;
    switch (node.form) {
    case MaskForm::Causal:
      truth.i = distance <= offset;
      break;
    case MaskForm::CausalTopLeft:
      truth.i = distance <= 0;
      break;
    case MaskForm::Window:
      truth.i = -arg(0).i <= distance - offset && distance - offset <= arg(1).i;
      break;
    }
    return truth;
  }
  case Node::Index:
    return evalIndex(node, frame);
  case Node::Reduce:
    return evalReduce(node, frame);
  case Node::Variable:
    return frame.variables[node.slot];
  case Node::Convert:
    return math.convert(arg(0), node.operandType, node.type);
  case Node::Shared: {
    if (!frame.shared[node.slot])
      frame.shared[node.slot] = arg(0);
    return *frame.shared[node.slot];
  }
  }
  return truth;
}

Value PointExpr::evaluate(const Point &point, ScalarMath &math,
                          IndexSearch *search) const {
  Frame frame{point, math, search, {}, {}};
  frame.shared.resize(sharedCount);
  frame.variables.resize(variableCount);
  return eval(*root, frame);
}
