//===- LspCommand.cpp - ladon lsp -----------------------------------------===//

#include "compiler/driver/commands/Commands.h"
#include "compiler/driver/lsp/Server.h"

#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <unistd.h>

using namespace ladon;

static int runServer(const std::string &version) {
  // A client that dies is an error like another one, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  llvm::raw_fd_ostream out(STDOUT_FILENO, /*shouldClose=*/false);
  llvm::Error error = lsp::serve(stdin, out, version);
  out.flush();
  if (out.has_error()) {
    if (!error)
      error = llvm::createStringError("the client: it does not read answers: " +
                                      out.error().message());
    out.clear_error();
  }
  return error ? reportUser(std::move(error)) : int(ExitSuccess);
}

void ladon::addLspCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "lsp", "Serve an editor: the Language Server Protocol on standard input "
             "and output");
  // The one channel there is.
  command->add_flag("--stdio", "What editors say; changes nothing");
  command->callback([&app, &exitCode] { exitCode = runServer(app.version()); });
}
