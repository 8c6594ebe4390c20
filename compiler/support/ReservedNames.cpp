//===- ReservedNames.cpp - Names that C keeps for itself ------------------===//

#include "compiler/support/ReservedNames.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

#include <dlfcn.h>

using namespace ladon;
using llvm::StringRef;

/// The meaning of each name of ReservedNames.def.
static const llvm::StringMap<StringRef> &table() {
  static const llvm::StringMap<StringRef> meanings = [] {
    llvm::StringMap<StringRef> map;
#define RESERVED(meaning, names)                                               \
  for (StringRef name : llvm::split(names, ' '))                               \
    map.try_emplace(name, meaning);
#include "compiler/support/ReservedNames.def"
    return map;
  }();
  return meanings;
}

/// The meaning of a name that C or a header reserves, or an empty text.
static StringRef meaningInC(StringRef name) {
  if (StringRef meaning = table().lookup(name); !meaning.empty())
    return meaning;
  if (name.starts_with("_"))
    return "reserved by C for its implementation";
  if (name.starts_with_insensitive("ladon_") || name.starts_with("kDL"))
    return "a name of ladon.h";
  // int32_t, uint_fast8_t; INT32_MAX, UINT64_C, SIZE_MAX.
  StringRef integer = name;
  integer.consume_front("u");
  if (integer.starts_with("int") && name.ends_with("_t"))
    return "a name of the standard headers";
  if (name.starts_with("INT") || name.starts_with("UINT") ||
      name.ends_with("_MAX") || name.ends_with("_MIN"))
    return "a macro of C compilers or of the standard headers";
  return "";
}

static bool isInSystemLibrary(const char *library, StringRef name) {
  void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
  if (!handle)
    return false;
  bool found = dlsym(handle, name.str().c_str()) != nullptr;
  dlclose(handle);
  return found;
}

bool ladon::isKeywordOfC(StringRef name) {
  return table().lookup(name) == "a keyword of C or C++";
}

bool ladon::isReservedInC(StringRef name) { return !meaningInC(name).empty(); }

StringRef ladon::functionNameProblem(StringRef name) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  if (name.empty() || llvm::isDigit(name.front()) ||
      !llvm::all_of(name, isPart))
    return "no identifier of C";
  if (StringRef meaning = meaningInC(name); !meaning.empty())
    return meaning;
  if (isInSystemLibrary("libc.so.6", name))
    return "a function of the C library";
  if (isInSystemLibrary("libm.so.6", name))
    return "a function of the C math library";
  return "";
}
