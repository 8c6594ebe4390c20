//===- SpecWriter.h - What a spec at random is made of ---------*- C++ -*-===//

#ifndef LADON_TEST_E2E_FUZZ_SPECWRITER_H
#define LADON_TEST_E2E_FUZZ_SPECWRITER_H

#include "test/e2e/fuzz/Specs.h"

namespace ladon::e2e {

/// Writes one spec.
class SpecWriter {
public:
  explicit SpecWriter(Choices &choices)
      : choices(choices), tensors(choices, declarations) {}

  GeneratedSpec write();
  GeneratedSpec writeAttend(const SpecDemands &wanted);

private:
  /// What an attend works on: its tensors and their sizes.
  struct Operands {
    std::string q = "q", k = "k", v = "v";
    int64_t heads, keyHeads, headDim, valueDim;
    std::string queries, keys;
    std::string pages;  ///< The table of pages, if there is one.
    bool hasLse = true; ///< Known when the attend is written.
  };
  using Names = std::vector<std::string>;

  int64_t features();
  std::string length(const char *name);
  std::string keyLength(const std::string &queries);
  void addSize(const std::string &name);
  Operands chooseOperands();
  void declareOperands(Operands &operands);
  void declarePages(Operands &operands);
  std::string declareCache(const std::string &name, const std::string &element,
                           Names shape, const std::string &fresh,
                           const std::string &at);
  std::string declareRounded(const std::string &name, Names shape,
                             const std::string &fresh, const std::string &at);
  void declareCaches(Operands &operands);
  std::string normalizer(Operands &operands);
  std::string keptHeads(int64_t heads);
  std::string attend(Operands &operands);
  void addResult(const std::string &name, const std::string &value,
                 const Names &dims);
  void addResults(const std::string &let, const Operands &operands);

  void writeOneAttend();
  void writeTwoAttends();
  void writeChain();
  void writePacked();
  void writeModule();
  GeneratedSpec assemble() const;

  Choices &choices;
  Declarations declarations;
  TensorWriter tensors;
  std::string batch = "B";
  Names sizes, results, values;
  int64_t maxHeads = 1, attends = 0, pageSize = 1;
  SpecDemands demands;
};

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_SPECWRITER_H
