//===- OutlineRanges.cpp - One function for scans of a kind ---------------===//
//
// A scan of a captured tensor is asked for in many places (before and within
// the loops of each kernel form, for a summary), and its code is long: versions
// for memory with and without gaps, whole vectors and what is left. A call
// costs nothing beside it.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

#include <map>

#define DEBUG_TYPE "cpu-outline-ranges"

namespace ladon::cpu {
#define GEN_PASS_DEF_OUTLINERANGES
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon;

namespace {

/// Axes along which a box has one position: one argument stands for both ends.
using PointAxes = std::vector<bool>;

class RangeFunctions {
public:
  explicit RangeFunctions(ModuleOp module) : module(module), symbols(module) {}

  void outline(tile::ValueRangeOp op) {
    PointAxes points;
    for (auto [lower, upper] : llvm::zip(op.getLower(), op.getUpper()))
      points.push_back(lower == upper);
    // One element is read where it is needed.
    if (!llvm::is_contained(points, false))
      return;
    bool isSigned = !op.getSignature().use_empty();
    func::FuncOp &function = functions[{
        op.getSource().getType().getAsOpaquePointer(), points, isSigned}];
    if (!function)
      function = create(op, points, isSigned);
    SmallVector<Value> arguments{op.getSource()};
    llvm::append_range(arguments, op.getLower());
    for (auto [isPoint, upper] : llvm::zip(points, op.getUpper()))
      if (!isPoint)
        arguments.push_back(upper);
    OpBuilder b(op);
    auto call = func::CallOp::create(b, op.getLoc(), function, arguments);
    for (auto [number, result] : llvm::enumerate(call.getResults()))
      op->getResult(number).replaceAllUsesWith(result);
    op.erase();
  }

private:
  func::FuncOp create(tile::ValueRangeOp op, const PointAxes &points,
                      bool isSigned) {
    auto caller = op->getParentOfType<func::FuncOp>();
    auto b = ImplicitLocOpBuilder::atBlockEnd(op.getLoc(), module.getBody());
    int64_t rank = points.size(), ranges = llvm::count(points, false);
    SmallVector<Type> results(op.getResultTypes());
    if (!isSigned)
      results.pop_back();
    SmallVector<Type> arguments(1 + rank + ranges, b.getIndexType());
    arguments.front() = op.getSource().getType();
    auto function = func::FuncOp::create(
        b, (caller.getName() + ".range" + Twine(functions.size() - 1)).str(),
        b.getFunctionType(arguments, results));
    function.setPrivate();
    function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
    function->setAttr(
        "llvm.linkage",
        LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
    symbols.insert(function);
    Block *body = function.addEntryBlock();
    b.setInsertionPointToStart(body);
    SmallVector<Value> lower(body->getArguments().slice(1, rank)), upper;
    unsigned next = 1 + rank;
    for (auto [isPoint, first] : llvm::zip(points, lower))
      upper.push_back(isPoint ? first : body->getArgument(next++));
    auto range =
        tile::ValueRangeOp::create(b, body->getArgument(0), lower, upper);
    func::ReturnOp::create(b, range.getResults().take_front(results.size()));
    return function;
  }

  ModuleOp module;
  SymbolTable symbols;
  /// By the type of the tensor, the axes with one position, and whether there
  /// is a signature.
  std::map<std::tuple<const void *, PointAxes, bool>, func::FuncOp> functions;
};

struct OutlineRanges
    : public ladon::cpu::impl::OutlineRangesBase<OutlineRanges> {
  void runOnOperation() override {
    SmallVector<tile::ValueRangeOp> ops;
    getOperation().walk([&](tile::ValueRangeOp op) { ops.push_back(op); });
    RangeFunctions functions(getOperation());
    for (tile::ValueRangeOp op : ops)
      functions.outline(op);
  }
};
} // namespace
