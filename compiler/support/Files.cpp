//===- Files.cpp - Files that appear whole or not at all ------------------===//

#include "compiler/support/Files.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ladon;
using namespace llvm;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static constexpr StringLiteral newSuffix = ".tmp", oldSuffix = ".old";

static std::string directoryOf(StringRef path) {
  StringRef parent = sys::path::parent_path(path);
  return parent.empty() ? "." : parent.str();
}

/// What the hidden names beside `path` begin with. A name has at most 255
/// bytes.
static std::string hiddenPrefix(StringRef path) {
  return ("." + sys::path::filename(path).take_front(200) + "-").str();
}

/// A name in the directory of `path` that no file has.
static std::string nameBeside(StringRef path, StringRef suffix) {
  SmallString<256> model(sys::path::parent_path(path));
  sys::path::append(model, hiddenPrefix(path) + "%%%%%%%%" + suffix);
  SmallString<256> name;
  sys::fs::createUniquePath(model, name, /*MakeAbsolute=*/false);
  return std::string(name);
}

/// Whether nameBeside(path, ...) may have made this name.
static bool isNameBeside(StringRef name, StringRef path) {
  return name.consume_front(hiddenPrefix(path)) &&
         (name.consume_back(newSuffix) || name.consume_back(oldSuffix)) &&
         name.size() == 8 && all_of(name, isHexDigit);
}

//===----------------------------------------------------------------------===//
// Directories
//===----------------------------------------------------------------------===//

namespace {

/// Keeps other processes from writing into the directories of some paths. The
/// lock ends with the process, however it ends. Where a file system has no
/// locks there is none.
class DirectoryLock {
public:
  explicit DirectoryLock(const std::set<std::string> &paths) {
    std::set<std::string> directories;
    for (const std::string &path : paths)
      directories.insert(directoryOf(path));
    bool all = true;
    // In order, so that two processes do not wait for each other.
    for (const std::string &directory : directories) {
      int descriptor =
          open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      all &= descriptor >= 0 &&
             sys::RetryAfterSignal(-1, flock, descriptor, LOCK_EX) == 0;
      if (descriptor >= 0)
        descriptors.push_back(descriptor);
    }
    // Under the lock nobody is about to use such a file.
    if (all)
      for (const std::string &path : paths)
        removeLeftovers(path);
  }
  ~DirectoryLock() {
    for (int descriptor : descriptors)
      close(descriptor);
  }
  DirectoryLock(const DirectoryLock &) = delete;

private:
  static void removeLeftovers(const std::string &path) {
    std::error_code code;
    for (sys::fs::directory_iterator it(directoryOf(path), code), end;
         !code && it != end; it.increment(code))
      if (isNameBeside(sys::path::filename(it->path()), path))
        (void)sys::fs::remove(it->path());
  }

  std::vector<int> descriptors;
};

//===----------------------------------------------------------------------===//
// One file
//===----------------------------------------------------------------------===//

/// One file on its way to its place.
struct PendingFile {
  const OutputFile *file;
  /// The complete bytes, beside the place; empty once renamed.
  std::string temporary;
  /// A second name of what the place held before; empty if it held nothing.
  std::string backup;
  bool renamed = false;
};

Error failure(StringRef what, StringRef path, std::error_code code) {
  return createStringError(code, "cannot " + what + " '" + path +
                                     "': " + code.message());
}

/// Writes everything and closes the file.
std::error_code writeAndClose(int descriptor, StringRef bytes, bool toDisk) {
  raw_fd_ostream stream(descriptor, /*shouldClose=*/true, /*unbuffered=*/true);
  stream << bytes;
  // Some file systems find only now that there is no room.
  if (!stream.has_error() && toDisk && fsync(descriptor) != 0 &&
      errno != EINVAL && errno != ENOTSUP)
    return errnoAsErrorCode();
  stream.close();
  std::error_code code = stream.error();
  stream.clear_error();
  return code;
}

/// Writes the bytes beside the place. `like` is a file whose mode and owner the
/// new one gets, or null.
std::error_code writeTemporary(PendingFile &pending, const struct stat *like,
                               bool toDisk) {
  const OutputFile &file = *pending.file;
  if (sys::fs::is_directory(file.path))
    return std::make_error_code(std::errc::is_a_directory);
  std::string name = nameBeside(file.path, newSuffix);
  int descriptor = -1;
  if (std::error_code code = sys::fs::openFileForWrite(
          name, descriptor, sys::fs::CD_CreateNew, sys::fs::OF_None, file.mode))
    return code;
  pending.temporary = name;
  sys::RemoveFileOnSignal(name);
  if (like) {
    // Only root can give files away; for others the owner is the same.
    if (fchown(descriptor, like->st_uid, like->st_gid) != 0)
      errno = 0;
    if (fchmod(descriptor, like->st_mode & 07777) != 0) {
      std::error_code code = errnoAsErrorCode();
      close(descriptor);
      return code;
    }
  }
  return writeAndClose(descriptor, file.bytes, toDisk);
}

Error keepBackup(PendingFile &pending) {
  const std::string &path = pending.file->path;
  if (!sys::fs::exists(path))
    return Error::success();
  std::string backup = nameBeside(path, oldSuffix);
  std::error_code code = sys::fs::create_hard_link(path, backup);
  // A file system without links keeps the old file under the other name, and
  // the place is empty for a moment.
  if (code && sys::fs::rename(path, backup))
    return failure("replace", path, code);
  pending.backup = backup;
  return Error::success();
}

std::error_code moveIntoPlace(PendingFile &pending) {
  if (std::error_code code =
          sys::fs::rename(pending.temporary, pending.file->path))
    return code;
  pending.renamed = true;
  sys::DontRemoveFileOnSignal(pending.temporary);
  pending.temporary.clear();
  return {};
}

/// Leaves every place as it was, and no other file.
void undo(MutableArrayRef<PendingFile> files) {
  for (PendingFile &pending : files) {
    if (!pending.backup.empty())
      (void)sys::fs::rename(pending.backup, pending.file->path);
    else if (pending.renamed)
      (void)sys::fs::remove(pending.file->path);
    if (!pending.temporary.empty()) {
      (void)sys::fs::remove(pending.temporary);
      sys::DontRemoveFileOnSignal(pending.temporary);
    }
    // Renaming one link of a file onto another does nothing.
    if (!pending.backup.empty())
      (void)sys::fs::remove(pending.backup);
  }
}

} // namespace

//===----------------------------------------------------------------------===//
// Several files
//===----------------------------------------------------------------------===//

Error ladon::writeFilesAtomically(ArrayRef<OutputFile> files) {
  std::set<std::string> paths;
  std::vector<PendingFile> pending;
  for (const OutputFile &file : files) {
    paths.insert(file.path);
    pending.push_back({&file, {}, {}});
  }
  DirectoryLock lock(paths);
  scope_exit undoAll([&] { undo(pending); });
  for (PendingFile &file : pending)
    if (std::error_code code =
            writeTemporary(file, /*like=*/nullptr, /*toDisk=*/false))
      return failure("write", file.file->path, code);
  if (pending.size() > 1) {
    for (PendingFile &file : pending)
      if (Error error = keepBackup(file))
        return error;
    if (!pending.back().backup.empty())
      if (std::error_code code = sys::fs::remove(pending.back().file->path))
        return failure("replace", pending.back().file->path, code);
  }
  for (PendingFile &file : pending)
    if (std::error_code code = moveIntoPlace(file))
      return failure("write", file.file->path, code);
  undoAll.release();
  for (PendingFile &file : pending)
    if (!file.backup.empty())
      (void)sys::fs::remove(file.backup);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// One file, or a stream
//===----------------------------------------------------------------------===//

Error ladon::flushOutput() {
  outs().flush();
  std::error_code code = outs().error();
  outs().clear_error();
  if (code)
    return createStringError(code, "standard output: " + code.message());
  return Error::success();
}

Error ladon::writeFile(StringRef path, StringRef bytes) {
  if (path == "-") {
    outs() << bytes;
    return flushOutput();
  }
  // Of a link, what it leads to is replaced.
  SmallString<256> place;
  if (sys::fs::real_path(path, place))
    place = path;
  struct stat status;
  bool exists = stat(place.c_str(), &status) == 0;
  std::error_code code;
  if (exists && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    int descriptor = open(place.c_str(), O_WRONLY | O_CLOEXEC);
    code = descriptor < 0 ? errnoAsErrorCode()
                          : writeAndClose(descriptor, bytes, /*toDisk=*/false);
  } else {
    OutputFile file = {std::string(place), bytes.str(), 0666};
    PendingFile pending = {&file, {}, {}};
    DirectoryLock lock({file.path});
    scope_exit undoAll([&] { undo(pending); });
    code = writeTemporary(pending, exists ? &status : nullptr, /*toDisk=*/true);
    if (!code)
      code = moveIntoPlace(pending);
    if (!code)
      undoAll.release();
  }
  if (code)
    return createStringError(code, path + ": " + code.message());
  return Error::success();
}
