//===- Watch.h - Who was running when the process died ---------*- C++ -*-===//
//
// A crash of the code under test, or one of the compiler in this process, ends
// it. A note of what each thread is doing is written down before, so that a
// signal can print it; so can a watch that sees that it takes too long.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_FUZZ_WATCH_H
#define LADON_TEST_E2E_FUZZ_WATCH_H

#include <string>

namespace ladon::e2e {

/// Prints the notes of this thread when it receives a deadly signal, and all
/// notes that are older than `seconds`, after which the process ends.
void startWatch(int seconds);

/// What this thread does while the note lives.
class Note {
public:
  explicit Note(std::string text);
  ~Note();
  Note(const Note &) = delete;

private:
  int slot;
};

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_FUZZ_WATCH_H
