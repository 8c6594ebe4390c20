//===- Sizes.cpp - Run-time sizes on the command line ---------------------===//

#include "compiler/driver/host/Sizes.h"

#include "compiler/support/SizeExpr.h"
#include "dialects/attn/Limits.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace ladon;

std::vector<std::string> ladon::sizeNames(const ast::Attention &attention) {
  std::vector<std::string> names;
  for (const auto &param : attention.params)
    if (param->type.dims)
      for (const ast::Dim &dim : *param->type.dims)
        if (!dim.isStatic() && !isComputedSize(dim.name) &&
            !llvm::is_contained(names, dim.name))
          names.push_back(dim.name);
  return names;
}

SizeMap ladon::usualSizes(const ast::Attention &attention) {
  SizeMap sizes;
  for (const std::string &name : sizeNames(attention))
    sizes[name] = name == "B" ? 1 : 512;
  return sizes;
}

llvm::Expected<SizeMap> ladon::parseSizes(llvm::StringRef text) {
  SizeMap sizes;
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ',');
  for (llvm::StringRef part : parts) {
    auto [name, value] = part.split('=');
    int64_t size;
    if (name.empty() || value.getAsInteger(10, size) || size < 0 ||
        size >= kPositionLimit)
      return llvm::createStringError(
          "'" + part + "': expected NAME=SIZE with a size of 0 to 1073741823");
    if (!sizes.try_emplace(name, size).second)
      return llvm::createStringError("size " + name + " is given twice");
  }
  return sizes;
}

llvm::Error ladon::checkSizeNames(const ast::Attention &attention,
                                  const SizeMap &sizes) {
  std::vector<std::string> names = sizeNames(attention);
  std::string all = llvm::join(names, ", ");
  for (const auto &entry : sizes)
    if (!llvm::is_contained(names, entry.first()))
      return llvm::createStringError(
          "the spec has no size " + entry.first() +
          (names.empty() ? llvm::Twine(", all its sizes are known")
                         : ", its sizes are " + llvm::Twine(all)));
  for (const std::string &name : names)
    if (!sizes.contains(name))
      return llvm::createStringError("no size is given for " + name +
                                     ", the sizes of the spec are " + all);
  return llvm::Error::success();
}
