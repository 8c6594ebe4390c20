//===- ReservedNames.h - Names that C keeps for itself ---------*- C++ -*-===//
//
// A spec's names come out in a C header, and the name of an attention becomes a
// symbol of a shared library. One table says which names do not work there.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_SUPPORT_RESERVEDNAMES_H
#define LADON_COMPILER_SUPPORT_RESERVEDNAMES_H

#include "llvm/ADT/StringRef.h"

namespace ladon {

/// A keyword of C or C++, in some version of theirs.
bool isKeywordOfC(llvm::StringRef name);

/// Whether `name` cannot name a parameter of a C function, because a keyword, a
/// macro or a type of the headers that a generated header includes stands in
/// its way.
bool isReservedInC(llvm::StringRef name);

/// What stands in the way of a function with the name `name` in a shared
/// library, as a noun phrase ("a function of the C library"); empty when
/// nothing does.
llvm::StringRef functionNameProblem(llvm::StringRef name);

} // namespace ladon

#endif // LADON_COMPILER_SUPPORT_RESERVEDNAMES_H
