//===- Documentation.h - What words of the language mean -------*- C++ -*-===//
//
// For editors: a line about every word that the language gives a meaning, and
// how what can be called is called. Out of Builtins.def and Documentation.def.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_DOCUMENTATION_H
#define LADON_COMPILER_FRONTEND_DOCUMENTATION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace ladon {

/// What a keyword, a position, a mask, a function, a type or a tensor operation
/// means; empty for a word without a meaning.
std::string documentationOf(llvm::StringRef name);

/// The same for an argument of a tensor operation.
llvm::StringRef documentationOf(llvm::StringRef call, llvm::StringRef argument);

/// A word with a meaning in one place only.
struct DocumentedWord {
  llvm::StringRef name;
  llvm::StringRef shape; ///< Of a result; else empty.
  llvm::StringRef text;
};

/// What stands behind the point of an attend.
llvm::ArrayRef<DocumentedWord> resultsOfAttend();
/// What `normalize` takes.
llvm::ArrayRef<DocumentedWord> normalizers();

/// How something is called: "clamp(x, low, high)".
struct CallSignature {
  struct Parameter {
    std::string text; ///< As it stands in the signature, "mask = ...".
    std::string name; ///< "mask".
    std::string documentation;
  };
  std::string text, documentation;
  std::vector<Parameter> parameters;
};

/// Of a function, mask, reduction or tensor operation; without a text for what
/// is not called.
CallSignature signatureOf(llvm::StringRef name);

/// "name(a, b)".
CallSignature makeSignature(llvm::StringRef name,
                            std::vector<CallSignature::Parameter> parameters,
                            llvm::StringRef documentation);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_DOCUMENTATION_H
