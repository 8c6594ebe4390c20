//===- ExplainCommand.cpp - ladon explain ---------------------------------===//

#include "compiler/driver/bench/CallCost.h"
#include "compiler/driver/commands/ExplainedSpec.h"
#include "compiler/driver/explain/MaskPage.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace ladon;

static double percent(double part, double whole) {
  return whole == 0 ? 0 : 100 * part / whole;
}

static void printPlan(const AttendPlan &plan, const ExplainOptions &options) {
  llvm::outs() << "attend: " << plan.heads << " heads, " << plan.queries
               << " queries, " << plan.keys << " keys, head dim "
               << plan.headDim << ", value dim " << plan.valueDim << "\n"
               << "tiles: " << plan.queryTile << " queries by up to "
               << plan.keyTile << " keys\n"
               << describeProjection(plan) << describeWeights(plan) << "batch "
               << options.batch << ", head " << options.head << ":\n"
               << drawText(plan, options.batch, options.head)
               << "  █ full: no mask   ▒ partial: masked   · empty: skipped\n";
}

/// Counting more pairs one by one would take minutes.
static constexpr double countLimit = 1e11;

static std::string describeWork(const std::vector<AttendPlan> &plans,
                                const ast::Attention &attention,
                                const Bindings &bindings) {
  std::string text;
  llvm::raw_string_ostream os(text);
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
    os << llvm::format("visible:  not counted, of %.4g pairs\n", all);
  } else {
    Work work = countWork(attention, bindings);
    os << llvm::format("visible:  %5.1f %% of %.0f pairs\n",
                       percent(double(work.visiblePairs), all), all);
  }
  os << llvm::format("computed: %5.1f %%, of it %.1f %% without and "
                     "%.1f %% with a mask\n",
                     percent(full + partial, all), percent(full, all),
                     percent(partial, all))
     << llvm::format("flops:    %.4g with skipping, %.4g without\n", flops,
                     dense);
  return text;
}

/// What the passes could not do, and why.
static void printRemarks(llvm::ArrayRef<Message> remarks) {
  if (!remarks.empty())
    llvm::outs() << "remarks:\n";
  for (const Message &remark : remarks)
    llvm::outs() << "  " << remark.str() << "\n";
}

/// The page of one spec.
static PageSpec pageOf(const ExplainedSpec &spec, const std::string &file) {
  PageSpec page;
  page.name = spec.attention().name;
  page.file =
      file == "-" ? "standard input" : llvm::sys::path::filename(file).str();
  page.source = spec.attention().source;
  page.sizes = spec.sizesText();
  page.target = spec.targetText();
  llvm::SmallVector<llvm::StringRef> lines;
  std::string work = describeWork(spec.plans, spec.attention(), spec.bindings);
  for (const AttendPlan &plan : spec.plans)
    work += describeProjection(plan) + describeWeights(plan);
  llvm::StringRef(work).split(lines, '\n', -1, /*KeepEmpty=*/false);
  page.facts.assign(lines.begin(), lines.end());
  page.plans = spec.plans;
  page.remarks = spec.remarks().vec();
  return page;
}

static int writePage(const ExplainedSpec &spec, const ExplainOptions &options) {
  std::vector<PageSpec> pages = {pageOf(spec, options.common.file)};
  CommonOptions besideOptions = options.common;
  besideOptions.file = options.beside;
  ExplainedSpec beside;
  if (!options.beside.empty()) {
    if (int code = beside.run(besideOptions, options, /*isSecond=*/true))
      return code;
    pages.push_back(pageOf(beside, options.beside));
  }
  llvm::Expected<std::string> page = makeMaskPage(pages);
  return page ? writeOutput(options.html, *page) : reportUser(page.takeError());
}

static int runExplain(const ExplainOptions &options) {
  ExplainedSpec spec;
  if (int code = spec.run(options.common, options))
    return code;
  if (!spec.schedule.empty()) {
    if (!options.svg.empty() || !options.html.empty())
      return reportUser(llvm::createStringError(
          (options.svg.empty() ? "--html" : "--svg") +
          (": --codegen " + options.common.codegen + " has no picture")));
    llvm::outs() << spec.schedule;
    printRemarks(spec.remarks());
    return ExitSuccess;
  }
  bool shown = spec.plans.empty() ||
               llvm::any_of(spec.plans, [&](const AttendPlan &plan) {
                 return plan.pairs() == 0 || (options.batch < plan.batches &&
                                              options.head < plan.heads);
               });
  if (!shown)
    return reportUser(llvm::createStringError(
        "--batch %lld, --head %lld: expected a batch below %lld and a head "
        "below %lld",
        (long long)options.batch, (long long)options.head,
        (long long)spec.plans.front().batches,
        (long long)spec.plans.front().heads));

  // A page on the standard output is all there is.
  if (options.html != "-") {
    std::string sizes = spec.sizesText();
    llvm::outs() << spec.attention().name << ":" << (sizes.empty() ? "" : " ")
                 << sizes << ", " << spec.targetText() << "\n";
    for (const AttendPlan &plan : spec.plans)
      printPlan(plan, options);
    llvm::outs() << describeWork(spec.plans, spec.attention(), spec.bindings);
    printRemarks(spec.remarks());
  }
  if (!options.html.empty())
    if (int code = writePage(spec, options))
      return code;
  if (options.svg.empty() || spec.plans.empty())
    return ExitSuccess;
  return writeOutput(options.svg, drawSvg(spec.plans.front(), options.batch,
                                          options.head, spec.attention().name));
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
  auto *html =
      command
          ->add_option("--html", options->html,
                       "Also write a page for a browser here: every batch and "
                       "head, with zoom")
          ->type_name("FILE");
  command
      ->add_option("--beside", options->beside,
                   "Another spec on the page, with the same options")
      ->needs(html)
      ->type_name("FILE");
  command->callback([options, &exitCode] { exitCode = runExplain(*options); });
}
