//===- LoadedAttention.cpp - Calling a compiled attention from the driver -===//

#include "compiler/driver/compile/LoadedAttention.h"
#include "compiler/support/MemoryFile.h"

#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <ffi.h>
#include <optional>
#include <sys/auxv.h>
#include <vector>

using namespace ladon;

/// The entry point and how libffi calls it.
struct LoadedAttention::Interface {
  std::optional<MemoryFile> file;
  void *handle = nullptr;
  void (*entry)() = nullptr;
  const char *(*lastError)() = nullptr;
  std::vector<ffi_type *> types;
  std::vector<bool> isScalar;
  mutable ffi_cif call;

  ~Interface() {
    if (handle)
      dlclose(handle);
  }
};

LoadedAttention::~LoadedAttention() = default;

static ffi_type *scalarType(artifact::ElementType type) {
  bool isLong = byteSize(type) == 8;
  switch (infoOf(type).kind) {
  case ScalarKind::Bool:
    return &ffi_type_uint8;
  case ScalarKind::Integer:
    return isLong ? &ffi_type_sint64 : &ffi_type_sint32;
  case ScalarKind::Float:
    return isLong ? &ffi_type_double : &ffi_type_float;
  }
  llvm_unreachable("unknown kind");
}

/// Whether a library is for another kind of CPU than this program.
static bool isForeign(llvm::StringRef library) {
  auto machineOf = [](const char *elf) {
    Elf64_Half machine;
    std::memcpy(&machine, elf + offsetof(Elf64_Ehdr, e_machine),
                sizeof machine);
    return machine;
  };
  const auto *own = reinterpret_cast<const char *>(getauxval(AT_SYSINFO_EHDR));
  return own && library.size() >= sizeof(Elf64_Ehdr) &&
         machineOf(library.data()) != machineOf(own);
}

llvm::Expected<std::unique_ptr<LoadedAttention>>
LoadedAttention::load(const Artefact &artefact, size_t index) {
  if (isForeign(artefact.library)) {
    std::unique_ptr<LoadedAttention> kept(new LoadedAttention);
    kept->name = artefact.programs[index].name;
    kept->foreign = artefact.library;
    return kept;
  }
  auto file =
      MemoryFile::create("lib" + artefact.name + ".so", artefact.library);
  if (!file)
    return file.takeError();
  std::unique_ptr<LoadedAttention> loaded(new LoadedAttention);
  loaded->interface = std::make_unique<Interface>();
  Interface &interface = *loaded->interface;
  interface.file.emplace(std::move(*file));
  interface.handle =
      dlopen(interface.file->path().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!interface.handle)
    return llvm::createStringError(llvm::Twine("cannot load the library: ") +
                                   dlerror());
  const artifact::ProgramSpec &program = artefact.programs[index];
  const std::string &name = loaded->name = program.name;
  loaded->driver = program.driver;
  interface.entry =
      reinterpret_cast<void (*)()>(dlsym(interface.handle, name.c_str()));
  interface.lastError = reinterpret_cast<const char *(*)()>(
      dlsym(interface.handle, (name + "_last_error").c_str()));
  if (!interface.entry || !interface.lastError)
    return llvm::createStringError("the library lacks its entry points");

  for (const artifact::ParamSpec &param : program.params) {
    bool scalar = param.kind == artifact::ParamKind::Scalar;
    interface.isScalar.push_back(scalar);
    interface.types.push_back(scalar ? scalarType(param.element)
                                     : &ffi_type_pointer);
  }
  interface.types.push_back(&ffi_type_pointer);
  if (ffi_prep_cif(&interface.call, FFI_DEFAULT_ABI, interface.types.size(),
                   &ffi_type_sint32, interface.types.data()) != FFI_OK)
    return llvm::createStringError("cannot describe the entry point's call");
  return loaded;
}

int32_t LoadedAttention::call(llvm::ArrayRef<void *> arguments,
                              const void *options) const {
  std::vector<const void *> pointers(arguments.begin(), arguments.end());
  pointers.push_back(options);
  // libffi takes the address of every argument's value.
  std::vector<void *> values;
  for (size_t i = 0; i < pointers.size(); ++i)
    values.push_back(i < arguments.size() && interface->isScalar[i]
                         ? arguments[i]
                         : static_cast<void *>(&pointers[i]));
  ffi_arg status = 0;
  ffi_call(&interface->call, interface->entry, &status, values.data());
  return static_cast<int32_t>(status);
}

std::string LoadedAttention::lastError() const {
  return interface->lastError();
}
