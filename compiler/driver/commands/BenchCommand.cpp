//===- BenchCommand.cpp - ladon bench -------------------------------------===//
//
// How it measures, and why: docs/benchmarks.md.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/bench/Bench.h"
#include "compiler/driver/bench/CallCost.h"
#include "compiler/driver/bench/Roofline.h"
#include "compiler/driver/check/InputGenerator.h"
#include "compiler/driver/commands/Session.h"
#include "compiler/driver/host/DeviceCall.h"
#include "compiler/driver/host/NamedInputs.h"
#include "compiler/driver/host/Sizes.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <unistd.h>

using namespace ladon;

namespace {

struct BenchOptions {
  CommonOptions common;
  std::vector<std::string> codegens = {"llvm"};
  std::string sizes;
  std::vector<std::string> inputs;
  uint64_t seed = 1;
  int threads = 1, runs = 0;
  bool json = false;
  std::string svg;
};

/// The inputs of a call and what is known of it beforehand.
struct BenchCase {
  std::vector<HostTensor> inputs, outputs;
  std::vector<std::pair<std::string, int64_t>> sizes;
  Work work;
};

} // namespace

//===--- Inputs ----------------------------------------------------------===//

/// Fails when the tensors do not fit into the memory of this machine: the
/// system would end the process rather than say so.
static llvm::Error checkMemory(const ast::Attention &attention,
                               const SizeMap &sizes) {
  Bindings bindings;
  bindings.sizes = sizes;
  double bytes = 0;
  auto add = [&](const ast::Type &type) {
    double product = byteSize(type.element);
    for (int64_t extent : bindings.shape(type))
      product *= double(extent);
    bytes += product;
  };
  for (const auto &param : attention.params)
    add(param->type);
  for (const ast::Result &result : attention.results)
    add(result.type);
  double memory =
      double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGESIZE));
  if (bytes <= memory)
    return llvm::Error::success();
  return llvm::createStringError("the inputs and outputs take %.4g GB, this "
                                 "machine has %.4g GB of memory",
                                 bytes * 1e-9, memory * 1e-9);
}

static llvm::Expected<BenchCase> prepare(const ast::Attention &attention,
                                         const BenchOptions &options) {
  BenchCase bench;
  InputOptions random;
  random.seed = options.seed;
  random.fullCaches = true;
  if (!options.sizes.empty()) {
    auto sizes = parseSizes(options.sizes);
    if (!sizes)
      return sizes.takeError();
    random.sizes = std::move(*sizes);
  }
  if (llvm::Error error = checkSizeNames(attention, random.sizes))
    return std::move(error);
  if (llvm::Error error = checkMemory(attention, random.sizes))
    return std::move(error);
  bench.inputs.resize(attention.params.size());
  std::vector<bool> given(bench.inputs.size());
  if (llvm::Error error =
          readNamedInputs(attention, options.inputs, bench.inputs, given))
    return std::move(error);
  auto generated = generateInputs(attention, random);
  if (!generated)
    return generated.takeError();
  for (size_t index = 0; index < given.size(); ++index)
    if (!given[index])
      bench.inputs[index] = (*generated)[index];
  auto bindings = bindInputs(attention, bench.inputs);
  if (!bindings)
    return bindings.takeError();
  for (const std::string &name : sizeNames(attention)) {
    int64_t bound = bindings->sizes.lookup(name);
    if (bound != random.sizes.lookup(name))
      return llvm::createStringError(
          "--size says %s = %lld, the inputs have %lld", name.c_str(),
          (long long)random.sizes.lookup(name), (long long)bound);
    bench.sizes.emplace_back(name, bound);
  }
  for (const ast::Result &result : attention.results)
    bench.outputs.push_back(
        HostTensor::zeros(result.type.element, bindings->shape(result.type)));
  bench.work = countWork(attention, *bindings);
  return bench;
}

//===--- Reporting -------------------------------------------------------===//

namespace {

/// The figures of a report.
struct Figures {
  double gflops, peakFraction, gigabytesPerSecond, bandwidthFraction;

  Figures(const Work &work, const Measurement &measurement) {
    auto ratio = [](double a, double b) { return b > 0 ? a / b : 0; };
    gflops = ratio(work.flops * 1e-9, measurement.median());
    peakFraction = ratio(gflops, measurement.fmaPeak);
    gigabytesPerSecond = ratio(double(work.bytes) * 1e-9, measurement.median());
    bandwidthFraction = ratio(gigabytesPerSecond, measurement.readBandwidth);
  }
};

} // namespace

/// What was timed, as attributes of an object.
static void printCase(llvm::json::OStream &json,
                      const ast::Attention &attention, const BenchCase &bench,
                      const Target &target) {
  json.attribute("name", attention.name);
  json.attributeObject("sizes", [&] {
    for (const auto &[name, size] : bench.sizes)
      json.attribute(name, size);
  });
  json.attribute("target", target.getName());
}

static void printJson(const ast::Attention &attention, const BenchCase &bench,
                      const Measurement &measurement, const Target &target,
                      const BenchOptions &options) {
  Figures figures(bench.work, measurement);
  llvm::json::OStream json(llvm::outs(), /*IndentSize=*/2);
  json.object([&] {
    printCase(json, attention, bench, target);
    json.attribute("codegen", options.common.codegen);
    json.attribute("threads", options.threads);
    json.attribute("runs", int64_t(measurement.seconds.size()));
    json.attribute("seconds", measurement.median());
    json.attribute("min_seconds", measurement.seconds.front());
    json.attribute("max_seconds", measurement.seconds.back());
    json.attribute("pairs", bench.work.pairs);
    json.attribute("visible_pairs", bench.work.visiblePairs);
    json.attribute("flops", bench.work.flops);
    json.attribute("gflops", figures.gflops);
    json.attribute("fma_peak_gflops", measurement.fmaPeak);
    json.attribute("peak_fraction", figures.peakFraction);
    json.attribute("bytes", bench.work.bytes);
    json.attribute("read_bandwidth_gbs", measurement.readBandwidth);
    json.attribute("bandwidth_fraction", figures.bandwidthFraction);
    json.attribute("scratch_bytes", measurement.scratch);
  });
  llvm::outs() << "\n";
}

static std::string readableSeconds(double seconds) {
  auto [scale, unit] = seconds >= 1      ? std::make_pair(1., "s")
                       : seconds >= 1e-3 ? std::make_pair(1e3, "ms")
                                         : std::make_pair(1e6, "us");
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::format("%.4g %s", seconds * scale, unit);
  return text;
}

static std::string readableBytes(double bytes) {
  auto [scale, unit] = bytes >= 1e9   ? std::make_pair(1e-9, "GB")
                       : bytes >= 1e6 ? std::make_pair(1e-6, "MB")
                                      : std::make_pair(1e-3, "kB");
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::format("%.4g %s", bytes * scale, unit);
  return text;
}

static void printTable(const ast::Attention &attention, const BenchCase &bench,
                       const Measurement &measurement, const Target &target,
                       const BenchOptions &options) {
  Figures figures(bench.work, measurement);
  const Work &work = bench.work;
  auto &os = llvm::outs();
  os << attention.name;
  for (const auto &[name, size] : bench.sizes)
    os << (name == bench.sizes.front().first ? "  " : ", ") << name << '='
       << size;
  os << "  " << target.getInstructions() << "  ";
  if (options.codegens.size() > 1)
    os << options.common.codegen << "  ";
  os << options.threads << (options.threads == 1 ? " thread\n" : " threads\n");
  auto line = [&](const char *what, const std::string &value) {
    os << llvm::format("  %-15s%14s  ", what, value.c_str());
  };
  auto number = [](double value) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%.4g", value);
    return text;
  };
  line("time", readableSeconds(measurement.median()));
  os << "median of " << measurement.seconds.size() << ", "
     << readableSeconds(measurement.seconds.front()) << " to "
     << readableSeconds(measurement.seconds.back()) << '\n';
  line("visible pairs", std::to_string(work.visiblePairs));
  os << llvm::format("%.3g %% of ", work.pairs > 0
                                        ? 100.0 * double(work.visiblePairs) /
                                              double(work.pairs)
                                        : 0.0)
     << work.pairs << '\n';
  line("arithmetic", number(figures.gflops) + " GFLOP/s");
  os << llvm::format("%.3f of the FMA peak of %.4g GFLOP/s\n",
                     figures.peakFraction, measurement.fmaPeak);
  line("memory", number(figures.gigabytesPerSecond) + " GB/s");
  os << llvm::format("%.3f of the read bandwidth of %.4g GB/s, ",
                     figures.bandwidthFraction, measurement.readBandwidth)
     << readableBytes(double(work.bytes)) << " read and written\n";
  line("working memory", readableBytes(double(measurement.scratch)));
  os << "beside inputs and outputs\n";
}

//===--- On a GPU --------------------------------------------------------===//

/// The figures of a GPU, by its own clock: nothing is known of its peaks but
/// how fast it copies.
static void printDevice(const ast::Attention &attention, const BenchCase &bench,
                        const DeviceTimes &times, const Target &target,
                        const BenchOptions &options) {
  size_t runs = times.seconds.size();
  double seconds = times.seconds[runs / 2];
  double flops = bench.work.flops / seconds;
  double bytes = double(bench.work.bytes) / seconds;
  if (options.json) {
    llvm::json::OStream json(llvm::outs(), /*IndentSize=*/2);
    json.object([&] {
      printCase(json, attention, bench, target);
      json.attribute("gpu", times.gpu);
      json.attribute("runs", int64_t(runs));
      json.attribute("seconds", seconds);
      json.attribute("min_seconds", times.seconds.front());
      json.attribute("max_seconds", times.seconds.back());
      json.attribute("visible_pairs", bench.work.visiblePairs);
      json.attribute("flops", bench.work.flops);
      json.attribute("gflops", flops * 1e-9);
      json.attribute("bytes", bench.work.bytes);
      json.attribute("bandwidth_gbs", bytes * 1e-9);
      json.attribute("copy_bandwidth_gbs", times.copied * 1e-9);
      json.attribute("workspace_bytes", int64_t(times.workspace));
    });
    llvm::outs() << "\n";
    return;
  }
  auto &os = llvm::outs();
  os << attention.name;
  for (const auto &[name, size] : bench.sizes)
    os << (name == bench.sizes.front().first ? "  " : ", ") << name << '='
       << size;
  os << "  " << target.getName() << " on " << times.gpu << '\n'
     << llvm::format("  time           %s, median of %zu, %s to %s\n",
                     readableSeconds(seconds).c_str(), runs,
                     readableSeconds(times.seconds.front()).c_str(),
                     readableSeconds(times.seconds.back()).c_str())
     << llvm::format("  arithmetic     %.4g TFLOP/s\n", flops * 1e-12)
     << llvm::format("  memory         %.4g GB/s, %.3f of a copy's %.4g GB/s\n",
                     bytes * 1e-9, bytes / times.copied, times.copied * 1e-9)
     << "  working memory " << readableBytes(double(times.workspace)) << '\n';
}

//===--- The command -----------------------------------------------------===//

/// "causal B=1, S=40".
static std::string caseText(const ast::Attention &attention,
                            const BenchCase &bench) {
  std::string text = attention.name;
  for (const auto &[name, size] : bench.sizes)
    text += (&name == &bench.sizes.front().first ? " " : ", ") + name + "=" +
            std::to_string(size);
  return text;
}

/// One code generator; `roofline` gets what it did.
static int runBench(const BenchOptions &options, Roofline &roofline) {
  Session session(options.common);
  if (!session.openSpec("bench") || !session.target())
    return session.exitCode;
  const ast::Attention &attention = session.attention();
  const Target &target = *session.target();
  if (options.common.simulate)
    return reportUser(
        llvm::createStringError("--simulate: a simulator has no clock"));
  auto bench = prepare(attention, options);
  if (!bench)
    return reportUser(bench.takeError());
  std::unique_ptr<LoadedAttention> loaded = session.load();
  if (!loaded)
    return session.exitCode;
  if (!loaded->getDriver().empty()) {
    auto times =
        timeOnDevice(*loaded, bench->inputs, bench->outputs, options.runs);
    if (!times)
      return reportUser(times.takeError());
    if (!options.svg.empty())
      return reportUser(llvm::createStringError(
          "--svg: the ceilings of a GPU are not known"));
    printDevice(attention, *bench, *times, target, options);
    return ExitSuccess;
  }
  BenchSettings settings;
  settings.threads = options.threads;
  settings.runs = options.runs;
  bool isDouble =
      attention.results.front().type.element == ast::ScalarType::F64;
  settings.kernels = target.getPeakKernels(isDouble);
  auto measurement = measure(*loaded, bench->inputs, bench->outputs, settings);
  if (!measurement)
    return reportUser(measurement.takeError());
  (options.json ? printJson : printTable)(attention, *bench, *measurement,
                                          target, options);
  roofline.title = caseText(attention, *bench) + ", " +
                   target.getInstructions().str() + ", " +
                   std::to_string(options.threads) +
                   (options.threads == 1 ? " thread" : " threads");
  roofline.fmaPeak = std::max(roofline.fmaPeak, measurement->fmaPeak);
  roofline.readBandwidth =
      std::max(roofline.readBandwidth, measurement->readBandwidth);
  roofline.points.push_back({options.common.codegen, bench->work.flops,
                             double(bench->work.bytes), measurement->median()});
  return ExitSuccess;
}

/// One after the other; the first that fails is the last.
static int runBenches(BenchOptions options) {
  Roofline roofline;
  for (const std::string &codegen : options.codegens) {
    options.common.codegen = codegen;
    if (int exitCode = runBench(options, roofline))
      return exitCode;
  }
  return options.svg.empty() ? int(ExitSuccess)
                             : writeOutput(options.svg, drawRoofline(roofline));
}

void ladon::addBenchCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App *command = app.add_subcommand(
      "bench", "Time a compiled spec beside the peak of this machine");
  addCommonOptions(*command, options->common);
  command
      ->add_option("--codegen", options->codegens,
                   "What makes the code of attends: one, or several to compare")
      ->allow_extra_args(false)
      ->delimiter(',')
      ->check(CLI::IsMember(codegenNames()))
      ->capture_default_str();
  command
      ->add_option("--size", options->sizes, "Every run-time size of the spec")
      ->type_name("S=4096,T=4096,...");
  command
      ->add_option("--threads", options->threads,
                   "How many threads work, in the call and for the peaks")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command
      ->add_option("--input", options->inputs,
                   "An input that is not random: a NumPy file, or the value "
                   "of a scalar")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
  command->add_option("--seed", options->seed, "For the random inputs")
      ->check(wholeNumber())
      ->capture_default_str();
  command
      ->add_option("--runs", options->runs,
                   "How many runs to time; without it at least 5 and for at "
                   "least half a second")
      ->check(CLI::Range(1, 1000000));
  command->add_flag("--json", options->json, "Print one JSON object");
  command
      ->add_option("--svg", options->svg,
                   "Also draw the call under the ceilings of the machine here")
      ->type_name("FILE");
  command->callback([options, &exitCode] { exitCode = runBenches(*options); });
}
