//===- ParserImpl.h - The parser's state -----------------------*- C++ -*-===//
//
// Shared by Parser.cpp (declarations, recovery) and ParseExpr.cpp. Each
// `parse...` function consumes what it recognises and reports what it misses.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_PARSERIMPL_H
#define LADON_COMPILER_FRONTEND_PARSERIMPL_H

#include "compiler/frontend/Parser.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace ladon {

class Parser {
public:
  Parser(llvm::ArrayRef<Token> all, DiagnosticEngine &diagnostics);

  syntax::File parseFile();

private:
  //===--- Tokens --------------------------------------------------------===//
  const Token &peek(unsigned ahead = 0) const {
    return tokens[std::min<size_t>(at + ahead, tokens.size() - 1)];
  }
  bool is(Tok kind) const { return peek().kind == kind; }
  Token take() {
    Token token = peek();
    if (at + 1 < tokens.size())
      ++at;
    return token;
  }
  bool takeIf(Tok kind) { return is(kind) && (take(), true); }
  llvm::SMLoc lastEnd() const { return tokens[at ? at - 1 : 0].range().End; }

  /// Reports once per place; returns null when already reported there.
  template <typename... Args>
  Diagnostic *error(DiagId id, llvm::SMRange range, Args &&...args) {
    if (errorAt == at)
      return nullptr;
    errorAt = at;
    return &diagnostics.report(id, range, std::forward<Args>(args)...);
  }
  /// "expected `what`, found <the next token>".
  void errorExpected(llvm::StringRef what);
  bool expect(Tok kind, llvm::StringRef what);
  bool expectName(syntax::Name &name, llvm::StringRef what);

  //===--- Recovery ------------------------------------------------------===//
  bool startsDeclaration() const;
  bool startsStatement() const;
  /// Whether the head of an attention ends here, as it should or not.
  bool startsBody() const;
  /// Skips to there, or to the arrow in front of the results.
  void skipHead(bool toArrow);
  /// Skips to `,` or `close` of this bracket, or to where a statement starts.
  void skipToSeparator(Tok close);
  void skipToStatement();
  void skipToDeclaration();
  /// Items up to `close`, separated by commas, a last comma allowed.
  void parseList(Tok close, llvm::function_ref<void()> item);

  //===--- Declarations --------------------------------------------------===//
  void parseFn();
  void parseConstParam();
  void parseAttention();
  void parseResults(syntax::Attention &attention);
  void parseBody(syntax::Attention &attention);
  bool parseLetNames(std::vector<syntax::Name> &names);
  bool parseTypedName(syntax::TypedName &result);
  syntax::TypeExpr parseType();

  //===--- Expressions (ParseExpr.cpp) -----------------------------------===//
  syntax::Expr *parseExpr();
  syntax::Expr *parseIf();
  syntax::Expr *parseBlock();
  syntax::Expr *parseTrailingIf(syntax::Expr *then);
  syntax::Expr *parseBinary(int precedence);
  syntax::Expr *parseOperand(int precedence);
  syntax::Expr *parsePostfix();
  syntax::Expr *parseIndex();
  syntax::Expr *parsePrimary();
  syntax::Expr *parseCall(const Token &callee);
  syntax::Expr *parseReduce(const Token &callee);
  void checkChain(const Token &op, const syntax::Expr *left);
  syntax::Expr *create(syntax::Expr::Kind kind, llvm::SMLoc begin,
                       llvm::ArrayRef<syntax::Expr *> args = {});
  syntax::Expr *errorExpr(llvm::SMRange range);

  std::vector<Token> tokens; ///< Without comments.
  DiagnosticEngine &diagnostics;
  syntax::File file;
  size_t at = 0;
  size_t errorAt = size_t(-1); ///< Token of the last report.
  unsigned nesting = 0;
};

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_PARSERIMPL_H
