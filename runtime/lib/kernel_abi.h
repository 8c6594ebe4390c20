/*===- kernel_abi.h - Between generated kernels and the runtime -----------===*\
 *
 * What the compiler emits and the runtime expects, on both sides of one shared
 * library. Private: users see only <name>.h. The compiler writes these
 * structures as LLVM constants (compiler/codegen/artifact), so a change of a
 * field is a change of both places.
 *
\*===----------------------------------------------------------------------===*/

#ifndef LADON_RUNTIME_KERNEL_ABI_H
#define LADON_RUNTIME_KERNEL_ABI_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a parameter of an entry point is. */
enum {
  LADON_KIND_INPUT = 0,  /**< const DLTensor *, read */
  LADON_KIND_OUTPUT = 1, /**< DLTensor *, written */
  LADON_KIND_SCALAR = 2, /**< passed by value; args[i] points at the value */
  LADON_KIND_INOUT = 3   /**< DLTensor *, read and written */
};

/** One parameter, in the order of the entry point's arguments. */
typedef struct ladon_param_info {
  const char *name;
  int32_t kind;
  int32_t dtype_code; /**< DLDataTypeCode; bool is kDLBool (6) or uint8 */
  int32_t dtype_bits;
  int32_t rank;        /**< 0 for a scalar */
  const int64_t *dims; /**< [rank]: >= 0 a size, -1 - k the symbol k */
  /** [rank]: what an axis counts, in the plural ("heads"), or null; for
   *  messages only. The pointer itself may be null. */
  const char *const *axes;
} ladon_param_info;

/** The largest extent. Positions, sizes and their sums and differences then fit
 *  32 bits, which masks are computed in. */
#define LADON_MAX_EXTENT 1073741823

typedef struct ladon_ctx ladon_ctx;

/** The generated code. args[i] points at a memref descriptor
 *  { void *allocated; void *aligned; int64_t offset (0);
 *    int64_t sizes[rank]; int64_t strides[rank] (elements); }
 *  for a tensor, or at the value of a scalar. */
typedef void ladon_run(ladon_ctx *ctx, void **args);

/** The same for CPUs that have more. */
typedef struct ladon_level {
  int32_t cpu_level; /**< as in ladon_program */
  ladon_run *run;
} ladon_level;

/** A parameter of i32 or i64, a scalar or of one axis, whose values lie between
 *  0 and a size. */
typedef struct ladon_bound {
  const char *most; /**< as the name of a symbol that is a formula */
  int32_t param;
} ladon_bound;

/** Entries of a table of pages, i32[batch, pages], that are written to: those
 * of `count` positions from the value of `at` on, which has a bound. Each is
 * the number of a page of the pool. */
typedef struct ladon_written_pages {
  const char *count, *pool; /**< sizes, likewise */
  int64_t page_size;
  int32_t table, at; /**< parameters */
} ladon_written_pages;

/** One compiled attention. */
typedef struct ladon_program {
  const char *name;
  int32_t num_params;
  const ladon_param_info *params;
  int32_t num_symbols;
  /** Names, for messages; a name that is a formula of others, "2 * S - 1",
   *  is the size that the formula gives. */
  const char *const *symbols;
  int32_t cpu_level; /**< machine.h: the level the code needs */
  ladon_run *run;
  /** DLPack's device type of the tensors: kDLCUDA, or that of a CPU or 0. */
  int32_t device;
  /** How many elements a tensor may span, the last one included; 0: any. */
  int64_t max_span;
  /** The largest extent of each symbol; null: LADON_MAX_EXTENT for all. */
  const int64_t *limits;
  /** Code for higher levels, the highest first, closed by a level of 0; null
   *  where there is none. */
  const ladon_level *better;
  /** Closed by a row without a size; null where there is none. */
  const ladon_bound *bounds;
  const ladon_written_pages *written_pages;
} ladon_program;

/** Kernels of a GPU, compiled. */
typedef struct ladon_image {
  /** 0: PTX, with a zero behind it; 1: machine code; plus 2 where only a GPU of
   *  that very architecture takes it. Otherwise PTX is for that one and all
   *  newer ones, and machine code for those of the same generation. */
  int32_t kind;
  int32_t arch; /**< compute capability: 80 for 8.0 */
  const void *bytes;
  int64_t size;
} ladon_image;

/** All kernels of a library, as images to choose from: the first one that is
 * for the GPU of a launch. */
typedef struct ladon_kernels {
  const char *driver; /**< the driver's library */
  const ladon_image *images;
  int64_t count;
  void *state; /**< of the runtime, null at first */
} ladon_kernels;

/** Checks the arguments, runs the program; returns a ladon_status. `args[i]` is
 *  the DLTensor pointer of a tensor, or a pointer to a scalar's value.
 * `options` may be null. Called by the generated entry point only. */
int32_t ladon_rt_enter(const ladon_program *program, void *const *args,
                       const void *options);

/** The sentence for the last call of this thread; empty after a success. */
const char *ladon_rt_last_error(void);

/** Memory that lives until the call returns, 64-byte aligned, with undefined
 *  contents; `bytes` may be 0. When there is none, the call is marked as failed
 *  and null is returned. After that ladon_rt_parallel_for does nothing; code
 *  that uses the memory elsewhere tests the pointer, and returns. */
void *ladon_rt_alloc(ladon_ctx *ctx, int64_t bytes);

/** Likewise for memory that the code can do without: when there is none, null
 *  is returned and the call goes on. Null as well when the call has failed. */
void *ladon_rt_try_alloc(ladon_ctx *ctx, int64_t bytes);

/** Runs body(env, i, scratch) for every i in [0, n), several at once, taken in
 *  ascending order. `scratch` has `scratch_bytes` bytes, 64-byte aligned,
 *  private to the running thread, with undefined contents. */
void ladon_rt_parallel_for(ladon_ctx *ctx, int64_t n, int64_t scratch_bytes,
                           void (*body)(void *env, int64_t i, void *scratch),
                           void *env);

/** Whether the call sets check_indices. */
bool ladon_rt_checks_indices(ladon_ctx *ctx);

/** Marks the call as failed: at that position an index is not in [0, extent) of
 *  an axis of the tensor `name`; with an axis of -1 the entry of a table of
 *  pages. The code returns after it. */
void ladon_rt_refuse_index(ladon_ctx *ctx, const char *name, int64_t axis,
                           int64_t index, int64_t extent, int64_t batch,
                           int64_t head, int64_t query, int64_t key);

/** Likewise: the indices of a tensor cannot be checked. */
void ladon_rt_refuse_check(ladon_ctx *ctx, const char *name);

/** Memory of the GPU for the kernels of this call, 64-byte aligned, with
 *  undefined contents: from the caller's workspace, or from the driver in the
 *  order of the stream. The code must not touch it. When there is none, the
 *  call is marked as failed and null is returned. In a call that only asks how
 *  much there has to be, the result is no address of anything. */
void *ladon_rt_device_alloc(ladon_ctx *ctx, ladon_kernels *kernels,
                            int64_t bytes);

/** Puts a kernel into the stream of the call: `blocks` blocks (none: nothing is
 *  done) of `threads` threads with `shared` bytes of shared memory each.
 *  arguments[i] points at argument i of the kernel. Waits for nothing and
 *  allocates nothing. A failure is that of the call; after one, nothing is
 *  launched. */
void ladon_rt_launch(ladon_ctx *ctx, ladon_kernels *kernels, const char *name,
                     int64_t blocks, int64_t threads, int64_t shared,
                     void **arguments);

#ifdef __cplusplus
}
#endif

#endif /* LADON_RUNTIME_KERNEL_ABI_H */
