//===- artifact_test.cpp - Library, header and manifest -------------------===//
//
// From an LLVM module written by hand to libraries that are loaded and called,
// and headers that are compiled as C and C++.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/artifact/Artifact.h"

#include "runtime_program.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <dlfcn.h>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace llvm;
using namespace ladon::artifact;
using ladon::test::Tensor;

namespace {

/// out[b, i] = q[b, i] * cap + extra, one row per index of a parallel loop; the
/// second last argument is a bool that turns the whole into zeros.
ProgramSpec scaledSpec(const std::string &name) {
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
  spec.target = "x86_64-linux-gnu x86-64";
  spec.source = "// a comment /* that */ tries // to end */ itself\\\n"
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

using ScaledEntry = int32_t(const DLTensor *, float, double, int64_t, uint8_t,
                            int32_t, DLTensor *, const ladon_options *);

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

std::unique_ptr<TargetMachine> targetMachine(StringRef cpu) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      triple, cpu, "", TargetOptions(), Reloc::PIC_));
}

std::unique_ptr<Module> parse(LLVMContext &context, const std::string &name) {
  std::string text = scaledRun;
  text.replace(text.find("NAME"), 4, name);
  SMDiagnostic diagnostic;
  auto module = parseAssemblyString(text, diagnostic, context);
  if (!module)
    diagnostic.print("artifact_test", errs());
  return module;
}

std::string generate(Module &module, TargetMachine &machine,
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

std::string buildLibrary(const ProgramSpec &spec) {
  LLVMContext context;
  auto module = parse(context, spec.name);
  if (Error error = addEntryPoint(*module, spec)) {
    ADD_FAILURE() << toString(std::move(error));
    return {};
  }
  auto machine = targetMachine("x86-64");
  std::string object = generate(*module, *machine, CodeGenFileType::ObjectFile);
  Expected<std::string> library =
      linkSharedLibrary(StringRef(object), spec.name);
  if (!library) {
    ADD_FAILURE() << toString(library.takeError());
    return {};
  }
  return *library;
}

std::string readFile(const std::string &path) {
  auto buffer = MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "<absent>";
}

void writeFile(const std::string &path, StringRef text) {
  std::error_code code;
  raw_fd_ostream(path, code) << text;
}

int countThreads() {
  int count = 0;
  std::error_code code;
  for (sys::fs::directory_iterator it("/proc/self/task", code), end; it != end;
       it.increment(code))
    ++count;
  return count;
}

/// Runs a shell command; expects success.
void expectRuns(const std::string &command) {
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

} // namespace

//===--- The library
//-------------------------------------------------------===//

TEST(ArtifactLibrary, runsAndChecks) {
  TemporaryDirectory directory;
  std::string path = directory / "libscaled.so";
  writeFile(path, buildLibrary(scaledSpec("scaled")));
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(handle) << dlerror();
  auto *entry = reinterpret_cast<ScaledEntry *>(dlsym(handle, "scaled"));
  auto *lastError =
      reinterpret_cast<const char *(*)()>(dlsym(handle, "scaled_last_error"));
  ASSERT_TRUE(entry && lastError);

  std::vector<float> in(3 * 8), out(3 * 8);
  for (int i = 0; i < 24; ++i)
    in[i] = float(i);
  Tensor q(in.data(), 2, 32, {3, 8}), result(out.data(), 2, 32, {3, 8});
  EXPECT_EQ(entry(&q.dl, 2.5f, 0.5, 1ll << 20, 1, -3, &result.dl, nullptr), 0);
  for (int i = 0; i < 24; ++i)
    EXPECT_EQ(out[i], i * 2.5f + float(0.5 + (1 << 20) - 3));
  EXPECT_EQ(entry(&q.dl, 2.5f, 0.5, 0, 0, 0, &result.dl, nullptr), 0);
  EXPECT_EQ(out[5], 0);

  result.shape[1] = 6;
  EXPECT_EQ(entry(&q.dl, 1, 0, 0, 1, 0, &result.dl, nullptr),
            LADON_EXTENT_MISMATCH);
  EXPECT_STREQ(lastError(), "out: expected 8 lanes on axis 1, found 6");
  result.shape = {2, 8};
  result.dl.shape = result.shape.data();
  EXPECT_EQ(entry(&q.dl, 1, 0, 0, 1, 0, &result.dl, nullptr),
            LADON_SYMBOL_MISMATCH);
  EXPECT_STREQ(lastError(), "out: expected B = 3 on axis 0, as in q, found 2");
  dlclose(handle);
}

TEST(ArtifactLibrary, exportsTwoSymbolsAndNeedsLibcOnly) {
  std::string bytes = buildLibrary(scaledSpec("scaled"));
  auto file = cantFail(
      object::ObjectFile::createELFObjectFile(MemoryBufferRef(bytes, "")));
  auto &elf = cast<object::ELF64LEObjectFile>(*file);
  StringSet<> exported;
  for (const object::ELFSymbolRef &symbol : elf.getDynamicSymbolIterators())
    if (!(cantFail(symbol.getFlags()) & object::SymbolRef::SF_Undefined))
      exported.insert(cantFail(symbol.getName()));
  EXPECT_EQ(exported.size(), 2u);
  EXPECT_TRUE(exported.contains("scaled"));
  EXPECT_TRUE(exported.contains("scaled_last_error"));

  StringRef strings;
  for (const object::SectionRef &section : elf.sections()) {
    if (cantFail(section.getName()) == ".dynstr")
      strings = cantFail(section.getContents());
    EXPECT_NE(cantFail(section.getName()), ".symtab");
  }
  std::vector<std::string> needed;
  for (const auto &entry : cantFail(elf.getELFFile().dynamicEntries())) {
    if (entry.getTag() == ELF::DT_NEEDED)
      needed.push_back(strings.substr(entry.getVal()).data());
    if (entry.getTag() == ELF::DT_SONAME)
      EXPECT_STREQ(strings.substr(entry.getVal()).data(), "libscaled.so");
  }
  EXPECT_EQ(needed, std::vector<std::string>{"libc.so.6"});
  EXPECT_LT(bytes.size(), 40000u);
}

TEST(ArtifactLibrary, theSameSpecGivesTheSameBytes) {
  ProgramSpec spec = scaledSpec("scaled");
  EXPECT_EQ(buildLibrary(spec), buildLibrary(spec));
  EXPECT_EQ(emitHeader(spec), emitHeader(spec));
  EXPECT_EQ(emitManifest(spec), emitManifest(spec));
}

TEST(ArtifactLibrary, theEntryRunsOnAnyCpu) {
  LLVMContext context;
  auto module = parse(context, "scaled");
  ASSERT_FALSE(errorToBool(addEntryPoint(*module, scaledSpec("scaled"))));
  auto machine = targetMachine("x86-64-v4");
  std::string text = generate(*module, *machine, CodeGenFileType::AssemblyFile);
  auto function = [&](const std::string &name) {
    size_t begin = text.find("\n" + name + ":");
    return text.substr(begin, text.find(".cfi_endproc", begin) - begin);
  };
  // AVX instructions begin with a v; the generated code has them.
  EXPECT_NE(function("row").find("\tv"), std::string::npos);
  EXPECT_EQ(function("scaled").find("\tv"), std::string::npos)
      << function("scaled");
  EXPECT_EQ(function("scaled_last_error").find("\tv"), std::string::npos);
}

TEST(ArtifactLibrary, aModuleWithoutTheRunFunctionIsRefused) {
  LLVMContext context;
  Module module("empty", context);
  EXPECT_EQ(toString(addEntryPoint(module, scaledSpec("scaled"))),
            "the module does not define @scaled.run");
}

TEST(ArtifactLibrary, aFunctionThatNobodyDefinesIsALinkError) {
  LLVMContext context;
  auto module = parse(context, "scaled");
  ProgramSpec spec = scaledSpec("scaled");
  ASSERT_FALSE(errorToBool(addEntryPoint(*module, spec)));
  module->getFunction("ladon_rt_parallel_for")->setName("nowhere_to_be_found");
  auto machine = targetMachine("x86-64");
  std::string object = generate(*module, *machine, CodeGenFileType::ObjectFile);
  Expected<std::string> library =
      linkSharedLibrary(StringRef(object), "scaled");
  ASSERT_FALSE(library);
  std::string message = toString(library.takeError());
  EXPECT_NE(message.find("nowhere_to_be_found"), std::string::npos) << message;
  // The linker can be used again.
  EXPECT_FALSE(buildLibrary(spec).empty());
}

TEST(ArtifactLibrary, unloadingEndsItsThreads) {
  TemporaryDirectory directory;
  std::string path = directory / "libscaled.so";
  writeFile(path, buildLibrary(scaledSpec("scaled")));
  int before = countThreads();
  for (int round = 0; round < 30; ++round) {
    void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_TRUE(handle) << dlerror();
    auto *entry = reinterpret_cast<ScaledEntry *>(dlsym(handle, "scaled"));
    std::vector<float> in(64 * 8, 1), out(64 * 8);
    Tensor q(in.data(), 2, 32, {64, 8}), result(out.data(), 2, 32, {64, 8});
    ladon_options options = LADON_OPTIONS_INIT;
    options.threads = 4;
    // A thread that has called the library may outlive it.
    std::thread([&] {
      EXPECT_EQ(entry(&q.dl, 2, 0, 0, 1, 0, &result.dl, &options), 0);
    }).join();
    EXPECT_EQ(out[511], 2);
    EXPECT_EQ(countThreads(), before + 3);
    dlclose(handle);
    EXPECT_EQ(countThreads(), before);
    // The fork handlers are gone with it.
    if (pid_t child = fork()) {
      int status = -1;
      waitpid(child, &status, 0);
      EXPECT_EQ(status, 0);
    } else {
      _exit(0);
    }
  }
}

//===--- The header
//--------------------------------------------------------===//

TEST(ArtifactHeader, twoLibrariesInOneProgramInCAndCxx) {
  TemporaryDirectory directory;
  for (std::string name : {"first", "second"}) {
    ProgramSpec spec = scaledSpec(name);
    writeFile(directory / ("lib" + name + ".so"), buildLibrary(spec));
    writeFile(directory / (name + ".h"), emitHeader(spec));
  }
  std::string program = R"(
#include "first.h"
#include "second.h"
#include "first.h"
#include <string.h>
int main(void) {
  float in[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[8];
  int64_t shape[2] = {1, 8};
  DLTensor q, o;
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = 2;
  memset(&q, 0, sizeof q);
  q.data = in;
  q.device.device_type = kDLCPU;
  q.ndim = 2;
  q.dtype.code = kDLFloat;
  q.dtype.bits = 32;
  q.dtype.lanes = 1;
  q.shape = shape;
  o = q;
  o.data = out;
  if (first(&q, 2.0f, 0, 0, 1, 0, &o, &options) != LADON_OK || out[7] != 16)
    return 1;
  if (second(&q, 3.0f, 0, 0, 1, 0, &o, NULL) != LADON_OK || out[7] != 24)
    return 2;
  o.ndim = 1;
  if (first(&q, 2.0f, 0, 0, 1, 0, &o, NULL) != LADON_RANK)
    return 3;
  if (strcmp(first_last_error(), "out: expected 2 axes, found 1") != 0)
    return 4;
  return second_last_error()[0] != '\0';
}
)";
  writeFile(directory / "main.c", program);
  writeFile(directory / "main.cpp", program);
  std::string common = " -Wall -Wextra -Wdocumentation -Werror -pedantic -I " +
                       directory.path.str().str() + " -L " +
                       directory.path.str().str() + " -Wl,-rpath," +
                       directory.path.str().str() + " -lfirst -lsecond -o " +
                       (directory / "program");
  for (std::string language : {"-x c -std=c99 ", "-x c -std=c11 ",
                               "-x c++ -std=c++11 ", "-x c++ -std=c++20 "}) {
    expectRuns(LADON_CLANG " " + language + (directory / "main.c") + common);
    expectRuns(directory / "program");
  }
}

TEST(ArtifactHeader, declaresDlpackWhereThereIsNone) {
  TemporaryDirectory directory;
  std::string header = emitHeader(scaledSpec("scaled"));
  size_t found = 0;
  for (StringRef name = "dlpack/dlpack.h";
       (found = header.find(name, found)) != std::string::npos;)
    header.replace(found, name.size(), "dlpack/absent.h");
  writeFile(directory / "scaled.h", header);
  writeFile(directory / "main.c", R"(
#include "scaled.h"
#define SAME(name, condition) typedef char name[(condition) ? 1 : -1]
SAME(size, sizeof(DLTensor) == 48);
SAME(device, offsetof(DLTensor, device) == 8);
SAME(ndim, offsetof(DLTensor, ndim) == 16 && sizeof(DLDevice) == 8);
SAME(dtype, offsetof(DLTensor, dtype) == 20 && sizeof(DLDataType) == 4);
SAME(shape, offsetof(DLTensor, shape) == 24);
SAME(strides, offsetof(DLTensor, strides) == 32);
SAME(byte_offset, offsetof(DLTensor, byte_offset) == 40);
)");
  for (std::string language : {"-x c -std=c99 ", "-x c++ -std=c++11 "})
    expectRuns(LADON_CLANG " -fsyntax-only -Wall -Wextra -Werror -pedantic " +
               language + (directory / "main.c"));
  static_assert(sizeof(DLTensor) == 48, "the layout of DLPack");
}

TEST(ArtifactHeader, quotesTheSpecInsideItsComment) {
  ProgramSpec spec = scaledSpec("scaled");
  spec.source += "*//* */ \x01 \xff \xe2\x80\xae\n";
  std::string header = emitHeader(spec);
  StringRef comment = header;
  comment = comment.substr(comment.rfind("/**\n * scaled: a fused"));
  comment = comment.substr(0, comment.find("*/"));
  EXPECT_NE(comment.find("/ * that * / tries"), StringRef::npos);
  EXPECT_NE(comment.find("* // * * / ?"), StringRef::npos) << comment.str();
  EXPECT_EQ(comment.find("\xe2\x80\xae"), StringRef::npos);
  EXPECT_NE(comment.find("out out    f32[B, 8]"), StringRef::npos);
  EXPECT_NE(comment.find("cap    f32  the factor"), StringRef::npos);
  EXPECT_EQ(emitPrototype(spec),
            "int32_t scaled(const DLTensor *q, float cap, double extra, "
            "int64_t new_, uint8_t keep, int32_t step, DLTensor *out, "
            "const ladon_options *opts)");
}

TEST(ArtifactNames, wordsThatACallerCouldNotUseAreRefused) {
  EXPECT_EQ(entryNameProblem("encoder"), "");
  EXPECT_EQ(entryNameProblem("gemma2_local"), "");
  EXPECT_EQ(entryNameProblem("class"),
            "'class' is reserved in C, C++ or Ladon's own headers");
  EXPECT_EQ(entryNameProblem("ladon_x"),
            "'ladon_x' is reserved in C, C++ or Ladon's own headers");
  EXPECT_EQ(entryNameProblem("malloc"),
            "'malloc' is a function of the C library");
  EXPECT_EQ(entryNameProblem("tanhf"),
            "'tanhf' is a function of the C math library");
}

TEST(ArtifactNames, queriesKeysAndValuesHaveAxisWords) {
  ParamSpec k{"k",
              ParamKind::Input,
              ElementType::F32,
              {{-1, 0, ""}, {8, -1, ""}, {-1, 1, ""}, {64, -1, ""}},
              ""};
  EXPECT_EQ(axisWords(k), (std::vector<StringRef>{"sequences", "heads",
                                                  "positions", "features"}));
  ParamSpec bias = k;
  bias.name = "bias";
  EXPECT_EQ(axisWords(bias), std::vector<StringRef>(4));
}

//===--- The manifest
//------------------------------------------------------===//

TEST(ArtifactManifest, saysHowToCallTheLibrary) {
  auto json = json::parse(emitManifest(scaledSpec("scaled")));
  ASSERT_TRUE(bool(json)) << toString(json.takeError());
  json::Object &root = *json->getAsObject();
  EXPECT_EQ(root.getString("name"), "scaled");
  EXPECT_EQ(root.getString("library"), "libscaled.so");
  EXPECT_EQ(root.getString("last_error"), "scaled_last_error");
  EXPECT_EQ(root.getInteger("cpu_level"), 1);
  EXPECT_EQ(root.getObject("facts")->getString("tile.queries"), "16");
  json::Object &out = *root.getArray("params")->back().getAsObject();
  EXPECT_EQ(out.getString("kind"), "output");
  EXPECT_EQ(out.getString("dtype"), "f32");
  EXPECT_EQ(*out.getArray("dims"), json::Array({"B", 8}));
  EXPECT_FALSE((*root.getArray("params"))[1].getAsObject()->getArray("dims"));
}

/// The text of a comment of ladon.h, as the manifest has it.
static std::string sentence(StringRef comment) {
  std::string text;
  for (StringRef line : split(comment, '\n'))
    text += (text.empty() ? "" : " ") + line.trim(" */").str();
  text[0] = char(std::tolower(text[0]));
  return StringRef(text).rtrim(".").str();
}

TEST(ArtifactManifest, statusCodesAreThoseOfTheHeader) {
  StringRef header = publicHeader();
  header = header.substr(header.find("typedef enum ladon_status {"));
  header = header.substr(0, header.find("} ladon_status;"));
  for (const StatusCode &code : statusCodes()) {
    std::string line = (code.name + " = " + std::to_string(code.value)).str();
    size_t at = header.find(line);
    ASSERT_NE(at, StringRef::npos) << line;
    size_t begin = header.substr(0, at).rfind("/**");
    std::string comment = sentence(header.slice(begin, at).trim());
    std::string expected = code.meaning.str();
    expected[0] = char(std::tolower(expected[0]));
    EXPECT_EQ(comment, expected);
  }
  EXPECT_EQ(size_t(header.count(" = ")), statusCodes().size());
}

TEST(ArtifactManifest, statusCodesAreDocumented) {
  std::string page = readFile(LADON_SOURCE_DIR "/docs/abi.md");
  for (const StatusCode &code : statusCodes())
    EXPECT_NE(page.find("| " + std::to_string(code.value) + " | `" +
                        code.name.str() + "` | "),
              std::string::npos)
        << code.name.str();
}

//===--- Files
//-------------------------------------------------------------===//

namespace {

/// The names in a directory, hidden ones included.
std::set<std::string> list(const TemporaryDirectory &directory) {
  std::set<std::string> names;
  std::error_code code;
  for (sys::fs::directory_iterator it(directory.path, code), end; it != end;
       it.increment(code))
    names.insert(sys::path::filename(it->path()).str());
  return names;
}

} // namespace

TEST(ArtifactFiles, allAppearWithTheirModes) {
  TemporaryDirectory directory;
  writeFile(directory / "b", "old");
  ASSERT_FALSE(errorToBool(writeFilesAtomically(
      {{directory / "a", "1", 0644}, {directory / "b", "2", 0755}})));
  EXPECT_EQ(readFile(directory / "a"), "1");
  EXPECT_EQ(readFile(directory / "b"), "2");
  struct stat status;
  stat((directory / "b").c_str(), &status);
  EXPECT_TRUE(status.st_mode & S_IXUSR);
  EXPECT_EQ(list(directory), (std::set<std::string>{"a", "b"}));
}

TEST(ArtifactFiles, noneAppearWhenOneCannotBeWritten) {
  TemporaryDirectory directory;
  writeFile(directory / "a", "old");
  sys::fs::create_directory(directory / "c");
  std::string message = toString(writeFilesAtomically({{directory / "a", "new"},
                                                       {directory / "b", "new"},
                                                       {directory / "c", ""}}));
  EXPECT_EQ(message,
            "cannot write '" + (directory / "c") + "': Is a directory");
  message = toString(writeFilesAtomically(
      {{directory / "a", "new"}, {directory / "no/d", ""}}));
  EXPECT_EQ(message, "cannot write '" + (directory / "no/d") +
                         "': No such file or directory");
  EXPECT_EQ(readFile(directory / "a"), "old");
  EXPECT_EQ(list(directory), (std::set<std::string>{"a", "c"}));
}

TEST(ArtifactFiles, aLateFailureRestoresWhatWasThere) {
  if (geteuid() != 0)
    GTEST_SKIP() << "needs a second user";
  // In a directory where files may be made by all, and replaced by their owner
  // only, nobody's new file a is in place before root's b turns out not to be
  // replaceable.
  TemporaryDirectory directory;
  writeFile(directory / "a", "old");
  writeFile(directory / "b", "old");
  const unsigned nobody = 65534;
  ASSERT_EQ(chown((directory / "a").c_str(), nobody, nobody), 0);
  ASSERT_EQ(chmod(directory.path.c_str(), 01777), 0);
  pid_t child = fork();
  if (child == 0) {
    if (setuid(nobody) != 0)
      _exit(2);
    std::string message =
        toString(writeFilesAtomically({{directory / "a", "new"},
                                       {directory / "n", "new"},
                                       {directory / "b", "new"}}));
    _exit(StringRef(message).ends_with("b': Operation not permitted") ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(readFile(directory / "a"), "old");
  EXPECT_EQ(readFile(directory / "b"), "old");
  EXPECT_EQ(list(directory), (std::set<std::string>{"a", "b"}));
}
