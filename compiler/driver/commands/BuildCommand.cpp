//===- BuildCommand.cpp - ladon build -------------------------------------===//

#include "compiler/driver/commands/Session.h"
#include "compiler/support/Files.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace ladon;

namespace {

struct BuildOptions {
  CommonOptions common;
  std::string emit;
  std::string directory = ".";
  std::string name;
  bool remarks = false;
};

/// Those of each level; of several, what all say is said once.
void printRemarks(llvm::ArrayRef<Compilation *> levels,
                  const BuildOptions &options) {
  if (!options.remarks)
    return;
  auto isOfAll = [&](const Message &remark) {
    return llvm::all_of(levels, [&](Compilation *level) {
      return llvm::is_contained(level->getRemarks(), remark);
    });
  };
  for (Compilation *level : levels)
    for (const Message &remark : level->getRemarks()) {
      if (!isOfAll(remark))
        llvm::errs() << "remark: " << level->getTarget().getName() << ": "
                     << remark.str() << '\n';
      else if (level == levels.front())
        llvm::errs() << "remark: " << remark.str() << '\n';
    }
}

/// Prints one level of the compilation to standard output.
int emitLevel(const BuildOptions &options, Session &session) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (options.emit == "ast") {
    if (session.isModule())
      return reportUser(llvm::createStringError(
          "--emit ast: a module of MLIR has no syntax tree"));
    dumpAST(session.attention(), os);
    return writeOutput("-", text);
  }
  Compilation *compilation = session.compilation();
  if (!compilation)
    return session.exitCode;
  Stage stage = options.emit == "attn"    ? Stage::Attn
                : options.emit == "fused" ? Stage::Fused
                : options.emit == "tile"  ? Stage::Tile
                                          : Stage::Llvm;
  // The others differ from tiles on.
  if (session.targets().size() > 1 && stage > Stage::Fused)
    return reportUser(llvm::createStringError("--emit " + options.emit +
                                              ": expected one level, found " +
                                              session.targetNames()));
  if (llvm::Error error = compilation->run(stage))
    return session.report(std::move(error));
  printRemarks(compilation, options);
  if (stage != Stage::Llvm) {
    compilation->getModule().print(os);
    return writeOutput("-", text);
  }
  auto code = compilation->emit(options.emit == "llvm"  ? CodeKind::LlvmIr
                                : options.emit == "asm" ? CodeKind::Assembly
                                                        : CodeKind::Object);
  if (!code)
    return session.report(code.takeError());
  return writeOutput("-", *code);
}

/// Writes the artefact: all of its files, or with `--emit so` the library.
int writeArtefact(const BuildOptions &options, Session &session) {
  const Artefact *artefact = session.artefact();
  if (!artefact)
    return session.exitCode;
  printRemarks(session.compilations(), options);
  if (std::error_code error = llvm::sys::fs::create_directories(
          options.directory,
          /*IgnoreExisting=*/true, llvm::sys::fs::all_all)) {
    llvm::errs() << "ladon: error: " << options.directory << ": "
                 << error.message() << '\n';
    return ExitUserError;
  }
  auto path = [&](const std::string &name) {
    llvm::SmallString<128> path(options.directory);
    llvm::sys::path::append(path, name);
    return std::string(path);
  };
  std::vector<OutputFile> files;
  files.push_back(
      {path("lib" + artefact->name + ".so"), artefact->library, 0755});
  if (options.emit != "so")
    for (const artifact::ProgramSpec &program : artefact->programs) {
      files.push_back(
          {path(program.name + ".h"), artifact::emitHeader(program)});
      files.push_back(
          {path(program.name + ".json"), artifact::emitManifest(program)});
    }
  if (llvm::Error error = writeFilesAtomically(files)) {
    llvm::errs() << "ladon: error: " << llvm::toString(std::move(error))
                 << '\n';
    return ExitUserError;
  }
  for (const OutputFile &written : files)
    llvm::outs() << written.path << '\n';
  return ExitSuccess;
}

int runBuild(const BuildOptions &options) {
  Session session(options.common);
  if (!session.open())
    return session.exitCode;
  if (!options.name.empty())
    for (Compilation *level : session.compilations())
      level->setLibraryName(options.name);
  if (options.emit.empty() || options.emit == "so")
    return writeArtefact(options, session);
  return emitLevel(options, session);
}

} // namespace

void ladon::addBuildCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<BuildOptions>();
  CLI::App *command = app.add_subcommand(
      "build", "Compile a spec to lib<name>.so, <name>.h and <name>.json");
  addCommonOptions(*command, options->common, "A spec, or a module of MLIR");
  addCodegenOption(*command, options->common);
  command
      ->add_option("-o,--output", options->directory,
                   "Directory for the files, made if missing")
      ->capture_default_str();
  command
      ->add_option(
          "--emit", options->emit,
          "Print one level, as text or (obj) as the bytes of an object "
          "file, to the standard output; so: write the library only")
      ->check(CLI::IsMember(
          {"ast", "attn", "fused", "tile", "llvm", "asm", "obj", "so"}));
  command
      ->add_option("--name", options->name,
                   "Name of the library of several entry points; without it, "
                   "that of the file")
      ->type_name("NAME");
  command
      ->add_option("--sanitize", options->common.sanitize,
                   "Have AddressSanitizer look after the code: a library for "
                   "programs that are built with it")
      ->check(CLI::IsMember({"address"}));
  command->add_flag("-R,--remarks", options->remarks,
                    "Print what the passes could not do, and why");
  command->callback([options, &exitCode] { exitCode = runBuild(*options); });
}
