//===- ScalarType.cpp - Element types -------------------------------------===//

#include "compiler/support/ScalarType.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

using namespace ladon;
using llvm::StringRef;

llvm::ArrayRef<ScalarTypeInfo> ladon::scalarTypes() {
  static const ScalarTypeInfo table[] = {
#define SCALAR_TYPE(id, name, kind, bytes, computed, format, inC, dlpack,      \
                    numpy, mlir)                                               \
  {ScalarType::id,                                                             \
   name,                                                                       \
   ScalarKind::kind,                                                           \
   bytes,                                                                      \
   ScalarType::computed,                                                       \
   ScalarKind::kind == ScalarKind::Float ? &llvm::APFloat::format() : nullptr, \
   inC,                                                                        \
   dlpack,                                                                     \
   numpy},
#include "compiler/support/ScalarTypes.def"
  };
  return table;
}

const ScalarTypeInfo &ladon::infoOf(ScalarType type) {
  return scalarTypes()[static_cast<size_t>(type)];
}

std::optional<ScalarType> ladon::findScalarType(StringRef name) {
  for (const ScalarTypeInfo &info : scalarTypes())
    if (info.name == name)
      return info.type;
  return std::nullopt;
}

double ladon::decodeFloat(ScalarType type, uint64_t bits) {
  const ScalarTypeInfo &info = infoOf(type);
  llvm::APFloat value(*info.format, llvm::APInt(8 * info.bytes, bits));
  bool losesInfo;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToDouble();
}

uint64_t ladon::encodeFloat(ScalarType type, double number) {
  llvm::APFloat value(number);
  bool losesInfo;
  value.convert(*infoOf(type).format, llvm::APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.bitcastToAPInt().getZExtValue();
}

double ladon::roundedTo(ScalarType type, double number) {
  if (isFloat(type))
    return decodeFloat(type, encodeFloat(type, number));
  if (std::isnan(number))
    return 0;
  double limit = std::ldexp(1, 8 * int(byteSize(type)) - !isUnsigned(type));
  return std::clamp(std::nearbyint(number), isUnsigned(type) ? 0 : -limit,
                    limit - 1);
}

std::string ladon::listTypes(bool (*wanted)(ScalarType), StringRef joint) {
  std::vector<StringRef> names;
  for (const ScalarTypeInfo &info : scalarTypes())
    if (!wanted || wanted(info.type))
      names.push_back(info.name);
  std::string text;
  for (auto [at, name] : llvm::enumerate(names)) {
    if (at)
      text += at + 1 == names.size() ? " " + joint.str() + " " : ", ";
    text += name;
  }
  return text;
}
