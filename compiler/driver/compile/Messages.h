//===- Messages.h - What passes say, as text -------------------*- C++ -*-===//

#ifndef LADON_COMPILER_DRIVER_COMPILE_MESSAGES_H
#define LADON_COMPILER_DRIVER_COMPILE_MESSAGES_H

#include "mlir/IR/Diagnostics.h"

#include <string>
#include <vector>

namespace ladon {

/// A diagnostic of MLIR that outlives its context.
struct Message {
  std::string place; ///< "mha.attn:4:10", or empty.
  std::string text;
  std::vector<std::string> notes;

  explicit Message(mlir::Diagnostic &diagnostic);

  /// "mha.attn:4:10: what is wrong", and a line for every note.
  std::string str() const;
  bool operator==(const Message &other) const;
};

/// The place in a file that `location` stands for; empty if there is none.
std::string placeOf(mlir::Location location);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_COMPILE_MESSAGES_H
