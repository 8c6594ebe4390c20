//===- Mutations.h - Small changes to a module -----------------*- C++ -*-===//
//
// Each is what one slip of the hand would make of a compiler's output: a
// predicate beside the right one, operands that changed places, a constant one
// too large, an operation or store left out.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_MUTANTS_MUTATIONS_H
#define LADON_TEST_E2E_MUTANTS_MUTATIONS_H

#include "mlir/IR/BuiltinOps.h"

#include <functional>
#include <string>
#include <vector>

namespace ladon::e2e {

/// A change that can be made to one operation of a module.
struct Mutation {
  std::string what; ///< The kind of change, and what of the operation.
  mlir::Operation *op;
  std::function<void()> make;

  /// "cmpi slt in place of sle: %3 = arith.cmpi sle, ...", cut to a line.
  std::string describe() const;
  /// In place of the change, a call of `abort` where the operation stands: does
  /// anything execute it?
  void makeProbe() const;
  /// The operations of its block near to it, one a line, and those around.
  std::string surroundings() const;
};

/// Has nothing computed again: the form for few queries says whether what it
/// made is NaN, for which the other form is right, and is not asked.
void trustFewQueries(mlir::ModuleOp module);

/// All of a module, in its order; the same module has the same.
std::vector<Mutation> mutationsOf(mlir::ModuleOp module);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_MUTANTS_MUTATIONS_H
