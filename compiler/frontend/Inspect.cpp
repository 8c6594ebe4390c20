//===- Inspect.cpp - A spec with all that is known about its text ---------===//

#include "compiler/frontend/Inspect.h"

#include "compiler/frontend/Parser.h"
#include "compiler/frontend/Sema.h"

using namespace ladon;

InspectedSpec ladon::inspectSpec(llvm::SourceMgr &sources, unsigned bufferId,
                                 DiagnosticEngine &diagnostics) {
  llvm::StringRef text = sources.getMemoryBuffer(bufferId)->getBuffer();
  InspectedSpec spec;
  spec.tokens = lex(text, diagnostics);
  spec.file = parse(spec.tokens, diagnostics);
  if (diagnostics.hasErrors())
    return spec;
  spec.checked = std::make_unique<CheckedSpec>();
  const ParamOverrides none; // Sema keeps a reference.
  Sema sema(spec.file, *spec.checked, none, diagnostics);
  sema.recordTypes(spec.types);
  sema.run();
  if (diagnostics.hasErrors())
    spec.checked = nullptr;
  else
    spec.checked->attention->source = text.str();
  return spec;
}
