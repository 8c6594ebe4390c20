//===- InterpreterState.h - Inside the tile interpreter --------*- C++ -*-===//
//
// Values, memory and the dispatch that the parts of the interpreter share.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_REFERENCE_INTERPRETERSTATE_H
#define LADON_COMPILER_REFERENCE_INTERPRETERSTATE_H

#include "compiler/reference/TileInterpreter.h"
#include "llvm/ADT/DenseMap.h"

#include <memory>
#include <optional>
#include <vector>

namespace ladon::interpreter {

/// A strided view of elements of a type.
struct Memory {
  mlir::Type element;
  char *data = nullptr; ///< Of element (0, 0, ...).
  llvm::SmallVector<int64_t, 4> sizes, strides;
  std::shared_ptr<std::vector<char>> owner; ///< Of an allocation.

  int64_t elementSize() const;
  char *at(llvm::ArrayRef<int64_t> indices) const;
};

/// The elements of a tile, row by row. Empty when tiles are not evaluated.
struct Tile {
  llvm::SmallVector<int64_t, 2> shape;
  std::vector<double> data;
};

/// The value of an SSA value; the field is given by its type. Integers are
/// sign-extended from their width, booleans are 0 and 1.
struct RuntimeValue {
  int64_t integer = 0;
  double real = 0;
  std::shared_ptr<const Tile> tile = nullptr;
  std::shared_ptr<const Memory> memory = nullptr;
};

/// `value` as a float of `type` holds it.
double rounded(double value, mlir::Type type);
/// `value` as an integer of `type` holds it.
int64_t wrapped(int64_t value, mlir::Type type);

RuntimeValue loadElement(const Memory &memory, llvm::ArrayRef<int64_t> indices);
void storeElement(const Memory &memory, llvm::ArrayRef<int64_t> indices,
                  const RuntimeValue &value);

/// The result of an arith or math operation, or nullopt if it is not known.
std::optional<RuntimeValue>
evaluateScalar(mlir::Operation *op, llvm::ArrayRef<RuntimeValue> operands);

class Interpreter {
public:
  explicit Interpreter(const InterpreterOptions &options) : options(options) {}

  llvm::Error run(mlir::func::FuncOp function,
                  llvm::ArrayRef<InterpreterArgument> arguments);

private:
  /// Runs the operations of a block up to its terminator, whose operands are
  /// the result.
  llvm::Expected<llvm::SmallVector<RuntimeValue>>
  runBlock(mlir::Block &block, llvm::ArrayRef<RuntimeValue> arguments);
  llvm::Error runOp(mlir::Operation *op);
  llvm::Error runControl(mlir::Operation *op, bool &known);
  llvm::Error runForall(mlir::Operation *op);
  llvm::Error runKeyLoop(mlir::Operation *op);
  /// `positions` are those of the block that its body asks for.
  llvm::Error visitBlock(mlir::Operation *op,
                         llvm::ArrayRef<RuntimeValue> positions,
                         llvm::SmallVector<RuntimeValue> &state);
  llvm::Error runMemory(mlir::Operation *op, bool &known);
  llvm::Error runLinalg(mlir::Operation *op);
  llvm::Error runTile(mlir::Operation *op, bool &known);
  template <typename PositionOp> llvm::Error runPositions(PositionOp op);
  llvm::Error runGrid(mlir::Operation *op);
  void loadTile(mlir::Operation *op);
  void storeTile(mlir::Operation *op);
  void valueRange(mlir::Operation *op);
  void contract(mlir::Operation *op);
  void setRowMax(mlir::Value max, const Tile &scores, int64_t columns,
                 mlir::Value rows, bool transposed);
  void hasNonFinite(mlir::Operation *op);
  /// `rows`, or all of a tile's where it is null.
  int64_t rowsComputed(mlir::Value rows, int64_t all);
  double lowestOf(mlir::Value tile);
  void softmaxInit(mlir::Operation *op);
  void softmaxWeights(mlir::Operation *op);
  void round(mlir::Operation *op);
  void accumulate(mlir::Operation *op);
  void merge(mlir::Operation *op);
  void softmaxFinish(mlir::Operation *op);
  void softmaxNormalize(mlir::Operation *op);
  void normalizeStored(mlir::Operation *op);

  const RuntimeValue &get(mlir::Value v) { return values[v]; }
  int64_t integer(mlir::Value v) { return values[v].integer; }
  llvm::SmallVector<int64_t> integers(mlir::ValueRange range);
  /// Static entries, and the values of the dynamic ones.
  llvm::SmallVector<int64_t> mixed(llvm::ArrayRef<int64_t> fixed,
                                   mlir::ValueRange dynamic);
  const Tile &tile(mlir::Value v) { return *values[v].tile; }
  const Memory &memory(mlir::Value v) { return *values[v].memory; }
  void set(mlir::Value v, int64_t integer) { values[v] = {integer}; }
  void set(mlir::Value v, Memory memory);
  /// A tile of the type of `v`, filled.
  std::shared_ptr<Tile> newTile(mlir::Value v, double fill);
  void set(mlir::Value v, std::shared_ptr<Tile> tile);

  const InterpreterOptions &options;
  llvm::DenseMap<mlir::Value, RuntimeValue> values;
  /// The tile of queries that was loaded last, and the block of keys at hand.
  VisitedBlock current{};
  int64_t visitedBlocks = 0;
  bool inKeyLoop = false;
  llvm::SmallVector<int64_t> linalgIndices;
};

llvm::Error failure(mlir::Operation *op, const llvm::Twine &what);

} // namespace ladon::interpreter

#endif // LADON_COMPILER_REFERENCE_INTERPRETERSTATE_H
