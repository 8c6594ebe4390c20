//===- ThreadProducts.cpp - Products of tiles by mma.sync -----------------===//
//
// Tensor cores have products of 16-bit numbers, and of f32 with 11 bits of
// mantissa (tf32). A product of f32 is three of those: of the upper halves, and
// of each upper half with the other's rest (Markidis et al. 2018); what is left
// out is 2^-22 of it.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/ThreadEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

using namespace mlir;
using namespace ladon;
using namespace ladon::cuda;

namespace {
/// Products of a tile in registers, or in shared memory, with one in shared
/// memory.
class Products {
public:
  /// The result is a tile `result`.
  Products(ImplicitLocOpBuilder &b, Type result, Value shared)
      : place(b, result), b(b), shared(shared),
        element(getElementTypeOrSelf(shared.getType())),
        isNarrow(element.getIntOrFloatBitWidth() == 16) {}

  ThreadTile place; ///< Of the result.

  /// Columns of the left tile in one step.
  int64_t depth() const { return isNarrow ? 16 : 8; }

  /// The left operand of a step, for 16 rows.
  struct Left {
    SmallVector<Value, 4> upper, lower; ///< lower is for f32 only.
  };
  /// For all groups of 16 rows.
  SmallVector<Left, 2> left(Value tile, int64_t step);

  /// The right operands of 16 columns of the result and one step, as two groups
  /// of 8 columns. `rowsAreDepth`: the rows of the shared tile are summed over;
  /// otherwise they are the columns of the result.
  struct Right {
    SmallVector<Value, 2> upper, lower;
  };
  std::array<Right, 2> right(int64_t column, int64_t step, bool rowsAreDepth);

  /// acc + left right, for the four elements of 8 columns.
  SmallVector<Value, 4> add(const Left &left, const Right &right,
                            SmallVector<Value, 4> acc);

private:
  Left leftOfVector(Value tile, int64_t step, int64_t group);
  Left leftOfShared(Value tile, int64_t step, int64_t group);
  /// Which of four matrices comes second: that of the next rows, or columns.
  enum Second { Rows, Columns };
  SmallVector<Value> loadMatrices(Value tile, Value row, int64_t column,
                                  Second order, bool transpose);
  Value loadShared(Value tile, Value row, Value column);
  std::pair<Value, Value> split(Value x);
  SmallVector<Value, 4> multiply(ValueRange a, ValueRange right, ValueRange c);

  ImplicitLocOpBuilder &b;
  Value shared;
  Type element;
  bool isNarrow;
};
} // namespace

/// The bits of a tf32 and those of what it leaves of an f32.
std::pair<Value, Value> Products::split(Value x) {
  Type i32 = b.getI32Type();
  Value bits = arith::BitcastOp::create(b, i32, x);
  Value upper =
      arith::AndIOp::create(b, bits, place.constant(int32_t(0xffffe000u)));
  Value high = arith::BitcastOp::create(b, b.getF32Type(), upper);
  Value rest = arith::SubFOp::create(b, x, high);
  // Infinity less infinity would be NaN.
  Value isNumber =
      arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, rest, rest);
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  rest = arith::SelectOp::create(b, isNumber, rest, zero);
  // The bits that are cut off must not make a number of a NaN.
  Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
  upper = arith::SelectOp::create(b, isNan, place.constant(0x7fffe000), upper);
  return {upper, arith::BitcastOp::create(b, i32, rest)};
}

SmallVector<Products::Left, 2> Products::left(Value tile, int64_t step) {
  SmallVector<Left, 2> result;
  for (int64_t group = 0; group < place.groups; ++group)
    result.push_back(isa<MemRefType>(tile.getType())
                         ? leftOfShared(tile, step, group)
                         : leftOfVector(tile, step, group));
  return result;
}

Products::Left Products::leftOfVector(Value tile, int64_t step, int64_t group) {
  int64_t first =
      group * cast<VectorType>(tile.getType()).getNumElements() / place.groups;
  Left result;
  if (isNarrow) {
    for (int64_t pair = 0; pair < 4; ++pair) {
      int64_t from = first + 8 * step + 2 * pair;
      result.upper.push_back(vector::ShuffleOp::create(
          b, tile, tile, ArrayRef<int64_t>{from, from + 1}));
    }
    return result;
  }
  // Column 2 t is the step's t, column 2 t + 1 its t + 4.
  for (int64_t e : {0, 2, 1, 3}) {
    auto [upper, lower] =
        split(vector::ExtractOp::create(b, tile, first + 4 * step + e));
    result.upper.push_back(upper);
    result.lower.push_back(lower);
  }
  return result;
}

Products::Left Products::leftOfShared(Value tile, int64_t step, int64_t group) {
  Left result;
  if (isNarrow) {
    Value first = place.add(place.mul(place.warp, productRows * place.groups),
                            place.constant(productRows * group));
    result.upper = SmallVector<Value, 4>(
        loadMatrices(tile, first, 16 * step, Rows, /*transpose=*/false));
    return result;
  }
  for (int64_t odd : {0, 1})
    for (int64_t half : {0, 1}) {
      Value column = place.add(place.mul(place.inGroup, 2),
                               place.constant(8 * step + odd));
      auto [upper, lower] =
          split(loadShared(tile, place.row(2 * group + half), column));
      result.upper.push_back(upper);
      result.lower.push_back(lower);
    }
  return result;
}

Value Products::loadShared(Value tile, Value row, Value column) {
  return memref::LoadOp::create(
      b, tile, ValueRange{place.index(row), place.index(column)});
}

/// Four 8 x 8 matrices from (row, column) on: with the next rows second those
/// of rows +0 and +8, then of columns +8; otherwise of columns +0 and +8, then
/// of rows +8.
SmallVector<Value> Products::loadMatrices(Value tile, Value row, int64_t column,
                                          Second order, bool transpose) {
  auto type = cast<MemRefType>(tile.getType());
  int64_t rowStride = sharedTile(type, Attribute()).getDimSize(1);
  Value inMatrix = arith::AndIOp::create(b, place.lane, place.constant(7));
  Value second = arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, place.lane, place.constant(3)),
      place.constant(1));
  Value third = arith::ShRUIOp::create(b, place.lane, place.constant(4));
  Value moreRows = order == Rows ? second : third,
        moreColumns = order == Rows ? third : second;
  Value at = place.add(place.add(place.mul(moreRows, 8), inMatrix), row);
  at = place.add(place.mul(at, rowStride), place.mul(moreColumns, 8));
  at = place.add(at, place.constant(column));
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, tile);
  Value offset = memref::ExtractStridedMetadataOp::create(b, tile).getOffset();
  Value bytes = arith::MulIOp::create(
      b, arith::AddIOp::create(b, place.index(at), offset),
      arith::ConstantIndexOp::create(b, 2));
  Value address = arith::IndexCastOp::create(
      b, b.getI64Type(), arith::AddIOp::create(b, base, bytes));
  Value pointer = LLVM::IntToPtrOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext(), 3), address);
  Type i32 = b.getI32Type();
  auto four =
      LLVM::LLVMStructType::getLiteral(b.getContext(), {i32, i32, i32, i32});
  auto *context = b.getContext();
  Value loaded = NVVM::LdMatrixOp::create(
      b, four, pointer, 4u,
      transpose ? NVVM::MMALayout::col : NVVM::MMALayout::row,
      NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
      NVVM::LdStMatrixEltType::B16);
  auto pair = VectorType::get({2}, element);
  SmallVector<Value> result;
  for (int64_t n = 0; n < 4; ++n)
    result.push_back(LLVM::BitcastOp::create(
        b, pair, LLVM::ExtractValueOp::create(b, loaded, n)));
  return result;
}

std::array<Products::Right, 2> Products::right(int64_t column, int64_t step,
                                               bool rowsAreDepth) {
  std::array<Right, 2> result;
  if (isNarrow) {
    SmallVector<Value> m =
        rowsAreDepth ? loadMatrices(shared, place.constant(16 * step), column,
                                    Rows, /*transpose=*/true)
                     : loadMatrices(shared, place.constant(column), 16 * step,
                                    Columns, /*transpose=*/false);
    result[0].upper = {m[0], m[1]};
    result[1].upper = {m[2], m[3]};
    return result;
  }
  for (int64_t group : {0, 1})
    for (int64_t odd : {0, 1}) {
      Value along = place.add(place.group, place.constant(column + 8 * group));
      Value depth = place.add(place.mul(place.inGroup, 2),
                              place.constant(8 * step + odd));
      auto [upper, lower] =
          split(rowsAreDepth ? loadShared(shared, depth, along)
                             : loadShared(shared, along, depth));
      result[group].upper.push_back(upper);
      result[group].lower.push_back(lower);
    }
  return result;
}

SmallVector<Value, 4> Products::multiply(ValueRange a, ValueRange right,
                                         ValueRange c) {
  Type f32 = b.getF32Type();
  auto type =
      LLVM::LLVMStructType::getLiteral(b.getContext(), {f32, f32, f32, f32});
  SmallVector<Value> left(a), other(right);
  std::optional<std::array<NVVM::MMATypes, 2>> types;
  if (!isNarrow)
    types = {NVVM::MMATypes::tf32, NVVM::MMATypes::tf32};
  if (element.isBF16()) {
    types = {NVVM::MMATypes::bf16, NVVM::MMATypes::bf16};
    // The operation takes pairs of bf16 as words.
    for (Value &x : left)
      x = LLVM::BitcastOp::create(b, b.getI32Type(), x);
    for (Value &x : other)
      x = LLVM::BitcastOp::create(b, b.getI32Type(), x);
  }
  std::array<NVVM::MMALayout, 2> layouts = {NVVM::MMALayout::row,
                                            NVVM::MMALayout::col};
  Value product = NVVM::MmaOp::create(
      b, type, left, other, c, ArrayRef<int64_t>{16, 8, depth()}, std::nullopt,
      std::nullopt, types, layouts);
  SmallVector<Value, 4> result;
  for (int64_t n = 0; n < 4; ++n)
    result.push_back(LLVM::ExtractValueOp::create(b, product, n));
  return result;
}

SmallVector<Value, 4> Products::add(const Left &left, const Right &right,
                                    SmallVector<Value, 4> acc) {
  if (!isNarrow) {
    // What is small first.
    acc = multiply(left.lower, right.upper, acc);
    acc = multiply(left.upper, right.lower, acc);
  }
  return multiply(left.upper, right.upper, acc);
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

Vectors ladon::cuda::emitContract(ImplicitLocOpBuilder &b, tile::ContractOp op,
                                  Value left) {
  auto type = cast<RankedTensorType>(op.getResultTypes()[0]);
  Products products(b, type, op.getRight());
  VectorType vector = products.place.vector;
  int64_t features = cast<ShapedType>(op.getRight().getType()).getDimSize(1);
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  SmallVector<SmallVector<Value, 4>> sums(products.place.size / 4,
                                          SmallVector<Value, 4>(4, zero));
  size_t perGroup = sums.size() / products.place.groups;
  for (int64_t step = 0; step < paddedColumns(features) / products.depth();
       ++step) {
    auto rows = products.left(left, step);
    for (size_t n = 0; n < perGroup; n += 2) {
      auto keys = products.right(8 * n, step, /*rowsAreDepth=*/false);
      for (auto [group, ofGroup] : llvm::enumerate(rows))
        for (int64_t half : {0, 1}) {
          auto &sum = sums[group * perGroup + n + half];
          sum = products.add(ofGroup, keys[half], sum);
        }
    }
  }
  SmallVector<Value> elements;
  for (const auto &four : sums)
    llvm::append_range(elements, four);
  Value result = vector::FromElementsOp::create(b, vector, elements);
  if (op.getScale()) {
    auto factor = b.getF32FloatAttr(op.getScale()->convertToDouble());
    result = arith::MulFOp::create(
        b, result,
        arith::ConstantOp::create(b, DenseElementsAttr::get(vector, factor)));
  }
  return {result};
}

/// Key by key, with those left out that a row does not see: what the values of
/// a hidden key are must not matter. Small, not fast.
static Value accumulateGuarded(ImplicitLocOpBuilder &b, tile::AccumulateOp op,
                               Value weights, Value guard,
                               SmallVector<Value> acc) {
  ThreadTile place(b, op.getAcc().getType()),
      scores(b, op.getWeights().getType());
  Type f32 = b.getF32Type();
  auto number = [&](double x) -> Value {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(x));
  };
  auto widen = [&](Value x) -> Value {
    return x.getType() == f32 ? x : arith::ExtFOp::create(b, f32, x);
  };
  Value hidden = number(-std::numeric_limits<double>::infinity());
  int64_t columns = cast<RankedTensorType>(op.getAcc().getType()).getDimSize(1);
  int64_t perGroup = scores.size / scores.groups;
  for (int64_t n = 0; n < perGroup / 4; ++n) {
    // For each row those of an even and of an odd column. A weight is never
    // negative, so that -1 says that the key is hidden.
    SmallVector<Value> marked;
    for (int64_t e = 0; e < 2 * scores.rowCount(); ++e) {
      int64_t at = e / 4 * perGroup + 4 * n + e % 4;
      Value s = vector::ExtractOp::create(b, guard, at);
      Value w = widen(vector::ExtractOp::create(b, weights, at));
      Value isHidden =
          arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, s, hidden);
      marked.push_back(arith::SelectOp::create(b, isHidden, number(-1), w));
    }
    Value zero = arith::ConstantIndexOp::create(b, 0),
          one = arith::ConstantIndexOp::create(b, 1),
          eight = arith::ConstantIndexOp::create(b, 8);
    auto loop = scf::ForOp::create(b, zero, eight, one, acc);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value key =
        arith::IndexCastOp::create(b, b.getI32Type(), loop.getInductionVar());
    Value isOdd = arith::CmpIOp::create(
        b, arith::CmpIPredicate::ne,
        arith::AndIOp::create(b, key, place.constant(1)), place.constant(0));
    Value holder = arith::OrIOp::create(
        b, arith::AndIOp::create(b, place.lane, place.constant(~3)),
        arith::ShRUIOp::create(b, key, place.constant(1)));
    SmallVector<Value> weightOf, seen;
    for (int64_t r = 0; r < scores.rowCount(); ++r) {
      Value mine =
          arith::SelectOp::create(b, isOdd, marked[2 * r + 1], marked[2 * r]);
      weightOf.push_back(place.fromLane(mine, holder));
      seen.push_back(arith::CmpFOp::create(b, arith::CmpFPredicate::UNE,
                                           weightOf.back(), number(-1)));
    }
    Value row = place.index(place.add(key, place.constant(8 * n)));
    SmallVector<Value> next(loop.getRegionIterArgs());
    for (size_t e = 0; e < next.size(); ++e) {
      int64_t first = place.firstColumn(e), r = place.rowOf(e);
      if (first >= columns)
        continue;
      Value column = place.column(e);
      if (first + 8 > columns)
        column = arith::MinSIOp::create(b, column, place.constant(columns - 1));
      Value v = widen(memref::LoadOp::create(
          b, op.getValue(), ValueRange{row, place.index(column)}));
      Value sum = math::FmaOp::create(b, weightOf[r], v, next[e]);
      next[e] = arith::SelectOp::create(b, seen[r], sum, next[e]);
    }
    scf::YieldOp::create(b, next);
    acc.assign(loop.result_begin(), loop.result_end());
  }
  return vector::FromElementsOp::create(b, place.vector, acc);
}

Vectors ladon::cuda::emitAccumulate(ImplicitLocOpBuilder &b,
                                    tile::AccumulateOp op,
                                    tile::AccumulateOp::Adaptor operands) {
  Products products(b, op.getAcc().getType(), op.getValue());
  ThreadTile &place = products.place;
  SmallVector<Value> acc;
  for (int64_t e = 0; e < place.size; ++e) {
    Value old = vector::ExtractOp::create(b, operands.getAcc(), e);
    if (Value factors = operands.getRescale())
      old = arith::MulFOp::create(
          b, old, vector::ExtractOp::create(b, factors, place.rowOf(e)));
    acc.push_back(old);
  }
  if (op.getGuard())
    return {accumulateGuarded(b, op, operands.getWeights(), operands.getGuard(),
                              acc)};
  int64_t keys = cast<MemRefType>(op.getValue().getType()).getDimSize(0);
  int64_t perGroup = place.size / place.groups;
  for (int64_t step = 0; step < keys / products.depth(); ++step) {
    auto weights = products.left(operands.getWeights(), step);
    for (int64_t n = 0; 4 * n < perGroup; n += 2) {
      auto values = products.right(8 * n, step, /*rowsAreDepth=*/true);
      for (auto [group, ofGroup] : llvm::enumerate(weights))
        for (int64_t half : {0, 1}) {
          auto *at = acc.begin() + group * perGroup + 4 * (n + half);
          SmallVector<Value, 4> sum =
              products.add(ofGroup, values[half], {at, at + 4});
          llvm::copy(sum, at);
        }
    }
  }
  return {vector::FromElementsOp::create(b, place.vector, acc)};
}
