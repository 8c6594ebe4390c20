//===- ContractToCpu.cpp - Matrix products to register tiles --------------===//
//
// See Passes.td. The register tile is that of attention: rows of x are scalars,
// broadcast, columns of w are in the lanes.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/MatrixPanels.h"
#include "compiler/codegen/cpu/Passes.h"
#include "compiler/codegen/cpu/RowView.h"
#include "compiler/codegen/cpu/TileEmitter.h"
#include "compiler/codegen/vector/VectorEmitter.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#define DEBUG_TYPE "contract-to-cpu"

namespace ladon::cpu {
#define GEN_PASS_DEF_CONTRACTTOCPU
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

/// Vectors of columns per register tile, and per panel of w: sizes of models
/// are multiples of 16, and of 32, but not of 24.
static constexpr int64_t registerColumns = 2;
/// Rows per grid point, at most: whole register tiles of them.
static constexpr int64_t mostRows = 96;
/// Columns per grid point, a multiple of every panel's: so often is a row of x
/// used that was copied.
static constexpr int64_t columnBlock = 256;
/// Of a panel of w at once: it stays in the first-level cache beside the rows
/// of a register tile.
static constexpr int64_t panelBytes = 24 << 10;

/// Whether `op` is out[.., n] += x[.., k] * w[k, n].
static LogicalResult checkForm(linalg::ContractOp op) {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("expected buffers; run attn-bufferize before");
  auto x = cast<MemRefType>(op.getInputs()[0].getType());
  auto w = cast<MemRefType>(op.getInputs()[1].getType());
  int64_t rank = x.getRank();
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> dims;
  for (int64_t d = 0; d <= rank; ++d)
    dims.push_back(getAffineDimExpr(d, context));
  AffineExpr n = dims[rank - 1], k = dims[rank];
  SmallVector<AffineExpr> lead(dims.begin(), dims.begin() + rank - 1);
  auto with = [&](AffineExpr last) {
    SmallVector<AffineExpr> results = lead;
    results.push_back(last);
    return AffineMap::get(rank + 1, 0, results, context);
  };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (rank < 2 || w.getRank() != 2 || maps[0] != with(k) ||
      maps[1] != AffineMap::get(rank + 1, 0, {k, n}, context) ||
      maps[2] != with(n))
    return op.emitOpError("expected out[.., n] += x[.., k] * w[k, n] with the "
                          "dimensions in the order (.., n, k)");
  return success();
}

namespace {
/// Emits one product.
class ContractLowering {
public:
  ContractLowering(VectorEmitter &e, linalg::ContractOp op, int64_t group,
                   int64_t unroll)
      : e(e), b(e.b), x(op.getInputs()[0]), w(op.getInputs()[1]),
        out(op.getOutputs()[0]), rank(cast<MemRefType>(x.getType()).getRank()),
        group(group), unroll(unroll),
        rowBlock(std::max(mostRows - mostRows % group, group)),
        width(registerColumns * e.lanes),
        depthBlock(panelBytes * 8 / (width * e.element.getWidth())),
        panels(e, w, width, depthBlock) {
    findInitial(op);
  }

  void lower();
  /// The operation that only prepared `out`, or null.
  Operation *getInitialiser() { return initialiser; }

private:
  void findInitial(linalg::ContractOp op);
  void lowerPoint(ValueRange lead, Value row, Value column);
  void initialise(Value tileRow, ValueRange first, Value rows, Value columns);
  Value hasManyBlocks();
  void addProducts(Value panel, Value tileRow, Value rows, Value steps);
  void finish(Value tileRow, ValueRange first, Value rows, Value columns);
  Value dim(Value memref, int64_t axis) {
    return memref::DimOp::create(b, memref, axis);
  }
  Value sum(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value rest(Value extent, Value from, int64_t most) {
    return e.minIndex(arith::SubIOp::create(b, extent, from), e.index(most));
  }

  VectorEmitter &e;
  ImplicitLocOpBuilder &b;
  Value x, w, out;
  int64_t rank, group, unroll, rowBlock, width, depthBlock;
  Operation *initialiser = nullptr;
  /// What `out` starts from, if not from its contents: a scalar, or a vector
  /// over the columns.
  Value scalarStart, columnStart;
  MatrixPanels panels;
  /// Scratch of a grid point: sums, panel by panel; what a row of them starts
  /// from; and rows of x.
  Value tile, start, xRows;
};
} // namespace

/// A fill, or a broadcast of a bias over all rows, right before the product
/// need not touch memory.
void ContractLowering::findInitial(linalg::ContractOp op) {
  for (Operation *before = op->getPrevNode(); before;
       before = before->getPrevNode()) {
    if (auto fill = dyn_cast<linalg::FillOp>(before);
        fill && fill.getOutputs()[0] == out) {
      scalarStart = fill.getInputs()[0];
      initialiser = fill;
      return;
    }
    if (auto broadcast = dyn_cast<linalg::BroadcastOp>(before);
        broadcast && broadcast.getInit() == out) {
      if (cast<MemRefType>(broadcast.getInput().getType()).getRank() != 1 ||
          llvm::is_contained(broadcast.getDimensions(), rank - 1))
        return;
      columnStart = broadcast.getInput();
      initialiser = broadcast;
      return;
    }
    // Anything that may touch `out` in between keeps its contents meaningful.
    if (!isMemoryEffectFree(before))
      return;
  }
}

/// Whether a panel is used by more than one point of the grid.
Value ContractLowering::hasManyBlocks() {
  Value blocks =
      arith::CeilDivUIOp::create(b, dim(out, rank - 2), e.index(rowBlock));
  for (int64_t axis = 0; axis < rank - 2; ++axis)
    blocks = arith::MulIOp::create(b, blocks, dim(out, axis));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, blocks,
                               e.index(1));
}

void ContractLowering::lower() {
  panels.packAll(hasManyBlocks());
  SmallVector<OpFoldResult> lower, upper, step;
  for (int64_t axis = 0; axis < rank; ++axis) {
    lower.push_back(b.getIndexAttr(0));
    upper.push_back(dim(out, axis));
    step.push_back(b.getIndexAttr(axis == rank - 2   ? rowBlock
                                  : axis == rank - 1 ? columnBlock
                                                     : 1));
  }
  auto grid =
      scf::ForallOp::create(b, lower, upper, step, ValueRange(), std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(grid.getBody());
  tile = scratch(e, columnBlock / width * rowBlock, width);
  start = scratch(e, 1, width);
  // Rows of x may be a power of two apart, and would then share few sets of a
  // cache; those of the copy are not.
  xRows = scratch(e, rowBlock, depthBlock + 16);
  panels.allocateScratch();
  SmallVector<Value> at(grid.getInductionVars());
  lowerPoint(ValueRange(at).drop_back(2), at[rank - 2], at[rank - 1]);
}

/// What the products are added to. Columns that do not exist start from
/// anything: nobody reads what becomes of them.
void ContractLowering::initialise(Value tileRow, ValueRange first, Value rows,
                                  Value columns) {
  if (!scalarStart && !columnStart)
    return forElements(
        e, out, first, rows, columns, width,
        [&](Value view, ValueRange at, Value r, Value c) {
          e.store(e.load(view, at), tile, {sum(tileRow, r), c});
        },
        [&](Value memref, ValueRange at, Value r, Value c) {
          Value x = memref::LoadOp::create(b, memref, at);
          memref::StoreOp::create(b, x, tile, ValueRange{sum(tileRow, r), c});
        });
  forEach(e, e.index(0), columns, 1, [&](Value c) {
    Value x = scalarStart;
    if (columnStart)
      x = memref::LoadOp::create(b, columnStart, sum(first.back(), c));
    memref::StoreOp::create(b, x, start, ValueRange{e.index(0), c});
  });
  forEach(e, e.index(0), rows, 1, [&](Value r) {
    for (int64_t n = 0; n < registerColumns; ++n) {
      Value c = e.index(n * e.lanes);
      e.store(e.load(start, {e.index(0), c}), tile, {sum(tileRow, r), c});
    }
  });
}

/// Adds the products of all rows with the panel to the tile. A last group of
/// fewer rows repeats the last one; the tile has room.
void ContractLowering::addProducts(Value panel, Value tileRow, Value rows,
                                   Value steps) {
  Value last = arith::SubIOp::create(b, rows, e.index(1));
  forEach(e, e.index(0), rows, group, [&](Value r0) {
    SmallVector<Value> sources;
    for (int64_t r = 0; r < group; ++r)
      sources.push_back(e.minIndex(e.addIndex(r0, r), last));
    // Each block of steps is summed from zero: short sums round less.
    SmallVector<Value> zeros(group * registerColumns, e.splat(0));
    SmallVector<Value> sums = e.matmul(
        group, registerColumns, steps, unroll, zeros,
        [&](int64_t r, Value k) -> Value {
          return memref::LoadOp::create(b, xRows, ValueRange{sources[r], k});
        },
        [&](Value k, int64_t n) {
          return e.load(panel, {k, e.index(n * e.lanes)});
        });
    for (int64_t r = 0; r < group; ++r)
      for (int64_t n = 0; n < registerColumns; ++n) {
        SmallVector<Value> at = {e.addIndex(sum(tileRow, r0), r),
                                 e.index(n * e.lanes)};
        Value old = e.load(tile, at);
        e.store(e.add(old, sums[r * registerColumns + n]), tile, at);
      }
  });
}

void ContractLowering::finish(Value tileRow, ValueRange first, Value rows,
                              Value columns) {
  forElements(
      e, out, first, rows, columns, width,
      [&](Value view, ValueRange at, Value r, Value c) {
        e.store(e.load(tile, {sum(tileRow, r), c}), view, at);
      },
      [&](Value memref, ValueRange at, Value r, Value c) {
        Value x =
            memref::LoadOp::create(b, tile, ValueRange{sum(tileRow, r), c});
        memref::StoreOp::create(b, x, memref, at);
      });
}

void ContractLowering::lowerPoint(ValueRange lead, Value row, Value column) {
  Value rows = rest(dim(out, rank - 2), row, rowBlock);
  Value end = sum(column, rest(dim(out, rank - 1), column, columnBlock));
  Value depth = dim(w, 0);
  // Of each panel its first column, the number of them, and its first row in
  // `tile`.
  auto forPanels = [&](llvm::function_ref<void(Value, Value, Value)> body) {
    forEach(e, column, end, width, [&](Value n) {
      Value number = arith::DivUIOp::create(
          b, arith::SubIOp::create(b, n, column), e.index(width));
      body(n, rest(end, n, width),
           arith::MulIOp::create(b, number, e.index(rowBlock)));
    });
  };
  auto at = [&](Value last) {
    SmallVector<Value> position(lead);
    position.append({row, last});
    return position;
  };
  forPanels([&](Value n, Value columns, Value tileRow) {
    initialise(tileRow, at(n), rows, columns);
  });
  forEach(e, e.index(0), depth, depthBlock, [&](Value k0) {
    Value steps = rest(depth, k0, depthBlock);
    copyRows(e, x, at(k0), rows, steps, xRows);
    forPanels([&](Value n, Value columns, Value tileRow) {
      addProducts(panels.getPanel(k0, steps, n, columns), tileRow, rows, steps);
    });
  });
  forPanels([&](Value n, Value columns, Value tileRow) {
    finish(tileRow, at(n), rows, columns);
  });
}

namespace {
struct ContractToCpu
    : public ladon::cpu::impl::ContractToCpuBase<ContractToCpu> {
  using ContractToCpuBase::ContractToCpuBase;

  void runOnOperation() override {
    SmallVector<linalg::ContractOp> products;
    getOperation().walk([&](linalg::ContractOp op) { products.push_back(op); });
    for (linalg::ContractOp op : products) {
      if (failed(checkForm(op)))
        return signalPassFailure();
      ImplicitLocOpBuilder b(op.getLoc(), op);
      auto element = cast<FloatType>(
          cast<MemRefType>(op.getOutputs()[0].getType()).getElementType());
      VectorEmitter emitter(b, element, vectorBits / element.getWidth());
      ContractLowering lowering(emitter, op, rowsAtOnce, unroll);
      lowering.lower();
      if (Operation *initialiser = lowering.getInitialiser())
        initialiser->erase();
      op.erase();
    }
  }
};
} // namespace
