//===- Runner.cpp - What computes the results under test ------------------===//

#include "test/e2e/Runner.h"
#include "test/e2e/PoisonedMemory.h"

#include "compiler/codegen/artifact/Signature.h"
#include "compiler/driver/check/NumericTrial.h"
#include "compiler/driver/host/HostCall.h"
#include "compiler/driver/host/InterpreterCall.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace ladon;
using namespace ladon::e2e;

llvm::Expected<std::unique_ptr<Spec>>
e2e::parseSpec(llvm::StringRef text, llvm::StringRef name,
               const ParamOverrides &overrides) {
  auto spec = std::make_unique<Spec>();
  unsigned id = spec->sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, name), {});
  spec->checked =
      parseAndCheck(spec->sources, id, overrides, spec->diagnostics);
  if (spec->checked)
    return std::move(spec);
  std::string message;
  llvm::raw_string_ostream os(message);
  spec->diagnostics.print(os);
  return llvm::createStringError(message);
}

llvm::Expected<std::unique_ptr<Spec>>
e2e::loadSpec(llvm::StringRef path, const ParamOverrides &overrides) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return llvm::createStringError(path + ": " + buffer.getError().message());
  return parseSpec((*buffer)->getBuffer(), path, overrides);
}

namespace {

class ReferenceProgram : public Program {
public:
  explicit ReferenceProgram(const ast::Attention &attention)
      : attention(attention) {}

  llvm::Error run(llvm::ArrayRef<HostTensor> inputs,
                  llvm::ArrayRef<HostTensor> outputs, int) override {
    auto results = evaluate(attention, inputs);
    if (!results)
      return results.takeError();
    std::vector<HostTensor> written(outputs);
    for (auto [param, input] : llvm::zip_equal(attention.params, inputs))
      if (param->isInout)
        written.push_back(input);
    for (auto [tensor, result] : llvm::zip_equal(written, *results)) {
      size_t element = 0;
      forEachPosition(tensor.shape, [&, &to = tensor, &from = result](
                                        llvm::ArrayRef<int64_t> position) {
        to.setFloat(position, from.value[element++]);
      });
    }
    return llvm::Error::success();
  }

private:
  const ast::Attention &attention;
};

class ReferenceRunner : public Runner {
public:
  llvm::Expected<std::unique_ptr<Program>> prepare(Spec &spec) override {
    return std::make_unique<ReferenceProgram>(spec.attention());
  }
};

class CompiledProgram : public Program {
public:
  explicit CompiledProgram(std::unique_ptr<LoadedAttention> loaded)
      : loaded(std::move(loaded)) {}

  llvm::Error run(llvm::ArrayRef<HostTensor> inputs,
                  llvm::ArrayRef<HostTensor> outputs, int threads) override {
    bool isHere =
        loaded->getDriver().empty() && loaded->getForeignLibrary().empty();
    if (threads == 1 || !isHere)
      return callOnHost(*loaded, inputs, outputs, threads);
    return HostArguments(inputs, outputs)
        .call(*loaded, poisonedOptions(threads));
  }
  bool checksValues() const override { return true; }
  bool checksIndices() const override { return loaded->getDriver().empty(); }
  llvm::Error runChecked(llvm::ArrayRef<HostTensor> inputs,
                         llvm::ArrayRef<HostTensor> outputs) override {
    return callOnHost(*loaded, inputs, outputs, /*threads=*/1,
                      /*checkIndices=*/true);
  }

private:
  std::unique_ptr<LoadedAttention> loaded;
};

class CompiledRunner : public Runner {
public:
  explicit CompiledRunner(llvm::ArrayRef<std::unique_ptr<Target>> targets)
      : targets(targets) {}

  llvm::Expected<std::unique_ptr<Program>> prepare(Spec &spec) override {
    std::vector<std::unique_ptr<Compilation>> compilations;
    std::vector<Compilation *> levels;
    for (const std::unique_ptr<Target> &target : targets) {
      compilations.push_back(
          std::make_unique<Compilation>(*spec.checked, spec.sources, *target));
      levels.push_back(compilations.back().get());
    }
    auto artefact = makeArtefact(levels);
    if (!artefact && llvm::any_of(levels, [](const Compilation *level) {
          return level->isRefused();
        })) {
      llvm::consumeError(artefact.takeError());
      return nullptr;
    }
    if (!artefact)
      return artefact.takeError();
    auto loaded = LoadedAttention::load(*artefact);
    if (!loaded)
      return loaded.takeError();
    return std::make_unique<CompiledProgram>(std::move(*loaded));
  }
  /// The highest level is the one that is called.
  Arithmetic arithmetic() const override {
    return arithmeticOf(*targets.back());
  }

private:
  llvm::ArrayRef<std::unique_ptr<Target>> targets;
};

/// A module at the tile level, which its compilation keeps.
class InterpretedProgram : public Program {
public:
  explicit InterpretedProgram(std::unique_ptr<Compilation> compilation)
      : compilation(std::move(compilation)) {}

  llvm::Error run(llvm::ArrayRef<HostTensor> inputs,
                  llvm::ArrayRef<HostTensor> outputs, int) override {
    mlir::func::FuncOp function =
        artifact::entryPoints(compilation->getModule()).front();
    std::vector<HostTensor> arguments(inputs.begin(), inputs.end());
    arguments.insert(arguments.end(), outputs.begin(), outputs.end());
    return interpret(function, interpreterArguments(function, arguments));
  }

private:
  std::unique_ptr<Compilation> compilation;
};

class InterpreterRunner : public Runner {
public:
  explicit InterpreterRunner(const Target &target) : target(target) {}
  Arithmetic arithmetic() const override { return arithmeticOf(target); }

  llvm::Expected<std::unique_ptr<Program>> prepare(Spec &spec) override {
    auto compilation =
        std::make_unique<Compilation>(*spec.checked, spec.sources, target);
    if (llvm::Error error = compilation->run(Stage::Tile))
      return std::move(error);
    return std::make_unique<InterpretedProgram>(std::move(compilation));
  }

private:
  const Target &target;
};

} // namespace

std::unique_ptr<Runner> e2e::interpreterRunner(const Target &target) {
  return std::make_unique<InterpreterRunner>(target);
}

std::unique_ptr<Runner>
e2e::compiledRunner(llvm::ArrayRef<std::unique_ptr<Target>> targets) {
  return std::make_unique<CompiledRunner>(targets);
}

std::unique_ptr<Runner> e2e::referenceRunner() {
  return std::make_unique<ReferenceRunner>();
}
