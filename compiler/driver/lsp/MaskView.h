//===- MaskView.h - What a mask lets through -------------------*- C++ -*-===//
//
// For an editor: the share of pairs that a mask lets through at usual sizes,
// exactly, and a small picture of it. Nothing is compiled; the reference
// evaluates the mask.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_LSP_MASKVIEW_H
#define LADON_COMPILER_DRIVER_LSP_MASKVIEW_H

#include "compiler/frontend/CheckedSpec.h"

#include <optional>
#include <string>

namespace ladon::lsp {

struct MaskView {
  std::string share;   ///< "50.1 % of 262144 pairs visible".
  std::string sizes;   ///< "B=1 S=512 T=512, inputs as they may be".
  std::string picture; ///< Lines of the first batch and head; may be empty.
};

/// None when counting would take too long to wait for, or when there is no
/// attend with this mask. Without `wantPicture` there is none.
std::optional<MaskView> viewMask(const CheckedSpec &spec,
                                 const WrittenMask &mask,
                                 bool wantPicture = true);

} // namespace ladon::lsp

#endif // LADON_COMPILER_DRIVER_LSP_MASKVIEW_H
