//===- ImportConversion.cpp - Scalars of one type as those of another -----===//

#include "compiler/frontend/ImportExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>

using namespace mlir;
using namespace ladon;
using ast::ScalarType;
using CmpI = arith::CmpIPredicate;
using CmpF = arith::CmpFPredicate;

//===--- Types ------------------------------------------------------------===//

Type ladon::storageType(Builder &b, ScalarType type) {
  switch (type) {
#define SCALAR_TYPE(id, name, kind, bytes, computed, format, inC, dlpack,      \
                    numpy, mlir)                                               \
  case ScalarType::id:                                                         \
    return b.mlir();
#include "compiler/support/ScalarTypes.def"
  }
  llvm_unreachable("every type has a row");
}

Type ladon::scalarType(Builder &b, ScalarType type) {
  return type == ScalarType::Bool ? Type(b.getI1Type())
                                  : storageType(b, computedType(type));
}

//===--- Values -----------------------------------------------------------===//

Value ExprImporter::convert(Value value, ScalarType from, ScalarType to) {
  Type type = scalarType(b, to);
  if (from == to)
    return value;
  bool fromFloat = isa<FloatType>(value.getType());
  if (fromFloat && isa<FloatType>(type))
    return to == ScalarType::F64
               ? arith::ExtFOp::create(b, type, value).getResult()
               : arith::TruncFOp::create(b, type, value).getResult();
  if (fromFloat)
    return floatToInteger(value, type);
  if (isa<FloatType>(type))
    return from == ScalarType::Bool
               ? arith::UIToFPOp::create(b, type, value).getResult()
               : arith::SIToFPOp::create(b, type, value).getResult();
  if (from == ScalarType::Bool)
    return arith::ExtUIOp::create(b, type, value);
  if (to == ScalarType::I64)
    return arith::ExtSIOp::create(b, type, value);
  return arith::TruncIOp::create(b, type, value);
}

Value ExprImporter::floatToInteger(Value value, Type type) {
  Type floatType = value.getType();
  bool isWide = type.isInteger(64);
  double limit = isWide ? 0x1p63 : 0x1p31;
  Value tooHigh =
      arith::CmpFOp::create(b, CmpF::OGE, value, real(floatType, limit));
  Value tooLow =
      arith::CmpFOp::create(b, CmpF::OLT, value, real(floatType, -limit));
  Value isNan = arith::CmpFOp::create(b, CmpF::UNO, value, value);
  Value outside =
      arith::OrIOp::create(b, arith::OrIOp::create(b, tooHigh, tooLow), isNan);
  Value safe = arith::SelectOp::create(b, outside, real(floatType, 0), value);
  Value result = arith::FPToSIOp::create(b, type, safe);
  int64_t most = isWide ? std::numeric_limits<int64_t>::max()
                        : std::numeric_limits<int32_t>::max();
  result = arith::SelectOp::create(b, tooHigh, integer(type, most), result);
  return arith::SelectOp::create(b, tooLow, integer(type, -most - 1), result);
}

Value ExprImporter::fromStorage(Value value, ScalarType stored) {
  if (stored == ScalarType::Bool)
    return arith::CmpIOp::create(b, CmpI::ne, value,
                                 integer(value.getType(), 0));
  if (!isStorageOnly(stored))
    return value;
  Type type = scalarType(b, stored);
  if (isFloat(stored))
    return arith::ExtFOp::create(b, type, value);
  if (isUnsigned(stored))
    return arith::ExtUIOp::create(b, type, value);
  return arith::ExtSIOp::create(b, type, value);
}
