//===- modules_test.cpp - Every spec as a module of MLIR ------------------===//
//
// What the compiler prints of a spec at a level is a module that it takes
// again, and one whose sizes are tampered with is refused.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/compile/Compile.h"
#include "dialects/attn/Attn.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

using namespace ladon;

namespace {

/// The specs of the examples and of the end-to-end tests that need no -D.
std::vector<std::string> specs() {
  std::vector<std::string> paths;
  for (const char *folder : {"/examples", "/test/e2e/specs"}) {
    std::error_code error;
    for (llvm::sys::fs::directory_iterator
             it(std::string(LADON_SOURCE_DIR) + folder, error),
         end;
         it != end && !error; it.increment(error))
      if (llvm::StringRef(it->path()).ends_with(".attn"))
        paths.push_back(it->path());
  }
  llvm::sort(paths);
  return paths;
}

/// The text of a module, with or without places.
std::string print(mlir::ModuleOp module, bool places) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, mlir::OpPrintingFlags().enableDebugInfo(places));
  return text;
}

/// Calls `visit` with the path and the module of every spec at the stages up to
/// `last`; returns how many specs there were.
unsigned
forEachSpec(Stage last,
            llvm::function_ref<void(const std::string &, Stage, mlir::ModuleOp)>
                visit) {
  auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  unsigned count = 0;
  for (const std::string &path : specs()) {
    SCOPED_TRACE(path);
    llvm::SourceMgr sources;
    auto text = llvm::MemoryBuffer::getFile(path);
    EXPECT_TRUE(bool(text));
    unsigned buffer =
        sources.AddNewSourceBuffer(std::move(*text), llvm::SMLoc());
    DiagnosticEngine diagnostics(sources);
    auto checked = parseAndCheck(sources, buffer, {}, diagnostics);
    if (!checked) // A param without a value.
      continue;
    ++count;
    Compilation compilation(*checked, sources, *target);
    compilation.setHook([&](Stage stage, mlir::ModuleOp module) {
      visit(path, stage, module);
      return llvm::Error::success();
    });
    llvm::Error error = compilation.run(last);
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
  }
  return count;
}

//===----------------------------------------------------------------------===//
// Text and bytecode
//===----------------------------------------------------------------------===//

/// Everything that an operation has is in its text, and in its bytes.
TEST(Modules, everyLevelIsReadAsItWasWritten) {
  unsigned count = forEachSpec(
      Stage::Tile, [](const std::string &, Stage, mlir::ModuleOp module) {
        std::string text = print(module, true), bytes;
        auto read =
            mlir::parseSourceString<mlir::ModuleOp>(text, module.getContext());
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(print(*read, true), text);
        EXPECT_TRUE(mlir::succeeded(mlir::verify(*read)));

        llvm::raw_string_ostream os(bytes);
        ASSERT_TRUE(mlir::succeeded(mlir::writeBytecodeToFile(module, os)));
        auto decoded =
            mlir::parseSourceString<mlir::ModuleOp>(bytes, module.getContext());
        ASSERT_TRUE(decoded);
        EXPECT_EQ(print(*decoded, true), text);
      });
  EXPECT_GT(count, 130u);
}

//===----------------------------------------------------------------------===//
// Tampering
//===----------------------------------------------------------------------===//

/// What the compiler says of a module in text; empty when it takes it.
std::string compileModule(const std::string &text, const Target &target) {
  llvm::SourceMgr sources;
  unsigned buffer = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, "tampered.mlir"),
      llvm::SMLoc());
  Compilation compilation(sources, buffer, target);
  compilation.setLibraryName("tampered");
  return llvm::toString(compilation.run(Stage::Fused));
}

/// Whether nothing but scores, masks and checks of their indices reads the
/// value: they clamp what they read at, so that any extent is right.
bool isOnlyCaptured(mlir::Value value) {
  return llvm::all_of(value.getUses(), [](mlir::OpOperand &use) {
    auto attend = llvm::dyn_cast<attn::AttendOp>(use.getOwner());
    return (attend && llvm::is_contained(attend.getCaptures(), use.get())) ||
           llvm::isa<attn::CheckIndicesOp, mlir::tensor::DimOp>(use.getOwner());
  });
}

/// `param` with another name for the size of one axis.
attn::ParamAttr renameSize(attn::ParamAttr param, size_t axis) {
  llvm::SmallVector<mlir::Attribute> dims(param.getDims());
  dims[axis] = mlir::StringAttr::get(param.getContext(), "Other");
  return attn::ParamAttr::get(param.getContext(), param.getKind(),
                              param.getName(), param.getElement(), dims,
                              param.getDoc());
}

/// One axis of one tensor gets a size of its own. The entry point would then
/// let any extent pass there, so the module must not compile, unless no
/// operation relates that axis to another.
TEST(Modules, aSizeOfItsOwnIsRefused) {
  auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  unsigned refused = 0, taken = 0;
  auto tamper = [&](const std::string &path, Stage stage,
                    mlir::ModuleOp module) {
    if (stage != Stage::Fused)
      return;
    for (auto function : module.getOps<mlir::func::FuncOp>())
      for (mlir::BlockArgument argument : function.getArguments()) {
        unsigned number = argument.getArgNumber();
        attn::ParamAttr param = attn::getParam(function, number);
        for (size_t axis = 0; axis < param.getDims().size(); ++axis) {
          auto name = llvm::dyn_cast<mlir::StringAttr>(param.getDims()[axis]);
          if (!name)
            continue;
          unsigned others = 0;
          for (unsigned other = 0; other < function.getNumArguments(); ++other)
            for (mlir::Attribute dim :
                 attn::getParam(function, other).getDims())
              others += dim == name;
          function.setArgAttr(number, attn::AttnDialect::paramName,
                              renameSize(param, axis));
          std::string problem = compileModule(print(module, false), *target);
          function.setArgAttr(number, attn::AttnDialect::paramName, param);
          if (isOnlyCaptured(argument) || others == 1) {
            // A result may still need the name.
            taken += problem.empty();
            continue;
          }
          ++refused;
          EXPECT_NE(problem, "")
              << path << ": " << param.getName().str() << ", axis " << axis;
          EXPECT_NE(problem.find("tampered"), std::string::npos) << problem;
        }
      }
  };
  forEachSpec(Stage::Fused, tamper);
  EXPECT_GT(refused, 500u);
  EXPECT_GT(taken, 50u);
}

/// A result that is declared to be of another size than it has.
TEST(Modules, aResultOfAnotherSizeIsRefused) {
  auto target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
  unsigned refused = 0;
  forEachSpec(Stage::Attn, [&](const std::string &path, Stage,
                               mlir::ModuleOp module) {
    auto function = *module.getOps<mlir::func::FuncOp>().begin();
    // Another size that the entry point knows.
    llvm::SmallVector<mlir::StringAttr> names;
    for (unsigned number = 0; number < function.getNumArguments(); ++number)
      for (mlir::Attribute dim : attn::getParam(function, number).getDims())
        if (auto name = llvm::dyn_cast<mlir::StringAttr>(dim))
          if (!llvm::is_contained(names, name))
            names.push_back(name);
    for (unsigned number = 0; number < function.getNumResults(); ++number) {
      attn::ParamAttr param = attn::getResultParam(function, number);
      for (size_t axis = 0; axis < param.getDims().size(); ++axis) {
        llvm::SmallVector<mlir::Attribute> dims(param.getDims());
        if (!llvm::isa<mlir::StringAttr>(dims[axis]))
          continue;
        auto other = llvm::find_if(
            names, [&](mlir::StringAttr name) { return name != dims[axis]; });
        if (other == names.end())
          continue;
        dims[axis] = *other;
        function.setResultAttr(
            number, attn::AttnDialect::paramName,
            attn::ParamAttr::get(param.getContext(), param.getKind(),
                                 param.getName(), param.getElement(), dims,
                                 param.getDoc()));
        std::string problem = compileModule(print(module, false), *target);
        function.setResultAttr(number, attn::AttnDialect::paramName, param);
        EXPECT_NE(problem.find("as its 'attn.param' says"), std::string::npos)
            << path << ": " << problem;
        ++refused;
      }
    }
  });
  EXPECT_GT(refused, 200u);
}

} // namespace
