//===- Inspect.h - A spec with all that is known about its text -*- C++ -*-===//
//
// For editors. A build needs the checked tree only; who looks at the text also
// asks for the tokens, for the tree as it is written, which is there when the
// text is wrong as well, and for the type of what stands at a place.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_INSPECT_H
#define LADON_COMPILER_FRONTEND_INSPECT_H

#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Lexer.h"
#include "compiler/frontend/Syntax.h"

namespace ladon {

/// A spec as far as it could be read. Ranges point into the source manager.
struct InspectedSpec {
  std::vector<Token> tokens; ///< Comments included, the last is Eof.
  syntax::File file;         ///< With `Error` expressions where it is broken.
  syntax::Types types;       ///< Empty unless the text parses.
  std::unique_ptr<CheckedSpec> checked; ///< Null when an error was reported.
};

/// Reads buffer `bufferId`; reports what `parseAndCheck` does.
InspectedSpec inspectSpec(llvm::SourceMgr &sources, unsigned bufferId,
                          DiagnosticEngine &diagnostics);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_INSPECT_H
