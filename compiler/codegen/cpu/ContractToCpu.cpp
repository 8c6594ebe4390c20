//===- ContractToCpu.cpp - Matrix products to register tiles --------------===//
//
// See Passes.td. The register tile is that of attention: rows of x are scalars,
// broadcast, columns of w are in the lanes.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"
#include "compiler/codegen/cpu/RowView.h"
#include "compiler/codegen/cpu/VectorEmitter.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"

#define DEBUG_TYPE "contract-to-cpu"

namespace ladon::cpu {
#define GEN_PASS_DEF_CONTRACTTOCPU
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon::cpu;

/// Rows of x per grid point; a multiple of every register tile's rows.
static constexpr int64_t rowBlock = 96;
/// Steps of the inner product for which a panel of w is packed at once: with
/// three vectors of columns, 24 KiB of it (AVX2) stay in the first-level cache.
static constexpr int64_t depthBlock = 256;
/// Vectors of columns per register tile.
static constexpr int64_t registerColumns = 3;

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
        group(group), unroll(unroll), width(registerColumns * e.lanes) {
    findInitial(op);
  }

  void lower();
  /// The operation that only prepared `out`, or null.
  Operation *getInitialiser() { return initialiser; }

private:
  void findInitial(linalg::ContractOp op);
  Value initialValue(ValueRange position, Value column);
  void lowerPoint(ValueRange lead, Value row, Value column);
  void packPanel(Value depth, Value steps, Value column);
  Value dim(Value memref, int64_t axis) {
    return memref::DimOp::create(b, memref, axis);
  }
  Value buffer(ArrayRef<int64_t> shape) {
    return memref::AllocOp::create(b, MemRefType::get(shape, e.element));
  }
  Value sum(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value rest(Value extent, Value from, int64_t most) {
    return e.minIndex(arith::SubIOp::create(b, extent, from), e.index(most));
  }

  VectorEmitter &e;
  ImplicitLocOpBuilder &b;
  Value x, w, out;
  int64_t rank, group, unroll, width;
  Operation *initialiser = nullptr;
  /// What `out` starts from, if not from its contents: a scalar, or a vector
  /// over the columns.
  Value scalarStart, columnStart;
  Value tile, panel, rowsCopy;
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

Value ContractLowering::initialValue(ValueRange position, Value column) {
  if (scalarStart)
    return scalarStart;
  if (columnStart)
    return memref::LoadOp::create(b, columnStart, column);
  return memref::LoadOp::create(b, out, position);
}

void ContractLowering::lower() {
  SmallVector<OpFoldResult> lower, upper, step;
  for (int64_t axis = 0; axis < rank; ++axis) {
    lower.push_back(b.getIndexAttr(0));
    upper.push_back(dim(out, axis));
    step.push_back(b.getIndexAttr(axis == rank - 2   ? rowBlock
                                  : axis == rank - 1 ? width
                                                     : 1));
  }
  auto grid =
      scf::ForallOp::create(b, lower, upper, step, ValueRange(), std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(grid.getBody());
  tile = buffer({rowBlock, width});
  panel = buffer({depthBlock, width});
  rowsCopy = buffer({rowBlock, depthBlock});
  SmallVector<Value> at(grid.getInductionVars());
  lowerPoint(ValueRange(at).drop_back(2), at[rank - 2], at[rank - 1]);
}

void ContractLowering::packPanel(Value depth, Value steps, Value column) {
  Value columns = rest(dim(w, 1), column, width);
  Value zero = arith::ConstantOp::create(b, b.getFloatAttr(e.element, 0));
  e.loop(e.index(0), steps, 1, {}, [&](Value k, ValueRange) {
    Value row = sum(depth, k);
    e.loop(e.index(0), columns, 1, {},
           [&](Value c, ValueRange) -> SmallVector<Value> {
             Value value =
                 memref::LoadOp::create(b, w, ValueRange{row, sum(column, c)});
             value = e.convert(value, e.element);
             memref::StoreOp::create(b, value, panel, ValueRange{k, c});
             return {};
           });
    e.loop(columns, e.index(width), 1, {},
           [&](Value c, ValueRange) -> SmallVector<Value> {
             memref::StoreOp::create(b, zero, panel, ValueRange{k, c});
             return {};
           });
    return SmallVector<Value>();
  });
}

void ContractLowering::lowerPoint(ValueRange lead, Value row, Value column) {
  Value rows = rest(dim(out, rank - 2), row, rowBlock);
  Value columns = rest(dim(out, rank - 1), column, width);
  Value depth = dim(w, 0);
  Value last = arith::SubIOp::create(b, rows, e.index(1));
  auto inOut = [&](Value r, Value c) {
    SmallVector<Value> position(lead);
    position.append({sum(row, r), sum(column, c)});
    return position;
  };
  auto forOut = [&](llvm::function_ref<void(Value, Value)> body) {
    e.loop(e.index(0), rows, 1, {}, [&](Value r, ValueRange) {
      e.loop(e.index(0), columns, 1, {},
             [&](Value c, ValueRange) -> SmallVector<Value> {
               body(r, c);
               return {};
             });
      return SmallVector<Value>();
    });
  };
  forOut([&](Value r, Value c) {
    Value start = initialValue(inOut(r, c), sum(column, c));
    memref::StoreOp::create(b, start, tile, ValueRange{r, c});
  });

  e.loop(e.index(0), depth, depthBlock, {}, [&](Value k0, ValueRange) {
    Value steps = rest(depth, k0, depthBlock);
    packPanel(k0, steps, column);
    SmallVector<Value> first(lead);
    first.append({row, k0});
    Value xRows = rowView(e, x, first, rows, steps, rowsCopy);
    // A last group of fewer rows repeats the last one; the tile has room.
    e.loop(e.index(0), rows, group, {}, [&](Value r0, ValueRange) {
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
          SmallVector<Value> at = {e.addIndex(r0, r), e.index(n * e.lanes)};
          Value old = e.load(tile, at);
          e.store(e.add(old, sums[r * registerColumns + n]), tile, at);
        }
      return SmallVector<Value>();
    });
    return SmallVector<Value>();
  });

  forOut([&](Value r, Value c) {
    Value value = memref::LoadOp::create(b, tile, ValueRange{r, c});
    memref::StoreOp::create(b, value, out, inOut(r, c));
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
