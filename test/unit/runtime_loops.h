//===- runtime_loops.h - Loops from lambdas ---------------------*- C++ -*-===//
//
// Runs any code as a program of the runtime, any code as the body of one of its
// loops, and any code in a process of its own.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_UNIT_RUNTIME_LOOPS_H
#define LADON_TEST_UNIT_RUNTIME_LOOPS_H

#include "kernel_abi.h"
#include "ladon/ladon.h"

#include <cstdio>
#include <functional>
#include <sys/wait.h>
#include <unistd.h>

namespace ladon::test {

/// A function over (index, scratch) as the body of a loop.
using Body = std::function<void(int64_t, void *)>;

inline void loop(ladon_ctx *ctx, int64_t n, int64_t scratchBytes,
                 const Body &body) {
  ladon_rt_parallel_for(
      ctx, n, scratchBytes,
      [](void *env, int64_t i, void *scratch) {
        (*static_cast<const Body *>(env))(i, scratch);
      },
      const_cast<Body *>(&body));
}

/// Runs `code` as the body of a program without parameters but one scalar,
/// which carries the function.
inline int32_t enter(const std::function<void(ladon_ctx *)> &code,
                     const ladon_options *options) {
  static const ladon_param_info param = {"code", LADON_KIND_SCALAR, 0,      64,
                                         0,      nullptr,           nullptr};
  static const ladon_program program = {
      "any",
      1,
      &param,
      0,
      nullptr,
      1,
      [](ladon_ctx *ctx, void **args) {
        (*static_cast<const std::function<void(ladon_ctx *)> *>(args[0]))(ctx);
      },
      0,
      0,
      nullptr,
      nullptr,
      nullptr,
      nullptr};
  void *args[] = {const_cast<std::function<void(ladon_ctx *)> *>(&code)};
  return ladon_rt_enter(&program, args, options);
}

/// Runs in a forked child; the child's exit code is 0 when `code` is true.
inline int inChild(const std::function<bool()> &code) {
  fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(code() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

} // namespace ladon::test

#endif // LADON_TEST_UNIT_RUNTIME_LOOPS_H
