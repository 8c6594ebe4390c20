//===- tile_program.cpp - Tile-level functions, run in two ways -----------===//

#include "tile_program.h"

#include "compiler/codegen/cpu/x86/X86Backend.h"
#include "compiler/reference/TileInterpreter.h"
#include "compiler/transforms/InitLadon.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>

#include <sys/mman.h>
#include <unistd.h>

using namespace ladon;
using namespace ladon::test;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static size_t sizeOf(const std::string &element) {
  return element == "f64" ? 8 : element == "f32" || element == "i32" ? 4 : 2;
}

static const llvm::fltSemantics &semantics(const std::string &element) {
  return element == "f16" ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat();
}

static llvm::APFloat halfOf(double value, const std::string &element) {
  llvm::APFloat narrow(value);
  bool losesInfo = false;
  narrow.convert(semantics(element), llvm::APFloat::rmNearestTiesToEven,
                 &losesInfo);
  return narrow;
}

template <typename T> static void put(char *to, T value) {
  std::memcpy(to, &value, sizeof(T));
}
template <typename T> static T get(const char *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

static void store(char *to, double value, const std::string &element) {
  if (element == "f64")
    return put(to, value);
  if (element == "f32")
    return put(to, static_cast<float>(value));
  if (element == "i32")
    return put(to, static_cast<int32_t>(value));
  put(to, static_cast<uint16_t>(
              halfOf(value, element).bitcastToAPInt().getZExtValue()));
}

static double load(const char *from, const std::string &element) {
  if (element == "f64")
    return get<double>(from);
  if (element == "f32")
    return get<float>(from);
  if (element == "i32")
    return get<int32_t>(from);
  return llvm::APFloat(semantics(element), llvm::APInt(16, get<uint16_t>(from)))
      .convertToDouble();
}

double test::storedAs(double value, const std::string &element) {
  char bytes[8];
  store(bytes, value, element);
  return load(bytes, element);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

int64_t TileOperand::count() const {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

TileOperand test::randomOperand(std::string element, std::vector<int64_t> sizes,
                                unsigned seed) {
  TileOperand operand{std::move(element), std::move(sizes)};
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < operand.count(); ++i)
    operand.values.push_back(storedAs(normal(random), operand.element));
  return operand;
}

TileOperand test::outputOperand(std::string element,
                                std::vector<int64_t> sizes) {
  return {std::move(element), std::move(sizes)};
}

namespace {
/// An operand in memory, at one end of which is a page that may not be touched.
class GuardedOperand {
public:
  GuardedOperand(const TileOperand &operand, bool atEnd)
      : operand(operand), elementSize(sizeOf(operand.element)) {
    int64_t stride = operand.spread;
    strides.resize(operand.sizes.size());
    for (size_t axis = operand.sizes.size(); axis-- > 0;) {
      strides[axis] = stride;
      stride *= operand.sizes[axis];
    }
    int64_t count = operand.count();
    size_t bytes = count ? ((count - 1) * operand.spread + 1) * elementSize : 0;
    size_t page = sysconf(_SC_PAGESIZE);
    size_t inner = (bytes + page - 1) / page * page;
    total = inner + 2 * page;
    base = static_cast<char *>(mmap(nullptr, total, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base == MAP_FAILED)
      std::abort();
    mprotect(base, page, PROT_NONE);
    mprotect(base + page + inner, page, PROT_NONE);
    data = atEnd ? base + page + inner - bytes : base + page;
    std::memset(base + page, 0xff, inner);
    bool isInteger = operand.element == "i32";
    for (int64_t i = 0; i < count; ++i)
      store(at(i),
            !operand.values.empty() ? operand.values[i]
            : isInteger             ? 0
                                    : std::numeric_limits<double>::quiet_NaN(),
            operand.element);
  }
  ~GuardedOperand() { munmap(base, total); }
  GuardedOperand(const GuardedOperand &) = delete;

  char *at(int64_t i) { return data + i * operand.spread * elementSize; }
  std::vector<double> read() {
    std::vector<double> values;
    for (int64_t i = 0; i < operand.count(); ++i)
      values.push_back(load(at(i), operand.element));
    return values;
  }

  const TileOperand &operand;
  size_t elementSize, total;
  char *base, *data;
  std::vector<int64_t> strides;
};
} // namespace

//===----------------------------------------------------------------------===//
// The runtime of the code
//===----------------------------------------------------------------------===//

namespace {
/// A call; owns what the code asks for.
struct Call {
  std::vector<void *> memory;
  ~Call() {
    for (void *block : memory)
      std::free(block);
  }
  void *allocate(int64_t bytes) {
    size_t size = (static_cast<size_t>(bytes) + 64) / 64 * 64;
    void *block = std::aligned_alloc(64, size);
    std::memset(block, 0xff, size);
    memory.push_back(block);
    return block;
  }
};
} // namespace

static void *allocate(Call *call, int64_t bytes) {
  return call->allocate(bytes);
}

static void parallelFor(Call *call, int64_t n, int64_t scratchBytes,
                        void (*body)(void *, int64_t, void *), void *env) {
  for (int64_t i = 0; i < n; ++i)
    body(env, i, call->allocate(scratchBytes));
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

struct TileProgram::State {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< At the tile level.
  std::unique_ptr<llvm::orc::LLJIT> jit;
  void (*code)(Call *, void **) = nullptr;
  std::string problems;
};

TileProgram::TileProgram(std::unique_ptr<State> state)
    : state(std::move(state)) {}
TileProgram::~TileProgram() = default;

/// Brings `object` into the process; what `symbol` is there.
static llvm::Expected<void *> loadObject(std::unique_ptr<llvm::orc::LLJIT> &jit,
                                         const std::string &object,
                                         const llvm::Triple &triple,
                                         llvm::StringRef symbol) {
  auto created = llvm::orc::LLJITBuilder()
                     .setJITTargetMachineBuilder(
                         llvm::orc::JITTargetMachineBuilder(triple))
                     .create();
  if (!created)
    return created.takeError();
  jit = std::move(*created);
  auto address = [](auto *function) {
    return llvm::orc::ExecutorSymbolDef(
        llvm::orc::ExecutorAddr::fromPtr(function),
        llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable);
  };
  llvm::orc::SymbolMap runtime;
  runtime[jit->mangleAndIntern("ladon_rt_alloc")] = address(&allocate);
  runtime[jit->mangleAndIntern("ladon_rt_parallel_for")] =
      address(&parallelFor);
  if (auto error = jit->getMainJITDylib().define(
          llvm::orc::absoluteSymbols(std::move(runtime))))
    return std::move(error);
  if (auto error =
          jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object)))
    return std::move(error);
  auto found = jit->lookup(symbol);
  if (!found)
    return found.takeError();
  return found->toPtr<void *>();
}

llvm::Expected<std::unique_ptr<TileProgram>>
TileProgram::compile(const std::string &text, const cpu::CpuTarget &target) {
  auto state = std::make_unique<State>();
  mlir::DialectRegistry registry;
  registerDialects(registry);
  state->context.appendDialectRegistry(registry);
  state->context.disableMultithreading();
  State *raw = state.get();
  state->context.getDiagEngine().registerHandler([raw](mlir::Diagnostic &d) {
    if (d.getSeverity() == mlir::DiagnosticSeverity::Error)
      raw->problems += d.str() + "\n";
  });
  state->module =
      mlir::parseSourceString<mlir::ModuleOp>(text, &state->context);
  if (!state->module)
    return llvm::createStringError(state->problems + text);

  mlir::OwningOpRef<mlir::ModuleOp> lowered = state->module->clone();
  mlir::PassManager pm(&state->context);
  std::unique_ptr<Target> machine = cpu::createX86Target(target);
  machine->buildVectorPipeline(pm);
  machine->buildCodePipeline(pm);
  if (mlir::failed(pm.run(*lowered)))
    return llvm::createStringError(state->problems);
  auto object = machine->emit(*lowered, {}, CodeKind::Object);
  if (!object)
    return object.takeError();
  auto entry = loadObject(state->jit, *object,
                          llvm::Triple(llvm::sys::getProcessTriple()), "f.run");
  if (!entry)
    return entry.takeError();
  state->code = reinterpret_cast<void (*)(Call *, void **)>(*entry);
  return std::unique_ptr<TileProgram>(new TileProgram(std::move(state)));
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

llvm::Expected<std::vector<std::vector<double>>>
TileProgram::run(How how, const std::vector<TileOperand> &operands) const {
  std::vector<std::vector<double>> results;
  // At the front of a page, and at the end of one.
  for (bool atEnd : {false, true}) {
    std::vector<std::unique_ptr<GuardedOperand>> memory;
    for (const TileOperand &operand : operands)
      memory.push_back(std::make_unique<GuardedOperand>(operand, atEnd));
    if (how == How::Interpreter) {
      std::vector<InterpreterArgument> arguments;
      for (auto &m : memory) {
        InterpreterBuffer buffer;
        buffer.data = m->data;
        buffer.sizes.assign(m->operand.sizes.begin(), m->operand.sizes.end());
        buffer.strides.assign(m->strides.begin(), m->strides.end());
        arguments.push_back(buffer);
      }
      auto function = *state->module->getOps<mlir::func::FuncOp>().begin();
      if (auto error = interpret(function, arguments))
        return std::move(error);
    } else {
      std::vector<std::vector<int64_t>> descriptors;
      for (auto &m : memory) {
        auto address =
            static_cast<int64_t>(reinterpret_cast<intptr_t>(m->data));
        std::vector<int64_t> &words = descriptors.emplace_back();
        words = {address, address, 0};
        words.insert(words.end(), m->operand.sizes.begin(),
                     m->operand.sizes.end());
        words.insert(words.end(), m->strides.begin(), m->strides.end());
      }
      std::vector<void *> arguments;
      for (auto &words : descriptors)
        arguments.push_back(words.data());
      Call call;
      state->code(&call, arguments.data());
    }
    results.clear();
    for (auto &m : memory)
      results.push_back(m->read());
  }
  return results;
}

std::vector<cpu::CpuTarget> test::runnableTargets() {
  std::vector<cpu::CpuTarget> targets;
  auto host = cpu::x86Backend().createTarget("native");
  if (!host) {
    llvm::consumeError(host.takeError());
    return targets;
  }
  for (llvm::StringRef name : {"x86-64-v3", "x86-64-v4", "x86-64-v4-bf16"}) {
    targets.push_back(*cpu::findX86Level(name));
    if (name == (*host)->getName())
      break;
  }
  return targets;
}

/// Where the results of two runs differ, or nothing.
static std::string difference(const std::vector<std::vector<double>> &found,
                              const std::vector<std::vector<double>> &expected,
                              double tolerance) {
  for (size_t n = 0; n < expected.size(); ++n)
    for (size_t i = 0; i < expected[n].size(); ++i) {
      double x = found[n][i], y = expected[n][i];
      bool equal = x == y || (std::isnan(x) && std::isnan(y)) ||
                   std::abs(x - y) <= tolerance * (1 + std::abs(y));
      if (!equal)
        return "operand " + std::to_string(n) + ", element " +
               std::to_string(i) + ": the code gives " + std::to_string(x) +
               ", the interpreter " + std::to_string(y);
    }
  return "";
}

std::vector<std::vector<double>>
test::expectAgreement(const std::string &text,
                      const std::vector<TileOperand> &operands,
                      double tolerance) {
  std::vector<std::vector<double>> interpreted;
  for (const cpu::CpuTarget &target : runnableTargets()) {
    SCOPED_TRACE(target.name.str());
    auto program = TileProgram::compile(text, target);
    if (!program) {
      ADD_FAILURE() << llvm::toString(program.takeError()) << text;
      return {};
    }
    auto expected = (*program)->run(TileProgram::How::Interpreter, operands);
    auto found = (*program)->run(TileProgram::How::Code, operands);
    if (!expected || !found) {
      ADD_FAILURE() << (expected ? "" : llvm::toString(expected.takeError()))
                    << (found ? "" : llvm::toString(found.takeError()));
      return {};
    }
    EXPECT_EQ(difference(*found, *expected, tolerance), "");
    interpreted = std::move(*expected);
  }
  return interpreted;
}
