//===- RowView.h - Rows of a tensor with unit inner stride -----*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_ROWVIEW_H
#define LADON_COMPILER_CODEGEN_CPU_ROWVIEW_H

#include "compiler/codegen/vector/VectorEmitter.h"

namespace ladon::cpu {

/// A [rows, columns] view, with unit inner stride, of the elements of `source`
/// that start at `first` and run along its last two axes: the memory itself
/// when its inner stride is 1, which is tested at run time, else a copy made in
/// `scratch`, a buffer of at least [rows, columns]; always a copy when elements
/// are converted to the type of the emitter. The view has the static
/// number of columns of `scratch`, of which the caller may use `columns`.
mlir::Value rowView(VectorEmitter &e, mlir::Value source,
                    mlir::ValueRange first, mlir::Value rows,
                    mlir::Value columns, mlir::Value scratch);

/// Copies [rows, columns] elements of `source`, which start at `first` and run
/// along its last two axes, to `scratch`, converted to the type of the emitter.
void copyRows(VectorEmitter &e, mlir::Value source, mlir::ValueRange first,
              mlir::Value rows, mlir::Value columns, mlir::Value scratch);

/// The same view of memory only; valid where `hasUnitInnerStride` is true.
mlir::Value rowsInPlace(VectorEmitter &e, mlir::Value source,
                        mlir::ValueRange first, mlir::Value rows,
                        int64_t width);

/// Whether neighbours along the last axis of `memref` are neighbours in memory.
mlir::Value hasUnitInnerStride(VectorEmitter &e, mlir::Value memref);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_ROWVIEW_H
