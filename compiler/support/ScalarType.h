//===- ScalarType.h - Element types ----------------------------*- C++ -*-===//
//
// The element types that a spec may name, and what each room needs to know of
// them; one row of ScalarTypes.def each.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_SUPPORT_SCALARTYPE_H
#define LADON_COMPILER_SUPPORT_SCALARTYPE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace llvm {
struct fltSemantics;
}

namespace ladon {

/// An element type, in the order in which types widen.
enum class ScalarType {
#define SCALAR_TYPE(id, ...) id,
#include "compiler/support/ScalarTypes.def"
};

enum class ScalarKind { Bool, Integer, Float };

/// A row of ScalarTypes.def.
struct ScalarTypeInfo {
  ScalarType type;
  llvm::StringRef name; ///< "f32".
  ScalarKind kind;
  unsigned bytes;                   ///< Of one element in memory.
  ScalarType computed;              ///< In what its values are computed.
  const llvm::fltSemantics *format; ///< Null but for a Float.
  llvm::StringRef inC;              ///< "float".
  int dlpackCode;                   ///< DLDataTypeCode.
  llvm::StringRef numpy;            ///< "<f4".
};

llvm::ArrayRef<ScalarTypeInfo> scalarTypes();
const ScalarTypeInfo &infoOf(ScalarType type);
std::optional<ScalarType> findScalarType(llvm::StringRef name);

inline llvm::StringRef spelling(ScalarType type) { return infoOf(type).name; }
inline bool isFloat(ScalarType type) {
  return infoOf(type).kind == ScalarKind::Float;
}
inline bool isInteger(ScalarType type) {
  return infoOf(type).kind == ScalarKind::Integer;
}
/// Whether the bits of an integer are a natural number.
inline bool isUnsigned(ScalarType type) { return type == ScalarType::U8; }

/// Bytes of one element; a bool is one byte.
inline unsigned byteSize(ScalarType type) { return infoOf(type).bytes; }

/// Whether elements of this type are only kept in memory: they are computed on
/// in a wider type.
inline bool isStorageOnly(ScalarType type) {
  return infoOf(type).computed != type;
}
/// The type that elements of `type` are computed in.
inline ScalarType computedType(ScalarType type) {
  return infoOf(type).computed;
}

/// The value of a float's bits, exactly; a NaN keeps its payload.
double decodeFloat(ScalarType type, uint64_t bits);
/// The bits of a number rounded to a float type: to nearest, ties to even, to
/// infinity beyond the largest, subnormals kept. A NaN stays one.
uint64_t encodeFloat(ScalarType type, double number);
/// What an element of `type`, a float or a type of storage, holds of `number`:
/// a float as encodeFloat, an integer the nearest one that it can hold, ties to
/// even, and 0 for a NaN.
double roundedTo(ScalarType type, double number);

/// "bool, i32, i64, f32 and f64": all types, or those that `wanted` holds for,
/// the last one after `joint`.
std::string listTypes(bool (*wanted)(ScalarType) = nullptr,
                      llvm::StringRef joint = "and");

} // namespace ladon

#endif // LADON_COMPILER_SUPPORT_SCALARTYPE_H
