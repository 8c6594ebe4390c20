//===- BuildCommand.cpp - ladon build -------------------------------------===//

#include "compiler/driver/commands/Commands.h"
#include "compiler/driver/compile/Compile.h"
#include "compiler/support/Files.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace ladon;

namespace {

struct BuildOptions {
  std::string file;
  std::string emit;
  std::string directory = ".";
  TargetOptions target;
  std::vector<std::string> params;
};

/// Prints one level of the compilation to standard output.
int emitLevel(const BuildOptions &options, const CheckedSpec &spec,
              SourceFile &file, const cpu::CpuTarget &target) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (options.emit == "ast") {
    dumpAST(*spec.attention, os);
    return writeOutput("-", text);
  }
  Compilation compilation(spec, file.sources, target);
  Stage stage = options.emit == "attn"    ? Stage::Attn
                : options.emit == "fused" ? Stage::Fused
                : options.emit == "tile"  ? Stage::Tile
                                          : Stage::Llvm;
  if (llvm::Error error = compilation.run(stage))
    return reportInternal(std::move(error));
  if (stage != Stage::Llvm) {
    compilation.getModule().print(os);
    return writeOutput("-", text);
  }
  auto code =
      compilation.emit(options.emit == "llvm"  ? Compilation::CodeKind::LlvmIr
                       : options.emit == "asm" ? Compilation::CodeKind::Assembly
                                               : Compilation::CodeKind::Object);
  if (!code)
    return reportInternal(code.takeError());
  return writeOutput("-", *code);
}

/// Writes the artefact: all of its files, or with `--emit so` and `--emit obj`
/// the one file.
int writeArtefact(const BuildOptions &options, const CheckedSpec &spec,
                  SourceFile &file, const cpu::CpuTarget &target) {
  auto artefact = compileArtefact(spec, file.sources, target);
  if (!artefact)
    return reportInternal(artefact.takeError());
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
  const std::string &name = artefact->program.name;
  std::vector<OutputFile> files;
  files.push_back({path("lib" + name + ".so"), artefact->library, 0755});
  if (options.emit != "so") {
    files.push_back({path(name + ".h"), artefact->header});
    files.push_back({path(name + ".json"), artefact->manifest});
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
  SourceFile file;
  std::unique_ptr<CheckedSpec> spec =
      loadSpec(options.file, options.params, file);
  if (!spec)
    return ExitUserError;
  std::optional<cpu::CpuTarget> target = resolveTarget(options.target);
  if (!target)
    return ExitUserError;
  if (options.emit.empty() || options.emit == "so")
    return writeArtefact(options, *spec, file, *target);
  return emitLevel(options, *spec, file, *target);
}

} // namespace

void ladon::addBuildCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<BuildOptions>();
  CLI::App *command = app.add_subcommand(
      "build", "Compile a spec to lib<name>.so, <name>.h and <name>.json");
  command->add_option("file", options->file, "A spec, '-' for standard input")
      ->required();
  command
      ->add_option("-o,--output", options->directory,
                   "Directory for the files, made if missing")
      ->capture_default_str();
  command
      ->add_option("--emit", options->emit,
                   "Print one level instead of writing the artefact (so: write "
                   "the library only)")
      ->check(CLI::IsMember(
          {"ast", "attn", "fused", "tile", "llvm", "asm", "obj", "so"}));
  addTargetOptions(*command, options->target);
  addParamOption(*command, options->params);
  command->callback([options, &exitCode] { exitCode = runBuild(*options); });
}
