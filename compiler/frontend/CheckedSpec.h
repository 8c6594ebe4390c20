//===- CheckedSpec.h - What the front end makes of a spec ------*- C++ -*-===//

#ifndef LADON_COMPILER_FRONTEND_CHECKEDSPEC_H
#define LADON_COMPILER_FRONTEND_CHECKEDSPEC_H

#include "compiler/frontend/AST.h"
#include "compiler/frontend/Diagnostics.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ladon {

/// `-D name=value`, in the order given; values are text.
using ParamOverrides = std::vector<std::pair<std::string, std::string>>;

/// A `param` with the value it was compiled with, for manifests.
struct CompileTimeParam {
  std::string name;
  ast::ScalarType type;
  std::string value;
};

/// A mask as it is written, for what is found out about it after import.
struct WrittenMask {
  const ast::Expr *value;
  llvm::SMRange range;
  std::vector<Diagnostic::Note> notes; ///< The calls it is expanded from.
};

/// A checked spec and the nodes it is made of. Ranges point into the source
/// manager it was parsed from.
struct CheckedSpec {
  ast::ASTContext context;
  std::unique_ptr<ast::Attention> attention; ///< Never null.
  std::vector<CompileTimeParam> params;      ///< In source order.
  std::vector<WrittenMask> masks;
};

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_CHECKEDSPEC_H
