//===- Debug.cpp - Dumps of passes, in every build ------------------------===//

#include "compiler/support/Debug.h"

#include "llvm/ADT/STLExtras.h"

#include <vector>

static std::vector<std::string> current;

void ladon::setDebugTypes(llvm::ArrayRef<std::string> types) {
  current = types.vec();
}

bool ladon::isDebugType(llvm::StringRef type) {
  return llvm::is_contained(current, type);
}
