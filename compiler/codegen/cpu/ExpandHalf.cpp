//===- ExpandHalf.cpp - Conversions of f16 as integer arithmetic ----------===//
//
// See Passes.td. The scalings are those of F. Giesen, "half_to_float_fast" and
// "float_to_half_fast3_rtne": a multiplication or an addition of floats moves
// the exponents, subnormal numbers included, so nothing is decided bit by bit.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

#define DEBUG_TYPE "cpu-expand-half"

namespace ladon::cpu {
#define GEN_PASS_DEF_EXPANDHALF
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;

namespace {

/// f32 and its bits, of the shape of one value: scalars, or vectors.
struct Lanes {
  Lanes(OpBuilder &builder, Value like)
      : b(like.getLoc(), builder), shape(like.getType()) {}

  Type of(Type element) {
    auto vector = dyn_cast<VectorType>(shape);
    return vector ? Type(vector.clone(element)) : element;
  }
  Value bits(uint32_t value) {
    TypedAttr number = b.getI32IntegerAttr(int32_t(value));
    if (auto vector = dyn_cast<VectorType>(of(b.getI32Type())))
      number = DenseElementsAttr::get(vector, Attribute(number));
    return arith::ConstantOp::create(b, number);
  }
  Value toBits(Value x) {
    return arith::BitcastOp::create(b, of(b.getI32Type()), x);
  }
  Value toFloat(Value x) {
    return arith::BitcastOp::create(b, of(b.getF32Type()), x);
  }
  Value band(Value x, uint32_t y) {
    return arith::AndIOp::create(b, x, bits(y));
  }
  Value bor(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value left(Value x, uint32_t by) {
    return arith::ShLIOp::create(b, x, bits(by));
  }
  Value right(Value x, uint32_t by) {
    return arith::ShRUIOp::create(b, x, bits(by));
  }
  /// Whether x < y, both below 2^31.
  Value isBelow(Value x, uint32_t y) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, bits(y));
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }

  ImplicitLocOpBuilder b;
  Type shape;
};

constexpr uint32_t infinityOfFloat = 0x7f800000;

} // namespace

/// f16 as f32, which is exact.
static Value extend(OpBuilder &builder, Value half) {
  Lanes l(builder, half);
  Value word = arith::BitcastOp::create(l.b, l.of(l.b.getI16Type()), half);
  word = arith::ExtUIOp::create(l.b, l.of(l.b.getI32Type()), word);
  Value magnitude = l.left(l.band(word, 0x7fff), 13);
  // The exponent is too small by 127 - 15.
  Value value = l.toBits(arith::MulFOp::create(l.b, l.toFloat(magnitude),
                                               l.toFloat(l.bits(0x77800000))));
  // Infinity and NaN have every bit of the exponent set, here and there.
  Value special = l.bor(value, l.bits(infinityOfFloat));
  value = l.select(l.isBelow(magnitude, 0x0f800000), value, special);
  Value sign = l.left(l.band(word, 0x8000), 16);
  return l.toFloat(l.bor(value, sign));
}

/// f32 rounded to f16, to nearest even.
static Value truncate(OpBuilder &builder, Value single) {
  Lanes l(builder, single);
  Value word = l.toBits(single);
  Value magnitude = l.band(word, 0x7fffffff);
  // Normal numbers: half a unit more, or a bit less than that if the last bit
  // that stays is even. What is too large carries into infinity.
  Value odd = l.band(l.right(magnitude, 13), 1);
  Value normal =
      arith::AddIOp::create(l.b, arith::AddIOp::create(l.b, magnitude, odd),
                            l.bits(0xc8000fff)); // (15 - 127) << 23, and 0xfff.
  normal = l.right(normal, 13);
  // Subnormal ones: next to 1/2, a unit of the last place is one of theirs.
  Value half = l.bits(0x3f000000);
  Value sum = arith::AddFOp::create(l.b, l.toFloat(magnitude), l.toFloat(half));
  Value tiny = arith::SubIOp::create(l.b, l.toBits(sum), half);
  Value value = l.select(l.isBelow(magnitude, 0x38800000), tiny, normal);
  Value special = l.select(l.isBelow(magnitude, infinityOfFloat + 1),
                           l.bits(0x7c00), l.bits(0x7e00));
  value = l.select(l.isBelow(magnitude, 0x47800000), value, special);
  value = l.bor(value, l.band(l.right(word, 16), 0x8000));
  value = arith::TruncIOp::create(l.b, l.of(l.b.getI16Type()), value);
  return arith::BitcastOp::create(l.b, l.of(l.b.getF16Type()), value);
}

namespace {
struct ExpandHalf : public ladon::cpu::impl::ExpandHalfBase<ExpandHalf> {
  void runOnOperation() override {
    WalkResult result = getOperation()->walk([](Operation *op) {
      if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
        return WalkResult::advance();
      Value from = op->getOperand(0), to = op->getResult(0);
      Type narrow = getElementTypeOrSelf(from), wide = getElementTypeOrSelf(to);
      bool extends = isa<arith::ExtFOp>(op);
      if (!extends)
        std::swap(narrow, wide);
      if (!narrow.isF16())
        return WalkResult::advance();
      OpBuilder b(op);
      Value converted;
      if (!extends) {
        if (!wide.isF32()) {
          // By way of f32 it would be rounded twice.
          op->emitOpError("expected f32, found ") << wide;
          return WalkResult::interrupt();
        }
        converted = truncate(b, from);
      } else {
        converted = extend(b, from);
        if (!wide.isF32())
          converted =
              arith::ExtFOp::create(b, op->getLoc(), to.getType(), converted);
      }
      to.replaceAllUsesWith(converted);
      op->erase();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
