//===- SyntaxCommand.cpp - ladon syntax -----------------------------------===//

#include "compiler/driver/commands/Commands.h"
#include "compiler/driver/syntax/SyntaxWords.h"

#include <CLI/CLI.hpp>

using namespace ladon;

void ladon::addSyntaxCommand(CLI::App &app, int &exitCode) {
  auto editor = std::make_shared<std::string>();
  CLI::App *command = app.add_subcommand(
      "syntax", "Print what makes an editor colour attention specs");
  command->add_option("editor", *editor, "In the format of which editor")
      ->required()
      ->check(CLI::IsMember({"emacs", "textmate", "vim"}));
  command->callback([editor, &exitCode] {
    exitCode = writeOutput("-", *editor == "vim"     ? vimSyntax()
                                : *editor == "emacs" ? emacsMode()
                                                     : textMateGrammar());
  });
}
