//===- Commands.h - The commands of the ladon executable --------*- C++ -*-===//
//
// One file per command: it adds its options to the command line and returns
// what to run. Exit codes are part of the interface: 0 done, 1 the input is
// wrong, 2 the command line is wrong, 70 an internal error.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_COMMANDS_COMMANDS_H
#define LADON_COMPILER_DRIVER_COMMANDS_COMMANDS_H

#include "compiler/frontend/Frontend.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace CLI {
class App;
class Validator;
} // namespace CLI

namespace ladon {

enum ExitCode : int {
  ExitSuccess = 0,
  ExitUserError = 1,
  ExitUsage = 2,
  ExitInternal = 70
};

/// Adds a subcommand to `app`. When it is chosen it runs and sets `exitCode`.
void addFmtCommand(CLI::App &app, int &exitCode);
void addBenchCommand(CLI::App &app, int &exitCode);
void addBuildCommand(CLI::App &app, int &exitCode);
void addRunCommand(CLI::App &app, int &exitCode);
void addCheckCommand(CLI::App &app, int &exitCode);
void addExplainCommand(CLI::App &app, int &exitCode);
void addLspCommand(CLI::App &app, int &exitCode);
void addSyntaxCommand(CLI::App &app, int &exitCode);
void addDoctorCommand(CLI::App &app, int &exitCode);
/// `completion` and `man`, which tell of all commands that `app` has when they
/// run.
void addCompletionCommands(CLI::App &app, int &exitCode);

/// What all commands that compile take.
struct CommonOptions {
  std::string file;
  std::vector<std::string> params; ///< -D
  std::string target = "cpu";
  std::string codegen = "llvm";
  std::string cpu = "native";
  bool simulate = false;
  std::string cudaTile; ///< Sizes in place of the target's own; may be empty.
  std::string fuseProjection = "auto";
  std::string sanitize;                ///< "address", or nothing.
  std::vector<std::string> debugTypes; ///< --debug-only: flags of passes
};

/// A check of an option that takes the numbers of 0 to `most`. CLI11's own goes
/// by way of doubles: it takes numbers that do not fit, and names its limit in
/// three hundred digits.
CLI::Validator wholeNumber(uint64_t most = UINT64_MAX);

/// Adds the file and all options but `--codegen` to a subcommand; `what` says
/// what the file is.
void addCommonOptions(CLI::App &command, CommonOptions &options,
                      const std::string &what = "A spec");

/// What `--codegen` may name.
std::set<std::string> codegenNames();
/// Adds `--codegen` to a subcommand.
void addCodegenOption(CLI::App &command, CommonOptions &options);

/// Prints what is wrong with the input and returns ExitUserError.
int reportUser(llvm::Error error);

/// Prints a defect of the compiler and returns ExitInternal.
int reportInternal(llvm::Error error);

/// Splits "name=value" texts; prints what is wrong and returns false.
bool parseOverrides(const std::vector<std::string> &values,
                    ParamOverrides &overrides);

/// Reads `path` ("-" is the standard input) into `sources` and returns the
/// buffer's id, or 0 after printing why not.
unsigned readSource(const std::string &path, llvm::SourceMgr &sources);

/// A source manager and the diagnostics about what is in it.
struct SourceFile {
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics{sources};
  unsigned buffer = 0;

  /// Prints the diagnostics to standard error.
  void printDiagnostics() const;
};

/// Writes a file as `writeFile` does ("-" is the standard output); prints why
/// not. Returns the exit code.
int writeOutput(const std::string &path, llvm::StringRef contents);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_COMMANDS_COMMANDS_H
