//===- VisiblePairs.h - How many pairs a mask lets through -----*- C++ -*-===//
//
// Counts the pairs of query and key that a mask lets through, exactly and from
// the checked tree alone: the count says what the spec asks for, not what a
// compiler makes of it. The mask is evaluated by the reference's evaluator, a
// row of keys at a time, and only for the batches and heads that it tells
// apart.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_BENCH_VISIBLEPAIRS_H
#define LADON_COMPILER_DRIVER_BENCH_VISIBLEPAIRS_H

#include "compiler/reference/Bindings.h"

namespace ladon {

/// How many (b, h, i, j) the mask of an attend lets through. Scores of minus
/// infinity count as visible: telling them takes the scores.
int64_t countVisiblePairs(const ast::AttendArgs &args,
                          const Bindings &bindings);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_BENCH_VISIBLEPAIRS_H
