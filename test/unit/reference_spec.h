//===- reference_spec.h - Specs for tests of the oracle --------*- C++ -*-===//

#ifndef LADON_TEST_UNIT_REFERENCE_SPEC_H
#define LADON_TEST_UNIT_REFERENCE_SPEC_H

#include "compiler/frontend/Frontend.h"
#include "compiler/reference/Reference.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

namespace ladon {

inline constexpr double inf = std::numeric_limits<double>::infinity();
inline constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

/// A checked spec that owns its text.
struct Spec {
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics{sources};
  std::unique_ptr<CheckedSpec> checked;

  explicit Spec(const std::string &text) {
    unsigned id = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text), {});
    checked = parseAndCheck(sources, id, {}, diagnostics);
    if (!checked)
      diagnostics.print(llvm::errs());
  }
};

inline HostTensor tensor(ast::ScalarType element, Extents shape,
                         std::vector<double> values) {
  HostTensor result = HostTensor::zeros(element, shape);
  size_t index = 0;
  forEachPosition(shape, [&](llvm::ArrayRef<int64_t> position) {
    result.setFloat(position, values[index++]);
  });
  return result;
}

inline HostTensor floats(Extents shape, std::vector<double> values) {
  return tensor(ast::ScalarType::F32, shape, std::move(values));
}

inline std::vector<ReferenceResult> run(const std::string &text,
                                        std::vector<HostTensor> inputs) {
  Spec spec(text);
  EXPECT_NE(spec.checked, nullptr);
  auto results = evaluate(*spec.checked->attention, inputs);
  if (!results) {
    ADD_FAILURE() << llvm::toString(results.takeError());
    return {};
  }
  return *results;
}

/// One head, D = Dv = 1, the given score and mask arguments and captures.
inline std::string tiny(const std::string &arguments,
                        const std::string &captures = "") {
  return "attention tiny(q: f32[B, 1, S, 1], k: f32[B, 1, T, 1], "
         "v: f32[B, 1, T, 1]" +
         captures +
         ") -> (o: f32[B, 1, S, 1], lse: f32[B, 1, S]) {\n"
         "  let a = attend(q, k, v" +
         arguments + ")\n  return a.out, a.lse\n}\n";
}

/// Runs `tiny` with S queries of 1, the given keys and values 1, 10, 100, ...
inline std::vector<ReferenceResult>
runTiny(const std::string &arguments, int64_t S, std::vector<double> keys,
        std::vector<HostTensor> captured = {},
        const std::string &captures = "") {
  int64_t T = keys.size();
  std::vector<double> values;
  for (int64_t j = 0; j < T; ++j)
    values.push_back(std::pow(10.0, double(j)));
  std::vector<HostTensor> inputs = {
      floats({1, 1, S, 1}, std::vector<double>(S, 1)),
      floats({1, 1, T, 1}, keys), floats({1, 1, T, 1}, values)};
  inputs.insert(inputs.end(), captured.begin(), captured.end());
  return run(tiny(arguments, captures), inputs);
}

} // namespace ladon

#endif // LADON_TEST_UNIT_REFERENCE_SPEC_H
