/*===- runtime.c - The runtime as one translation unit --------------------===*\
 *
 * What goes into generated libraries: one object file, whose functions the
 * linker can drop one by one. machine.c is that of the folder of a machine.
 *
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE

#include "call.c"
#include "checks.c"
#include "cpu.c"
#include "entry.c"
#include "formulas.c"
#include "indices.c"
#include "launch.c"
#include "loop.c"
#include "machine.c"
#include "memory.c"
#include "pool.c"
#include "values.c"
