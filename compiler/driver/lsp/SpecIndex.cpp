//===- SpecIndex.cpp - What the names of a spec stand for -----------------===//

#include "compiler/driver/lsp/SpecIndex.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace ladon;
using namespace ladon::lsp;
using llvm::SMLoc;
using llvm::SMRange;
using Kind = syntax::Expr::Kind;

/// Walks a file with the names that are visible where it is; the innermost
/// last.
class SpecIndex::Builder {
public:
  Builder(const syntax::File &file, llvm::StringRef text,
          std::deque<Symbol> &symbols)
      : file(file), symbols(symbols),
        everywhere(SMLoc::getFromPointer(text.begin()),
                   SMLoc::getFromPointer(text.end())) {}

  void run();

private:
  /// A symbol that nothing can read.
  Symbol &add(Symbol::Kind kind, const syntax::Name &name, SMRange scope = {});
  /// One that is visible from here on, until `leave`.
  Symbol &define(Symbol::Kind kind, const syntax::Name &name, SMRange scope);
  /// Makes all but the outer `count` symbols invisible.
  void leave(size_t count);
  void read(const syntax::Name &name, const syntax::Expr *reader);
  void walk(const syntax::Expr *expr);
  void walkBlock(const syntax::Expr *block);
  void walkDims(const syntax::TypeExpr &type);
  void defineSizes(const syntax::Attention &attention);
  void walkAttention(const syntax::Attention &attention);
  /// From a place to where the next declaration begins.
  SMRange restOfDeclaration(SMLoc from) const;

  const syntax::File &file;
  std::deque<Symbol> &symbols;
  SMRange everywhere;
  std::vector<const char *> declarations; ///< Where their names are, in order.
  std::vector<Symbol *> visible;
  llvm::StringMap<std::vector<Symbol *>> byName; ///< Of these.
};

Symbol &SpecIndex::Builder::add(Symbol::Kind kind, const syntax::Name &name,
                                SMRange scope) {
  Symbol symbol;
  symbol.kind = kind;
  symbol.name = name;
  symbol.scope = scope;
  symbols.push_back(std::move(symbol));
  return symbols.back();
}

Symbol &SpecIndex::Builder::define(Symbol::Kind kind, const syntax::Name &name,
                                   SMRange scope) {
  Symbol &symbol = add(kind, name, scope);
  visible.push_back(&symbol);
  byName[name.text].push_back(&symbol);
  return symbol;
}

void SpecIndex::Builder::leave(size_t count) {
  for (; visible.size() > count; visible.pop_back())
    byName[visible.back()->name.text].pop_back();
}

void SpecIndex::Builder::read(const syntax::Name &name,
                              const syntax::Expr *reader) {
  auto known = byName.find(name.text);
  if (known == byName.end() || known->second.empty())
    return;
  Symbol *symbol = known->second.back();
  // A size is defined where it stands.
  if (symbol->name.range.Start == name.range.Start)
    return;
  symbol->uses.push_back(&name);
  symbol->readers.push_back(reader);
}

void SpecIndex::Builder::walk(const syntax::Expr *expr) {
  switch (expr->kind) {
  case Kind::Block:
    return walkBlock(expr);
  case Kind::Reduce: {
    walk(expr->args[0]);
    walk(expr->args[1]);
    size_t outer = visible.size();
    define(Symbol::RangeVariable, expr->argNames[0], expr->args[2]->range);
    walk(expr->args[2]);
    leave(outer);
    return;
  }
  case Kind::Name:
  case Kind::Call:
    read(expr->name, expr);
    break;
  default:
    break;
  }
  for (const syntax::Expr *arg : expr->args)
    walk(arg);
}

void SpecIndex::Builder::walkBlock(const syntax::Expr *block) {
  size_t outer = visible.size();
  for (size_t at = 0; at < block->args.size(); ++at) {
    const syntax::Expr *value = block->args[at];
    walk(value);
    if (at < block->argNames.size() && !block->argNames[at].text.empty())
      define(Symbol::Let, block->argNames[at],
             {value->range.End, block->range.End})
          .value = value;
  }
  leave(outer);
}

void SpecIndex::Builder::walkDims(const syntax::TypeExpr &type) {
  for (const syntax::Expr *dim : type.dims)
    walk(dim);
}

SMRange SpecIndex::Builder::restOfDeclaration(SMLoc from) const {
  auto next = llvm::upper_bound(declarations, from.getPointer());
  return {from, next == declarations.end() ? everywhere.End
                                           : SMLoc::getFromPointer(*next)};
}

void SpecIndex::Builder::defineSizes(const syntax::Attention &attention) {
  for (const syntax::TypedName &param : attention.params)
    for (const syntax::Expr *dim : param.type.dims)
      if (dim->kind == Kind::Name && llvm::isUpper(dim->name.text[0]) &&
          byName[dim->name.text].empty())
        define(Symbol::Size, dim->name, everywhere);
}

void SpecIndex::Builder::walkAttention(const syntax::Attention &attention) {
  size_t outer = visible.size();
  SMRange body = restOfDeclaration(attention.range.Start);
  if (attention.name.range.isValid()) {
    body = restOfDeclaration(attention.name.range.Start);
    add(Symbol::AttentionName, attention.name);
  }
  for (const syntax::TypedName &param : attention.params)
    define(Symbol::Parameter, param.name, body).type = &param.type;
  for (const syntax::TypedName &result : attention.results)
    // An unnamed result has the place of its type.
    if (!result.name.text.empty() &&
        result.name.range.Start != result.type.range.Start)
      add(Symbol::Result, result.name).type = &result.type;
  for (const syntax::TypedName &param : attention.params)
    walkDims(param.type);
  for (const syntax::TypedName &result : attention.results)
    walkDims(result.type);
  for (const syntax::Let &let : attention.lets) {
    walk(let.value);
    for (const syntax::Name &name : let.names)
      define(Symbol::Let, name, {let.value->range.End, body.End}).value =
          let.value;
  }
  for (const syntax::Expr *result : attention.returned)
    walk(result);
  leave(outer);
}

void SpecIndex::Builder::run() {
  auto declared = [&](const auto &all) {
    for (const auto &declaration : all)
      if (declaration.name.range.isValid())
        declarations.push_back(declaration.name.text.begin());
  };
  declared(file.fns);
  declared(file.params);
  declared(file.attentions);
  llvm::sort(declarations);
  for (const syntax::ConstParam &param : file.params) {
    Symbol &symbol = define(Symbol::Param, param.name, everywhere);
    symbol.type = &param.type;
    symbol.value = param.value;
  }
  for (const syntax::Fn &fn : file.fns)
    define(Symbol::Function, fn.name, everywhere).fn = &fn;
  for (const syntax::Attention &attention : file.attentions)
    defineSizes(attention);
  for (const syntax::ConstParam &param : file.params)
    walk(param.value);
  for (const syntax::Fn &fn : file.fns) {
    size_t outer = visible.size();
    SMRange body = restOfDeclaration(fn.name.range.Start);
    for (const syntax::Name &param : fn.params)
      define(Symbol::Argument, param, body).fn = &fn;
    walk(fn.body);
    leave(outer);
  }
  for (const syntax::Attention &attention : file.attentions)
    walkAttention(attention);
}

SpecIndex::SpecIndex(const syntax::File &file, llvm::StringRef text) {
  Builder(file, text, symbols).run();
}

const Symbol *SpecIndex::find(SMLoc place, syntax::Name *name) const {
  auto isAt = [&](const syntax::Name &candidate) {
    if (!touches(candidate.range, place))
      return false;
    if (name)
      *name = candidate;
    return true;
  };
  for (const Symbol &symbol : symbols)
    if (isAt(symbol.name) ||
        llvm::any_of(symbol.uses, [&](auto *use) { return isAt(*use); }))
      return &symbol;
  return nullptr;
}

std::vector<const Symbol *> SpecIndex::visible(SMLoc place) const {
  std::vector<const Symbol *> result;
  llvm::StringSet<> seen;
  // What is defined later is further in, but for the definitions of an outer
  // scope that stand below: those do not reach up here.
  for (const Symbol &symbol : llvm::reverse(symbols))
    if (touches(symbol.scope, place) && seen.insert(symbol.name.text).second)
      result.push_back(&symbol);
  return result;
}
