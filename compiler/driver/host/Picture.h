//===- Picture.h - Heat maps as SVG ----------------------------*- C++ -*-===//
//
// Draws what attends to what: the last two axes of a tensor as a map, dark
// where its numbers are large, one map for each position of the others.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_HOST_PICTURE_H
#define LADON_COMPILER_DRIVER_HOST_PICTURE_H

#include "compiler/reference/HostTensor.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace ladon {

/// The words beside the rows and above the columns of a map; none if empty.
struct PictureLabels {
  std::vector<std::string> rows, columns;
};

/// The lines of a file, without an end of line or an empty last one.
llvm::Expected<std::vector<std::string>> readLabels(llvm::StringRef path);

/// The text of an SVG file. `name` is that of the tensor, for titles and
/// messages. Maps of one batch entry stand in a row. A map is as dark as its
/// own largest number; what is not finite is grey. Errors: fewer than two axes,
/// too many cells, labels that are not as many as there are rows or columns.
llvm::Expected<std::string> drawHeatMaps(const HostTensor &tensor,
                                         llvm::StringRef name,
                                         const PictureLabels &labels);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOST_PICTURE_H
