//===- TileToCpu.cpp - Tile loop nests to loops over native vectors -------===//
//
// Lowers each scf.forall that holds tile operations: tile values become the
// scratch buffers of a QueryTile, the key loop an scf.for, and every tile
// operation the loops that QueryTile emits. What the loop nest computes stays
// as it is; only its operations change.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"
#include "compiler/codegen/cpu/QueryTile.h"
#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

#define DEBUG_TYPE "tile-to-cpu"

namespace ladon::cpu {
#define GEN_PASS_DEF_TILETOCPU
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

namespace {

static RankedTensorType tileType(Value v) {
  return cast<RankedTensorType>(v.getType());
}

static bool feedsUpdate(Value scores) {
  return llvm::any_of(scores.getUsers(), llvm::IsaPred<tile::SoftmaxUpdateOp>);
}

static bool isTile(Type type) { return isa<RankedTensorType>(type); }

/// Lowers the body of one grid point.
class GridPointLowering {
public:
  GridPointLowering(ImplicitLocOpBuilder &b, VectorEmitter &emitter,
                    QueryTile &tile, IRMapping &map)
      : b(b), e(emitter), tile(tile), map(map) {}

  LogicalResult lowerBody(Block &block);

private:
  Value at(Value v) { return map.lookupOrDefault(v); }
  LogicalResult lowerOperation(Operation &op);
  LogicalResult lowerLoad(tile::LoadOp op);
  LogicalResult lowerStore(tile::StoreOp op);
  LogicalResult lowerKeyLoop(tile::KeyLoopOp op);
  LogicalResult lowerIf(scf::IfOp op);
  void lowerValueRange(tile::ValueRangeOp op);

  ImplicitLocOpBuilder &b;
  VectorEmitter &e;
  QueryTile &tile;
  IRMapping &map;
  /// Views of the key and value tiles in memory.
  DenseMap<Value, Value> views;
};

} // namespace

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Reads the shapes off the tiles of `loop`, which must agree.
static FailureOr<TileShape> findShape(scf::ForallOp loop) {
  TileShape shape;
  bool agree = true;
  auto set = [&](int64_t &field, int64_t value) {
    agree &= field == 0 || field == value;
    field = value;
  };
  loop.walk([&](Operation *op) {
    if (auto scores = dyn_cast<tile::ScoresOp>(op)) {
      set(shape.queries, tileType(scores.getQuery()).getDimSize(0));
      set(shape.features, tileType(scores.getQuery()).getDimSize(1));
      set(shape.keys, tileType(scores.getKey()).getDimSize(0));
    } else if (auto update = dyn_cast<tile::SoftmaxUpdateOp>(op)) {
      set(shape.queries, tileType(update.getAcc()).getDimSize(0));
      set(shape.values, tileType(update.getAcc()).getDimSize(1));
    }
  });
  if (!agree || !shape.queries || !shape.values)
    return loop.emitOpError("expected one attention, with tiles of one shape, "
                            "in a grid point");
  return shape;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

LogicalResult GridPointLowering::lowerBody(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(lowerOperation(op)))
      return failure();
  return success();
}

LogicalResult GridPointLowering::lowerOperation(Operation &op) {
  b.setLoc(op.getLoc());
  return TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](tile::LoadOp op) { return lowerLoad(op); })
      .Case([&](tile::StoreOp op) { return lowerStore(op); })
      .Case([&](tile::KeyLoopOp op) { return lowerKeyLoop(op); })
      .Case([&](tile::ValueRangeOp op) {
        lowerValueRange(op);
        return success();
      })
      .Case([&](tile::ScoresOp op) {
        tile.scores(views.lookup(op.getKey()), at(op.getKeys()),
                    feedsUpdate(op.getScores()));
        return success();
      })
      .Case([&](tile::ModifyOp op) {
        tile.modify(op, map, feedsUpdate(op.getResult()));
        return success();
      })
      .Case([&](tile::MaskOp op) {
        tile.mask(op, map, feedsUpdate(op.getResult()));
        return success();
      })
      .Case([&](tile::SoftmaxInitOp) {
        // Emitted where a loop starts from it: several may start from one.
        return success();
      })
      .Case([&](tile::SoftmaxUpdateOp op) {
        tile.softmaxUpdate(views.lookup(op.getValue()), at(op.getKeys()),
                           op.getBase2(), op.getGuarded());
        return success();
      })
      .Case([&](tile::SoftmaxFinishOp op) {
        tile.softmaxFinish(op.getBase2());
        return success();
      })
      .Case([&](tile::HasNonFiniteOp op) {
        map.map(op.getResult(), tile.hasNonFinite());
        return success();
      })
      .Case([&](scf::IfOp op) { return lowerIf(op); })
      .Default([&](Operation *op) {
        b.clone(*op, map);
        return success();
      });
}

LogicalResult GridPointLowering::lowerLoad(tile::LoadOp op) {
  Value source = at(op.getSource()), batch = at(op.getBatch()),
        head = at(op.getHead()), row = at(op.getRow()), rows = at(op.getRows());
  for (OpOperand &use : op.getTile().getUses()) {
    if (auto scores = dyn_cast<tile::ScoresOp>(use.getOwner());
        scores && scores.getQuery() == op.getTile()) {
      tile.loadQuery(source, batch, head, row, rows,
                     op.getScale() ? op.getScale()->convertToDouble() : 1.0);
      return success();
    }
  }
  if (op.getScale())
    return op.emitOpError("expected a scale on a query tile only");
  bool isValue = llvm::any_of(op.getTile().getUsers(),
                              llvm::IsaPred<tile::SoftmaxUpdateOp>);
  views[op.getTile()] = tile.loadRows(source, batch, head, row, rows, isValue);
  return success();
}

LogicalResult GridPointLowering::lowerStore(tile::StoreOp op) {
  Value dest = at(op.getDest()), batch = at(op.getBatch()),
        head = at(op.getHead()), row = at(op.getRow()), rows = at(op.getRows());
  if (tileType(op.getTile()).getRank() == 2)
    tile.storeOut(dest, batch, head, row, rows);
  else
    tile.storeLse(dest, batch, head, row, rows);
  return success();
}

/// Blocks before and after an excepted range are one loop over block numbers,
/// so that the body is emitted once.
LogicalResult GridPointLowering::lowerKeyLoop(tile::KeyLoopOp op) {
  if (llvm::any_of(op.getInits(), [](Value init) {
        return init.getDefiningOp<tile::SoftmaxInitOp>();
      }))
    tile.softmaxInit();
  // The guarded loop runs only after a result that was not finite.
  bool guarded = op.walk([](tile::SoftmaxUpdateOp update) {
                     return update.getGuarded() ? WalkResult::interrupt()
                                                : WalkResult::advance();
                   }).wasInterrupted();
  tile.setCompact(guarded);
  Value lower = at(op.getLower()), upper = at(op.getUpper());
  int64_t step = op.getStep();
  Block &body = op.getBody().front();

  auto emitBlock = [&](Value first, Value end) {
    Value rest = arith::SubIOp::create(b, end, first);
    Value count = e.minIndex(e.index(step), rest);
    map.map(op.getFirstKey(), first);
    map.map(op.getKeyCount(), count);
    return lowerBody(body);
  };
  LogicalResult result = success();
  if (!op.getExceptLower()) {
    e.loop(lower, upper, step, {}, [&](Value first, ValueRange) {
      result = emitBlock(first, upper);
      return SmallVector<Value>();
    });
    return result;
  }
  Value exceptLower = at(op.getExceptLower());
  Value exceptUpper = at(op.getExceptUpper());
  auto blocks = [&](Value from, Value to) -> Value {
    Value length = arith::MaxSIOp::create(b, arith::SubIOp::create(b, to, from),
                                          e.index(0));
    return arith::CeilDivSIOp::create(b, length, e.index(step));
  };
  Value before = blocks(lower, exceptLower);
  Value total = arith::AddIOp::create(b, before, blocks(exceptUpper, upper));
  e.loop(e.index(0), total, 1, {}, [&](Value number, ValueRange) {
    Value isBefore =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, before);
    Value start = arith::SelectOp::create(b, isBefore, lower, exceptUpper);
    Value end = arith::SelectOp::create(b, isBefore, exceptLower, upper);
    Value base = arith::SelectOp::create(b, isBefore, e.index(0), before);
    Value within = arith::SubIOp::create(b, number, base);
    Value first = arith::AddIOp::create(
        b, start, arith::MulIOp::create(b, within, e.index(step)));
    result = emitBlock(first, end);
    return SmallVector<Value>();
  });
  return result;
}

/// Tile results vanish: both branches leave their state in the same buffers.
LogicalResult GridPointLowering::lowerIf(scf::IfOp op) {
  SmallVector<unsigned> kept;
  SmallVector<Type> types;
  for (OpResult result : op.getResults())
    if (!isTile(result.getType())) {
      kept.push_back(result.getResultNumber());
      types.push_back(result.getType());
    }
  auto branch = scf::IfOp::create(b, types, at(op.getCondition()),
                                  /*addThenBlock=*/true,
                                  /*addElseBlock=*/op.elseBlock() != nullptr);
  auto lowerBranch = [&](Block *from, Block *to) -> LogicalResult {
    if (!from)
      return success();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(to);
    if (failed(lowerBody(*from)))
      return failure();
    b.setInsertionPointToEnd(to);
    SmallVector<Value> values;
    for (unsigned i : kept)
      values.push_back(at(from->getTerminator()->getOperand(i)));
    if (to->empty() || !to->back().hasTrait<OpTrait::IsTerminator>())
      scf::YieldOp::create(b, values);
    return success();
  };
  if (failed(lowerBranch(op.thenBlock(), branch.thenBlock())) ||
      failed(lowerBranch(op.elseBlock(), branch.elseBlock())))
    return failure();
  for (auto [number, result] : llvm::zip(kept, branch.getResults()))
    map.map(op.getResult(number), result);
  return success();
}

/// Reads the whole box, clamped into the tensor.
void GridPointLowering::lowerValueRange(tile::ValueRangeOp op) {
  Value source = at(op.getSource());
  auto type = cast<MemRefType>(source.getType());
  Type element = type.getElementType();
  SmallVector<Value> lower, upper;
  Value some = arith::ConstantIntOp::create(b, 1, 1);
  for (auto [axis, lo, hi] : llvm::enumerate(op.getLower(), op.getUpper())) {
    Value extent = memref::DimOp::create(b, source, axis);
    Value last = arith::SubIOp::create(b, extent, e.index(1));
    auto clamp = [&](Value x) -> Value {
      x = arith::MinSIOp::create(b, x, last);
      return arith::MaxSIOp::create(b, x, e.index(0));
    };
    lower.push_back(clamp(at(lo)));
    upper.push_back(e.addIndex(clamp(at(hi)), 1));
    Value ordered =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sle, at(lo), at(hi));
    Value nonEmpty =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, extent, e.index(0));
    some = arith::AndIOp::create(b, some,
                                 arith::AndIOp::create(b, ordered, nonEmpty));
  }
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  auto branch = scf::IfOp::create(b, TypeRange{element, element}, some,
                                  /*withElseRegion=*/true);
  map.map(op.getMin(), branch.getResult(0));
  map.map(op.getMax(), branch.getResult(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, ValueRange{zero, zero});
  b.setInsertionPointToStart(branch.thenBlock());
  Value first = memref::LoadOp::create(b, source, lower);
  SmallVector<Value> indices;
  std::function<SmallVector<Value>(size_t, ValueRange)> scan =
      [&](size_t axis, ValueRange carried) -> SmallVector<Value> {
    if (axis == lower.size()) {
      Value x = memref::LoadOp::create(b, source, indices);
      return {arith::MinSIOp::create(b, carried[0], x),
              arith::MaxSIOp::create(b, carried[1], x)};
    }
    return llvm::to_vector(e.loop(lower[axis], upper[axis], 1, carried,
                                  [&](Value i, ValueRange inner) {
                                    indices.push_back(i);
                                    auto result = scan(axis + 1, inner);
                                    indices.pop_back();
                                    return result;
                                  }));
  };
  scf::YieldOp::create(b, scan(0, ValueRange{first, first}));
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct TileToCpu : public ladon::cpu::impl::TileToCpuBase<TileToCpu> {
  using TileToCpuBase::TileToCpuBase;

  LogicalResult lowerGrid(scf::ForallOp loop) {
    FailureOr<TileShape> shape = findShape(loop);
    if (failed(shape))
      return failure();
    auto element = cast<FloatType>((*loop.getOps<tile::SoftmaxInitOp>().begin())
                                       .getMax()
                                       .getType()
                                       .getElementType());
    int64_t lanes = vectorBits / element.getWidth();
    if (shape->queries % lanes != 0)
      return loop.emitOpError("expected a query tile that is a multiple of ")
             << lanes << " rows, found " << shape->queries;
    shape->rowsAtOnce = rowsAtOnce;
    shape->unroll = unroll;

    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    auto grid = scf::ForallOp::create(
        b, loop.getMixedLowerBound(), loop.getMixedUpperBound(),
        loop.getMixedStep(), ValueRange(), loop.getMapping());
    b.setInsertionPointToStart(grid.getBody());
    IRMapping map;
    map.map(loop.getInductionVars(), grid.getInductionVars());
    VectorEmitter emitter(b, element, lanes);
    QueryTile tile(emitter, *shape);
    GridPointLowering lowering(b, emitter, tile, map);
    if (failed(lowering.lowerBody(*loop.getBody())))
      return failure();
    loop.erase();
    return success();
  }

  void runOnOperation() override {
    SmallVector<scf::ForallOp> grids;
    getOperation().walk([&](scf::ForallOp loop) {
      if (!loop.getOps<tile::SoftmaxInitOp>().empty())
        grids.push_back(loop);
    });
    for (scf::ForallOp loop : grids)
      if (failed(lowerGrid(loop)))
        return signalPassFailure();
  }
};
} // namespace
