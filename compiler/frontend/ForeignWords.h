//===- ForeignWords.h - Words of other languages ---------------*- C++ -*-===//
//
// People come from Python, C and the papers, and write what they would write
// there. Messages about such a word say what it is called here.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_FOREIGNWORDS_H
#define LADON_COMPILER_FRONTEND_FOREIGNWORDS_H

#include "llvm/ADT/StringRef.h"

namespace ladon {

/// What a spec says instead of a word.
struct ForeignWord {
  llvm::StringRef advice;      ///< "write 'if c then x else y'"
  llvm::StringRef replacement; ///< The word in its place, empty if it is not
                               ///< one word for another.
};

/// What is known about a name that the language does not have; null for most.
const ForeignWord *findForeignWord(llvm::StringRef name);

/// The same for the name of a type.
const ForeignWord *findForeignType(llvm::StringRef name);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_FOREIGNWORDS_H
