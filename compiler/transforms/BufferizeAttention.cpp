//===- BufferizeAttention.cpp - Tensors to memrefs, results to arguments --===//
//
// One-shot bufferization with the calling convention of an artefact: every
// tensor of a signature is a memref of any strides, results are written to
// trailing arguments. The work is upstream's; this pass puts the destinations
// where it finds them, so that results are computed in place.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/Transforms/Bufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#define DEBUG_TYPE "attn-bufferize"

namespace ladon {
#define GEN_PASS_DEF_BUFFERIZEATTENTION
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;

//===----------------------------------------------------------------------===//
// The signature
//===----------------------------------------------------------------------===//

/// A memref of the tensor's shape with any strides.
static MemRefType getArgumentType(RankedTensorType type) {
  return cast<MemRefType>(
      bufferization::getMemRefTypeWithFullyDynamicLayout(type));
}

/// Why the signature cannot be converted is reported.
static LogicalResult checkSignature(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitError("expected one block, found ")
           << function.getBody().getBlocks().size();
  for (Type type : function.getArgumentTypes())
    if (isa<UnrankedTensorType>(type))
      return function.emitError("expected ranked tensors, found ") << type;
  for (Type type : function.getResultTypes())
    if (!isa<RankedTensorType>(type))
      return function.emitError("expected ranked tensors as results, found ")
             << type;
  return success();
}

static void convertSignature(func::FuncOp function) {
  Block &body = function.getBody().front();
  ImplicitLocOpBuilder b(function.getLoc(), function.getContext());
  b.setInsertionPointToStart(&body);
  for (BlockArgument arg : body.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(arg.getType());
    if (!type)
      continue;
    b.setLoc(arg.getLoc());
    arg.setType(getArgumentType(type));
    ladon::attn::ParamAttr param =
        ladon::attn::getParam(function, arg.getArgNumber());
    bool isWritten = param && param.getKind() == ladon::attn::ParamKind::InOut;
    auto tensor = bufferization::ToTensorOp::create(
        b, type, arg, /*restrict=*/true, /*writable=*/isWritten);
    arg.replaceAllUsesExcept(tensor, tensor);
  }

  // Results: one more argument each, with the attributes of the result.
  auto results = cast<func::ReturnOp>(body.getTerminator());
  b.setInsertionPoint(results);
  SmallVector<DictionaryAttr> argAttrs, noAttrs;
  function.getAllArgAttrs(argAttrs);
  for (auto [i, result] : llvm::enumerate(results.getOperands())) {
    DictionaryAttr attrs = function.getResultAttrDict(i);
    argAttrs.push_back(attrs ? attrs : b.getDictionaryAttr({}));
    auto type = cast<RankedTensorType>(result.getType());
    b.setLoc(result.getLoc());
    Value destination =
        body.addArgument(getArgumentType(type), result.getLoc());
    auto store = bufferization::MaterializeInDestinationOp::create(
        b, /*result=*/Type(), result, destination);
    store.setRestrict(true);
    store.setWritable(true);
  }
  results.getOperandsMutable().clear();
  function.setType(b.getFunctionType(body.getArgumentTypes(), {}));
  function.setAllResultAttrs(noAttrs);
  function.setAllArgAttrs(argAttrs);
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

/// Gives every operation a destination of its own: common subexpression
/// elimination may have merged some that have nothing to do with each other.
/// What a product starts from (a fill, a bias) moves next to it, where code
/// generation looks for it.
static void separateDestinations(func::FuncOp function) {
  SmallVector<Operation *> starts, empties;
  function.walk([&](Operation *op) {
    if (isa<linalg::FillOp, linalg::BroadcastOp>(op))
      starts.push_back(op);
    else if (isa<tensor::EmptyOp>(op))
      empties.push_back(op);
  });
  // Starts first: each copy of one is one more use of its destination.
  for (ArrayRef<Operation *> group : {starts, empties})
    for (Operation *op : group) {
      for (OpOperand &use : llvm::make_early_inc_range(op->getUses()))
        use.set(OpBuilder(use.getOwner()).clone(*op)->getResult(0));
      op->erase();
    }
}

/// A transposed argument, as a weight [out, in] is, is the argument with other
/// strides.
static void makeTransposesViews(func::FuncOp function) {
  SmallVector<linalg::TransposeOp> transposes;
  function.walk([&](linalg::TransposeOp op) { transposes.push_back(op); });
  for (linalg::TransposeOp op : transposes) {
    auto source = op.getInput().getDefiningOp<bufferization::ToTensorOp>();
    if (!source)
      continue;
    ImplicitLocOpBuilder b(op.getLoc(), op);
    auto map =
        AffineMap::getPermutationMap(op.getPermutation(), b.getContext());
    Value view = memref::TransposeOp::create(b, source.getBuffer(),
                                             AffineMapAttr::get(map));
    auto tensor = bufferization::ToTensorOp::create(
        b, op.getResult()[0].getType(), view, /*restrict=*/true);
    op->replaceAllUsesWith(tensor);
    op->erase();
  }
}

static bufferization::OneShotBufferizationOptions getOptions() {
  bufferization::OneShotBufferizationOptions options;
  options.bufferAlignment = 64;
  options.memCpyFn = [](OpBuilder &b, Location loc, Value from, Value to) {
    linalg::CopyOp::create(b, loc, from, to);
    return success();
  };
  return options;
}

static LogicalResult bufferizeBody(func::FuncOp function) {
  bufferization::OneShotBufferizationOptions options = getOptions();
  bufferization::OneShotAnalysisState state(function, options);
  if (failed(bufferization::analyzeOp(function, state)))
    return failure();
  IRRewriter rewriter(function.getContext());
  if (failed(bufferization::eliminateEmptyTensors(rewriter, function, state)))
    return failure();
  bufferization::BufferizationState bufferization;
  return bufferization::runOneShotBufferize(function, options, bufferization);
}

/// Whether anything but `append` writes to memory, or to a view of it.
static bool isWrittenBeside(Value memory, Operation *append) {
  return llvm::any_of(memory.getUsers(), [&](Operation *user) {
    if (user == append)
      return false;
    if (!isMemoryEffectFree(user))
      return hasEffect<MemoryEffects::Write>(user, memory);
    return llvm::any_of(user->getResults(), [&](Value view) {
      return isa<MemRefType>(view.getType()) && isWrittenBeside(view, append);
    });
  });
}

/// A cache is written where it lies, or not at all, and by nothing else.
static LogicalResult checkAppends(func::FuncOp function) {
  WalkResult result = function.walk([](ladon::attn::AppendOp op) {
    if (!isa<BlockArgument>(op.getCache()))
      op.emitError("cannot append in place: the cache is no argument of the "
                   "kind inout, or something else reads it");
    else if (isWrittenBeside(op.getCache(), op))
      op.emitError("cannot append in place: something else writes to the "
                   "result");
    else
      return WalkResult::advance();
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// Views of arguments as tensors that nothing reads any more.
static void eraseDeadViews(func::FuncOp function) {
  function.walk([](bufferization::ToTensorOp op) {
    if (op->use_empty())
      op.erase();
  });
}

namespace {

struct BufferizeAttention
    : ladon::impl::BufferizeAttentionBase<BufferizeAttention> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      if (failed(checkSignature(function)))
        return signalPassFailure();
      convertSignature(function);
      makeTransposesViews(function);
      separateDestinations(function);
      if (failed(bufferizeBody(function)) || failed(checkAppends(function)))
        return signalPassFailure();
      eraseDeadViews(function);
    }
  }
};

} // namespace
