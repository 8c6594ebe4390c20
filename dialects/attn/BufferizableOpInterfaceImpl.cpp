//===- BufferizableOpInterfaceImpl.cpp - attn on memrefs ------------------===//
//
// attn.attend reads q, k, v and its captures and overwrites its destinations
// without reading them, never element by element: no operand may share memory
// with a destination. attn.append writes to a part of its cache.
//
//===----------------------------------------------------------------------===//

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace ladon::attn;

/// The operands of an operation, with buffers for tensors.
static FailureOr<SmallVector<Value>>
buffersOf(Operation *op, RewriterBase &rewriter,
          const BufferizationOptions &options, BufferizationState &state) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (isa<RankedTensorType>(operand.getType())) {
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operand = *buffer;
    }
    operands.push_back(operand);
  }
  return operands;
}

namespace {

struct AttendInterface
    : DstBufferizableOpInterfaceExternalModel<AttendInterface, AttendOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<AttendOp>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto attend = cast<AttendOp>(op);
    FailureOr<SmallVector<Value>> operands =
        buffersOf(op, rewriter, options, state);
    if (failed(operands))
      return failure();
    rewriter.setInsertionPoint(op);
    OperationState onMemory(op->getLoc(), AttendOp::getOperationName(),
                            *operands, /*types=*/{}, op->getAttrs());
    for (Region &region : attend->getRegions())
      onMemory.addRegion()->takeBody(region);
    auto result = cast<AttendOp>(rewriter.create(onMemory));

    // The regions see the captured buffers.
    for (Region *region : result.getBodies())
      for (auto [arg, capture] :
           llvm::zip(result.getCaptureArguments(*region), result.getCaptures()))
        arg.setType(capture.getType());
    replaceOpWithBufferizedValues(rewriter, op, result.getInits());
    return success();
  }
};

/// The cache keeps what is not written.
struct AppendInterface
    : DstBufferizableOpInterfaceExternalModel<AppendInterface, AppendOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    FailureOr<SmallVector<Value>> operands =
        buffersOf(op, rewriter, options, state);
    if (failed(operands))
      return failure();
    rewriter.setInsertionPoint(op);
    OperationState onMemory(op->getLoc(), AppendOp::getOperationName(),
                            *operands, /*types=*/{}, op->getAttrs());
    auto result = cast<AppendOp>(rewriter.create(onMemory));
    replaceOpWithBufferizedValues(rewriter, op, result.getCache());
    return success();
  }
};

/// An operation that reads its operands, and no more.
template <typename Model, typename Op>
struct ReadingInterface : BufferizableOpInterface::ExternalModel<Model, Op> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &,
                              const AnalysisState &) const {
    return true;
  }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &,
                               const AnalysisState &) const {
    return false;
  }
  AliasingValueList getAliasingValues(Operation *, OpOperand &,
                                      const AnalysisState &) const {
    return {};
  }
};

/// As an attend, it shows its body the captured buffers.
struct CheckIndicesInterface
    : ReadingInterface<CheckIndicesInterface, CheckIndicesOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    FailureOr<SmallVector<Value>> operands =
        buffersOf(op, rewriter, options, state);
    if (failed(operands))
      return failure();
    auto check = cast<CheckIndicesOp>(op);
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperands(*operands);
      auto captured = check.getBody().getArguments().drop_front(4);
      for (auto [arg, capture] : llvm::zip_equal(captured, check.getCaptures()))
        arg.setType(capture.getType());
    });
    return success();
  }
};

/// What is read, or expected to exist, is a capture, which becomes a memref
/// together with the operation around it; there is nothing else to do.
template <typename Op>
struct CaptureInterface : ReadingInterface<CaptureInterface<Op>, Op> {
  LogicalResult bufferize(Operation *, RewriterBase &,
                          const BufferizationOptions &,
                          BufferizationState &) const {
    return success();
  }
};

} // namespace

void ladon::attn::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, AttnDialect *) {
    AppendOp::attachInterface<AppendInterface>(*context);
    AttendOp::attachInterface<AttendInterface>(*context);
    CheckIndicesOp::attachInterface<CheckIndicesInterface>(*context);
    ExpectIndexOp::attachInterface<CaptureInterface<ExpectIndexOp>>(*context);
    ReadOp::attachInterface<CaptureInterface<ReadOp>>(*context);
  });
}
