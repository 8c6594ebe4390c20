//===- simulated_gpu.h - Kernels on the simulated driver, by hand ---------===//

#ifndef LADON_TEST_UNIT_SIMULATED_GPU_H
#define LADON_TEST_UNIT_SIMULATED_GPU_H

#include "runtime/cuda-sim/block.h"
#include "runtime/cuda/cuda.h"

#include <cstdlib>
#include <string>
#include <vector>

extern "C" {
// The instructions, as the images of kernels call them (runtime/cuda-sim).
int32_t ladon_sim_thread();
void *ladon_sim_shared();
float ladon_sim_exp2(float x);
void ladon_sim_barrier();
int32_t ladon_sim_barrier_or(int32_t mine);
void ladon_sim_copy_async(void *to, const void *from, int32_t bytes,
                          int32_t present);
void ladon_sim_commit();
void ladon_sim_wait(int32_t open);
int32_t ladon_sim_shuffle(int32_t value, int32_t other, int32_t kind);
void ladon_sim_load_matrix(int32_t *out, const void *row, int32_t count,
                           int32_t transpose);
void ladon_sim_mma(float *c, const uint32_t *words, int32_t kind);

// The driver.
#define LADON_DECLARE(result, name, parameters) result name parameters;
LADON_CUDA_FUNCTIONS(LADON_DECLARE)
#undef LADON_DECLARE
}

namespace ladon::simulated {

/// The thread has a context while this lives.
struct Context {
  Context() {
    CUcontext context;
    cuDevicePrimaryCtxRetain(&context, 0);
    cuCtxPushCurrent_v2(context);
  }
  Context(const Context &) = delete;
  ~Context() { cuCtxPopCurrent_v2(nullptr); }
};

/// Device memory with these elements.
template <typename T> struct Memory {
  explicit Memory(const std::vector<T> &values) : count(values.size()) {
    cuMemAlloc_v2(&address, count * sizeof(T));
    cuMemcpyHtoD_v2(address, values.data(), count * sizeof(T));
  }
  Memory(const Memory &) = delete;
  ~Memory() { cuMemFree_v2(address); }

  std::vector<T> read() const {
    std::vector<T> values(count);
    cuMemcpyDtoH_v2(values.data(), address, count * sizeof(T));
    return values;
  }

  size_t count;
  CUdeviceptr address = 0;
};

/// The simulated driver knows a kernel by its address.
inline CUkernel asKernel(sim::Kernel kernel) {
  return reinterpret_cast<CUkernel>(kernel);
}

/// Runs one block; what the driver says of it, or nothing.
inline std::string launch(sim::Kernel kernel, unsigned threads, unsigned shared,
                          void **arguments, uint64_t seed) {
  setenv("LADON_SIM_SEED", std::to_string(seed).c_str(), 1);
  Context context;
  CUresult status = cuLaunchKernel(asKernel(kernel), 1, 1, 1, threads, 1, 1,
                                   shared, nullptr, arguments, nullptr);
  unsetenv("LADON_SIM_SEED");
  if (status == CUDA_SUCCESS)
    return "";
  const char *text = nullptr;
  cuGetErrorString(status, &text);
  return text;
}

} // namespace ladon::simulated

#endif // LADON_TEST_UNIT_SIMULATED_GPU_H
