//===- Gallery.cpp - Specs at many sizes, seeds and inputs ----------------===//

#include "compiler/driver/check/NumericTrial.h"
#include "compiler/support/Progress.h"
#include "test/e2e/Suites.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <atomic>
#include <utility>

using namespace ladon;
using namespace ladon::e2e;
using llvm::StringRef;

namespace {

/// A spec's part of the log, printed when all specs before it are done.
struct SpecLog {
  Counts counts;
  std::string text;
  GateSummary worst;
};

} // namespace

llvm::Expected<OptionTable> e2e::readOptions(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return llvm::createStringError(path + ": " + buffer.getError().message());
  OptionTable table;
  llvm::SmallVector<StringRef> lines, words, parts;
  (*buffer)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines) {
    if (line.starts_with("#"))
      continue;
    words.clear();
    line.split(words, ' ', -1, /*KeepEmpty=*/false);
    SpecOptions &options = table[words[0]];
    bool inSizes = false;
    for (StringRef word : llvm::ArrayRef(words).drop_front()) {
      if (word == "@") {
        inSizes = true;
        continue;
      }
      if (word.consume_front("!")) {
        options.refusedBy.push_back(word.str());
        continue;
      }
      parts.clear();
      word.split(parts, ',');
      SizeMap sizes;
      for (StringRef part : parts) {
        auto [name, value] = part.split('=');
        if (!inSizes)
          options.overrides.emplace_back(name.str(), value.str());
        else if (value.getAsInteger(10, sizes[name]))
          return llvm::createStringError(path + ": bad size '" + part + "'");
      }
      if (inSizes)
        options.sizes.push_back(std::move(sizes));
    }
  }
  return table;
}

/// Compares what a call with its indices checked says with the reference; what
/// is wrong, or nothing.
static std::string compareChecks(const ast::Attention &attention,
                                 Program &program, const Trial &trial) {
  auto checked = [&](llvm::ArrayRef<HostTensor> inputs,
                     llvm::ArrayRef<HostTensor> outputs,
                     int) { return program.runChecked(inputs, outputs); };
  return llvm::toString(
      compareIndexChecks(attention, checked, trial).takeError());
}

/// Runs all trials of a spec.
static void runSpec(StringRef path, Runner &runner,
                    const GalleryOptions &options, SpecLog &log) {
  StringRef name = llvm::sys::path::stem(path);
  llvm::raw_string_ostream os(log.text);
  auto fail = [&](const llvm::Twine &what) {
    os << "FAIL " << name << ": " << what << "\n";
    ++log.counts.failed;
  };
  SpecOptions own = options.specs.lookup(name);
  auto spec = loadSpec(path, own.overrides);
  if (!spec)
    return fail(llvm::toString(spec.takeError()));
  bool isRefused = llvm::is_contained(own.refusedBy, options.generator);
  auto program = runner.prepare(**spec);
  if (!program)
    return fail(llvm::toString(program.takeError()));
  if (!*program) {
    if (!isRefused)
      fail("no code for this target");
    return;
  }
  if (isRefused)
    fail("there is code for this target; options.txt says that there is none");
  const ast::Attention &attention = (*spec)->attention();
  if (own.sizes.empty())
    own.sizes = edgeSizes(attention);
  auto run = [&](llvm::ArrayRef<HostTensor> inputs,
                 llvm::ArrayRef<HostTensor> outputs, int threads) {
    return (*program)->run(inputs, outputs, threads);
  };
  GateSummary &worst = log.worst;
  size_t trials =
      std::max(own.sizes.size(), allValueKinds().size()) * options.seeds;
  size_t chosen = options.trials ? std::min(options.trials, trials) : trials;
  for (size_t number = 0; number < chosen; ++number) {
    // A few are spread over the sizes, which do not begin with the small ones
    // then.
    Trial trial =
        makeTrial(own.sizes, options.trials ? 7 * (number + 1) : number);
    auto report = runTrial(attention, run, trial, runner.arithmetic());
    std::string problem =
        report ? report->problem() : llvm::toString(report.takeError());
    if (problem.empty() && (*program)->checksValues())
      problem = llvm::toString(checkRefusals(attention, run, trial));
    if (problem.empty() && (*program)->checksIndices())
      problem = compareChecks(attention, **program, trial);
    if (report)
      for (const GateReport &result : report->results)
        worst.add(result);
    if (problem.empty())
      ++log.counts.passed;
    else
      fail("(" + describe(trial) + ") " + problem);
  }
  // A spec that rounding decides would otherwise pass unseen.
  if (worst.unchecked * 20 > worst.elements && !options.trials)
    fail("rounding decides " + llvm::Twine(worst.unchecked) + " of " +
         llvm::Twine(worst.elements) + " elements");
  if (worst.vacuous > 0 && !options.trials)
    fail("in " + llvm::Twine(worst.vacuous) + " of " +
         llvm::Twine(worst.results) +
         " results most bounds are wider than the range of the values");
  if (options.verbose)
    os << llvm::format("%-28s %3d trials, error %.2e, bound %.2e, "
                       "correlation 1 - %.1e\n",
                       name.str().c_str(), int(chosen), worst.error,
                       worst.bound, 1 - worst.correlation);
}

Counts e2e::runGallery(StringRef directory, Runner &runner,
                       const GalleryOptions &options) {
  std::vector<std::string> paths;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(directory, error), end;
       it != end && !error; it.increment(error))
    if (StringRef(it->path()).ends_with(".attn"))
      paths.push_back(it->path());
  llvm::sort(paths);
  Counts counts;
  if (error || paths.empty()) {
    llvm::outs() << "FAIL " << directory << ": no specs\n";
    ++counts.failed;
  }
  std::vector<std::string> all = std::exchange(paths, {});
  for (size_t place = options.shard; place < all.size();
       place += options.shards)
    paths.push_back(all[place]);
  std::vector<SpecLog> logs(paths.size());
  {
    Progress progress(directory);
    std::atomic<size_t> finished = 0;
    llvm::parallelFor(0, paths.size(), [&](size_t index) {
      runSpec(paths[index], runner, options, logs[index]);
      progress.update(++finished, paths.size(), "specs");
    });
  }
  size_t nearest = 0;
  GateSummary summary;
  for (size_t index = 0; index < logs.size(); ++index) {
    llvm::outs() << logs[index].text;
    counts += logs[index].counts;
    summary.add(logs[index].worst);
    if (logs[index].worst.ratio > logs[nearest].worst.ratio)
      nearest = index;
  }
  if (!paths.empty())
    llvm::outs() << llvm::format(
                        "nearest to its bound: %s, at %.0f %% of it\n",
                        llvm::sys::path::stem(paths[nearest]).str().c_str(),
                        100 * logs[nearest].worst.ratio)
                 << summary.describe() << "\n";
  llvm::outs() << directory << ": " << paths.size() << " specs, "
               << counts.passed << " trials passed, " << counts.failed
               << " failed\n";
  return counts;
}
