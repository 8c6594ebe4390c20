//===- CheckMasks.cpp - Masks that are the same everywhere ----------------===//
//
// The spec is imported for the question alone: the analysis is the one of the
// compiler, on operations.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/CheckMasks.h"

#include "compiler/analysis/AttendSite.h"
#include "compiler/frontend/Import.h"

using namespace mlir;
using namespace ladon;

/// Whether an axis of an operand is known to be empty: then there is no
/// position that a mask could be wrong about.
static bool isEmpty(attn::AttendOp op) {
  return llvm::any_of(op->getOperandTypes(), [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return shaped && llvm::is_contained(shaped.getShape(), 0);
  });
}

void ladon::checkMasks(const CheckedSpec &spec, const llvm::SourceMgr &sources,
                       DiagnosticEngine &diagnostics) {
  if (spec.masks.empty())
    return;
  MLIRContext context(MLIRContext::Threading::DISABLED);
  llvm::DenseMap<const ast::Expr *, Operation *> attends;
  OwningOpRef<ModuleOp> module =
      importAttention(context, spec, sources, &attends);
  for (const WrittenMask &mask : spec.masks) {
    auto op = dyn_cast_or_null<attn::AttendOp>(attends.lookup(mask.value));
    if (!op || isEmpty(op))
      continue;
    analysis::MaskCondition condition(op.getMask().front(),
                                      analysis::siteOf(op));
    const analysis::Condition *visible = condition.visible();
    if (visible->kind != analysis::Condition::Kind::Constant)
      continue;
    Diagnostic &report = diagnostics.report(
        visible->truth ? DiagId::MaskAlwaysTrue : DiagId::MaskAlwaysFalse,
        mask.range);
    report.notes = mask.notes;
  }
}
