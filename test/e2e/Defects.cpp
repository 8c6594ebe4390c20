//===- Defects.cpp - Does the gate catch a broken compiler? ---------------===//
//
// Each defect is compiled into a spec that shows it. The code that
// comes of it is run through the same trials as correct code, and one of them
// must fail.
//
//===----------------------------------------------------------------------===//

#include "test/e2e/Defects.h"
#include "compiler/codegen/cpu/Codegen.h"
#include "compiler/codegen/cpu/Passes.h"
#include "compiler/driver/check/NumericTrial.h"
#include "compiler/driver/host/HostCall.h"
#include "compiler/frontend/Import.h"
#include "compiler/transforms/InitLadon.h"
#include "compiler/transforms/Pipelines.h"
#include "test/e2e/Suites.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/raw_ostream.h"

using namespace ladon;
using namespace ladon::e2e;
using namespace mlir;

/// Compiles a spec with a defect in it.
static llvm::Expected<std::unique_ptr<LoadedAttention>>
compileDefect(Spec &spec, const Defect &defect, const cpu::CpuTarget &target) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module =
      importAttention(context, *spec.checked, spec.sources);
  PassManager toTiles(&context), toCode(&context);
  buildAttnPipeline(toTiles);
  buildTilePipeline(toTiles, target.queryTile(32), target.keyTile);
  if (defect.level == Level::Vector)
    cpu::buildVectorPipeline(toTiles, target);
  cpu::buildCpuPipeline(toCode, target);
  if (failed(toTiles.run(*module)))
    return llvm::createStringError("a compiler pass failed");
  if (!defect.make(*module))
    return llvm::createStringError("found nothing to break");
  if (failed(toCode.run(*module)))
    return llvm::createStringError("a compiler pass failed on the defect");

  auto machine = cpu::createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext llvmContext;
  auto code = cpu::translateToLLVM(*module, llvmContext, **machine);
  if (!code)
    return code.takeError();
  Artefact artefact;
  Compilation compilation(*spec.checked, spec.sources, target);
  if (llvm::Error error = compilation.run(Stage::Attn))
    return std::move(error);
  artefact.program = compilation.getProgram();
  if (llvm::Error error = artifact::addEntryPoint(**code, artefact.program))
    return std::move(error);
  cpu::optimize(**code, **machine);
  auto object =
      cpu::emitCode(**code, **machine, llvm::CodeGenFileType::ObjectFile);
  if (!object)
    return object.takeError();
  auto library = artifact::linkSharedLibrary({*object}, artefact.program.name);
  if (!library)
    return library.takeError();
  artefact.library = std::move(*library);
  return LoadedAttention::load(artefact);
}

/// How the defect was caught, or an error that says that it was not.
static llvm::Expected<std::string> runDefect(const Defect &defect,
                                             const cpu::CpuTarget &target,
                                             llvm::StringRef source) {
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
    auto report = runTrial(attention, program, trial);
    std::string problem =
        report ? report->problem() : llvm::toString(report.takeError());
    if (!problem.empty())
      return describe(trial) + ": " + problem;
  }
  return llvm::createStringError("not caught");
}

Counts e2e::runDefects(llvm::StringRef source, const cpu::CpuTarget &target,
                       bool verbose) {
  llvm::ArrayRef<Defect> defects = seededDefects();
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
