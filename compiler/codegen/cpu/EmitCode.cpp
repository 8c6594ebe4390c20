//===- EmitCode.cpp - The LLVM dialect to object code ---------------------===//

#include "compiler/codegen/cpu/EmitCode.h"

#include "compiler/codegen/LlvmCode.h"
#include "compiler/codegen/cpu/SplitModule.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ThreadPool.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

/// The LLVM module of a module in the LLVM dialect, with its entry points.
static llvm::Expected<std::unique_ptr<llvm::Module>>
translate(ModuleOp module, llvm::ArrayRef<artifact::ProgramSpec> programs,
          llvm::LLVMContext &context, llvm::TargetMachine &machine,
          llvm::StringRef suffix = "") {
  registerBuiltinDialectTranslation(*module->getContext());
  registerLLVMDialectTranslation(*module->getContext());
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(module, context, "ladon");
  if (!result)
    return llvm::createStringError("translation to LLVM IR failed");
  result->setTargetTriple(machine.getTargetTriple());
  result->setDataLayout(machine.createDataLayout());
  for (llvm::Function &function : *result)
    if (!function.isDeclaration()) {
      function.addFnAttr("target-cpu", machine.getTargetCPU());
      if (!machine.getTargetFeatureString().empty())
        function.addFnAttr("target-features", machine.getTargetFeatureString());
      function.addFnAttr(llvm::Attribute::NoUnwind);
      function.setName(function.getName() + suffix);
      if (!function.hasLocalLinkage())
        function.setVisibility(llvm::GlobalValue::HiddenVisibility);
    }
  // Entry points run on any machine: they find out whether the level is there.
  for (const artifact::ProgramSpec &program : programs)
    if (llvm::Error error = artifact::addEntryPoint(*result, program))
      return std::move(error);
  return result;
}

/// What is left for LLVM to do: code comes with its loops tiled, vectorised,
/// unrolled and free of common expressions. This short list takes an eighth of
/// the time of O2, and the kernels are as fast. The loop vectoriser looks at
/// loops that ask for it only: scans of captured tensors.
static constexpr llvm::StringLiteral optimisations =
    "function(sroa,early-cse<memssa>,simplifycfg,"
    "instcombine<no-verify-fixpoint>),"
    "cgscc(inline),"
    "function(loop-mssa(loop-rotate,licm),early-cse<memssa>,"
    "loop(loop-deletion),"
    "loop-vectorize<vectorize-forced-only;interleave-forced-only>,"
    "instcombine<no-verify-fixpoint>,simplifycfg),"
    "globaldce";

/// AddressSanitizer last, when there is least to look after.
static void optimizeAndSanitize(llvm::Module &code,
                                llvm::TargetMachine &machine, bool sanitize) {
  ladon::optimize(code, machine, optimisations);
  if (!sanitize)
    return;
  for (llvm::Function &function : code)
    if (!function.isDeclaration())
      function.addFnAttr(llvm::Attribute::SanitizeAddress);
  ladon::optimize(code, machine, "asan");
}

//===----------------------------------------------------------------------===//
// One module, or several
//===----------------------------------------------------------------------===//

llvm::Expected<std::string> ladon::cpu::emitModule(
    ModuleOp module, llvm::ArrayRef<artifact::ProgramSpec> programs,
    MachineFactory createMachine, CodeKind kind, bool sanitize) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::TargetMachine> machine = createMachine();
  auto code = translate(module, programs, context, *machine);
  if (!code)
    return code.takeError();
  optimizeAndSanitize(**code, *machine, sanitize);
  if (kind != CodeKind::LlvmIr)
    return emitFile(**code, *machine,
                    kind == CodeKind::Assembly
                        ? llvm::CodeGenFileType::AssemblyFile
                        : llvm::CodeGenFileType::ObjectFile);
  std::string text;
  llvm::raw_string_ostream os(text);
  (*code)->print(os, nullptr);
  return text;
}

llvm::Expected<std::vector<std::string>> ladon::cpu::emitObjects(
    ModuleOp module, llvm::ArrayRef<artifact::ProgramSpec> programs,
    MachineFactory createMachine, llvm::StringRef suffix, bool sanitize) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::TargetMachine> machine = createMachine();
  auto code = translate(module, programs, context, *machine, suffix);
  if (!code)
    return code.takeError();
  SplitModule split(**code);
  std::vector<std::optional<llvm::Expected<std::string>>> objects(split.size());
  auto compile = [&](size_t part) {
    llvm::LLVMContext context;
    std::unique_ptr<llvm::TargetMachine> machine = createMachine();
    std::unique_ptr<llvm::Module> code = split.load(part, context);
    optimizeAndSanitize(*code, *machine, sanitize);
    objects[part] =
        emitFile(*code, *machine, llvm::CodeGenFileType::ObjectFile);
  };
  {
    llvm::DefaultThreadPool threads(llvm::hardware_concurrency());
    for (size_t part : split.getLargestFirst())
      threads.async([&compile, part] {
        // A crash is met on the thread that it happens on.
        llvm::CrashRecoveryContext().RunSafely([&] { compile(part); });
      });
    threads.wait();
  }
  std::vector<std::string> result;
  llvm::Error failures = llvm::Error::success();
  for (auto &object : objects)
    if (!object)
      failures = llvm::joinErrors(
          std::move(failures),
          llvm::createStringError("the code generator crashed"));
    else if (!*object)
      failures = llvm::joinErrors(std::move(failures), object->takeError());
    else
      result.push_back(std::move(**object));
  if (failures)
    return std::move(failures);
  return result;
}
