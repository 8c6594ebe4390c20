//===- Progress.cpp - What is being done, on a terminal -------------------===//

#include "compiler/support/Progress.h"

#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

using namespace ladon;
using namespace std::chrono_literals;

/// What is done before need not be announced.
static constexpr auto delay = 500ms;
static constexpr auto interval = 200ms;
static constexpr llvm::StringLiteral eraseLine = "\r\x1b[K";

/// Whether a line can be written over.
static bool isOnTerminal() {
  const char *terminal = std::getenv("TERM");
  return llvm::sys::Process::StandardErrIsDisplayed() &&
         !(terminal && llvm::StringRef(terminal) == "dumb");
}

/// How many characters a line has; a large number where nobody knows.
static size_t terminalWidth() {
  winsize size = {};
  bool isKnown = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col;
  return isKnown ? size.ws_col : 1000;
}

Progress::Progress(llvm::StringRef task)
    : start(std::chrono::steady_clock::now()), task(task) {
  if (isOnTerminal())
    drawer = std::thread([this] { drawUntilDone(); });
}

void Progress::finish() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    isDone = true;
    erase();
  }
  changed.notify_one();
  if (drawer.joinable())
    drawer.join();
}

void Progress::update(llvm::StringRef newState) {
  std::lock_guard<std::mutex> lock(mutex);
  state = newState;
}

void Progress::update(size_t done, size_t total, llvm::StringRef units) {
  update((llvm::Twine(done) + " of " + llvm::Twine(total) + " " + units).str());
}

void Progress::print(llvm::StringRef text) {
  std::lock_guard<std::mutex> lock(mutex);
  erase();
  llvm::outs() << text;
  llvm::outs().flush();
}

void Progress::erase() {
  if (isDrawn)
    llvm::errs() << eraseLine;
  isDrawn = false;
}

void Progress::drawUntilDone() {
  std::unique_lock<std::mutex> lock(mutex);
  auto next = start + delay;
  while (!changed.wait_until(lock, next, [&] { return isDone; })) {
    auto now = std::chrono::steady_clock::now();
    auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now - start).count();
    std::string line = task + ": " + state + (state.empty() ? "" : ", ") +
                       std::to_string(seconds) + " s";
    // A line that wraps could not be taken away.
    line.resize(std::min(line.size(), terminalWidth() - 1));
    llvm::errs() << eraseLine << line;
    isDrawn = true;
    next = now + interval;
  }
}
