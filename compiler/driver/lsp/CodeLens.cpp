//===- CodeLens.cpp - What each mask lets through -------------------------===//

#include "compiler/driver/lsp/Features.h"
#include "compiler/driver/lsp/MaskView.h"

using namespace ladon;
using namespace ladon::lsp;
using llvm::json::Object;

std::vector<llvm::json::Value>
ladon::lsp::codeLenses(const Document &document) {
  std::vector<llvm::json::Value> lenses;
  if (!document.spec().checked)
    return lenses;
  for (const WrittenMask &mask : document.spec().checked->masks)
    if (std::optional<MaskView> view =
            viewMask(*document.spec().checked, mask, /*wantPicture=*/false))
      // Without a command there is nothing to click; all clients show it.
      lenses.push_back(Object{
          {"range", toJSON(document.positions().range(mask.range))},
          {"command",
           Object{{"title", "mask: " + view->share + " (" + view->sizes + ")"},
                  {"command", ""}}}});
  return lenses;
}
