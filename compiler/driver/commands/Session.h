//===- Session.h - One run of a command ------------------------*- C++ -*-===//
//
// What the commands that compile begin with: read the file, check the spec in
// it or take it for a module of MLIR, find the target. Whatever goes wrong is
// printed here, with the exit code that it has.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_COMMANDS_SESSION_H
#define LADON_COMPILER_DRIVER_COMMANDS_SESSION_H

#include "compiler/driver/commands/Commands.h"
#include "compiler/driver/compile/LoadedAttention.h"

namespace ladon {

class Session {
public:
  explicit Session(const CommonOptions &options) : options(options) {}

  /// Reads a spec or a module. Prints what is wrong and returns false.
  bool open();
  /// Reads a spec; `command` has no use for a module.
  bool openSpec(llvm::StringRef command);

  bool isModule() const { return !checked; }
  /// Of a spec.
  const ast::Attention &attention() const { return *checked->attention; }

  /// What to compile for: one target, or those of a list of levels, the lowest
  /// first; none after printing why.
  llvm::ArrayRef<std::unique_ptr<Target>> targets();
  /// The best of them whose code runs here, or else the first; null after
  /// printing why there is none.
  const Target *target();

  /// "x86-64-v3", or "x86-64-v3,x86-64-v4"; after targets().
  std::string targetNames() const;

  /// The compilations of the file, one for each of the targets, made when first
  /// asked for; none after printing why.
  llvm::ArrayRef<Compilation *> compilations();
  /// The one for target().
  Compilation *compilation();

  /// What they make, when first asked for; null after printing what went wrong.
  const Artefact *artefact();
  /// Loads an entry point of it into this process; likewise.
  std::unique_ptr<LoadedAttention> load(size_t index = 0);

  /// Prints an error out of the compilation, and returns its exit code: the
  /// user's with a module, ours with a spec.
  int report(llvm::Error error) const;

  /// The exit code, once a function above has failed.
  int exitCode = ExitUserError;

private:
  const CommonOptions &options;
  SourceFile file;
  std::unique_ptr<CheckedSpec> checked;
  std::vector<std::unique_ptr<Target>> chosen;
  std::vector<std::unique_ptr<Compilation>> compiled;
  std::vector<Compilation *> levels; ///< Of `compiled`.
  std::optional<Artefact> made;
};

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_COMMANDS_SESSION_H
