//===- Gallery.cpp - Specs at many sizes, seeds and inputs ----------------===//

#include "compiler/driver/InputGenerator.h"
#include "compiler/driver/NumericGate.h"
#include "test/e2e/Suites.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace ladon;
using namespace ladon::e2e;
using llvm::StringRef;

namespace {

/// One set of inputs.
struct Trial {
  SizeMap sizes;
  ValueKind values;
  ViewKind views;
  uint64_t seed;
};

/// The worst of the trials of a spec.
struct Worst {
  double ratio = 0, error = 0, bound = 0, correlation = 1;
  int64_t elements = 0, unchecked = 0;
};

} // namespace

/// Pairs of S and T at the edges of tiles of 8, 16, 32 and 64, and small ones.
static const std::pair<int64_t, int64_t> lengths[] = {
    {1, 1},   {0, 5},   {5, 0},   {7, 9},   {1, 64},
    {16, 16}, {17, 33}, {31, 65}, {64, 63}, {33, 128},
    {65, 65}, {40, 17}, {1, 129}, {66, 31}, {128, 130}};

/// The sizes of the table, for the run-time sizes of a spec.
static std::vector<SizeMap> tableSizes(const Spec &spec) {
  std::vector<SizeMap> all;
  int64_t batch = 1;
  for (auto [S, T] : lengths) {
    SizeMap sizes;
    for (const std::string &name : sizeNames(spec.attention()))
      sizes[name] = name == "B" ? batch : name == "T" ? T : S;
    all.push_back(std::move(sizes));
    batch = batch % 3 + 1;
  }
  return all;
}

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

static std::string describe(const Trial &trial) {
  std::vector<std::string> sizes;
  for (const auto &entry : trial.sizes)
    sizes.push_back(entry.first().str() + "=" + std::to_string(entry.second));
  llvm::sort(sizes);
  return (llvm::join(sizes, ",") + " " + nameOf(trial.values) + " " +
          nameOf(trial.views) + " seed " + llvm::Twine(trial.seed))
      .str();
}

static llvm::Error runTrial(const Spec &spec, Program &program,
                            const Trial &trial, Worst &worst) {
  InputOptions options;
  options.seed = trial.seed;
  options.values = trial.values;
  options.views = trial.views;
  options.sizes = trial.sizes;
  auto inputs = generateInputs(spec.attention(), options);
  if (!inputs)
    return inputs.takeError();
  auto expected = evaluate(spec.attention(), *inputs);
  if (!expected)
    return expected.takeError();
  std::vector<HostTensor> outputs;
  for (const ReferenceResult &result : *expected)
    // Two elements of an output may not share memory.
    outputs.push_back(makeView(
        result.element, result.shape,
        trial.views == ViewKind::Broadcast ? ViewKind::Dense : trial.views));
  if (llvm::Error error = program.run(*inputs, outputs))
    return error;
  for (size_t index = 0; index < outputs.size(); ++index) {
    GateReport report = applyGate((*expected)[index], outputs[index]);
    if (report.ratio() > worst.ratio) {
      worst.ratio = report.ratio();
      worst.error = report.error;
      worst.bound = report.bound;
    }
    worst.correlation = std::min(worst.correlation, report.correlation);
    worst.elements += report.elements;
    worst.unchecked += report.unchecked;
    if (!report.passed)
      return llvm::createStringError((*expected)[index].name + ": " +
                                     report.problem);
  }
  return llvm::Error::success();
}

/// Runs all trials of a spec; prints its failures.
static Counts runSpec(StringRef path, Backend &backend,
                      const GalleryOptions &options) {
  Counts counts;
  StringRef name = llvm::sys::path::stem(path);
  SpecOptions own = options.specs.lookup(name);
  auto spec = loadSpec(path, own.overrides);
  if (!spec) {
    llvm::outs() << "FAIL " << name << ": " << llvm::toString(spec.takeError())
                 << "\n";
    return {0, 1};
  }
  auto program = backend.prepare(**spec);
  if (!program) {
    llvm::outs() << "FAIL " << name << ": "
                 << llvm::toString(program.takeError()) << "\n";
    return {0, 1};
  }
  if (own.sizes.empty())
    own.sizes = tableSizes(**spec);
  Worst worst;
  uint64_t trialNumber = 0;
  for (int seed = 0; seed < options.seeds; ++seed)
    for (const SizeMap &sizes : own.sizes) {
      // Kinds of values and views take turns: 6 and 5 have no common divisor,
      // so that all 30 pairs occur.
      ++trialNumber;
      Trial trial{sizes, allValueKinds()[trialNumber % allValueKinds().size()],
                  allViewKinds()[trialNumber % allViewKinds().size()],
                  trialNumber};
      if (llvm::Error error = runTrial(**spec, **program, trial, worst)) {
        llvm::outs() << "FAIL " << name << " (" << describe(trial)
                     << "): " << llvm::toString(std::move(error)) << "\n";
        ++counts.failed;
      } else {
        ++counts.passed;
      }
    }
  // A spec that rounding decides would otherwise pass unseen.
  if (worst.unchecked * 20 > worst.elements) {
    llvm::outs() << "FAIL " << name << ": rounding decides " << worst.unchecked
                 << " of " << worst.elements << " elements\n";
    ++counts.failed;
  }
  if (options.verbose)
    llvm::outs() << llvm::formatv(
        "{0,-28} {1,4} trials, error {2:e2}, bound {3:e2}, correlation "
        "1 - {4:e1}\n",
        name, counts.passed + counts.failed, worst.error, worst.bound,
        1 - worst.correlation);
  return counts;
}

Counts e2e::runGallery(StringRef directory, Backend &backend,
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
  for (const std::string &path : paths)
    counts += runSpec(path, backend, options);
  llvm::outs() << directory << ": " << paths.size() << " specs, "
               << counts.passed << " trials passed, " << counts.failed
               << " failed\n";
  return counts;
}
