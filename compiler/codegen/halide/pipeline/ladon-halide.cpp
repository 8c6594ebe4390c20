//===- ladon-halide.cpp - Compiles the kernel of an attend with Halide ----===//
//
// A program of its own, which `ladon` runs: the library of Halide is large, and
// its names count up through the life of a process, which would make the bytes
// of a build depend on the builds before it.
//
// Reads a module with one function that holds one attn.attend on buffers, and
// writes an object file with one function.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/halide/pipeline/Pipeline.h"
#include "compiler/transforms/InitLadon.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

namespace cl = llvm::cl;

static cl::opt<std::string> file(cl::Positional, cl::init("-"),
                                 cl::desc("<module>"));
static cl::opt<std::string> level("cpu", cl::init("x86-64-v3"),
                                  cl::desc("Level of the machine"));
static cl::opt<std::string> name("name", cl::init("attend"),
                                 cl::desc("Name of the function"));
static cl::opt<bool> guarded("guarded",
                             cl::desc("Keep what hidden keys hold away"));
static cl::opt<bool> printSchedule("print-schedule",
                                   cl::desc("Print the loops instead"));

/// The one attend of a module.
static mlir::FailureOr<ladon::attn::AttendOp>
findAttend(mlir::ModuleOp module) {
  ladon::attn::AttendOp found;
  unsigned count = 0;
  module.walk([&](ladon::attn::AttendOp op) {
    found = op;
    ++count;
  });
  if (count != 1)
    return module.emitError("expected one attn.attend, found ") << count;
  return found;
}

static int compile() {
  mlir::DialectRegistry registry;
  ladon::registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  mlir::ScopedDiagnosticHandler handler(&context, [](mlir::Diagnostic &said) {
    llvm::errs() << said.getLocation() << ": " << said << '\n';
    return mlir::success();
  });
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(file, &context);
  if (!module)
    return 1;
  auto op = findAttend(*module);
  if (mlir::failed(op))
    return 1;
  auto schedule = ladon::halide::scheduleFor(level, *op);
  if (!schedule) {
    llvm::errs() << "ladon-halide: error: --cpu " << level
                 << ": expected x86-64-v3, x86-64-v4 or x86-64-v4-bf16\n";
    return 1;
  }
  auto pipeline = ladon::halide::buildAttendPipeline(*op, *schedule, guarded);
  if (mlir::failed(pipeline))
    return 1;
  Halide::Pipeline whole(pipeline->outputs);
  if (printSchedule) {
    whole.print_loop_nest();
    return 0;
  }
  Halide::Module code = whole.compile_to_module(
      pipeline->inputs, name, ladon::halide::targetFor(level));
  // To the standard output by its name: it may be a pipe.
  code.compile({{Halide::OutputFileType::object, "/dev/stdout"}});
  return 0;
}

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv, "The Halide back end of Ladon\n");
  try {
    return compile();
  } catch (const std::exception &error) {
    llvm::errs() << "ladon-halide: error: " << error.what() << '\n';
    return 1;
  }
}
