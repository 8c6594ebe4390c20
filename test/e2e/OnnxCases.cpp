//===- OnnxCases.cpp - Node tests of the ONNX operator Attention ----------===//

#include "compiler/driver/check/NumericGate.h"
#include "compiler/driver/host/Npy.h"
#include "test/e2e/Suites.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace ladon;
using namespace ladon::e2e;
using llvm::StringRef;

namespace {

/// A line of cases.txt.
struct Case {
  StringRef name, spec;
  ParamOverrides overrides;
  std::vector<std::pair<StringRef, StringRef>> inputs, outputs;
};

using Arrays = llvm::StringMap<HostTensor>;

} // namespace

static std::vector<std::pair<StringRef, StringRef>> parsePairs(StringRef text) {
  std::vector<std::pair<StringRef, StringRef>> pairs;
  llvm::SmallVector<StringRef> words;
  text.split(words, ' ', -1, /*KeepEmpty=*/false);
  for (StringRef word : words)
    pairs.push_back(word.split('='));
  return pairs;
}

static Case parseCase(StringRef line) {
  Case result;
  StringRef rest;
  std::tie(result.name, rest) = line.split(": ");
  llvm::SmallVector<StringRef> parts;
  rest.split(parts, '|');
  for (StringRef &part : parts)
    part = part.trim();
  parts.resize(3);
  auto [spec, params] = parts[0].split(' ');
  result.spec = spec;
  for (auto [name, value] : parsePairs(params))
    result.overrides.emplace_back(name.str(), value.str());
  result.inputs = parsePairs(parts[1]);
  result.outputs = parsePairs(parts[2]);
  return result;
}

static llvm::Expected<HostTensor> findArray(const Arrays &arrays,
                                            StringRef name) {
  auto it = arrays.find(name);
  if (it == arrays.end())
    return llvm::createStringError("no array is called " + name);
  return it->second;
}

static llvm::Error runCase(const Case &test, StringRef directory,
                           Runner &runner) {
  auto spec = loadSpec((directory + "/specs/" + test.spec + ".attn").str(),
                       test.overrides);
  if (!spec)
    return spec.takeError();
  auto arrays =
      readNpz((directory + "/test_attention_" + test.name + ".npz").str());
  if (!arrays)
    return arrays.takeError();
  const ast::Attention &attention = (*spec)->attention();

  std::vector<HostTensor> inputs, outputs;
  for (const auto &param : attention.params) {
    StringRef array = param->name;
    for (auto [name, from] : test.inputs)
      if (name == param->name)
        array = from;
    auto tensor = findArray(*arrays, array);
    if (!tensor)
      return tensor.takeError();
    inputs.push_back(*tensor);
  }
  auto results = evaluate(attention, inputs);
  if (!results)
    return results.takeError();
  for (const ReferenceResult &result : *results)
    outputs.push_back(HostTensor::zeros(result.element, result.shape));
  auto program = runner.prepare(**spec);
  if (!program)
    return program.takeError();
  if (llvm::Error error = (*program)->run(inputs, outputs, 1))
    return error;

  // The expected arrays are themselves f32 results with errors of their own:
  // the gate is applied with their values in place of the reference's.
  if (test.outputs.size() != results->size())
    return llvm::createStringError("the spec has %zu results, the case %zu",
                                   results->size(), test.outputs.size());
  for (size_t index = 0; index < results->size(); ++index) {
    ReferenceResult &result = (*results)[index];
    auto [name, from] = test.outputs[index];
    auto expected = findArray(*arrays, from);
    if (!expected)
      return expected.takeError();
    if (name != result.name || expected->shape != result.shape)
      return llvm::createStringError("result " + name +
                                     " is not that of the spec");
    // Arrays of half precision were computed in it, step by step, and are a few
    // roundings off: up to four of the largest value that a row sees.
    double ownError =
        isStorageOnly(result.element)
            ? 4 * 0x1p-11 / (errorFactor * gateBounds(result.element).roundoff)
            : 0;
    size_t element = 0;
    forEachPosition(expected->shape, [&](llvm::ArrayRef<int64_t> position) {
      result.error[element] += ownError * result.magnitude[element];
      result.value[element++] = expected->getFloat(position);
    });
    GateReport report = applyGate(result, outputs[index]);
    if (!report.passed)
      return llvm::createStringError(name + ": " + report.problem);
  }
  return llvm::Error::success();
}

/// The names in the manifest, without their common beginning.
static llvm::Expected<llvm::StringSet<>> readManifest(StringRef directory) {
  auto buffer = llvm::MemoryBuffer::getFile(directory + "/manifest.json");
  if (!buffer)
    return llvm::errorCodeToError(buffer.getError());
  auto json = llvm::json::parse((*buffer)->getBuffer());
  if (!json)
    return json.takeError();
  llvm::StringSet<> names;
  if (const llvm::json::Object *object = json->getAsObject())
    if (const llvm::json::Object *cases = object->getObject("cases"))
      for (const auto &entry : *cases) {
        StringRef name = entry.first;
        name.consume_front("test_attention_");
        names.insert(name);
      }
  return names;
}

Counts e2e::runOnnxCases(StringRef directory, Runner &runner) {
  Counts counts;
  auto fail = [&](const llvm::Twine &name, llvm::Error error) {
    llvm::outs() << "FAIL onnx " << name << ": "
                 << llvm::toString(std::move(error)) << "\n";
    ++counts.failed;
  };
  auto names = readManifest(directory);
  if (!names) {
    fail("manifest", names.takeError());
    return counts;
  }
  size_t total = names->size();
  auto buffer = llvm::MemoryBuffer::getFile(directory + "/cases.txt");
  if (!buffer) {
    fail("cases.txt", llvm::errorCodeToError(buffer.getError()));
    return counts;
  }
  llvm::SmallVector<StringRef> lines;
  (*buffer)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines) {
    if (line.starts_with("#"))
      continue;
    Case test = parseCase(line);
    if (!names->erase(test.name)) {
      fail(test.name, llvm::createStringError("not in the manifest"));
      continue;
    }
    if (llvm::Error error = runCase(test, directory, runner)) {
      fail(test.name, std::move(error));
      continue;
    }
    ++counts.passed;
  }
  for (const auto &name : *names)
    fail(name.first(), llvm::createStringError("no line in cases.txt"));
  llvm::outs() << "onnx: " << total << " cases, " << counts.passed
               << " passed, " << counts.failed << " failed\n";
  return counts;
}
