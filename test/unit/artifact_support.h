//===- artifact_support.h - A small library to build ------------*- C++ -*-===//
//
// A program written by hand as an LLVM module, and the steps from it to the
// bytes of a library, for the tests of artefacts.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_UNIT_ARTIFACT_SUPPORT_H
#define LADON_TEST_UNIT_ARTIFACT_SUPPORT_H

#include "compiler/codegen/artifact/Artifact.h"
#include "compiler/codegen/cpu/x86/X86Backend.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

#include <gtest/gtest.h>

#include <string>

namespace ladon::test {

using namespace llvm;
using namespace ladon::artifact;

/// out[b, i] = q[b, i] * cap + extra, one row per index of a parallel loop; the
/// second last argument is a bool that turns the whole into zeros.
inline ProgramSpec scaledSpec(const std::string &name) {
  ProgramSpec spec;
  spec.name = name;
  spec.symbols = {"B"};
  spec.params = {
      {"q", ParamKind::Input, ElementType::F32, {{-1, 0, ""}, {8, -1, ""}}, ""},
      {"cap", ParamKind::Scalar, ElementType::F32, {}, "the factor"},
      {"extra", ParamKind::Scalar, ElementType::F64, {}, ""},
      {"new", ParamKind::Scalar, ElementType::I64, {}, ""},
      {"keep", ParamKind::Scalar, ElementType::Bool, {}, ""},
      {"step", ParamKind::Scalar, ElementType::I32, {}, ""},
      {"out",
       ParamKind::Output,
       ElementType::F32,
       {{-1, 0, ""}, {8, -1, "lanes"}},
       ""}};
  spec.library = name;
  spec.target = "x86_64-linux-gnu x86-64";
  spec.baselineCpu = "x86-64";
  spec.source = "# a comment /* that */ tries // to end */ itself\\\n"
                "attention " +
                name + "(q: f32[B, 8]) -> f32[B, 8] {\n}\n";
  spec.facts = {{"tile.queries", "16"}};
  return spec;
}

const char *const scaledRun = R"(
declare void @ladon_rt_parallel_for(ptr, i64, i64, ptr, ptr)

define void @NAME.run(ptr %ctx, ptr %args) {
  %q = load ptr, ptr %args
  %size = getelementptr i64, ptr %q, i64 3
  %batch = load i64, ptr %size
  call void @ladon_rt_parallel_for(ptr %ctx, i64 %batch, i64 64, ptr @row,
                                   ptr %args)
  ret void
}

define internal void @row(ptr %args, i64 %b, ptr %scratch) {
entry:
  %q = load ptr, ptr %args
  %p1 = getelementptr ptr, ptr %args, i64 1
  %cap.p = load ptr, ptr %p1
  %cap = load float, ptr %cap.p
  %p2 = getelementptr ptr, ptr %args, i64 2
  %extra.p = load ptr, ptr %p2
  %extra.d = load double, ptr %extra.p
  %p3 = getelementptr ptr, ptr %args, i64 3
  %big.p = load ptr, ptr %p3
  %big = load i64, ptr %big.p
  %p4 = getelementptr ptr, ptr %args, i64 4
  %keep.p = load ptr, ptr %p4
  %keep.b = load i8, ptr %keep.p
  %keep = icmp ne i8 %keep.b, 0
  %p5 = getelementptr ptr, ptr %args, i64 5
  %step.p = load ptr, ptr %p5
  %step = load i32, ptr %step.p
  %p6 = getelementptr ptr, ptr %args, i64 6
  %out = load ptr, ptr %p6
  %big.d = sitofp i64 %big to double
  %step.d = sitofp i32 %step to double
  %add0 = fadd double %extra.d, %big.d
  %add1 = fadd double %add0, %step.d
  %add = fptrunc double %add1 to float
  %q.base.p = getelementptr i64, ptr %q, i64 1
  %q.base = load ptr, ptr %q.base.p
  %q.s0.p = getelementptr i64, ptr %q, i64 5
  %q.s0 = load i64, ptr %q.s0.p
  %q.s1.p = getelementptr i64, ptr %q, i64 6
  %q.s1 = load i64, ptr %q.s1.p
  %o.base.p = getelementptr i64, ptr %out, i64 1
  %o.base = load ptr, ptr %o.base.p
  %o.s0.p = getelementptr i64, ptr %out, i64 5
  %o.s0 = load i64, ptr %o.s0.p
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %q0 = mul i64 %b, %q.s0
  %q1 = mul i64 %i, %q.s1
  %q01 = add i64 %q0, %q1
  %q.at = getelementptr float, ptr %q.base, i64 %q01
  %x = load float, ptr %q.at
  %y = fmul float %x, %cap
  %z = fadd float %y, %add
  %w = select i1 %keep, float %z, float 0.0
  %o0 = mul i64 %b, %o.s0
  %o01 = add i64 %o0, %i
  %o.at = getelementptr float, ptr %o.base, i64 %o01
  store float %w, ptr %o.at
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, 8
  br i1 %more, label %loop, label %done
done:
  ret void
}
)";

/// A directory that goes with the test.
struct TemporaryDirectory {
  SmallString<128> path;
  TemporaryDirectory() {
    sys::fs::createUniqueDirectory("ladon-artifact-test", path);
  }
  ~TemporaryDirectory() { sys::fs::remove_directories(path); }
  std::string operator/(const Twine &name) const {
    return (path + "/" + name).str();
  }
};

inline std::unique_ptr<TargetMachine> targetMachine(StringRef cpu) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const llvm::Target *target = TargetRegistry::lookupTarget(triple, error);
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      triple, cpu, "", TargetOptions(), Reloc::PIC_));
}

inline std::unique_ptr<Module> parse(LLVMContext &context,
                                     const std::string &name) {
  std::string text = scaledRun;
  text.replace(text.find("NAME"), 4, name);
  SMDiagnostic diagnostic;
  auto module = parseAssemblyString(text, diagnostic, context);
  if (!module)
    diagnostic.print("artifact_test", errs());
  return module;
}

inline std::string generate(Module &module, TargetMachine &machine,
                            CodeGenFileType type) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  legacy::PassManager passes;
  machine.addPassesToEmitFile(passes, stream, nullptr, type);
  passes.run(module);
  return std::string(bytes.begin(), bytes.end());
}

inline std::string buildLibrary(const ProgramSpec &spec) {
  LLVMContext context;
  auto module = parse(context, spec.name);
  if (Error error = addEntryPoint(*module, spec)) {
    ADD_FAILURE() << toString(std::move(error));
    return {};
  }
  auto machine = targetMachine("x86-64");
  std::string object = generate(*module, *machine, CodeGenFileType::ObjectFile);
  Expected<std::string> library = linkSharedLibrary(
      {object, cpu::x86RuntimeObject()}, spec.library, {spec.name});
  if (!library) {
    ADD_FAILURE() << toString(library.takeError());
    return {};
  }
  return *library;
}

inline std::string readFile(const std::string &path) {
  auto buffer = MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "<absent>";
}

inline void writeFile(const std::string &path, StringRef text) {
  std::error_code code;
  raw_fd_ostream(path, code) << text;
}

} // namespace ladon::test

#endif // LADON_TEST_UNIT_ARTIFACT_SUPPORT_H
