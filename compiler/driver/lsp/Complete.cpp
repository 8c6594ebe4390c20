//===- Complete.cpp - What could be typed at a place ----------------------===//

#include "compiler/driver/lsp/CallContext.h"
#include "compiler/driver/lsp/Features.h"
#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Documentation.h"

using namespace ladon;
using namespace ladon::lsp;
using llvm::StringRef;
using llvm::lsp::CompletionItemKind;

namespace {

class Completion {
public:
  Completion(const Document &document, Position position)
      : document(document), place(document.at(position)),
        context(contextAt(document.spec().tokens, place)) {}

  llvm::lsp::CompletionList run();

private:
  llvm::lsp::CompletionItem &add(const llvm::Twine &label,
                                 CompletionItemKind kind, StringRef group,
                                 StringRef documentation);
  void addKeywords(llvm::ArrayRef<StringRef> words);
  void addWords(llvm::ArrayRef<DocumentedWord> words, CompletionItemKind kind);
  void addTypes();
  void addArguments();
  void addVisible();
  void addLanguage();

  const Document &document;
  llvm::SMLoc place;
  PlaceContext context;
  llvm::lsp::CompletionList list;
};

} // namespace

/// Groups stand in the order of their names.
llvm::lsp::CompletionItem &Completion::add(const llvm::Twine &label,
                                           CompletionItemKind kind,
                                           StringRef group,
                                           StringRef documentation) {
  llvm::lsp::CompletionItem item(label, kind);
  item.sortText = (group + item.label).str();
  if (!documentation.empty())
    item.documentation = {llvm::lsp::MarkupKind::PlainText,
                          documentation.str()};
  list.items.push_back(std::move(item));
  return list.items.back();
}

void Completion::addKeywords(llvm::ArrayRef<StringRef> words) {
  for (StringRef word : words)
    add(word, CompletionItemKind::Keyword, "d", documentationOf(word));
}

void Completion::addWords(llvm::ArrayRef<DocumentedWord> words,
                          CompletionItemKind kind) {
  for (const DocumentedWord &word : words)
    add(word.name, kind, "a", word.text).detail = word.shape.str();
}

void Completion::addTypes() {
  for (const ScalarTypeInfo &type : scalarTypes())
    add(type.name, CompletionItemKind::TypeParameter, "a",
        documentationOf(type.name));
}

/// The arguments of a tensor operation that are given by name.
void Completion::addArguments() {
  for (const ArgumentInfo &argument : argumentsOf(context.callee)) {
    if (argument.use == ArgumentInfo::Positional ||
        llvm::is_contained(context.namesGiven, argument.name))
      continue;
    add(argument.name, CompletionItemKind::Property, "a",
        documentationOf(context.callee, argument.name))
        .insertText = argument.name.str() + " = ";
  }
}

void Completion::addVisible() {
  for (const Symbol *symbol : document.index().visible(place)) {
    CompletionItemKind kind =
        symbol->kind == Symbol::Function ? CompletionItemKind::Function
        : symbol->kind == Symbol::Param || symbol->kind == Symbol::Size
            ? CompletionItemKind::Constant
            : CompletionItemKind::Variable;
    add(symbol->name.text, kind, "b", commentOf(document, *symbol)).detail =
        declarationOf(document, *symbol);
  }
}

void Completion::addLanguage() {
  for (StringRef name : reservedNames()) {
    if (findScalarType(name) && !findBuiltin(name))
      continue;
    CallSignature call = signatureOf(name);
    add(name,
        call.text.empty() ? CompletionItemKind::Constant
                          : CompletionItemKind::Function,
        "c", documentationOf(name))
        .detail = call.text;
  }
}

llvm::lsp::CompletionList Completion::run() {
  switch (context.before.kind) {
  case Tok::Dot:
    addWords(resultsOfAttend(), CompletionItemKind::Field);
    return std::move(list);
  case Tok::Colon:
  case Tok::Arrow:
    addTypes();
    return std::move(list);
  case Tok::KwFn: // A name that is new.
  case Tok::KwParam:
  case Tok::KwAttention:
  case Tok::KwLet:
    return std::move(list);
  default:
    break;
  }
  if (context.inComment)
    return std::move(list);
  if (!context.inBracket &&
      (context.before.kind == Tok::Eof || endsOperand(context.before.kind) ||
       context.before.kind == Tok::RBrace))
    addKeywords({"fn", "param", "attention"});
  if (context.before.kind == Tok::LBrace || endsOperand(context.before.kind) ||
      context.before.kind == Tok::RBrace) {
    if (context.inBracket)
      addKeywords({"let", "return"});
    if (endsOperand(context.before.kind))
      addKeywords({"and", "or", "then", "else"});
    return std::move(list);
  }
  if (context.before.kind == Tok::Eof)
    return std::move(list);
  if (context.callee == "attend" && context.argumentName == "normalize" &&
      context.before.kind == Tok::Equal) {
    addWords(normalizers(), CompletionItemKind::EnumMember);
    return std::move(list);
  }
  if (context.startsArgument)
    addArguments();
  addVisible();
  addLanguage();
  addKeywords({"if", "not", "true", "false"});
  return std::move(list);
}

llvm::lsp::CompletionList ladon::lsp::complete(const Document &document,
                                               Position position) {
  return Completion(document, position).run();
}
