//===- EmitKernels.cpp - Kernels in the LLVM dialect to images ------------===//

#include "compiler/codegen/cuda/EmitKernels.h"

#include "compiler/codegen/LlvmCode.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Target/TargetMachine.h"

extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

using namespace mlir;
using namespace ladon::cuda;

static const CudaTarget targets[] = {
    {"sm_80", "+ptx70", 80, /*isExact=*/false, "A100 and newer", 99 << 10},
    {"sm_90a", "+ptx80", 90, /*isExact=*/true, "H100, H200", 227 << 10},
};

llvm::ArrayRef<CudaTarget> ladon::cuda::cudaTargets() { return targets; }

llvm::Expected<llvm::SmallVector<CudaTarget>>
ladon::cuda::parseTargets(llvm::StringRef list) {
  llvm::SmallVector<llvm::StringRef> names;
  list.split(names, ',');
  llvm::SmallVector<CudaTarget> result;
  for (llvm::StringRef name : names) {
    auto isNamed = [&](const CudaTarget &t) { return t.name == name; };
    const CudaTarget *found = llvm::find_if(targets, isNamed);
    if (found == std::end(targets))
      return llvm::createStringError(
          "expected one of " +
          llvm::join(llvm::map_range(targets,
                                     [](const CudaTarget &target) {
                                       return target.name.str();
                                     }),
                     ", ") +
          ", found '" + name + "'");
    if (llvm::none_of(result, isNamed))
      result.push_back(*found);
  }
  llvm::sort(result, [](const CudaTarget &x, const CudaTarget &y) {
    return x.arch > y.arch;
  });
  return result;
}

//===----------------------------------------------------------------------===//
// PTX
//===----------------------------------------------------------------------===//

static std::unique_ptr<llvm::TargetMachine>
createMachine(const CudaTarget &target) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string message;
  const llvm::Target *found =
      llvm::TargetRegistry::lookupTarget(triple, message);
  assert(found && "LLVM is linked with NVPTX");
  return std::unique_ptr<llvm::TargetMachine>(found->createTargetMachine(
      triple, target.name, target.ptx, {}, std::nullopt, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
}

/// Vectors are those of a thread: each element is a register.
static constexpr llvm::StringLiteral optimisations =
    "function(sroa,early-cse<memssa>,scalarizer<load-store>,"
    "instcombine<no-verify-fixpoint>,simplifycfg,early-cse<memssa>),"
    "cgscc(inline),"
    "function(loop-mssa(loop-rotate,licm),gvn,"
    "instcombine<no-verify-fixpoint>,simplifycfg,sink),"
    "globaldce";

llvm::Expected<std::string>
ladon::cuda::emitPtx(::mlir::gpu::GPUModuleOp kernels,
                     const CudaTarget &target) {
  MLIRContext &mlirContext = *kernels.getContext();
  registerBuiltinDialectTranslation(mlirContext);
  registerLLVMDialectTranslation(mlirContext);
  registerGPUDialectTranslation(mlirContext);
  registerNVVMDialectTranslation(mlirContext);
  llvm::LLVMContext context;
  auto code = translateModuleToLLVMIR(kernels, context, "kernels");
  if (!code)
    return llvm::createStringError("translation of kernels to LLVM IR failed");
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target);
  code->setTargetTriple(machine->getTargetTriple());
  code->setDataLayout(machine->createDataLayout());

  optimize(*code, *machine, optimisations);
  return emitFile(*code, *machine, llvm::CodeGenFileType::AssemblyFile);
}

//===----------------------------------------------------------------------===//
// Machine code
//===----------------------------------------------------------------------===//

namespace {
/// A file that is gone with the object.
struct TemporaryFile {
  llvm::SmallString<64> path;

  ~TemporaryFile() {
    if (!path.empty())
      (void)llvm::sys::fs::remove(path);
  }
  std::error_code create(llvm::StringRef suffix) {
    return llvm::sys::fs::createTemporaryFile("ladon", suffix, path);
  }
};
} // namespace

static std::optional<std::string> findPtxas() {
  if (const char *home = std::getenv("CUDA_HOME"))
    if (auto found =
            llvm::sys::findProgramByName("ptxas", {std::string(home) + "/bin"}))
      return *found;
  if (auto found = llvm::sys::findProgramByName("ptxas"))
    return *found;
  if (auto found =
          llvm::sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"}))
    return *found;
  return std::nullopt;
}

struct Assembly::Process {
  TemporaryFile source, result, messages;
  llvm::sys::ProcessInfo running;
};

Assembly::Assembly(std::unique_ptr<Process> process)
    : process(std::move(process)) {}
Assembly::Assembly(Assembly &&) noexcept = default;

/// One that nobody waits for any more has to end all the same: its files go.
Assembly::~Assembly() {
  if (process && process->running.Pid != llvm::sys::ProcessInfo::InvalidPid)
    llvm::sys::Wait(process->running, std::nullopt);
}

llvm::Expected<Assembly> Assembly::start(llvm::StringRef ptx,
                                         const CudaTarget &target) {
  std::optional<std::string> ptxas = findPtxas();
  if (!ptxas)
    return Assembly(nullptr);
  auto process = std::make_unique<Process>();
  for (auto [file, suffix] : {std::pair(&process->source, "ptx"),
                              {&process->result, "cubin"},
                              {&process->messages, "log"}})
    if (std::error_code error = file->create(suffix))
      return llvm::createStringError(error, "cannot make a temporary file");
  {
    std::error_code error;
    llvm::raw_fd_ostream stream(process->source.path, error);
    stream << ptx;
    stream.close();
    if (error || stream.has_error())
      return llvm::createStringError("cannot write a temporary file");
  }
  std::string arch = ("-arch=" + target.name).str();
  std::optional<llvm::StringRef> redirects[] = {
      "", llvm::StringRef(process->messages.path),
      llvm::StringRef(process->messages.path)};
  std::string problem;
  bool failed = false;
  process->running = llvm::sys::ExecuteNoWait(
      *ptxas,
      {*ptxas, arch, "-O3", process->source.path, "-o", process->result.path},
      std::nullopt, redirects, 0, &problem, &failed);
  if (failed)
    return llvm::createStringError("ptxas failed: " + problem);
  return Assembly(std::move(process));
}

llvm::Expected<std::optional<std::string>> Assembly::finish() {
  if (!process)
    return std::nullopt;
  std::string problem;
  int status =
      llvm::sys::Wait(process->running, std::nullopt, &problem).ReturnCode;
  process->running = {};
  auto read = [](llvm::StringRef path) -> std::string {
    auto buffer = llvm::MemoryBuffer::getFile(path, false, false);
    return buffer ? (*buffer)->getBuffer().str() : std::string();
  };
  if (status != 0)
    return llvm::createStringError("ptxas failed: " + problem +
                                   read(process->messages.path));
  return read(process->result.path);
}
