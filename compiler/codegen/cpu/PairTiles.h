//===- PairTiles.h - Tiles whose elements lie in pairs ---------*- C++ -*-===//
//
// Machines that multiply numbers of 16 bits add the products of two neighbours
// to one sum of 32 bits (cpu.dot_pairs). So a transposed tile of 16 bits, of
// (feature, row) or (key, row), has the pairs of its first axis side by side:
// element (i, r) of a buffer of N rows is its number 2 N (i / 2) + 2 r + i % 2.
// The first axis of such a buffer is even.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CPU_PAIRTILES_H
#define LADON_COMPILER_CODEGEN_CPU_PAIRTILES_H

#include "compiler/codegen/vector/VectorEmitter.h"
#include "dialects/tile/Tile.h"

namespace ladon::cpu {

/// Whether a transposed tile, which this is, has pairs.
bool hasPairs(mlir::Value tile);
/// A buffer of pairs as the matrix that it is in memory: [I / 2, 2 N].
mlir::Value pairRows(VectorEmitter &e, mlir::Value tile);
/// Pair `pair` of a row of neighbours, in all lanes.
mlir::Value broadcastPair(VectorEmitter &e, mlir::Value matrix, mlir::Value row,
                          mlir::Value pair);
/// The pairs of `lanes` rows, from row `first` on, of a `pairRows`.
mlir::Value loadPairs(VectorEmitter &e, mlir::Value rows, mlir::Value pair,
                      mlir::Value first);
/// One element of each of `lanes` rows of a tile of pairs: number `key` of the
/// first axis, as an element of the emitter's type.
mlir::Value loadOfPairs(VectorEmitter &e, mlir::Value tile, mlir::Value key,
                        mlir::Value first);
/// Rounds the first `keys` rows of a tile [K, N] of f32 into one of pairs, and
/// of each the first `rows`, unless that is null. A last key without a partner
/// gets a zero beside it.
void roundToPairs(VectorEmitter &e, mlir::Value from, mlir::Value keys,
                  mlir::Value rows, mlir::Value to);
/// Turns rows of a [N, D] view into a tile of pairs [D, N]; rows from `count`
/// on repeat the last one, if there is one.
void transposeToPairs(VectorEmitter &e, mlir::Value view, mlir::Value count,
                      mlir::Value tile);
/// The first `keys` rows of [K, D] values with rows in pairs: the result is
/// [K / 2, 2 D], with zeros beside a last row without a partner.
mlir::Value pairValues(VectorEmitter &e, mlir::Value value, mlir::Value keys);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_PAIRTILES_H
