//===- LoadedAttention.h - Calling a compiled attention --------*- C++ -*-===//

#ifndef LADON_COMPILER_DRIVER_COMPILE_LOADEDATTENTION_H
#define LADON_COMPILER_DRIVER_COMPILE_LOADEDATTENTION_H

#include "compiler/driver/compile/Compile.h"

namespace ladon {

/// An entry point of a compiled library, loaded into this process, or kept for
/// the machine that it is for.
class LoadedAttention {
public:
  /// Entry point number `index`.
  static llvm::Expected<std::unique_ptr<LoadedAttention>>
  load(const Artefact &artefact, size_t index = 0);
  ~LoadedAttention();
  LoadedAttention(const LoadedAttention &) = delete;

  /// Calls the entry point as C code would. One pointer per parameter, in
  /// order: a DLTensor, or a scalar's value. `options` is a ladon_options or
  /// null. Returns a ladon_status.
  int32_t call(llvm::ArrayRef<void *> arguments, const void *options) const;

  /// The library of the driver of the GPU that its tensors lie on; empty for a
  /// CPU.
  const std::string &getDriver() const { return driver; }

  /// The library, if it is for another machine than this one: it cannot be
  /// called here. Else empty.
  const std::string &getForeignLibrary() const { return foreign; }
  const std::string &getName() const { return name; }

  /// The sentence for the last failed call of this thread.
  std::string lastError() const;

private:
  LoadedAttention() = default;
  struct Interface;
  std::unique_ptr<Interface> interface;
  std::string name, driver, foreign;
};

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_COMPILE_LOADEDATTENTION_H
