//===- Reference.cpp - What a spec means, in plain loops ------------------===//

#include "compiler/reference/Reference.h"
#include "compiler/reference/Attend.h"
#include "compiler/reference/PointExpr.h"
#include "compiler/reference/TensorOps.h"

#include <algorithm>
#include <cmath>
#include <utility>

using namespace ladon;
using namespace ladon::ast;
using namespace ladon::reference;
using llvm::ArrayRef;
using Kind = Expr::Kind;

namespace {

/// Evaluates tensor expressions; each `let` and attend once.
class Evaluator {
public:
  Evaluator(Bindings bindings, Arithmetic arithmetic)
      : bindings(std::move(bindings)), arithmetic(arithmetic) {}

  Tensor evaluate(const Expr *expr);
  const AppendResult &appendResult(const Expr *expr);
  std::vector<ReferenceResult> results(const Attention &attention);

  /// Whether a cache of fewer bits may round a number to either side; and
  /// whether that is an error of what is read from it.
  bool hasEitherSide = false, countsEitherSide = true;

private:
  void findEitherSide(Tensor &read, ArrayRef<int64_t> targets);
  Tensor load(const Param *param);
  void bindLets(const Expr *expr);
  const AttendResult &attendResult(const Expr *expr, bool withScores = false);
  Tensor gatherPages(const Tensor &source, const HostTensor &table);
  const HostTensor &input(const Param *param) const {
    return bindings.inputs.find(param)->second;
  }
  Tensor elementwise(const Expr *expr);
  Tensor scalar(const Expr *expr);
  Tensor product(const Expr *expr);

  Bindings bindings;
  Arithmetic arithmetic;
  llvm::DenseMap<const Let *, Tensor> lets;
  llvm::DenseMap<const Expr *, std::unique_ptr<AppendResult>> caches;
  /// Those with scores in a map of their own, for they are large.
  llvm::DenseMap<const AttendArgs *, std::unique_ptr<AttendResult>> attends[2];
};

} // namespace

Tensor Evaluator::load(const Param *param) {
  const HostTensor &input = bindings.inputs.find(param)->second;
  Tensor tensor(computedType(input.element), input.shape);
  size_t index = 0;
  forEachPosition(input.shape, [&](ArrayRef<int64_t> position) {
    tensor.value[index] = input.getFloat(position);
    tensor.magnitude[index] = std::fabs(tensor.value[index]);
    ++index;
  });
  return tensor;
}

/// Evaluates the tensors whose elements a score or mask reads.
void Evaluator::bindLets(const Expr *expr) {
  if (!expr)
    return;
  if (expr->let && expr->type.isTensor()) {
    if (bindings.lets.contains(expr->let))
      return;
    Tensor tensor = evaluate(expr);
    bindings.lets[expr->let] = std::make_shared<ComputedTensor>(ComputedTensor{
        tensor.shape, std::move(tensor.value), std::move(tensor.error)});
    return;
  }
  if (expr->let)
    bindLets(expr->let->value);
  for (const Expr *arg : expr->args)
    bindLets(arg);
}

/// A scalar as a tensor without axes.
Tensor Evaluator::scalar(const Expr *expr) {
  PointExpr point(expr, bindings, /*offset=*/0, expr->type.element);
  ScalarMath math;
  Value value = point.evaluate(Point(), math);
  Tensor tensor(point.type(), {});
  tensor.value[0] = isFloat(tensor.element) ? value.f : double(value.i);
  tensor.error[0] = math.ambiguous ? HUGE_VAL : value.err;
  tensor.magnitude[0] = std::fabs(tensor.value[0]);
  return tensor;
}

/// The element type that keys or values may be read in: what they are scaled by
/// can be multiplied by later.
static ScalarType storedType(const Expr *expr) {
  if (expr->kind == Kind::Name && expr->let)
    return storedType(expr->let->value);
  if (expr->kind == Kind::Call && expr->builtin == Builtin::Float)
    return storedType(expr->args[0]);
  bool isProduct =
      expr->kind == Kind::Binary && expr->binaryOp == BinaryOp::Mul;
  bool isQuotient =
      expr->kind == Kind::Binary && expr->binaryOp == BinaryOp::Div;
  if (isProduct || isQuotient)
    for (const Expr *arg : ArrayRef(expr->args).take_front(isProduct ? 2 : 1))
      if (ScalarType type = storedType(arg); isStorageOnly(type))
        return type;
  return expr->type.element;
}

/// What a matrix may be read as, while factors of its columns multiply the sums
/// of a product: its element in a chain of products and quotients that has all
/// of its axes. The matrix itself without such factors.
static const Expr *storedMatrix(const Expr *expr) {
  if (expr->kind == Kind::Name && expr->let)
    return storedMatrix(expr->let->value);
  bool isScaled =
      expr->kind == Kind::Binary &&
      (expr->binaryOp == BinaryOp::Mul || expr->binaryOp == BinaryOp::Div);
  if (isScaled)
    for (const Expr *arg : expr->args)
      if (arg->type.isTensor() && arg->type.dims->size() == 2)
        return storedMatrix(arg);
  return expr;
}

Tensor Evaluator::product(const Expr *expr) {
  // A transpose is read in place whatever it is of.
  const Expr *right = expr->args[1];
  while (right->kind == Kind::Name && right->let)
    right = right->let->value;
  bool isTransposed = right->kind == Kind::Transpose;
  const Expr *matrix = isTransposed ? right->args[0] : right;
  const Expr *stored = storedMatrix(matrix);
  Tensor left = evaluate(expr->args[0]), result = evaluate(right);
  if (stored == matrix)
    return matmul(left, result, result);
  Tensor elements = evaluate(stored);
  return matmul(left, result,
                isTransposed ? transpose(elements, 0, 1) : elements);
}

const AttendResult &Evaluator::attendResult(const Expr *expr, bool withScores) {
  if (expr->kind == Kind::Name)
    return attendResult(expr->let->value, withScores);
  std::unique_ptr<AttendResult> &slot = attends[withScores][expr->attend];
  if (!slot) {
    Tensor q = evaluate(expr->attend->q), k = evaluate(expr->attend->k),
           v = evaluate(expr->attend->v);
    bindLets(expr->attend->score);
    bindLets(expr->attend->mask);
    std::optional<int64_t> places;
    if (withScores)
      places = k.shape[2];
    if (const Expr *pages = expr->attend->pages) {
      if (places)
        *places *= bindings.inputs.find(pages->param)->second.shape[1];
      k = gatherPages(k, bindings.inputs.find(pages->param)->second);
      v = gatherPages(v, bindings.inputs.find(pages->param)->second);
    }
    MatrixUnitRounding rounding;
    const ast::AttendArgs &args = *expr->attend;
    ScalarType values = storedType(args.v);
    bool pairs = arithmetic.bf16Pairs && values == ScalarType::BF16 &&
                 args.q->type.element == ScalarType::BF16 &&
                 storedType(args.k) == ScalarType::BF16;
    if (arithmetic.matrixUnits || pairs)
      rounding = matrixUnitRounding(values);
    auto result = std::make_unique<AttendResult>(
        attend(*expr->attend, q, k, v, bindings, rounding, places));
    // Evaluating the operands may have moved the slot.
    return *(attends[withScores][expr->attend] = std::move(result));
  }
  return *slot;
}

/// result[b, h, j, d] = source[table[b, j / n], h, j % n, d], where n is the
/// size of a page and a page number is clamped into the source.
Tensor Evaluator::gatherPages(const Tensor &source, const HostTensor &table) {
  int64_t pages = source.shape[0], heads = source.shape[1],
          size = source.shape[2], features = source.shape[3];
  int64_t batches = table.shape[0],
          keys = pages == 0 ? 0 : table.shape[1] * size;
  Tensor result(source.element, {batches, heads, keys, features});
  size_t to = 0;
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t j = 0; j < keys; ++j) {
        int64_t page =
            std::clamp<int64_t>(table.getInteger({b, j / size}), 0, pages - 1);
        size_t from = ((page * heads + h) * size + j % size) * features;
        for (int64_t d = 0; d < features; ++d, ++to, ++from) {
          result.value[to] = source.value[from];
          result.error[to] = source.error[from];
          result.magnitude[to] = source.magnitude[from];
        }
      }
  return result;
}

/// cache[b, h, at[b] + n, d] = source[b, h, n, d], or, in pages of p positions,
/// cache[table[b, (at[b] + n) / p], h, (at[b] + n) % p, d]; heads and features
/// may be missing. What lies outside is left out.
const AppendResult &Evaluator::appendResult(const Expr *expr) {
  if (const std::unique_ptr<AppendResult> &known = caches[expr])
    return *known;
  Tensor cache = evaluate(expr->args[0]), source = evaluate(expr->args[1]);
  const HostTensor &places = input(placesOf(*expr));
  const HostTensor *table =
      expr->args.size() > 3 ? &input(expr->args[3]->param) : nullptr;
  size_t positions = expr->intValue;
  std::vector<int64_t> targets; // Of each element of the source.
  forEachPosition(source.shape, [&](ArrayRef<int64_t> position) {
    int64_t entry = position[0], size = cache.shape[positions];
    int64_t place = position[positions] + (places.shape.empty()
                                               ? places.getInteger({})
                                               : places.getInteger({entry}));
    bool exists = place >= 0 && place < (table ? table->shape[1] : 1) * size;
    if (table && exists)
      entry = table->getInteger({entry, place / size});
    if (!exists || entry < 0 || entry >= cache.shape[0])
      return targets.push_back(-1);
    Extents to(position);
    to[0] = entry;
    to[positions] = place % size;
    int64_t index = 0;
    for (size_t axis = 0; axis < to.size(); ++axis)
      index = index * cache.shape[axis] + to[axis];
    targets.push_back(index);
  });
  AppendResult result = append(cache, source, targets, expr->type.element);
  if (isStorageOnly(expr->type.element))
    findEitherSide(result.read, targets);
  return *(caches[expr] = std::make_unique<AppendResult>(std::move(result)));
}

/// Of what is read from a cache after its elements `targets` were rounded.
void Evaluator::findEitherSide(Tensor &read, ArrayRef<int64_t> targets) {
  for (int64_t to : targets)
    if (to >= 0 && read.error[to] > 0 && std::isfinite(read.error[to])) {
      hasEitherSide = true;
      if (!countsEitherSide)
        read.error[to] = 0;
    }
}

Tensor Evaluator::elementwise(const Expr *expr) {
  Tensor result(expr->type.element, bindings.shape(expr->type));
  std::vector<Tensor> operands;
  for (const Expr *arg : expr->args) {
    operands.push_back(arg->type.isTensor() ? evaluate(arg) : scalar(arg));
    if (operands.back().headAxis != HeadAxis::None &&
        operands.back().shape == result.shape) {
      result.headAxis = operands.back().headAxis;
      result.heads = operands.back().heads;
    }
  }
  bool converts = expr->kind == Kind::Call && changesType(expr->builtin);
  ScalarType type = converts ? operands[0].element : expr->type.element;

  ScalarMath math;
  math.floatType = expr->type.element;
  llvm::SmallVector<Value, 3> args(operands.size());
  size_t index = 0;
  forEachPosition(result.shape, [&](ArrayRef<int64_t> position) {
    double magnitude = 0;
    bool isOpen = false;
    for (size_t which = 0; which < operands.size(); ++which) {
      const Tensor &operand = operands[which];
      size_t from = broadcastIndex(operand, position);
      Value value;
      value.f = operand.value[from];
      value.err = operand.error[from];
      if (!isFloat(operand.element))
        value.i = static_cast<int64_t>(operand.value[from]);
      isOpen |= std::isinf(value.err);
      args[which] = math.convert(value, operand.element, type);
      magnitude = std::max(magnitude, operand.magnitude[from]);
    }
    Value value;
    if (expr->kind == Kind::Unary)
      value = math.unary(expr->unaryOp, type, args[0]);
    else if (expr->kind == Kind::Binary)
      value = math.binary(expr->binaryOp, type, args[0], args[1]);
    else
      value = math.call(expr->builtin, type, args, expr->type.element);
    result.value[index] = value.f;
    isOpen |= std::exchange(math.ambiguous, false);
    result.error[index] = isOpen ? HUGE_VAL : value.err;
    result.magnitude[index] = std::max(magnitude, std::fabs(value.f));
    ++index;
  });
  return result;
}

Tensor Evaluator::evaluate(const Expr *expr) {
  switch (expr->kind) {
  case Kind::Name:
    if (expr->param)
      return load(expr->param);
    if (expr->let) {
      auto it = lets.find(expr->let);
      if (it == lets.end()) {
        Tensor value = evaluate(expr->let->value);
        it = lets.try_emplace(expr->let, std::move(value)).first;
      }
      return it->second;
    }
    return scalar(expr);
  case Kind::Member: {
    bool ofKeys = expr->name == "scores" || expr->name == "weights";
    const AttendResult &result = attendResult(expr->args[0], ofKeys);
    return expr->name == "scores"    ? result.scores
           : expr->name == "weights" ? result.weights
           : expr->name == "lse"     ? result.lse
                                     : result.out;
  }
  case Kind::Attend:
    return attendResult(expr).out;
  case Kind::Split:
    return split(evaluate(expr->args[0]), expr->headCount);
  case Kind::Concat:
    return concat(evaluate(expr->args[0]));
  case Kind::Transpose:
    return transpose(evaluate(expr->args[0]), expr->intValue, expr->other);
  case Kind::Slice:
    return slice(evaluate(expr->args[0]), expr->intValue, expr->other,
                 bindings.shape(expr->type));
  case Kind::Repeat:
    return repeat(evaluate(expr->args[0]), bindings.shape(expr->type));
  case Kind::Join:
    return join(evaluate(expr->args[0]), evaluate(expr->args[1]),
                expr->intValue);
  case Kind::Append:
    return appendResult(expr).read;
  case Kind::Along:
    return expr->reduction == Reduction::Sum
               ? sumAlong(evaluate(expr->args[0]), expr->intValue)
               : extremeAlong(evaluate(expr->args[0]), expr->intValue,
                              expr->reduction == Reduction::Max);
  case Kind::Iota:
    return iota(expr->type.element, bindings.shape(expr->type)[0]);
  case Kind::Rotate:
    return rotate(evaluate(expr->args[0]), evaluate(expr->args[1]),
                  evaluate(expr->args[2]), expr->intValue);
  case Kind::Binary:
    if (expr->binaryOp == BinaryOp::MatMul)
      return product(expr);
    return elementwise(expr);
  case Kind::Unary:
  case Kind::Call:
    return elementwise(expr);
  default:
    return scalar(expr);
  }
}

std::vector<ReferenceResult> Evaluator::results(const Attention &attention) {
  std::vector<ReferenceResult> results;
  auto add = [&](const std::string &name, ScalarType element, Tensor tensor) {
    results.push_back({name, element, tensor.shape, std::move(tensor.value),
                       std::move(tensor.error), std::move(tensor.magnitude),
                       /*isEitherSide=*/{}, tensor.headAxis, tensor.heads});
  };
  for (const Result &declared : attention.results)
    add(declared.name, declared.type.element, evaluate(declared.value));
  for (const Expr *append : attention.appends)
    add(append->args[0]->name, append->type.element,
        appendResult(append).written);
  return results;
}

HostTensor ReferenceResult::tensor() const {
  HostTensor tensor = HostTensor::zeros(element, shape);
  size_t index = 0;
  forEachPosition(shape, [&](ArrayRef<int64_t> position) {
    tensor.setFloat(position, value[index++]);
  });
  return tensor;
}

llvm::Expected<std::vector<ReferenceResult>>
ladon::evaluate(const Attention &attention, ArrayRef<HostTensor> inputs,
                Arithmetic arithmetic) {
  llvm::Expected<Bindings> bindings = bindInputs(attention, inputs);
  if (!bindings)
    return bindings.takeError();
  Evaluator evaluator(*bindings, arithmetic);
  std::vector<ReferenceResult> results = evaluator.results(attention);
  if (!evaluator.hasEitherSide)
    return results;
  Evaluator decided(std::move(*bindings), arithmetic);
  decided.countsEitherSide = false;
  for (auto [result, other] : llvm::zip(results, decided.results(attention)))
    for (auto [error, rest] : llvm::zip(result.error, other.error))
      result.isEitherSide.push_back(error > 2 * rest);
  return results;
}
