//===- Files.h - Files that appear whole or not at all ---------*- C++ -*-===//
//
// Whatever is written replaces a file only when all of its bytes have reached
// the file system: a full disk, a signal or a crash leaves the old one. The new
// bytes wait in a hidden file beside the place, `.NAME-XXXXXXXX.tmp`. A process
// that was killed leaves such files behind, and the next one that writes the
// same place removes them.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_SUPPORT_FILES_H
#define LADON_COMPILER_SUPPORT_FILES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace ladon {

struct OutputFile {
  std::string path;
  std::string bytes;
  unsigned mode = 0644; ///< Before the umask.
};

/// Writes all files or none. On failure every place holds what it held before,
/// and the error names the path and the reason. One process at a time writes
/// into a directory.
///
/// Of a process that is killed in between, every place has the old file or the
/// new one, whole; and where there is more than one, the last is absent until
/// all others are new: what it says of them is true whenever it is there.
llvm::Error writeFilesAtomically(llvm::ArrayRef<OutputFile> files);

/// Writes one file, "-" for the standard output. A file that exists keeps its
/// mode, and a link stays one. What is no regular file (a device, a pipe) is
/// written into. The bytes are on the disk when this returns.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

/// Flushes the standard output; an error when any of what was printed there
/// since the start is lost.
llvm::Error flushOutput();

/// A file, or "-" for the standard input, to be read from its beginning in
/// pieces of any size, so that a device without an end does no harm.
class InputFile {
public:
  static llvm::Expected<InputFile> open(llvm::StringRef path);
  InputFile(InputFile &&other) noexcept;
  ~InputFile();

  /// The first `size` bytes, or all if there are fewer. Valid until the next
  /// call.
  llvm::Expected<llvm::StringRef> peek(uint64_t size);

private:
  InputFile() = default;

  int descriptor = -1;
  std::string path;
  /// A regular file, mapped.
  std::unique_ptr<llvm::MemoryBuffer> mapped;
  /// Of anything else, what has been read so far.
  std::string bytes;
};

} // namespace ladon

#endif // LADON_COMPILER_SUPPORT_FILES_H
