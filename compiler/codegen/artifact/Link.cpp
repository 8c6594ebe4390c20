//===- Link.cpp - Shared libraries with lld as a library ------------------===//
//
// The libc and libm to link against are the files that this very process has
// loaded: a machine that runs Ladon has them, development packages or not.
// Only their names and symbol versions go into the result.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/artifact/Artifact.h"
#include "compiler/support/MemoryFile.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/raw_ostream.h"

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

} // namespace

Expected<std::string>
ladon::artifact::linkSharedLibrary(ArrayRef<StringRef> objects, StringRef name,
                                   ArrayRef<std::string> entries) {
  std::vector<std::string> exports;
  for (const std::string &entry : entries)
    for (const char *suffix : {"", "_last_error"})
      exports.push_back(entry + suffix);
  return linkLibrary(objects, name, exports, {});
}

Expected<std::string>
ladon::artifact::linkLibrary(ArrayRef<StringRef> objects, StringRef name,
                             ArrayRef<std::string> exported,
                             ArrayRef<std::string> needed) {
  std::string libc = loadedLibrary("libc.so.6");
  std::string libm = loadedLibrary("libm.so.6");
  if (libc.empty() || libm.empty())
    return createStringError("cannot find the file of %s",
                             libc.empty() ? "libc.so.6" : "libm.so.6");

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
      "--gc-sections", "-s", "-O2", "-z", "now", "-z", "relro", "-z",
      "noexecstack", "--hash-style=gnu", "--no-undefined", "-Bsymbolic",
      // The same bytes every time.
      "--build-id=none", "--threads=1", "-soname", ("lib" + name + ".so").str(),
      "--version-script=" + exports->path()};
  std::vector<MemoryFile> files;
  for (StringRef object : objects) {
    auto file = MemoryFile::create("object", object);
    if (!file)
      return file.takeError();
    arguments.push_back(file->path());
    files.push_back(std::move(*file));
  }
  arguments.insert(arguments.end(), needed.begin(), needed.end());
  arguments.insert(arguments.end(), {"--as-needed", libc, libm});

  if (Error error = runLinker(arguments))
    return std::move(error);
  return (*library)->finish();
}
