//===- CpuToLLVM.cpp - Calls of the runtime -------------------------------===//
//
// See Passes.td. What a launch captures travels in a structure on the stack of
// the entry function, one field per value; a trampoline takes it apart again.
// Of a memref that is an argument the field is a pointer: its descriptor is in
// memory already.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/CallChecks.h"
#include "compiler/codegen/cpu/Passes.h"

#include "dialects/cpu/Cpu.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

#define DEBUG_TYPE "cpu-to-llvm"

namespace ladon::cpu {
#define GEN_PASS_DEF_CPUTOLLVM
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon::cpu;

//===----------------------------------------------------------------------===//
// The entry function and its module
//===----------------------------------------------------------------------===//

static constexpr StringLiteral allocName = "ladon_rt_alloc",
                               tryAllocName = "ladon_rt_try_alloc",
                               parallelForName = "ladon_rt_parallel_for";

/// The context of the call that `op` is part of.
static Value getContext(Operation *op) {
  return op->getParentOfType<LLVM::LLVMFuncOp>().getArgument(0);
}

static LLVM::LLVMFuncOp declare(ModuleOp module, StringRef name, Type result,
                                ArrayRef<Type> args) {
  if (auto existing = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return existing;
  auto b = OpBuilder::atBlockEnd(module.getBody());
  return LLVM::LLVMFuncOp::create(b, module.getLoc(), name,
                                  LLVM::LLVMFunctionType::get(result, args));
}

static std::string trampolineName(StringRef task) {
  return (task + ".call").str();
}

namespace {
/// What the launches of a task capture.
struct Environment {
  /// What the values become.
  SmallVector<Type> types;
  /// Whether a capture is a memref that is an argument in all of the launches.
  SmallVector<bool> isArgument;
  LLVM::LLVMStructType fields;
};
} // namespace

static FailureOr<Environment>
getEnvironment(ArrayRef<LaunchOp> launches,
               const LLVMTypeConverter &converter) {
  LaunchOp first = launches.front();
  Environment result;
  if (failed(
          converter.convertTypes(first.getCaptures().getTypes(), result.types)))
    return failure();
  SmallVector<Type> fields;
  for (auto [number, type] : llvm::enumerate(result.types)) {
    bool isArgument =
        isa<MemRefType>(first.getCaptures()[number].getType()) &&
        llvm::all_of(launches, [number = number](LaunchOp launch) {
          return launch.getCaptures()[number].getDefiningOp<ArgumentOp>();
        });
    result.isArgument.push_back(isArgument);
    fields.push_back(isArgument ? LLVM::LLVMPointerType::get(first.getContext())
                                : type);
  }
  result.fields = LLVM::LLVMStructType::getLiteral(first.getContext(), fields);
  return result;
}

/// Where argument `number` of the call that `op` is part of lies.
static Value argumentAddress(OpBuilder &b, Operation *op, unsigned number) {
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  Value arguments = op->getParentOfType<LLVM::LLVMFuncOp>().getArgument(1);
  Value at =
      LLVM::GEPOp::create(b, op->getLoc(), ptr, ptr, arguments,
                          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(number)});
  return LLVM::LoadOp::create(b, op->getLoc(), ptr, at);
}

static Value fieldAddress(OpBuilder &b, Location loc, Type type, Value base,
                          size_t number) {
  return LLVM::GEPOp::create(
      b, loc, base.getType(), type, base,
      ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(number)});
}

/// `TASK.call(environment, index, scratch)`: what the runtime calls.
static void defineTrampoline(ModuleOp module, LaunchOp launch,
                             LLVM::LLVMFuncOp task,
                             const Environment &environment) {
  auto b = ImplicitLocOpBuilder::atBlockEnd(task.getLoc(), module.getBody());
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type();
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), {ptr, i64, ptr});
  auto call = LLVM::LLVMFuncOp::create(b, trampolineName(task.getName()), type);
  call.setLinkage(LLVM::Linkage::Internal);
  Block *entry = call.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  SmallVector<Value> args;
  for (auto [number, type, capture] :
       llvm::enumerate(environment.types, launch.getCaptures().getTypes())) {
    Value at = fieldAddress(b, b.getLoc(), environment.fields,
                            entry->getArgument(0), number);
    if (environment.isArgument[number])
      at = LLVM::LoadOp::create(b, ptr, at);
    Value value = LLVM::LoadOp::create(b, type, at);
    if (auto memref = dyn_cast<MemRefType>(capture))
      MemRefDescriptor::unpack(b, b.getLoc(), value, memref, args);
    else
      args.push_back(value);
  }
  auto constant = [&](int64_t value) -> Value {
    return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(value));
  };
  Value scratch = entry->getArgument(2);
  args.append({entry->getArgument(1), scratch, scratch, constant(0),
               constant(launch.getScratch()), constant(1)});
  LLVM::CallOp::create(b, task, args);
  LLVM::ReturnOp::create(b, ValueRange());
}

/// Tells LLVM which pointers of a task do not alias: those of the captures that
/// are disjoint in all of its launches, and the scratch.
static void markDisjoint(LLVM::LLVMFuncOp task, ArrayRef<LaunchOp> launches) {
  LaunchOp first = launches.front();
  SmallVector<bool> disjoint(first.getCaptures().size(), true);
  for (LaunchOp launch : launches) {
    ArrayRef<int64_t> numbers =
        launch.getDisjoint().value_or(ArrayRef<int64_t>());
    for (size_t number = 0; number < disjoint.size(); ++number)
      disjoint[number] &= llvm::is_contained(numbers, number);
  }
  // Of a memref the allocated and the aligned pointer come first.
  auto mark = [&](unsigned pointer) {
    for (unsigned arg : {pointer, pointer + 1})
      task.setArgAttr(arg, LLVM::LLVMDialect::getNoAliasAttrName(),
                      UnitAttr::get(task.getContext()));
  };
  unsigned arg = 0;
  for (auto [number, type] : llvm::enumerate(first.getCaptures().getTypes())) {
    auto memref = dyn_cast<MemRefType>(type);
    if (memref && disjoint[number])
      mark(arg);
    arg += memref ? MemRefDescriptor::getNumUnpackedValues(memref) : 1;
  }
  mark(arg + 1); // behind the index
}

/// What a loop asks of LLVM: upstream's conversions carry it along to a branch,
/// under a name that its translation does not know.
static void adoptLoopAnnotations(ModuleOp module) {
  constexpr StringLiteral name = "llvm.loop_annotation";
  module.walk([&](LLVM::BrOp branch) {
    auto annotation = branch->getAttrOfType<LLVM::LoopAnnotationAttr>(name);
    if (!annotation)
      return;
    branch.setLoopAnnotationAttr(annotation);
    branch->removeAttr(name);
  });
}

/// Gathers the bits of bf16 in place of numbers. Where the hardware has no such
/// gather LLVM takes it apart, and may then round what it gathered by a
/// function of the compiler's runtime, which a library does not have.
static void gatherBitsOfBF16(ModuleOp module) {
  SmallVector<LLVM::masked_gather> gathers;
  module.walk([&](LLVM::masked_gather gather) {
    if (cast<VectorType>(gather.getRes().getType()).getElementType().isBF16())
      gathers.push_back(gather);
  });
  for (LLVM::masked_gather gather : gathers) {
    OpBuilder b(gather);
    auto type = cast<VectorType>(gather.getRes().getType());
    Type bits = type.clone(b.getI16Type());
    SmallVector<Value> passed;
    for (Value value : gather.getPassThru())
      passed.push_back(
          LLVM::BitcastOp::create(b, gather.getLoc(), bits, value));
    Value gathered = LLVM::masked_gather::create(
        b, gather.getLoc(), bits, gather.getPtrs(), gather.getMask(), passed,
        gather.getAlignment());
    gather.getRes().replaceAllUsesWith(
        LLVM::BitcastOp::create(b, gather.getLoc(), type, gathered));
    gather.erase();
  }
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {

struct ArgumentToLLVM : public ConvertOpToLLVMPattern<ArgumentOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(ArgumentOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = getTypeConverter()->convertType(op.getValue().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "type has no LLVM counterpart");
    Value argument = argumentAddress(rewriter, op, op.getNumber());
    if (type.isInteger(1)) {
      Type byte = rewriter.getI8Type();
      Value value = LLVM::LoadOp::create(rewriter, loc, byte, argument);
      Value zero = LLVM::ConstantOp::create(rewriter, loc, byte,
                                            rewriter.getI8IntegerAttr(0));
      rewriter.replaceOpWithNewOp<LLVM::ICmpOp>(op, LLVM::ICmpPredicate::ne,
                                                value, zero);
      return success();
    }
    // The runtime lays a descriptor out as LLVM does.
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, type, argument);
    return success();
  }
};

/// What cpu.alloc and cpu.try_alloc have in common.
template <typename Op> struct MemoryToLLVM : public ConvertOpToLLVMPattern<Op> {
  using ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;

  /// The bytes of a memref; where they overflow, more than there ever are.
  Value countBytes(OpBuilder &b, Location loc, MemRefType type,
                   ValueRange dynamicSizes) const {
    int64_t known = llvm::divideCeil(this->getTypeConverter()
                                         ->convertType(type.getElementType())
                                         .getIntOrFloatBitWidth(),
                                     8);
    for (int64_t extent : type.getShape())
      known *= ShapedType::isDynamic(extent) ? 1 : extent;
    Type i64 = b.getI64Type();
    auto constant = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(b, loc, i64, b.getI64IntegerAttr(value));
    };
    Value bytes = constant(known);
    if (dynamicSizes.empty() || known == 0)
      return bytes;
    auto product =
        LLVM::LLVMStructType::getLiteral(b.getContext(), {i64, b.getI1Type()});
    Value zero = constant(0), overflows, isEmpty;
    for (Value size : dynamicSizes) {
      Value both =
          LLVM::UMulWithOverflowOp::create(b, loc, product, bytes, size);
      bytes = LLVM::ExtractValueOp::create(b, loc, both, 0);
      Value beyond = LLVM::ExtractValueOp::create(b, loc, both, 1);
      Value none =
          LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, size, zero);
      overflows =
          overflows ? LLVM::OrOp::create(b, loc, overflows, beyond) : beyond;
      isEmpty = isEmpty ? LLVM::OrOp::create(b, loc, isEmpty, none) : none;
    }
    Value most = constant(std::numeric_limits<int64_t>::max());
    bytes = LLVM::SelectOp::create(b, loc, overflows, most, bytes);
    return LLVM::SelectOp::create(b, loc, isEmpty, zero, bytes);
  }

  /// The descriptor of new memory, and the pointer that the runtime returned.
  std::pair<Value, Value> allocate(Op op, ValueRange dynamicSizes,
                                   StringRef function,
                                   ConversionPatternRewriter &rewriter) const {
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getMemory().getType());
    auto ptr = LLVM::LLVMPointerType::get(op.getContext());
    Value bytes = countBytes(rewriter, loc, type, dynamicSizes);
    Value memory = LLVM::CallOp::create(rewriter, loc, ptr, function,
                                        ValueRange{getContext(op), bytes})
                       .getResult();
    SmallVector<Value> sizes, strides;
    Value size;
    this->getMemRefDescriptorSizes(loc, type, dynamicSizes, rewriter, sizes,
                                   strides, size, /*sizeInBytes=*/false);
    Value descriptor = this->createMemRefDescriptor(loc, type, memory, memory,
                                                    sizes, strides, rewriter);
    return {descriptor, memory};
  }

private:
  static Value getContext(Op op) { return ::getContext(op); }
};

/// Without the memory the function returns: the call has failed, and loops that
/// are too small to launch would write to it.
struct AllocToLLVM : public MemoryToLLVM<AllocOp> {
  using MemoryToLLVM::MemoryToLLVM;

  LogicalResult
  matchAndRewrite(AllocOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto [descriptor, memory] =
        allocate(op, adaptor.getSizes(), allocName, rewriter);
    Value null = LLVM::ZeroOp::create(rewriter, loc, memory.getType());
    Value refused = LLVM::ICmpOp::create(rewriter, loc, LLVM::ICmpPredicate::eq,
                                         memory, null);
    Block *before = op->getBlock();
    Block *after = rewriter.splitBlock(before, Block::iterator(op));
    Block *leave = rewriter.createBlock(after->getParent());
    LLVM::ReturnOp::create(rewriter, loc, ValueRange());
    rewriter.setInsertionPointToEnd(before);
    LLVM::CondBrOp::create(rewriter, loc, refused, leave, after);
    rewriter.replaceOp(op, descriptor);
    return success();
  }
};

struct TryAllocToLLVM : public MemoryToLLVM<TryAllocOp> {
  using MemoryToLLVM::MemoryToLLVM;

  LogicalResult
  matchAndRewrite(TryAllocOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto [descriptor, memory] =
        allocate(op, adaptor.getSizes(), tryAllocName, rewriter);
    Value null = LLVM::ZeroOp::create(rewriter, op.getLoc(), memory.getType());
    Value granted = LLVM::ICmpOp::create(rewriter, op.getLoc(),
                                         LLVM::ICmpPredicate::ne, memory, null);
    rewriter.replaceOp(op, {descriptor, granted});
    return success();
  }
};

/// Environments by task.
using Environments = llvm::DenseMap<StringAttr, Environment>;

class LaunchToLLVM : public ConvertOpToLLVMPattern<LaunchOp> {
public:
  LaunchToLLVM(const LLVMTypeConverter &converter,
               const Environments &environments)
      : ConvertOpToLLVMPattern(converter), environments(environments) {}

  LogicalResult
  matchAndRewrite(LaunchOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    const Environment &environment =
        environments.at(op.getTaskAttr().getAttr());
    auto ptr = LLVM::LLVMPointerType::get(getContext());
    auto constant = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(rewriter, loc, rewriter.getI64Type(),
                                      rewriter.getI64IntegerAttr(value));
    };
    Value memory;
    {
      // Once per call of the function, even if the launch is in a loop.
      OpBuilder::InsertionGuard guard(rewriter);
      auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
      rewriter.setInsertionPointToStart(&function.getBody().front());
      memory = LLVM::AllocaOp::create(rewriter, loc, ptr, environment.fields,
                                      constant(1));
    }
    for (auto [number, value] : llvm::enumerate(adaptor.getCaptures())) {
      Value field = value;
      if (environment.isArgument[number]) {
        auto argument = op.getCaptures()[number].getDefiningOp<ArgumentOp>();
        field = argumentAddress(rewriter, op, argument.getNumber());
      }
      LLVM::StoreOp::create(
          rewriter, loc, field,
          fieldAddress(rewriter, loc, environment.fields, memory, number));
    }
    Value body = LLVM::AddressOfOp::create(rewriter, loc, ptr,
                                           trampolineName(op.getTask()));
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(
        op, TypeRange(), parallelForName,
        ValueRange{::getContext(op), adaptor.getCount(),
                   constant(op.getScratch()), body, memory});
    return success();
  }

private:
  const Environments &environments;
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct CpuToLLVM : public ladon::cpu::impl::CpuToLLVMBase<CpuToLLVM> {
  /// Whether the operations are in entry functions, whose arguments are known.
  LogicalResult checkPlaces() {
    WalkResult result = getOperation().walk([&](Operation *op) {
      if (!isa<ArgumentOp, AllocOp, TryAllocOp, LaunchOp>(op) &&
          !isCallCheck(op))
        return WalkResult::advance();
      auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
      if (function && !function.isPrivate() &&
          function.getNumArguments() == 2 &&
          llvm::all_of(function.getArgumentTypes(),
                       llvm::IsaPred<LLVM::LLVMPointerType>))
        return WalkResult::advance();
      op->emitOpError("expected an entry function around it; run "
                      "cpu-emit-entry and convert-func-to-llvm before");
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }

  /// Defines and declares what the patterns call.
  LogicalResult prepare(const LLVMTypeConverter &converter,
                        Environments &environments) {
    ModuleOp module = getOperation();
    llvm::MapVector<StringAttr, SmallVector<LaunchOp>> launches;
    bool allocates = false, tries = false;
    module.walk([&](Operation *op) {
      if (auto launch = dyn_cast<LaunchOp>(op))
        launches[launch.getTaskAttr().getAttr()].push_back(launch);
      allocates |= isa<AllocOp>(op);
      tries |= isa<TryAllocOp>(op);
    });
    for (auto &[name, ofTask] : launches) {
      auto task = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
      FailureOr<Environment> environment = getEnvironment(ofTask, converter);
      if (!task || failed(environment))
        return ofTask.front().emitOpError(
            "expected a task and captures that are lowered to LLVM");
      markDisjoint(task, ofTask);
      task.setLinkage(LLVM::Linkage::Internal);
      defineTrampoline(module, ofTask.front(), task, *environment);
      environments[name] = std::move(*environment);
    }
    auto ptr = LLVM::LLVMPointerType::get(module.getContext());
    Type i64 = IntegerType::get(module.getContext(), 64);
    Type none = LLVM::LLVMVoidType::get(module.getContext());
    if (!launches.empty())
      declare(module, parallelForName, none, {ptr, i64, i64, ptr, ptr});
    if (allocates)
      declare(module, allocName, ptr, {ptr, i64});
    if (tries)
      declare(module, tryAllocName, ptr, {ptr, i64});
    return success();
  }

  void runOnOperation() override {
    LLVMTypeConverter converter(&getContext());
    Environments environments;
    if (failed(checkPlaces()) || failed(prepare(converter, environments)))
      return signalPassFailure();
    adoptLoopAnnotations(getOperation());
    gatherBitsOfBF16(getOperation());
    RewritePatternSet patterns(&getContext());
    patterns.add<ArgumentToLLVM, AllocToLLVM, TryAllocToLLVM>(converter);
    patterns.add<LaunchToLLVM>(converter, environments);
    addCallCheckPatterns(converter, patterns);
    LLVMConversionTarget target(getContext());
    target.addIllegalDialect<CpuDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
