//===- Tensors.h - What attends work on, at random -------------*- C++ -*-===//
//
// The grammar of tensors: parameters of every element type, and what is made of
// them: norms, rotary positions, parts joined along the sequence, integers with
// their scales, functions and operators with shapes that fit each other.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_FUZZ_TENSORS_H
#define LADON_TEST_E2E_FUZZ_TENSORS_H

#include "test/e2e/fuzz/Expressions.h"

namespace ladon::e2e {

/// Writes tensors. The dims of one are words of a type: the last one is a
/// number, and the one before it the sequence.
class TensorWriter {
public:
  using Dims = std::vector<std::string>;

  TensorWriter(Choices &choices, Declarations &declarations)
      : choices(choices), declarations(declarations) {}

  /// Draws the three fields below.
  void chooseTypes();
  /// An element type that is computed on.
  std::string element();
  /// A parameter; its name.
  std::string declare(const std::string &name, const Dims &dims);
  /// A tensor of those dims, of parameters whose names begin with `name`.
  std::string operand(const std::string &name, const Dims &dims);
  /// The tensor `x`, or one of the same dims that is made of it.
  std::string changed(const std::string &x, const std::string &name,
                      const Dims &dims);

  bool isF64 = false;   ///< All floats are f64.
  bool isMixed = false; ///< They may be of several types of storage.
  std::string only;     ///< The one that all operands are of then, if any.

private:
  std::string parameter(const std::string &name, const Dims &dims);
  std::string part(const std::string &name, const Dims &dims);
  std::string joined(const std::string &name, const Dims &dims);
  std::string dequantised(const std::string &name, const Dims &dims);
  std::string norm(const std::string &x, const std::string &name,
                   const Dims &dims);
  std::string rope(const std::string &x, const std::string &name,
                   const Dims &dims);
  std::string elementwise(const std::string &x, const std::string &name,
                          const Dims &dims);
  std::string fitting(const std::string &name, const Dims &dims);

  Choices &choices;
  Declarations &declarations;
};

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_TENSORS_H
