//===- InterpreterTrial.h - One comparison without a reference -*- C++ -*-===//
//
// A module of MLIR says nothing that the reference could read. What it can be
// compared with is the tile interpreter, which runs the schedule of the
// compiler itself, slowly and without what comes after the tile level. So such
// a trial finds errors of code generation and of the runtime, and not those of
// the passes before.
//
// An element passes within 4096 roundoffs of the largest value of its result;
// NaN and the infinities must be where the interpreter has them.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_CHECK_INTERPRETERTRIAL_H
#define LADON_COMPILER_DRIVER_CHECK_INTERPRETERTRIAL_H

#include "compiler/codegen/artifact/Artifact.h"
#include "compiler/driver/check/NumericTrial.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ladon {

/// What is known of the attention behind an entry point: parameters and
/// results, with their types and no values.
ast::Attention describeParameters(const artifact::ProgramSpec &program);

/// What the arguments of `function`, at the level of tensors, are used for.
std::vector<InputRole> inputRoles(mlir::func::FuncOp function);

/// An entry point under test.
struct InterpretedProgram {
  ast::Attention attention;        ///< From describeParameters.
  std::vector<InputRole> roles;    ///< One for each parameter.
  mlir::func::FuncOp tileFunction; ///< At the tile level.
};

/// Compares `compiled` with the interpreter; fails as runGuarded does.
llvm::Expected<TrialReport>
runInterpreterTrial(const InterpretedProgram &program, ProgramFn compiled,
                    const Trial &trial);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_CHECK_INTERPRETERTRIAL_H
