//===- Relations.h - Two calls that must agree -----------------*- C++ -*-===//
//
// What is true of any attention, whatever its values: batches, heads, queries
// and keys may change places, keys that nobody sees change nothing, the keys
// may be cut in two and the parts merged by their lse, values may be scaled.
// Each relation calls a program twice or more and compares the results with
// each other. The reference says how far rounding may take them apart, and
// nothing else; where the same operations are done in another place, the bits
// are the same.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_FUZZ_RELATIONS_H
#define LADON_TEST_E2E_FUZZ_RELATIONS_H

#include "test/e2e/fuzz/Cases.h"

namespace ladon::e2e {

enum class Relation {
  ScaleValues, ///< Values eight times as large.
  PermuteBatches,
  PermuteHeads, ///< The key heads, and the query heads that share one.
  PermuteQueries,
  PermuteKeys,
  MoreQueries, ///< A call with few queries, and one with each of them again.
  HiddenKeys,  ///< Keys that a mask hides, of NaN, behind the others.
  MergeKeys,   ///< Two calls with a part of the keys each.
  ExplicitMask ///< A mask of the language, and the same as a tensor.
};

llvm::ArrayRef<Relation> allRelations();
llvm::StringRef nameOf(Relation relation);

/// A spec for which a relation holds, with inputs.
class RelationCase : public RandomCase {
public:
  CaseReport run(const CaseRunners &runners) const override;
  /// What differs between the calls of `program`, or of `other`, which is that
  /// of `otherText`; empty if nothing does. `arithmetic` is theirs.
  std::string check(const Spec &spec, Program &program, Program *other,
                    Arithmetic arithmetic = {}) const;

  Relation relation = Relation::ScaleValues;
  Trial trial;
  int64_t heads = 1, keyHeads = 1;
  std::string otherText;                     ///< Of ExplicitMask.
  int64_t maskForm = 0, left = 0, right = 0; ///< Of ExplicitMask.
};

std::unique_ptr<RelationCase> writeRelation(Choices &choices,
                                            Relation relation);
std::unique_ptr<RandomCase> writeRelation(Choices &choices);

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_RELATIONS_H
