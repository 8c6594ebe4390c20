//===- Frontend.h - Spec text to a checked attention -----------*- C++ -*-===//
//
// The interface of the front end. Any text is accepted: what is wrong with it
// ends up in the diagnostics, and the result is then null. Warnings alone do
// not stop anything.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_FRONTEND_H
#define LADON_COMPILER_FRONTEND_FRONTEND_H

#include "compiler/frontend/CheckedSpec.h"
#include "compiler/frontend/Diagnostics.h"

#include <memory>
#include <optional>
#include <string>

namespace ladon {

/// Parses and checks buffer `bufferId`. Null when an error was reported.
std::unique_ptr<CheckedSpec> parseAndCheck(llvm::SourceMgr &sources,
                                           unsigned bufferId,
                                           const ParamOverrides &overrides,
                                           DiagnosticEngine &diagnostics);

/// The canonical form of a spec: same meaning, same comments, one layout.
/// Formatting it again changes nothing. None when the text does not parse; it
/// need not pass semantic checks.
std::optional<std::string> formatSpec(llvm::SourceMgr &sources,
                                      unsigned bufferId,
                                      DiagnosticEngine &diagnostics);

/// Prints the checked tree, one node a line with its type.
void dumpAST(const ast::Attention &attention, llvm::raw_ostream &os);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_FRONTEND_H
