//===- TileInterpreter.h - Runs a function at the tile level ---*- C++ -*-===//
//
// Executes the IR between the schedule and code generation on host memory:
// func, arith, math, scf, memref, linalg on memrefs, tile, and attn.read. It is
// written for clarity: tiles are arrays of doubles, rounded to the element
// type after every operation, and everything runs in program order on one
// thread. An operation that it does not know is an error that names it.
//
// It also tells which blocks of keys a schedule visits, without computing them
// if the caller wants only that.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_REFERENCE_TILEINTERPRETER_H
#define LADON_COMPILER_REFERENCE_TILEINTERPRETER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <variant>

namespace ladon {

/// Elements of the type that the function's argument has; bool is one byte.
/// Element (i, j, ...) is at `data + (i * strides[0] + j * strides[1] + ...)`
/// elements.
struct InterpreterBuffer {
  void *data = nullptr;
  llvm::SmallVector<int64_t, 4> sizes;
  llvm::SmallVector<int64_t, 4> strides;

  /// A dense row-major buffer.
  static InterpreterBuffer dense(void *data, llvm::ArrayRef<int64_t> sizes);
};

/// A buffer for a memref; an integer or a real number for a scalar.
using InterpreterArgument = std::variant<InterpreterBuffer, int64_t, double>;

/// A key loop that is about to run for a tile of queries.
struct VisitedLoop {
  mlir::Operation *loop;
  int64_t batch, head;
  int64_t heads; ///< Query heads from `head` on that the tile holds.
  int64_t firstQuery, queries;
  int64_t keys; ///< T: all keys there are.
};

/// A block of keys that a key loop visited for a tile of queries.
struct VisitedBlock {
  enum class Class {
    Empty,   ///< Skipped: nothing was computed.
    Partial, ///< Computed with a mask.
    Full     ///< Computed without one.
  };
  Class kind;
  mlir::Operation *loop;
  int64_t batch, head, heads;
  int64_t firstQuery, queries;
  int64_t firstKey, keys;
  bool guarded; ///< Of a recomputation with guarded updates.
};

struct InterpreterOptions {
  /// Without it no float of a tile or tensor is computed and nothing is
  /// written; integers, control flow and the observer work as ever.
  bool evaluateTiles = true;
  /// Whether there is memory for what a call can do without (cpu.try_alloc).
  bool grantOptionalMemory = true;
  /// How many blocks of keys may be visited; one more is an error.
  int64_t blockLimit = std::numeric_limits<int64_t>::max();
  /// Called before each key loop.
  std::function<void(const VisitedLoop &)> loopObserver;
  /// Called after each block of each key loop.
  std::function<void(const VisitedBlock &)> observer;
};

/// Runs `function` on `arguments`, one for each of its own; results are not
/// supported: a function at this level writes into its arguments.
llvm::Error interpret(mlir::func::FuncOp function,
                      llvm::ArrayRef<InterpreterArgument> arguments,
                      const InterpreterOptions &options = {});

} // namespace ladon

#endif // LADON_COMPILER_REFERENCE_TILEINTERPRETER_H
