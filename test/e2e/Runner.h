//===- Runner.h - What computes the results under test ---------*- C++ -*-===//
//
// Loads specs and runs them: compiled, by the tile interpreter, or by the
// reference itself, which is how the reference is tested against third-party
// results.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_RUNNER_H
#define LADON_TEST_E2E_RUNNER_H

#include "compiler/codegen/Backend.h"
#include "compiler/frontend/Frontend.h"
#include "compiler/reference/Reference.h"

namespace ladon::e2e {

/// A spec file with its text and diagnostics.
struct Spec {
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics{sources};
  std::unique_ptr<CheckedSpec> checked;

  const ast::Attention &attention() const { return *checked->attention; }
};

/// Checks the text of a spec; the error is the printed diagnostics.
llvm::Expected<std::unique_ptr<Spec>>
parseSpec(llvm::StringRef text, llvm::StringRef name,
          const ParamOverrides &overrides);

/// Reads and checks a spec; the error is the printed diagnostics.
llvm::Expected<std::unique_ptr<Spec>> loadSpec(llvm::StringRef path,
                                               const ParamOverrides &overrides);

/// A spec ready to run.
class Program {
public:
  virtual ~Program() = default;
  /// Fills `outputs`, which have the right shapes.
  virtual llvm::Error run(llvm::ArrayRef<HostTensor> inputs,
                          llvm::ArrayRef<HostTensor> outputs, int threads) = 0;
  /// Whether calls are refused whose values are outside of their bounds.
  virtual bool checksValues() const { return false; }
  /// Whether calls can have their indices checked, by runChecked.
  virtual bool checksIndices() const { return false; }
  virtual llvm::Error runChecked(llvm::ArrayRef<HostTensor> inputs,
                                 llvm::ArrayRef<HostTensor> outputs) {
    return run(inputs, outputs, /*threads=*/1);
  }
};

/// Makes programs of specs; safe to use from several threads.
class Runner {
public:
  virtual ~Runner() = default;
  /// Null where the target refuses the spec, with a reason.
  virtual llvm::Expected<std::unique_ptr<Program>> prepare(Spec &spec) = 0;
  /// How the programs compute.
  virtual Arithmetic arithmetic() const { return {}; }
};

/// Code for a target that this machine is, or for several levels of it, the
/// lowest first; they must outlive the runner. Calls on several threads have
/// working memory that is full of NaN (PoisonedMemory.h).
std::unique_ptr<Runner>
compiledRunner(llvm::ArrayRef<std::unique_ptr<Target>> targets);

/// What the tile interpreter makes of the schedule for that target: the passes
/// above code generation, without it.
std::unique_ptr<Runner> interpreterRunner(const Target &target);

/// The reference, rounded to the element types of the spec.
std::unique_ptr<Runner> referenceRunner();

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_RUNNER_H
