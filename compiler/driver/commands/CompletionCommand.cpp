//===- CompletionCommand.cpp - ladon completion and ladon man -------------===//
//
// What a shell completes, and the manual page, out of the options that the
// command line itself is made of: there is nothing to keep in step.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/commands/Commands.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace ladon;
using llvm::StringRef;

namespace {

/// An option as a shell sees it.
struct Flag {
  std::vector<std::string> spellings; ///< "-o", "--output".
  std::string text;                   ///< A line about it.
  std::string value;                  ///< "DIR"; empty: it takes none.
  std::vector<std::string> choices;   ///< Where there are only these.
};

struct Command {
  std::string name, text;
  std::vector<Flag> flags;
  std::vector<std::pair<std::string, std::string>> operands;
  std::vector<std::string> choices; ///< Of an operand that is no file.
};

} // namespace

/// The names between the braces of "TEXT:{cpu,cuda}"; CLI11 has them nowhere
/// else.
static std::vector<std::string> choicesOf(const std::string &type) {
  StringRef list = StringRef(type).split('{').second.split('}').first;
  llvm::SmallVector<StringRef> names;
  list.split(names, ',', -1, /*KeepEmpty=*/false);
  return {names.begin(), names.end()};
}

static Command describe(const CLI::App &app) {
  Command command;
  command.name = app.get_name();
  command.text = app.get_description();
  for (const CLI::Option *option : app.get_options()) {
    std::vector<std::string> choices = choicesOf(option->get_type_name());
    if (option->get_positional()) {
      command.operands.emplace_back(option->get_name(),
                                    option->get_description());
      command.choices = std::move(choices);
      continue;
    }
    Flag flag;
    for (const std::string &name : option->get_snames())
      flag.spellings.push_back("-" + name);
    for (const std::string &name : option->get_lnames())
      flag.spellings.push_back("--" + name);
    flag.text = option->get_description();
    if (option->get_type_size_max() > 0)
      flag.value = StringRef(option->get_type_name()).split(':').first.str();
    flag.choices = std::move(choices);
    command.flags.push_back(std::move(flag));
  }
  return command;
}

static std::vector<Command> describeAll(const CLI::App &app) {
  std::vector<Command> commands;
  for (const CLI::App *sub : app.get_subcommands(nullptr))
    commands.push_back(describe(*sub));
  return commands;
}

//===--- Shells ----------------------------------------------------------===//

/// In single quotes of a shell; `escaped` are letters that mean something in
/// them as well.
static std::string quote(StringRef text, StringRef escaped = "") {
  std::string result;
  for (char letter : text) {
    if (letter == '\'') {
      result += "'\\''";
      continue;
    }
    if (escaped.contains(letter))
      result += '\\';
    result += letter;
  }
  return "'" + result + "'";
}

static void writeBash(llvm::ArrayRef<Command> commands, llvm::raw_ostream &os) {
  os << "# Completion of ladon for bash.\n"
        "_ladon() {\n"
        "  local word=${COMP_WORDS[COMP_CWORD]} words=\n"
        "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
        "    words='";
  llvm::interleave(commands, os, [&](const Command &c) { os << c.name; }, " ");
  os << " --help --version'\n"
        "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
        "    return\n"
        "  fi\n"
        "  case \"${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD - 1]}\" in\n";
  for (const Command &command : commands)
    for (const Flag &flag : command.flags) {
      if (flag.choices.empty())
        continue;
      os << "  ";
      llvm::interleave(
          flag.spellings, os,
          [&](const std::string &name) {
            os << "'" << command.name << " " << name << "'";
          },
          " | ");
      os << ")\n    COMPREPLY=($(compgen -W '" << llvm::join(flag.choices, " ")
         << "' -- \"$word\"))\n    return\n    ;;\n";
    }
  os << "  esac\n"
        "  case ${COMP_WORDS[1]} in\n";
  for (const Command &command : commands) {
    std::vector<std::string> words = command.choices;
    for (const Flag &flag : command.flags)
      words.insert(words.end(), flag.spellings.begin(), flag.spellings.end());
    os << "  " << command.name << ") words='" << llvm::join(words, " ")
       << "' ;;\n";
  }
  os << "  esac\n"
        "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
        "  [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
        "}\n"
        "complete -o filenames -F _ladon ladon\n";
}

static void writeZsh(llvm::ArrayRef<Command> commands, llvm::raw_ostream &os) {
  os << "#compdef ladon\n"
        "# Completion of ladon for zsh.\n"
        "_ladon() {\n"
        "  local -a commands\n"
        "  commands=(\n";
  for (const Command &command : commands)
    os << "    " << quote(command.name + ":" + command.text) << "\n";
  os << "  )\n"
        "  if (( CURRENT == 2 )); then\n"
        "    _describe command commands\n"
        "    return\n"
        "  fi\n"
        "  local command=$words[2]\n"
        "  shift words\n"
        "  (( CURRENT-- ))\n"
        "  case $command in\n";
  for (const Command &command : commands) {
    os << "  " << command.name << ")\n    _arguments";
    for (const Flag &flag : command.flags)
      for (const std::string &name : flag.spellings) {
        // The quotes go around all of it.
        std::string text = quote(flag.text, "[]\\:");
        os << " \\\n      '*" << name << "["
           << StringRef(text).drop_front().drop_back() << "]";
        if (!flag.choices.empty())
          os << ":value:(" << llvm::join(flag.choices, " ") << ")";
        else if (!flag.value.empty())
          os << ":value:_files";
        os << "'";
      }
    if (!command.choices.empty())
      os << " \\\n      '*:value:(" << llvm::join(command.choices, " ")
         << ")'\n    ;;\n";
    else
      os << " \\\n      '*:file:_files'\n    ;;\n";
  }
  os << "  esac\n"
        "}\n"
        "_ladon \"$@\"\n";
}

static void writeFish(llvm::ArrayRef<Command> commands, llvm::raw_ostream &os) {
  os << "# Completion of ladon for fish.\n";
  for (const Command &command : commands)
    os << "complete -c ladon -f -n __fish_use_subcommand -a " << command.name
       << " -d " << quote(command.text) << "\n";
  for (const Command &command : commands) {
    std::string here = "complete -c ladon -n '__fish_seen_subcommand_from " +
                       command.name + "'";
    for (const Flag &flag : command.flags) {
      os << here;
      for (StringRef name : flag.spellings)
        os << (name.starts_with("--") ? " -l " : " -s ") << name.ltrim('-');
      if (!flag.choices.empty())
        os << " -x -a '" << llvm::join(flag.choices, " ") << "'";
      else if (!flag.value.empty())
        os << " -r";
      os << " -d " << quote(flag.text) << "\n";
    }
    if (!command.choices.empty())
      os << here << " -f -a '" << llvm::join(command.choices, " ") << "'\n";
  }
}

//===--- The manual page -------------------------------------------------===//

/// As text of troff: a hyphen that is one, and no line that is a request.
static std::string troff(StringRef text) {
  std::string result;
  for (char letter : text) {
    if (letter == '\\')
      result += "\\[rs]";
    else if (letter == '-')
      result += "\\-";
    else
      result += letter;
  }
  bool isRequest = !result.empty() && (result[0] == '.' || result[0] == '\'');
  return isRequest ? "\\&" + result : result;
}

static void writeManual(const CLI::App &app, llvm::ArrayRef<Command> commands,
                        llvm::raw_ostream &os) {
  os << ".TH LADON 1 \"\" \"" << app.version()
     << "\" \"User Commands\"\n"
        ".SH NAME\nladon \\- compiler of attention specs\n"
        ".SH SYNOPSIS\n.B ladon\n.I COMMAND\n[OPTION]... FILE\n"
        ".SH DESCRIPTION\n"
     << troff(app.get_description())
     << ".\nThe language of specs, the interface of the libraries and the "
        "messages are described in the pages that are installed with it.\n";
  for (const Command &command : commands) {
    os << ".SH LADON " << llvm::StringRef(command.name).upper() << "\n.B ladon "
       << command.name << "\n[OPTION]...";
    for (const auto &[name, text] : command.operands)
      os << "\n.I " << troff(name);
    os << "\n.PP\n" << troff(command.text) << ".\n";
    for (const auto &[name, text] : command.operands)
      os << ".TP\n.I " << troff(name) << "\n" << troff(text) << "\n";
    for (const Flag &flag : command.flags) {
      os << ".TP\n.B " << troff(llvm::join(flag.spellings, ", "));
      if (!flag.value.empty())
        os << " " << troff(flag.value);
      os << "\n" << troff(flag.text);
      if (!flag.choices.empty())
        os << ": " << troff(llvm::join(flag.choices, ", "));
      os << "\n";
    }
  }
  os << ".SH EXIT STATUS\n.TP\n.B 0\ndone\n.TP\n.B 1\nthe input is wrong\n"
        ".TP\n.B 2\nthe command line is wrong\n.TP\n.B 70\na defect of Ladon\n";
}

//===--- The commands ----------------------------------------------------===//

void ladon::addCompletionCommands(CLI::App &app, int &exitCode) {
  auto shell = std::make_shared<std::string>();
  CLI::App *completion = app.add_subcommand(
      "completion", "Print what makes a shell complete the command line");
  completion->add_option("shell", *shell, "Of which shell")
      ->required()
      ->check(CLI::IsMember({"bash", "fish", "zsh"}));
  completion->callback([&app, shell, &exitCode] {
    std::vector<Command> commands = describeAll(app);
    if (*shell == "bash")
      writeBash(commands, llvm::outs());
    else if (*shell == "zsh")
      writeZsh(commands, llvm::outs());
    else
      writeFish(commands, llvm::outs());
    exitCode = ExitSuccess;
  });
  app.add_subcommand("man", "Print the manual page, for man(1)")
      ->callback([&app, &exitCode] {
        writeManual(app, describeAll(app), llvm::outs());
        exitCode = ExitSuccess;
      });
}
