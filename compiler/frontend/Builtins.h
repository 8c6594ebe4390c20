//===- Builtins.h - The names the language defines -------------*- C++ -*-===//
//
// One table of the functions, positions and masks of the language: for Sema,
// the dump and suggestions in messages.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_BUILTINS_H
#define LADON_COMPILER_FRONTEND_BUILTINS_H

#include "compiler/frontend/AST.h"

namespace ladon {

/// A function of score and mask expressions.
struct BuiltinInfo {
  llvm::StringRef name;
  ast::Builtin builtin;
  unsigned minArgs, maxArgs;
  bool takesIntegers; ///< Works on integers as such, without conversion.
};

llvm::ArrayRef<BuiltinInfo> builtinTable();
const BuiltinInfo *findBuiltin(llvm::StringRef name);

/// A position variable: "j" is "the position of the key".
struct PositionInfo {
  llvm::StringRef name;
  ast::IndexVar var;
  llvm::StringRef meaning;
};

llvm::ArrayRef<PositionInfo> positionTable();
const PositionInfo *findPosition(llvm::StringRef name);
llvm::StringRef positionName(ast::IndexVar var);

std::optional<ast::MaskForm> findMaskForm(llvm::StringRef name);
llvm::StringRef maskFormName(ast::MaskForm form);

/// What a reserved name means, or an empty text when it is free.
llvm::StringRef reservedMeaning(llvm::StringRef name);
/// All reserved names, for suggestions.
std::vector<llvm::StringRef> reservedNames();

bool isForeignKeyword(llvm::StringRef name); ///< A keyword of C or C++.

llvm::StringRef spelling(ast::BinaryOp op);
llvm::StringRef spelling(ast::UnaryOp op);
llvm::StringRef spelling(ast::ScalarType type);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_BUILTINS_H
