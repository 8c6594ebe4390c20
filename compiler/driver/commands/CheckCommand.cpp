//===- CheckCommand.cpp - ladon check -------------------------------------===//

#include "compiler/driver/check/NumericTrial.h"
#include "compiler/driver/commands/Commands.h"
#include "compiler/driver/host/HostCall.h"
#include "compiler/driver/host/Sizes.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <algorithm>

using namespace ladon;

namespace {

struct CheckOptions {
  std::string file;
  std::vector<std::string> params, sizes;
  std::optional<uint64_t> seed;
  TargetOptions target;
};

} // namespace

/// The sizes to try: those given, or a table of edges of tiles.
static llvm::Expected<std::vector<SizeMap>>
sizesToTry(const ast::Attention &attention, const CheckOptions &options) {
  if (options.sizes.empty())
    return edgeSizes(attention);
  std::vector<SizeMap> all;
  for (const std::string &text : options.sizes) {
    auto sizes = parseSizes(text);
    if (!sizes)
      return sizes.takeError();
    if (llvm::Error error = checkSizeNames(attention, *sizes))
      return std::move(error);
    all.push_back(std::move(*sizes));
  }
  return all;
}

static void print(const ast::Attention &attention,
                  llvm::ArrayRef<GateSummary> summaries) {
  for (size_t index = 0; index < summaries.size(); ++index) {
    const GateSummary &summary = summaries[index];
    llvm::outs() << attention.results[index].name
                 << llvm::format(": largest scaled error %.3g, bound %.3g, "
                                 "correlation 1 - %.1g, %lld elements",
                                 summary.error, summary.bound,
                                 1 - summary.correlation,
                                 (long long)summary.elements);
    if (summary.unchecked > 0)
      llvm::outs() << ", " << summary.unchecked << " decided by rounding";
    llvm::outs() << "\n";
  }
}

static int runCheck(const CheckOptions &options) {
  SourceFile file;
  std::unique_ptr<CheckedSpec> spec =
      loadSpec(options.file, options.params, file);
  if (!spec)
    return ExitUserError;
  const ast::Attention &attention = *spec->attention;
  auto sizes = sizesToTry(attention, options);
  if (!sizes)
    return reportUser(sizes.takeError());
  std::optional<cpu::CpuTarget> target = resolveTarget(options.target);
  if (!target)
    return ExitUserError;
  auto loaded = compileAndLoad(*spec, file.sources, *target);
  if (!loaded)
    return reportInternal(loaded.takeError());
  auto program = [&](llvm::ArrayRef<HostTensor> inputs,
                     llvm::ArrayRef<HostTensor> outputs, int threads) {
    return callOnHost(**loaded, inputs, outputs, threads);
  };

  // Every kind of values and views at every size, or all sizes of the table.
  size_t trials =
      options.sizes.empty() ? 2 * sizes->size() : 30 * sizes->size();
  std::vector<GateSummary> summaries(attention.results.size());
  size_t failed = 0;
  for (size_t number = 0; number < trials; ++number) {
    Trial trial =
        makeTrial(*sizes, options.sizes.empty() ? number : number % 30);
    if (!options.sizes.empty())
      trial.sizes = (*sizes)[number / 30];
    if (options.seed)
      trial.seed = *options.seed;
    auto report = runTrial(attention, program, trial);
    std::string problem =
        report ? report->problem() : llvm::toString(report.takeError());
    if (report)
      for (size_t index = 0; index < summaries.size(); ++index)
        summaries[index].add(report->results[index]);
    if (problem.empty())
      continue;
    llvm::outs() << "failed at " << describe(trial) << ": " << problem << "\n";
    if (++failed == 10)
      break;
  }
  print(attention, summaries);
  llvm::outs() << attention.name << ": " << (failed ? "failed" : "passed")
               << "\n";
  return failed ? ExitUserError : ExitSuccess;
}

void ladon::addCheckCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App *command = app.add_subcommand(
      "check", "Compare the compiled spec with the f64 reference");
  command->add_option("file", options->file, "A spec, '-' for standard input")
      ->required();
  command
      ->add_option("--size", options->sizes,
                   "Sizes to try, repeatable; without any, a table of them")
      ->allow_extra_args(false)
      ->type_name("S=128,T=128,...");
  command->add_option("--seed", options->seed, "For the random inputs")
      ->check(CLI::NonNegativeNumber);
  addTargetOptions(*command, options->target);
  addParamOption(*command, options->params);
  command->callback([options, &exitCode] { exitCode = runCheck(*options); });
}
