//===- DoctorCommand.cpp - ladon doctor -----------------------------------===//
//
// What this machine has and lacks, found out by trying: a small attention is
// compiled, linked, loaded, called and compared with the reference.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/check/InputGenerator.h"
#include "compiler/driver/commands/Commands.h"
#include "compiler/driver/compile/LoadedAttention.h"
#include "compiler/driver/host/HostCall.h"
#include "compiler/reference/Reference.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <dlfcn.h>

using namespace ladon;

static constexpr char smallSpec[] =
    "attention doctor(q: f32[B, 2, S, 16], k: f32[B, 1, T, 16], v: f32[B, 1, "
    "T, 16]) -> f32[B, 2, S, 16] { return attend(q, k, v, mask = causal) }\n";

static void row(llvm::StringRef name, const llvm::Twine &found) {
  llvm::outs() << llvm::left_justify(name, 12) << found << "\n";
}

/// Compiles the small spec for this machine and calls it; the largest
/// difference from the reference.
static llvm::Expected<double> tryCompiler() {
  llvm::SourceMgr sources;
  unsigned buffer = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBuffer(smallSpec, "doctor.attn"),
      llvm::SMLoc());
  DiagnosticEngine diagnostics(sources);
  auto checked = parseAndCheck(sources, buffer, {}, diagnostics);
  if (!checked)
    return llvm::createStringError("its own spec is refused");
  auto target = findBackend("cpu")->createTarget("native");
  if (!target)
    return target.takeError();
  Compilation compilation(*checked, sources, **target);
  auto artefact = compilation.makeArtefact();
  if (!artefact)
    return artefact.takeError();
  auto loaded = LoadedAttention::load(*artefact);
  if (!loaded)
    return loaded.takeError();

  const ast::Attention &attention = *checked->attention;
  InputOptions sizes;
  sizes.sizes = {{"B", 1}, {"S", 5}, {"T", 7}};
  auto inputs = generateInputs(attention, sizes);
  if (!inputs)
    return inputs.takeError();
  auto expected = evaluate(attention, *inputs);
  if (!expected)
    return expected.takeError();
  HostTensor reference = expected->front().tensor();
  std::vector<HostTensor> outputs = {
      HostTensor::zeros(reference.element, reference.shape)};
  if (llvm::Error error = callOnHost(**loaded, *inputs, outputs, /*threads=*/0))
    return std::move(error);
  double largest = 0;
  forEachPosition(reference.shape, [&](llvm::ArrayRef<int64_t> position) {
    largest = std::fmax(largest, std::fabs(outputs[0].getFloat(position) -
                                           reference.getFloat(position)));
  });
  return largest;
}

/// Whether code for this machine works, in a sentence.
static bool examineCompiler() {
  auto begin = std::chrono::steady_clock::now();
  llvm::Expected<double> difference = tryCompiler();
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - begin;
  if (!difference) {
    row("compile", "fails: " + llvm::toString(difference.takeError()));
    return false;
  }
  bool isRight = *difference < 1e-5;
  std::string text;
  llvm::raw_string_ostream(text)
      << "a small attention compiled, linked, loaded and called in "
      << llvm::format("%.2f s, ", seconds.count())
      << (isRight ? "right" : "wrong")
      << llvm::format(" (off by %.1e)", *difference);
  row("compile", text);
  return isRight;
}

/// A row for each back end: the best level of this machine, and whether code
/// for others can be simulated.
static void examineBackends() {
  for (const Backend *backend : backends()) {
    std::string name = backend->getName().str();
    if (backend->getCodegen() != "llvm")
      name += "/" + backend->getCodegen().str();
    auto target = backend->createTarget("native");
    if (target) {
      row(name, (*target)->getName() + ": " + (*target)->getInstructions());
    } else {
      // Not of this machine: which GPU code is for, the command line says.
      llvm::consumeError(target.takeError());
      row(name, "code for " + llvm::join(backend->getLevels(), ", "));
    }
    if (backend->getName() == "cpu")
      continue;
    auto simulated = backend->createSimulated(backend->getLevels().front());
    row(name + "-sim", simulated
                           ? "--simulate runs its code on this machine"
                           : "no: " + llvm::toString(simulated.takeError()));
  }
}

static void examineMachine() {
  row("cpus", llvm::Twine(llvm::hardware_concurrency().compute_thread_count()) +
                  " that this process may use");
  if (const char *most = std::getenv("LADON_MAX_CPU"))
    row("cpu limit", llvm::Twine(most) + ", by LADON_MAX_CPU");
  void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  row("gpu driver", driver ? llvm::Twine("libcuda.so.1")
                           : llvm::Twine("none: calls of code for a GPU "
                                         "return LADON_CUDA"));
  if (driver)
    dlclose(driver);
  constexpr char pages[] = "/sys/kernel/mm/transparent_hugepage/enabled";
  auto setting = llvm::MemoryBuffer::getFileAsStream(pages);
  row("large pages", setting ? (*setting)->getBuffer().trim().str()
                             : std::string("not known"));
}

void ladon::addDoctorCommand(CLI::App &app, int &exitCode) {
  app.add_subcommand("doctor", "Say what this machine has and lacks")
      ->callback([&app, &exitCode] {
        row("version", app.version());
        bool works = examineCompiler();
        examineBackends();
        examineMachine();
        exitCode = works ? ExitSuccess : ExitUserError;
      });
}
