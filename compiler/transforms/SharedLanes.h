//===- SharedLanes.h - Query heads beside each other in a tile -*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_SHAREDLANES_H
#define LADON_COMPILER_TRANSFORMS_SHAREDLANES_H

#include "dialects/attn/Attn.h"

namespace ladon {

/// How many query heads can lie beside each other in the lanes of a vector:
/// those that read one key head, where all of them see the same keys and no
/// element is read by head and key, which the lanes would gather; else one.
int64_t headsThatShareLanes(attn::AttendOp op);

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_SHAREDLANES_H
