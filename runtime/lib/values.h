/*===- values.h - What the entry checks demand of values ------------------===*/

#ifndef LADON_RUNTIME_VALUES_H
#define LADON_RUNTIME_VALUES_H

#include "call.h"

/** Checks the values that say where a call writes, of all batch entries.
 *  `symbols` are the extents, `run_args` the arguments as the code gets them:
 *  the shapes of all tensors have been checked. */
bool ladon_check_values(ladon_ctx *ctx, const int64_t *symbols,
                        void *const *run_args);

#endif /* LADON_RUNTIME_VALUES_H */
