//===- SplitModule.cpp - Code in parts that need not wait -----------------===//

#include "compiler/codegen/cpu/SplitModule.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace ladon::cpu;

/// Below so many instructions a part is not worth its own start of the code
/// generator.
static constexpr unsigned smallPart = 200;

/// What a constant is made of: the functions and variables in it.
static void visitGlobals(const Constant *constant,
                         function_ref<void(const GlobalValue *)> visit) {
  if (auto *global = dyn_cast<GlobalValue>(constant))
    return visit(global);
  for (const Use &operand : constant->operands())
    if (auto *part = dyn_cast<Constant>(operand))
      visitGlobals(part, visit);
}

/// Whether a function may be in another module than those that call it.
static bool isApart(const GlobalValue *global) {
  auto *function = dyn_cast<Function>(global);
  return function && function->hasFnAttribute(Attribute::NoInline);
}

/// Joins what one module has to hold: a function and those that it calls and
/// may inline, data and all that mention it.
static EquivalenceClasses<const GlobalValue *> joinNeighbours(Module &module) {
  EquivalenceClasses<const GlobalValue *> classes;
  for (const GlobalVariable &variable : module.globals()) {
    classes.insert(&variable);
    if (variable.hasInitializer())
      visitGlobals(variable.getInitializer(), [&](const GlobalValue *global) {
        classes.unionSets(&variable, global);
      });
  }
  for (const Function &function : module) {
    if (function.isDeclaration())
      continue;
    classes.insert(&function);
    for (const BasicBlock &block : function)
      for (const Instruction &instruction : block) {
        auto *call = dyn_cast<CallBase>(&instruction);
        for (const Use &operand : instruction.operands())
          if (auto *constant = dyn_cast<Constant>(operand))
            visitGlobals(constant, [&](const GlobalValue *global) {
              bool isAddress =
                  isa<Function>(global) && !(call && call->isCallee(&operand));
              if (!global->isDeclaration() && !isAddress && !isApart(global))
                classes.unionSets(&function, global);
            });
      }
  }
  return classes;
}

SplitModule::SplitModule(Module &module) {
  EquivalenceClasses<const GlobalValue *> classes = joinNeighbours(module);
  MapVector<const GlobalValue *, SmallVector<Function *>> byClass;
  for (Function &function : module)
    if (!function.isDeclaration())
      byClass[classes.getLeaderValue(&function)].push_back(&function);

  // The first part takes the small ones.
  std::vector<unsigned> sizes;
  for (auto &[leader, functions] : byClass) {
    unsigned size = 0;
    for (const Function *function : functions)
      size += function->getInstructionCount();
    if (parts.empty() || size >= smallPart) {
      parts.emplace_back();
      sizes.push_back(0);
    }
    size_t part = size >= smallPart ? parts.size() - 1 : 0;
    sizes[part] += size;
    for (const Function *function : functions)
      parts[part].push_back(function->getName().str());
  }
  largestFirst.assign(seq<size_t>(0, parts.size()).begin(),
                      seq<size_t>(0, parts.size()).end());
  sort(largestFirst, [&](size_t a, size_t b) {
    return std::pair(sizes[b], a) < std::pair(sizes[a], b);
  });

  if (parts.size() > 1)
    for (Function &function : module)
      if (function.hasLocalLinkage() &&
          (function.hasAddressTaken() || isApart(&function))) {
        function.setLinkage(GlobalValue::ExternalLinkage);
        function.setVisibility(GlobalValue::HiddenVisibility);
      }
  raw_string_ostream stream(bitcode);
  WriteBitcodeToFile(module, stream);
}

std::unique_ptr<Module> SplitModule::load(size_t part,
                                          LLVMContext &context) const {
  std::unique_ptr<Module> module = cantFail(
      getLazyBitcodeModule(MemoryBufferRef(bitcode, "ladon"), context));
  StringSet<> names;
  for (const std::string &name : parts[part])
    names.insert(name);
  for (Function &function : *module)
    if (!function.isDeclaration() && !names.contains(function.getName())) {
      function.deleteBody();
      function.setLinkage(GlobalValue::ExternalLinkage);
    }
  cantFail(module->materializeAll());
  return module;
}
