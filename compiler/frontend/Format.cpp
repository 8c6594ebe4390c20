#include "compiler/frontend/Frontend.h"
std::optional<std::string> ladon::formatSpec(llvm::SourceMgr &, unsigned, DiagnosticEngine &) { return std::nullopt; }
