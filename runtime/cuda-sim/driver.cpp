//===- driver.cpp - A CUDA driver without a GPU ---------------------------===//
//
// The functions of cuda.h on the CPU: an image is a shared library
// (`emitSimulation`), device memory is memory that nobody but a kernel or a
// copy may touch, and a launch runs block after block.
//
//===----------------------------------------------------------------------===//

#include "../cuda/cuda.h"
#include "block.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <map>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#define DRIVER extern "C" __attribute__((visibility("default"))) CUresult

namespace {

/// One allocation: pages of its own, the last byte in front of a page that
/// cannot be touched.
struct Memory {
  char *base;
  size_t pages; ///< bytes without that page
};

std::mutex mutex;
std::map<CUdeviceptr, Memory> memories;
std::string lastProblem;
thread_local CUcontext current;
int context; // its address is the only context there is

/// Device memory can be touched while one of these lives.
class Access {
public:
  Access() : lock(mutex) { protect(PROT_READ | PROT_WRITE); }
  ~Access() { protect(PROT_NONE); }

private:
  static void protect(int protection) {
    for (auto &[pointer, memory] : memories)
      mprotect(memory.base, memory.pages, protection);
  }
  std::lock_guard<std::mutex> lock;
};

size_t pageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

/// The size of an ELF file whose section headers are at its end.
size_t fileSize(const void *image) {
  const auto *header = static_cast<const Elf64_Ehdr *>(image);
  return header->e_shoff + size_t(header->e_shnum) * header->e_shentsize;
}

} // namespace

DRIVER cuInit(unsigned) { return CUDA_SUCCESS; }

DRIVER cuDeviceGet(CUdevice *device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/// The compute capability is that of an H100 unless LADON_SIM_CAPABILITY says
/// another one: 80 for 8.0.
DRIVER cuDeviceGetAttribute(int *value, int attribute, CUdevice) {
  const char *text = getenv("LADON_SIM_CAPABILITY");
  int capability = text ? atoi(text) : 90;
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
    *value = 1;
    return CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    *value = capability / 10;
    return CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    *value = capability % 10;
    return CUDA_SUCCESS;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

DRIVER cuDeviceGetCount(int *count) {
  *count = 1;
  return CUDA_SUCCESS;
}

DRIVER cuDriverGetVersion(int *version) {
  *version = 12000;
  return CUDA_SUCCESS;
}

DRIVER cuDeviceGetName(char *name, int length, CUdevice) {
  snprintf(name, static_cast<size_t>(length), "simulated GPU");
  return CUDA_SUCCESS;
}

DRIVER cuCtxGetCurrent(CUcontext *result) {
  *result = current;
  return CUDA_SUCCESS;
}

DRIVER cuCtxGetDevice(CUdevice *device) {
  *device = 0;
  return current ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

DRIVER cuCtxPushCurrent_v2(CUcontext pushed) {
  current = pushed;
  return CUDA_SUCCESS;
}

DRIVER cuCtxPopCurrent_v2(CUcontext *popped) {
  if (popped)
    *popped = current;
  current = nullptr;
  return CUDA_SUCCESS;
}

DRIVER cuCtxSynchronize(void) {
  return current ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

DRIVER cuDevicePrimaryCtxRetain(CUcontext *result, CUdevice device) {
  *result = reinterpret_cast<CUcontext>(&context);
  return device == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

DRIVER cuLibraryLoadData(CUlibrary *library, const void *code, int *, void **,
                         unsigned, int *, void **, unsigned) {
  if (memcmp(code, ELFMAG, SELFMAG) != 0)
    return CUDA_ERROR_INVALID_IMAGE;
  int file = memfd_create("kernels", MFD_CLOEXEC);
  if (file < 0)
    return CUDA_ERROR_OUT_OF_MEMORY;
  size_t bytes = fileSize(code);
  bool written = write(file, code, bytes) == static_cast<ssize_t>(bytes);
  std::string path = "/proc/self/fd/" + std::to_string(file);
  void *handle =
      written ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (!handle && written)
    fprintf(stderr, "simulated driver: %s\n", dlerror());
  // The file stays open: a loader knows a library by its path.
  if (!handle)
    return CUDA_ERROR_INVALID_IMAGE;
  *library = static_cast<CUlibrary>(handle);
  return CUDA_SUCCESS;
}

DRIVER cuLibraryGetKernel(CUkernel *kernel, CUlibrary library,
                          const char *name) {
  *kernel = static_cast<CUkernel>(dlsym(library, name));
  return *kernel ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

DRIVER cuKernelSetAttribute(int, int value, CUkernel, CUdevice) {
  // What a block of the largest GPU may have.
  return value <= 227 * 1024 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

DRIVER cuLaunchKernel(CUkernel kernel, unsigned gridX, unsigned gridY,
                      unsigned gridZ, unsigned blockX, unsigned blockY,
                      unsigned blockZ, unsigned shared, CUstream,
                      void **arguments, void **) {
  if (!current)
    return CUDA_ERROR_INVALID_CONTEXT;
  if (gridX == 0 || gridY != 1 || gridZ != 1 || blockY != 1 || blockZ != 1)
    return CUDA_ERROR_INVALID_VALUE;
  const char *text = getenv("LADON_SIM_SEED");
  uint64_t seed = text ? strtoull(text, nullptr, 10) : 1;
  Access access;
  for (unsigned block = 0; block < gridX; ++block) {
    std::string problem =
        ladon::sim::runBlock(reinterpret_cast<ladon::sim::Kernel>(kernel),
                             arguments, block, blockX, shared, seed + block);
    if (problem.empty())
      continue;
    lastProblem = "simulated block " + std::to_string(block) + ": " + problem;
    return CUDA_ERROR_LAUNCH_FAILED;
  }
  return CUDA_SUCCESS;
}

// There is no clock: what takes how long is not simulated.
DRIVER cuEventCreate(CUevent *, unsigned) { return CUDA_ERROR_NOT_SUPPORTED; }
DRIVER cuEventRecord(CUevent, CUstream) { return CUDA_ERROR_NOT_SUPPORTED; }
DRIVER cuEventElapsedTime(float *, CUevent, CUevent) {
  return CUDA_ERROR_NOT_SUPPORTED;
}
DRIVER cuEventDestroy_v2(CUevent) { return CUDA_ERROR_NOT_SUPPORTED; }

DRIVER cuGetErrorString(CUresult error, const char **text) {
  *text = error == CUDA_ERROR_LAUNCH_FAILED ? lastProblem.c_str()
          : error == CUDA_SUCCESS           ? "no error"
                                            : "error of the simulated driver";
  return CUDA_SUCCESS;
}

DRIVER cuMemAlloc_v2(CUdeviceptr *result, size_t bytes) {
  if (bytes == 0)
    return CUDA_ERROR_INVALID_VALUE;
  std::lock_guard<std::mutex> lock(mutex);
  // Not as aligned as a GPU's memory, so that its end is the page's.
  size_t wanted = (bytes + 15) / 16 * 16, page = pageSize();
  size_t pages = (wanted + page - 1) / page * page;
  void *mapped = mmap(nullptr, pages + page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED)
    return CUDA_ERROR_OUT_OF_MEMORY;
  char *base = static_cast<char *>(mapped);
  // NaN in all types, until somebody writes it.
  memset(base, 0xff, pages);
  mprotect(base, pages + page, PROT_NONE);
  *result = reinterpret_cast<CUdeviceptr>(base + pages - wanted);
  memories[*result] = {base, pages};
  return CUDA_SUCCESS;
}

DRIVER cuMemFree_v2(CUdeviceptr memory) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = memories.find(memory);
  if (found == memories.end())
    return CUDA_ERROR_INVALID_VALUE;
  munmap(found->second.base, found->second.pages + pageSize());
  memories.erase(found);
  return CUDA_SUCCESS;
}

// A launch is over when it returns: what comes later in the stream is next.
DRIVER cuMemAllocAsync(CUdeviceptr *result, size_t bytes, CUstream) {
  return cuMemAlloc_v2(result, bytes);
}

DRIVER cuMemFreeAsync(CUdeviceptr memory, CUstream) {
  return cuMemFree_v2(memory);
}

DRIVER cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  Access access;
  memcpy(reinterpret_cast<void *>(to), from, bytes);
  return CUDA_SUCCESS;
}

DRIVER cuMemsetD16_v2(CUdeviceptr memory, unsigned short word, size_t count) {
  Access access;
  auto *words = reinterpret_cast<unsigned short *>(memory);
  std::fill(words, words + count, word);
  return CUDA_SUCCESS;
}

DRIVER cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  Access access;
  memcpy(to, reinterpret_cast<const void *>(from), bytes);
  return CUDA_SUCCESS;
}

DRIVER cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes,
                            CUstream) {
  Access access;
  memcpy(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from),
         bytes);
  return CUDA_SUCCESS;
}
