//===- Parser.h - Tokens to a syntax tree ----------------------*- C++ -*-===//
//
// Parses a whole spec by recursive descent. After an error it goes on at the
// next argument, statement or declaration, so that one run reports several.
// The tree is meaningful only if no error was reported.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_PARSER_H
#define LADON_COMPILER_FRONTEND_PARSER_H

#include "compiler/frontend/Lexer.h"
#include "compiler/frontend/Syntax.h"

namespace ladon {

/// Brackets, prefix operators and `if` may nest this deep.
constexpr unsigned maxNesting = 256;

/// Parses `tokens`, which end with Eof.
syntax::File parse(llvm::ArrayRef<Token> tokens, DiagnosticEngine &diagnostics);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_PARSER_H
