//===- SpecIndex.h - What the names of a spec stand for --------*- C++ -*-===//
//
// Every name that a spec defines, where it is defined, read and visible; from
// the tree as it is written, so that a spec with errors has one as well. Names
// of the language are not in it.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_LSP_SPECINDEX_H
#define LADON_COMPILER_DRIVER_LSP_SPECINDEX_H

#include "compiler/frontend/Syntax.h"

#include <deque>

namespace ladon::lsp {

/// A name that a spec defines.
struct Symbol {
  enum Kind {
    Function,      ///< `fn`
    Param,         ///< `param`, compile-time
    Argument,      ///< of a `fn`
    AttentionName, ///< of the attention itself
    Parameter,     ///< of the attention
    Size,          ///< bound by an axis of a parameter
    Let,           ///< of the attention or a block
    RangeVariable, ///< of a reduction: `sum(n in 0..4, ...)`
    Result         ///< of the attention
  };
  Kind kind;
  syntax::Name name; ///< Where it is defined.
  /// Where it can be read. Of what is known everywhere, the whole text.
  llvm::SMRange scope;
  std::vector<const syntax::Name *> uses; ///< Without the definition.
  /// The expressions that read it, for their types.
  std::vector<const syntax::Expr *> readers;

  //===--- What it is; null where it has none ---------------------------===//
  const syntax::Fn *fn = nullptr;
  const syntax::TypeExpr *type = nullptr;
  const syntax::Expr *value = nullptr;
};

class SpecIndex {
public:
  /// `text` is that of the whole spec. `file` outlives this.
  SpecIndex(const syntax::File &file, llvm::StringRef text);

  const std::deque<Symbol> &all() const { return symbols; }

  /// The symbol that is defined or read at a place, its end included; null for
  /// none. `name` is then what stands there.
  const Symbol *find(llvm::SMLoc place, syntax::Name *name = nullptr) const;

  /// What can be read at a place; of equal names the innermost.
  std::vector<const Symbol *> visible(llvm::SMLoc place) const;

private:
  class Builder;
  std::deque<Symbol> symbols;
};

/// Whether a place is in a range or at its end.
inline bool touches(llvm::SMRange range, llvm::SMLoc place) {
  return range.isValid() && range.Start.getPointer() <= place.getPointer() &&
         place.getPointer() <= range.End.getPointer();
}

} // namespace ladon::lsp

#endif // LADON_COMPILER_DRIVER_LSP_SPECINDEX_H
