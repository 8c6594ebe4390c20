//===- Defects.cpp - Does the gate catch a broken compiler? ---------------===//
//
// Each defect is compiled into a spec that shows it. The code that
// comes of it is run through the same trials as correct code, and one of them
// must fail.
//
//===----------------------------------------------------------------------===//

#include "test/e2e/Defects.h"
#include "compiler/driver/check/NumericTrial.h"
#include "compiler/driver/host/HostCall.h"
#include "test/e2e/Suites.h"

#include "llvm/Support/Parallel.h"
#include "llvm/Support/raw_ostream.h"

using namespace ladon;
using namespace ladon::e2e;

/// Compiles a spec with a defect in it.
static llvm::Expected<std::unique_ptr<LoadedAttention>>
compileDefect(Spec &spec, const Defect &defect, const Target &target) {
  Compilation compilation(*spec.checked, spec.sources, target);
  compilation.setHook([&](Stage stage, mlir::ModuleOp module) -> llvm::Error {
    if (stage != defect.stage || defect.make(module))
      return llvm::Error::success();
    return llvm::createStringError("found nothing to break");
  });
  auto artefact = compilation.makeArtefact();
  if (!artefact)
    return artefact.takeError();
  return LoadedAttention::load(*artefact);
}

/// How the defect was caught, or an error that says that it was not.
static llvm::Expected<std::string>
runDefect(const Defect &defect, const Target &target, llvm::StringRef source) {
  auto spec = loadSpec((source + "/" + defect.spec + ".attn").str(), {});
  if (!spec)
    return spec.takeError();
  auto loaded = compileDefect(**spec, defect, target);
  if (!loaded)
    return loaded.takeError();
  auto program = [&](llvm::ArrayRef<HostTensor> inputs,
                     llvm::ArrayRef<HostTensor> outputs, int threads) {
    return callOnHost(**loaded, inputs, outputs, threads);
  };
  const ast::Attention &attention = (*spec)->attention();
  std::vector<SizeMap> sizes = edgeSizes(attention);
  for (size_t number = 0; number < 2 * sizes.size(); ++number) {
    Trial trial = makeTrial(sizes, number);
    auto report = runTrial(attention, program, trial, arithmeticOf(target));
    std::string problem =
        report ? report->problem() : llvm::toString(report.takeError());
    if (!problem.empty())
      return describe(trial) + ": " + problem;
  }
  return llvm::createStringError("not caught");
}

Counts e2e::runDefects(llvm::StringRef source, const Target &target,
                       bool ofKernels, bool verbose) {
  llvm::ArrayRef<Defect> defects = ofKernels ? gpuDefects() : seededDefects();
  size_t total = defects.size();
  std::vector<Counts> counts(total);
  std::vector<std::string> logs(total);
  llvm::parallelFor(0, total, [&](size_t index) {
    const Defect &defect = defects[index];
    llvm::raw_string_ostream os(logs[index]);
    auto caught = runDefect(defect, target, source);
    if (!caught) {
      ++counts[index].failed;
      os << "FAIL defect '" << defect.name << "' in " << defect.spec << ": "
         << llvm::toString(caught.takeError()) << "\n";
      return;
    }
    ++counts[index].passed;
    if (verbose)
      os << "defect '" << defect.name << "' caught at " << *caught << "\n";
  });
  Counts sum;
  for (size_t index = 0; index < total; ++index) {
    llvm::outs() << logs[index];
    sum += counts[index];
  }
  llvm::outs() << "defects: " << sum.passed << " of " << total
               << " were caught\n";
  return sum;
}
