//===- MaskPage.h - Schedules as a page for a browser ----------*- C++ -*-===//
//
// One HTML file that needs nothing else: the schedules of one spec, or of two
// side by side, for every batch and head, to be zoomed into and asked. The page
// is MaskPage.html with the data in it; what is on it is escaped.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_EXPLAIN_MASKPAGE_H
#define LADON_COMPILER_DRIVER_EXPLAIN_MASKPAGE_H

#include "compiler/driver/compile/Messages.h"
#include "compiler/driver/explain/SchedulePlan.h"

namespace ladon {

/// What the page says of one spec.
struct PageSpec {
  std::string name, file;
  std::string source; ///< The text of the spec.
  std::string sizes;  ///< "B=1 S=512 T=512".
  std::string target;
  std::vector<std::string> facts; ///< Lines about all attends.
  std::vector<AttendPlan> plans;  ///< With the tiles of every batch and head.
  std::vector<Message> remarks;
};

/// The page. Fails when it would have more blocks than a browser draws.
llvm::Expected<std::string> makeMaskPage(llvm::ArrayRef<PageSpec> specs);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_EXPLAIN_MASKPAGE_H
