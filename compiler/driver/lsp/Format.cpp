//===- Format.cpp - The canonical form, as edits --------------------------===//

#include "compiler/driver/lsp/Features.h"

using namespace ladon;
using namespace ladon::lsp;

std::vector<llvm::lsp::TextEdit> ladon::lsp::format(const Document &document) {
  llvm::StringRef text = document.text();
  std::optional<std::string> canonical = document.formatted();
  if (!canonical || *canonical == text)
    return {};
  // What is equal at both ends stays, in whole lines, so that cursors do.
  llvm::StringRef now = *canonical;
  size_t begin = 0;
  for (size_t at = 0;
       at < std::min(text.size(), now.size()) && text[at] == now[at]; ++at)
    if (text[at] == '\n')
      begin = at + 1;
  size_t tail = 0;
  size_t most = std::min(text.size(), now.size()) - begin;
  for (size_t at = 1;
       at <= most && text[text.size() - at] == now[now.size() - at]; ++at)
    if (at < most && text[text.size() - at - 1] == '\n' &&
        now[now.size() - at - 1] == '\n')
      tail = at;
  return {{document.positions().range(begin, text.size() - tail),
           now.slice(begin, now.size() - tail).str()}};
}
