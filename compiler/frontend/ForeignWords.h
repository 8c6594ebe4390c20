//===- ForeignWords.h - Words of other languages ---------------*- C++ -*-===//
//
// People come from Python, C and the papers, and write what they would write
// there. Messages about such a word say what it is called here.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_FOREIGNWORDS_H
#define LADON_COMPILER_FRONTEND_FOREIGNWORDS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace ladon {

/// What a spec says instead of a word.
struct ForeignWord {
  llvm::StringRef advice;      ///< "write 'if c then x else y'"
  llvm::StringRef replacement; ///< The word in its place, empty if it is not
                               ///< one word for another.
  llvm::StringRef call = {};   ///< In place of a call, `$0` is its first
                               ///< argument: "pow($0, 2)"; empty if unknown.
};

/// The call that `pattern` makes of the texts of the arguments; empty when it
/// has another number of them.
std::string expandCall(llvm::StringRef pattern,
                       llvm::ArrayRef<llvm::StringRef> arguments);

/// What is known about a name that the language does not have; null for most.
const ForeignWord *findForeignWord(llvm::StringRef name);

/// The same for the name of a type.
const ForeignWord *findForeignType(llvm::StringRef name);

/// The same for what stands behind a point, of a call or not.
const ForeignWord *findForeignMember(llvm::StringRef name);

/// The same for the name of an argument of `attend`.
const ForeignWord *findForeignArgument(llvm::StringRef name);

/// What to write where the grammar expects `expected` and finds `found` after
/// `previous`; empty for most.
llvm::StringRef findForeignPhrase(llvm::StringRef expected,
                                  llvm::StringRef previous,
                                  llvm::StringRef found);

/// What is known about a character that no token has; empty for most.
llvm::StringRef findForeignCharacter(char c);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_FOREIGNWORDS_H
