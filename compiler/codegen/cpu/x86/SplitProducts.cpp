//===- SplitProducts.cpp - Wide products of every other lane --------------===//
//
// See Passes.td. LLVM extends the words of a register to two registers, which
// takes as many instructions as the products themselves, and multiplies once
// more for upper words.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/x86/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseMap.h"

#define DEBUG_TYPE "x86-split-products"

namespace ladon::cpu {
#define GEN_PASS_DEF_SPLITPRODUCTS
#include "compiler/codegen/cpu/x86/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;

/// The 32 bits that all lanes are, if they are a constant of so many.
static std::optional<int64_t> wordIn(Value lanes) {
  if (auto broadcast = lanes.getDefiningOp<vector::BroadcastOp>())
    lanes = broadcast.getSource();
  APInt value;
  if (matchPattern(lanes, m_ConstantInt(&value)) && value.isIntN(32))
    return value.getZExtValue();
  return std::nullopt;
}

/// Whether `type` is a vector of an even number of integers of `bits` bits,
/// at least four.
static bool isVectorOf(unsigned bits, Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getRank() == 1 && !vector.isScalable() &&
         vector.getNumElements() >= 4 && vector.getNumElements() % 2 == 0 &&
         vector.getElementType().isInteger(bits);
}

namespace {

/// The products of the even and of the odd lanes, as words: of each product the
/// lower one and then the upper one.
struct Halves {
  Value even, odd;
};

} // namespace

/// The words that are multiplied, if `product` is one of words by a constant.
static Value factorOf(arith::MulIOp product) {
  auto extended = product.getLhs().getDefiningOp<arith::ExtUIOp>();
  return extended && isVectorOf(32, extended.getIn().getType()) &&
                 wordIn(product.getRhs())
             ? extended.getIn()
             : Value();
}

static Halves split(arith::MulIOp product, Value words) {
  ImplicitLocOpBuilder b(product.getLoc(), product);
  auto narrow = cast<VectorType>(words.getType());
  auto wide = VectorType::get({narrow.getNumElements() / 2}, b.getI64Type());
  auto splat = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(wide, b.getI64IntegerAttr(value)));
  };
  auto multiply = [&](Value lanes) -> Value {
    Value both =
        arith::MulIOp::create(b, lanes, splat(*wordIn(product.getRhs())));
    return vector::BitCastOp::create(b, narrow, both);
  };
  Value pairs = vector::BitCastOp::create(b, wide, words);
  return {multiply(arith::AndIOp::create(b, pairs, splat(0xffffffff))),
          multiply(arith::ShRUIOp::create(b, pairs, splat(32)))};
}

/// The lower words of all products, or the upper ones.
static Value collect(arith::TruncIOp op, Halves halves, bool isUpper) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  int64_t lanes = cast<VectorType>(op.getType()).getNumElements();
  SmallVector<int64_t> order;
  for (int64_t lane = 0; lane < lanes; lane += 2)
    order.append({lane + isUpper, lanes + lane + isUpper});
  return vector::ShuffleOp::create(b, halves.even, halves.odd, order);
}

namespace {
struct SplitProducts
    : public ladon::cpu::impl::SplitProductsBase<SplitProducts> {
  void runOnOperation() override {
    DenseMap<Operation *, Halves> known;
    getOperation().walk([&](arith::TruncIOp op) {
      if (!isVectorOf(32, op.getType()) ||
          !isVectorOf(64, op.getIn().getType()))
        return;
      Value wide = op.getIn();
      auto shift = wide.getDefiningOp<arith::ShRUIOp>();
      bool isUpper = shift && wordIn(shift.getRhs()) == 32;
      if (isUpper)
        wide = shift.getLhs();
      auto product = wide.getDefiningOp<arith::MulIOp>();
      Value words = product ? factorOf(product) : Value();
      if (!words)
        return;
      auto [entry, isNew] = known.try_emplace(product);
      if (isNew)
        entry->second = split(product, words);
      op.replaceAllUsesWith(collect(op, entry->second, isUpper));
      op.erase();
    });
  }
};

} // namespace
