//===- InputRoles.h - What parameters are used for -------------*- C++ -*-===//

#ifndef LADON_COMPILER_DRIVER_CHECK_INPUTROLES_H
#define LADON_COMPILER_DRIVER_CHECK_INPUTROLES_H

#include "compiler/frontend/AST.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace ladon {

/// What a tensor parameter is used for.
enum class InputRole {
  Plain,
  Query,
  Key,
  Value,
  Weight,
  Captured, ///< Read by index in a score or mask.
  Pages     ///< The numbers of pages of keys and values.
};

/// The roles of all parameters of a checked attention.
class InputRoles {
public:
  explicit InputRoles(const ast::Attention &attention);

  InputRole of(const ast::Param *param) const { return roles.lookup(param); }
  /// The parameters that are read by index, and tables of pages.
  llvm::DenseSet<const ast::Param *> indexed;
  /// The tables of pages, each with an attend that it is for.
  llvm::DenseMap<const ast::Param *, const ast::AttendArgs *> tables;

private:
  void visit(const ast::Expr *expr);
  void mark(const ast::Expr *expr, InputRole role);

  llvm::DenseMap<const ast::Param *, InputRole> roles;
  llvm::DenseSet<const ast::Expr *> seen;
};

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_CHECK_INPUTROLES_H
