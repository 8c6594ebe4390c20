//===- ExplainCommand.cpp - ladon explain ---------------------------------===//

#include "compiler/driver/bench/CallCost.h"
#include "compiler/driver/check/InputGenerator.h"
#include "compiler/driver/commands/Session.h"
#include "compiler/driver/explain/SchedulePlan.h"
#include "compiler/driver/host/NamedInputs.h"
#include "compiler/driver/host/Sizes.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace ladon;
using Class = VisitedBlock::Class;

namespace {

struct ExplainOptions {
  CommonOptions common;
  std::string sizes, svg;
  std::vector<std::string> inputs;
  uint64_t seed = 1;
  int64_t batch = 0, head = 0;
};

} // namespace

/// The sizes to explain: those given, else usual ones.
static llvm::Expected<SizeMap> chooseSizes(const ast::Attention &attention,
                                           const ExplainOptions &options) {
  if (options.sizes.empty())
    return usualSizes(attention);
  auto sizes = parseSizes(options.sizes);
  if (!sizes)
    return sizes;
  if (llvm::Error error = checkSizeNames(attention, *sizes))
    return std::move(error);
  return sizes;
}

/// Inputs and outputs, in the order of the function's arguments. Results are
/// not computed and need no memory.
static llvm::Expected<std::vector<HostTensor>>
makeArguments(const ast::Attention &attention, const ExplainOptions &options,
              const SizeMap &sizes, Bindings &bindings) {
  InputOptions random;
  random.seed = options.seed;
  random.sizes = sizes;
  random.typical = true;
  random.shapesOnly = true;
  auto arguments = generateInputs(attention, random);
  if (!arguments)
    return arguments;
  std::vector<bool> given(arguments->size());
  if (llvm::Error error =
          readNamedInputs(attention, options.inputs, *arguments, given))
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

static double percent(double part, double whole) {
  return whole == 0 ? 0 : 100 * part / whole;
}

static void printPlan(const AttendPlan &plan, const ExplainOptions &options) {
  llvm::outs() << "attend: " << plan.heads << " heads, " << plan.queries
               << " queries, " << plan.keys << " keys, head dim "
               << plan.headDim << ", value dim " << plan.valueDim << "\n"
               << "tiles: " << plan.queryTile << " queries by up to "
               << plan.keyTile << " keys\n"
               << "batch " << options.batch << ", head " << options.head
               << ":\n"
               << drawText(plan, options.batch, options.head)
               << "  █ full: no mask   ▒ partial: masked   · empty: skipped\n";
}

/// Counting more pairs one by one would take minutes.
static constexpr double countLimit = 1e11;

static void printWork(const std::vector<AttendPlan> &plans,
                      const ast::Attention &attention,
                      const Bindings &bindings) {
  double all = 0, full = 0, partial = 0, flops = 0, dense = 0;
  for (const AttendPlan &plan : plans) {
    double unmasked = double(plan.fullPairs);
    double masked = double(plan.partialPairs);
    all += plan.pairs();
    full += unmasked;
    partial += masked;
    flops += (unmasked + masked) * double(plan.flopsPerPair());
    dense += plan.pairs() * double(plan.flopsPerPair());
  }
  if (all > countLimit) {
    llvm::outs() << llvm::format("visible:  not counted, of %.4g pairs\n", all);
  } else {
    Work work = countWork(attention, bindings);
    llvm::outs() << llvm::format("visible:  %5.1f %% of %.0f pairs\n",
                                 percent(double(work.visiblePairs), all), all);
  }
  llvm::outs() << llvm::format("computed: %5.1f %%, of it %.1f %% without and "
                               "%.1f %% with a mask\n",
                               percent(full + partial, all), percent(full, all),
                               percent(partial, all))
               << llvm::format("flops:    %.4g with skipping, %.4g without\n",
                               flops, dense);
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

/// What the passes could not do, and why.
static void printRemarks(llvm::ArrayRef<Message> remarks) {
  if (!remarks.empty())
    llvm::outs() << "remarks:\n";
  for (const Message &remark : remarks)
    llvm::outs() << "  " << remark.str() << "\n";
}

static int runExplain(const ExplainOptions &options) {
  Session session(options.common);
  if (!session.openSpec("explain"))
    return session.exitCode;
  const ast::Attention &attention = session.attention();
  auto sizes = chooseSizes(attention, options);
  if (!sizes)
    return reportUser(sizes.takeError());
  Bindings bindings;
  auto arguments = makeArguments(attention, options, *sizes, bindings);
  if (!arguments)
    return reportUser(arguments.takeError());
  Compilation *compilation = session.compilation();
  if (!compilation)
    return session.exitCode;
  if (llvm::Error error = compilation->run(Stage::Tile))
    return session.report(std::move(error));
  auto schedule = session.target()->explainSchedule(compilation->getModule());
  if (!schedule)
    return session.report(schedule.takeError());
  if (!schedule->empty()) {
    if (!options.svg.empty())
      return reportUser(llvm::createStringError(
          "--svg: --codegen " + options.common.codegen + " has no picture"));
    llvm::outs() << *schedule;
    printRemarks(compilation->getRemarks());
    return ExitSuccess;
  }
  PlanOptions planOptions;
  planOptions.batch = options.batch;
  planOptions.head = options.head;
  auto plans = planSchedule(compilation->getModule(), *arguments, planOptions);
  if (!plans)
    return reportPlan(plans.takeError());
  bool shown =
      plans->empty() || llvm::any_of(*plans, [&](const AttendPlan &plan) {
        return plan.pairs() == 0 ||
               (options.batch < plan.batches && options.head < plan.heads);
      });
  if (!shown)
    return reportUser(llvm::createStringError(
        "--batch %lld, --head %lld: expected a batch below %lld and a head "
        "below %lld",
        (long long)options.batch, (long long)options.head,
        (long long)plans->front().batches, (long long)plans->front().heads));

  llvm::outs() << attention.name << ":";
  for (const std::string &name : sizeNames(attention))
    llvm::outs() << " " << name << "=" << sizes->lookup(name);
  const Target &target = *session.target();
  llvm::outs() << ", " << target.getInstructions() << " (" << target.getName();
  // What a call would take here.
  if (session.targets().size() > 1)
    llvm::outs() << ", of " << session.targetNames();
  llvm::outs() << ")\n";
  for (const AttendPlan &plan : *plans)
    printPlan(plan, options);
  printWork(*plans, attention, bindings);
  printRemarks(compilation->getRemarks());
  if (options.svg.empty() || plans->empty())
    return ExitSuccess;
  return writeOutput(options.svg, drawSvg(plans->front(), options.batch,
                                          options.head, attention.name));
}

void ladon::addExplainCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App *command = app.add_subcommand(
      "explain", "Show which keys are computed for which queries");
  addCommonOptions(*command, options->common);
  addCodegenOption(*command, options->common);
  command
      ->add_option("--size", options->sizes,
                   "The run-time sizes; without, B is 1 and the others 512")
      ->type_name("S=128,T=128,...");
  command
      ->add_option("--input", options->inputs,
                   "An input: a NumPy file, or the value of a scalar; the "
                   "others are random")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
  command->add_option("--seed", options->seed, "For the random inputs")
      ->check(wholeNumber());
  command->add_option("--batch", options->batch, "The batch in the picture")
      ->check(wholeNumber(INT64_MAX));
  command->add_option("--head", options->head, "The head in the picture")
      ->check(wholeNumber(INT64_MAX));
  command
      ->add_option("--svg", options->svg,
                   "Also write the picture of the first attend here")
      ->type_name("FILE");
  command->callback([options, &exitCode] { exitCode = runExplain(*options); });
}
