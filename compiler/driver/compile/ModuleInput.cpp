//===- ModuleInput.cpp - Modules that a user wrote ------------------------===//

#include "compiler/driver/compile/ModuleInput.h"

#include "compiler/support/ReservedNames.h"
#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ladon;

bool ladon::isModuleFile(StringRef path, StringRef text) {
  return path == "-" ? text.contains("func.func") : path.ends_with(".mlir");
}

/// What the passes from the attn level on can lower.
static bool isSupported(Operation &op) {
  Dialect *dialect = op.getDialect();
  return isa_and_nonnull<arith::ArithDialect, attn::AttnDialect,
                         linalg::LinalgDialect, math::MathDialect,
                         tensor::TensorDialect>(dialect) ||
         isa<affine::AffineApplyOp, func::ReturnOp>(op) ||
         // Reductions; the verifier of the attend says what they may be.
         (isa<scf::ForOp, scf::YieldOp>(op) &&
          op.getParentOfType<attn::AttendOp>());
}

/// Values are numbers, and tensors of numbers laid out in no special way.
static bool isSupported(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    if (tensor.getEncoding())
      return false;
    type = tensor.getElementType();
  }
  return type.isIntOrIndexOrFloat() && !type.isUnsignedInteger() &&
         !type.isSignedInteger();
}

static LogicalResult checkBody(func::FuncOp function) {
  for (Type type : function.getArgumentTypes())
    if (!isSupported(type))
      return function.emitError("expected tensors and numbers as arguments, "
                                "found ")
             << type;
  if (!function.getBody().hasOneBlock())
    return function.emitError("expected one block, found ")
           << function.getBody().getBlocks().size();
  WalkResult result = function.getBody().walk<WalkOrder::PreOrder>([](Operation
                                                                          *op) {
    if (!isSupported(*op)) {
      op->emitError("unsupported operation '")
          << op->getName()
          << "': expected operations of attn, linalg, tensor, arith and math";
      return WalkResult::interrupt();
    }
    for (Type type : op->getResultTypes())
      if (!isSupported(type)) {
        op->emitError("unsupported type ") << type;
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult ladon::checkModule(ModuleOp module) {
  llvm::StringSet<> exported;
  for (Operation &op : *module.getBody()) {
    auto function = dyn_cast<func::FuncOp>(op);
    if (!function)
      return op.emitError("expected functions in the module, found '")
             << op.getName() << "'";
    if (function.isExternal() || !function.isPublic())
      return function.emitError("expected a public function with a body: every "
                                "function is an entry point");
    if (StringRef problem = functionNameProblem(function.getName());
        !problem.empty())
      return function.emitError("'")
             << function.getName() << "' is " << problem;
    std::string name = function.getName().str();
    for (const std::string &symbol : {name, name + "_last_error"})
      if (!exported.insert(symbol).second)
        return function.emitError("another entry point has the symbol '")
               << symbol << "'";
    if (failed(checkBody(function)))
      return failure();
  }
  if (exported.empty())
    return module.emitError("expected a function in the module, found none");
  return success();
}
