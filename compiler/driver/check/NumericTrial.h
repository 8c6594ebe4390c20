//===- NumericTrial.h - One comparison with the reference -------*- C++ -*-===//
//
// Runs a program on generated inputs and puts its results through the numeric
// gate: what `ladon check` and the end-to-end tests do. Beside the values it
// demands that inputs and the gaps in the memory of outputs stay as they were,
// and that the results do not depend on the number of threads.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_CHECK_NUMERICTRIAL_H
#define LADON_COMPILER_DRIVER_CHECK_NUMERICTRIAL_H

#include "compiler/driver/check/InputGenerator.h"
#include "compiler/driver/check/NumericGate.h"

namespace ladon {

class Target;

/// How code of a target computes.
Arithmetic arithmeticOf(const Target &target);

/// One set of inputs.
struct Trial {
  SizeMap sizes;
  ValueKind values = ValueKind::Normal;
  ViewKind views = ViewKind::Dense;
  uint64_t seed = 1;
};

/// "B=1,S=7,T=9 sharp padded seed 3".
std::string describe(const Trial &trial);

/// Computes `outputs` from `inputs` with the given number of threads.
using ProgramFn = llvm::function_ref<llvm::Error(
    llvm::ArrayRef<HostTensor> inputs, llvm::ArrayRef<HostTensor> outputs,
    int threads)>;

/// What the gate said about each result, in order.
struct TrialReport {
  std::vector<std::string> names;
  std::vector<GateReport> results;

  bool passed() const;
  /// The first reason not to pass, with the name of the result.
  std::string problem() const;
};

/// The options of its inputs.
InputOptions inputOptions(const Trial &trial);

/// Gives every cache among `inputs` memory of its own, with what it holds,
/// which a call may write to; the caches, in their order.
std::vector<HostTensor> copyCaches(const ast::Attention &attention,
                                   llvm::MutableArrayRef<HostTensor> inputs);

/// The outputs of `program`, the first ones of these shapes, and behind them
/// the caches after the call. Fails when the program fails, changes memory that
/// it should not, or depends on the number of threads.
llvm::Expected<std::vector<HostTensor>>
runGuarded(const ast::Attention &attention, ProgramFn program,
           llvm::ArrayRef<HostTensor> inputs, llvm::ArrayRef<Extents> shapes,
           ViewKind views);

/// A trial's inputs, and what the reference makes of them.
struct PreparedTrial {
  std::vector<HostTensor> inputs;
  std::vector<ReferenceResult> expected;
  ViewKind views = ViewKind::Dense;
};

/// `arithmetic` is that of the programs to be compared.
llvm::Expected<PreparedTrial> prepareTrial(const ast::Attention &attention,
                                           const Trial &trial,
                                           Arithmetic arithmetic = {});

/// Compares with the reference; fails as runGuarded does.
llvm::Expected<TrialReport> runTrial(const ast::Attention &attention,
                                     ProgramFn program,
                                     const PreparedTrial &trial);

/// Prepares the trial, too.
llvm::Expected<TrialReport> runTrial(const ast::Attention &attention,
                                     ProgramFn program, const Trial &trial,
                                     Arithmetic arithmetic = {});

/// Calls a program whose entry point checks values with each of them outside of
/// its bounds, in the last batch entry, and fails unless it refuses, and leaves
/// all memory as it was.
llvm::Error checkRefusals(const ast::Attention &attention, ProgramFn program,
                          const Trial &trial);

/// A call that has its indices checked is refused exactly where the reference
/// finds one that leaves its tensor, with the same sentence, and has changed
/// nothing then. `program` asks for the check. Returns that sentence, or an
/// empty one.
llvm::Expected<std::string> compareIndexChecks(const ast::Attention &attention,
                                               ProgramFn program,
                                               const Trial &trial);

/// Makes sizes large enough, where they are not: caches for what is appended
/// and `more` positions, and pools for a page of its own for every entry of a
/// table. Where a cache has a fixed size, less is appended.
void makeRoom(const ast::Attention &attention, SizeMap &sizes, int64_t more);

/// Run-time sizes at the edges of tiles (16 and 48 queries; 64, 128 and 256
/// keys), and small ones.
std::vector<SizeMap> edgeSizes(const ast::Attention &attention);

/// How many pairs of a kind of values and one of views there are.
size_t pairsOfKinds();

/// Trial `number` of a series over `sizes`; the kinds of values and views take
/// turns, so that as many trials as there are pairs have them all.
Trial makeTrial(llvm::ArrayRef<SizeMap> sizes, uint64_t number);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_CHECK_NUMERICTRIAL_H
