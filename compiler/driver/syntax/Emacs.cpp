//===- Emacs.cpp - A major mode of Emacs ----------------------------------===//

#include "compiler/driver/syntax/SyntaxWords.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

using namespace ladon;
using llvm::StringRef;

/// "(regexp-opt '("a" "b") 'symbols)".
static std::string anyOf(llvm::ArrayRef<StringRef> words) {
  std::string text = "(regexp-opt '(";
  for (StringRef word : words)
    text += (&word == words.begin() ? "\"" : " \"") + word.str() + "\"";
  return text + ") 'symbols)";
}

std::string ladon::emacsMode() {
  SyntaxWords words = syntaxWords();
  std::string text;
  llvm::raw_string_ostream os(text);
  auto face = [&](const std::string &pattern, const char *name) {
    os << "    (," << pattern << " . 'font-lock-" << name << "-face)\n";
  };
  os << ";;; attn-mode.el --- Attention specs of Ladon -*- lexical-binding: t "
        "-*-\n\n"
        ";;; Commentary:\n\n;; Printed by `ladon syntax emacs'.\n\n"
        ";;; Code:\n\n"
        "(defconst attn-font-lock-keywords\n  `(\n"
        "    (\"\\\\_<\\\\(?:fn\\\\|attention\\\\|param\\\\)\\\\s-+"
        "\\\\(\\\\sw+\\\\)\"\n"
        "     1 'font-lock-function-name-face)\n"
        "    (,(concat "
     << anyOf(words.arguments)
     << " \"\\\\s-*=\\\\(?:[^=]\\\\|$\\\\)\")\n"
        "     1 'font-lock-variable-name-face)\n"
        "    (,(concat \"\\\\.\" "
     << anyOf(words.results) << ") 1 'font-lock-variable-name-face)\n";
  face(anyOf(words.declarations), "keyword");
  face(anyOf(words.control), "keyword");
  face(anyOf(words.operators), "keyword");
  face(anyOf(words.constants), "constant");
  face(anyOf(words.types), "type");
  face(anyOf(words.operations), "builtin");
  face(anyOf(words.functions), "builtin");
  face(anyOf(words.masks), "constant");
  face(anyOf(words.positions), "variable-name");
  os << "  )\n  \"What `attn-mode' colours.\")\n\n"
        "(defvar attn-mode-syntax-table\n"
        "  (let ((table (make-syntax-table)))\n"
        "    (modify-syntax-entry ?# \"<\" table)\n"
        "    (modify-syntax-entry ?\\n \">\" table)\n"
        "    (modify-syntax-entry ?_ \"w\" table)\n"
        "    table)\n  \"Comments and words of `attn-mode'.\")\n\n"
        ";;;###autoload\n"
        "(define-derived-mode attn-mode prog-mode \"attn\"\n"
        "  \"Major mode for attention specs of Ladon.\"\n"
        "  (setq-local comment-start \"# \")\n"
        "  (setq-local comment-start-skip \"#+\\\\s-*\")\n"
        "  (setq-local font-lock-defaults '(attn-font-lock-keywords)))\n\n"
        ";;;###autoload\n"
        "(add-to-list 'auto-mode-alist '(\"\\\\.attn\\\\'\" . attn-mode))\n\n"
        "(defvar eglot-server-programs)\n"
        "(with-eval-after-load 'eglot\n"
        "  (add-to-list 'eglot-server-programs '(attn-mode . (\"ladon\" "
        "\"lsp\"))))\n\n"
        "(provide 'attn-mode)\n"
        ";;; attn-mode.el ends here\n";
  return text;
}
