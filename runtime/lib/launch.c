/*===- launch.c - Kernels of a GPU ----------------------------------------===*\
 *
 * The driver is looked for when it is first needed: a library with code for a
 * GPU loads on a machine without one, and says so when it is called. Contexts
 * and streams are the caller's; where a thread has no context, the primary one
 * of the tensors' GPU is used for the time of the launch.
 *
\*===----------------------------------------------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "call.h"
#include "cuda.h"

#include <dlfcn.h>
#include <stdlib.h>

/** The functions of the driver. */
typedef struct cuda_driver {
#define LADON_MEMBER(result, name, parameters) result(*name) parameters;
  LADON_CUDA_FUNCTIONS(LADON_MEMBER)
#undef LADON_MEMBER
} cuda_driver;

/** What is behind ladon_kernels.state: made once, and never given back. */
typedef struct loaded_kernels {
  cuda_driver driver;
  CUlibrary library;
} loaded_kernels;

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

/** Records what the driver says; returns whether it succeeded. */
static bool succeeded(ladon_ctx *ctx, const cuda_driver *driver,
                      CUresult status, const char *what) {
  if (status == CUDA_SUCCESS)
    return true;
  const char *text = NULL;
  if (driver->cuGetErrorString(status, &text) != CUDA_SUCCESS || !text)
    text = "unknown error";
  return ladon_fail(ctx, LADON_CUDA, "%s: %s: CUDA error %d: %s",
                    ctx->program->name, what, (int)status, text);
}

static bool open_driver(ladon_ctx *ctx, const char *name, cuda_driver *driver) {
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return ladon_fail(ctx, LADON_CUDA, "%s: no CUDA driver: %s",
                      ctx->program->name, dlerror());
#define LADON_FIND(result, function, parameters)                               \
  *(void **)&driver->function = dlsym(library, #function);                     \
  if (!driver->function)                                                       \
    return ladon_fail(ctx, LADON_CUDA,                                         \
                      "%s: the CUDA driver has no " #function                  \
                      "; expected that of CUDA 12 or newer",                   \
                      ctx->program->name);
  LADON_CUDA_FUNCTIONS(LADON_FIND)
#undef LADON_FIND
  return succeeded(ctx, driver, driver->cuInit(0), "cannot start");
}

/** The first image that the driver takes. Needs a context. */
static bool load_image(ladon_ctx *ctx, const ladon_kernels *kernels,
                       loaded_kernels *loaded) {
  CUresult status = CUDA_ERROR_NO_BINARY_FOR_GPU;
  for (int64_t n = 0; n < kernels->count; ++n) {
    status = loaded->driver.cuLibraryLoadData(&loaded->library,
                                              kernels->images[n].bytes, NULL,
                                              NULL, 0, NULL, NULL, 0);
    if (status == CUDA_SUCCESS)
      return true;
  }
  return succeeded(ctx, &loaded->driver, status, "cannot load the kernels");
}

/** The state of `kernels`, or null after a failure. A failure is not kept: the
 *  next call tries again. */
static loaded_kernels *load(ladon_ctx *ctx, ladon_kernels *kernels) {
  pthread_mutex_lock(&loading);
  loaded_kernels *loaded = kernels->state;
  if (!loaded) {
    loaded = calloc(1, sizeof *loaded);
    if (!loaded)
      ladon_fail(ctx, LADON_OUT_OF_MEMORY,
                 "out of memory: %zu bytes could not be allocated",
                 sizeof *loaded);
    if (loaded && (!open_driver(ctx, kernels->driver, &loaded->driver) ||
                   !load_image(ctx, kernels, loaded))) {
      free(loaded);
      loaded = NULL;
    }
    kernels->state = loaded;
  }
  pthread_mutex_unlock(&loading);
  return loaded;
}

/** Puts the kernel into the stream; the thread has a context. */
static void launch(ladon_ctx *ctx, const loaded_kernels *loaded,
                   const char *name, int64_t blocks, int64_t threads,
                   int64_t shared, void **arguments) {
  const cuda_driver *driver = &loaded->driver;
  CUkernel kernel;
  CUdevice device;
  if (!succeeded(ctx, driver,
                 driver->cuLibraryGetKernel(&kernel, loaded->library, name),
                 "cannot find a kernel") ||
      !succeeded(ctx, driver, driver->cuCtxGetDevice(&device),
                 "cannot find the GPU"))
    return;
  /* More than this a kernel has to ask for. */
  const int64_t default_shared = 48 * 1024;
  if (shared > default_shared &&
      !succeeded(ctx, driver,
                 driver->cuKernelSetAttribute(
                     CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                     (int)shared, kernel, device),
                 "the GPU has too little shared memory"))
    return;
  succeeded(ctx, driver,
            driver->cuLaunchKernel(kernel, (unsigned)blocks, 1, 1,
                                   (unsigned)threads, 1, 1, (unsigned)shared,
                                   (CUstream)ctx->options.stream, arguments,
                                   NULL),
            "cannot launch a kernel");
}

void ladon_rt_launch(ladon_ctx *ctx, ladon_kernels *kernels, const char *name,
                     int64_t blocks, int64_t threads, int64_t shared,
                     void **arguments) {
  if (blocks <= 0 || atomic_load(&ctx->failed))
    return;
  if (blocks > INT32_MAX) {
    ladon_fail(ctx, LADON_CUDA, "%s: expected at most %d tiles, found %lld",
               ctx->program->name, INT32_MAX, (long long)blocks);
    return;
  }
  /* Images are loaded without a context; launching needs one. */
  loaded_kernels *loaded = load(ctx, kernels);
  if (!loaded)
    return;
  const cuda_driver *driver = &loaded->driver;
  CUcontext context = NULL;
  if (!succeeded(ctx, driver, driver->cuCtxGetCurrent(&context),
                 "cannot find the context"))
    return;
  bool pushed = false;
  if (!context) {
    CUdevice device;
    if (!succeeded(ctx, driver, driver->cuDeviceGet(&device, ctx->device_id),
                   "cannot find the GPU") ||
        !succeeded(ctx, driver,
                   driver->cuDevicePrimaryCtxRetain(&context, device),
                   "cannot open the GPU") ||
        !succeeded(ctx, driver, driver->cuCtxPushCurrent_v2(context),
                   "cannot open the GPU"))
      return;
    pushed = true;
  }
  launch(ctx, loaded, name, blocks, threads, shared, arguments);
  if (pushed)
    driver->cuCtxPopCurrent_v2(&context);
}
