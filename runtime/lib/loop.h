/*===- loop.h - Parallel loops and their scratch --------------------------===*/

#ifndef LADON_RUNTIME_LOOP_H
#define LADON_RUNTIME_LOOP_H

#include "call.h"

/** Gives the call's scratch buffers back. */
void ladon_release_scratch(ladon_ctx *ctx);

#endif /* LADON_RUNTIME_LOOP_H */
