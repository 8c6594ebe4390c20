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

/// What a function takes.
enum class Operands {
  Floats,   ///< Integers are converted.
  Numbers,  ///< Integers as such, or floats.
  Integers, ///< Nothing else.
  Tested,   ///< As Floats; the value is a bool.
  Anything  ///< A bool, an integer or a float.
};

/// A function of score and mask expressions: a row of Builtins.def.
struct BuiltinInfo {
  llvm::StringRef name;
  ast::Builtin builtin;
  unsigned minArgs, maxArgs;
  Operands operands;
  llvm::StringRef meaning;
};

llvm::ArrayRef<BuiltinInfo> builtinTable();
const BuiltinInfo *findBuiltin(llvm::StringRef name);

/// An argument of a tensor operation.
struct ArgumentInfo {
  enum Use { Positional, Optional, Named, Required };
  llvm::StringRef call, name;
  Use use;
};

/// The arguments of `call` ("attend"), in their order; empty when it is none of
/// the tensor operations.
std::vector<ArgumentInfo> argumentsOf(llvm::StringRef call);

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

llvm::StringRef spelling(ast::BinaryOp op);
llvm::StringRef spelling(ast::UnaryOp op);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_BUILTINS_H
