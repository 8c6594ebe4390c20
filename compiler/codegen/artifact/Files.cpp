//===- Files.cpp - All files in place, or none
//-----------------------------===//

#include "compiler/codegen/artifact/Artifact.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using ladon::artifact::OutputFile;

namespace {

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

/// A name in the directory of `path` that no file has.
std::string nameBeside(StringRef path, StringRef suffix) {
  SmallString<256> model(sys::path::parent_path(path));
  sys::path::append(model,
                    "." + sys::path::filename(path) + "-%%%%%%%%" + suffix);
  SmallString<256> name;
  sys::fs::createUniquePath(model, name, /*MakeAbsolute=*/false);
  return std::string(name);
}

Error writeTemporary(PendingFile &pending) {
  const OutputFile &file = *pending.file;
  if (sys::fs::is_directory(file.path))
    return failure("write", file.path,
                   std::make_error_code(std::errc::is_a_directory));
  std::string name = nameBeside(file.path, ".tmp");
  int descriptor = -1;
  if (std::error_code code = sys::fs::openFileForWrite(
          name, descriptor, sys::fs::CD_CreateNew, sys::fs::OF_None, file.mode))
    return failure("write", file.path, code);
  pending.temporary = name;
  sys::RemoveFileOnSignal(name);
  raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << file.bytes;
  stream.close();
  if (std::error_code code = stream.error()) {
    stream.clear_error();
    return failure("write", file.path, code);
  }
  return Error::success();
}

Error moveIntoPlace(PendingFile &pending) {
  const std::string &path = pending.file->path;
  if (sys::fs::exists(path)) {
    pending.backup = nameBeside(path, ".old");
    if (std::error_code code =
            sys::fs::create_hard_link(path, pending.backup)) {
      pending.backup.clear();
      // A file system without links keeps the old file under the other name,
      // and the place is empty for a moment.
      std::string other = nameBeside(path, ".old");
      if (sys::fs::rename(path, other))
        return failure("replace", path, code);
      pending.backup = other;
    }
  }
  if (std::error_code code = sys::fs::rename(pending.temporary, path))
    return failure("write", path, code);
  pending.renamed = true;
  sys::DontRemoveFileOnSignal(pending.temporary);
  pending.temporary.clear();
  return Error::success();
}

/// Leaves every place as it was, and no other file.
void undo(MutableArrayRef<PendingFile> files) {
  for (PendingFile &pending : files) {
    if (!pending.backup.empty())
      sys::fs::rename(pending.backup, pending.file->path);
    else if (pending.renamed)
      sys::fs::remove(pending.file->path);
    if (!pending.temporary.empty()) {
      sys::fs::remove(pending.temporary);
      sys::DontRemoveFileOnSignal(pending.temporary);
    }
    // Renaming one link of a file onto another does nothing.
    if (!pending.backup.empty())
      sys::fs::remove(pending.backup);
  }
}

} // namespace

Error ladon::artifact::writeFilesAtomically(ArrayRef<OutputFile> files) {
  std::vector<PendingFile> pending;
  for (const OutputFile &file : files)
    pending.push_back({&file, {}, {}});
  scope_exit undoAll([&] { undo(pending); });
  for (PendingFile &file : pending)
    if (Error error = writeTemporary(file))
      return error;
  for (PendingFile &file : pending)
    if (Error error = moveIntoPlace(file))
      return error;
  undoAll.release();
  for (PendingFile &file : pending)
    if (!file.backup.empty())
      sys::fs::remove(file.backup);
  return Error::success();
}
