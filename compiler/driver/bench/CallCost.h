//===- CallCost.h - How much work a spec is ---------------------*- C++ -*-===//
//
// What one call has to compute and to move, whatever the compiler makes of it.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_BENCH_CALLCOST_H
#define LADON_COMPILER_DRIVER_BENCH_CALLCOST_H

#include "compiler/reference/Bindings.h"

namespace ladon {

/// What one call computes and moves.
struct Work {
  int64_t pairs = 0;        ///< B * H * S * T, over all attends.
  int64_t visiblePairs = 0; ///< Those that the masks let through.
  /// 2 D + 2 Dv for each visible pair and 2 M N K for each product `@`.
  double flops = 0;
  /// Every input read once and every output written once.
  int64_t bytes = 0;
};

/// Of what the results need, everything once.
Work countWork(const ast::Attention &attention, const Bindings &bindings);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_BENCH_CALLCOST_H
