//===- InputFiller.h - Elements of generated inputs ------------*- C++ -*-===//

#ifndef LADON_COMPILER_DRIVER_CHECK_INPUTFILLER_H
#define LADON_COMPILER_DRIVER_CHECK_INPUTFILLER_H

#include "compiler/driver/check/InputGenerator.h"

#include <algorithm>

namespace ladon {

/// Fills the tensors of one set of inputs.
class InputFiller {
  using Role = InputRole;

public:
  InputFiller(const ast::Attention &attention, const InputOptions &options,
              Random &random)
      : options(options), random(random), roles(attention) {
    for (const auto &param : attention.params)
      exponents = std::min(exponents, exponentsOf(param->type.element));
    for (const auto &entry : options.sizes)
      largest = std::max(largest, entry.second);
    keys = options.sizes.contains("T")   ? options.sizes.lookup("T")
           : options.sizes.contains("S") ? options.sizes.lookup("S")
                                         : largest;
    // As far as the pages of an entry go.
    for (auto [table, attend] : roles.tables)
      keys = extent(table->type.dims->back()) * (*attend->k->type.dims)[2].size;
  }

  void fill(const HostTensor &tensor, const ast::Param &param, Role role);

private:
  int64_t extent(const ast::Dim &dim) const {
    Bindings bindings;
    bindings.sizes = options.sizes;
    return bindings.extent(dim);
  }
  /// The exponents of `Wide`: a square of the number, and a sum of them, are
  /// within the type.
  static int exponentsOf(ast::ScalarType element) {
    return element == ast::ScalarType::F16   ? 7
           : element == ast::ScalarType::F64 ? 400
                                             : 50;
  }
  double floatAt(llvm::ArrayRef<int64_t> position, const HostTensor &tensor,
                 Role role);
  double wideAt(int64_t feature, double normal, const HostTensor &tensor,
                Role role);
  double paddingAt(llvm::ArrayRef<int64_t> position, double normal,
                   const HostTensor &tensor) const;
  double peakAt(llvm::ArrayRef<int64_t> position, double normal,
                const HostTensor &tensor, Role role) const;
  double ascendingAt(llvm::ArrayRef<int64_t> position, double normal,
                     const HostTensor &tensor, Role role) const;
  void fillBools(const HostTensor &tensor);
  void fillLengths(const HostTensor &tensor);
  void fillDocuments(const HostTensor &tensor);
  void fillPages(const HostTensor &tensor, const ast::Param &table);
  void fillPlaces(const HostTensor &tensor, const ast::Param &param);
  void fillIntegers(const HostTensor &tensor);

  const InputOptions &options;
  Random &random;
  InputRoles roles;
  int64_t largest = 1, keys = 1;
  int exponents = 400;
};

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_CHECK_INPUTFILLER_H
