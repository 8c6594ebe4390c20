//===- Link.cpp - Shared libraries with lld as a library ------------------===//
//
// The libc and libm to link against are the files that this very process has
// loaded: a machine that runs Ladon has them, development packages or not.
// Only their names and symbol versions go into the result. For another machine
// they are empty libraries of those names, and symbols are left to its loader.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/artifact/Artifact.h"
#include "compiler/support/MemoryFile.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;
using ladon::MemoryFile;
using ladon::OutputPipe;

namespace {

/// The file of a library of the C runtime; empty if it cannot be found.
std::string loadedLibrary(const char *soname) {
  void *handle = dlopen(soname, RTLD_LAZY | RTLD_LOCAL);
  if (!handle)
    return {};
  std::string path;
  link_map *map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map && map->l_name)
    path = map->l_name;
  dlclose(handle);
  return path;
}

/// Whether an object file is for the machine that this process runs on.
bool isForHost(StringRef object) {
  Elf64_Half machine = EM_NONE;
  if (object.size() >= sizeof(Elf64_Ehdr))
    std::memcpy(&machine, object.data() + offsetof(Elf64_Ehdr, e_machine),
                sizeof machine);
  return machine != EM_AARCH64;
}

/// lld keeps global state while it runs.
std::mutex linkerMutex;

Error runLinker(ArrayRef<std::string> arguments) {
  SmallVector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string output;
  raw_string_ostream stream(output);
  std::lock_guard<std::mutex> lock(linkerMutex);
  lld::Result result =
      lld::lldMain(pointers, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return createStringError("cannot link the library: " +
                             StringRef(output).trim());
  return Error::success();
}

/// A library of that name in which there is nothing, for the machine of
/// `object`.
Expected<std::string> emptyLibrary(StringRef object, StringRef soname) {
  auto input = MemoryFile::create("object", object);
  auto nothing = MemoryFile::create("exports", "{ local: *; };\n");
  auto library = OutputPipe::create();
  if (!input || !nothing || !library)
    return joinErrors(joinErrors(input.takeError(), nothing.takeError()),
                      library.takeError());
  if (Error error =
          runLinker({"ld.lld", "-m", "aarch64linux", "-shared", "-o",
                     (*library)->path(), "-soname", soname.str(),
                     "--gc-sections", "--unresolved-symbols=ignore-all",
                     "--version-script=" + nothing->path(), input->path()}))
    return std::move(error);
  return (*library)->finish();
}

/// The C library and its functions of mathematics, as files that name and, on
/// this machine, define them.
struct SystemLibraries {
  std::vector<MemoryFile> files;
  std::vector<std::string> arguments;

  Error find(StringRef object) {
    for (const char *soname : {"libc.so.6", "libm.so.6"}) {
      if (isForHost(object)) {
        std::string path = loadedLibrary(soname);
        if (path.empty())
          return createStringError("cannot find the file of %s", soname);
        arguments.push_back(path);
        continue;
      }
      auto library = emptyLibrary(object, soname);
      if (!library)
        return library.takeError();
      auto file = MemoryFile::create(soname, *library);
      if (!file)
        return file.takeError();
      arguments.push_back(file->path());
      files.push_back(std::move(*file));
    }
    std::vector<std::string> how = {"--as-needed", "--no-undefined"};
    if (!isForHost(object))
      how = {"-m", "aarch64linux", "--no-as-needed",
             "--unresolved-symbols=ignore-all"};
    arguments.insert(arguments.begin(), how.begin(), how.end());
    return Error::success();
  }
};

} // namespace

Expected<std::string>
ladon::artifact::linkSharedLibrary(ArrayRef<StringRef> objects, StringRef name,
                                   ArrayRef<std::string> entries,
                                   bool sanitized) {
  std::vector<std::string> exports;
  for (const std::string &entry : entries)
    for (const char *suffix : {"", "_last_error"})
      exports.push_back(entry + suffix);
  return linkLibrary(objects, name, exports, {}, sanitized);
}

Expected<std::string>
ladon::artifact::linkLibrary(ArrayRef<StringRef> objects, StringRef name,
                             ArrayRef<std::string> exported,
                             ArrayRef<std::string> needed, bool sanitized) {
  // lld knows files only. One that exists and can be replaced would be, by
  // another in the same directory; into a pipe it writes.
  auto library = OutputPipe::create();
  if (!library)
    return library.takeError();
  std::string script = "{ global:";
  for (const std::string &symbol : exported)
    script += " \"" + symbol + "\";";
  script += " local: *; };\n";
  auto exports = MemoryFile::create("exports", script);
  if (!exports)
    return exports.takeError();
  std::vector<std::string> arguments = {
      "ld.lld", "-shared", "-o", (*library)->path(),
      // Nothing that the code does not use, and nothing to look up later.
      "--gc-sections", "-O2", "-z", "now", "-z", "relro", "-z", "noexecstack",
      "--hash-style=gnu", "-Bsymbolic",
      // The same bytes every time.
      "--build-id=none", "--threads=1", "-soname", ("lib" + name + ".so").str(),
      "--version-script=" + exports->path()};
  arguments.push_back(sanitized ? "--unresolved-symbols=ignore-all" : "-s");
  std::vector<MemoryFile> files;
  for (StringRef object : objects) {
    auto file = MemoryFile::create("object", object);
    if (!file)
      return file.takeError();
    arguments.push_back(file->path());
    files.push_back(std::move(*file));
  }
  arguments.insert(arguments.end(), needed.begin(), needed.end());
  SystemLibraries system;
  if (Error error = system.find(objects.front()))
    return std::move(error);
  // What is missing is checked where the runtime is: by the program's loader.
  if (sanitized)
    llvm::erase(system.arguments, "--no-undefined");
  arguments.insert(arguments.end(), system.arguments.begin(),
                   system.arguments.end());

  if (Error error = runLinker(arguments))
    return std::move(error);
  return (*library)->finish();
}
