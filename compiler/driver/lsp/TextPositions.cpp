//===- TextPositions.cpp - Places in a text as a client counts ------------===//

#include "compiler/driver/lsp/TextPositions.h"

#include <algorithm>

using namespace ladon::lsp;
using llvm::lsp::Position;
using llvm::lsp::Range;

TextPositions::TextPositions(llvm::StringRef text) : text(text), lines{0} {
  for (size_t at = 0; at < text.size(); ++at)
    if (text[at] == '\n')
      lines.push_back(at + 1);
}

/// How many units of UTF-16 the character that `byte` begins has: none for a
/// byte in the middle of one.
static int utf16Units(unsigned char byte) {
  bool isContinuation = (byte & 0xC0) == 0x80;
  return isContinuation ? 0 : byte >= 0xF0 ? 2 : 1;
}

Position TextPositions::position(size_t offset) const {
  offset = std::min(offset, text.size());
  size_t line =
      std::upper_bound(lines.begin(), lines.end(), offset) - lines.begin() - 1;
  int character = 0;
  for (size_t at = lines[line]; at < offset; ++at)
    character += utf16Units(text[at]);
  return {int(line), character};
}

size_t TextPositions::offset(Position position) const {
  if (position.line < 0)
    return 0;
  if (size_t(position.line) >= lines.size())
    return text.size();
  size_t at = lines[position.line];
  for (int left = position.character; at < text.size() && text[at] != '\n';
       ++at) {
    left -= utf16Units(text[at]);
    if (left < 0)
      break;
  }
  return at;
}

Range TextPositions::range(size_t begin, size_t end) const {
  return {position(begin), position(end)};
}

size_t TextPositions::offset(llvm::SMLoc place) const {
  return place.isValid() ? place.getPointer() - text.begin() : 0;
}

Range TextPositions::range(llvm::SMRange places) const {
  return range(offset(places.Start), offset(places.End));
}
