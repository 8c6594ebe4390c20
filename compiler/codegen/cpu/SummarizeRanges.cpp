//===- SummarizeRanges.cpp - Look at captured tensors once per call -------===//
//
// Under a mask such as doc[b, i] == doc[b, j], every tile of queries of every
// head asks for the range and the signature of the same blocks of `doc`. Here
// they are computed once, before the grid, for aligned blocks of positions; a
// loop over keys then combines the few that cover what it asks for. The memory
// is one that the call can do without: where there is none, the tensor is
// scanned as before.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "compiler/support/Debug.h"
#include "dialects/cpu/Cpu.h"
#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"

#define DEBUG_TYPE "cpu-summarize-ranges"

namespace ladon::cpu {
#define GEN_PASS_DEF_SUMMARIZERANGES
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon;

//===----------------------------------------------------------------------===//
// Where it pays
//===----------------------------------------------------------------------===//

/// Whether a loop goes over the same keys for many tiles. Few queries (rows in
/// front) pass once over the keys of a head; guarded updates are rare.
static bool runsOften(tile::KeyLoopOp loop) {
  WalkResult result = loop.walk([](tile::AccumulateOp op) {
    return op.getTransposed() && !op.getGuard() ? WalkResult::advance()
                                                : WalkResult::interrupt();
  });
  return !result.wasInterrupted();
}

/// Whether `op` asks, in a loop over keys, for positions along the last axis of
/// a tensor, at a point of the grid along the others: then (nearly) all of the
/// tensor is asked for, and again and again.
static bool canSummarize(tile::ValueRangeOp op, tile::GridOp grid) {
  auto loop = op->getParentOfType<tile::KeyLoopOp>();
  if (!loop || !grid->isAncestor(loop) || !runsOften(loop) ||
      op.getLower().empty() || op.getLower().back() == op.getUpper().back() ||
      grid.getBody().isAncestor(op.getSource().getParentRegion()))
    return false;
  auto isPoint = [&](auto bounds) {
    auto at = dyn_cast<BlockArgument>(std::get<0>(bounds));
    return std::get<0>(bounds) == std::get<1>(bounds) && at &&
           at.getOwner() == &grid.getBody().front();
  };
  return llvm::all_of(
      llvm::zip(op.getLower().drop_back(), op.getUpper().drop_back()), isPoint);
}

//===----------------------------------------------------------------------===//
// Summaries
//===----------------------------------------------------------------------===//

namespace {
/// What is known of a tensor [.., S]: (min, max, signature) of blocks of
/// positions, on 64 bits.
struct Summary {
  Value source;
  Value entries; ///< [.., ceil(S / positions), 3]
  Value exists;  ///< i1
};

/// The fields of an entry.
enum Field : int64_t { Min, Max, Signature, NumFields };

class Summarizer {
public:
  Summarizer(ImplicitLocOpBuilder &b, int64_t positions)
      : b(b), positions(positions) {}

  Summary build(Value source);
  void lookUp(tile::ValueRangeOp op, const Summary &summary);

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  /// An index clamped into `axis` of a tensor.
  Value clamped(Value at, Value source, int64_t axis) {
    Value extent = memref::DimOp::create(b, source, axis);
    Value last = arith::SubIOp::create(b, extent, index(1));
    at = arith::MinSIOp::create(b, at, last);
    return arith::MaxSIOp::create(b, at, index(0));
  }
  void fill(const Summary &summary, ValueRange extents);

  ImplicitLocOpBuilder &b;
  int64_t positions;
};
} // namespace

Summary Summarizer::build(Value source) {
  auto type = cast<MemRefType>(source.getType());
  int64_t last = type.getRank() - 1;
  SmallVector<int64_t> shape(type.getShape());
  if (!type.isDynamicDim(last))
    shape[last] = llvm::divideCeil(shape[last], positions);
  shape.push_back(NumFields);

  SmallVector<Value> extents, dynamic;
  Value isFull = arith::ConstantIntOp::create(b, 1, 1);
  for (int64_t axis = 0; axis <= last; ++axis) {
    Value extent = memref::DimOp::create(b, source, axis);
    isFull = arith::AndIOp::create(
        b, isFull,
        arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, extent, index(0)));
    if (axis == last)
      extent = arith::CeilDivSIOp::create(b, extent, index(positions));
    extents.push_back(extent);
    if (type.isDynamicDim(axis))
      dynamic.push_back(extent);
  }
  auto memory = cpu::TryAllocOp::create(
      b, MemRefType::get(shape, b.getI64Type()), b.getI1Type(), dynamic);
  Summary summary{source, memory.getMemory(), {}};
  auto branch =
      scf::IfOp::create(b, memory.getGranted(), /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    fill(summary, extents);
  }
  summary.exists = arith::AndIOp::create(b, memory.getGranted(), isFull);
  return summary;
}

/// One grid point per entry.
void Summarizer::fill(const Summary &summary, ValueRange extents) {
  auto rank = static_cast<int64_t>(extents.size());
  auto schedule = tile::ScheduleAttr::get(
      b.getContext(), llvm::to_vector(llvm::seq<int64_t>(0, rank)),
      /*descending=*/{});
  auto grid = tile::GridOp::create(b, extents, schedule);
  OpBuilder::InsertionGuard guard(b);
  Block *body = b.createBlock(&grid.getBody(), {},
                              SmallVector<Type>(rank, b.getIndexType()),
                              SmallVector<Location>(rank, b.getLoc()));
  SmallVector<Value> lower(body->getArguments()), upper = lower, at = lower;
  lower.back() = arith::MulIOp::create(b, lower.back(), index(positions));
  upper.back() = arith::AddIOp::create(b, lower.back(), index(positions - 1));
  auto range = tile::ValueRangeOp::create(b, summary.source, lower, upper);
  at.push_back({});
  for (auto [field, value] : llvm::enumerate(range.getResults())) {
    at.back() = index(field);
    Value wide = value;
    if (value.getType().getIntOrFloatBitWidth() < 64)
      wide = arith::ExtSIOp::create(b, b.getI64Type(), value);
    memref::StoreOp::create(b, wide, summary.entries, at);
  }
  tile::YieldOp::create(b);
}

/// Combines the entries that cover what `op` asks for; a scan where there is no
/// summary.
void Summarizer::lookUp(tile::ValueRangeOp op, const Summary &summary) {
  b.setLoc(op.getLoc());
  b.setInsertionPoint(op);
  auto branch = scf::IfOp::create(b, op.getResultTypes(), summary.exists,
                                  /*withElseRegion=*/true);
  // Results that nobody uses are not combined.
  SmallVector<Field> fields;
  for (Field field : {Min, Max, Signature})
    if (!op->getResult(field).use_empty())
      fields.push_back(field);
  op->replaceAllUsesWith(branch.getResults());
  op->moveBefore(branch.elseBlock(), branch.elseBlock()->end());
  b.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(b, op.getResults());

  b.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> at;
  for (auto [axis, index] : llvm::enumerate(op.getLower().drop_back()))
    at.push_back(clamped(index, op.getSource(), axis));
  auto entryOf = [&](Value position) -> Value {
    position = clamped(position, op.getSource(), at.size());
    return arith::DivUIOp::create(b, position, index(positions));
  };
  Value first = entryOf(op.getLower().back());
  Value end = arith::AddIOp::create(b, entryOf(op.getUpper().back()), index(1));
  auto integer = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, value, 64);
  };
  const int64_t start[] = {std::numeric_limits<int64_t>::max(),
                           std::numeric_limits<int64_t>::min(), 0};
  SmallVector<Value> none;
  for (Field field : fields)
    none.push_back(integer(start[field]));
  auto loop = scf::ForOp::create(b, first, end, index(1), none);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    at.append({loop.getInductionVar(), Value()});
    SmallVector<Value> combined;
    for (auto [field, soFar] : llvm::zip(fields, loop.getRegionIterArgs())) {
      at.back() = index(field);
      Value x = memref::LoadOp::create(b, summary.entries, at);
      combined.push_back(
          field == Min   ? arith::MinSIOp::create(b, soFar, x).getResult()
          : field == Max ? arith::MaxSIOp::create(b, soFar, x).getResult()
                         : arith::OrIOp::create(b, soFar, x).getResult());
    }
    scf::YieldOp::create(b, combined);
  }
  SmallVector<Value> results;
  for (auto [field, type] : llvm::enumerate(op.getResultTypes())) {
    auto *known = llvm::find(fields, Field(field));
    Value value = known == fields.end()
                      ? integer(0)
                      : loop.getResult(known - fields.begin());
    if (type.getIntOrFloatBitWidth() < 64)
      value = arith::TruncIOp::create(b, type, value);
    results.push_back(value);
  }
  scf::YieldOp::create(b, results);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct SummarizeRanges
    : public ladon::cpu::impl::SummarizeRangesBase<SummarizeRanges> {
  using SummarizeRangesBase::SummarizeRangesBase;

  void runOnOperation() override {
    if (positions < 1) {
      getOperation().emitError("options of the pass: expected blocks of at "
                               "least 1 position, found ")
          << int64_t(positions);
      return signalPassFailure();
    }
    SmallVector<tile::GridOp> grids;
    getOperation().walk<WalkOrder::PreOrder>([&](tile::GridOp grid) {
      grids.push_back(grid);
      return WalkResult::skip();
    });
    for (tile::GridOp grid : grids) {
      llvm::MapVector<Value, SmallVector<tile::ValueRangeOp>> rangesOf;
      grid.walk([&](tile::ValueRangeOp op) {
        if (canSummarize(op, grid))
          rangesOf[op.getSource()].push_back(op);
      });
      for (auto &[source, ops] : rangesOf) {
        ImplicitLocOpBuilder b(ops.front().getLoc(), grid);
        Summarizer summarizer(b, positions);
        Summary summary = summarizer.build(source);
        LADON_DEBUG("summary of " << source << '\n');
        ++summaries;
        for (tile::ValueRangeOp op : ops)
          summarizer.lookUp(op, summary);
      }
    }
  }
};
} // namespace
