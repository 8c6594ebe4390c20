//===- pool_stress.cpp - The runtime under ThreadSanitizer ----------------===//
//
// Many callers, loops of all sizes, loops inside loops, loops on threads of the
// host, both kinds of scratch, memory that may be missing and failing
// allocations, all at once. The sanitizer makes the exit code.
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime_program.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace ladon::test;

namespace {

std::atomic<int> wrong{0};

/// An allocator whose every seventh allocation fails.
void attachFlakyAllocator(ladon_options &options, int *calls) {
  options.allocator_user = calls;
  options.allocate = [](void *user, size_t bytes, size_t align) -> void * {
    int call = ++*static_cast<int *>(user);
    return call % 7 == 0 ? nullptr : aligned_alloc(align, bytes);
  };
  options.deallocate = [](void *, void *memory, size_t) { free(memory); };
}

/// A loop of loops that counts its indices in ordinary memory.
void runNested(ladon_ctx *ctx, void **) {
  static constexpr int outer = 6, inner = 5;
  struct Env {
    ladon_ctx *ctx;
    int counts[outer] = {};
  } env{ctx};
  ladon_rt_parallel_for(
      ctx, outer, 128,
      [](void *opaque, int64_t i, void *scratch) {
        auto *env = static_cast<Env *>(opaque);
        *static_cast<int64_t *>(scratch) = i;
        ladon_rt_parallel_for(
            env->ctx, inner, 128,
            [](void *count, int64_t, void *) { ++*static_cast<int *>(count); },
            &env->counts[i]);
        if (*static_cast<int64_t *>(scratch) != i)
          ++wrong;
      },
      &env);
  for (int count : env.counts)
    if (count != inner)
      ++wrong;
}

/// A parallel-for of the host, on threads that do not outlive it.
int32_t hostParallelFor(void *, int64_t count, int32_t workers,
                        ladon_parallel_body body, void *env) {
  std::thread threads[4];
  for (int32_t worker = 0; worker < workers; ++worker)
    threads[worker] = std::thread([=] {
      for (int64_t i = worker; i < count; i += workers)
        body(env, i, worker);
    });
  for (int32_t worker = 0; worker < workers; ++worker)
    threads[worker].join();
  return 0;
}

/// A loop over memory that the code can do without.
void runOptional(ladon_ctx *ctx, void **) {
  static constexpr int64_t n = 9;
  auto *squares =
      static_cast<int64_t *>(ladon_rt_try_alloc(ctx, n * sizeof(int64_t)));
  if (!squares)
    return;
  ladon_rt_parallel_for(
      ctx, n, 0,
      [](void *env, int64_t i, void *) {
        static_cast<int64_t *>(env)[i] = i * i;
      },
      squares);
  // After a failed allocation of the loop none of it has run.
  if (!ladon_rt_try_alloc(ctx, 1))
    return;
  for (int64_t i = 0; i < n; ++i)
    if (squares[i] != i * i)
      ++wrong;
}

void callMany(int caller) {
  int allocations = caller;
  for (int round = 0; round < 300; ++round) {
    ExampleCall call;
    call.options.threads = 1 + (caller + round) % 4;
    bool flaky = round % 3 == 0;
    if (flaky)
      attachFlakyAllocator(call.options, &allocations);
    int32_t status = call.run();
    if (status == LADON_OK ? !call.isRight()
                           : !flaky || status != LADON_OUT_OF_MEMORY)
      ++wrong;

    static const ladon_program nested = {
        "nested", 0, nullptr, 0,       nullptr, 1,      runNested,
        0,        0, nullptr, nullptr, nullptr, nullptr};
    ladon_options options = LADON_OPTIONS_INIT;
    options.threads = 3;
    if (ladon_rt_enter(&nested, nullptr, &options) != LADON_OK)
      ++wrong;

    static const ladon_program optional = {
        "optional", 0, nullptr, 0,       nullptr, 1,      runOptional,
        0,          0, nullptr, nullptr, nullptr, nullptr};
    if (round % 10 == 0)
      options.parallel_for = hostParallelFor;
    if (flaky)
      attachFlakyAllocator(options, &allocations);
    status = ladon_rt_enter(&optional, nullptr, &options);
    if (status != LADON_OK && (!flaky || status != LADON_OUT_OF_MEMORY))
      ++wrong;
  }
}

} // namespace

int main() {
  std::thread callers[4];
  for (int i = 0; i < 4; ++i)
    callers[i] = std::thread(callMany, i);
  for (std::thread &caller : callers)
    caller.join();
  if (wrong)
    fprintf(stderr, "%d wrong results\n", wrong.load());
  return wrong != 0;
}
