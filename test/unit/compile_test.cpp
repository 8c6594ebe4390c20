//===- compile_test.cpp - What an internal error leaves behind ------------===//

#include "compiler/codegen/cpu/EmitCode.h"
#include "compiler/codegen/cpu/x86/X86Backend.h"
#include "compiler/driver/compile/Compile.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <set>
#include <thread>

using namespace ladon;

namespace {

constexpr char spec[] = R"(attention broken(
    q: f32[B, 2, S, 16],
) -> f32[B, 2, S, 16] {
  return attend(q, q, q)
}
)";

/// Compiles `spec` in an empty directory, which goes away with the test.
class CompileTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::current_path(home));
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("ladon", folder));
    ASSERT_FALSE(llvm::sys::fs::set_current_path(folder));
    unsigned buffer = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBuffer(spec, "broken.attn"), llvm::SMLoc());
    DiagnosticEngine diagnostics(sources);
    checked = parseAndCheck(sources, buffer, {}, diagnostics);
    ASSERT_TRUE(checked);
  }
  void TearDown() override {
    llvm::sys::fs::set_current_path(home);
    llvm::sys::fs::remove_directories(folder);
  }

  llvm::SmallString<128> home, folder;
  llvm::SourceMgr sources;
  std::unique_ptr<CheckedSpec> checked;
};

TEST_F(CompileTest, aFailedPassIsReportedWithWhatReproducesIt) {
  cpu::CpuTarget figures = *cpu::findX86Level("x86-64-v3");
  figures.keyTile = 0; // No loop over keys can have this step.
  std::unique_ptr<Target> target = cpu::createX86Target(figures);
  auto artefact = Compilation(*checked, sources, *target).makeArtefact();
  ASSERT_FALSE(artefact);
  std::string message = llvm::toString(artefact.takeError());
  EXPECT_NE(message.find("a compiler pass failed"), std::string::npos);
  EXPECT_NE(message.find("broken.attn:4:"), std::string::npos) << message;
  EXPECT_NE(message.find("'ladon-reproducer-broken' reproduce this"),
            std::string::npos);

  auto source =
      llvm::MemoryBuffer::getFile("ladon-reproducer-broken/broken.attn");
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->getBuffer(), checked->attention->source);
  auto module =
      llvm::MemoryBuffer::getFile("ladon-reproducer-broken/broken.mlir");
  ASSERT_TRUE(module);
  EXPECT_TRUE((*module)->getBuffer().starts_with("// ladon-opt"));
  EXPECT_TRUE((*module)->getBuffer().contains("attn.attend"));
}

TEST_F(CompileTest, aCrashIsReportedAsAFailure) {
  cpu::CpuTarget figures = *cpu::findX86Level("x86-64-v3");
  figures.vectorBits = 0; // Divides the size of a tile.
  std::unique_ptr<Target> target = cpu::createX86Target(figures);
  auto artefact = Compilation(*checked, sources, *target).makeArtefact();
  ASSERT_FALSE(artefact);
  EXPECT_NE(llvm::toString(artefact.takeError()).find("reproduce this"),
            std::string::npos);
}

/// Of several levels that fail alike the error is that of one.
TEST_F(CompileTest, aFailureOfSeveralLevelsIsReportedOnce) {
  std::vector<std::unique_ptr<Target>> targets;
  std::vector<std::unique_ptr<Compilation>> compilations;
  std::vector<Compilation *> levels;
  for (const char *name : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
    cpu::CpuTarget figures = *cpu::findX86Level(name);
    figures.keyTile = 0;
    targets.push_back(cpu::createX86Target(figures));
    compilations.push_back(
        std::make_unique<Compilation>(*checked, sources, *targets.back()));
    levels.push_back(compilations.back().get());
  }
  auto artefact = makeArtefact(levels);
  ASSERT_FALSE(artefact);
  std::string message = llvm::toString(artefact.takeError());
  EXPECT_EQ(llvm::StringRef(message).count("a compiler pass failed"), 1u)
      << message;
  // The files that reproduce it are whole.
  auto module =
      llvm::MemoryBuffer::getFile("ladon-reproducer-broken/broken.mlir");
  ASSERT_TRUE(module);
  EXPECT_EQ((*module)->getBuffer().count("// ladon-opt"), 1u);
  EXPECT_TRUE((*module)->getBuffer().ends_with("}\n"));
}

/// The target of this machine with a code generator of the test's own.
class TargetWith : public Target {
public:
  using Objects = llvm::Expected<std::vector<std::string>>;
  explicit TargetWith(std::function<Objects()> objects)
      : objects(std::move(objects)) {}

  llvm::StringRef getName() const override { return inner->getName(); }
  llvm::StringRef getInstructions() const override {
    return inner->getInstructions();
  }
  TileShape getTiles(mlir::Type element, mlir::Type stored, int64_t headDim,
                     int64_t valueDim, int64_t heads) const override {
    return inner->getTiles(element, stored, headDim, valueDim, heads);
  }
  void buildTilePipeline(mlir::OpPassManager &pm) const override {
    inner->buildTilePipeline(pm);
  }
  void buildVectorPipeline(mlir::OpPassManager &pm) const override {
    inner->buildVectorPipeline(pm);
  }
  void buildCodePipeline(mlir::OpPassManager &pm) const override {
    inner->buildCodePipeline(pm);
  }
  void describe(artifact::ProgramSpec &program) const override {
    inner->describe(program);
  }
  llvm::Expected<std::string> emit(mlir::ModuleOp,
                                   llvm::ArrayRef<artifact::ProgramSpec>,
                                   CodeKind) const override {
    return llvm::createStringError("no text either");
  }
  Objects emitObjects(mlir::ModuleOp, llvm::ArrayRef<artifact::ProgramSpec>,
                      llvm::StringRef) const override {
    return objects();
  }
  llvm::StringRef getRuntimeObject() const override {
    return inner->getRuntimeObject();
  }
  PeakKernels getPeakKernels(bool isDouble) const override {
    return inner->getPeakKernels(isDouble);
  }

private:
  std::unique_ptr<Target> inner =
      llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  std::function<Objects()> objects;
};

TEST_F(CompileTest, aFailureOfTheCodeGeneratorIsReportedWithTheSpec) {
  TargetWith refusing([]() -> TargetWith::Objects {
    return llvm::createStringError("out of registers");
  });
  Compilation compilation(*checked, sources, refusing);
  std::string message = llvm::toString(compilation.makeArtefact().takeError());
  EXPECT_EQ(message, "out of registers\n  the files in "
                     "'ladon-reproducer-broken' reproduce this");
  EXPECT_TRUE(llvm::sys::fs::exists("ladon-reproducer-broken/broken.attn"));
  message = llvm::toString(compilation.emit(CodeKind::Assembly).takeError());
  EXPECT_TRUE(llvm::StringRef(message).starts_with("no text either\n"))
      << message;
}

TEST_F(CompileTest, aCrashOfTheCodeGeneratorIsReportedWithTheSpec) {
  TargetWith crashing(
      []() -> TargetWith::Objects { llvm::report_fatal_error("in a test"); });
  // What a fatal error of LLVM does to a program.
  TargetWith trapping([]() -> TargetWith::Objects { __builtin_trap(); });
  for (const Target *target : {&crashing, &trapping}) {
    auto artefact = Compilation(*checked, sources, *target).makeArtefact();
    ASSERT_FALSE(artefact);
    std::string message = llvm::toString(artefact.takeError());
    EXPECT_TRUE(
        llvm::StringRef(message).starts_with("the code generator crashed\n"))
        << message;
    EXPECT_TRUE(llvm::sys::fs::exists("ladon-reproducer-broken/broken.attn"));
    llvm::sys::fs::remove_directories("ladon-reproducer-broken");
  }
}

/// A machine for the level of the tests.
std::unique_ptr<llvm::TargetMachine> createMachine() {
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  std::string message;
  const llvm::Target *found =
      llvm::TargetRegistry::lookupTarget(triple, message);
  return std::unique_ptr<llvm::TargetMachine>(found->createTargetMachine(
      triple, "x86-64-v3", "", {}, llvm::Reloc::PIC_));
}

TEST_F(CompileTest, objectsDependOnTheModuleOnly) {
  auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  Compilation compilation(*checked, sources, *target);
  ASSERT_FALSE(compilation.run(Stage::Llvm));
  auto emit = [&] {
    return llvm::cantFail(target->emitObjects(compilation.getModule(),
                                              compilation.getPrograms(), ""));
  };
  std::vector<std::string> first = emit();
  // The entry, and tasks of both kernel forms.
  EXPECT_GE(first.size(), 3u);
  for (const std::string &object : first)
    EXPECT_TRUE(llvm::StringRef(object).starts_with("\x7f"
                                                    "ELF"));
  for (int again = 0; again < 4; ++again)
    EXPECT_EQ(emit(), first);
}

TEST_F(CompileTest, namesOfALevelEndWithIt) {
  auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  Compilation compilation(*checked, sources, *target);
  ASSERT_FALSE(compilation.run(Stage::Llvm));
  std::vector<std::string> objects = llvm::cantFail(
      target->emitObjects(compilation.getModule(), {}, ".of-level"));
  std::set<std::string> names;
  for (const std::string &object : objects) {
    auto file = llvm::cantFail(llvm::object::ObjectFile::createObjectFile(
        llvm::MemoryBufferRef(object, "object")));
    for (const llvm::object::SymbolRef &symbol : file->symbols())
      if (llvm::cantFail(symbol.getType()) ==
              llvm::object::SymbolRef::ST_Function &&
          !(llvm::cantFail(symbol.getFlags()) &
            llvm::object::SymbolRef::SF_Undefined))
        names.insert(llvm::cantFail(symbol.getName()).str());
  }
  EXPECT_TRUE(names.count("broken.run.of-level"));
  for (const std::string &name : names)
    EXPECT_TRUE(llvm::StringRef(name).ends_with(".of-level")) << name;
}

TEST_F(CompileTest, aCrashOnAThreadOfTheCodeGeneratorIsAnError) {
  auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  Compilation compilation(*checked, sources, *target);
  ASSERT_FALSE(compilation.run(Stage::Llvm));
  auto whole = target->emit(compilation.getModule(), compilation.getPrograms(),
                            CodeKind::Object);
  ASSERT_TRUE(bool(whole)); // LLVM knows the machine from here on.
  llvm::CrashRecoveryContext::Enable();
  // The first machine is that of the whole module; of the parts, all or one
  // meet a crash.
  for (int lastGood : {1, 2}) {
    std::atomic<int> machines = 0;
    auto objects = cpu::emitObjects(
        compilation.getModule(), compilation.getPrograms(),
        [&] {
          if (++machines > lastGood)
            __builtin_trap();
          return createMachine();
        },
        "");
    ASSERT_FALSE(objects);
    EXPECT_NE(
        llvm::toString(objects.takeError()).find("the code generator crashed"),
        std::string::npos);
    EXPECT_GT(machines.load(), lastGood);
  }
}

TEST_F(CompileTest, theHookSeesEveryStageInOrder) {
  auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  Compilation compilation(*checked, sources, *target);
  std::vector<Stage> seen;
  compilation.setHook([&](Stage stage, mlir::ModuleOp module) -> llvm::Error {
    EXPECT_TRUE(module);
    seen.push_back(stage);
    return llvm::Error::success();
  });
  ASSERT_FALSE(llvm::errorToBool(compilation.run(Stage::Llvm)));
  EXPECT_EQ(seen,
            (std::vector<Stage>{Stage::Attn, Stage::Fused, Stage::Buffers,
                                Stage::Tile, Stage::Vector, Stage::Llvm}));
  EXPECT_FALSE(llvm::sys::fs::exists("ladon-reproducer-broken"));
}

TEST_F(CompileTest, anErrorOfTheHookStopsTheCompilation) {
  auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  Compilation compilation(*checked, sources, *target);
  compilation.setHook([](Stage stage, mlir::ModuleOp) -> llvm::Error {
    if (stage == Stage::Fused)
      return llvm::createStringError("enough");
    EXPECT_EQ(stage, Stage::Attn);
    return llvm::Error::success();
  });
  EXPECT_EQ(llvm::toString(compilation.run(Stage::Llvm)), "enough");
}

TEST_F(CompileTest, aSignatureThatChangesOnTheWayIsAnError) {
  auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  Compilation compilation(*checked, sources, *target);
  compilation.setHook([](Stage stage, mlir::ModuleOp module) -> llvm::Error {
    if (stage == Stage::Tile)
      for (auto function : module.getOps<mlir::func::FuncOp>())
        EXPECT_TRUE(mlir::succeeded(function.insertArgument(
            1, function.getArgumentTypes()[0], {}, function.getLoc())));
    return llvm::Error::success();
  });
  std::string problem = llvm::toString(compilation.run(Stage::Llvm));
  EXPECT_EQ(problem, "a pass changed the signature\n  broken.attn:1:1: "
                     "argument 1: expected 'attn.param', found none");
}

TEST_F(CompileTest, theTilesInTheFactsAreThoseOfTheElementType) {
  for (auto [type, queries] :
       {std::pair("f32", "24"), std::pair("f64", "12")}) {
    llvm::SourceMgr text;
    std::string spec = "attention tiles(q: T[B, 2, S, 16]) -> T[B, 2, S, 16] "
                       "{ return attend(q, q, q) }";
    for (size_t at; (at = spec.find("T[")) != std::string::npos;)
      spec.replace(at, 1, type);
    unsigned buffer = text.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(spec, "tiles.attn"),
        llvm::SMLoc());
    DiagnosticEngine diagnostics(text);
    auto tiles = parseAndCheck(text, buffer, {}, diagnostics);
    ASSERT_TRUE(tiles);
    auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
    Compilation compilation(*tiles, text, *target);
    ASSERT_FALSE(llvm::errorToBool(compilation.run(Stage::Buffers)));
    using Fact = std::pair<std::string, std::string>;
    const auto &facts = compilation.getPrograms().front().facts;
    EXPECT_TRUE(llvm::is_contained(facts, Fact("isa", "AVX2 + FMA")));
    EXPECT_TRUE(llvm::is_contained(facts, Fact("tile.queries", queries)));
    EXPECT_TRUE(llvm::is_contained(facts, Fact("tile.keys", "128")));
    EXPECT_TRUE(llvm::is_contained(facts, Fact("few.queries", queries)));
    EXPECT_TRUE(llvm::is_contained(facts, Fact("few.keys", "512")));
  }
}

TEST(Backends, areFoundByName) {
  ASSERT_TRUE(findBackend("cpu"));
  EXPECT_EQ(findBackend("abacus"), nullptr);
  EXPECT_EQ(findBackend("cpu")->getCodegen(), "llvm");
  EXPECT_EQ(findBackend("cpu", "pascal"), nullptr);
  ASSERT_TRUE(findBackend("cpu", "halide"));
  EXPECT_EQ(findBackend("cpu", "halide")->getLevelNames(),
            "x86-64-v3, x86-64-v4, x86-64-v4-bf16");
  EXPECT_EQ(findBackend("cpu")->getLevelNames(),
            "x86-64-v2, x86-64-v3, x86-64-v4, x86-64-v4-bf16");
  auto target = findBackend("cpu")->createTarget("pentium");
  EXPECT_EQ(llvm::toString(target.takeError()),
            "--cpu pentium: expected native, or one of x86-64-v2, x86-64-v3, "
            "x86-64-v4, x86-64-v4-bf16");
}

TEST(Backends, aListIsATargetForEachLevel) {
  auto names = [](const char *backend, llvm::StringRef list) -> std::string {
    auto targets = findBackend(backend)->createTargets(list);
    if (!targets)
      return llvm::toString(targets.takeError());
    std::string text;
    for (const std::unique_ptr<Target> &target : *targets)
      text += "[" + target->getName().str() + "]";
    return text;
  };
  EXPECT_EQ(names("cpu", "x86-64-v4,x86-64-v2"), "[x86-64-v2][x86-64-v4]");
  EXPECT_EQ(names("cpu", "x86-64-v3"), "[x86-64-v3]");
  // A library for GPUs is one target, whatever they are.
  EXPECT_EQ(names("cuda", "sm_80,sm_90a"), "[sm_90a,sm_80]");
  EXPECT_EQ(names("cpu", "x86-64-v3,x86-64-v3"),
            "--cpu x86-64-v3,x86-64-v3: x86-64-v3 is in the list twice");
}

/// Emits one empty module per thread, all at the same moment, and ends the
/// process: with 0 when every thread got its code.
[[noreturn]] static void emitInThreads(unsigned count) {
  auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  std::atomic<unsigned> waiting{count}, failures{0};
  std::vector<std::thread> threads;
  for (unsigned index = 0; index < count; ++index)
    threads.emplace_back([&] {
      mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
      context.loadDialect<mlir::LLVM::LLVMDialect>();
      mlir::OwningOpRef<mlir::ModuleOp> module =
          mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
      --waiting;
      while (waiting != 0)
        ;
      auto code = target->emit(*module, {}, CodeKind::Object);
      if (!code) {
        llvm::errs() << llvm::toString(code.takeError()) << "\n";
        ++failures;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  std::_Exit(failures != 0);
}

/// The first compilations of a process may be in several threads: each run of
/// the statement is in a process that has compiled nothing yet.
TEST(Backends, theFirstCodeMayBeEmittedInSeveralThreads) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (int process = 0; process < 16; ++process)
    EXPECT_EXIT(emitInThreads(4), testing::ExitedWithCode(0), "");
}

TEST(Backends, aTargetKnowsItsTilesAndRuntime) {
  mlir::MLIRContext context;
  mlir::Type f32 = mlir::Float32Type::get(&context);
  mlir::Type f64 = mlir::Float64Type::get(&context);
  for (auto [level, queries] :
       {std::pair("x86-64-v2", 8), std::pair("x86-64-v3", 24),
        std::pair("x86-64-v4", 48), std::pair("x86-64-v4-bf16", 48)}) {
    auto target = llvm::cantFail(findBackend("cpu")->createTarget(level));
    EXPECT_EQ(target->getName(), level);
    EXPECT_EQ(target->getTiles(f32, f32, 64, 64, 1).queries, queries);
    EXPECT_EQ(target->getTiles(f64, f64, 64, 64, 1).queries, queries / 2);
    EXPECT_EQ(target->getTiles(f32, f32, 128, 32, 1).keys, 128);
    EXPECT_TRUE(target->getRuntimeObject().starts_with("\x7f"
                                                       "ELF"));
    artifact::ProgramSpec program;
    target->describe(program);
    EXPECT_EQ(program.cpuLevel, llvm::StringSwitch<int>(level)
                                    .Case("x86-64-v2", 2)
                                    .Case("x86-64-v3", 3)
                                    .Case("x86-64-v4", 4)
                                    .Default(5));
    EXPECT_EQ(program.target, std::string("x86_64-linux-gnu ") + level);
  }
}

/// All operands are bf16, and features have partners.
TEST(Backends, aLevelWithPairsUsesThemWhereItCan) {
  mlir::MLIRContext context;
  mlir::Type f32 = mlir::Float32Type::get(&context);
  mlir::Type f16 = mlir::Float16Type::get(&context);
  mlir::Type bf16 = mlir::BFloat16Type::get(&context);
  auto pairs =
      llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v4-bf16"));
  auto plain = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v4"));
  EXPECT_TRUE(pairs->multipliesPairs());
  EXPECT_FALSE(plain->multipliesPairs());
  EXPECT_TRUE(pairs->getTiles(f32, bf16, 64, 63, 1).pairs);
  EXPECT_FALSE(pairs->getTiles(f32, bf16, 63, 64, 1).pairs);
  EXPECT_FALSE(pairs->getTiles(f32, f16, 64, 64, 1).pairs);
  EXPECT_FALSE(pairs->getTiles(f32, f32, 64, 64, 1).pairs);
  EXPECT_FALSE(plain->getTiles(f32, bf16, 64, 64, 1).pairs);
}

} // namespace
