//===- SplitModule.h - Code in parts that need not wait ---------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_SPLITMODULE_H
#define LADON_COMPILER_CODEGEN_CPU_SPLITMODULE_H

#include "llvm/IR/Module.h"

#include <memory>
#include <string>
#include <vector>

namespace ladon::cpu {

/// The functions of a module in parts that inline nothing of one another: a
/// task is known to the function that launches it by its address only; what is
/// never inlined may be elsewhere, too. What parts have to see of one another
/// gets hidden linkage, so that they can be compiled apart and linked.
class SplitModule {
public:
  /// Takes the module apart. The parts depend on nothing but the module.
  explicit SplitModule(llvm::Module &module);

  size_t size() const { return parts.size(); }
  /// The parts with the most code first: they are to be begun first.
  llvm::ArrayRef<size_t> getLargestFirst() const { return largestFirst; }

  /// A module of that part, in a context of its own. Several threads may load
  /// parts at once.
  std::unique_ptr<llvm::Module> load(size_t part,
                                     llvm::LLVMContext &context) const;

private:
  /// The names of the functions of every part.
  std::vector<std::vector<std::string>> parts;
  std::vector<size_t> largestFirst;
  /// The whole module, from which every part is read.
  std::string bitcode;
};

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_SPLITMODULE_H
