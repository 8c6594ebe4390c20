//===- Link.cpp - Shared libraries with lld as a library ------------------===//
//
// The libc and libm to link against are the files that this very process has
// loaded: a machine that runs Ladon has them, development packages or not.
// Only their names and symbol versions go into the result.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/artifact/Artifact.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <dlfcn.h>
#include <link.h>
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

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

Error writeFile(StringRef path, StringRef bytes) {
  std::error_code code;
  raw_fd_ostream stream(path, code);
  if (!code) {
    stream << bytes;
    stream.close();
    code = stream.error();
    stream.clear_error();
  }
  if (code)
    return createStringError(code,
                             "cannot write '" + path + "': " + code.message());
  return Error::success();
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
ladon::artifact::linkSharedLibrary(ArrayRef<StringRef> objects,
                                   StringRef name) {
  std::string libc = loadedLibrary("libc.so.6");
  std::string libm = loadedLibrary("libm.so.6");
  if (libc.empty() || libm.empty())
    return createStringError("cannot find the file of %s",
                             libc.empty() ? "libc.so.6" : "libm.so.6");

  SmallString<128> directory;
  if (std::error_code code =
          sys::fs::createUniqueDirectory("ladon-link", directory))
    return createStringError(code, "cannot create a temporary directory: " +
                                       code.message());
  scope_exit cleanUp([&] { sys::fs::remove_directories(directory); });
  auto inside = [&](const Twine &file) {
    SmallString<128> path(directory);
    sys::path::append(path, file);
    return std::string(path);
  };

  std::string library = inside("library.so");
  std::string exports = inside("exports");
  std::vector<std::string> arguments = {
      "ld.lld", "-shared", "-o", library,
      // Nothing that the code does not use, and nothing to look up later.
      "--gc-sections", "-s", "-O2", "-z", "now", "-z", "relro", "-z",
      "noexecstack", "--hash-style=gnu", "--no-undefined", "-Bsymbolic",
      // The same bytes every time.
      "--build-id=none", "--threads=1", "-soname", ("lib" + name + ".so").str(),
      "--version-script=" + exports};
  if (Error error = writeFile(exports, ("{ global: \"" + name + "\"; \"" +
                                        name + "_last_error\"; local: *; };\n")
                                           .str()))
    return std::move(error);
  std::vector<StringRef> inputs(objects.begin(), objects.end());
  inputs.push_back(runtimeObject());
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::string path = inside(std::to_string(i) + ".o");
    if (Error error = writeFile(path, inputs[i]))
      return std::move(error);
    arguments.push_back(path);
  }
  arguments.insert(arguments.end(), {"--as-needed", libc, libm});

  if (Error error = runLinker(arguments))
    return std::move(error);
  auto buffer = MemoryBuffer::getFile(library);
  if (!buffer)
    return createStringError(buffer.getError(),
                             "cannot read the linked library: " +
                                 buffer.getError().message());
  return (*buffer)->getBuffer().str();
}
