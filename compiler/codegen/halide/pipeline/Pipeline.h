//===- Pipeline.h - An attend as a pipeline of Halide ----------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_HALIDE_PIPELINE_PIPELINE_H
#define LADON_COMPILER_CODEGEN_HALIDE_PIPELINE_PIPELINE_H

#include "compiler/codegen/halide/pipeline/Expressions.h"

#include <optional>

namespace ladon::halide {

/// How a pipeline is cut up.
struct Schedule {
  int lanes;        ///< Queries in a vector.
  int queries;      ///< Queries of a tile, a multiple of `lanes`.
  int keys = 128;   ///< Keys of a block.
  int registerRows; ///< Keys or features whose sums are in registers.
};

/// The schedule for a level of the psABI, with the tiles that `tile.shape` of
/// the attend names; none if there is no level of that name.
std::optional<Schedule> scheduleFor(llvm::StringRef level, attn::AttendOp op);

/// The target of Halide for a level of the psABI.
Halide::Target targetFor(llvm::StringRef level);

/// One tile of queries of one head of an attend, over the keys that it sees.
///
/// Arguments, in this order: the context of the kernel's memory (Arena.h); q,
/// k, v and the captured tensors as buffers, the
/// features of q, k and v first and their positions second; the batch, the
/// head, the first query, the number of queries, the keys [low, high) that a
/// row may see, and [fullLow, fullHigh) that all rows see, as i32; the sink of
/// the head if there are sinks; the captured scalars. Then what is written:
/// out, lse if there is one, and an i32 that is not 0 if a result is not
/// finite.
struct AttendPipeline {
  std::vector<Halide::Argument> inputs;
  std::vector<Halide::Func> outputs;
};

/// With `guarded`, what hidden keys hold is kept away from the result, at a
/// price: nothing times infinity is not nothing.
mlir::FailureOr<AttendPipeline>
buildAttendPipeline(attn::AttendOp op, const Schedule &schedule, bool guarded);

} // namespace ladon::halide

#endif // LADON_COMPILER_CODEGEN_HALIDE_PIPELINE_PIPELINE_H
