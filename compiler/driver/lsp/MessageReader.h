//===- MessageReader.h - Messages of a client, checked ---------*- C++ -*-===//
//
// Reads framed messages. LLVM's own reader trusts the client: it reserves as
// much memory as a header asks for, goes on after what is no message, and
// recurs as deep as the message nests. This one stops at the first thing that
// is no message, and says what it was.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_LSP_MESSAGEREADER_H
#define LADON_COMPILER_DRIVER_LSP_MESSAGEREADER_H

#include "llvm/Support/LSP/Transport.h"

#include <cstdio>
#include <string>

namespace ladon::lsp {

/// Bytes of a message. A spec has at most a megabyte, of which escapes may make
/// six.
constexpr size_t maxMessageBytes = 16 << 20;
/// Arrays and objects in each other.
constexpr unsigned maxMessageNesting = 64;

class MessageReader : public llvm::lsp::JSONTransportInput {
public:
  explicit MessageReader(std::FILE *in) : in(in) {}

  bool hasError() const final { return !failure.empty(); }
  bool isEndOfInput() const final { return atEnd; }
  llvm::LogicalResult readDelimitedMessage(std::string &json) final;
  llvm::LogicalResult readStandardMessage(std::string &json) final;

  /// Why reading stopped: "expected ..., found ...", or empty after `exit`.
  llvm::StringRef problem() const { return failure; }

private:
  /// A line of a header, without its end. False at the end of the input, or
  /// when there is a problem.
  bool readLine(std::string &line);
  bool readLength(size_t &length);
  bool check(const std::string &json);
  bool fail(const llvm::Twine &reason);

  std::FILE *in;
  std::string failure;
  bool atEnd = false;
};

} // namespace ladon::lsp

#endif // LADON_COMPILER_DRIVER_LSP_MESSAGEREADER_H
