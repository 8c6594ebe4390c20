//===- Compile.cpp - From a checked spec to an artefact -------------------===//

#include "compiler/driver/compile/Compile.h"

#include "compiler/codegen/cpu/Codegen.h"
#include "compiler/frontend/Import.h"
#include "compiler/transforms/InitLadon.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/Pipelines.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace ladon;
using namespace ladon::ast;

//===----------------------------------------------------------------------===//
// The program as its caller sees it
//===----------------------------------------------------------------------===//

static artifact::ElementType elementType(ScalarType type) {
  switch (type) {
  case ScalarType::Bool:
    return artifact::ElementType::Bool;
  case ScalarType::I32:
    return artifact::ElementType::I32;
  case ScalarType::I64:
    return artifact::ElementType::I64;
  case ScalarType::F32:
    return artifact::ElementType::F32;
  case ScalarType::F64:
    return artifact::ElementType::F64;
  }
  llvm_unreachable("element type");
}

static artifact::ProgramSpec describeProgram(const CheckedSpec &spec,
                                             const cpu::CpuTarget &target) {
  const Attention &attention = *spec.attention;
  artifact::ProgramSpec program;
  program.name = attention.name;
  program.cpuLevel = target.level;
  program.target = ("x86_64-linux-gnu " + target.name).str();
  program.source = attention.source;
  llvm::StringMap<int> symbols;
  auto addParam = [&](const std::string &name, const Type &type,
                      artifact::ParamKind kind) {
    artifact::ParamSpec param;
    param.name = name;
    param.kind = kind;
    param.element = elementType(type.element);
    for (const Dim &dim :
         type.dims ? *type.dims : llvm::SmallVector<Dim, 4>()) {
      artifact::DimSpec spec;
      spec.size = dim.size;
      if (!dim.isStatic()) {
        auto [it, added] = symbols.try_emplace(dim.name, symbols.size());
        if (added)
          program.symbols.push_back(dim.name);
        spec.symbol = it->second;
      }
      param.dims.push_back(spec);
    }
    program.params.push_back(param);
  };
  for (const auto &param : attention.params)
    addParam(param->name, param->type,
             param->type.isTensor() ? artifact::ParamKind::Input
                                    : artifact::ParamKind::Scalar);
  for (const Result &result : attention.results)
    addParam(result.name, result.type, artifact::ParamKind::Output);
  for (const CompileTimeParam &param : spec.params)
    program.facts.emplace_back("param." + param.name, param.value);
  program.facts.emplace_back("isa", target.isa.str());
  program.facts.emplace_back("tile.queries",
                             std::to_string(target.queryTile(32)));
  program.facts.emplace_back("tile.keys", std::to_string(target.keyTile));
  return program;
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
      context(dialects(), mlir::MLIRContext::Threading::DISABLED),
      program(describeProgram(spec, target)) {}

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

llvm::Error Compilation::run(Stage stage) {
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

  bool imported = survives(
      [&] { module = importAttention(context, *spec.attention, sources); });
  if (!imported || !module || mlir::failed(module->verify()))
    return fail("the spec could not be imported",
                reproducerFolder(program.name));
  if (stage == Stage::Attn)
    return llvm::Error::success();

  mlir::PassManager pm(&context);
  if (stage == Stage::Fused) {
    buildFusePipeline(pm);
  } else {
    buildAttnPipeline(pm);
    buildTilePipeline(pm, target.queryTile(32), target.keyTile);
  }
  if (stage == Stage::Llvm)
    cpu::buildCpuPipeline(pm, target);
  // The module as it was, for the rare failure.
  mlir::OwningOpRef<mlir::ModuleOp> before = module->clone();
  mlir::LogicalResult result = mlir::failure();
  bool survived = survives([&] { result = pm.run(*module); });
  if (survived && mlir::succeeded(result))
    return llvm::Error::success();
  std::string folder = reproducerFolder(program.name);
  if (!folder.empty()) {
    std::error_code error;
    llvm::raw_fd_ostream os(folder + "/" + program.name + ".mlir", error);
    if (!error) {
      os << "// ladon-opt --pass-pipeline='";
      pm.printAsTextualPipeline(os);
      os << "'\n" << **before << '\n';
    }
  }
  return fail(survived ? "a compiler pass failed" : "a compiler pass crashed",
              folder);
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
