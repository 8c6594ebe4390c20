//===- Server.h - The language server --------------------------*- C++ -*-===//
//
// Answers a client of the Language Server Protocol, one message after the
// other: all answers take milliseconds, so there is nothing to cancel and no
// second thread.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_LSP_SERVER_H
#define LADON_COMPILER_DRIVER_LSP_SERVER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdio>

namespace llvm {
class raw_ostream;
}

namespace ladon::lsp {

/// Serves until the client says `exit`. Fails when it leaves in another way: it
/// sends what is no message, or is gone.
llvm::Error serve(std::FILE *in, llvm::raw_ostream &out,
                  llvm::StringRef version);

} // namespace ladon::lsp

#endif // LADON_COMPILER_DRIVER_LSP_SERVER_H
