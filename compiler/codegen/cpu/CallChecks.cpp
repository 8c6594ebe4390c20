//===- CallChecks.cpp - Checks of a call, lowered to LLVM -----------------===//
//
// A part of cpu-to-llvm. What refuses a call tells the runtime why and returns
// from the entry function.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/CallChecks.h"

#include "dialects/cpu/Cpu.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace ladon::cpu;

/// Calls a function of the runtime for the call that `op` is part of.
static LLVM::CallOp callRuntime(OpBuilder &b, Operation *op, StringRef name,
                                TypeRange result, ValueRange more = {}) {
  Value call = op->getParentOfType<LLVM::LLVMFuncOp>().getArgument(0);
  SmallVector<Value> args = {call};
  llvm::append_range(args, more);
  auto module = op->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(name)) {
    auto atEnd = OpBuilder::atBlockEnd(module.getBody());
    Type none = LLVM::LLVMVoidType::get(b.getContext());
    auto type = LLVM::LLVMFunctionType::get(
        result.empty() ? none : result.front(),
        llvm::to_vector(ValueRange(args).getTypes()));
    LLVM::LLVMFuncOp::create(atEnd, module.getLoc(), name, type);
  }
  return LLVM::CallOp::create(b, op->getLoc(), result, name, args);
}

/// A text that ends with a zero.
static Value textOf(OpBuilder &b, Operation *op, StringRef text) {
  auto module = op->getParentOfType<ModuleOp>();
  std::string name = ("ladon.name." + text).str();
  auto global = module.lookupSymbol<LLVM::GlobalOp>(name);
  if (!global) {
    auto atStart = OpBuilder::atBlockBegin(module.getBody());
    std::string data = text.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), data.size());
    global = LLVM::GlobalOp::create(
        atStart, module.getLoc(), type, /*isConstant=*/true,
        LLVM::Linkage::Internal, name, b.getStringAttr(data));
  }
  return LLVM::AddressOfOp::create(b, op->getLoc(), global);
}

static Value i64(OpBuilder &b, Operation *op, int64_t value) {
  return LLVM::ConstantOp::create(b, op->getLoc(), b.getI64Type(),
                                  b.getI64IntegerAttr(value));
}

/// Returns in place of `op`; what follows is not reached.
static void endCall(ConversionPatternRewriter &rewriter, Operation *op) {
  Block *before = op->getBlock();
  rewriter.splitBlock(before, Block::iterator(op));
  rewriter.setInsertionPointToEnd(before);
  LLVM::ReturnOp::create(rewriter, op->getLoc(), ValueRange());
  rewriter.eraseOp(op);
}

namespace {

struct ChecksIndicesToLLVM : ConvertOpToLLVMPattern<ChecksIndicesOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(ChecksIndicesOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, callRuntime(rewriter, op, "ladon_rt_checks_indices",
                                       rewriter.getI1Type())
                               .getResult());
    return success();
  }
};

struct RefuseIndexToLLVM : ConvertOpToLLVMPattern<RefuseIndexOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(RefuseIndexOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    int64_t axis = op.getAxis() ? static_cast<int64_t>(*op.getAxis()) : -1;
    SmallVector<Value> args = {textOf(rewriter, op, op.getName()),
                               i64(rewriter, op, axis), adaptor.getIndex(),
                               adaptor.getExtent()};
    llvm::append_range(args, adaptor.getPosition());
    callRuntime(rewriter, op, "ladon_rt_refuse_index", {}, args);
    endCall(rewriter, op);
    return success();
  }
};

struct RefuseCheckToLLVM : ConvertOpToLLVMPattern<RefuseCheckOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(RefuseCheckOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    callRuntime(rewriter, op, "ladon_rt_refuse_check", {},
                textOf(rewriter, op, op.getName()));
    endCall(rewriter, op);
    return success();
  }
};

} // namespace

bool ladon::cpu::isCallCheck(Operation *op) {
  return isa<ChecksIndicesOp, RefuseIndexOp, RefuseCheckOp>(op);
}

void ladon::cpu::addCallCheckPatterns(const LLVMTypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<ChecksIndicesToLLVM, RefuseIndexToLLVM, RefuseCheckToLLVM>(
      converter);
}
