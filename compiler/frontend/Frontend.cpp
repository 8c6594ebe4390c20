//===- Frontend.cpp - Spec text to a checked attention --------------------===//

#include "compiler/frontend/Frontend.h"

#include "compiler/frontend/Parser.h"
#include "compiler/frontend/Sema.h"

using namespace ladon;

std::unique_ptr<CheckedSpec>
ladon::parseAndCheck(llvm::SourceMgr &sources, unsigned bufferId,
                     const ParamOverrides &overrides,
                     DiagnosticEngine &diagnostics) {
  llvm::StringRef text = sources.getMemoryBuffer(bufferId)->getBuffer();
  syntax::File file = parse(lex(text, diagnostics), diagnostics);
  // A broken tree would only lead to errors about what was not read.
  if (diagnostics.hasErrors())
    return nullptr;
  auto spec = std::make_unique<CheckedSpec>();
  Sema(file, *spec, overrides, diagnostics).run();
  if (diagnostics.hasErrors())
    return nullptr;
  spec->attention->source = text.str();
  return spec;
}
