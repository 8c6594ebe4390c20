//===- Commands.cpp - What the commands share -----------------------------===//

#include "compiler/driver/commands/Commands.h"
#include "compiler/support/Files.h"

#include "compiler/codegen/Backend.h"
#include "compiler/frontend/Lexer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <cstdio>

using namespace ladon;

std::set<std::string> ladon::codegenNames() {
  std::set<std::string> names;
  for (const Backend *backend : backends())
    names.insert(backend->getCodegen().str());
  return names;
}

void ladon::addCodegenOption(CLI::App &command, CommonOptions &options) {
  command
      .add_option("--codegen", options.codegen,
                  "What makes the code of attends")
      ->check(CLI::IsMember(codegenNames()))
      ->capture_default_str();
}

void ladon::addCommonOptions(CLI::App &command, CommonOptions &options,
                             const std::string &what) {
  command.add_option("file", options.file, what + ", '-' for standard input")
      ->required();
  std::set<std::string> targets, levels;
  for (const Backend *backend : backends()) {
    targets.insert(backend->getName().str());
    for (llvm::StringRef level : backend->getLevels())
      targets.insert(level.str());
    levels.insert(backend->getLevelNames());
  }
  const CLI::Validator isTarget = CLI::IsMember(targets);
  command.add_option("--target", options.target, "What to compile for")
      ->check(CLI::Validator(
          [isTarget](std::string &text) -> std::string {
            for (llvm::StringRef name : llvm::split(text, ',')) {
              std::string one = name.str();
              std::string problem = isTarget(one);
              if (!problem.empty())
                return problem;
            }
            return "";
          },
          isTarget.get_description(), "TARGET"))
      ->capture_default_str();
  command
      .add_option("--cpu", options.cpu,
                  "Level of the target: native, or one of " +
                      llvm::join(levels, ", ") +
                      "; of x86-64 also several, separated by commas, of which "
                      "the library takes the best that it finds")
      ->capture_default_str();
  command.add_flag("--simulate", options.simulate,
                   "Run code for a GPU on a simulator");
  command
      .add_option("--cuda-tile", options.cudaTile,
                  "Sizes of tiles on a GPU: rows of queries, keys, threads of "
                  "a block, keys for few queries")
      ->type_name("ROWS,KEYS[,THREADS[,KEYS]]");
  command
      .add_option("--fuse-projection", options.fuseProjection,
                  "Whether a CPU computes the output projection while it "
                  "attends: where it pays, always, or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  command
      .add_option("-D", options.params,
                  "Set a compile-time param: -D name=value, repeatable")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE");
  command
      .add_option("--debug-only", options.debugTypes,
                  "Print what these passes see and do")
      ->allow_extra_args(false)
      ->delimiter(',')
      ->type_name("PASS,...");
}

CLI::Validator ladon::wholeNumber(uint64_t most) {
  auto check = [most](std::string &text) -> std::string {
    uint64_t number;
    if (!llvm::StringRef(text).getAsInteger(10, number) && number <= most)
      return "";
    return "expected a number of 0 to " + std::to_string(most) + ", found '" +
           text + "'";
  };
  return CLI::Validator(check, "", "WHOLE");
}

int ladon::reportUser(llvm::Error error) {
  llvm::errs() << "ladon: error: " << llvm::toString(std::move(error)) << '\n';
  return ExitUserError;
}

int ladon::reportInternal(llvm::Error error) {
  llvm::errs() << "ladon: internal error: " << llvm::toString(std::move(error))
               << '\n';
  return ExitInternal;
}

bool ladon::parseOverrides(const std::vector<std::string> &values,
                           ParamOverrides &overrides) {
  for (const std::string &text : values) {
    size_t equal = text.find('=');
    if (equal == std::string::npos || equal == 0) {
      llvm::errs() << "ladon: error: -D " << text
                   << ": expected -D name=value\n";
      return false;
    }
    overrides.emplace_back(text.substr(0, equal), text.substr(equal + 1));
  }
  return true;
}

/// The text of a spec. What is no file of a known size (a pipe, a device) may
/// never end: one byte more than a spec may have is enough for the error.
static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readText(const std::string &path) {
  namespace fs = llvm::sys::fs;
  bool isStdin = path == "-";
  if (!isStdin && fs::is_regular_file(path)) {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (!buffer)
      return llvm::errorCodeToError(buffer.getError());
    return std::move(*buffer);
  }
  fs::file_t file = fs::getStdinHandle();
  if (!isStdin) {
    llvm::Expected<fs::file_t> opened = fs::openNativeFileForRead(path);
    if (!opened)
      return opened.takeError();
    file = *opened;
  }
  llvm::Error error = llvm::Error::success();
  std::vector<char> text(maxSourceBytes + 1);
  size_t size = 0;
  while (!error && size < text.size()) {
    llvm::Expected<size_t> count =
        fs::readNativeFile(file, llvm::MutableArrayRef(text).drop_front(size));
    if (!count)
      error = count.takeError();
    else if (*count == 0)
      break;
    else
      size += *count;
  }
  if (!isStdin)
    (void)fs::closeFile(file);
  if (error)
    return std::move(error);
  return llvm::MemoryBuffer::getMemBufferCopy({text.data(), size},
                                              isStdin ? "<stdin>" : path);
}

unsigned ladon::readSource(const std::string &path, llvm::SourceMgr &sources) {
  llvm::sys::fs::file_status status;
  if (path != "-" && !llvm::sys::fs::status(path, status) &&
      llvm::sys::fs::is_directory(status)) {
    llvm::errs() << "ladon: error: " << path << ": is a directory\n";
    return 0;
  }
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer = readText(path);
  if (!buffer) {
    reportUser(llvm::createStringError(path + ": " +
                                       llvm::toString(buffer.takeError())));
    return 0;
  }
  return sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
}

void SourceFile::printDiagnostics() const {
  diagnostics.print(llvm::errs(), llvm::errs().has_colors());
}

int ladon::writeOutput(const std::string &path, llvm::StringRef contents) {
  if (llvm::Error error = writeFile(path, contents))
    return reportUser(std::move(error));
  return ExitSuccess;
}
