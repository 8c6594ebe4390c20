//===- Compile.cpp - From a spec or a module to an artefact ---------------===//

#include "compiler/driver/compile/Compile.h"

#include "compiler/codegen/ChooseTiles.h"
#include "compiler/codegen/artifact/Signature.h"
#include "compiler/driver/compile/ModuleInput.h"
#include "compiler/driver/compile/Reproducer.h"
#include "compiler/frontend/Import.h"
#include "compiler/transforms/InitLadon.h"
#include "compiler/transforms/Pipelines.h"
#include "dialects/attn/Attn.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace ladon;

static mlir::DialectRegistry dialects() {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  return registry;
}

Compilation::Compilation(const CheckedSpec &spec, llvm::SourceMgr &sources,
                         const Target &target)
    : spec(&spec), sources(sources), target(target),
      libraryName(spec.attention->name),
      context(dialects(), mlir::MLIRContext::Threading::DISABLED) {}

Compilation::Compilation(llvm::SourceMgr &sources, unsigned buffer,
                         const Target &target)
    : sources(sources), buffer(buffer), target(target),
      context(dialects(), mlir::MLIRContext::Threading::DISABLED) {}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

/// A folder with the text of what is compiled.
std::string Compilation::reproducer() const {
  std::string name = libraryName.empty() ? "module" : libraryName;
  std::string folder = makeReproducerFolder(name);
  if (spec)
    writeReproducer(folder, name + ".attn", spec->attention->source);
  return folder;
}

/// An error with what MLIR had to say. Of a module that is all there is to say:
/// what a pass cannot lower is no defect of it.
llvm::Error Compilation::failure(llvm::StringRef what,
                                 const std::string &folder) {
  std::string message;
  if (!isRefused() || errors.empty())
    message = what.str();
  for (const Message &error : errors)
    message += (message.empty() ? "" : "\n  ") + error.str();
  if (!folder.empty())
    message += "\n  the files in '" + folder + "' reproduce this";
  return llvm::createStringError(message);
}

//===----------------------------------------------------------------------===//
// The stages
//===----------------------------------------------------------------------===//

llvm::Error Compilation::load() {
  if (spec) {
    bool survived =
        survives([&] { module = importAttention(context, *spec, sources); });
    if (survived && module && mlir::succeeded(module->verify()))
      return llvm::Error::success();
    return failure("the spec could not be imported", reproducer());
  }
  const llvm::MemoryBuffer &text = *sources.getMemoryBuffer(buffer);
  module = mlir::parseSourceString<mlir::ModuleOp>(text.getBuffer(), &context,
                                                   text.getBufferIdentifier());
  if (!module || mlir::failed(checkModule(*module)))
    return failure("the module cannot be read", "");
  return llvm::Error::success();
}

/// Reads off the functions what their callers see.
llvm::Error Compilation::describe() {
  for (mlir::func::FuncOp function : artifact::entryPoints(*module)) {
    auto program = artifact::readSignature(function);
    if (mlir::failed(program))
      return failure("the signature is incomplete", spec ? reproducer() : "");
    target.describe(*program);
    programs.push_back(std::move(*program));
  }
  if (programs.size() == 1)
    libraryName = programs.front().name;
  if (libraryName.empty())
    return llvm::createStringError("a name is needed for the library of " +
                                   llvm::Twine(programs.size()) +
                                   " entry points: give --name");
  for (artifact::ProgramSpec &program : programs)
    program.library = libraryName;
  return llvm::Error::success();
}

/// Notes a figure of the attends of a function: "24", or "12, 24" where they
/// differ.
static void addFact(artifact::ProgramSpec &program, const char *key,
                    const llvm::SetVector<int64_t> &values) {
  std::string text = llvm::join(
      llvm::map_range(values, [](int64_t v) { return std::to_string(v); }),
      ", ");
  if (!text.empty())
    program.facts.emplace_back(key, text);
}

/// Puts the shape of its tiles beside every attend, and into the description of
/// its function.
void Compilation::chooseTiles() {
  for (auto [function, program] :
       llvm::zip_equal(artifact::entryPoints(*module), programs)) {
    llvm::SetVector<int64_t> queries, keys, few, chunk;
    function.walk([&](attn::AttendOp op) {
      TileShape tiles = ladon::chooseTiles(op, target);
      queries.insert(tiles.queries);
      keys.insert(tiles.keys);
      if (tiles.fewQueries > 0) {
        few.insert(tiles.fewQueries);
        chunk.insert(tiles.chunkKeys);
      }
    });
    addFact(program, "tile.queries", queries);
    addFact(program, "tile.keys", keys);
    addFact(program, "few.queries", few);
    addFact(program, "few.keys", chunk);
  }
}

/// The passes that lead to `stage` from the one before it.
void Compilation::buildPipeline(mlir::OpPassManager &pm, Stage stage) const {
  switch (stage) {
  case Stage::Attn:
    return;
  case Stage::Fused:
    return buildFusePipeline(pm, target.checksIndices());
  case Stage::Buffers:
    target.buildTensorPipeline(pm);
    buildBufferizePipeline(pm);
    return target.buildBufferPipeline(pm);
  case Stage::Tile:
    return target.buildTilePipeline(pm);
  case Stage::Vector:
    return target.buildVectorPipeline(pm);
  case Stage::Llvm:
    return target.buildCodePipeline(pm);
  }
}

llvm::Error Compilation::lower(Stage stage) {
  auto functions = artifact::entryPoints(*module);
  if (stage == Stage::Vector)
    // What the entry point will pack is what code generation unpacks.
    for (auto [function, program] : llvm::zip_equal(functions, programs))
      if (mlir::failed(artifact::verifySignature(function, program)))
        return failure("a pass changed the signature", "");
  mlir::PassManager pm(&context);
  buildPipeline(pm, stage);
  // Code is much text, and a quarter of the time would go into verifying it
  // after each pass: once per stage. A reproducer has each pass verified.
  bool isCode = stage >= Stage::Vector;
  pm.enableVerifier(!isCode);
  // The module as it was, for the rare failure.
  mlir::OwningOpRef<mlir::ModuleOp> before = module->clone();
  mlir::LogicalResult result = mlir::failure();
  bool survived = survives([&] {
    result = pm.run(*module);
    if (isCode && mlir::succeeded(result))
      result = mlir::verify(*module);
  });
  if (survived && mlir::succeeded(result))
    return llvm::Error::success();
  llvm::StringRef what =
      survived ? "a compiler pass failed" : "a compiler pass crashed";
  refused = survived && stage >= Stage::Tile && target.refusesSpecs();
  if (survived && isRefused())
    return failure(what, "");
  std::string folder = reproducer();
  writeReproducer(folder, libraryName + ".mlir", pm, *before);
  return failure(what, folder);
}

llvm::Error Compilation::run(Stage last) {
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        auto severity = diagnostic.getSeverity();
        Message message(diagnostic);
        if (severity == mlir::DiagnosticSeverity::Error)
          errors.push_back(std::move(message));
        else if (severity == mlir::DiagnosticSeverity::Remark &&
                 !llvm::is_contained(remarks, message))
          remarks.push_back(std::move(message));
        return mlir::success();
      });
  if (!reached) {
    if (llvm::Error error = load())
      return error;
    if (llvm::Error error = describe())
      return error;
  }
  for (Stage stage : {Stage::Attn, Stage::Fused, Stage::Buffers, Stage::Tile,
                      Stage::Vector, Stage::Llvm}) {
    if (stage > last)
      break;
    if (stage <= reached)
      continue;
    if (stage != Stage::Attn)
      if (llvm::Error error = lower(stage))
        return error;
    reached = stage;
    if (stage == Stage::Buffers)
      chooseTiles();
    if (hook)
      if (llvm::Error error = hook(stage, *module))
        return error;
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

/// What the back end makes of the module. All that can go wrong here is a
/// defect of ours.
template <typename T>
llvm::Expected<T>
Compilation::generate(llvm::function_ref<llvm::Expected<T>()> emit) {
  std::optional<llvm::Expected<T>> code;
  if (!survives([&] { code.emplace(emit()); }))
    return failure("the code generator crashed", reproducer());
  if (llvm::Error error = code->takeError())
    return failure(llvm::toString(std::move(error)), reproducer());
  return std::move(*code);
}

llvm::Expected<std::string> Compilation::emit(CodeKind kind) {
  return generate<std::string>(
      [&] { return target.emit(*module, programs, kind); });
}

llvm::Expected<std::vector<std::string>>
Compilation::emitObjects(llvm::ArrayRef<artifact::ProgramSpec> entryPoints,
                         llvm::StringRef suffix) {
  return generate<std::vector<std::string>>(
      [&] { return target.emitObjects(*module, entryPoints, suffix); });
}

llvm::Expected<Artefact> Compilation::makeArtefact() {
  return ladon::makeArtefact(this);
}
