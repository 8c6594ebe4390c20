//===- SimulateKernels.cpp - Kernels for the simulated driver -------------===//
//
// The very operations that become PTX, with each instruction of a GPU as a call
// of runtime/cuda-sim, compiled for the CPU.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/LlvmCode.h"
#include "compiler/codegen/artifact/Artifact.h"
#include "compiler/codegen/cuda/EmitKernels.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cuda;

//===----------------------------------------------------------------------===//
// Instructions to calls
//===----------------------------------------------------------------------===//

namespace {
/// Replaces the operations of one module.
class Simulator {
public:
  explicit Simulator(ModuleOp module)
      : module(module), context(module.getContext()),
        ptr(LLVM::LLVMPointerType::get(context)),
        i32(IntegerType::get(context, 32)), f32(Float32Type::get(context)) {}

  LogicalResult run();

private:
  LogicalResult replace(Operation *op);
  Value call(ImplicitLocOpBuilder &b, StringRef name, Type result,
             ValueRange arguments);
  Value constant(ImplicitLocOpBuilder &b, int64_t value) {
    return LLVM::ConstantOp::create(b, i32, b.getI32IntegerAttr(value));
  }
  /// Memory for `count` elements, made once per call of the kernel.
  Value memory(ImplicitLocOpBuilder &b, Operation *op, Type type,
               int64_t count);
  Value element(ImplicitLocOpBuilder &b, Type type, Value base, int64_t at) {
    return LLVM::GEPOp::create(
        b, ptr, type, base, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(at)});
  }
  void shuffle(NVVM::ShflOp op);
  void loadMatrix(NVVM::LdMatrixOp op);
  void multiply(NVVM::MmaOp op);

  ModuleOp module;
  MLIRContext *context;
  Type ptr, i32, f32;
};
} // namespace

Value Simulator::call(ImplicitLocOpBuilder &b, StringRef name, Type result,
                      ValueRange arguments) {
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!function) {
    auto atEnd = OpBuilder::atBlockEnd(module.getBody());
    Type returned = result ? result : LLVM::LLVMVoidType::get(context);
    function = LLVM::LLVMFuncOp::create(
        atEnd, module.getLoc(), name,
        LLVM::LLVMFunctionType::get(returned,
                                    llvm::to_vector(arguments.getTypes())));
  }
  auto made = LLVM::CallOp::create(b, function, arguments);
  return result ? made.getResult() : Value();
}

Value Simulator::memory(ImplicitLocOpBuilder &b, Operation *op, Type type,
                        int64_t count) {
  OpBuilder::InsertionGuard guard(b);
  auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
  b.setInsertionPointToStart(&function.getBody().front());
  return LLVM::AllocaOp::create(b, ptr, type, constant(b, count));
}

void Simulator::shuffle(NVVM::ShflOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value bits = LLVM::BitcastOp::create(b, i32, op.getVal());
  bool isExchange = op.getKind() == NVVM::ShflKind::bfly;
  Value result = call(b, "ladon_sim_shuffle", i32,
                      {bits, op.getOffset(), constant(b, isExchange ? 0 : 1)});
  op.replaceAllUsesWith(
      LLVM::BitcastOp::create(b, op.getType(), result).getResult());
}

void Simulator::loadMatrix(NVVM::LdMatrixOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  int64_t count = op.getNum();
  Value out = memory(b, op, i32, count);
  bool transpose = op.getLayout() == NVVM::MMALayout::col;
  call(b, "ladon_sim_load_matrix", {},
       {out, op.getPtr(), constant(b, count), constant(b, transpose)});
  Value all = LLVM::UndefOp::create(b, op.getType());
  for (int64_t n = 0; n < count; ++n)
    all = LLVM::InsertValueOp::create(
        b, all, LLVM::LoadOp::create(b, i32, element(b, i32, out, n)), n);
  op.replaceAllUsesWith(all);
}

void Simulator::multiply(NVVM::MmaOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value words = memory(b, op, i32, 6), sums = memory(b, op, f32, 4);
  int64_t word = 0;
  for (Value operand : llvm::concat<Value>(llvm::to_vector(op.getOperandA()),
                                           llvm::to_vector(op.getOperandB())))
    LLVM::StoreOp::create(b, operand, element(b, i32, words, word++));
  for (auto [n, value] : llvm::enumerate(op.getOperandC()))
    LLVM::StoreOp::create(b, value, element(b, f32, sums, n));
  int64_t kind = 0;
  if (auto type = op.getMultiplicandAPtxType())
    kind = *type == NVVM::MMATypes::bf16   ? 1
           : *type == NVVM::MMATypes::tf32 ? 2
                                           : 0;
  call(b, "ladon_sim_mma", {}, {sums, words, constant(b, kind)});
  Value all = LLVM::UndefOp::create(b, op.getType());
  for (int64_t n = 0; n < 4; ++n)
    all = LLVM::InsertValueOp::create(
        b, all, LLVM::LoadOp::create(b, f32, element(b, f32, sums, n)), n);
  op.replaceAllUsesWith(all);
}

/// Replaces an operation that a CPU does not have; an error if it is not known.
LogicalResult Simulator::replace(Operation *op) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  auto becomes = [&](StringRef name, Type result, ValueRange arguments) {
    Value value = call(b, name, result, arguments);
    if (value)
      op->getResult(0).replaceAllUsesWith(value);
  };
  if (isa<NVVM::ThreadIdXOp>(op))
    becomes("ladon_sim_thread", i32, {});
  else if (isa<NVVM::BlockIdXOp>(op))
    becomes("ladon_sim_block", i32, {});
  else if (isa<NVVM::Barrier0Op>(op))
    becomes("ladon_sim_barrier", {}, {});
  else if (auto barrier = dyn_cast<NVVM::BarrierOp>(op)) {
    if (barrier.getReductionOp())
      becomes("ladon_sim_barrier_or", i32, {barrier.getReductionPredicate()});
    else
      becomes("ladon_sim_barrier", {}, {});
  } else if (auto copy = dyn_cast<NVVM::CpAsyncOp>(op)) {
    Value size = constant(b, copy.getSize());
    becomes("ladon_sim_copy_async", {},
            {copy.getDst(), copy.getSrc(), size,
             copy.getCpSize() ? copy.getCpSize() : size});
  } else if (isa<NVVM::CpAsyncCommitGroupOp>(op))
    becomes("ladon_sim_commit", {}, {});
  else if (auto wait = dyn_cast<NVVM::CpAsyncWaitGroupOp>(op))
    becomes("ladon_sim_wait", {}, {constant(b, wait.getN())});
  else if (auto shfl = dyn_cast<NVVM::ShflOp>(op))
    shuffle(shfl);
  else if (auto load = dyn_cast<NVVM::LdMatrixOp>(op))
    loadMatrix(load);
  else if (auto mma = dyn_cast<NVVM::MmaOp>(op))
    multiply(mma);
  else if (auto intrinsic = dyn_cast<LLVM::CallIntrinsicOp>(op)) {
    if (intrinsic.getIntrin() != "llvm.nvvm.ex2.approx.ftz.f32")
      return op->emitError("the simulator does not know this intrinsic");
    becomes("ladon_sim_exp2", f32, op->getOperands());
  } else if (auto address = dyn_cast<LLVM::AddressOfOp>(op)) {
    if (!module.lookupSymbol<LLVM::GlobalOp>(address.getGlobalName()))
      return success();
    becomes("ladon_sim_shared", ptr, {});
  } else if (isa<LLVM::AddrSpaceCastOp>(op))
    op->getResult(0).replaceAllUsesWith(op->getOperand(0));
  else if (isa<NVVM::NVVMDialect>(op->getDialect()))
    return op->emitError("the simulator does not know this operation");
  else
    return success();
  op->erase();
  return success();
}

/// `NAME(arguments)` in place of a kernel that takes them one by one.
static void makeCallable(LLVM::LLVMFuncOp kernel) {
  std::string name = kernel.getName().str();
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel);
  kernel.setName(name + ".body");
  kernel->removeAttr("nvvm.kernel");
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  auto function = LLVM::LLVMFuncOp::create(
      b, name,
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                  {ptr}));
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  SmallVector<Value> arguments;
  for (auto [number, type] : llvm::enumerate(kernel.getArgumentTypes())) {
    Value at = LLVM::GEPOp::create(
        b, ptr, ptr, entry->getArgument(0),
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(number)});
    Value address = LLVM::LoadOp::create(b, ptr, at);
    arguments.push_back(LLVM::LoadOp::create(b, type, address));
  }
  LLVM::CallOp::create(b, kernel, arguments);
  LLVM::ReturnOp::create(b, ValueRange());
}

LogicalResult Simulator::run() {
  // A CPU has one kind of memory.
  AttrTypeReplacer types;
  types.addReplacement([&](LLVM::LLVMPointerType) { return ptr; });
  types.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true,
                                     /*replaceLocs=*/false,
                                     /*replaceTypes=*/true);
  SmallVector<Operation *> operations;
  module.walk([&](Operation *op) {
    if (!isa<LLVM::LLVMFuncOp, LLVM::GlobalOp, ModuleOp>(op))
      operations.push_back(op);
  });
  for (Operation *op : operations)
    if (failed(replace(op)))
      return failure();
  for (auto global :
       llvm::make_early_inc_range(module.getOps<LLVM::GlobalOp>()))
    global.erase();
  SmallVector<LLVM::LLVMFuncOp> kernels;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    if (!function.isExternal() && function->hasAttr("nvvm.kernel"))
      kernels.push_back(function);
  for (LLVM::LLVMFuncOp kernel : kernels)
    makeCallable(kernel);
  return success();
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

static std::unique_ptr<llvm::TargetMachine> createMachine() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  std::string message;
  const llvm::Target *found =
      llvm::TargetRegistry::lookupTarget(triple, message);
  return std::unique_ptr<llvm::TargetMachine>(
      found->createTargetMachine(triple, "x86-64-v3", "", {}, llvm::Reloc::PIC_,
                                 std::nullopt, llvm::CodeGenOptLevel::Less));
}

llvm::Expected<std::string>
ladon::cuda::emitSimulation(::mlir::gpu::GPUModuleOp kernels,
                            llvm::StringRef driver) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernels.getLoc());
  std::vector<std::string> names;
  for (Operation &op : *kernels.getBody()) {
    if (op.hasTrait<OpTrait::IsTerminator>())
      continue;
    module->getBody()->push_back(op.clone());
    if (op.hasAttr("nvvm.kernel"))
      names.push_back(SymbolTable::getSymbolName(&op).str());
  }
  if (failed(Simulator(*module).run()))
    return llvm::createStringError("kernels cannot be simulated");
  registerBuiltinDialectTranslation(*kernels.getContext());
  registerLLVMDialectTranslation(*kernels.getContext());
  llvm::LLVMContext context;
  auto code = translateModuleToLLVMIR(*module, context, "kernels");
  if (!code)
    return llvm::createStringError("translation of kernels to LLVM IR failed");
  std::unique_ptr<llvm::TargetMachine> machine = createMachine();
  code->setTargetTriple(machine->getTargetTriple());
  code->setDataLayout(machine->createDataLayout());
  for (llvm::Function &function : *code)
    if (!function.isDeclaration())
      function.addFnAttr("target-cpu", machine->getTargetCPU());

  optimize(*code, *machine,
           "function(sroa,early-cse<memssa>,scalarizer,"
           "instcombine<no-verify-fixpoint>,simplifycfg)");
  auto object = emitFile(*code, *machine, llvm::CodeGenFileType::ObjectFile);
  if (!object)
    return object.takeError();
  return artifact::linkLibrary({*object}, "kernels", names, {driver.str()});
}
