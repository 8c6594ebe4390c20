//===- Compile.h - From a spec or a module to an artefact ------*- C++ -*-===//
//
// The compiler as a library: every command that needs compiled code goes
// through here. It starts from a checked spec, about which the front end has
// said all there is to say: an error is then a defect of the compiler. Or it
// starts from a module of MLIR, which a user may have written: an error then
// says what is wrong with the module.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_COMPILE_COMPILE_H
#define LADON_COMPILER_DRIVER_COMPILE_COMPILE_H

#include "compiler/codegen/Backend.h"
#include "compiler/driver/compile/Messages.h"
#include "compiler/frontend/Frontend.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ladon {

/// Where a compilation can stop; in order.
enum class Stage {
  Attn,    ///< the spec, imported, or the module, parsed
  Fused,   ///< heads and masks folded, on tensors
  Buffers, ///< on memrefs, with the shapes of tiles that the target chooses
  Tile,    ///< loop nests over tiles, blocks classified
  Vector,  ///< loops over vectors of one register
  Llvm,    ///< the LLVM dialect
};

/// Everything `ladon build` writes, in memory.
struct Artefact {
  std::string name;                            ///< of the library
  std::vector<artifact::ProgramSpec> programs; ///< one for each entry point
  std::string library;                         ///< lib<name>.so
};

/// One spec or module on its way through the levels.
class Compilation {
public:
  Compilation(const CheckedSpec &spec, llvm::SourceMgr &sources,
              const Target &target);

  /// Of the module in a buffer of `sources`. Its functions are at the level of
  /// Stage::Attn or Stage::Fused.
  Compilation(llvm::SourceMgr &sources, unsigned buffer, const Target &target);

  /// What the artefact is named after if there are several entry points; with
  /// one it has its name.
  void setLibraryName(llvm::StringRef name) { libraryName = name.str(); }

  /// Called with the module at every stage, when it has reached it; may change
  /// it.
  using Hook = std::function<llvm::Error(Stage, mlir::ModuleOp)>;
  void setHook(Hook newHook) { hook = std::move(newHook); }

  /// Imports or parses, then runs the passes up to and including `last`; goes
  /// on from where an earlier call has stopped. After an internal error the
  /// message names a folder that reproduces it.
  llvm::Error run(Stage last);

  mlir::ModuleOp getModule() { return *module; }
  bool isFromModule() const { return !spec; }
  /// After an error: whether it is the input that has to change.
  bool isRefused() const { return refused || isFromModule(); }

  /// The attentions as their callers see them, in order.
  llvm::ArrayRef<artifact::ProgramSpec> getPrograms() const { return programs; }

  /// What the passes had to say, in their order: why something is slower than
  /// it could be.
  llvm::ArrayRef<Message> getRemarks() const { return remarks; }

  const Target &getTarget() const { return target; }
  /// From Stage::Attn on.
  const std::string &getLibraryName() const { return libraryName; }

  /// After Stage::Llvm: optimised LLVM IR, assembly text, an object file.
  llvm::Expected<std::string> emit(CodeKind kind);
  /// The same as objects for a linker, as Target::emitObjects makes them.
  llvm::Expected<std::vector<std::string>>
  emitObjects(llvm::ArrayRef<artifact::ProgramSpec> entryPoints,
              llvm::StringRef suffix);

  /// The whole way.
  llvm::Expected<Artefact> makeArtefact();

private:
  llvm::Error load();
  llvm::Error describe();
  void chooseTiles();
  llvm::Error lower(Stage stage);
  void buildPipeline(mlir::OpPassManager &pm, Stage stage) const;
  template <typename T>
  llvm::Expected<T> generate(llvm::function_ref<llvm::Expected<T>()> emit);
  llvm::Error failure(llvm::StringRef what, const std::string &folder);
  std::string reproducer() const;

  const CheckedSpec *spec = nullptr;
  llvm::SourceMgr &sources;
  unsigned buffer = 0;
  bool refused = false;
  const Target &target;
  std::string libraryName;
  std::optional<Stage> reached;
  Hook hook;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<artifact::ProgramSpec> programs;
  std::vector<Message> errors, remarks;
};

/// One library of compilations of the same text for several levels, the lowest
/// first; those are compiled side by side.
llvm::Expected<Artefact> makeArtefact(llvm::ArrayRef<Compilation *> levels);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_COMPILE_COMPILE_H
