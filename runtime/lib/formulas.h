/*===- formulas.h - Sizes that are computed from others -------------------===*/

#ifndef LADON_RUNTIME_FORMULAS_H
#define LADON_RUNTIME_FORMULAS_H

#include "call.h"

/** Compares each size whose name is a formula with what the formula gives.
 *  `symbols` has the extent of each symbol, then the parameter that it is the
 *  extent of: 2 * num_symbols. */
bool ladon_check_formulas(ladon_ctx *ctx, const int64_t *symbols);

/** The value of a formula, or of a name or number alone, for these symbols;
 *  false where a step overflows. */
bool ladon_evaluate_size(const ladon_program *program, const int64_t *symbols,
                         const char *text, int64_t *value);

#endif /* LADON_RUNTIME_FORMULAS_H */
