//===- Watch.cpp - Who was running when the process died ------------------===//

#include "test/e2e/fuzz/Watch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>
#include <unistd.h>

using namespace ladon::e2e;
using Clock = std::chrono::steady_clock;

namespace {

/// A note and since when it is there.
struct Slot {
  std::string text;
  Clock::time_point since;
  std::atomic<bool> isUsed{false};
};

std::array<Slot, 64> slots;
std::mutex slotsMutex;
thread_local int ownSlot = -1;

void print(const char *text, size_t length) {
  while (length > 0) {
    ssize_t written = write(STDOUT_FILENO, text, length);
    if (written <= 0)
      return;
    text += written;
    length -= written;
  }
}

void printNote(const char *what, const Slot &slot) {
  print(what, std::strlen(what));
  print(slot.text.data(), slot.text.size());
}

/// Only functions that a signal handler may call.
void onSignal(int signal) {
  if (ownSlot >= 0)
    printNote("FAIL crash of ", slots[ownSlot]);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// How much faster time goes by than this process is let to compute, when more
/// programs run than there are cores.
double waitingFactor(Clock::time_point start) {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  std::chrono::duration<double> passed = Clock::now() - start;
  double computed = double(used.tv_sec) + 1e-9 * double(used.tv_nsec);
  return std::clamp(passed.count() / std::max(computed, 1.0), 1.0, 100.0);
}

void watch(int seconds) {
  Clock::time_point start = Clock::now();
  while (true) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    std::lock_guard<std::mutex> lock(slotsMutex);
    Clock::time_point now = Clock::now();
    std::chrono::duration<double> limit(seconds * waitingFactor(start));
    for (const Slot &slot : slots)
      if (slot.isUsed && now - slot.since > limit) {
        printNote("FAIL takes too long: ", slot);
        _exit(1);
      }
  }
}

} // namespace

void ladon::e2e::startWatch(int seconds) {
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    std::signal(signal, onSignal);
  std::thread(watch, seconds).detach();
}

Note::Note(std::string text) : slot(-1) {
  std::lock_guard<std::mutex> lock(slotsMutex);
  for (size_t at = 0; at < slots.size() && slot < 0; ++at)
    if (!slots[at].isUsed)
      slot = int(at);
  if (slot < 0)
    return;
  slots[slot].text = std::move(text);
  slots[slot].since = Clock::now();
  slots[slot].isUsed = true;
  ownSlot = slot;
}

Note::~Note() {
  ownSlot = -1;
  if (slot < 0)
    return;
  std::lock_guard<std::mutex> lock(slotsMutex);
  slots[slot].isUsed = false;
}
