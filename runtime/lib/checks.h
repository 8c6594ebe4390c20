/*===- checks.h - The entry checks ----------------------------------------===*/

#ifndef LADON_RUNTIME_CHECKS_H
#define LADON_RUNTIME_CHECKS_H

#include "call.h"

/** Copies the options that the caller knows of into the call's. */
bool ladon_check_options(ladon_ctx *ctx, const void *options);

/** Number of 64-bit words that the descriptors of all tensors take. */
size_t ladon_descriptor_words(const ladon_program *program);

/** Checks every argument and builds the descriptors: run_args[i] points into
 *  `words` for a tensor and at the value for a scalar. `symbols` has room for
 *  the sizes and the binding parameter of each symbol: 2 * num_symbols. */
bool ladon_check_arguments(ladon_ctx *ctx, void *const *args, int64_t *words,
                           int64_t *symbols, void **run_args);

#endif /* LADON_RUNTIME_CHECKS_H */
