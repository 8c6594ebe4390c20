//===- MessageReader.cpp - Messages of a client, checked ------------------===//

#include "compiler/driver/lsp/MessageReader.h"

#include "llvm/ADT/StringExtras.h"

using namespace ladon::lsp;
using llvm::StringRef;

namespace {
/// Of a line of a header.
constexpr size_t maxLineBytes = 1024;
} // namespace

/// What came, short and printable.
static std::string quote(StringRef text) {
  std::string shown;
  llvm::raw_string_ostream os(shown);
  os << "'";
  llvm::printEscapedString(text.take_front(40), os);
  os << (text.size() > 40 ? "...'" : "'");
  return shown;
}

bool MessageReader::fail(const llvm::Twine &reason) {
  failure = reason.str();
  return false;
}

bool MessageReader::readLine(std::string &line) {
  line.clear();
  for (int c; (c = std::getc(in)) != EOF;) {
    if (c == '\n') {
      if (!line.empty() && line.back() == '\r')
        line.pop_back();
      return true;
    }
    line += char(c);
    if (line.size() > maxLineBytes)
      break;
  }
  if (line.empty())
    return fail(std::ferror(in) ? "its messages cannot be read"
                                : "it has gone without 'exit'");
  return fail("expected a header 'Content-Length: N', found " + quote(line));
}

bool MessageReader::readLength(size_t &length) {
  bool found = false;
  std::string line;
  for (;;) {
    if (!readLine(line))
      return false;
    if (line.empty() && found)
      return true;
    auto [name, value] = StringRef(line).split(':');
    bool isLength = name.equals_insensitive("Content-Length");
    if (isLength && (value.trim().getAsInteger(10, length) || found))
      return fail("expected one length, found " + quote(line));
    if (!isLength && !name.equals_insensitive("Content-Type"))
      return fail("expected a header 'Content-Length: N', found " +
                  quote(line));
    found |= isLength;
    if (length > maxMessageBytes)
      return fail("expected a message of at most " +
                  llvm::Twine(maxMessageBytes) + " bytes, found " +
                  quote(line));
  }
}

/// Whether nothing in `json` nests too deep to be read by recursion.
static bool isShallow(StringRef json) {
  unsigned depth = 0;
  bool inString = false;
  for (size_t at = 0; at < json.size(); ++at) {
    char c = json[at];
    if (inString) {
      at += c == '\\';
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > maxMessageNesting)
        return false;
    } else if (c == ']' || c == '}') {
      depth -= depth != 0;
    }
  }
  return true;
}

bool MessageReader::check(const std::string &json) {
  if (!isShallow(json))
    return fail("expected a message of at most " +
                llvm::Twine(maxMessageNesting) + " levels, found more");
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(json);
  if (!value)
    return fail("expected JSON, found " + quote(json) + ": " +
                llvm::toString(value.takeError()));
  const llvm::json::Object *object = value->getAsObject();
  if (!object || object->getString("jsonrpc") != "2.0" ||
      (!object->getString("method") && !object->get("id")))
    return fail("expected a message of JSON-RPC 2.0, found " + quote(json));
  return true;
}

llvm::LogicalResult MessageReader::readStandardMessage(std::string &json) {
  size_t length = 0;
  if (!readLength(length))
    return llvm::failure();
  json.resize(length);
  size_t count = std::fread(json.data(), 1, length, in);
  if (count != length) {
    fail("expected " + llvm::Twine(length) + " bytes of a message, found " +
         llvm::Twine(count));
    return llvm::failure();
  }
  return llvm::success(check(json));
}

llvm::LogicalResult MessageReader::readDelimitedMessage(std::string &) {
  fail("messages without headers are not read");
  return llvm::failure();
}
