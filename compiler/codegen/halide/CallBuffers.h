//===- CallBuffers.h - Memrefs as buffers of Halide ------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_HALIDE_CALLBUFFERS_H
#define LADON_COMPILER_CODEGEN_HALIDE_CALLBUFFERS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Value.h"

namespace ladon::halide {

/// Emits code that describes memory as Halide wants it, a `halide_buffer_t`
/// (HalideRuntime.h) on the stack. What it returns is its address.
class CallBuffers {
public:
  explicit CallBuffers(mlir::ImplicitLocOpBuilder &builder) : b(builder) {}

  /// `count` rows of a memref [batch, head, position, feature], or without the
  /// last, from that batch, head and position on. The axes are (feature,
  /// position) or (position).
  mlir::Value addRows(mlir::Value view, mlir::ValueRange from,
                      mlir::Value count);
  /// A whole memref. One without elements becomes one of a zero.
  mlir::Value addAll(mlir::Value memory);
  /// An i32 that the kernel writes, and the memory that it writes to.
  std::pair<mlir::Value, mlir::Value> addFlag();

private:
  struct Axis {
    mlir::Value extent, stride;
  };
  mlir::Value create(mlir::Value address, mlir::Type element,
                     llvm::ArrayRef<Axis> axes);
  mlir::Value allocate(int64_t size, mlir::Type element);
  mlir::Value addressOf(mlir::Value memory);
  mlir::Value index(int64_t value);
  mlir::Value integer(int64_t value, unsigned bits);

  mlir::ImplicitLocOpBuilder &b;
};

} // namespace ladon::halide

#endif // LADON_COMPILER_CODEGEN_HALIDE_CALLBUFFERS_H
