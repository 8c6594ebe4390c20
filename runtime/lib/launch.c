/*===- launch.c - Kernels of a GPU and their memory -----------------------===*\
 *
 * The driver is looked for when it is first needed: a library with code for a
 * GPU loads on a machine without one, and says so when it is called. Contexts
 * and streams are the caller's; where a thread has no context, the primary one
 * of the tensors' GPU is used for the time of the launch. Working memory is the
 * caller's, or the driver's, taken and given back in the order of the stream:
 * nobody waits for it either.
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
  CUlibrary libraries[]; /**< [images], null until a GPU takes the image */
} loaded_kernels;

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

/*===--- The driver -------------------------------------------------------===*/

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

/** The state of `kernels`, or null after a failure. A failure is not kept: the
 *  next call tries again. */
static loaded_kernels *load(ladon_ctx *ctx, ladon_kernels *kernels) {
  pthread_mutex_lock(&loading);
  loaded_kernels *loaded = kernels->state;
  if (!loaded) {
    size_t bytes =
        sizeof *loaded + (size_t)kernels->count * sizeof *loaded->libraries;
    loaded = calloc(1, bytes);
    if (!loaded)
      ladon_fail(ctx, LADON_OUT_OF_MEMORY,
                 "out of memory: %zu bytes could not be allocated", bytes);
    if (loaded && !open_driver(ctx, kernels->driver, &loaded->driver)) {
      free(loaded);
      loaded = NULL;
    }
    kernels->state = loaded;
  }
  pthread_mutex_unlock(&loading);
  return loaded;
}

/*===--- Images -----------------------------------------------------------===*/

/** Whether a GPU of compute capability `gpu` runs the image. */
static bool is_for(const ladon_image *image, int32_t gpu) {
  bool is_code = image->kind & 1, is_exact = image->kind & 2;
  if (is_exact)
    return image->arch == gpu;
  return image->arch <= gpu && (!is_code || image->arch / 10 == gpu / 10);
}

/** The first image for a GPU that the driver takes, or null after a failure.
 * One for another GPU the driver may well load, and find out at the launch. */
static CUlibrary find_library(ladon_ctx *ctx, const ladon_kernels *kernels,
                              loaded_kernels *loaded, CUdevice device) {
  const cuda_driver *driver = &loaded->driver;
  int major, minor;
  if (!succeeded(
          ctx, driver,
          driver->cuDeviceGetAttribute(
              &major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device),
          "cannot ask the GPU") ||
      !succeeded(
          ctx, driver,
          driver->cuDeviceGetAttribute(
              &minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device),
          "cannot ask the GPU"))
    return NULL;
  bool is_any = false;
  CUresult status = CUDA_SUCCESS;
  for (int64_t n = 0; n < kernels->count; ++n) {
    if (!is_for(&kernels->images[n], 10 * major + minor))
      continue;
    is_any = true;
    pthread_mutex_lock(&loading);
    CUlibrary found = loaded->libraries[n];
    if (!found) {
      status = driver->cuLibraryLoadData(&found, kernels->images[n].bytes, NULL,
                                         NULL, 0, NULL, NULL, 0);
      loaded->libraries[n] = status == CUDA_SUCCESS ? found : NULL;
    }
    pthread_mutex_unlock(&loading);
    /* A driver that is older than the machine code may still take the PTX. */
    if (status == CUDA_SUCCESS)
      return found;
  }
  if (is_any)
    succeeded(ctx, driver, status, "cannot load the kernels");
  else
    ladon_fail(ctx, LADON_CUDA,
               "%s: there is no code for a GPU of compute capability %d.%d",
               ctx->program->name, major, minor);
  return NULL;
}

/*===--- The context ------------------------------------------------------===*/

/** The thread has a context between the two: its own, or the primary one of the
 *  tensors' GPU. False after a failure, with nothing to end. */
static bool begin_context(ladon_ctx *ctx, const cuda_driver *driver,
                          bool *is_pushed) {
  CUcontext context = NULL;
  CUdevice device;
  *is_pushed = false;
  if (!succeeded(ctx, driver, driver->cuCtxGetCurrent(&context),
                 "cannot find the context"))
    return false;
  if (context)
    return true;
  *is_pushed =
      succeeded(ctx, driver, driver->cuDeviceGet(&device, ctx->device_id),
                "cannot find the GPU") &&
      succeeded(ctx, driver, driver->cuDevicePrimaryCtxRetain(&context, device),
                "cannot open the GPU") &&
      succeeded(ctx, driver, driver->cuCtxPushCurrent_v2(context),
                "cannot open the GPU");
  return *is_pushed;
}

static void end_context(const cuda_driver *driver, bool is_pushed) {
  CUcontext context;
  if (is_pushed)
    driver->cuCtxPopCurrent_v2(&context);
}

/*===--- Memory -----------------------------------------------------------===*/

/** Memory that the driver has given for this call. */
struct ladon_device_block {
  ladon_device_block *next;
  const cuda_driver *driver;
  CUdeviceptr memory;
};

/** In the order of the stream: after the kernels that use the memory. */
static void release_device_blocks(ladon_ctx *ctx) {
  while (ctx->device_blocks) {
    ladon_device_block *block = ctx->device_blocks;
    ctx->device_blocks = block->next;
    bool is_pushed;
    if (begin_context(ctx, block->driver, &is_pushed)) {
      succeeded(ctx, block->driver,
                block->driver->cuMemFreeAsync(block->memory,
                                              (CUstream)ctx->options.stream),
                "cannot give back memory of the GPU");
      end_context(block->driver, is_pushed);
    }
    free(block);
  }
}

static void *allocate_on_device(ladon_ctx *ctx, ladon_kernels *kernels,
                                size_t bytes) {
  loaded_kernels *loaded = load(ctx, kernels);
  bool is_pushed;
  if (!loaded || !begin_context(ctx, &loaded->driver, &is_pushed))
    return NULL;
  ladon_device_block *block = malloc(sizeof *block);
  if (!block)
    ladon_fail(ctx, LADON_OUT_OF_MEMORY,
               "out of memory: %zu bytes could not be allocated",
               sizeof *block);
  CUdeviceptr memory = 0;
  if (block && succeeded(ctx, &loaded->driver,
                         loaded->driver.cuMemAllocAsync(
                             &memory, bytes, (CUstream)ctx->options.stream),
                         "cannot allocate memory of the GPU")) {
    *block = (ladon_device_block){ctx->device_blocks, &loaded->driver, memory};
    ctx->device_blocks = block;
    ctx->release_device = release_device_blocks;
  } else {
    free(block);
  }
  end_context(&loaded->driver, is_pushed);
  return (void *)(uintptr_t)memory;
}

void *ladon_rt_device_alloc(ladon_ctx *ctx, ladon_kernels *kernels,
                            int64_t bytes) {
  if (atomic_load(&ctx->failed))
    return NULL;
  const ladon_options *options = &ctx->options;
  const uint64_t alignment = LADON_ALLOCATION_ALIGNMENT;
  if (bytes < 0 || (uint64_t)bytes > INT64_MAX / 4) {
    ladon_fail(ctx, LADON_OUT_OF_MEMORY,
               "out of memory: %lld bytes could not be allocated",
               (long long)bytes);
    return NULL;
  }
  /* Not nothing: of that the driver has no address. */
  uint64_t wanted = bytes > 0 ? (uint64_t)bytes : 1;
  uint64_t taken = (wanted + alignment - 1) / alignment * alignment;
  uint64_t before = ctx->workspace_used;
  ctx->workspace_used += taken;
  /* Nothing is launched, so nobody follows the address. */
  if (options->workspace_needed)
    return (void *)(uintptr_t)alignment;
  if (!options->workspace)
    return allocate_on_device(ctx, kernels, (size_t)taken);
  if (ctx->workspace_used > options->workspace_bytes) {
    ladon_fail(ctx, LADON_OUT_OF_MEMORY,
               "options: the call takes more than the %llu bytes of workspace; "
               "workspace_needed says how many",
               (unsigned long long)options->workspace_bytes);
    return NULL;
  }
  return (char *)options->workspace + before;
}

/*===--- Kernels ----------------------------------------------------------===*/

/** Puts the kernel into the stream; the thread has a context. */
static void launch(ladon_ctx *ctx, const ladon_kernels *kernels,
                   loaded_kernels *loaded, const char *name, int64_t blocks,
                   int64_t threads, int64_t shared, void **arguments) {
  const cuda_driver *driver = &loaded->driver;
  CUkernel kernel;
  CUdevice device;
  if (!succeeded(ctx, driver, driver->cuCtxGetDevice(&device),
                 "cannot find the GPU"))
    return;
  CUlibrary library = find_library(ctx, kernels, loaded, device);
  if (!library || !succeeded(ctx, driver,
                             driver->cuLibraryGetKernel(&kernel, library, name),
                             "cannot find a kernel"))
    return;
  /* More than this a kernel has to ask for. */
  const int64_t default_shared = (int64_t)48 * 1024;
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
  if (blocks <= 0 || atomic_load(&ctx->failed) || ctx->options.workspace_needed)
    return;
  if (blocks > INT32_MAX) {
    ladon_fail(ctx, LADON_CUDA, "%s: expected at most %d tiles, found %lld",
               ctx->program->name, INT32_MAX, (long long)blocks);
    return;
  }
  /* Images are loaded without a context; launching needs one. */
  loaded_kernels *loaded = load(ctx, kernels);
  bool is_pushed;
  if (!loaded || !begin_context(ctx, &loaded->driver, &is_pushed))
    return;
  launch(ctx, kernels, loaded, name, blocks, threads, shared, arguments);
  end_context(&loaded->driver, is_pushed);
}
