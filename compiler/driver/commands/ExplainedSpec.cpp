//===- ExplainedSpec.cpp - A spec and what is computed for it -------------===//

#include "compiler/driver/commands/ExplainedSpec.h"

#include "compiler/driver/check/InputGenerator.h"
#include "compiler/driver/host/NamedInputs.h"
#include "compiler/driver/host/Sizes.h"

using namespace ladon;

/// The sizes to explain: those given, else usual ones.
static llvm::Expected<SizeMap> chooseSizes(const ast::Attention &attention,
                                           const ExplainOptions &options,
                                           bool isSecond) {
  if (options.sizes.empty())
    return usualSizes(attention);
  auto sizes = parseSizes(options.sizes);
  if (!sizes)
    return sizes;
  if (isSecond) {
    std::vector<std::string> names = sizeNames(attention);
    SizeMap own;
    for (const auto &entry : *sizes)
      if (llvm::is_contained(names, entry.first()))
        own.insert({entry.first(), entry.second});
    *sizes = std::move(own);
  }
  if (llvm::Error error = checkSizeNames(attention, *sizes))
    return std::move(error);
  return sizes;
}

/// Inputs and outputs, in the order of the function's arguments. Results are
/// not computed and need no memory.
static llvm::Expected<std::vector<HostTensor>>
makeArguments(const ast::Attention &attention, const ExplainOptions &options,
              bool isSecond, const SizeMap &sizes, Bindings &bindings) {
  InputOptions random;
  random.seed = options.seed;
  random.sizes = sizes;
  random.typical = true;
  random.shapesOnly = true;
  auto arguments = generateInputs(attention, random);
  if (!arguments)
    return arguments;
  std::vector<bool> given(arguments->size());
  std::vector<std::string> inputs = options.inputs;
  if (isSecond)
    llvm::erase_if(inputs, [&](llvm::StringRef input) {
      return llvm::none_of(attention.params, [&](const auto &param) {
        return param->name == input.split('=').first;
      });
    });
  if (llvm::Error error = readNamedInputs(attention, inputs, *arguments, given))
    return std::move(error);
  auto bound = bindInputs(attention, *arguments);
  if (!bound)
    return bound.takeError();
  bindings = std::move(*bound);
  for (const ast::Result &result : attention.results) {
    HostTensor output;
    output.element = result.type.element;
    output.shape = bindings.shape(result.type);
    output.strides = denseStrides(output.shape);
    arguments->push_back(output);
  }
  return arguments;
}

/// A schedule that is too long is the user's to shorten.
static int reportPlan(llvm::Error error) {
  std::string message;
  bool tooLong = false;
  llvm::handleAllErrors(std::move(error), [&](const llvm::ErrorInfoBase &info) {
    message = info.message();
    tooLong = info.convertToErrorCode() ==
              std::make_error_code(std::errc::result_out_of_range);
  });
  if (tooLong)
    return reportUser(
        llvm::createStringError(message + ": give smaller sizes"));
  return reportInternal(llvm::createStringError(message));
}

int ExplainedSpec::run(const CommonOptions &common,
                       const ExplainOptions &options, bool isSecond) {
  session = std::make_unique<Session>(common);
  if (!session->openSpec("explain"))
    return session->exitCode;
  auto chosen = chooseSizes(attention(), options, isSecond);
  if (!chosen)
    return reportUser(chosen.takeError());
  sizes = std::move(*chosen);
  auto arguments =
      makeArguments(attention(), options, isSecond, sizes, bindings);
  if (!arguments)
    return reportUser(arguments.takeError());
  Compilation *compilation = session->compilation();
  if (!compilation)
    return session->exitCode;
  if (llvm::Error error = compilation->run(Stage::Buffers))
    return session->report(std::move(error));
  auto projections = readProjections(compilation->getModule());
  auto sums = readWeightSums(compilation->getModule());
  if (llvm::Error error = compilation->run(Stage::Tile))
    return session->report(std::move(error));
  auto text = session->target()->explainSchedule(compilation->getModule());
  if (!text)
    return session->report(text.takeError());
  schedule = std::move(*text);
  if (!schedule.empty())
    return ExitSuccess;
  PlanOptions planOptions;
  planOptions.batch = options.batch;
  planOptions.head = options.head;
  planOptions.everyHead = !options.html.empty();
  auto planned =
      planSchedule(compilation->getModule(), *arguments, planOptions);
  if (!planned)
    return reportPlan(planned.takeError());
  plans = std::move(*planned);
  for (AttendPlan &plan : plans) {
    plan.summedBytes = sums.lookup(plan.place);
    if (auto found = projections.find(plan.place); found != projections.end())
      plan.projection = found->second;
  }
  return ExitSuccess;
}

std::string ExplainedSpec::sizesText() const {
  std::string text;
  for (const std::string &name : sizeNames(attention()))
    text += (text.empty() ? "" : " ") + name + "=" +
            std::to_string(sizes.lookup(name));
  return text;
}

std::string ExplainedSpec::targetText() const {
  const Target &target = *session->target();
  std::string text = (target.getInstructions() + " (" + target.getName()).str();
  // What a call would take here.
  if (session->targets().size() > 1)
    text += ", of " + session->targetNames();
  return text + ")";
}
