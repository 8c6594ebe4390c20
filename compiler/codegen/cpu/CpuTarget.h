//===- CpuTarget.h - What the code generator knows of a CPU ----*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_CPUTARGET_H
#define LADON_COMPILER_CODEGEN_CPU_CPUTARGET_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace ladon::cpu {

/// One instruction-set level and the tiles that fill its registers. The figures
/// behind the tiles are in docs/design/cpu-kernels.md.
struct CpuTarget {
  llvm::StringRef name;    ///< As on the command line.
  llvm::StringRef isa;     ///< For people.
  int32_t level;           ///< ladon_program.cpu_level
  int64_t vectorBits;      ///< Width of a vector register.
  int64_t registerRows;    ///< Rows of a register tile (keys or features).
  int64_t registerColumns; ///< Vectors per row of a register tile.
  int64_t unroll;          ///< Steps of the register tile's inner loop.
  int64_t keyTile;         ///< Keys per block.
  /// Whether it has instructions for multiply-adds and conversions of f16.
  bool hasMultiplyAdd = true;
  bool hasHalf = true;
  /// Whether it multiplies pairs of bf16 (cpu.dot_pairs).
  bool pairs = false;

  /// Queries per tile for elements of `bits` bits.
  int64_t queryTile(int64_t bits) const {
    return registerColumns * vectorBits / bits;
  }
};

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_CPUTARGET_H
