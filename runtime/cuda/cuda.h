/*===- cuda.h - The part of the CUDA driver that Ladon uses ---------------===*\
 *
 * Names, types and values are those of NVIDIA's driver interface (CUDA 12), of
 * which this is a description of our own: neither building nor running Ladon
 * needs a CUDA toolkit.
 *
\*===----------------------------------------------------------------------===*/

#ifndef LADON_RUNTIME_CUDA_H
#define LADON_RUNTIME_CUDA_H

#include <stddef.h>
#include <stdint.h>

typedef int32_t CUresult;
typedef int32_t CUdevice;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUlib_st *CUlibrary;
typedef struct CUkern_st *CUkernel;
typedef uint64_t CUdeviceptr;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_NOT_SUPPORTED = 801,

  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,

  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76
};

/** One line for each function: X(result, name, parameters). The names are those
 *  of the symbols of the driver's library. */
#define LADON_CUDA_FUNCTIONS(X)                                                \
  X(CUresult, cuInit, (unsigned flags))                                        \
  X(CUresult, cuDeviceGet, (CUdevice * device, int ordinal))                   \
  X(CUresult, cuDeviceGetAttribute,                                            \
    (int *value, int attribute, CUdevice device))                              \
  X(CUresult, cuDeviceGetName, (char *name, int length, CUdevice device))      \
  X(CUresult, cuCtxGetCurrent, (CUcontext * context))                          \
  X(CUresult, cuCtxGetDevice, (CUdevice * device))                             \
  X(CUresult, cuCtxPushCurrent_v2, (CUcontext context))                        \
  X(CUresult, cuCtxPopCurrent_v2, (CUcontext * context))                       \
  X(CUresult, cuCtxSynchronize, (void))                                        \
  X(CUresult, cuDevicePrimaryCtxRetain,                                        \
    (CUcontext * context, CUdevice device))                                    \
  X(CUresult, cuLibraryLoadData,                                               \
    (CUlibrary * library, const void *code, int *jit_options,                  \
     void **jit_values, unsigned jit_count, int *options, void **values,       \
     unsigned count))                                                          \
  X(CUresult, cuLibraryGetKernel,                                              \
    (CUkernel * kernel, CUlibrary library, const char *name))                  \
  X(CUresult, cuKernelSetAttribute,                                            \
    (int attribute, int value, CUkernel kernel, CUdevice device))              \
  X(CUresult, cuLaunchKernel,                                                  \
    (CUkernel kernel, unsigned grid_x, unsigned grid_y, unsigned grid_z,       \
     unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,    \
     CUstream stream, void **arguments, void **extra))                         \
  X(CUresult, cuEventCreate, (CUevent * event, unsigned flags))                \
  X(CUresult, cuEventRecord, (CUevent event, CUstream stream))                 \
  X(CUresult, cuEventElapsedTime,                                              \
    (float *milliseconds, CUevent from, CUevent to))                           \
  X(CUresult, cuEventDestroy_v2, (CUevent event))                              \
  X(CUresult, cuGetErrorString, (CUresult error, const char **text))           \
  X(CUresult, cuMemAllocAsync,                                                 \
    (CUdeviceptr * memory, size_t bytes, CUstream stream))                     \
  X(CUresult, cuMemFreeAsync, (CUdeviceptr memory, CUstream stream))           \
  X(CUresult, cuMemAlloc_v2, (CUdeviceptr * memory, size_t bytes))             \
  X(CUresult, cuMemFree_v2, (CUdeviceptr memory))                              \
  X(CUresult, cuMemcpyHtoD_v2,                                                 \
    (CUdeviceptr to, const void *from, size_t bytes))                          \
  X(CUresult, cuMemcpyDtoH_v2, (void *to, CUdeviceptr from, size_t bytes))     \
  X(CUresult, cuMemcpyDtoDAsync_v2,                                            \
    (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream))

#endif /* LADON_RUNTIME_CUDA_H */
