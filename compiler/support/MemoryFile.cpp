//===- MemoryFile.cpp - Files without a file system -----------------------===//

#include "compiler/support/MemoryFile.h"

#include "llvm/Support/Errno.h"
#include "llvm/Support/raw_ostream.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace ladon;
using namespace llvm;

static Error failure(std::error_code code) {
  return createStringError(code,
                           "cannot make a file in memory: " + code.message());
}

Expected<MemoryFile> MemoryFile::create(StringRef name, StringRef bytes) {
  int descriptor = memfd_create(name.str().c_str(), MFD_CLOEXEC);
  if (descriptor < 0)
    return failure(errnoAsErrorCode());
  MemoryFile file(descriptor);
  raw_fd_ostream stream(descriptor, /*shouldClose=*/false, /*unbuffered=*/true);
  stream << bytes;
  if (std::error_code code = stream.error()) {
    stream.clear_error();
    return failure(code);
  }
  return file;
}

MemoryFile &MemoryFile::operator=(MemoryFile &&other) noexcept {
  std::swap(descriptor, other.descriptor);
  return *this;
}

MemoryFile::~MemoryFile() {
  if (descriptor >= 0)
    close(descriptor);
}

std::string MemoryFile::path() const {
  return "/proc/self/fd/" + std::to_string(descriptor);
}

Expected<std::unique_ptr<OutputPipe>> OutputPipe::create() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return failure(errnoAsErrorCode());
  return std::unique_ptr<OutputPipe>(new OutputPipe(ends[0], ends[1]));
}

OutputPipe::OutputPipe(int readEnd, int writeEnd)
    : writeEnd(writeEnd), reader([this, readEnd] {
        constexpr size_t piece = 1 << 16;
        ssize_t got = piece;
        for (size_t size = 0; got > 0; size += got) {
          bytes.resize(size + piece);
          got = std::max<ssize_t>(
              sys::RetryAfterSignal(-1, ::read, readEnd, &bytes[size], piece),
              0);
          bytes.resize(size + got);
        }
        close(readEnd);
      }) {}

OutputPipe::~OutputPipe() { finish(); }

std::string OutputPipe::path() const {
  return "/proc/self/fd/" + std::to_string(writeEnd);
}

std::string OutputPipe::finish() {
  if (reader.joinable()) {
    close(writeEnd);
    reader.join();
  }
  return std::move(bytes);
}
