//===- fibers.cpp - The threads of a simulated block ----------------------===//

#include "fibers.h"

#include <cstdlib>
#include <sys/mman.h>

// Saves what a function has to preserve, and goes on where the other left.
extern "C" void ladon_sim_switch(void **save, void *restore);
__asm__(".text\n"
        ".globl ladon_sim_switch\n"
        ".hidden ladon_sim_switch\n"
        ".type ladon_sim_switch,@function\n"
        "ladon_sim_switch:\n"
        "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n"
        "  push %r14\n  push %r15\n"
        "  mov %rsp, (%rdi)\n"
        "  mov %rsi, %rsp\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n"
        "  pop %rbx\n  pop %rbp\n"
        "  ret\n"
        ".size ladon_sim_switch, .-ladon_sim_switch\n");

namespace ladon::sim {
namespace {

constexpr size_t stackBytes = 512 << 10;
constexpr int mostThreads = 1024;

struct Fiber {
  void *stack = nullptr; ///< Where it was left.
  bool done = false;
};

struct Scheduler {
  std::vector<Fiber> fibers;
  std::vector<int> ready; ///< Those that can run, but the current one.
  int current = 0;
  void *host = nullptr;
  uint64_t random = 0;
  const std::function<void(int)> *body = nullptr;

  /// xorshift64* (Vigna 2016).
  uint64_t next() {
    random ^= random >> 12;
    random ^= random << 25;
    random ^= random >> 27;
    return random * 0x2545F4914F6CDD1Dull;
  }

  /// A fiber that can run, taken out of the list; or -1.
  int choose() {
    if (ready.empty())
      return -1;
    std::swap(ready[next() % ready.size()], ready.back());
    int chosen = ready.back();
    ready.pop_back();
    return chosen;
  }

  /// Leaves the current fiber for another one, or for the host when there is
  /// none that can run.
  void leave() {
    void **save = &fibers[current].stack;
    int to = choose();
    if (to < 0) {
      ladon_sim_switch(save, host);
      return;
    }
    current = to;
    ladon_sim_switch(save, fibers[to].stack);
  }
};

thread_local Scheduler scheduler;

void enter() {
  Scheduler &s = scheduler;
  (*s.body)(s.current);
  s.fibers[s.current].done = true;
  s.leave();
  __builtin_unreachable();
}

/// Memory for all stacks, made once; pages that nobody touches cost nothing.
char *stacks() {
  static thread_local char *memory = nullptr;
  if (!memory) {
    void *mapped =
        mmap(nullptr, stackBytes * mostThreads, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
      abort();
    memory = static_cast<char *>(mapped);
  }
  return memory;
}

} // namespace

bool runFibers(int count, uint64_t seed, const std::function<void(int)> &body) {
  Scheduler &s = scheduler;
  s.fibers.assign(count, Fiber());
  s.ready.clear();
  s.random = seed * 2 + 1;
  s.body = &body;
  for (int n = 0; n < count; ++n) {
    // What the switch takes off: six registers and where to go; the stack is
    // then as after a call.
    auto *top = reinterpret_cast<void **>(stacks() + (n + 1) * stackBytes);
    *--top = nullptr;
    *--top = reinterpret_cast<void *>(&enter);
    for (int r = 0; r < 6; ++r)
      *--top = nullptr;
    s.fibers[n].stack = top;
    s.ready.push_back(n);
  }
  s.current = s.choose();
  ladon_sim_switch(&s.host, s.fibers[s.current].stack);
  for (const Fiber &fiber : s.fibers)
    if (!fiber.done)
      return false;
  return true;
}

int currentThread() { return scheduler.current; }

uint64_t nextRandom() { return scheduler.next() >> 11; }

void meet(Meeting &meeting, int count, const std::function<void()> &act) {
  Scheduler &s = scheduler;
  if (static_cast<int>(meeting.waiting.size()) + 1 == count) {
    act();
    s.ready.insert(s.ready.end(), meeting.waiting.begin(),
                   meeting.waiting.end());
    meeting.waiting.clear();
    return;
  }
  meeting.waiting.push_back(s.current);
  s.leave();
}

} // namespace ladon::sim
