//===- LowerIndexChecks.cpp - attn.check_indices as loops -----------------===//
//
// Scalar code on the calling thread, position after position, so that the first
// index that leaves its tensor is the same for any number of threads. Nobody
// asks for it but who looks for a mistake.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "dialects/attn/Attn.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#define DEBUG_TYPE "cpu-lower-index-checks"

namespace ladon::cpu {
#define GEN_PASS_DEF_LOWERINDEXCHECKS
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon;

static Value index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

static Value toI64(ImplicitLocOpBuilder &b, Value x) {
  if (x.getType().isIndex())
    return arith::IndexCastOp::create(b, b.getI64Type(), x);
  if (x.getType().isInteger(64))
    return x;
  return arith::ExtSIOp::create(b, b.getI64Type(), x);
}

/// An element, indices clamped; zero of an empty tensor.
static void lowerRead(attn::ReadOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value one = index(b, 1), zero = index(b, 0), isEmpty;
  SmallVector<Value> indices;
  for (auto [axis, operand] : llvm::enumerate(op.getIndices())) {
    Value extent = memref::DimOp::create(b, op.getSource(), axis);
    Value last = arith::SubIOp::create(b, extent, one);
    Value at = arith::IndexCastOp::create(b, b.getIndexType(), operand);
    at = arith::MaxSIOp::create(b, at, zero);
    indices.push_back(arith::MinSIOp::create(b, at, last));
    Value none =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, extent, zero);
    isEmpty =
        isEmpty ? arith::OrIOp::create(b, isEmpty, none).getResult() : none;
  }
  auto result = scf::IfOp::create(
      b, isEmpty,
      [&](OpBuilder &, Location loc) {
        Type type = op.getType();
        scf::YieldOp::create(
            b, arith::ConstantOp::create(b, b.getZeroAttr(type)).getResult());
      },
      [&](OpBuilder &, Location loc) {
        scf::YieldOp::create(
            b, memref::LoadOp::create(b, op.getSource(), indices).getResult());
      });
  op.replaceAllUsesWith(result.getResult(0));
  op.erase();
}

static void lowerExpectation(attn::ExpectIndexOp op, ValueRange position) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value extent = toI64(
      b, memref::DimOp::create(b, op.getSource(), op.getAxis()).getResult());
  Value found = toI64(b, op.getIndex());
  // As a natural number, one below 0 is beyond every extent.
  Value leaves =
      arith::CmpIOp::create(b, arith::CmpIPredicate::uge, found, extent);
  leaves = arith::AndIOp::create(b, op.getCondition(), leaves);
  auto branch = scf::IfOp::create(b, leaves, /*withElseRegion=*/false);
  b.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> at;
  for (Value coordinate : position)
    at.push_back(toI64(b, coordinate));
  cpu::RefuseIndexOp::create(
      b, found, extent, at, op.getNameAttr(),
      op.getPage() ? IntegerAttr()
                   : b.getI64IntegerAttr(static_cast<int64_t>(op.getAxis())));
  op.erase();
}

/// Moves the body into loops over all positions.
static void lowerLoops(ImplicitLocOpBuilder &b, attn::CheckIndicesOp op) {
  Block &body = op.getBody().front();
  Value zero = index(b, 0), one = index(b, 1);
  SmallVector<Value> position, arguments;
  Value sizes[] = {op.getBatches(), op.getHeads(), op.getQueries(),
                   op.getKeys()};
  for (auto [size, arg] : llvm::zip(sizes, body.getArguments())) {
    // What depends on no head is the same for all of them.
    Value end = arg.use_empty()
                    ? arith::MinSIOp::create(b, size, one).getResult()
                    : size;
    auto loop = scf::ForOp::create(b, zero, end, one);
    b.setInsertionPointToStart(loop.getBody());
    position.push_back(loop.getInductionVar());
    arguments.push_back(
        arith::IndexCastOp::create(b, b.getI32Type(), loop.getInductionVar()));
  }
  llvm::append_range(arguments, op.getCaptures());
  for (auto [arg, value] : llvm::zip_equal(body.getArguments(), arguments))
    arg.replaceAllUsesWith(value);
  Block *inner = b.getInsertionBlock();
  inner->getOperations().splice(inner->getTerminator()->getIterator(),
                                body.getOperations());
  inner->walk([](attn::ReadOp read) { lowerRead(read); });
  inner->walk([&](attn::ExpectIndexOp expected) {
    lowerExpectation(expected, position);
  });
}

namespace {

struct LowerIndexChecks : cpu::impl::LowerIndexChecksBase<LowerIndexChecks> {
  void runOnOperation() override {
    SmallVector<attn::CheckIndicesOp> checks;
    getOperation().walk([&](attn::CheckIndicesOp op) { checks.push_back(op); });
    for (attn::CheckIndicesOp op : checks) {
      if (llvm::any_of(op.getCaptures().getTypes(),
                       llvm::IsaPred<TensorType>)) {
        op.emitOpError("expected buffers; run attn-bufferize before");
        return signalPassFailure();
      }
      ImplicitLocOpBuilder b(op.getLoc(), op);
      Value asked = cpu::ChecksIndicesOp::create(b, b.getI1Type());
      auto branch = scf::IfOp::create(b, asked, /*withElseRegion=*/false);
      b.setInsertionPointToStart(branch.thenBlock());
      if (StringAttr tensor = op.getUncheckedAttr())
        cpu::RefuseCheckOp::create(b, tensor);
      else
        lowerLoops(b, op);
      op.erase();
    }
  }
};

} // namespace
