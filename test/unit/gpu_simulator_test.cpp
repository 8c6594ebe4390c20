// The simulated driver (runtime/cuda-sim): what a kernel does right has its
// result, and what it does wrong is noticed. Kernels are functions that call
// the instructions one by one, as compiled ones do.

#include "runtime/cuda/cuda.h"
#include "test/unit/simulated_gpu.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

using namespace ladon::simulated;

namespace {

constexpr unsigned warp = 32;

/// The argument of a kernel with that number, as it was given at the launch.
template <typename T> T argument(void **arguments, int number) {
  return *static_cast<T *>(arguments[number]);
}

char *sharedBytes() { return static_cast<char *>(ladon_sim_shared()); }

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// Thread 0 copies 16 bytes; all store the first word of them. What is left
/// out is what a kernel may forget.
template <bool waits, bool meets, int present = 16>
void copyKernel(void **arguments) {
  auto *from = argument<const int32_t *>(arguments, 0);
  auto *to = argument<int32_t *>(arguments, 1);
  if (ladon_sim_thread() == 0) {
    ladon_sim_copy_async(sharedBytes(), from, 16, present);
    ladon_sim_commit();
    if (waits)
      ladon_sim_wait(0);
  }
  if (meets)
    ladon_sim_barrier();
  int32_t words[4];
  memcpy(words, sharedBytes(), 16);
  to[ladon_sim_thread()] = words[ladon_sim_thread() % 4];
}

/// What each thread stores, for one order of the threads.
std::vector<int32_t> runCopy(ladon::sim::Kernel kernel, uint64_t seed) {
  Memory<int32_t> from({1, 2, 3, 4}), to(std::vector<int32_t>(warp, 0));
  void *arguments[] = {&from.address, &to.address};
  EXPECT_EQ(launch(kernel, warp, 64, arguments, seed), "");
  return to.read();
}

TEST(GpuSimulator, CopiesArriveWhereTheyAreWaitedFor) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    std::vector<int32_t> stored = runCopy(copyKernel<true, true>, seed);
    for (unsigned n = 0; n < warp; ++n)
      EXPECT_EQ(stored[n], int32_t(n % 4 + 1));
  }
}

/// How often, of 32 orders, thread 0 finds the bytes of poisoned memory.
int countMissing(ladon::sim::Kernel kernel, int word = 0) {
  int missing = 0;
  for (uint64_t seed = 0; seed < 32; ++seed)
    missing += runCopy(kernel, seed)[word] == -1;
  return missing;
}

TEST(GpuSimulator, CopyThatNobodyWaitsForArrivesNowOrLater) {
  int missing = countMissing(copyKernel<false, true>);
  EXPECT_GT(missing, 0);
  EXPECT_LT(missing, 32);
}

TEST(GpuSimulator, MissingBarrierShowsInSomeOrder) {
  int wrong = 0;
  for (uint64_t seed = 0; seed < 8; ++seed)
    for (int32_t word : runCopy(copyKernel<true, false>, seed))
      wrong += word == -1;
  EXPECT_GT(wrong, 0);
}

TEST(GpuSimulator, BytesThatAreNotPresentBecomeZero) {
  std::vector<int32_t> half = runCopy(copyKernel<true, true, 8>, 1);
  EXPECT_EQ(half[0], 1);
  EXPECT_EQ(half[1], 2);
  EXPECT_EQ(half[2], 0);
  EXPECT_EQ(half[3], 0);
}

/// Two groups; `open` of them may be under way.
template <int open> void groupsKernel(void **arguments) {
  auto *from = argument<const int32_t *>(arguments, 0);
  auto *to = argument<int32_t *>(arguments, 1);
  if (ladon_sim_thread() != 0)
    return;
  for (int group = 0; group < 2; ++group) {
    ladon_sim_copy_async(sharedBytes() + 16 * group, from, 16, 16);
    ladon_sim_commit();
  }
  ladon_sim_wait(open);
  memcpy(&to[0], sharedBytes(), 4);
  memcpy(&to[1], sharedBytes() + 16, 4);
}

TEST(GpuSimulator, WaitingLeavesTheNewestGroups) {
  EXPECT_EQ(countMissing(groupsKernel<0>, 1), 0);
  EXPECT_EQ(countMissing(groupsKernel<1>, 0), 0);
  EXPECT_GT(countMissing(groupsKernel<1>, 1), 0);
  EXPECT_GT(countMissing(groupsKernel<2>, 0), 0);
}

/// A copy that the hardware does not do, or that nobody can wait for.
template <int toOffset, int fromOffset, bool commits>
void badCopyKernel(void **arguments) {
  auto *from = argument<const char *>(arguments, 0);
  if (ladon_sim_thread() != 0)
    return;
  ladon_sim_copy_async(sharedBytes() + toOffset, from + fromOffset, 16, 0);
  if (commits)
    ladon_sim_commit();
}

std::string problemOf(ladon::sim::Kernel kernel) {
  Memory<int32_t> memory({1, 2, 3, 4});
  void *arguments[] = {&memory.address, &memory.address};
  return launch(kernel, warp, 64, arguments, 1);
}

TEST(GpuSimulator, CopiesOutOfPlaceAreNoticed) {
  EXPECT_EQ(problemOf(badCopyKernel<48, 0, true>), "");
  EXPECT_NE(problemOf(badCopyKernel<56, 0, true>).find("outside of shared"),
            std::string::npos);
  EXPECT_NE(problemOf(badCopyKernel<64, 0, true>).find("outside of shared"),
            std::string::npos);
  EXPECT_NE(problemOf(badCopyKernel<-16, 0, true>).find("outside of shared"),
            std::string::npos);
  EXPECT_NE(problemOf(badCopyKernel<8, 0, true>).find("not aligned"),
            std::string::npos);
  EXPECT_NE(problemOf(badCopyKernel<0, 4, true>).find("not aligned"),
            std::string::npos);
  EXPECT_NE(problemOf(badCopyKernel<0, 0, false>).find("not part of a group"),
            std::string::npos);
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

void halfWaits(void **) {
  if (ladon_sim_thread() < 16)
    ladon_sim_barrier();
}

void oneLaneLeft(void **) {
  if (ladon_sim_thread() != 7)
    ladon_sim_shuffle(0, 1, 0);
}

TEST(GpuSimulator, ThreadsThatWaitForEverAreNoticed) {
  EXPECT_NE(problemOf(halfWaits).find("wait for each other for ever"),
            std::string::npos);
  EXPECT_NE(problemOf(oneLaneLeft).find("wait for each other for ever"),
            std::string::npos);
}

/// Each thread notes when it was there.
void orderKernel(void **arguments) {
  auto *next = argument<int32_t *>(arguments, 0);
  argument<int32_t *>(arguments, 1)[(*next)++] = ladon_sim_thread();
}

TEST(GpuSimulator, ThreadsRunInTheOrderOfTheSeed) {
  auto order = [](uint64_t seed) {
    Memory<int32_t> next({0}), to(std::vector<int32_t>(64, -1));
    void *arguments[] = {&next.address, &to.address};
    EXPECT_EQ(launch(orderKernel, 64, 0, arguments, seed), "");
    return to.read();
  };
  std::vector<int32_t> first = order(1);
  EXPECT_EQ(order(1), first);
  EXPECT_NE(order(2), first);
  EXPECT_EQ(std::set<int32_t>(first.begin(), first.end()).size(), 64u);
}

void anyKernel(void **arguments) {
  int32_t with = argument<int32_t>(arguments, 1);
  int32_t any = ladon_sim_barrier_or(ladon_sim_thread() == with);
  // Once more, so that nothing is left of the first time.
  int32_t none = ladon_sim_barrier_or(0);
  argument<int32_t *>(arguments, 0)[ladon_sim_thread()] = 10 * none + any;
}

TEST(GpuSimulator, BarrierTellsAllThreadsWhetherOneSaidYes) {
  for (int32_t with : {-1, 0, 63}) {
    Memory<int32_t> to(std::vector<int32_t>(64, 7));
    void *arguments[] = {&to.address, &with};
    EXPECT_EQ(launch(anyKernel, 64, 0, arguments, 1), "");
    for (int32_t any : to.read())
      EXPECT_EQ(any, with >= 0);
  }
}

void shuffleKernel(void **arguments) {
  auto *to = argument<int32_t *>(arguments, 0);
  int32_t n = ladon_sim_thread();
  to[n] = ladon_sim_shuffle(n, 5, 0);
  to[warp + n] = ladon_sim_shuffle(n, 31 - n, 1);
}

TEST(GpuSimulator, ShufflesReadTheOtherLane) {
  Memory<int32_t> to(std::vector<int32_t>(2 * warp, 0));
  void *arguments[] = {&to.address};
  ASSERT_EQ(launch(shuffleKernel, warp, 0, arguments, 3), "");
  for (int32_t n = 0; n < int32_t(warp); ++n) {
    EXPECT_EQ(to.read()[n], n ^ 5);
    EXPECT_EQ(to.read()[warp + n], 31 - n);
  }
}

//===----------------------------------------------------------------------===//
// Fragments, as the PTX ISA draws them
//===----------------------------------------------------------------------===//

/// Four matrices of 8 x 8 in shared memory: element (r, c) of matrix m is
/// 100 m + 10 r + c.
template <bool transpose> void matrixKernel(void **arguments) {
  int32_t n = ladon_sim_thread();
  auto *rows = reinterpret_cast<uint16_t *>(sharedBytes());
  for (int c = 0; c < 8; ++c)
    rows[8 * n + c] = uint16_t(100 * (n / 8) + 10 * (n % 8) + c);
  ladon_sim_barrier();
  ladon_sim_load_matrix(argument<int32_t *>(arguments, 0) + 4 * n, rows + 8 * n,
                        4, transpose);
}

TEST(GpuSimulator, MatricesAreLoadedAsPairsOfARowOrOfAColumn) {
  for (bool transpose : {false, true}) {
    Memory<int32_t> to(std::vector<int32_t>(4 * warp, 0));
    void *arguments[] = {&to.address};
    ASSERT_EQ(launch(transpose ? matrixKernel<true> : matrixKernel<false>, warp,
                     512, arguments, 1),
              "");
    std::vector<int32_t> words = to.read();
    for (int n = 0; n < int(warp); ++n)
      for (int m = 0; m < 4; ++m)
        for (int half = 0; half < 2; ++half) {
          int row = n / 4, column = 2 * (n % 4) + half;
          if (transpose)
            std::swap(row, column);
          EXPECT_EQ(words[4 * n + m] >> (16 * half) & 0xffff,
                    100 * m + 10 * row + column);
        }
  }
}

void unalignedMatrix(void **) {
  int32_t out[1];
  ladon_sim_load_matrix(out, sharedBytes() + 8, 1, 0);
}

/// Row n of a matrix lies 16 n bytes behind the first.
void matrixBehind(void **) {
  int32_t out[1];
  ladon_sim_load_matrix(out, sharedBytes() + 16 * ladon_sim_thread(), 1, 0);
}

TEST(GpuSimulator, RowsOfMatricesHaveTheirPlaces) {
  EXPECT_NE(problemOf(unalignedMatrix).find("not aligned"), std::string::npos);
  // Eight rows are 128 bytes, and there are 64.
  EXPECT_NE(problemOf(matrixBehind).find("outside of shared"),
            std::string::npos);
}

/// The number with value `x` in the type of `kind`.
uint32_t encode(float x, int kind) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if (kind == 2)
    return bits;
  if (kind == 1)
    return bits >> 16;
  auto half = static_cast<_Float16>(x);
  uint16_t narrow;
  memcpy(&narrow, &half, 2);
  return narrow;
}

/// Small integers, so that all sums are exact.
float leftAt(int row, int k) { return float((3 * row + 5 * k) % 7 - 3); }
float rightAt(int k, int column) { return float((2 * k + 3 * column) % 5 - 2); }
float startAt(int row, int column) { return float(row - column); }

/// One product; `arguments` are where the accumulators go, and the kind.
void productKernel(void **arguments) {
  int32_t kind = argument<int32_t>(arguments, 1), n = ladon_sim_thread();
  int g = n / 4, t = n % 4;
  uint32_t words[6];
  for (int word = 0; word < 6; ++word) {
    bool isLeft = word < 4;
    // Of the left operand: rows g and g + 8 take turns, then come the columns
    // of the second half.
    int row = g + 8 * (word % 2), far = isLeft ? word / 2 : word - 4;
    auto at = [&](int k) {
      return encode(isLeft ? leftAt(row, k) : rightAt(k, g), kind);
    };
    words[word] = kind == 2
                      ? at(t + 4 * far)
                      : at(2 * t + 8 * far) | at(2 * t + 1 + 8 * far) << 16;
  }
  float sums[4];
  for (int e = 0; e < 4; ++e)
    sums[e] = startAt(g + 8 * (e / 2), 2 * t + e % 2);
  ladon_sim_mma(sums, words, kind);
  memcpy(argument<float *>(arguments, 0) + 4 * n, sums, sizeof sums);
}

TEST(GpuSimulator, ProductsAddToTheAccumulators) {
  for (int32_t kind : {0, 1, 2}) {
    Memory<float> to(std::vector<float>(4 * warp, 0));
    void *arguments[] = {&to.address, &kind};
    ASSERT_EQ(launch(productKernel, warp, 0, arguments, 1), "");
    std::vector<float> sums = to.read();
    for (int n = 0; n < int(warp); ++n)
      for (int e = 0; e < 4; ++e) {
        int row = n / 4 + 8 * (e / 2), column = 2 * (n % 4) + e % 2;
        float expected = startAt(row, column);
        for (int k = 0; k < (kind == 2 ? 8 : 16); ++k)
          expected += leftAt(row, k) * rightAt(k, column);
        EXPECT_EQ(sums[4 * n + e], expected) << kind << " " << n << " " << e;
      }
  }
}

TEST(GpuSimulator, PowersBelowTheNormalNumbersAreZero) {
  EXPECT_EQ(ladon_sim_exp2(3), 8);
  EXPECT_EQ(ladon_sim_exp2(-126), 0x1p-126f);
  EXPECT_EQ(ladon_sim_exp2(-126.5f), 0);
  EXPECT_EQ(ladon_sim_exp2(-INFINITY), 0);
  EXPECT_TRUE(std::isnan(ladon_sim_exp2(NAN)));
}

//===----------------------------------------------------------------------===//
// Memory and launches
//===----------------------------------------------------------------------===//

void writeBehind(void **arguments) {
  if (ladon_sim_thread() == 0)
    argument<int32_t *>(arguments, 0)[4] = 1;
}

void readShared(void **arguments) {
  if (ladon_sim_thread() == 0)
    argument<int32_t *>(arguments, 0)[0] = sharedBytes()[128];
}

TEST(GpuSimulatorDeathTest, AccessBeyondMemoryFaults) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(problemOf(writeBehind), testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(problemOf(readShared), testing::KilledBySignal(SIGSEGV), "");
}

TEST(GpuSimulatorDeathTest, HostCannotTouchDeviceMemory) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Memory<int32_t> memory({1});
  EXPECT_EXIT(*reinterpret_cast<volatile int32_t *>(memory.address),
              testing::KilledBySignal(SIGSEGV), "");
}

TEST(GpuSimulator, LaunchesThatAGpuRefusesAreRefused) {
  Context context;
  void *none[] = {nullptr};
  auto status = [&](unsigned blocks, unsigned threads) {
    return cuLaunchKernel(asKernel(halfWaits), blocks, 1, 1, threads, 1, 1, 0,
                          nullptr, none, nullptr);
  };
  EXPECT_EQ(status(0, warp), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(status(1, 33), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(
      cuKernelSetAttribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                           228 << 10, asKernel(halfWaits), 0),
      CUDA_ERROR_INVALID_VALUE);
  CUdeviceptr memory;
  EXPECT_EQ(cuMemAlloc_v2(&memory, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemFree_v2(17), CUDA_ERROR_INVALID_VALUE);
  CUlibrary library;
  EXPECT_EQ(cuLibraryLoadData(&library, "PTX", nullptr, nullptr, 0, nullptr,
                              nullptr, 0),
            CUDA_ERROR_INVALID_IMAGE);
}

TEST(GpuSimulator, LaunchNeedsAContext) {
  void *none[] = {nullptr};
  EXPECT_EQ(cuLaunchKernel(asKernel(halfWaits), 1, 1, 1, warp, 1, 1, 0, nullptr,
                           none, nullptr),
            CUDA_ERROR_INVALID_CONTEXT);
}

} // namespace
