//===- ExpandRandom.cpp - Random bits as integer arithmetic ---------------===//

#include "compiler/transforms/Passes.h"

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <array>

#define DEBUG_TYPE "attn-expand-random"

namespace ladon {
#define GEN_PASS_DEF_EXPANDRANDOM
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon::attn;

namespace {
/// Philox-4x32 with 10 rounds. A round takes the products of two words of the
/// counter with constants apart and mixes them with the other two and the key,
/// which grows by constants from round to round.
class Philox {
public:
  explicit Philox(ImplicitLocOpBuilder &b) : b(b) {}

  using Counter = std::array<Value, 4>;
  Counter run(Counter counter, Value seed) {
    Value low = arith::TruncIOp::create(b, b.getI32Type(), seed);
    Value high = half(seed);
    for (uint32_t round = 0; round < 10; ++round) {
      auto [first, firstHigh] = product(counter[0], 0xd2511f53);
      auto [third, thirdHigh] = product(counter[2], 0xcd9e8d57);
      counter = {mixed(thirdHigh, counter[1], low, round * 0x9e3779b9), third,
                 mixed(firstHigh, counter[3], high, round * 0xbb67ae85), first};
    }
    return counter;
  }
  /// Word `number` mod 4 of what it gave.
  Value pick(const Counter &words, Value number) {
    Value isOdd = bit(number, 1), isUpper = bit(number, 2);
    Value lower = arith::SelectOp::create(b, isOdd, words[1], words[0]);
    Value upper = arith::SelectOp::create(b, isOdd, words[3], words[2]);
    return arith::SelectOp::create(b, isUpper, upper, lower);
  }
  Value integer(int64_t value, unsigned width = 32) {
    return arith::ConstantOp::create(
        b, b.getIntegerAttr(b.getIntegerType(width),
                            APInt(width, value, /*isSigned=*/false,
                                  /*implicitTrunc=*/true)));
  }

private:
  /// The upper 32 bits.
  Value half(Value wide) {
    return arith::TruncIOp::create(
        b, b.getI32Type(), arith::ShRUIOp::create(b, wide, integer(32, 64)));
  }
  /// Both halves of x * factor, the lower one first.
  std::pair<Value, Value> product(Value x, uint32_t factor) {
    Value wide = arith::MulIOp::create(
        b, arith::ExtUIOp::create(b, b.getI64Type(), x), integer(factor, 64));
    return {arith::TruncIOp::create(b, b.getI32Type(), wide), half(wide)};
  }
  Value mixed(Value x, Value y, Value key, uint32_t growth) {
    Value grown = arith::AddIOp::create(b, key, integer(growth));
    return arith::XOrIOp::create(b, arith::XOrIOp::create(b, x, y), grown);
  }
  Value bit(Value x, int64_t mask) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                 arith::AndIOp::create(b, x, integer(mask)),
                                 integer(0));
  }

  ImplicitLocOpBuilder &b;
};

struct ExpandRandom : ladon::impl::ExpandRandomBase<ExpandRandom> {
  void runOnOperation() override {
    getOperation().walk([](RandomOp op) {
      ImplicitLocOpBuilder b(op.getLoc(), op);
      Philox philox(b);
      Value block = arith::ShRUIOp::create(b, op.getKey(), philox.integer(2));
      Philox::Counter words = philox.run(
          {block, op.getQuery(), op.getHead(), op.getBatch()}, op.getSeed());
      op.replaceAllUsesWith(philox.pick(words, op.getKey()));
      op.erase();
    });
  }
};
} // namespace
