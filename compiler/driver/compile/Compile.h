//===- Compile.h - From a checked spec to an artefact ----------*- C++ -*-===//
//
// The compiler as a library: every command that needs compiled code goes
// through here. What the user got wrong was reported by the front end; an error
// out of this file is a defect of the compiler.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_COMPILE_COMPILE_H
#define LADON_COMPILER_DRIVER_COMPILE_COMPILE_H

#include "compiler/codegen/artifact/Artifact.h"
#include "compiler/codegen/cpu/CpuTarget.h"
#include "compiler/frontend/Frontend.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"

#include <memory>
#include <string>

namespace ladon {

/// Where a compilation can stop; in order.
enum class Stage {
  Attn,  ///< the spec, imported
  Fused, ///< heads and masks folded, on tensors
  Tile,  ///< loop nests over tiles, blocks classified
  Llvm,  ///< the LLVM dialect
};

/// One spec on its way through the levels.
class Compilation {
public:
  Compilation(const CheckedSpec &spec, llvm::SourceMgr &sources,
              const cpu::CpuTarget &target);

  /// Imports the spec, then runs the passes up to and including `last`; call
  /// once. After a failure the message names a folder that reproduces it.
  llvm::Error run(Stage last);

  mlir::ModuleOp getModule() { return *module; }

  /// After Stage::Llvm: optimised LLVM IR, assembly text, an object file.
  enum class CodeKind { LlvmIr, Assembly, Object };
  llvm::Expected<std::string> emit(CodeKind kind);

  /// The attention as its caller sees it, read off the imported function.
  const artifact::ProgramSpec &getProgram() const { return program; }

private:
  void buildPipeline(mlir::OpPassManager &pm, Stage stage) const;
  mlir::func::FuncOp entryPoint();
  llvm::Error emitInto(CodeKind kind, std::string &text);

  const CheckedSpec &spec;
  llvm::SourceMgr &sources;
  cpu::CpuTarget target;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  artifact::ProgramSpec program;
};

/// Everything `ladon build` writes, in memory.
struct Artefact {
  artifact::ProgramSpec program;
  std::string object;   ///< before linking
  std::string library;  ///< lib<name>.so
  std::string header;   ///< <name>.h
  std::string manifest; ///< <name>.json
};

llvm::Expected<Artefact> compileArtefact(const CheckedSpec &spec,
                                         llvm::SourceMgr &sources,
                                         const cpu::CpuTarget &target);

/// A compiled attention, loaded into this process.
class LoadedAttention {
public:
  static llvm::Expected<std::unique_ptr<LoadedAttention>>
  load(const Artefact &artefact);
  ~LoadedAttention();
  LoadedAttention(const LoadedAttention &) = delete;

  /// Calls the entry point as C code would. One pointer per parameter, in
  /// order: a DLTensor, or a scalar's value. `options` is a ladon_options or
  /// null. Returns a ladon_status.
  int32_t call(llvm::ArrayRef<void *> arguments, const void *options) const;

  /// The sentence for the last failed call of this thread.
  std::string lastError() const;

private:
  LoadedAttention() = default;
  struct Interface;
  std::unique_ptr<Interface> interface;
};

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_COMPILE_COMPILE_H
