//===- Progress.h - What is being done, on a terminal ----------*- C++ -*-===//
//
// A line for people who wait: what is being done, how far it is and for how
// long it has been, on standard error while that is a terminal, and gone when
// it is done. Where standard error is a pipe or a file, nothing is written.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_SUPPORT_PROGRESS_H
#define LADON_COMPILER_SUPPORT_PROGRESS_H

#include "llvm/ADT/StringRef.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace ladon {

/// The line of one task; there is one at a time. It appears when the task has
/// taken half a second. Its functions may be called by several threads.
class Progress {
public:
  /// `task` is what is being done, "checking gqa".
  explicit Progress(llvm::StringRef task);
  ~Progress() { finish(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// How far the task is: "trial 3 of 80".
  void update(llvm::StringRef state);
  /// `done` units of `total` are done: "3 of 80 trials".
  void update(size_t done, size_t total, llvm::StringRef units);

  /// Writes text, of whole lines, to standard output; the line goes on below.
  void print(llvm::StringRef text);

  /// Takes the line away for good.
  void finish();

private:
  void drawUntilDone();
  void erase();

  const std::chrono::steady_clock::time_point start;
  std::mutex mutex; ///< Of what follows.
  std::condition_variable changed;
  std::string task, state;
  bool isDrawn = false, isDone = false;
  std::thread drawer; ///< None where there is no terminal.
};

} // namespace ladon

#endif // LADON_COMPILER_SUPPORT_PROGRESS_H
