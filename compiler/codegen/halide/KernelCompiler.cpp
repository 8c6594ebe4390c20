//===- KernelCompiler.cpp - Runs ladon-halide -----------------------------===//

#include "compiler/codegen/halide/KernelCompiler.h"

#include "compiler/support/MemoryFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ThreadPool.h"

#include <fcntl.h>
#include <optional>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ladon;
using namespace ladon::halide;

llvm::Expected<std::string> ladon::halide::findKernelCompiler() {
  llvm::SmallString<128> path(llvm::sys::fs::getMainExecutable(
      nullptr, reinterpret_cast<void *>(&findKernelCompiler)));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "ladon-halide");
  if (llvm::sys::fs::can_execute(path))
    return std::string(path);
  return llvm::createStringError(
      "--codegen halide: this build is without Halide ('" + path.str() +
      "' is missing); run scripts/setup-halide, then cmake and ninja again");
}

/// What the program writes to its standard output. Nothing of it touches a
/// file: input and outputs are memory.
static llvm::Expected<std::string> run(const KernelJob &job,
                                       llvm::StringRef mode) {
  auto program = findKernelCompiler();
  if (!program)
    return program.takeError();
  auto input = MemoryFile::create("kernel", job.text);
  auto output = MemoryFile::create("object"),
       messages = MemoryFile::create("messages");
  for (auto *file : {&input, &output, &messages})
    if (!*file)
      return file->takeError();

  std::vector<std::string> arguments = {*program, "--cpu=" + job.level,
                                        "--name=" + job.symbol};
  if (job.guarded)
    arguments.push_back("--guarded");
  if (!mode.empty())
    arguments.push_back(mode.str());
  std::vector<char *> pointers;
  for (std::string &argument : arguments)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  int number = 0;
  for (auto *file : {&input, &output, &messages}) {
    // Opened by the child, before anything else: the paths are ours.
    std::string path = (*file)->path();
    posix_spawn_file_actions_addopen(&files, number, path.c_str(),
                                     number == 0 ? O_RDONLY : O_RDWR, 0);
    ++number;
  }
  pid_t process;
  int failed = posix_spawn(&process, program->c_str(), &files, nullptr,
                           pointers.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed)
    return llvm::createStringError("cannot run '" + *program +
                                   "': " + llvm::sys::StrError(failed));
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR)
    ;
  auto contents = [](const MemoryFile &file) -> std::string {
    auto buffer = llvm::MemoryBuffer::getFile(file.path());
    return buffer ? (*buffer)->getBuffer().str() : std::string();
  };
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return contents(mode.empty() ? *output : *messages);
  std::string said = llvm::StringRef(contents(*messages)).trim().str();
  return llvm::createStringError(
      said.empty() ? "ladon-halide ended without a word" : said);
}

llvm::Expected<std::vector<std::string>>
ladon::halide::compileKernels(llvm::ArrayRef<KernelJob> jobs) {
  std::vector<std::optional<llvm::Expected<std::string>>> objects(jobs.size());
  {
    llvm::DefaultThreadPool threads(llvm::hardware_concurrency());
    for (size_t number = 0; number < jobs.size(); ++number)
      threads.async(
          [&, number] { objects[number] = run(jobs[number], /*mode=*/""); });
    threads.wait();
  }
  std::vector<std::string> result;
  llvm::Error failures = llvm::Error::success();
  for (auto &object : objects)
    if (*object)
      result.push_back(std::move(**object));
    else
      failures = llvm::joinErrors(std::move(failures), object->takeError());
  if (failures)
    return std::move(failures);
  return result;
}

llvm::Expected<std::string> ladon::halide::printLoops(const KernelJob &job) {
  return run(job, "--print-schedule");
}
