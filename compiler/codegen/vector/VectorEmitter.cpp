//===- VectorEmitter.cpp - Native-width vector code building blocks -------===//

#include "compiler/codegen/vector/VectorEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace ladon;

VectorEmitter::VectorEmitter(ImplicitLocOpBuilder &b, FloatType element,
                             int64_t lanes)
    : b(b), element(element), lanes(lanes),
      vec(VectorType::get({lanes}, element)) {}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value VectorEmitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value VectorEmitter::splat(double value) {
  auto attr = DenseElementsAttr::get(vec, b.getFloatAttr(element, value));
  return arith::ConstantOp::create(b, vec, attr);
}

Value VectorEmitter::broadcast(Value scalar) {
  return vector::BroadcastOp::create(
      b, VectorType::get({lanes}, scalar.getType()), scalar);
}

Value VectorEmitter::load(Value memref, ValueRange indices) {
  return vector::LoadOp::create(b, vec, memref, indices);
}

void VectorEmitter::store(Value vector, Value memref, ValueRange indices) {
  vector::StoreOp::create(b, vector, memref, indices);
}

Value VectorEmitter::add(Value x, Value y) {
  return arith::AddFOp::create(b, x, y);
}

Value VectorEmitter::toI32(Value index) {
  return arith::IndexCastOp::create(b, b.getI32Type(), index);
}

Value VectorEmitter::laneNumbers() {
  SmallVector<int32_t> numbers(lanes);
  for (int64_t lane = 0; lane < lanes; ++lane)
    numbers[lane] = lane;
  auto type = VectorType::get({lanes}, b.getI32Type());
  return arith::ConstantOp::create(
      b, type, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
}

/// f32 to bf16 in integer arithmetic: without the instruction for it, LLVM
/// calls a function per element.
static Value truncateToBF16(ImplicitLocOpBuilder &b, Value x) {
  auto vector = dyn_cast<VectorType>(x.getType());
  auto shaped = [&](Type element) -> Type {
    return vector ? Type(vector.clone(element)) : element;
  };
  Type i32 = shaped(b.getI32Type());
  auto constant = [&](int32_t value) -> Value {
    TypedAttr attr = b.getI32IntegerAttr(value);
    if (vector)
      attr = DenseElementsAttr::get(cast<ShapedType>(i32), attr);
    return arith::ConstantOp::create(b, attr);
  };
  Value bits = arith::BitcastOp::create(b, i32, x);
  Value high = arith::ShRUIOp::create(b, bits, constant(16));
  Value odd = arith::AndIOp::create(b, high, constant(1));
  Value bias = arith::AddIOp::create(b, odd, constant(0x7fff));
  Value rounded = arith::ShRUIOp::create(
      b, arith::AddIOp::create(b, bits, bias), constant(16));
  // Rounding could carry a NaN over into an infinity; it is made quiet.
  Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
  Value quiet = arith::OrIOp::create(b, high, constant(0x40));
  Value result = arith::SelectOp::create(b, isNaN, quiet, rounded);
  result = arith::TruncIOp::create(b, shaped(b.getI16Type()), result);
  return arith::BitcastOp::create(b, shaped(b.getBF16Type()), result);
}

/// A float as the nearest i8: ties to even, saturating, NaN as 0.
static Value roundToI8(ImplicitLocOpBuilder &b, Value x) {
  auto vector = dyn_cast<VectorType>(x.getType());
  auto shaped = [&](Type element) -> Type {
    return vector ? Type(vector.clone(element)) : element;
  };
  auto constant = [&](double value) -> Value {
    TypedAttr attr = b.getFloatAttr(getElementTypeOrSelf(x.getType()), value);
    if (vector)
      attr = DenseElementsAttr::get(vector, attr);
    return arith::ConstantOp::create(b, attr);
  };
  auto select = [&](arith::CmpFPredicate predicate, Value bound, Value other) {
    Value holds = arith::CmpFOp::create(b, predicate, x, bound);
    return arith::SelectOp::create(b, holds, x, other).getResult();
  };
  x = select(arith::CmpFPredicate::ORD, x, constant(0));
  x = math::RoundEvenOp::create(b, x);
  Value least = constant(-128), most = constant(127);
  x = select(arith::CmpFPredicate::OGT, least, least);
  x = select(arith::CmpFPredicate::OLT, most, most);
  // By way of i32, which machines have an instruction for.
  Value integer = arith::FPToSIOp::create(b, shaped(b.getI32Type()), x);
  return arith::TruncIOp::create(b, shaped(b.getI8Type()), integer);
}

Value VectorEmitter::convert(Value x, Type to) {
  Type from = getElementTypeOrSelf(x.getType());
  if (from == to)
    return x;
  auto vector = dyn_cast<VectorType>(x.getType());
  Type type = vector ? Type(vector.clone(to)) : to;
  if (from.isInteger())
    return arith::SIToFPOp::create(b, type, x);
  if (to.isInteger(8))
    return roundToI8(b, x);
  if (to.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, type, x);
  if (to.isBF16() && from.isF32())
    return truncateToBF16(b, x);
  return arith::TruncFOp::create(b, type, x);
}

Value VectorEmitter::addIndex(Value x, int64_t y) {
  return y == 0 ? x : arith::AddIOp::create(b, x, index(y)).getResult();
}

Value VectorEmitter::minIndex(Value x, Value y) {
  return arith::MinSIOp::create(b, x, y);
}

Value VectorEmitter::max(Value x, Value y) {
  Value greater = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, y);
  return arith::SelectOp::create(b, greater, x, y);
}

SmallVector<Value> VectorEmitter::transpose(SmallVector<Value> rows) {
  // A round moves the highest bit of the row number to the lowest place of the
  // column number; after log2(lanes) rounds rows and columns have changed
  // places.
  SmallVector<int64_t> low, high;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    int64_t from = lane / 2 + lane % 2 * lanes;
    low.push_back(from);
    high.push_back(from + lanes / 2);
  }
  for (int64_t done = 1; done < lanes; done *= 2) {
    SmallVector<Value> next;
    for (int64_t r = 0; r < lanes / 2; ++r)
      for (ArrayRef<int64_t> order : {low, high})
        next.push_back(
            vector::ShuffleOp::create(b, rows[r], rows[r + lanes / 2], order));
    rows = next;
  }
  return rows;
}

Value VectorEmitter::sumAcross(SmallVector<Value> vectors) {
  int64_t chunk = std::min<int64_t>(lanes, 128 / element.getWidth());
  // A round takes two vectors of sums that are spread over `spread` elements
  // each, and adds the halves of each spread. `step` is how far apart the
  // elements of one sum are, within chunks and then between them.
  auto round = [&](auto positionOf) {
    SmallVector<Value> next;
    for (size_t i = 0; i < vectors.size(); i += 2) {
      Value halves[2];
      for (int64_t half : {0, 1}) {
        SmallVector<int64_t> mask;
        for (int64_t lane = 0; lane < lanes; ++lane)
          mask.push_back(positionOf(lane, half));
        halves[half] =
            vector::ShuffleOp::create(b, vectors[i], vectors[i + 1], mask);
      }
      next.push_back(add(halves[0], halves[1]));
    }
    vectors = next;
  };
  // Within chunks: `sums` neighbours of each vector are of different sums.
  for (int64_t sums = 1; sums < chunk; sums *= 2)
    round([&](int64_t lane, int64_t half) {
      int64_t base = lane / chunk * chunk, within = lane % chunk;
      int64_t second = within / sums % 2, run = within / (2 * sums);
      return base + half * chunk / 2 + run * sums + within % sums +
             second * lanes;
    });
  // Between chunks: each vector holds `groups` chunks of different sums.
  int64_t chunks = lanes / chunk;
  for (int64_t groups = 1; groups < chunks; groups *= 2)
    round([&](int64_t lane, int64_t half) {
      int64_t number = lane / chunk, spread = chunks / groups;
      int64_t second = number >= chunks / 2, within = number % (chunks / 2);
      int64_t group = within / (spread / 2), part = within % (spread / 2);
      return (group * spread + half * spread / 2 + part) * chunk +
             lane % chunk + second * lanes;
    });
  return vectors.front();
}

Value VectorEmitter::maxAcross(Value vector) {
  for (int64_t width = lanes / 2; width > 0; width /= 2) {
    SmallVector<int64_t> other;
    for (int64_t lane = 0; lane < lanes; ++lane)
      other.push_back(lane < width ? lane + width : lane);
    vector = max(vector::ShuffleOp::create(b, vector, vector, other), vector);
  }
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

ValueRange VectorEmitter::loop(Value lower, Value upper, int64_t step,
                               ValueRange carried, LoopBody body) {
  auto loop =
      scf::ForOp::create(b, lower, upper, index(step), carried,
                         [&](OpBuilder &, Location, Value iv, ValueRange args) {
                           // The callback's builder shares our insertion point
                           // only if ours is moved into the body.
                           OpBuilder::InsertionGuard guard(b);
                           b.setInsertionPointToEnd(iv.getParentBlock());
                           scf::YieldOp::create(b, body(iv, args));
                         });
  return loop.getResults();
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

SmallVector<Value> VectorEmitter::matmul(
    int64_t rows, int64_t columns, Value depth, int64_t unroll,
    ValueRange accumulators, llvm::function_ref<Value(int64_t r, Value k)> a,
    llvm::function_ref<Value(Value k, int64_t n)> bRow,
    llvm::function_ref<Value(Value, Value, Value)> multiplyAdd) {
  auto step = [&](Value k, SmallVector<Value> acc) {
    SmallVector<Value> right;
    for (int64_t n = 0; n < columns; ++n)
      right.push_back(bRow(k, n));
    for (int64_t r = 0; r < rows; ++r) {
      Value left = a(r, k);
      if (!multiplyAdd)
        left = broadcast(left);
      for (int64_t n = 0; n < columns; ++n) {
        Value &c = acc[r * columns + n];
        c = multiplyAdd ? multiplyAdd(left, right[n], c)
                        : vector::FMAOp::create(b, left, right[n], c);
      }
    }
    return acc;
  };

  Value zero = index(0);
  Value main = depth;
  if (unroll > 1) {
    Value count = arith::DivUIOp::create(b, depth, index(unroll));
    main = arith::MulIOp::create(b, count, index(unroll));
  }
  ValueRange unrolled =
      loop(zero, main, unroll, accumulators, [&](Value k, ValueRange carried) {
        SmallVector<Value> acc(carried);
        for (int64_t u = 0; u < unroll; ++u)
          acc = step(addIndex(k, u), acc);
        return acc;
      });
  if (unroll == 1)
    return llvm::to_vector(unrolled);
  return llvm::to_vector(
      loop(main, depth, 1, unrolled, [&](Value k, ValueRange carried) {
        return step(k, llvm::to_vector(carried));
      }));
}

namespace {
/// How 2^x is built for one element type: x = n + f with n an integer and
/// |f| <= 1/2; adding `magic` (1.5 * 2^mantissa bits) rounds x to n and leaves
/// n in the low bits. The polynomial in f is fitted to (2^f - 1) / f by
/// Chebyshev interpolation, so that its constant term is exactly 1.
struct Exp2Parameters {
  double magic;
  /// One below the smallest normal exponent: there the exponent bits become
  /// zero, and with them the result.
  double lowest;
  int64_t mantissaBits;
  ArrayRef<double> coefficients;
};
} // namespace

static const double exp2F32[] = {1.0,           0x1.62e430p-1, 0x1.ebfbdap-3,
                                 0x1.c6aed4p-5, 0x1.3b2dbcp-7, 0x1.5f456ap-10,
                                 0x1.41d334p-13};
static const double exp2F64[] = {
    0x1.0000000000000p+0,  0x1.62e42fefa39efp-1,  0x1.ebfbdff82c58fp-3,
    0x1.c6b08d704a0c6p-5,  0x1.3b2ab6fba4e79p-7,  0x1.5d87fe78a3f9cp-10,
    0x1.430912f86b7dbp-13, 0x1.ffcbfc6da6ed1p-17, 0x1.62c02242b879cp-20,
    0x1.b524ebd13a55fp-24, 0x1.e4cf10dec0f59p-28, 0x1.e9ec1fcb69a7fp-32,
    0x1.c4a29324a1038p-36};

Value VectorEmitter::exp2(Value t) {
  bool single = element.isF32();
  Exp2Parameters p = single ? Exp2Parameters{0x1.8p23, -127.0, 23, exp2F32}
                            : Exp2Parameters{0x1.8p52, -1023.0, 52, exp2F64};
  // The operand order keeps NaN: max returns its second operand for it.
  Value x = max(splat(p.lowest), t);
  Value magic = splat(p.magic);
  Value shifted = arith::AddFOp::create(b, x, magic);
  Value n = arith::SubFOp::create(b, shifted, magic);
  Value f = arith::SubFOp::create(b, x, n);
  Value poly = splat(p.coefficients.back());
  for (double c : llvm::reverse(p.coefficients.drop_back()))
    poly = vector::FMAOp::create(b, poly, f, splat(c));
  // Multiplying by 2^n is adding n to the exponent field.
  auto bits = VectorType::get({lanes}, b.getIntegerType(single ? 32 : 64));
  Value amount = arith::ConstantOp::create(
      b, bits,
      DenseElementsAttr::get(
          bits, b.getIntegerAttr(bits.getElementType(), p.mantissaBits)));
  Value exponent = arith::ShLIOp::create(
      b, arith::BitcastOp::create(b, bits, shifted), amount);
  Value scaled = arith::AddIOp::create(
      b, arith::BitcastOp::create(b, bits, poly), exponent);
  return arith::BitcastOp::create(b, vec, scaled);
}
