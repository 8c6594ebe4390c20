/*===- ladon.h - Calling a compiled attention -----------------------------===*\
 *
 * What every library that Ladon builds has in common: status codes, options
 * and the tensor type of DLPack. The text of this file is part of each
 * generated <name>.h, under one include guard, so that a program may include
 * several of them. Full description: docs/abi.md.
 *
\*===----------------------------------------------------------------------===*/

#ifndef LADON_LADON_H
#define LADON_LADON_H

#include <stddef.h>
#include <stdint.h>

/* DLTensor: from an installed DLPack, or else declared here with the same
 * layout. A program that brings its own dlpack.h includes it first. */
#ifndef DLPACK_DLPACK_H_
#if defined(__has_include)
#if __has_include(<dlpack/dlpack.h>)
#include <dlpack/dlpack.h>
#endif
#endif
#endif

#ifndef DLPACK_DLPACK_H_
#define DLPACK_DLPACK_H_
#ifdef __cplusplus
extern "C" {
#endif
typedef enum { kDLCPU = 1, kDLCUDA = 2, kDLCUDAHost = 3 } DLDeviceType;
typedef struct {
  DLDeviceType device_type;
  int device_id;
} DLDevice;
typedef enum {
  kDLInt = 0,
  kDLUInt = 1,
  kDLFloat = 2,
  kDLOpaqueHandle = 3,
  kDLBfloat = 4,
  kDLComplex = 5
} DLDataTypeCode;
typedef struct {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} DLDataType;
typedef struct {
  void *data;
  DLDevice device;
  int ndim;
  DLDataType dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byte_offset;
} DLTensor;
#ifdef __cplusplus
}
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What a call returns. Unless it is LADON_OK, LADON_OUT_OF_MEMORY,
 *  LADON_PARALLEL_FOR or LADON_CUDA, no output and no cache has been touched;
 *  after those last three the contents of the outputs, and of what is appended
 *  to caches, are not defined. */
typedef enum ladon_status {
  /** The outputs are complete. */
  LADON_OK = 0,
  /** A tensor argument is a null pointer. */
  LADON_NULL_TENSOR = 1,
  /** A tensor lies in memory that the code cannot address. */
  LADON_DEVICE = 2,
  /** A tensor has the wrong element type, or vector lanes. */
  LADON_DTYPE = 3,
  /** A tensor has the wrong number of axes. */
  LADON_RANK = 4,
  /** A tensor's shape is a null pointer. */
  LADON_NULL_SHAPE = 5,
  /** An extent is negative. */
  LADON_NEGATIVE_EXTENT = 6,
  /** An extent is larger than 1073741823. */
  LADON_EXTENT_TOO_LARGE = 7,
  /** An extent is not the one that the spec fixes. */
  LADON_EXTENT_MISMATCH = 8,
  /** An extent differs from another tensor's extent of the same name. */
  LADON_SYMBOL_MISMATCH = 9,
  /** The number of elements or bytes of a tensor overflows 64 bits. */
  LADON_SIZE_OVERFLOW = 10,
  /** A tensor that is not empty has a null data pointer. */
  LADON_NULL_DATA = 11,
  /** A stride is negative. */
  LADON_NEGATIVE_STRIDE = 12,
  /** Strides and byte offset reach beyond the address space, or beyond what the
   *  code generator can address. */
  LADON_ADDRESS_OVERFLOW = 13,
  /** The strides of an output let two elements share memory. */
  LADON_OUTPUT_STRIDES = 14,
  /** A tensor's first element is not aligned to its type. */
  LADON_ALIGNMENT = 15,
  /** The memory of an output overlaps an input or another output. */
  LADON_OVERLAP = 16,
  /** The options are malformed. */
  LADON_BAD_OPTIONS = 17,
  /** This CPU or its operating system lacks instructions that the code uses. */
  LADON_CPU = 18,
  /** Working memory could not be allocated. */
  LADON_OUT_OF_MEMORY = 19,
  /** The host's parallel-for failed, or did not keep its contract. */
  LADON_PARALLEL_FOR = 20,
  /** There is no CUDA driver, or it reported an error. */
  LADON_CUDA = 21,
  /** A value says where to write, and that is outside of a cache. */
  LADON_VALUE_RANGE = 22,
  /** With check_indices, an index leaves the tensor that it is of. */
  LADON_INDEX = 23
} ladon_status;

/** One piece of work of a parallel loop, called by the host's parallel-for. */
typedef void (*ladon_parallel_body)(void *env, int64_t index, int32_t worker);

/** A parallel-for of the host. Calls body(env, index, worker) exactly once for
 *  every index in [0, count), on any threads, and returns 0 when all of these
 *  calls have returned; ascending order balances best. `worker` is in
 *  [0, workers) and names the working memory to use: two calls that run at the
 *  same time have different workers. A non-zero result fails the call. */
typedef int32_t (*ladon_parallel_for)(void *user, int64_t count,
                                      int32_t workers, ladon_parallel_body body,
                                      void *env);

/** Returns `bytes` bytes aligned to `alignment` (a power of two), or null. */
typedef void *(*ladon_allocate)(void *user, size_t bytes, size_t alignment);

/** Takes back what the matching ladon_allocate returned. */
typedef void (*ladon_deallocate)(void *user, void *memory, size_t bytes);

/** How to run a call. A null pointer, a structure of zeros, and every field
 *  that is zero mean the default. The structure grows at its end: `size` says
 *  how much of it the caller knows. */
typedef struct ladon_options {
  /** sizeof(ladon_options). */
  uint64_t size;
  /** How many threads may work, the caller included: at most 4096; 0 means one
   *  for each CPU that the process may use, and the caller alone where a call
   *  takes a few microseconds. Results do not depend on it. */
  int32_t threads;
  /** 1: before anything is written, an index that would be clamped to its
   *  tensor fails the call with LADON_INDEX, which takes the time of computing
   *  masks and indices of all positions one by one; 0: indices are clamped.
   *  Code for a GPU takes 0 only. */
  uint32_t check_indices;
  /** Runs the parallel loops in place of the library's own threads. */
  ladon_parallel_for parallel_for;
  /** First argument of `parallel_for`. */
  void *parallel_for_user;
  /** Gives all working memory of the call; `deallocate` takes all of it back
   *  before the call returns. Both are set or neither. Within a call they are
   *  never called twice at the same time. */
  ladon_allocate allocate;
  ladon_deallocate deallocate;
  /** First argument of `allocate` and `deallocate`. */
  void *allocator_user;
  /** Code for a GPU: the CUstream that the work is put into; null is the
   *  default stream. The call does not wait for it. */
  void *stream;
  /** Code for a GPU: working memory of the call, on the GPU of the tensors and
   *  aligned to 64 bytes, which belongs to the call until its work in `stream`
   *  is done; null takes it from the driver, in the order of the stream. */
  void *workspace;
  /** The bytes of `workspace`. */
  uint64_t workspace_bytes;
  /** Code for a GPU: where this is set, nothing is computed; it gets the number
   *  of bytes of `workspace` that the call takes with these arguments. */
  uint64_t *workspace_needed;
} ladon_options;

/** Initialises a ladon_options to the defaults. */
#define LADON_OPTIONS_INIT                                                     \
  {sizeof(ladon_options),                                                      \
   0,                                                                          \
   0,                                                                          \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL,                                                                       \
   0,                                                                          \
   NULL}

#ifdef __cplusplus
}
#endif

#endif /* LADON_LADON_H */
