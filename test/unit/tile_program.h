//===- tile_program.h - Tile-level functions, run in two ways --*- C++ -*-===//
//
// Compiles a function at the tile level to machine code in this process, runs
// it, and runs the tile interpreter on the same memory. Scratch memory is full
// of NaN, and every operand ends, or begins, at a page that may not be touched:
// who reads what it should not shows.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_UNIT_TILE_PROGRAM_H
#define LADON_TEST_UNIT_TILE_PROGRAM_H

#include "compiler/codegen/cpu/CpuTarget.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ladon::test {

/// A tensor of the caller, filled with numbers.
struct TileOperand {
  std::string element; ///< "f32", "f64", "f16", "bf16" or "i32"
  std::vector<int64_t> sizes;
  std::vector<double> values = {}; ///< Row by row; empty: all of them NaN or 0.
  /// Elements are that far apart: beyond 1, rows are not dense.
  int64_t spread = 1;

  int64_t count() const;
};

/// Normally distributed numbers, as the element type holds them.
TileOperand randomOperand(std::string element, std::vector<int64_t> sizes,
                          unsigned seed);
/// To be written; NaN until then.
TileOperand outputOperand(std::string element, std::vector<int64_t> sizes);
/// `value` as the element type holds it.
double storedAs(double value, const std::string &element);

/// A compiled function `f` over memrefs of any strides.
class TileProgram {
public:
  /// The text's first function; an error carries what the passes reported.
  static llvm::Expected<std::unique_ptr<TileProgram>>
  compile(const std::string &text, const cpu::CpuTarget &target);
  ~TileProgram();

  enum class How { Code, Interpreter };
  /// Runs on copies of the operands; what they hold afterwards.
  llvm::Expected<std::vector<std::vector<double>>>
  run(How how, const std::vector<TileOperand> &operands) const;

private:
  struct State;
  explicit TileProgram(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// The levels that this machine can run, lowest first.
std::vector<cpu::CpuTarget> runnableTargets();

/// Compiles `text` for every level that runs here, runs it in both ways, and
/// fails the test where an element differs by more than `tolerance` relative to
/// one plus its size. Returns what the interpreter made of the operands.
std::vector<std::vector<double>>
expectAgreement(const std::string &text,
                const std::vector<TileOperand> &operands,
                double tolerance = 1e-5);

} // namespace ladon::test

#endif // LADON_TEST_UNIT_TILE_PROGRAM_H
