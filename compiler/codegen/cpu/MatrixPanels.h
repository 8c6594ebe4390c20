//===- MatrixPanels.h - A matrix in panels of registers --------*- C++ -*-===//
//
// The right side of a product as its inner loop reads it: panels of a few
// vectors of columns, each row of a panel after the one before. What BLIS (Van
// Zee and van de Geijn, 2015) calls packing B.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CPU_MATRIXPANELS_H
#define LADON_COMPILER_CODEGEN_CPU_MATRIXPANELS_H

#include "compiler/codegen/vector/VectorEmitter.h"

namespace ladon::cpu {

/// Where elements of a tensor are: `at` in `memref`, which is the tensor or a
/// view of it, and how far from the first of them.
using ElementBody =
    llvm::function_ref<void(mlir::Value memref, mlir::ValueRange at,
                            mlir::Value row, mlir::Value column)>;

/// Visits [rows, columns] elements of `memref` from `first` on, along its last
/// two axes: registers of them with `whole` where there are `width` columns,
/// neighbours in memory; single ones with `single` elsewhere.
void forElements(VectorEmitter &e, mlir::Value memref, mlir::ValueRange first,
                 mlir::Value rows, mlir::Value columns, int64_t width,
                 ElementBody whole, ElementBody single);

/// A matrix [K, N], or [N, K] if it is transposed, of any strides and float
/// type as panels [K, width] of the emitter's type.
class MatrixPanels {
public:
  /// `depth` is the most rows that are asked for at once.
  MatrixPanels(VectorEmitter &e, mlir::Value matrix, bool isTransposed,
               int64_t width, int64_t depth);

  /// Packs all panels by a parallel loop, in memory of the call, if the i1
  /// `isWanted` holds and there is memory for it.
  void packAll(mlir::Value isWanted);
  /// Whether all panels were packed, an i1.
  mlir::Value arePacked() { return isPacked; }
  /// Takes scratch memory of a grid point of at most `columns` columns, for
  /// panels that were not packed.
  void allocateScratch(int64_t columns);
  /// The panels of steps [first, first + steps), a block of them, and columns
  /// [column, end), one after the other. Columns of the last that do not exist
  /// hold anything. Valid until the next call.
  mlir::Value getBlock(mlir::Value first, mlir::Value steps, mlir::Value column,
                       mlir::Value end);
  /// A panel of a block.
  mlir::Value getPanel(mlir::Value block, mlir::Value number,
                       mlir::Value steps);

private:
  void pack(mlir::Value first, mlir::Value steps, mlir::Value column,
            mlir::Value columns, mlir::Value target);
  void packTransposed(mlir::Value first, mlir::Value steps, mlir::Value column,
                      mlir::Value columns, mlir::Value target);
  void packRows(mlir::Value first, mlir::Value steps, mlir::Value column,
                mlir::Value end, mlir::Value target, mlir::Value row,
                mlir::Value pitch);
  mlir::Value rowOfBlock(mlir::Value first, mlir::Value steps,
                         mlir::Value column);
  mlir::Value rest(mlir::Value extent, mlir::Value from, int64_t most);
  mlir::Value countSteps();
  mlir::Value view(mlir::Value buffer, mlir::Value row, mlir::Value rows);

  VectorEmitter &e;
  mlir::ImplicitLocOpBuilder &b;
  mlir::Value matrix;
  bool isTransposed;
  int64_t width, depth;
  /// All panels, one after the other, if `isPacked`.
  mlir::Value all, isPacked;
  mlir::Value own; ///< Panels of a block, packed by a grid point.
};

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_MATRIXPANELS_H
