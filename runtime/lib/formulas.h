/*===- formulas.h - Sizes that are computed from others -------------------===*/

#ifndef LADON_RUNTIME_FORMULAS_H
#define LADON_RUNTIME_FORMULAS_H

#include "call.h"

/** Compares each size whose name is a formula with what the formula gives.
 *  `symbols` has the extent of each symbol, then the parameter that it is the
 *  extent of: 2 * num_symbols. */
bool ladon_check_formulas(ladon_ctx *ctx, const int64_t *symbols);

#endif /* LADON_RUNTIME_FORMULAS_H */
