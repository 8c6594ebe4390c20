//===- artifact_test.cpp - The library of an artefact ---------------------===//
//
// From an LLVM module written by hand to libraries that are loaded and called.
//
//===----------------------------------------------------------------------===//

#include "artifact_support.h"
#include "runtime_program.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Object/ELFObjectFile.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace ladon::test;

namespace {

using ScaledEntry = int32_t(const DLTensor *, float, double, int64_t, uint8_t,
                            int32_t, DLTensor *, const ladon_options *);

int countThreads() {
  int count = 0;
  std::error_code code;
  for (sys::fs::directory_iterator it("/proc/self/task", code), end; it != end;
       it.increment(code))
    ++count;
  return count;
}

/// The threads that stay: those of tests before, which have been joined, may
/// still be visible for a while.
int countLastingThreads() {
  int count = countThreads();
  for (int tries = 0; tries < 50; ++tries) {
    usleep(1000);
    count = std::min(count, countThreads());
  }
  return count;
}

/// Expects so many threads in this process, soon: one that has been joined
/// stays visible until the kernel has cleaned up.
void expectThreads(int expected) {
  for (int tries = 0; tries < 1000 && countThreads() != expected; ++tries)
    usleep(1000);
  EXPECT_EQ(countThreads(), expected);
}

} // namespace

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
  Expected<std::string> library = linkSharedLibrary(
      {object, ladon::cpu::x86RuntimeObject()}, "scaled", {"scaled"});
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
  int before = countLastingThreads();
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
    expectThreads(before + 3);
    dlclose(handle);
    expectThreads(before);
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
