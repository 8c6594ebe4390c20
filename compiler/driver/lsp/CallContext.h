//===- CallContext.h - The call that a place is in -------------*- C++ -*-===//
//
// Read off the tokens before the place: while somebody types a call there is
// no tree of it yet.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_LSP_CALLCONTEXT_H
#define LADON_COMPILER_DRIVER_LSP_CALLCONTEXT_H

#include "compiler/frontend/Lexer.h"

#include <optional>

namespace ladon::lsp {

/// What stands in front of a place.
struct PlaceContext {
  /// The token before the place, without a word that is being typed there. Eof
  /// at the beginning.
  Token before;
  bool inComment = false;
  bool inBracket = false; ///< In any.

  /// The innermost call; empty in none.
  llvm::StringRef callee;
  unsigned argument = 0;                   ///< Which the place is in, from 0.
  llvm::StringRef argumentName;            ///< "mask" in `mask = ...`.
  std::vector<llvm::StringRef> namesGiven; ///< Of the call, before the place.
  /// Whether the place is where an argument begins.
  bool startsArgument = false;
};

PlaceContext contextAt(llvm::ArrayRef<Token> all, llvm::SMLoc place);

} // namespace ladon::lsp

#endif // LADON_COMPILER_DRIVER_LSP_CALLCONTEXT_H
