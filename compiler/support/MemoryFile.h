//===- MemoryFile.h - Files without a file system --------------*- C++ -*-===//
//
// For interfaces that want the path of a file (a linker, a loader): what is
// behind the path is in memory, needs no directory that can be written to, and
// is gone with the object, also when the process is killed.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_SUPPORT_MEMORYFILE_H
#define LADON_COMPILER_SUPPORT_MEMORYFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <thread>

namespace ladon {

/// A file to be read.
class MemoryFile {
public:
  /// A file with these bytes. `name` is what a debugger shows.
  static llvm::Expected<MemoryFile> create(llvm::StringRef name,
                                           llvm::StringRef bytes = "");
  MemoryFile(MemoryFile &&other) noexcept : descriptor(other.descriptor) {
    other.descriptor = -1;
  }
  MemoryFile &operator=(MemoryFile &&other) noexcept;
  ~MemoryFile();

  /// A path for this process, valid as long as the object. A loader knows a
  /// library by its path: as long as it is loaded, the object stays.
  std::string path() const;

private:
  explicit MemoryFile(int descriptor) : descriptor(descriptor) {}

  int descriptor;
};

/// For what another part of the program writes to a path: nothing is stored, a
/// thread collects the bytes.
class OutputPipe {
public:
  static llvm::Expected<std::unique_ptr<OutputPipe>> create();
  OutputPipe(const OutputPipe &) = delete;
  ~OutputPipe();

  /// To be opened for writing, before `finish`.
  std::string path() const;

  /// Everything that was written, once all writers have closed the path.
  std::string finish();

private:
  OutputPipe(int readEnd, int writeEnd);

  int writeEnd;
  std::string bytes;
  std::thread reader;
};

} // namespace ladon

#endif // LADON_COMPILER_SUPPORT_MEMORYFILE_H
