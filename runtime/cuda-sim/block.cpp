//===- block.cpp - A simulated block of threads ---------------------------===//
//
// The instructions of a GPU that kernels use, as functions that the image of a
// kernel calls. Fragments are laid out as the PTX ISA says ("Matrix Fragments
// for mma.m16n8k16", "ldmatrix"). Of asynchronous copies some happen when they
// start, so that it shows when a buffer is still read, and the others when they
// are waited for and not before, so that a missing wait is seen.
//
//===----------------------------------------------------------------------===//

#include "block.h"
#include "fibers.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#define SIM extern "C" __attribute__((visibility("default")))

namespace ladon::sim {
namespace {

struct Copy {
  char *to;
  const char *from;
  int bytes, present;

  void run() const {
    memcpy(to, from, static_cast<size_t>(present));
    memset(to + present, 0, static_cast<size_t>(bytes - present));
  }
};

struct Thread {
  bool hasOpen = false;   ///< Copies that are in no group.
  std::vector<Copy> open; ///< Those of them that are still to be done.
  std::vector<std::vector<Copy>> groups;
};

struct Block {
  unsigned number = 0, threads = 0;
  char *shared = nullptr;
  size_t sharedBytes = 0;
  std::vector<Thread> perThread;
  Meeting all;
  uint32_t any = 0, result = 0;
  std::vector<Meeting> warps;
  void *slots[1024];
  std::string problem;
};

thread_local Block block;

/// Shared memory that ends where a page ends: what lies behind it faults.
class SharedMemory {
public:
  explicit SharedMemory(size_t bytes) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_t wanted = (bytes + 127) / 128 * 128;
    size = (wanted + page - 1) / page * page + page;
    void *mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
      abort();
    base = static_cast<char *>(mapped);
    mprotect(base + size - page, page, PROT_NONE);
    memory = base + size - page - wanted;
    // NaN in all types.
    memset(memory, 0xff, wanted);
  }
  SharedMemory(const SharedMemory &) = delete;
  ~SharedMemory() { munmap(base, size); }

  char *memory;

private:
  char *base;
  size_t size;
};

void report(const std::string &problem) {
  if (block.problem.empty())
    block.problem = problem;
}

int lane() { return currentThread() % 32; }
int firstOfWarp() { return currentThread() / 32 * 32; }

/// Has the last thread of the warp call `act`, with what all of them gave.
template <typename T, typename Act> void together(T &mine, Act act) {
  int first = firstOfWarp();
  block.slots[currentThread()] = &mine;
  meet(block.warps[first / 32], 32, [&] {
    act([&](int n) -> T & {
      return *static_cast<T *>(block.slots[first + n]);
    });
  });
}

/// A number of 16 bits.
float widen(uint16_t bits, bool isBrain) {
  if (isBrain) {
    uint32_t wide = uint32_t(bits) << 16;
    float x;
    memcpy(&x, &wide, 4);
    return x;
  }
  _Float16 half;
  memcpy(&half, &bits, 2);
  return static_cast<float>(half);
}

/// tf32 has 10 bits of fraction; the rest of an f32 is not looked at.
float truncateToTf32(uint32_t bits) {
  bits &= 0xffffe000u;
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

} // namespace

std::string runBlock(Kernel kernel, void **arguments, unsigned number,
                     unsigned threads, unsigned shared, uint64_t seed) {
  if (threads == 0 || threads > 1024 || threads % 32 != 0)
    return "a block of " + std::to_string(threads) + " threads";
  SharedMemory memory(shared);
  block = Block();
  block.number = number;
  block.threads = threads;
  block.shared = memory.memory;
  block.sharedBytes = shared;
  block.perThread.resize(threads);
  block.warps.resize(threads / 32);
  bool finished = runFibers(static_cast<int>(threads), seed,
                            [&](int) { kernel(arguments); });
  if (!finished)
    report("the threads wait for each other for ever");
  for (const Thread &thread : block.perThread)
    if (thread.hasOpen)
      report("a copy that is not part of a group");
  return block.problem;
}

} // namespace ladon::sim

using namespace ladon::sim;

SIM int32_t ladon_sim_thread() { return currentThread(); }
SIM int32_t ladon_sim_block() { return static_cast<int32_t>(block.number); }
SIM void *ladon_sim_shared() { return block.shared; }
SIM float ladon_sim_exp2(float x) {
  float result = exp2f(x);
  return std::fabs(result) < 0x1p-126f ? 0.0f : result;
}

SIM void ladon_sim_barrier() {
  meet(block.all, static_cast<int>(block.threads), [] {});
}

SIM int32_t ladon_sim_barrier_or(int32_t mine) {
  block.any |= static_cast<uint32_t>(mine != 0);
  meet(block.all, static_cast<int>(block.threads), [] {
    block.result = block.any;
    block.any = 0;
  });
  return static_cast<int32_t>(block.result);
}

SIM void ladon_sim_copy_async(void *to, const void *from, int32_t bytes,
                              int32_t present) {
  auto *target = static_cast<char *>(to);
  if (target < block.shared ||
      target + bytes > block.shared + block.sharedBytes)
    report("an asynchronous copy to outside of shared memory");
  if (reinterpret_cast<uintptr_t>(to) % bytes ||
      reinterpret_cast<uintptr_t>(from) % bytes)
    report("an asynchronous copy that is not aligned");
  if (!block.problem.empty())
    return;
  Copy copy{target, static_cast<const char *>(from), bytes, present};
  Thread &thread = block.perThread[currentThread()];
  thread.hasOpen = true;
  if (nextRandom() % 2)
    copy.run();
  else
    thread.open.push_back(copy);
}

SIM void ladon_sim_commit() {
  Thread &thread = block.perThread[currentThread()];
  thread.groups.push_back(std::move(thread.open));
  thread.open.clear();
  thread.hasOpen = false;
}

SIM void ladon_sim_wait(int32_t open) {
  Thread &thread = block.perThread[currentThread()];
  while (thread.groups.size() > static_cast<size_t>(open)) {
    for (const Copy &copy : thread.groups.front())
      copy.run();
    thread.groups.erase(thread.groups.begin());
  }
}

/// `kind`: 0 the lane at a distance (exclusive or), 1 that lane.
SIM int32_t ladon_sim_shuffle(int32_t value, int32_t other, int32_t kind) {
  struct Request {
    int32_t value, from, result;
  } mine{value, (kind == 0 ? lane() ^ other : other) & 31, 0};
  together(mine, [](auto of) {
    for (int n = 0; n < 32; ++n)
      of(n).result = of(of(n).from).value;
  });
  return mine.result;
}

/// `count` matrices of 8 x 8 numbers of 16 bits; row r of matrix m lies where
/// lane 8 m + r says. A lane gets two neighbours of row lane / 4, or, with
/// `transpose`, of column lane / 4.
SIM void ladon_sim_load_matrix(int32_t *out, const void *row, int32_t count,
                               int32_t transpose) {
  struct Request {
    int32_t *out;
    const char *row;
  } mine{out, static_cast<const char *>(row)};
  if (reinterpret_cast<uintptr_t>(row) % 16)
    report("a row of a matrix that is not aligned");
  // Lanes beyond the rows of all matrices give no address.
  bool isRow = lane() < 8 * count;
  if (isRow && (mine.row < block.shared ||
                mine.row + 16 > block.shared + block.sharedBytes)) {
    report("a row of a matrix outside of shared memory");
    mine.row = block.shared;
  }
  together(mine, [&](auto of) {
    for (int m = 0; m < count; ++m)
      for (int n = 0; n < 32; ++n) {
        uint16_t pair[2];
        for (int c = 0; c < 2; ++c) {
          int r = n / 4, column = 2 * (n % 4) + c;
          if (transpose)
            std::swap(r, column);
          memcpy(&pair[c], of(8 * m + r).row + 2 * column, 2);
        }
        memcpy(&of(n).out[m], pair, 4);
      }
  });
}

/// m16n8k16 of f16 (0) or bf16 (1), m16n8k8 of tf32 (2): four words of the left
/// operand, two of the right one, and four accumulators that are updated.
SIM void ladon_sim_mma(float *c, const uint32_t *words, int32_t kind) {
  struct Request {
    float *c;
    const uint32_t *words;
  } mine{c, words};
  together(mine, [&](auto of) {
    float left[16][16] = {}, right[16][8] = {};
    int depth = kind == 2 ? 8 : 16;
    for (int n = 0; n < 32; ++n) {
      const uint32_t *w = of(n).words;
      int g = n / 4, t = n % 4;
      for (int word = 0; word < 6; ++word) {
        bool isLeft = word < 4;
        int row = g + (isLeft && word % 2 ? 8 : 0);
        int far = isLeft ? word / 2 : word - 4;
        if (kind == 2) {
          float x = truncateToTf32(w[word]);
          (isLeft ? left[row][t + 4 * far] : right[t + 4 * far][g]) = x;
          continue;
        }
        for (int half = 0; half < 2; ++half) {
          float x =
              widen(static_cast<uint16_t>(w[word] >> (16 * half)), kind == 1);
          int k = 2 * t + half + 8 * far;
          (isLeft ? left[row][k] : right[k][g]) = x;
        }
      }
    }
    float sums[16][8];
    auto forEach = [&](auto visit) {
      for (int n = 0; n < 32; ++n)
        for (int e = 0; e < 4; ++e)
          visit(of(n).c[e], sums[n / 4 + 8 * (e / 2)][2 * (n % 4) + e % 2]);
    };
    forEach([](float &theirs, float &sum) { sum = theirs; });
    for (int row = 0; row < 16; ++row)
      for (int k = 0; k < depth; ++k)
        for (int column = 0; column < 8; ++column)
          sums[row][column] += left[row][k] * right[k][column];
    forEach([](float &theirs, float &sum) { theirs = sum; });
  });
}

/// What LLVM calls for a conversion that x86 has no instruction for. To
/// nearest, ties to even; the result in the lowest bits of xmm0.
SIM float ladon_sim_to_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    bits |= 0x400000u; // a quiet NaN stays one
  else
    bits += 0x7fffu + (bits >> 16 & 1);
  bits >>= 16;
  memcpy(&x, &bits, 4);
  return x;
}
__asm__(".globl __truncsfbf2\n.type __truncsfbf2,@function\n"
        "__truncsfbf2: jmp ladon_sim_to_bf16@PLT\n");
