//===- WriteRelations.cpp - Specs for which a relation holds --------------===//

#include "test/e2e/fuzz/Relations.h"

using namespace ladon;
using namespace ladon::e2e;

llvm::ArrayRef<Relation> e2e::allRelations() {
  static const Relation all[] = {
      Relation::ScaleValues,  Relation::PermuteBatches,
      Relation::PermuteHeads, Relation::PermuteQueries,
      Relation::PermuteKeys,  Relation::MoreQueries,
      Relation::HiddenKeys,   Relation::MergeKeys,
      Relation::ExplicitMask};
  return all;
}

llvm::StringRef e2e::nameOf(Relation relation) {
  static const char *const names[] = {
      "scaled values",    "permuted batches", "permuted heads",
      "permuted queries", "permuted keys",    "more queries",
      "hidden keys",      "merged keys",      "explicit mask"};
  return names[int(relation)];
}

/// What score and mask may not depend on, so that the relation holds.
static SpecDemands demandsOf(Relation relation) {
  SpecDemands demands;
  switch (relation) {
  case Relation::ScaleValues:
    break;
  case Relation::PermuteBatches:
    demands.scope.usesBatch = false;
    break;
  case Relation::PermuteHeads:
    demands.scope.usesHeads = false;
    break;
  case Relation::PermuteQueries:
  case Relation::MoreQueries:
    demands.scope.usesQueries = false;
    break;
  case Relation::PermuteKeys:
    demands.scope.usesKeys = false;
    break;
  case Relation::HiddenKeys:
    demands.scope.usesKeys = false;
    demands.tensor = "shown: bool[T]";
    demands.mask = "shown[j]";
    break;
  case Relation::MergeKeys:
    demands.scope.usesKeys = false;
    demands.mayHaveSinks = false; // A part of the keys would have them, too.
    break;
  case Relation::ExplicitMask:
    demands.tensor = "seen: bool[B, S, T]";
    demands.hasOnlyThisMask = true;
    break;
  }
  return demands;
}

std::unique_ptr<RelationCase> e2e::writeRelation(Choices &choices,
                                                 Relation relation) {
  auto result = std::make_unique<RelationCase>();
  result->relation = relation;
  SpecDemands demands = demandsOf(relation);
  if (relation == Relation::ExplicitMask) {
    result->maskForm = choices.below(4);
    result->left = choices.integer(-5, 90);
    result->right = choices.integer(-5, 90);
    std::string window = "window(" + std::to_string(result->left) + ", " +
                         std::to_string(result->right) + ")";
    const std::string forms[] = {"causal", "causal_top_left", window,
                                 "(causal or not " + window + ")"};
    demands.mask = forms[result->maskForm];
  }
  GeneratedSpec spec = writeAttendSpec(choices, demands);
  result->text = result->otherText = spec.text;
  result->heads = spec.heads;
  result->keyHeads = spec.keyHeads;
  if (relation == Relation::ExplicitMask) {
    std::string from = "mask = " + demands.mask;
    result->otherText.replace(result->otherText.find(from), from.size(),
                              "mask = seen[b, i, j]");
  }
  Trial &trial = result->trial;
  trial.sizes = chooseSizes(choices, spec);
  for (const char *name : {"S", "T"})
    trial.sizes[name] = std::max<int64_t>(trial.sizes[name], 2);
  // Of the other kinds a sum may overflow, or lose bits below the normal
  // numbers.
  trial.values = choices.pick<ValueKind>(
      {ValueKind::Normal, ValueKind::Sharp, ValueKind::Constant,
       ValueKind::OneHot, ValueKind::KeyIndex, ValueKind::Alternating,
       ValueKind::NonFinite, ValueKind::Padding});
  trial.seed = 1 + choices.below(1 << 20);
  return result;
}

std::unique_ptr<RandomCase> e2e::writeRelation(Choices &choices) {
  return writeRelation(choices, choices.pick(allRelations()));
}
