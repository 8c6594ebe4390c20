//===- ladon.cpp - The compiler's command line ----------------------------===//

#include "compiler/driver/commands/Commands.h"
#include "compiler/support/Files.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <iostream>

int main(int argc, char **argv) {
  CLI::App app("Ladon compiles attention specs to small shared libraries");
  app.name("ladon");
  app.require_subcommand(1);
  app.set_version_flag("--version", "ladon " LADON_VERSION);
  int exitCode = ladon::ExitSuccess;
  ladon::addBenchCommand(app, exitCode);
  ladon::addBuildCommand(app, exitCode);
  ladon::addCheckCommand(app, exitCode);
  ladon::addCompletionCommands(app, exitCode);
  ladon::addDoctorCommand(app, exitCode);
  ladon::addExplainCommand(app, exitCode);
  ladon::addFmtCommand(app, exitCode);
  ladon::addLspCommand(app, exitCode);
  ladon::addRunCommand(app, exitCode);
  ladon::addSyntaxCommand(app, exitCode);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // Help and version are no errors and leave with 0.
    int code = app.exit(error);
    if (!std::cout.flush())
      return ladon::ExitUserError;
    return code == 0 ? ladon::ExitSuccess : ladon::ExitUsage;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "ladon: internal error: %s\n", error.what());
    return ladon::ExitInternal;
  }
  // What was printed may be the whole result: its loss is an error.
  if (llvm::Error error = ladon::flushOutput())
    return std::max<int>(exitCode, ladon::reportUser(std::move(error)));
  return exitCode;
}
