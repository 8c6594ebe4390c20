//===- Expressions.h - Scores and masks at random --------------*- C++ -*-===//
//
// The grammar of what stands in `score =` and `mask =`: every operator, every
// function of Builtins.def, every position, captured tensors of each rank and
// element type, params, run-time values and fns.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_FUZZ_EXPRESSIONS_H
#define LADON_TEST_E2E_FUZZ_EXPRESSIONS_H

#include "test/e2e/fuzz/Choices.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"

#include <map>
#include <string>
#include <vector>

namespace ladon::e2e {

/// What a spec declares, as its parts ask for it.
struct Declarations {
  std::vector<std::string> params, fns;        ///< Whole lines, in order.
  std::map<std::string, std::string> captured; ///< Type to name.
  std::vector<std::string> tensors;            ///< "q: f32[...]", in order.
  std::vector<std::string> lets;               ///< Whole lines, in order.

  /// The parameter of that type, declared on first use.
  std::string capture(const std::string &type);
  /// A let that is computed from that parameter.
  std::string computed(const std::string &type);
  /// A new param with that type and value.
  std::string param(const std::string &type, const std::string &value);
};

/// What an attend is about, and what its score and mask may depend on.
struct AttendScope {
  bool isF64 = false;   ///< The float type is f64.
  bool isMixed = false; ///< Captured floats may be of several types.
  int64_t heads = 1, keyHeads = 1;
  std::string batch = "B", queries = "S", keys = "T"; ///< As types have them.
  /// Whether the positions may be used as numbers. One that may not can still
  /// index the axis that it is a position of.
  bool usesBatch = true, usesHeads = true, usesQueries = true, usesKeys = true;
  /// Whether anything may be different for another key.
  bool dependsOnKeys = true;
  /// Whether axes of captured tensors may be computed from other sizes.
  bool hasComputedSizes = true;
};

/// Writes expressions of one attend.
class ExpressionWriter {
public:
  ExpressionWriter(Choices &choices, Declarations &declarations,
                   const AttendScope &scope)
      : choices(choices), declarations(declarations), scope(scope) {}

  /// An i32 or i64.
  std::string integer(int depth);
  std::string mask(int depth);
  /// A float; it grows slowly, so that scores stay moderate.
  std::string score(int depth);

private:
  std::string number(int64_t low, int64_t high);
  std::string decimal();
  std::string indexed(const std::string &element);
  std::string freeIndex(llvm::StringRef extent);
  bool isConstant(llvm::StringRef text) const;
  std::string integerLeaf();
  std::string comparison();
  std::string floatComparison();
  std::string test();
  std::string window();
  std::string side();
  std::string term();
  std::string function(const std::string &x);
  std::string floatElement();
  std::string block(llvm::function_ref<std::string()> value);
  std::string reduction(const char *name,
                        llvm::function_ref<std::string()> term);
  std::string declareFn(bool isMask);
  std::string callFn(bool isMask, const std::string &argument);
  bool usesAllPositions() const {
    return scope.usesBatch && scope.usesHeads && scope.usesQueries &&
           scope.usesKeys;
  }

  Choices &choices;
  Declarations &declarations;
  const AttendScope &scope;
  bool inFn = false;               ///< Where nothing can be captured.
  std::vector<std::string> locals; ///< Integers that a block around names.
  llvm::StringSet<> constants;     ///< Those whose value is known.
  unsigned namedLocals = 0;
};

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_EXPRESSIONS_H
