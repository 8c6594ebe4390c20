//===- Compile.cpp - From a checked spec to an artefact -------------------===//

#include "compiler/driver/compile/Compile.h"

#include "compiler/codegen/artifact/Signature.h"
#include "compiler/codegen/cpu/Codegen.h"
#include "compiler/frontend/Import.h"
#include "compiler/transforms/InitLadon.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace ladon;

/// What the target adds to the description of a function.
static void describeTarget(artifact::ProgramSpec &program,
                           const cpu::CpuTarget &target) {
  program.cpuLevel = target.level;
  program.target = ("x86_64-linux-gnu " + target.name).str();
  program.facts.emplace_back("isa", target.isa.str());
  program.facts.emplace_back("tile.queries",
                             std::to_string(target.queryTile(32)));
  program.facts.emplace_back("tile.keys", std::to_string(target.keyTile));
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

static mlir::DialectRegistry dialects() {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  return registry;
}

Compilation::Compilation(const CheckedSpec &spec, llvm::SourceMgr &sources,
                         const cpu::CpuTarget &target)
    : spec(spec), sources(sources), target(target),
      context(dialects(), mlir::MLIRContext::Threading::DISABLED) {
  program.name = spec.attention->name;
  program.source = spec.attention->source;
}

/// Runs `work`; false when it crashed.
static bool survives(llvm::function_ref<void()> work) {
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext context;
  return context.RunSafely(work);
}

/// A folder for what reproduces an internal error: the spec, and the module
/// with the pipeline that failed on it, for ladon-opt.
static std::string reproducerFolder(const std::string &name) {
  llvm::SmallString<128> path("ladon-reproducer-" + name);
  if (llvm::sys::fs::create_directories(path, /*IgnoreExisting=*/true,
                                        llvm::sys::fs::all_all))
    return "";
  return std::string(path);
}

static void writeSource(const std::string &folder,
                        const artifact::ProgramSpec &program) {
  std::error_code error;
  llvm::raw_fd_ostream os(folder + "/" + program.name + ".attn", error);
  if (!error)
    os << program.source;
}

/// Writes `module` as a test of ladon-opt that runs the passes of `pm` on it.
static void writeModule(const std::string &folder, const std::string &name,
                        mlir::PassManager &pm, mlir::ModuleOp module) {
  std::error_code error;
  llvm::raw_fd_ostream os(folder + "/" + name + ".mlir", error);
  if (error)
    return;
  os << "// ladon-opt --pass-pipeline='";
  pm.printAsTextualPipeline(os);
  os << "'\n" << *module << '\n';
}

mlir::func::FuncOp Compilation::entryPoint() {
  return artifact::entryPoints(*module).front();
}

/// The passes that lead to `stage` from the one before it.
void Compilation::buildPipeline(mlir::OpPassManager &pm, Stage stage) const {
  switch (stage) {
  case Stage::Attn:
    return;
  case Stage::Fused:
    return buildFusePipeline(pm);
  case Stage::Tile:
    buildBufferizePipeline(pm);
    return buildTilePipeline(pm, target.queryTile(32), target.keyTile);
  case Stage::Llvm:
    return cpu::buildCpuPipeline(pm, target);
  }
}

llvm::Error Compilation::run(Stage last) {
  // An error here is ours; what MLIR has to say goes into the message.
  std::string problems;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error) {
          llvm::raw_string_ostream os(problems);
          os << "\n  " << diagnostic.getLocation() << ": " << diagnostic;
        }
        return mlir::success();
      });
  auto fail = [&](llvm::StringRef what, const std::string &folder) {
    std::string message = (what + problems).str();
    if (!folder.empty()) {
      writeSource(folder, program);
      message += "\n  the files in '" + folder + "' reproduce this";
    }
    return llvm::createStringError(message);
  };

  bool imported =
      survives([&] { module = importAttention(context, spec, sources); });
  if (!imported || !module || mlir::failed(module->verify()))
    return fail("the spec could not be imported",
                reproducerFolder(program.name));
  auto described = artifact::readSignature(entryPoint());
  if (failed(described))
    return fail("the signature is incomplete", reproducerFolder(program.name));
  program = std::move(*described);
  describeTarget(program, target);

  for (Stage stage : {Stage::Fused, Stage::Tile, Stage::Llvm}) {
    if (stage > last)
      break;
    // What the entry point will pack is what code generation unpacks.
    if (stage == Stage::Llvm &&
        mlir::failed(artifact::verifySignature(entryPoint(), program)))
      return fail("a pass changed the signature", "");
    mlir::PassManager pm(&context);
    buildPipeline(pm, stage);
    // The module as it was, for the rare failure.
    mlir::OwningOpRef<mlir::ModuleOp> before = module->clone();
    mlir::LogicalResult result = mlir::failure();
    bool survived = survives([&] { result = pm.run(*module); });
    if (survived && mlir::succeeded(result))
      continue;
    std::string folder = reproducerFolder(program.name);
    if (!folder.empty())
      writeModule(folder, program.name, pm, *before);
    return fail(survived ? "a compiler pass failed" : "a compiler pass crashed",
                folder);
  }
  return llvm::Error::success();
}

llvm::Expected<std::string> Compilation::emit(CodeKind kind) {
  std::string code;
  std::optional<llvm::Error> error;
  if (survives([&] { error.emplace(emitInto(kind, code)); })) {
    if (*error)
      return std::move(*error);
    return code;
  }
  std::string folder = reproducerFolder(program.name);
  writeSource(folder, program);
  return llvm::createStringError(
      "the code generator crashed\n  the files in '" + folder +
      "' reproduce this");
}

llvm::Error Compilation::emitInto(CodeKind kind, std::string &text) {
  auto machine = cpu::createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext llvmContext;
  auto code = cpu::translateToLLVM(*module, llvmContext, **machine);
  if (!code)
    return code.takeError();
  if (llvm::Error error = artifact::addEntryPoint(**code, program))
    return error;
  cpu::optimize(**code, **machine);
  if (kind == CodeKind::LlvmIr) {
    llvm::raw_string_ostream os(text);
    (*code)->print(os, nullptr);
    return llvm::Error::success();
  }
  auto emitted = cpu::emitCode(**code, **machine,
                               kind == CodeKind::Assembly
                                   ? llvm::CodeGenFileType::AssemblyFile
                                   : llvm::CodeGenFileType::ObjectFile);
  if (!emitted)
    return emitted.takeError();
  text = std::move(*emitted);
  return llvm::Error::success();
}

llvm::Expected<Artefact> ladon::compileArtefact(const CheckedSpec &spec,
                                                llvm::SourceMgr &sources,
                                                const cpu::CpuTarget &target) {
  Compilation compilation(spec, sources, target);
  if (llvm::Error error = compilation.run(Stage::Llvm))
    return std::move(error);
  Artefact artefact;
  artefact.program = compilation.getProgram();
  auto object = compilation.emit(Compilation::CodeKind::Object);
  if (!object)
    return object.takeError();
  artefact.object = std::move(*object);
  auto library =
      artifact::linkSharedLibrary({artefact.object}, artefact.program.name);
  if (!library)
    return library.takeError();
  artefact.library = std::move(*library);
  artefact.header = artifact::emitHeader(artefact.program);
  artefact.manifest = artifact::emitManifest(artefact.program);
  return artefact;
}
