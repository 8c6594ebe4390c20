//===- ReadFile.cpp - Input in pieces -------------------------------------===//

#include "compiler/support/Files.h"

#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"

#include <unistd.h>

using namespace ladon;
using namespace llvm;

static Error failure(StringRef path, std::error_code code) {
  return createStringError(code, path + ": " + code.message());
}

InputFile::InputFile(InputFile &&other) noexcept
    : descriptor(other.descriptor), path(std::move(other.path)),
      mapped(std::move(other.mapped)), bytes(std::move(other.bytes)) {
  other.descriptor = -1;
}

InputFile::~InputFile() {
  if (descriptor > STDIN_FILENO)
    close(descriptor);
}

Expected<InputFile> InputFile::open(StringRef path) {
  InputFile file;
  file.path = path == "-" ? "standard input" : path.str();
  if (path == "-")
    file.descriptor = STDIN_FILENO;
  else if (std::error_code code =
               sys::fs::openFileForRead(path, file.descriptor))
    return failure(file.path, code);
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(file.descriptor, status))
    return failure(file.path, code);
  if (sys::fs::is_directory(status))
    return failure(file.path, std::make_error_code(std::errc::is_a_directory));
  // Standard input may be a file whose beginning another process has read.
  if (!sys::fs::is_regular_file(status) || path == "-")
    return file;
  auto buffer = MemoryBuffer::getOpenFile(
      sys::fs::convertFDToNativeFile(file.descriptor), file.path,
      status.getSize(), /*RequiresNullTerminator=*/false);
  if (!buffer)
    return failure(file.path, buffer.getError());
  file.mapped = std::move(*buffer);
  return file;
}

Expected<StringRef> InputFile::peek(uint64_t size) {
  if (mapped)
    return mapped->getBuffer().take_front(size);
  constexpr size_t piece = 1 << 16;
  while (bytes.size() < size) {
    size_t before = bytes.size();
    bytes.resize(before + std::min<uint64_t>(size - before, piece));
    ssize_t got = sys::RetryAfterSignal(
        -1, ::read, descriptor, bytes.data() + before, bytes.size() - before);
    bytes.resize(before + std::max<ssize_t>(got, 0));
    if (got < 0)
      return failure(path, errnoAsErrorCode());
    if (got == 0)
      break;
  }
  return StringRef(bytes).take_front(size);
}
