//===- compiled_spec.h - A spec compiled into this process -----*- C++ -*-===//
//
// For tests that compare what compiled code computes with values that they know
// themselves, where the numeric gate of the end-to-end tests says too little.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_UNIT_COMPILED_SPEC_H
#define LADON_TEST_UNIT_COMPILED_SPEC_H

#include "compiler/driver/host/HostCall.h"
#include "compiler/reference/Bindings.h"
#include "compiler/reference/Reference.h"

#include "compiler/driver/check/NumericTrial.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

namespace ladon::test {

/// False, after a failure of the test, when the spec does not compile.
class CompiledSpec {
public:
  explicit CompiledSpec(const std::string &text) {
    unsigned id = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text, "test.attn"), {});
    DiagnosticEngine diagnostics(sources);
    checked = parseAndCheck(sources, id, {}, diagnostics);
    if (!checked) {
      diagnostics.print(llvm::errs());
      ADD_FAILURE() << text;
      return;
    }
    auto target = llvm::cantFail(findBackend("cpu")->createTarget("native"));
    arithmetic = arithmeticOf(*target);
    auto program = compileAndLoad(*checked, sources, *target);
    if (!program)
      ADD_FAILURE() << llvm::toString(program.takeError()) << "\n" << text;
    else
      loaded = std::move(*program);
  }

  explicit operator bool() const { return loaded != nullptr; }

  /// The results of one call, dense.
  std::vector<HostTensor> operator()(llvm::ArrayRef<HostTensor> inputs,
                                     int threads = 1) const {
    ladon_options options = LADON_OPTIONS_INIT;
    options.threads = threads;
    auto outputs = call(inputs, options);
    if (outputs)
      return *outputs;
    ADD_FAILURE() << llvm::toString(outputs.takeError());
    return {};
  }

  /// The results of one call, or why it failed.
  llvm::Expected<std::vector<HostTensor>>
  call(llvm::ArrayRef<HostTensor> inputs, const ladon_options &options) const {
    std::vector<HostTensor> outputs;
    auto bindings = bindInputs(*checked->attention, inputs);
    if (!bindings)
      return bindings.takeError();
    for (const ast::Result &result : checked->attention->results)
      outputs.push_back(
          HostTensor::zeros(result.type.element, bindings->shape(result.type)));
    if (llvm::Error error =
            HostArguments(inputs, outputs).call(*loaded, options))
      return std::move(error);
    return outputs;
  }

  const ast::Attention &attention() const { return *checked->attention; }

  /// One call with memory of the caller's.
  llvm::Error call(llvm::ArrayRef<HostTensor> inputs,
                   llvm::ArrayRef<HostTensor> outputs, int threads) const {
    return callOnHost(*loaded, inputs, outputs, threads);
  }

  /// What the reference says of the same inputs.
  std::vector<ReferenceResult>
  reference(llvm::ArrayRef<HostTensor> inputs) const {
    auto results = evaluate(*checked->attention, inputs);
    if (results)
      return *results;
    ADD_FAILURE() << llvm::toString(results.takeError());
    return {};
  }

  /// How the code computes; none without any.
  Arithmetic getArithmetic() const { return arithmetic; }

private:
  Arithmetic arithmetic;
  llvm::SourceMgr sources;
  std::unique_ptr<CheckedSpec> checked;
  std::unique_ptr<LoadedAttention> loaded;
};

/// A dense tensor of the given elements, the last axis innermost.
inline HostTensor makeTensor(ast::ScalarType element,
                             llvm::ArrayRef<int64_t> shape,
                             llvm::ArrayRef<double> values) {
  HostTensor tensor = HostTensor::zeros(element, shape);
  size_t next = 0;
  forEachPosition(shape, [&](llvm::ArrayRef<int64_t> position) {
    tensor.setFloat(position, values[next++]);
  });
  return tensor;
}

/// The elements of a tensor, the last axis innermost.
inline std::vector<double> elementsOf(const HostTensor &tensor) {
  std::vector<double> values;
  forEachPosition(tensor.shape, [&](llvm::ArrayRef<int64_t> position) {
    values.push_back(tensor.getFloat(position));
  });
  return values;
}

} // namespace ladon::test

#endif // LADON_TEST_UNIT_COMPILED_SPEC_H
