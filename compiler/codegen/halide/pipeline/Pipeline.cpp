//===- Pipeline.cpp - An attend as a pipeline of Halide -------------------===//
//
// Block-local softmax: the scores of a block of keys, their maximum, weights
// relative to it, the sum of the weights and of weighted values. A Tuple of
// (values, maximum, sum) merges one block after the other.
//
// Vectors are of queries. Scores and sums of values are computed in register
// tiles of a few keys or features, so that a key's feature is broadcast once
// for all queries of the tile.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/halide/pipeline/Pipeline.h"

#include "dialects/tile/Tile.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace Halide;
using namespace ladon::halide;

//===----------------------------------------------------------------------===//
// Machines
//===----------------------------------------------------------------------===//

std::optional<Schedule> ladon::halide::scheduleFor(llvm::StringRef level,
                                                   attn::AttendOp op) {
  int bits = llvm::StringSwitch<int>(level)
                 .Case("x86-64-v3", 256)
                 .Cases({"x86-64-v4", "x86-64-v4-bf16"}, 512)
                 .Default(0);
  if (bits == 0)
    return std::nullopt;
  Schedule schedule;
  schedule.lanes = bits / static_cast<int>(op.getElementType().getWidth());
  schedule.queries = 3 * schedule.lanes;
  if (auto shape = op->getAttrOfType<ladon::tile::ShapeAttr>(
          ladon::tile::TileDialect::shapeName)) {
    schedule.queries = static_cast<int>(shape.getQueries());
    schedule.keys = static_cast<int>(shape.getKeys());
  }
  schedule.registerRows = bits == 512 ? 8 : 4;
  return schedule;
}

Target ladon::halide::targetFor(llvm::StringRef level) {
  // Extents and strides are those of memrefs that the entry point has checked.
  std::vector<Target::Feature> features = {
      Target::SSE41,      Target::AVX,           Target::AVX2,
      Target::FMA,        Target::F16C,          Target::NoRuntime,
      Target::NoAsserts,  Target::NoBoundsQuery, Target::LargeBuffers,
      Target::UserContext};
  if (llvm::StringRef(level).starts_with("x86-64-v4"))
    features.insert(features.end(), {Target::AVX512, Target::AVX512_Skylake});
  return Target(Target::Linux, Target::X86, 64, features);
}

//===----------------------------------------------------------------------===//
// The algorithm
//===----------------------------------------------------------------------===//

namespace {
/// Builds the pipeline of one attend.
class Builder {
public:
  Builder(ladon::attn::AttendOp op, const ::Schedule &schedule, bool guarded)
      : op(op), by(schedule), guarded(guarded),
        type(typeOf(op.getElementType())),
        headDim(static_cast<int>(op.getHeadDim())),
        valueDim(static_cast<int>(op.getValueDim())) {}

  mlir::FailureOr<AttendPipeline> build();

private:
  void declareArguments();
  mlir::LogicalResult define();
  void schedule();

  Expr number(double value) { return Internal::make_const(type, value); }
  /// e to the power of x <= 0, or 2 where scores are in base 2.
  Expr power(Expr x);
  bool base2() { return type.bits() == 32 && !op.hasScore(); }
  ImageParam tensor(mlir::Type element, int rank, const std::string &name);
  Expr at(ImageParam of, unsigned operand, Expr feature, Expr position);
  mlir::FailureOr<Expr> region(mlir::Region &body, Expr score, Expr query,
                               Expr key);

  ladon::attn::AttendOp op;
  const ::Schedule &by;
  bool guarded;
  Type type;
  int headDim, valueDim;

  ImageParam query, key, value;
  std::vector<ImageParam> captured;  // By capture; undefined for scalars.
  std::vector<Expr> capturedScalars; // By capture.
  Expr batch, head, firstQuery, queries, low, high, fullLow, fullHigh, sink;
  std::vector<Argument> arguments;

  Var q{"q"}, d{"d"}, k{"k"}, b{"b"};
  Func queryTile{"query"}, keyBlock{"key"}, valueBlock{"value"};
  Func products{"products"}, scores{"scores"}, top{"top"};
  Func weights{"weights"}, kept{"kept"}, sums{"sums"}, partial{"partial"},
      values{"values"};
  Func state{"state"}, result{"result"}, out{"out"}, lse{"lse"}, flag{"flag"};
  RDom features, keys, blocks, elements;
};
} // namespace

/// The bits of minus infinity, which no arithmetic makes away with.
static Expr minusInfinity(Type type) {
  return type.bits() == 32
             ? reinterpret<float>(Expr(uint32_t(0xff800000)))
             : reinterpret<double>(Expr(uint64_t(0xfff0000000000000)));
}

Expr Builder::power(Expr x) {
  if (type.bits() == 64)
    return callLibrary("exp", x);
  return exp2Fast(base2() ? x : strict_float(x * number(M_LOG2E)));
}

ImageParam Builder::tensor(mlir::Type element, int rank,
                           const std::string &name) {
  ImageParam image(typeOf(element), rank, name);
  for (int axis = 0; axis < rank; ++axis)
    image.dim(axis).set_stride(Expr()).set_min(0);
  arguments.push_back(image);
  return image;
}

static mlir::Type elementOf(mlir::Value value) {
  return llvm::cast<mlir::ShapedType>(value.getType()).getElementType();
}

void Builder::declareArguments() {
  auto operand = [&](unsigned number, const char *name, int dim) {
    ImageParam image =
        tensor(elementOf(op.getMappedOperand(number).get()), 2, name);
    image.dim(0).set_extent(dim);
    return image;
  };
  query = operand(0, "q", headDim);
  key = operand(1, "k", headDim);
  value = operand(2, "v", valueDim);
  for (auto [index, capture] : llvm::enumerate(op.getCaptures())) {
    captured.emplace_back();
    if (auto shaped = llvm::dyn_cast<mlir::ShapedType>(capture.getType()))
      captured.back() =
          tensor(shaped.getElementType(), static_cast<int>(shaped.getRank()),
                 "captured" + std::to_string(index));
  }
  auto scalar = [&](Type type, const std::string &name) -> Expr {
    Parameter parameter(type, false, 0, name);
    arguments.emplace_back(name, Argument::InputScalar, type, 0,
                           ArgumentEstimates{});
    return Internal::Variable::make(type, name, parameter);
  };
  batch = scalar(Int(32), "batch");
  head = scalar(Int(32), "head");
  firstQuery = scalar(Int(32), "first_query");
  queries = scalar(Int(32), "queries");
  low = scalar(Int(32), "low");
  high = scalar(Int(32), "high");
  fullLow = scalar(Int(32), "full_low");
  fullHigh = scalar(Int(32), "full_high");
  if (op.getSinks())
    sink = scalar(type, "sink");
  for (auto [index, capture] : llvm::enumerate(op.getCaptures())) {
    capturedScalars.emplace_back();
    if (llvm::isa<mlir::ShapedType>(capture.getType()))
      continue;
    Type type = typeOf(capture.getType());
    std::string name = "captured" + std::to_string(index);
    capturedScalars.back() = type.is_bool()
                                 ? scalar(UInt(8), name) != cast<uint8_t>(0)
                                 : scalar(type, name);
  }
}

/// An element of q, k or v, widened.
Expr Builder::at(ImageParam of, unsigned operand, Expr feature, Expr position) {
  return load(elementOf(op.getMappedOperand(operand).get()),
              of(feature, position));
}

/// A region at a position, with `score` if it is that of the score.
mlir::FailureOr<Expr> Builder::region(mlir::Region &body, Expr score,
                                      Expr query, Expr key) {
  mlir::Block &block = body.front();
  auto args = block.getArguments();
  RegionArguments values;
  if (score.defined()) {
    values.scalars[args.front()] = score;
    args = args.drop_front();
  }
  Expr positions[] = {batch, head, query, key};
  for (auto [arg, position] : llvm::zip(args.take_front(4), positions))
    values.scalars[arg] = position;
  for (auto [index, arg] : llvm::enumerate(args.drop_front(4)))
    if (capturedScalars[index].defined())
      values.scalars[arg] = capturedScalars[index];
    else
      values.tensors[arg] = captured[index];
  return translate(block, values);
}

mlir::LogicalResult Builder::define() {
  Expr none = minusInfinity(type);
  Expr last = queries - 1;
  features = RDom(0, headDim, "feature");
  keys = RDom(0, by.keys, "keys");
  blocks = RDom(0, (high - low + by.keys - 1) / by.keys, "block");

  // Rows that do not exist repeat the last one.
  Expr scale =
      number(op.getScale().convertToDouble() * (base2() ? M_LOG2E : 1));
  queryTile(q, d) = strict_float(at(query, 0, d, min(q, last)) * scale);
  // Keys beyond the last one repeat it, and are hidden.
  Expr position = low + b * by.keys + k;
  Expr existing = min(position, high - 1);
  keyBlock(d, k, b) = at(key, 1, d, existing);
  valueBlock(d, k, b) = at(value, 2, min(d, valueDim - 1), existing);

  products(q, k, b) = number(0);
  products(q, k, b) += keyBlock(features, k, b) * queryTile(q, features);

  Expr score = products(q, k, b);
  Expr row = firstQuery + min(q, last);
  if (op.hasScore()) {
    auto changed = region(op.getScore(), score, row, position);
    if (mlir::failed(changed))
      return mlir::failure();
    score = *changed;
  }
  Expr isVisible = position < high;
  if (op.hasMask()) {
    auto mask = region(op.getMask(), Expr(), row, position);
    if (mlir::failed(mask))
      return mlir::failure();
    isVisible = isVisible && *mask;
  }
  // The loop over blocks is cut in three, so that blocks that are seen as a
  // whole have no mask in their code.
  Expr firstFull = (fullLow - low + by.keys - 1) / by.keys;
  Expr endFull = (fullHigh - low) / by.keys;
  Expr isFull = b >= firstFull && b < endFull;
  scores(q, k, b) =
      select(isFull, likely(score), select(isVisible, score, none));

  Expr each = scores(q, keys, b);
  top(q, b) = none;
  top(q, b) = strict_float(select(each > top(q, b), each, top(q, b)));
  // What weights are relative to: of rows that see nothing, any number.
  Expr most = strict_float(select(top(q, b) == none, number(0), top(q, b)));
  weights(q, k, b) = power(strict_float(scores(q, k, b) - most));
  sums(q, b) = number(0);
  sums(q, b) += weights(q, keys, b);
  Expr weight = weights(q, k, b);
  if (op.hasWeight()) {
    auto changed = region(op.getWeight(), weight, row, position);
    if (mlir::failed(changed))
      return mlir::failure();
    weight = *changed;
  }
  kept(q, k, b) = weight;
  Expr product = valueBlock(d, keys, b) * kept(q, keys, b);
  if (guarded)
    product =
        select(strict_float(scores(q, keys, b) == none), number(0), product);
  partial(q, d, b) = number(0);
  partial(q, d, b) += product;
  values(q, d, b) = partial(q, d, b);

  Expr firstTop = none, firstSum = number(0);
  if (sink.defined()) {
    firstTop = strict_float(sink * number(base2() ? M_LOG2E : 1));
    firstSum = strict_float(select(sink == none, number(0), number(1)));
  }
  state(q, d) = Tuple(number(0), firstTop, firstSum);
  Expr old = state(q, d)[1], met = top(q, blocks);
  // One of the two keeps its weights: one power is enough.
  Expr isNew = strict_float(met > old);
  Expr larger = select(isNew, met, old), smaller = select(isNew, old, met);
  Expr reference = strict_float(select(larger == none, number(0), larger));
  Expr shrink = power(strict_float(smaller - reference));
  Expr keep = select(isNew, shrink, number(1));
  Expr join = select(isNew, number(1), shrink);
  state(q, d) = Tuple(state(q, d)[0] * keep + values(q, d, blocks) * join,
                      larger, state(q, d)[2] * keep + sums(q, blocks) * join);

  Expr sum = state(q, d)[2];
  result(q, d) =
      strict_float(select(sum == number(0), number(0), state(q, d)[0] / sum));
  out(d, q) = store(elementOf(op.getMappedOperand(3).get()), result(q, d));
  if (op.hasLse()) {
    Expr maximum = state(q, 0)[1], total = state(q, 0)[2];
    Expr natural = base2() ? maximum * number(M_LN2) : maximum;
    lse(q) = store(elementOf(op.getMappedOperand(4).get()),
                   strict_float(select(total == number(0), none,
                                       natural + callLibrary("log", total))));
  }
  elements = RDom(0, valueDim, 0, queries, "element");
  Expr found = result(elements.y, elements.x);
  Expr isBad = type.bits() == 32
                   ? (reinterpret<uint32_t>(found) & 0x7f800000) == 0x7f800000
                   : (reinterpret<uint64_t>(found) >> 52 & 0x7ff) == 0x7ff;
  flag() = 0;
  flag() = flag() | cast<int>(isBad);
  return mlir::success();
}

//===----------------------------------------------------------------------===//
// The schedule
//===----------------------------------------------------------------------===//

void Builder::schedule() {
  constexpr auto onStack = MemoryType::Stack;
  Var ko("ko"), ki("ki"), fo("fo"), fi("fi");
  int rows = by.registerRows;
  int paddedDim = static_cast<int>(llvm::alignTo(valueDim, rows));
  // All rows of the tile are computed, whether they exist or not.
  auto inVectors = [&](Func f) {
    f.bound_extent(q, by.queries).store_in(onStack);
    f.vectorize(q, by.lanes).unroll(q);
  };
  auto updateInVectors = [&](Func f) {
    f.update().vectorize(q, by.lanes).unroll(q);
  };

  queryTile.compute_root().bound(d, 0, headDim).reorder(q, d);
  inVectors(queryTile);
  state.compute_root().bound(d, 0, valueDim).reorder(q, d);
  inVectors(state);
  state.update().reorder(q, d, blocks.x);
  updateInVectors(state);

  RVar block = blocks.x;
  scores.compute_at(state, block)
      .bound_extent(q, by.queries)
      .store_in(onStack)
      .split(k, ko, ki, rows, TailStrategy::RoundUp)
      .reorder(q, ki, ko)
      .vectorize(q, by.lanes)
      .unroll(q)
      .unroll(ki);
  products.compute_at(scores, ko).bound_extent(k, rows).reorder(q, k);
  inVectors(products);
  products.unroll(k);
  products.update().reorder(q, k, features.x);
  updateInVectors(products);
  products.update().unroll(k);

  top.compute_at(state, block);
  inVectors(top);
  top.update().reorder(q, keys.x);
  updateInVectors(top);
  weights.compute_at(state, block)
      .bound_extent(q, by.queries)
      .store_in(onStack)
      .reorder(k, q)
      .vectorize(q, by.lanes);
  if (op.hasWeight())
    kept.compute_at(state, block)
        .bound_extent(q, by.queries)
        .store_in(onStack)
        .reorder(k, q)
        .vectorize(q, by.lanes);
  sums.compute_at(state, block);
  inVectors(sums);
  sums.update().reorder(q, keys.x);
  updateInVectors(sums);

  values.compute_at(state, block)
      .bound_extent(q, by.queries)
      .bound_extent(d, paddedDim)
      .store_in(onStack)
      .split(d, fo, fi, rows, TailStrategy::RoundUp)
      .reorder(q, fi, fo)
      .vectorize(q, by.lanes)
      .unroll(q)
      .unroll(fi);
  partial.compute_at(values, fo).bound_extent(d, rows).reorder(q, d);
  inVectors(partial);
  partial.unroll(d);
  partial.update().reorder(q, d, keys.x);
  updateInVectors(partial);
  partial.update().unroll(d);

  // Elements of 16 bits are widened once for all queries.
  auto widen = [&](Func f, unsigned operand, int extent) {
    if (elementOf(op.getMappedOperand(operand).get()).getIntOrFloatBitWidth() !=
        16)
      return;
    f.compute_at(state, block)
        .store_in(onStack)
        .vectorize(d, by.lanes,
                   extent >= by.lanes ? TailStrategy::ShiftInwards
                                      : TailStrategy::GuardWithIf);
  };
  widen(keyBlock, 1, headDim);
  widen(valueBlock, 2, valueDim);

  result.compute_root().bound(d, 0, valueDim).reorder(q, d);
  inVectors(result);
  out.output_buffer().dim(0).set_min(0).set_extent(valueDim).set_stride(Expr());
  out.output_buffer().dim(1).set_min(0).set_extent(queries);
  out.specialize(out.output_buffer().dim(0).stride() == 1)
      .vectorize(d, by.lanes, TailStrategy::GuardWithIf);
  if (op.hasLse())
    lse.output_buffer().dim(0).set_min(0).set_extent(queries).set_stride(
        Expr());
}

mlir::FailureOr<AttendPipeline> Builder::build() {
  declareArguments();
  if (mlir::failed(define()))
    return mlir::failure();
  schedule();
  AttendPipeline pipeline;
  pipeline.inputs = arguments;
  pipeline.outputs = {out};
  if (op.hasLse())
    pipeline.outputs.push_back(lse);
  pipeline.outputs.push_back(flag);
  return pipeline;
}

mlir::FailureOr<AttendPipeline>
ladon::halide::buildAttendPipeline(attn::AttendOp op,
                                   const ::Schedule &schedule, bool guarded) {
  return Builder(op, schedule, guarded).build();
}
