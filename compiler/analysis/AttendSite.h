//===- AttendSite.h - What an attend says about its positions --*- C++ -*-===//

#ifndef LADON_COMPILER_ANALYSIS_ATTENDSITE_H
#define LADON_COMPILER_ANALYSIS_ATTENDSITE_H

#include "compiler/analysis/MaskCondition.h"
#include "dialects/attn/Attn.h"

namespace ladon::analysis {

/// What is known where the mask of `op` stands: the ranges of its positions,
/// and which captured scalars are extents of its axes, by name or by tensor.
MaskSite siteOf(attn::AttendOp op);

} // namespace ladon::analysis

#endif // LADON_COMPILER_ANALYSIS_ATTENDSITE_H
