//===- Syntax.h - A spec as it is written ----------------------*- C++ -*-===//
//
// What the parser builds and only Sema reads: names are text, calls are not
// resolved, macros are not expanded. Names point into the source buffer. A part
// that could not be parsed is an `Error` expression, so no pointer is null.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_SYNTAX_H
#define LADON_COMPILER_FRONTEND_SYNTAX_H

#include "compiler/frontend/AST.h"

#include "llvm/ADT/DenseMap.h"

#include <deque>

namespace ladon::syntax {

/// A name and its place.
struct Name {
  llvm::StringRef text;
  llvm::SMRange range;
};

/// An expression.
struct Expr {
  enum class Kind {
    Error,
    Integer, ///< intValue
    Float,   ///< floatValue
    Bool,    ///< intValue is 0 or 1
    Name,    ///< name
    Unary,   ///< unaryOp, args[0]
    Binary,  ///< binaryOp, args[0], args[1]
    If,      ///< condition, then, else
    Block,   ///< args = the values of argNames, then that of the block
    Call,    ///< name, args, argNames
    Reduce,  ///< name over argNames[0] from args[0] to args[1] of args[2]
    Index,   ///< args[0] [ rest ]
    Range,   ///< args[0]:args[1], an index; without args[1] to the end
    List,    ///< [ args ]
    Member   ///< args[0] . name
  };
  Kind kind = Kind::Error;
  llvm::SMRange range;
  Name name; ///< For an operator, its spelling and place.
  llvm::SmallVector<Expr *, 2> args;
  /// Call: empty text for a positional argument. Block: of the lets.
  std::vector<Name> argNames;
  int64_t intValue = 0;
  double floatValue = 0;
  ast::UnaryOp unaryOp{};
  ast::BinaryOp binaryOp{};
  unsigned depth = 1; ///< Of the tree below, itself included.
};

/// `f32` or `f32[B, 8, S, 64]`.
struct TypeExpr {
  ast::ScalarType element = ast::ScalarType::F32;
  bool isTensor = false;
  bool isError = false;
  std::vector<Expr *> dims;
  llvm::SMRange range;
};

/// `fn name(params) = body`.
struct Fn {
  Name name;
  std::vector<Name> params;
  Expr *body;
};

/// `param name: type = value`.
struct ConstParam {
  Name name;
  TypeExpr type;
  Expr *value;
};

/// `name: type`, of a parameter or a result; `inout name: type`, of a
/// parameter.
struct TypedName {
  Name name;
  TypeExpr type;
  bool isInout = false;
};

/// `let name = value`, or `let (name, ...) = value` of the parts of a value.
struct Let {
  std::vector<Name> names;
  Expr *value;
};

/// An attention.
struct Attention {
  Name name;
  std::vector<TypedName> params;
  std::vector<TypedName> results;
  std::vector<Let> lets;
  std::vector<Expr *> returned;
  llvm::SMRange range;
  llvm::SMRange returnRange;
};

/// A whole spec, the declarations of each kind in source order.
struct File {
  std::deque<Fn> fns;
  std::deque<ConstParam> params;
  std::deque<Attention> attentions;
  std::deque<Expr> exprs; ///< Owns every expression.
  llvm::SMRange end;      ///< The last token, for what is missing.
};

/// The types that expressions turned out to have, as written in a spec. One in
/// a `fn` may have a type for each call.
using Types = llvm::DenseMap<const Expr *, llvm::SmallVector<std::string, 1>>;

} // namespace ladon::syntax

#endif // LADON_COMPILER_FRONTEND_SYNTAX_H
