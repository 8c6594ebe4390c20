//===- ExplainedSpec.h - A spec and what is computed for it -----*- C++ -*-===//
//
// What `ladon explain` finds out about one spec, before it is printed or drawn.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_COMMANDS_EXPLAINEDSPEC_H
#define LADON_COMPILER_DRIVER_COMMANDS_EXPLAINEDSPEC_H

#include "compiler/driver/commands/Session.h"
#include "compiler/driver/explain/SchedulePlan.h"
#include "compiler/reference/Bindings.h"

namespace ladon {

struct ExplainOptions {
  CommonOptions common;
  std::string sizes, svg, html;
  std::string beside; ///< Another spec on the page; may be empty.
  std::vector<std::string> inputs;
  uint64_t seed = 1;
  int64_t batch = 0, head = 0;
};

class ExplainedSpec {
public:
  /// Reads, compiles and plans the spec that `common` names, which outlives
  /// this. Prints what is wrong and returns an exit code other than 0. With
  /// `isSecond` it takes what it has of the sizes and inputs in `options`,
  /// which are those of another spec.
  int run(const CommonOptions &common, const ExplainOptions &options,
          bool isSecond = false);

  std::unique_ptr<Session> session;
  SizeMap sizes;
  Bindings bindings;
  /// Of a code generator that has its own, as text; there are no plans then.
  std::string schedule;
  std::vector<AttendPlan> plans;

  const ast::Attention &attention() const { return session->attention(); }
  llvm::ArrayRef<Message> remarks() const {
    return session->compilation()->getRemarks();
  }
  /// "B=1 S=512".
  std::string sizesText() const;
  /// "AVX2 + FMA (x86-64-v3)".
  std::string targetText() const;
};

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_COMMANDS_EXPLAINEDSPEC_H
