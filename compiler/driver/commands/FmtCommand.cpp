//===- FmtCommand.cpp - ladon fmt -----------------------------------------===//

#include "compiler/driver/commands/Commands.h"

#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace ladon;

namespace {

struct FmtOptions {
  std::vector<std::string> files;
  bool inPlace = false;
  bool check = false;
};

/// Formats one file and returns its exit code.
int formatOne(const std::string &path, const FmtOptions &options) {
  SourceFile file;
  file.buffer = readSource(path, file.sources);
  if (!file.buffer)
    return ExitUserError;
  std::optional<std::string> text =
      formatSpec(file.sources, file.buffer, file.diagnostics);
  file.printDiagnostics();
  if (!text)
    return ExitUserError;
  bool changed =
      *text != file.sources.getMemoryBuffer(file.buffer)->getBuffer();
  if (options.check) {
    if (changed)
      llvm::errs() << path << ": not in canonical form\n";
    return changed ? ExitUserError : ExitSuccess;
  }
  if (options.inPlace && path != "-")
    return changed ? writeOutput(path, *text) : ExitSuccess;
  return writeOutput("-", *text);
}

} // namespace

void ladon::addFmtCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<FmtOptions>();
  CLI::App *command =
      app.add_subcommand("fmt", "Print specs in canonical form");
  command->add_option("files", options->files, "Specs, '-' for standard input")
      ->required();
  auto *inPlace =
      command->add_flag("-i,--in-place", options->inPlace, "Rewrite the files");
  command
      ->add_flag("--check", options->check,
                 "Change nothing; exit with 1 when a file is not canonical")
      ->excludes(inPlace);
  command->callback([options, &exitCode] {
    for (const std::string &path : options->files)
      exitCode = std::max(exitCode, formatOne(path, *options));
  });
}
