//===- Relations.cpp - Two calls that must agree --------------------------===//

#include "test/e2e/fuzz/Relations.h"

#include "compiler/reference/ScalarMath.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

using namespace ladon;
using namespace ladon::e2e;

namespace {

using Indices = std::vector<int64_t>;
using Tensors = std::vector<HostTensor>;

/// Which elements of an axis are taken, in order; nothing for all of them.
using AxisIndices = llvm::function_ref<std::optional<Indices>(
    const ast::Param &param, unsigned axis)>;

/// How far apart two results may be: their bounds by the reference, or not at
/// all.
struct Bounds {
  std::vector<ReferenceResult> results;

  double allowed(size_t result, size_t element) const {
    if (results.empty())
      return 0;
    const ReferenceResult &of = results[result];
    return errorFactor * gateBounds(of.element).roundoff * of.error[element];
  }
};

Indices sequence(int64_t count) {
  Indices indices(count);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

Indices shuffled(int64_t count, Random &random) {
  Indices indices = sequence(count);
  for (int64_t at = count - 1; at > 0; --at)
    std::swap(indices[at], indices[random.integer(0, at)]);
  return indices;
}

/// A dense tensor of elements of `tensor`, along one axis those of `indices`.
HostTensor gather(const HostTensor &tensor, unsigned axis,
                  const Indices &indices) {
  Extents shape = tensor.shape;
  shape[axis] = indices.size();
  HostTensor result = HostTensor::zeros(tensor.element, shape);
  unsigned bytes = byteSize(tensor.element);
  forEachPosition(shape, [&](llvm::ArrayRef<int64_t> position) {
    Extents from(position);
    from[axis] = indices[position[axis]];
    std::memcpy(result.address(position), tensor.address(from), bytes);
  });
  return result;
}

Tensors gatherAll(const ast::Attention &attention, const Tensors &inputs,
                  AxisIndices choose) {
  Tensors results;
  for (auto [param, input] : llvm::zip_equal(attention.params, inputs)) {
    HostTensor tensor = input;
    for (unsigned axis = 0; axis < input.shape.size(); ++axis)
      if (std::optional<Indices> indices = choose(*param, axis))
        tensor = gather(tensor, axis, *indices);
    results.push_back(tensor);
  }
  return results;
}

/// The axes that have that name.
auto axesNamed(llvm::StringRef name, const Indices &indices) {
  return [name, &indices](const ast::Param &param,
                          unsigned axis) -> std::optional<Indices> {
    if ((*param.type.dims)[axis].name == name)
      return indices;
    return std::nullopt;
  };
}

/// What differs between the results `left` and `right`, of which the latter
/// were computed with the order `indices` along `axis`.
std::string compare(const Tensors &left, const Tensors &right, unsigned axis,
                    const Indices &indices, const Bounds &bounds = {},
                    const Bounds &otherBounds = {}, double factor = 1) {
  std::string problem;
  for (size_t which = 0; which < left.size() && problem.empty(); ++which) {
    HostTensor want = gather(left[which], axis, indices);
    Extents strides = denseStrides(left[which].shape);
    size_t element = 0;
    forEachPosition(want.shape, [&](llvm::ArrayRef<int64_t> position) {
      Extents from(position);
      from[axis] = indices[position[axis]];
      size_t source = std::inner_product(from.begin(), from.end(),
                                         strides.begin(), int64_t(0));
      double ours = want.getFloat(position) * (which == 0 ? factor : 1);
      double theirs = right[which].getFloat(position);
      double allowed =
          bounds.allowed(which, source) + otherBounds.allowed(which, element++);
      // What is lost below the normal numbers is lost in absolute terms.
      if (allowed > 0 || factor != 1)
        allowed += 16 * double(std::numeric_limits<float>::min());
      bool same = std::isnan(ours) ? std::isnan(theirs) : ours == theirs;
      if (same || std::fabs(ours - theirs) <= allowed ||
          !std::isfinite(allowed) || !problem.empty())
        return;
      llvm::raw_string_ostream os(problem);
      os << (which == 0 ? "out" : "lse") << " [";
      llvm::interleaveComma(position, os);
      os << llvm::format("]: %.9g and %.9g, apart at most %.3g", ours, theirs,
                         allowed);
    });
  }
  return problem;
}

/// Runs the calls of one relation.
class Check {
public:
  Check(const RelationCase &test, const Spec &spec, Program &program,
        Program *other, Arithmetic arithmetic)
      : test(test), attention(spec.attention()), program(program), other(other),
        arithmetic(arithmetic), random(test.trial.seed) {}

  std::string run();

private:
  Tensors call(Program &of, const Tensors &inputs);
  Bounds boundsOf(const Tensors &inputs);
  std::string permute(llvm::StringRef size, unsigned axis, bool isExact);
  std::string permuteHeads();
  std::string scaleValues();
  std::string hideKeys();
  std::string mergeKeys();
  std::string makeMaskExplicit();
  bool isVisible(int64_t query, int64_t key) const;
  /// The tensor of the parameter with that name.
  HostTensor &find(Tensors &tensors, llvm::StringRef name) const {
    auto param = llvm::find_if(attention.params, [&](const auto &param) {
      return param->name == name;
    });
    return tensors[param - attention.params.begin()];
  }
  int64_t size(llvm::StringRef name) const {
    return test.trial.sizes.lookup(name);
  }

  const RelationCase &test;
  const ast::Attention &attention;
  Program &program, *other;
  Arithmetic arithmetic; ///< Of the programs.
  Random random;
  Tensors inputs;
  std::string error; ///< Of a call that failed.
};

} // namespace

Tensors Check::call(Program &of, const Tensors &arguments) {
  Tensors outputs;
  auto bindings = bindInputs(attention, arguments);
  if (!bindings) {
    error = llvm::toString(bindings.takeError());
    return outputs;
  }
  for (const ast::Result &result : attention.results)
    outputs.push_back(
        HostTensor::zeros(result.type.element, bindings->shape(result.type)));
  if (llvm::Error failed = of.run(arguments, outputs, /*threads=*/1))
    error = llvm::toString(std::move(failed));
  return outputs;
}

Bounds Check::boundsOf(const Tensors &arguments) {
  auto results = evaluate(attention, arguments, arithmetic);
  if (results)
    return {std::move(*results)};
  error = llvm::toString(results.takeError());
  return {};
}

/// The elements of a named axis in another order, or more of them.
std::string Check::permute(llvm::StringRef name, unsigned axis, bool isExact) {
  bool isMore = test.relation == Relation::MoreQueries;
  Indices indices = shuffled(size(name), random);
  for (int64_t at = 0; isMore && at < 20; ++at)
    indices.push_back(at % size(name));
  Tensors moved = gatherAll(attention, inputs, axesNamed(name, indices));
  bool isOfResults = name != "T";
  Indices order = isOfResults ? indices : sequence(size("B"));
  return compare(call(program, inputs), call(program, moved),
                 isOfResults ? axis : 0, order,
                 isExact ? Bounds() : boundsOf(inputs),
                 isExact ? Bounds() : boundsOf(moved));
}

std::string Check::permuteHeads() {
  int64_t group = test.heads / test.keyHeads;
  Indices ofKeys = shuffled(test.keyHeads, random), ofQueries;
  for (int64_t key : ofKeys)
    for (int64_t within : shuffled(group, random))
      ofQueries.push_back(key * group + within);
  // Of the tensors that are read by index only heads have static sizes.
  Tensors moved = gatherAll(
      attention, inputs,
      [&](const ast::Param &param, unsigned axis) -> std::optional<Indices> {
        bool isOperand =
            param.name == "q" || param.name == "k" || param.name == "v";
        const ast::Dim &dim = (*param.type.dims)[axis];
        if (!dim.isStatic() || (isOperand && axis != 1))
          return std::nullopt;
        return dim.size == test.heads ? ofQueries : ofKeys;
      });
  return compare(call(program, inputs), call(program, moved), 1, ofQueries);
}

std::string Check::scaleValues() {
  Tensors scaled = inputs;
  HostTensor &values = find(scaled, "v");
  values = values.dense();
  forEachPosition(values.shape, [&](llvm::ArrayRef<int64_t> at) {
    values.setFloat(at, 8 * values.getFloat(at));
  });
  return compare(call(program, inputs), call(program, scaled), 0,
                 sequence(size("B")), {}, {}, 8);
}

std::string Check::hideKeys() {
  int64_t keys = size("T"), extra = random.integer(1, 150);
  Indices indices = sequence(keys);
  for (int64_t at = 0; at < extra; ++at)
    indices.push_back(at % keys);
  Tensors longer = gatherAll(attention, inputs, axesNamed("T", indices));
  for (const char *name : {"k", "v"}) {
    const HostTensor &tensor = find(longer, name);
    forEachPosition(tensor.shape, [&](llvm::ArrayRef<int64_t> at) {
      if (at[2] >= keys)
        tensor.setFloat(at, std::nan(""));
    });
  }
  for (int64_t key = keys; key < keys + extra; ++key)
    find(longer, "shown").setInteger({key}, 0);
  return compare(call(program, inputs), call(program, longer), 0,
                 sequence(size("B")), boundsOf(inputs), boundsOf(longer));
}

std::string Check::mergeKeys() {
  int64_t keys = size("T"), cut = random.integer(1, keys - 1);
  Indices order = sequence(keys);
  Tensors whole = call(program, inputs), parts[2];
  Bounds bounds = boundsOf(inputs), partBounds[2];
  for (int part : {0, 1}) {
    Indices indices(order.begin() + (part ? cut : 0),
                    part ? order.end() : order.begin() + cut);
    Tensors some = gatherAll(attention, inputs, axesNamed("T", indices));
    parts[part] = call(program, some);
    partBounds[part] = boundsOf(some);
  }
  if (!error.empty())
    return error;
  double u = gateBounds(attention.results[0].type.element).roundoff;
  std::string problem;
  size_t element = 0;
  forEachPosition(whole[0].shape, [&](llvm::ArrayRef<int64_t> at) {
    llvm::ArrayRef<int64_t> row = at.drop_back();
    size_t rowIndex = element / whole[0].shape[3];
    double lse = whole[1].getFloat(row), merged = 0;
    double allowed = bounds.allowed(0, element);
    for (int part : {0, 1}) {
      double own = parts[part][1].getFloat(row);
      double out = parts[part][0].getFloat(at);
      if (own == -INFINITY)
        continue;
      double weight = std::exp(own - lse);
      merged += weight * out;
      // A weight is off by what both logarithms are off by.
      double ofWeight = bounds.allowed(1, rowIndex) +
                        partBounds[part].allowed(1, rowIndex) + 4 * u;
      allowed += weight * (partBounds[part].allowed(0, element) +
                           std::expm1(ofWeight) * std::fabs(out));
    }
    ++element;
    double direct = whole[0].getFloat(at);
    bool same = std::isnan(direct) ? std::isnan(merged) : direct == merged;
    allowed += 16 * double(std::numeric_limits<float>::min());
    if (same || std::fabs(direct - merged) <= allowed ||
        !std::isfinite(allowed) || !problem.empty())
      return;
    llvm::raw_string_ostream os(problem);
    os << "out [";
    llvm::interleaveComma(at, os);
    os << llvm::format("]: %.9g, of two parts %.9g, apart at most %.3g", direct,
                       merged, allowed);
  });
  return problem;
}

bool Check::isVisible(int64_t query, int64_t key) const {
  int64_t distance = key - (query + size("T") - size("S"));
  bool isNear = -test.left <= distance && distance <= test.right;
  const bool forms[] = {distance <= 0, key <= query, isNear,
                        distance <= 0 || !isNear};
  return forms[test.maskForm];
}

std::string Check::makeMaskExplicit() {
  const HostTensor &seen = find(inputs, "seen");
  forEachPosition(seen.shape, [&](llvm::ArrayRef<int64_t> at) {
    seen.setInteger(at, isVisible(at[1], at[2]));
  });
  return compare(call(program, inputs), call(*other, inputs), 0,
                 sequence(size("B")), boundsOf(inputs), boundsOf(inputs));
}

std::string Check::run() {
  auto generated = generateInputs(attention, inputOptions(test.trial));
  if (!generated)
    return llvm::toString(generated.takeError());
  inputs = std::move(*generated);
  auto compared = [&]() -> std::string {
    switch (test.relation) {
    case Relation::ScaleValues:
      return scaleValues();
    case Relation::PermuteBatches:
      return permute("B", 0, /*isExact=*/true);
    case Relation::PermuteHeads:
      return permuteHeads();
    case Relation::PermuteQueries:
      return permute("S", 2, /*isExact=*/true);
    case Relation::PermuteKeys:
      return permute("T", 0, /*isExact=*/false);
    case Relation::MoreQueries:
      return permute("S", 2, /*isExact=*/false);
    case Relation::HiddenKeys:
      return hideKeys();
    case Relation::MergeKeys:
      return mergeKeys();
    case Relation::ExplicitMask:
      return makeMaskExplicit();
    }
    return "";
  }();
  return error.empty() ? compared : error;
}

std::string RelationCase::check(const Spec &spec, Program &program,
                                Program *other, Arithmetic arithmetic) const {
  return Check(*this, spec, program, other, arithmetic).run();
}

CaseReport RelationCase::run(const CaseRunners &runners) const {
  CaseReport report;
  auto fail = [&](FailureStage stage, const std::string &what) {
    report.failure =
        Failure{stage, (nameOf(relation) + ": " + what).str(), std::nullopt};
    if (stage == FailureStage::Relation)
      report.failure->trial = trial;
    return report;
  };
  std::unique_ptr<Spec> specs[2];
  std::unique_ptr<Program> programs[2];
  for (int which : {0, 1}) {
    if (which == 1 && relation != Relation::ExplicitMask)
      break;
    auto spec = parseSpec(which ? otherText : text, "random.attn", {});
    if (!spec) {
      std::string message = llvm::toString(spec.takeError());
      report.isRefused = isRightfulRefusal(message);
      return report.isRefused ? report : fail(FailureStage::FrontEnd, message);
    }
    auto program = runners.compiled.prepare(**spec);
    if (!program)
      return fail(FailureStage::Compiler, llvm::toString(program.takeError()));
    report.hasNoCode = !*program;
    if (report.hasNoCode)
      return report;
    specs[which] = std::move(*spec);
    programs[which] = std::move(*program);
  }
  std::string problem = check(*specs[0], *programs[0], programs[1].get(),
                              runners.compiled.arithmetic());
  if (!problem.empty())
    return fail(FailureStage::Relation, problem);
  ++report.passed;
  return report;
}
