//===- TextPositions.h - Places in a text as a client counts ---*- C++ -*-===//
//
// The protocol counts lines and, in a line, units of UTF-16; the compiler has
// bytes of UTF-8. A place that a text does not have is taken for the next one
// before it that it has: a client may be a change ahead.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_LSP_TEXTPOSITIONS_H
#define LADON_COMPILER_DRIVER_LSP_TEXTPOSITIONS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LSP/Protocol.h"
#include "llvm/Support/SMLoc.h"

#include <vector>

namespace ladon::lsp {

class TextPositions {
public:
  /// `text` outlives this.
  explicit TextPositions(llvm::StringRef text);

  llvm::lsp::Position position(size_t offset) const;
  size_t offset(llvm::lsp::Position position) const;
  llvm::lsp::Range range(size_t begin, size_t end) const;

  /// Of places in the text itself; an invalid one is its beginning.
  size_t offset(llvm::SMLoc place) const;
  llvm::lsp::Range range(llvm::SMRange places) const;

private:
  llvm::StringRef text;
  std::vector<size_t> lines; ///< Where each begins.
};

} // namespace ladon::lsp

#endif // LADON_COMPILER_DRIVER_LSP_TEXTPOSITIONS_H
