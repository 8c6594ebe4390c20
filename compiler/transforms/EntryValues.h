//===- EntryValues.h - Values at the beginning of a function ---*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_ENTRYVALUES_H
#define LADON_COMPILER_TRANSFORMS_ENTRYVALUES_H

#include "compiler/transforms/ExtentVerifier.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ladon {

/// Values of the function, computed from its arguments at its beginning.
class EntryValues {
public:
  EntryValues(mlir::func::FuncOp function, const ExtentVerifier &extents)
      : b(function.getLoc(), mlir::OpBuilder(function.getBody())),
        function(function), extents(extents) {
    for (mlir::BlockArgument arg : function.getArguments())
      for (auto [axis, extent] : llvm::enumerate(extents.getExtents(arg)))
        carriers.try_emplace(extent, arg, axis);
  }

  /// The first argument that has an extent, and on which axis; or null.
  std::pair<mlir::Value, int64_t> carrierOf(Extent extent) const {
    return carriers.lookup(extent);
  }
  mlir::Value sizeOf(Extent extent);
  /// A single value, computed anew; null where that takes more than arguments,
  /// numbers and sizes.
  mlir::Value hoisted(mlir::Value value);

  mlir::ImplicitLocOpBuilder b; ///< Behind what has been computed.

private:
  mlir::func::FuncOp function;
  const ExtentVerifier &extents;
  llvm::DenseMap<Extent, std::pair<mlir::Value, int64_t>> carriers;
  llvm::DenseMap<mlir::Value, mlir::Value> copies;
};

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_ENTRYVALUES_H
