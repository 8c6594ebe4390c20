//===- RunCommand.cpp - ladon run -----------------------------------------===//

#include "compiler/driver/check/InputGenerator.h"
#include "compiler/driver/commands/Session.h"
#include "compiler/driver/host/HostCall.h"
#include "compiler/driver/host/NamedInputs.h"
#include "compiler/driver/host/Npy.h"
#include "compiler/driver/host/Picture.h"
#include "compiler/driver/host/Sizes.h"
#include "compiler/reference/IndexCheck.h"
#include "compiler/reference/Reference.h"
#include "compiler/support/Files.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <cmath>

using namespace ladon;

namespace {

struct RunOptions {
  CommonOptions common;
  std::vector<std::string> inputs, archives, outputs, labels;
  std::string picture;
  std::string random;
  uint64_t seed = 1;
  int threads = 0;
  bool reference = false;
  bool checkIndices = false;
};

using Inputs = std::vector<HostTensor>;

} // namespace

/// Reads what --input names, and fills the rest with random values if asked.
static llvm::Expected<Inputs> collectInputs(const ast::Attention &attention,
                                            const RunOptions &options) {
  Inputs inputs(attention.params.size());
  std::vector<bool> given(inputs.size());
  if (llvm::Error error =
          readNamedInputs(attention, options.inputs, inputs, given))
    return std::move(error);
  for (const std::string &path : options.archives)
    if (llvm::Error error = readArchive(attention, path, inputs, given))
      return std::move(error);
  if (!options.random.empty()) {
    InputOptions random;
    random.seed = options.seed;
    auto sizes = parseSizes(options.random);
    if (!sizes)
      return sizes.takeError();
    random.sizes = std::move(*sizes);
    if (llvm::Error error = checkSizeNames(attention, random.sizes))
      return std::move(error);
    auto generated = generateInputs(attention, random);
    if (!generated)
      return generated.takeError();
    for (size_t index = 0; index < inputs.size(); ++index)
      if (!given[index])
        inputs[index] = (*generated)[index];
    return inputs;
  }
  for (size_t index = 0; index < inputs.size(); ++index)
    if (!given[index])
      return llvm::createStringError(
          attention.params[index]->name +
          ": no --input is given (or use --random to make one)");
  return inputs;
}

/// Computes the results; prints what is wrong and returns an exit code.
static int compute(Session &session, const RunOptions &options,
                   const Inputs &inputs, std::vector<HostTensor> &outputs) {
  const ast::Attention &attention = session.attention();
  if (options.reference && options.checkIndices) {
    auto indices = checkIndices(attention, inputs);
    if (!indices)
      return reportUser(indices.takeError());
    if (!indices->clamped.empty())
      return reportUser(llvm::createStringError(indices->clamped));
  }
  if (options.reference) {
    auto results = evaluate(attention, inputs);
    if (!results)
      return reportUser(results.takeError());
    for (const ReferenceResult &result : *results)
      outputs.push_back(result.tensor());
    return ExitSuccess;
  }
  auto bindings = bindInputs(attention, inputs);
  if (!bindings)
    return reportUser(bindings.takeError());
  for (const ast::Result &result : attention.results)
    outputs.push_back(
        HostTensor::zeros(result.type.element, bindings->shape(result.type)));
  std::unique_ptr<LoadedAttention> loaded = session.load();
  if (!loaded)
    return session.exitCode;
  if (llvm::Error error = callOnHost(*loaded, inputs, outputs, options.threads,
                                     options.checkIndices))
    return reportUser(std::move(error));
  // The call has written to the caches where they are.
  for (auto [param, input] : llvm::zip_equal(attention.params, inputs))
    if (param->isInout)
      outputs.push_back(input);
  return ExitSuccess;
}

/// One line: shape, mean and extremes, so that a glance tells a dead result.
static void summarize(const std::string &name, const HostTensor &tensor) {
  double sum = 0, low = HUGE_VAL, high = -HUGE_VAL;
  int64_t finite = 0;
  forEachPosition(tensor.shape, [&](llvm::ArrayRef<int64_t> position) {
    double value = tensor.getFloat(position);
    if (!std::isfinite(value))
      return;
    ++finite;
    sum += value;
    low = std::min(low, value);
    high = std::max(high, value);
  });
  llvm::outs() << name << " [";
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis)
    llvm::outs() << (axis ? ", " : "") << tensor.shape[axis];
  llvm::outs() << "]";
  if (finite > 0)
    llvm::outs() << llvm::format(": mean %.6g, from %.6g to %.6g",
                                 sum / double(finite), low, high);
  if (finite < tensor.size())
    llvm::outs() << ", " << tensor.size() - finite << " not finite";
  llvm::outs() << "\n";
}

static llvm::Error writeOutputs(const ast::Attention &attention,
                                const RunOptions &options,
                                llvm::ArrayRef<HostTensor> outputs) {
  std::vector<std::string> names = attention.writtenNames();
  for (const std::string &text : options.outputs) {
    auto pair = splitNameValue("--output", text);
    if (!pair)
      return pair.takeError();
    auto [name, path] = *pair;
    // The names were checked before the computation.
    size_t index = llvm::find(names, name) - names.begin();
    if (llvm::Error error = writeNpy(path, outputs[index]))
      return error;
  }
  if (options.outputs.empty() && options.picture.empty())
    for (size_t index = 0; index < outputs.size(); ++index)
      summarize(names[index], outputs[index]);
  return llvm::Error::success();
}

/// Which result is drawn, and into which file: NAME=FILE, or a file for the
/// result of the name `weights`.
static std::pair<llvm::StringRef, llvm::StringRef>
pictureOf(llvm::StringRef text) {
  return text.contains('=') ? text.split('=') : std::pair("weights", text);
}

static llvm::Error writePicture(const ast::Attention &attention,
                                const RunOptions &options,
                                llvm::ArrayRef<HostTensor> outputs) {
  if (options.picture.empty())
    return llvm::Error::success();
  PictureLabels labels;
  for (size_t at = 0; at < options.labels.size(); ++at) {
    auto words = readLabels(options.labels[at]);
    if (!words)
      return words.takeError();
    if (at == 0)
      labels.rows = *words;
    labels.columns = std::move(*words);
  }
  auto [name, path] = pictureOf(options.picture);
  for (auto [written, tensor] : llvm::zip(attention.writtenNames(), outputs)) {
    if (written != name)
      continue;
    auto picture = drawHeatMaps(tensor, name, labels);
    if (!picture)
      return picture.takeError();
    return writeFile(path, *picture);
  }
  llvm_unreachable("the name was checked before the computation");
}

static llvm::Error checkResultName(const ast::Attention &attention,
                                   llvm::StringRef option,
                                   llvm::StringRef name) {
  std::vector<std::string> names = attention.writtenNames();
  if (llvm::is_contained(names, name))
    return llvm::Error::success();
  return llvm::createStringError(option + " " + name +
                                 ": the results of the spec are " +
                                 llvm::join(names, ", "));
}

static llvm::Error checkOutputNames(const ast::Attention &attention,
                                    const RunOptions &options) {
  for (const std::string &text : options.outputs) {
    auto pair = splitNameValue("--output", text);
    if (!pair)
      return pair.takeError();
    if (llvm::Error error = checkResultName(attention, "--output", pair->first))
      return error;
  }
  if (options.picture.empty())
    return llvm::Error::success();
  return checkResultName(attention, "--picture",
                         pictureOf(options.picture).first);
}

static int runRun(const RunOptions &options) {
  Session session(options.common);
  if (!session.openSpec("run"))
    return session.exitCode;
  const ast::Attention &attention = session.attention();
  if (llvm::Error error = checkOutputNames(attention, options))
    return reportUser(std::move(error));
  auto inputs = collectInputs(attention, options);
  if (!inputs)
    return reportUser(inputs.takeError());
  std::vector<HostTensor> outputs;
  if (int code = compute(session, options, *inputs, outputs))
    return code;
  if (llvm::Error error = writeOutputs(attention, options, outputs))
    return reportUser(std::move(error));
  if (llvm::Error error = writePicture(attention, options, outputs))
    return reportUser(std::move(error));
  return ExitSuccess;
}

void ladon::addRunCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<RunOptions>();
  CLI::App *command =
      app.add_subcommand("run", "Compile a spec and run it on tensors");
  addCommonOptions(*command, options->common);
  addCodegenOption(*command, options->common);
  command
      ->add_option("--input", options->inputs,
                   "An input: a NumPy file, or the value of a scalar")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
  command
      ->add_option("--inputs", options->archives,
                   "Arrays with the names of inputs: a file .npz or "
                   ".safetensors, repeatable; --input comes first")
      ->allow_extra_args(false)
      ->type_name("FILE");
  command
      ->add_option("--output", options->outputs,
                   "Where a result goes; without any, a summary is printed")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
  command
      ->add_option("--picture", options->picture,
                   "Draw a result as heat maps, one for each head: an SVG file "
                   "of the result called 'weights' or NAME")
      ->type_name("[NAME=]FILE");
  command
      ->add_option("--labels", options->labels,
                   "A word for each query, one a line, for the picture; and a "
                   "second file for the keys where they have others")
      ->expected(1, 2)
      ->needs("--picture")
      ->type_name("FILE [FILE]");
  command
      ->add_option("--random", options->random,
                   "Make the inputs that are not given, of these sizes")
      ->type_name("S=128,T=128,...");
  command->add_option("--seed", options->seed, "For the random inputs")
      ->check(wholeNumber());
  command
      ->add_option("--threads", options->threads,
                   "How many threads may work; 0 means one for each CPU")
      ->check(CLI::Range(0, 4096));
  command->add_flag("--check-indices", options->checkIndices,
                    "Stop at an index that leaves its tensor, which is clamped "
                    "otherwise");
  command->add_flag("--reference", options->reference,
                    "Evaluate with the f64 reference in place of the compiler");
  command->callback([options, &exitCode] { exitCode = runRun(*options); });
}
