//===- Limits.h - What positions and sizes may be --------------*- C++ -*-===//
//
// The one place where the compiler says how large an axis can be. The entry
// checks of an artefact enforce it (LADON_MAX_EXTENT in runtime/lib).
//
//===----------------------------------------------------------------------===//

#ifndef LADON_DIALECTS_ATTN_LIMITS_H
#define LADON_DIALECTS_ATTN_LIMITS_H

#include <cstdint>

namespace ladon {

/// Positions and sizes lie below this, so that neither `j - i` nor `i + j`
/// leaves 32 bits.
constexpr int64_t kPositionLimit = int64_t(1) << 30;

} // namespace ladon

#endif // LADON_DIALECTS_ATTN_LIMITS_H
