//===- NumericTrial.cpp - One comparison with the reference ---------------===//

#include "compiler/driver/check/NumericTrial.h"

#include "compiler/codegen/Backend.h"
#include "compiler/reference/IndexCheck.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstring>

using namespace ladon;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

Arithmetic ladon::arithmeticOf(const Target &target) {
  return {target.usesMatrixUnits(), target.multipliesPairs()};
}

std::string ladon::describe(const Trial &trial) {
  std::vector<std::string> sizes;
  for (const auto &entry : trial.sizes)
    sizes.push_back(entry.first().str() + "=" + std::to_string(entry.second));
  llvm::sort(sizes);
  return (llvm::join(sizes, ",") + " " + nameOf(trial.values) + " " +
          nameOf(trial.views) + " seed " + llvm::Twine(trial.seed))
      .str();
}

bool TrialReport::passed() const {
  return llvm::all_of(results,
                      [](const GateReport &result) { return result.passed; });
}

std::string TrialReport::problem() const {
  for (size_t index = 0; index < results.size(); ++index)
    if (!results[index].passed)
      return names[index] + ": " + results[index].problem;
  return "";
}

/// Whether the memory of a view holds in its gaps what makeView put there.
static bool gapsUntouched(const HostTensor &view) {
  HostTensor pristine = makeView(view.element, view.shape, ViewKind::Dense);
  char filler = pristine.owner->back();
  std::vector<char> memory = *view.owner;
  unsigned bytes = byteSize(view.element);
  forEachPosition(view.shape, [&](ArrayRef<int64_t> position) {
    std::memset(memory.data() + (view.address(position) - view.owner->data()),
                filler, bytes);
  });
  return llvm::all_of(memory, [&](char byte) { return byte == filler; });
}

std::vector<HostTensor> ladon::copyCaches(const ast::Attention &attention,
                                          MutableArrayRef<HostTensor> inputs) {
  std::vector<HostTensor> caches;
  for (auto [param, input] : llvm::zip_equal(attention.params, inputs)) {
    if (!param->isInout)
      continue;
    auto memory = std::make_shared<std::vector<char>>(*input.owner);
    input.data = memory->data() + (input.data - input.owner->data());
    input.owner = std::move(memory);
    caches.push_back(input);
  }
  return caches;
}

InputOptions ladon::inputOptions(const Trial &trial) {
  InputOptions options;
  options.seed = trial.seed;
  options.values = trial.values;
  options.views = trial.views;
  options.sizes = trial.sizes;
  return options;
}

llvm::Expected<std::vector<HostTensor>>
ladon::runGuarded(const ast::Attention &attention, ProgramFn program,
                  ArrayRef<HostTensor> inputs, ArrayRef<Extents> shapes,
                  ViewKind views) {
  std::vector<std::vector<char>> before;
  for (const HostTensor &input : inputs)
    before.push_back(*input.owner);

  // Elements of an output may not share memory.
  if (views == ViewKind::Broadcast)
    views = ViewKind::Dense;
  std::vector<std::string> names = attention.writtenNames();
  std::vector<HostTensor> outputs, again;
  for (auto [result, shape] : llvm::zip(attention.results, shapes))
    for (std::vector<HostTensor> *set : {&outputs, &again})
      set->push_back(makeView(result.type.element, shape, views));
  for (auto [set, threads] : {std::pair(&outputs, 1), std::pair(&again, 3)}) {
    std::vector<HostTensor> own = inputs;
    std::vector<HostTensor> caches = copyCaches(attention, own);
    if (llvm::Error error = program(own, *set, threads))
      return std::move(error);
    llvm::append_range(*set, caches);
  }

  for (size_t index = 0; index < inputs.size(); ++index)
    if (*inputs[index].owner != before[index])
      return llvm::createStringError("input %s was changed",
                                     attention.params[index]->name.c_str());
  for (size_t index = 0; index < outputs.size(); ++index) {
    const std::string &name = names[index];
    if (!gapsUntouched(outputs[index]))
      return llvm::createStringError("memory beside %s was changed",
                                     name.c_str());
    if (*outputs[index].owner != *again[index].owner)
      return llvm::createStringError("%s depends on the number of threads",
                                     name.c_str());
  }
  return outputs;
}

llvm::Expected<PreparedTrial>
ladon::prepareTrial(const ast::Attention &attention, const Trial &trial,
                    Arithmetic arithmetic) {
  auto inputs = generateInputs(attention, inputOptions(trial));
  if (!inputs)
    return inputs.takeError();
  auto expected = evaluate(attention, *inputs, arithmetic);
  if (!expected)
    return expected.takeError();
  return PreparedTrial{std::move(*inputs), std::move(*expected), trial.views};
}

llvm::Expected<TrialReport> ladon::runTrial(const ast::Attention &attention,
                                            ProgramFn program,
                                            const PreparedTrial &trial) {
  std::vector<Extents> shapes;
  for (const ReferenceResult &result : trial.expected)
    shapes.push_back(result.shape);
  auto outputs =
      runGuarded(attention, program, trial.inputs, shapes, trial.views);
  if (!outputs)
    return outputs.takeError();
  TrialReport report;
  for (auto [result, output] : llvm::zip_equal(trial.expected, *outputs)) {
    report.names.push_back(result.name);
    report.results.push_back(applyGate(result, output));
  }
  return report;
}

llvm::Expected<TrialReport> ladon::runTrial(const ast::Attention &attention,
                                            ProgramFn program,
                                            const Trial &trial,
                                            Arithmetic arithmetic) {
  auto prepared = prepareTrial(attention, trial, arithmetic);
  if (!prepared)
    return prepared.takeError();
  return runTrial(attention, program, *prepared);
}

namespace {
/// Inputs and outputs of a call that is to be refused.
struct RefusedCall {
  std::vector<HostTensor> inputs, outputs;
  Bindings bindings;

  /// All memory, with what lies between elements.
  std::vector<std::vector<char>> memory() const {
    std::vector<std::vector<char>> all;
    for (const std::vector<HostTensor> *tensors : {&inputs, &outputs})
      for (const HostTensor &tensor : *tensors)
        all.push_back(*tensor.owner);
    return all;
  }
};
} // namespace

static llvm::Expected<RefusedCall>
makeRefusedCall(const ast::Attention &attention, const Trial &trial) {
  auto inputs = generateInputs(attention, inputOptions(trial));
  if (!inputs)
    return inputs.takeError();
  auto bindings = bindInputs(attention, *inputs);
  if (!bindings)
    return bindings.takeError();
  RefusedCall call{std::move(*inputs), {}, std::move(*bindings)};
  for (const ast::Result &result : attention.results)
    call.outputs.push_back(makeView(result.type.element,
                                    call.bindings.shape(result.type),
                                    ViewKind::Dense));
  return call;
}

llvm::Error ladon::checkRefusals(const ast::Attention &attention,
                                 ProgramFn program, const Trial &trial) {
  auto call = makeRefusedCall(attention, trial);
  if (!call)
    return call.takeError();
  for (auto [param, place] : llvm::zip_equal(attention.params, call->inputs)) {
    std::optional<int64_t> most = call->bindings.largestValue(*param);
    if (!most || place.size() == 0)
      continue;
    Extents last;
    if (!place.shape.empty())
      last.push_back(place.shape[0] - 1);
    int64_t right = place.getInteger(last);
    for (int64_t wrong : {*most + 1, int64_t(-1), int64_t(INT32_MIN)}) {
      place.setInteger(last, wrong);
      auto before = call->memory();
      llvm::Error error = program(call->inputs, call->outputs, /*threads=*/1);
      if (!error)
        return llvm::createStringError("%s = %lld was not refused",
                                       param->name.c_str(), (long long)wrong);
      llvm::consumeError(std::move(error));
      if (call->memory() != before)
        return llvm::createStringError(
            "a call that was refused, with %s = %lld, changed memory",
            param->name.c_str(), (long long)wrong);
    }
    place.setInteger(last, right);
  }
  return llvm::Error::success();
}

llvm::Expected<std::string>
ladon::compareIndexChecks(const ast::Attention &attention, ProgramFn program,
                          const Trial &trial) {
  auto call = makeRefusedCall(attention, trial);
  if (!call)
    return call.takeError();
  auto expected = checkIndices(attention, call->inputs);
  if (!expected)
    return expected.takeError();
  if (!expected->hasReads)
    return std::string();
  auto before = call->memory();
  std::string found =
      llvm::toString(program(call->inputs, call->outputs, /*threads=*/1));
  if (!found.empty() && call->memory() != before)
    return llvm::createStringError("a call that was refused, with '" + found +
                                   "', changed memory");
  bool mayRefuse = !expected->unchecked.empty() &&
                   llvm::StringRef(found).starts_with("options: check_indices");
  if (mayRefuse)
    return std::string();
  llvm::StringRef sentence = found;
  sentence = sentence.take_front(sentence.rfind(" (status"));
  if (sentence != expected->clamped)
    return llvm::createStringError("with indices checked, expected '" +
                                   expected->clamped + "', found '" + sentence +
                                   "'");
  return expected->clamped;
}

void ladon::makeRoom(const ast::Attention &attention, SizeMap &sizes,
                     int64_t more) {
  Bindings bindings;
  auto shape = [&](const ast::Type &type) {
    bindings.sizes = sizes;
    return bindings.shape(type);
  };
  for (const ast::Expr *append : attention.appends) {
    const auto &cache = *append->type.dims;
    int64_t axis = append->intValue;
    const ast::Dim &added = (*append->args[1]->type.dims)[axis];
    const ast::Expr *table =
        append->args.size() > 3 ? append->args[3] : nullptr;
    const ast::Dim &length = table ? table->type.dims->back() : cache[axis];
    int64_t unit = table ? cache[2].size : 1;
    int64_t wanted = shape(append->args[1]->type)[axis] + more;
    if (!length.isStatic())
      sizes[length.name] = std::max<int64_t>(sizes.lookup(length.name),
                                             llvm::divideCeil(wanted, unit));
    else if (!added.isStatic())
      sizes[added.name] =
          std::min(sizes.lookup(added.name), length.size * unit);
    if (table && !cache[0].isStatic())
      sizes[cache[0].name] = std::max(sizes.lookup(cache[0].name),
                                      elementCount(shape(table->type)) + 1);
  }
}

/// Whether all tensors of a call have extents that are not negative, as
/// 2 * S - 1 is for an S of 0.
static bool areSizes(const ast::Attention &attention, const SizeMap &sizes) {
  Bindings bindings;
  bindings.sizes = sizes;
  return llvm::all_of(attention.params, [&](const auto &param) {
    return !param->type.isTensor() ||
           llvm::all_of(bindings.shape(param->type),
                        [](int64_t extent) { return extent >= 0; });
  });
}

std::vector<SizeMap> ladon::edgeSizes(const ast::Attention &attention) {
  // Batches are for strides and for the order of the grid, which small sizes
  // show as well: the largest sizes, which take most of the time, have one.
  struct Lengths {
    int64_t B, S, T;
  };
  static const Lengths lengths[] = {
      {1, 1, 1},    {2, 0, 5},   {3, 5, 0},   {1, 7, 9},    {2, 1, 64},
      {3, 16, 16},  {3, 17, 33}, {2, 47, 65}, {2, 48, 63},  {1, 49, 128},
      {1, 65, 65},  {3, 40, 17}, {3, 1, 129}, {1, 96, 127}, {1, 97, 130},
      {1, 33, 257}, {2, 5, 517}};
  std::vector<SizeMap> all;
  for (auto [B, S, T] : lengths) {
    SizeMap sizes;
    for (const std::string &name : sizeNames(attention))
      sizes[name] = name == "B" ? B : name == "T" ? T : S;
    // Pages for about T keys.
    for (auto [table, attend] : InputRoles(attention).tables) {
      const ast::Dim &pages = table->type.dims->back();
      int64_t page = (*attend->k->type.dims)[2].size;
      if (!pages.isStatic())
        sizes[pages.name] = llvm::divideCeil(T, page);
    }
    makeRoom(attention, sizes, T * int64_t(all.size() % 3));
    if (areSizes(attention, sizes))
      all.push_back(std::move(sizes));
  }
  return all;
}

size_t ladon::pairsOfKinds() {
  return allValueKinds().size() * allViewKinds().size();
}

Trial ladon::makeTrial(ArrayRef<SizeMap> sizes, uint64_t number) {
  Trial trial;
  trial.sizes = sizes[number % sizes.size()];
  trial.values = allValueKinds()[number % allValueKinds().size()];
  // The two numbers of kinds have no common divisor.
  trial.views = allViewKinds()[number % allViewKinds().size()];
  trial.seed = number + 1;
  return trial;
}
