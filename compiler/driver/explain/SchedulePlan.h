//===- SchedulePlan.h - What a compiled attention will compute --*- C++ -*-===//
//
// The schedule of a module at the tile level on given inputs: which blocks of
// keys each tile of queries computes, with or without a mask, and which it
// skips. Nothing of it is a model: the tile interpreter runs the code that the
// code generator lowers, and reports what that code decided.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_EXPLAIN_SCHEDULEPLAN_H
#define LADON_COMPILER_DRIVER_EXPLAIN_SCHEDULEPLAN_H

#include "compiler/reference/HostTensor.h"
#include "compiler/reference/TileInterpreter.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

#include <optional>
#include <string>
#include <vector>

namespace ladon {

/// Neighbouring blocks of keys of one tile that are of one class.
struct PlannedBlock {
  VisitedBlock::Class kind;
  int64_t firstKey, keys;
};

/// What is computed for one tile of queries.
struct PlannedTile {
  int64_t batch, head;
  int64_t heads; ///< Query heads from `head` on with the same blocks.
  int64_t firstQuery, queries;
  std::vector<PlannedBlock> blocks; ///< Without those that bounds leave out.

  /// The keys from the first to the last that is computed; empty: first == end.
  std::pair<int64_t, int64_t> keyRange() const;
};

/// The output projection of an attend, which its nest computes for some sizes.
struct PlannedProjection {
  int64_t mostKeys, leastTiles; ///< Those of `tile.projection`.
  int64_t mostFew;              ///< Up to so many queries it does not.
  int64_t rowBytes; ///< What all heads of a query take between the two.
};

/// The schedule of one attend.
struct AttendPlan {
  int64_t batches = 0, heads = 0, queries = 0, keys = 0;
  int64_t headDim = 0, valueDim = 0;
  int64_t queryTile = 0, keyTile = 0;
  /// Pairs in blocks that are computed without and with a mask.
  int64_t fullPairs = 0, partialPairs = 0;
  std::string place; ///< Of the attend in its file: "mha.attn:4:10".
  std::optional<PlannedProjection> projection;
  /// Bytes of a weight where weights are summed over the heads as they are
  /// made; else 0.
  int64_t summedBytes = 0;
  /// Those of the batch and head in the picture, or of all.
  std::vector<PlannedTile> tiles;

  /// B * H * S * T.
  double pairs() const {
    return double(batches) * double(heads) * double(queries) * double(keys);
  }
  /// Operations of one pair.
  int64_t flopsPerPair() const { return 2 * headDim + 2 * valueDim; }
};

/// What to plan, and how much of it.
struct PlanOptions {
  int64_t batch = 0, head = 0; ///< In the picture.
  bool everyHead = false;      ///< Tiles of all batches and heads instead.
  /// Of blocks that are visited, in all; more is an error
  /// (std::errc::result_out_of_range), for it would take minutes.
  int64_t blockLimit = int64_t(1) << 22;
};

/// The schedules of the attends of `module`, in program order. `arguments` are
/// those of its function: inputs, then outputs, which are not written; floats
/// are not read, and need no memory.
llvm::Expected<std::vector<AttendPlan>>
planSchedule(mlir::ModuleOp module, llvm::ArrayRef<HostTensor> arguments,
             const PlanOptions &plan = {});

/// The projections of the attends on buffers of `module`, by their places.
llvm::StringMap<PlannedProjection> readProjections(mlir::ModuleOp module);

/// The bytes of a weight of those attends on buffers of `module` that sum their
/// weights over the heads, by their places.
llvm::StringMap<int64_t> readWeightSums(mlir::ModuleOp module);

/// What memory such an attend takes, and is spared; empty for others.
std::string describeWeights(const AttendPlan &plan);

/// Where the projection of an attend is computed, why there, and what that
/// saves; empty without one.
std::string describeProjection(const AttendPlan &plan);

/// A picture of the tiles of one batch and head for a terminal: a line per
/// tile or per few of them, with its range of keys.
std::string drawText(const AttendPlan &plan, int64_t batch, int64_t head);

/// The same picture as an SVG file, a rectangle for every block.
std::string drawSvg(const AttendPlan &plan, int64_t batch, int64_t head,
                    llvm::StringRef title);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_EXPLAIN_SCHEDULEPLAN_H
