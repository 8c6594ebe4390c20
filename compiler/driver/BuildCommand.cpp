//===- BuildCommand.cpp - ladon build -------------------------------------===//

#include "compiler/driver/Driver.h"

#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace ladon;

namespace {

struct BuildOptions {
  std::string file;
  std::string emit = "ast";
  std::vector<std::string> params;
};

int runBuild(const BuildOptions &options) {
  SourceFile file;
  std::unique_ptr<CheckedSpec> spec =
      loadSpec(options.file, options.params, file);
  if (!spec)
    return ExitUserError;
  std::string text;
  llvm::raw_string_ostream os(text);
  dumpAST(*spec->attention, os);
  return writeFile("-", os.str()) ? ExitSuccess : ExitUserError;
}

} // namespace

void ladon::addBuildCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<BuildOptions>();
  CLI::App *command = app.add_subcommand("build", "Compile a spec");
  command->add_option("file", options->file, "A spec, '-' for standard input")
      ->required();
  command->add_option("--emit", options->emit, "What to print or write")
      ->check(CLI::IsMember({"ast"}));
  addParamOption(*command, options->params);
  command->callback(
      [options, &exitCode] { exitCode = runBuild(*options); });
}
