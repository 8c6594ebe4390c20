//===- Reproducer.cpp - What an internal error leaves behind --------------===//

#include "compiler/driver/compile/Reproducer.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <mutex>

bool ladon::survives(llvm::function_ref<void()> work) {
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext context;
  return context.RunSafely(work);
}

std::string ladon::makeReproducerFolder(llvm::StringRef name) {
  llvm::SmallString<128> path("ladon-reproducer-" + name.str());
  if (llvm::sys::fs::create_directories(path, /*IgnoreExisting=*/true,
                                        llvm::sys::fs::all_all))
    return "";
  return std::string(path);
}

void ladon::writeReproducer(llvm::StringRef folder, llvm::StringRef file,
                            llvm::StringRef text) {
  if (folder.empty())
    return;
  // Levels of a library may fail side by side, with the same files.
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  std::error_code error;
  llvm::raw_fd_ostream os((folder + "/" + file).str(), error);
  if (!error)
    os << text;
}

void ladon::writeReproducer(llvm::StringRef folder, llvm::StringRef file,
                            mlir::PassManager &pm, mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "// ladon-opt --pass-pipeline='";
  pm.printAsTextualPipeline(os);
  os << "'\n" << *module << '\n';
  writeReproducer(folder, file, text);
}
