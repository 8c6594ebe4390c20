/*===- checks.c - The entry checks ----------------------------------------===*\
 *
 * Everything that can be wrong with the arguments of a call is found here,
 * before anything is written. Each kind of mistake has its own status, and a
 * sentence that names the argument, what was expected and what was found.
 *
 * The order is that of the arguments, and for each of them from what must be
 * known to read it (pointer, rank, shape) to what depends on all of it
 * (strides, addresses); overlaps come last, because they need all arguments,
 * and after them the values that say where something is written.
 *
\*===----------------------------------------------------------------------===*/

#include "checks.h"
#include "formulas.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

enum {
  /* DLPack's code for bool, which older dlpack.h do not have. */
  DTYPE_CODE_BOOL = 6,
  /* DLPack's ROCm host memory, likewise; the CPU can read it. */
  DEVICE_ROCM_HOST = 11
};

/** No object is larger: the addresses of a process have at most 56 bits. */
static const uint64_t max_span = UINT64_C(1) << 56;

/** The bytes of a tensor: [first, end); empty for a tensor without elements. */
typedef struct byte_range {
  uintptr_t first, end;
} byte_range;

/** One tensor under examination. */
typedef struct checked_tensor {
  ladon_ctx *ctx;
  const ladon_param_info *info;
  const DLTensor *tensor;
  int64_t *sizes;   /* in the descriptor */
  int64_t *strides; /* likewise */
  bool empty;
  int64_t elements; /* 0 where it is empty */
  byte_range range;
} checked_tensor;

/*===--- Words ------------------------------------------------------------===*/

static void print_dtype(char *buffer, size_t size, int code, int bits,
                        int lanes) {
  static const char *const letters[] = {"i", "u", "f", "handle", "bf", "c"};
  char name[48];
  if (code == DTYPE_CODE_BOOL && bits == 8)
    snprintf(name, sizeof name, "bool");
  else if (code >= 0 && code < (int)(sizeof letters / sizeof *letters))
    snprintf(name, sizeof name, "%s%d", letters[code], bits);
  else
    snprintf(name, sizeof name, "type code %d of %d bits", code, bits);
  if (lanes == 1)
    snprintf(buffer, size, "%s", name);
  else
    snprintf(buffer, size, "%s in vectors of %d", name, lanes);
}

/** "8 heads", "1 head", or "8" where the axis has no word. */
static void print_extent(char *buffer, size_t size,
                         const ladon_param_info *info, int32_t axis,
                         int64_t extent) {
  const char *word = info->axes ? info->axes[axis] : NULL;
  if (!word || !*word) {
    snprintf(buffer, size, "%lld", (long long)extent);
    return;
  }
  int length = (int)strlen(word);
  if (extent == 1 && word[length - 1] == 's')
    --length;
  snprintf(buffer, size, "%lld %.*s", (long long)extent, length, word);
}

/*===--- One tensor -------------------------------------------------------===*/

static bool check_type(checked_tensor *t) {
  const DLTensor *tensor = t->tensor;
  const char *name = t->info->name;
  int device = (int)tensor->device.device_type;
  if (t->ctx->program->device == kDLCUDA) {
    int id = (int)tensor->device.device_id;
    if (device != kDLCUDA)
      return ladon_fail(t->ctx, LADON_DEVICE,
                        "%s: expected memory of a GPU (DLPack device type 2), "
                        "found device type %d",
                        name, device);
    if (t->ctx->device_id >= 0 && id != t->ctx->device_id)
      return ladon_fail(
          t->ctx, LADON_DEVICE,
          "%s: expected memory of GPU %d, like the other tensors, "
          "found that of GPU %d",
          name, t->ctx->device_id, id);
    t->ctx->device_id = id;
  } else if (device != kDLCPU && device != kDLCUDAHost &&
             device != DEVICE_ROCM_HOST) {
    return ladon_fail(t->ctx, LADON_DEVICE,
                      "%s: expected memory of the CPU (DLPack device type 1), "
                      "found device type %d",
                      name, device);
  }

  int code = tensor->dtype.code, bits = tensor->dtype.bits;
  bool same = code == t->info->dtype_code && bits == t->info->dtype_bits;
  bool byte_for_bool =
      t->info->dtype_code == DTYPE_CODE_BOOL && code == kDLUInt && bits == 8;
  if ((!same && !byte_for_bool) || tensor->dtype.lanes != 1) {
    char expected[96], found[96];
    print_dtype(expected, sizeof expected, t->info->dtype_code,
                t->info->dtype_bits, 1);
    print_dtype(found, sizeof found, code, bits, tensor->dtype.lanes);
    return ladon_fail(t->ctx, LADON_DTYPE,
                      "%s: expected elements of type %s, found %s", name,
                      expected, found);
  }

  if (tensor->ndim != t->info->rank)
    return ladon_fail(t->ctx, LADON_RANK, "%s: expected %d ax%s, found %d",
                      name, t->info->rank, t->info->rank == 1 ? "is" : "es",
                      tensor->ndim);
  if (tensor->ndim > 0 && !tensor->shape)
    return ladon_fail(t->ctx, LADON_NULL_SHAPE, "%s: the shape is null", name);
  return true;
}

/** Extents against the spec; a symbol is bound by the first tensor with it. */
static bool check_extents(checked_tensor *t, int32_t param, int64_t *symbols) {
  const ladon_program *program = t->ctx->program;
  const ladon_param_info *info = t->info;
  int64_t *bound_by = symbols + program->num_symbols;
  t->empty = false;
  for (int32_t axis = 0; axis < info->rank; ++axis) {
    int64_t extent = t->tensor->shape[axis];
    if (extent < 0)
      return ladon_fail(t->ctx, LADON_NEGATIVE_EXTENT,
                        "%s: the extent of axis %d is negative: %lld",
                        info->name, axis, (long long)extent);
    int64_t dim = info->dims[axis];
    int64_t most = dim < 0 && program->limits ? program->limits[-1 - dim]
                                              : LADON_MAX_EXTENT;
    if (extent > most)
      return ladon_fail(t->ctx, LADON_EXTENT_TOO_LARGE,
                        "%s: expected at most %lld on axis %d, found %lld",
                        info->name, (long long)most, axis, (long long)extent);
    if (dim >= 0 && extent != dim) {
      char expected[96];
      print_extent(expected, sizeof expected, info, axis, dim);
      return ladon_fail(t->ctx, LADON_EXTENT_MISMATCH,
                        "%s: expected %s on axis %d, found %lld", info->name,
                        expected, axis, (long long)extent);
    }
    if (dim < 0) {
      int64_t symbol = -1 - dim;
      if (symbols[symbol] < 0) {
        symbols[symbol] = extent;
        bound_by[symbol] = param;
      } else if (symbols[symbol] != extent) {
        return ladon_fail(
            t->ctx, LADON_SYMBOL_MISMATCH,
            "%s: expected %s = %lld on axis %d, as in %s, "
            "found %lld",
            info->name, program->symbols[symbol], (long long)symbols[symbol],
            axis, program->params[bound_by[symbol]].name, (long long)extent);
      }
    }
    t->sizes[axis] = extent;
    t->empty |= extent == 0;
  }
  return true;
}

/** Row-major strides; those of a tensor without elements are never used. */
static bool compact_strides(const checked_tensor *t, int64_t *elements) {
  int64_t running = 1;
  for (int32_t axis = t->info->rank; axis-- > 0;) {
    t->strides[axis] = running;
    if (t->sizes[axis] == 0)
      continue;
    if (__builtin_mul_overflow(running, t->sizes[axis], &running)) {
      if (!t->empty)
        return false;
      running = 0;
    }
  }
  *elements = running;
  return true;
}

static bool is_written(const ladon_param_info *info) {
  return info->kind == LADON_KIND_OUTPUT || info->kind == LADON_KIND_INOUT;
}

/** An output's axes must nest: taken by growing stride, each step must leave
 *  the span of the smaller ones behind. This refuses a few exotic layouts whose
 *  elements are distinct, and no layout made of slices and permutations. */
static bool check_written_strides(checked_tensor *t) {
  const int32_t rank = t->info->rank;
  for (int32_t axis = 0; axis < rank; ++axis) {
    if (t->sizes[axis] <= 1)
      continue;
    if (t->strides[axis] == 0)
      return ladon_fail(t->ctx, LADON_OUTPUT_STRIDES,
                        "%s: axis %d has %lld entries and stride 0, so that "
                        "they share memory",
                        t->info->name, axis, (long long)t->sizes[axis]);
    /* Ties count as inside, in both directions, and so are refused. */
    int64_t span = 1;
    for (int32_t other = 0; other < rank; ++other)
      if (other != axis && t->sizes[other] > 1 &&
          t->strides[other] <= t->strides[axis])
        span += (t->sizes[other] - 1) * t->strides[other];
    if (t->strides[axis] < span)
      return ladon_fail(t->ctx, LADON_OUTPUT_STRIDES,
                        "%s: axis %d has stride %lld, but the axes inside it "
                        "span %lld elements",
                        t->info->name, axis, (long long)t->strides[axis],
                        (long long)span);
  }
  return true;
}

static bool check_memory(checked_tensor *t) {
  const ladon_param_info *info = t->info;
  const DLTensor *tensor = t->tensor;
  const int64_t element = info->dtype_bits / 8;
  int64_t elements, bytes;
  if (!compact_strides(t, &elements) ||
      __builtin_mul_overflow(elements, element, &bytes))
    return ladon_fail(t->ctx, LADON_SIZE_OVERFLOW,
                      "%s: the size in bytes overflows 64 bits", info->name);
  t->range.first = t->range.end = 0;
  t->elements = t->empty ? 0 : elements;
  if (t->empty)
    return true;
  if (!tensor->data)
    return ladon_fail(t->ctx, LADON_NULL_DATA,
                      "%s: the data pointer is null, but there are %lld "
                      "elements",
                      info->name, (long long)elements);

  /* An axis of one entry is never stepped along: any stride will do, and the
   * code sees the compact one. */
  int64_t last = 0;
  bool overflow = false;
  for (int32_t axis = 0; axis < info->rank; ++axis) {
    if (t->sizes[axis] == 1)
      continue;
    if (tensor->strides)
      t->strides[axis] = tensor->strides[axis];
    if (t->strides[axis] < 0)
      return ladon_fail(t->ctx, LADON_NEGATIVE_STRIDE,
                        "%s: the stride of axis %d is negative: %lld",
                        info->name, axis, (long long)t->strides[axis]);
    int64_t reach;
    overflow |=
        __builtin_mul_overflow(t->sizes[axis] - 1, t->strides[axis], &reach) ||
        __builtin_add_overflow(last, reach, &last);
  }
  uintptr_t first = (uintptr_t)tensor->data;
  overflow = overflow || __builtin_add_overflow(last, 1, &last) ||
             __builtin_mul_overflow(last, element, &bytes) ||
             tensor->byte_offset > max_span || (uint64_t)bytes > max_span ||
             __builtin_add_overflow(first, tensor->byte_offset, &first) ||
             __builtin_add_overflow(first, (uintptr_t)bytes, &t->range.end);
  if (overflow)
    return ladon_fail(t->ctx, LADON_ADDRESS_OVERFLOW,
                      "%s: strides and byte offset reach beyond the address "
                      "space",
                      info->name);
  const int64_t most = t->ctx->program->max_span;
  if (most > 0 && last > most)
    return ladon_fail(t->ctx, LADON_ADDRESS_OVERFLOW,
                      "%s: expected a tensor that spans at most %lld elements, "
                      "found one that spans %lld",
                      info->name, (long long)most, (long long)last);
  t->range.first = first;
  if (is_written(info) && !check_written_strides(t))
    return false;
  if (first % (uintptr_t)element != 0)
    return ladon_fail(t->ctx, LADON_ALIGNMENT,
                      "%s: expected an address that is a multiple of %lld, "
                      "found one that is %lld beyond",
                      info->name, (long long)element,
                      (long long)(first % (uintptr_t)element));
  return true;
}

/*===--- All arguments ----------------------------------------------------===*/

/** Words in front of the sizes: allocated and aligned pointer, offset. */
enum { DESCRIPTOR_HEAD = 3 };

/** The bytes of parameter `param`, read back from its descriptor. */
static byte_range range_of(const ladon_param_info *info, const void *words) {
  const int64_t *sizes = (const int64_t *)words + DESCRIPTOR_HEAD;
  const int64_t *strides = sizes + info->rank;
  byte_range range;
  memcpy(&range.first, (const int64_t *)words + 1, sizeof range.first);
  range.end = range.first;
  int64_t last = 0;
  for (int32_t axis = 0; axis < info->rank; ++axis) {
    if (sizes[axis] == 0)
      return range;
    last += (sizes[axis] - 1) * strides[axis];
  }
  range.end += (uintptr_t)((last + 1) * (info->dtype_bits / 8));
  return range;
}

static bool check_overlaps(ladon_ctx *ctx, void *const *run_args) {
  const ladon_program *program = ctx->program;
  for (int32_t out = 0; out < program->num_params; ++out) {
    const ladon_param_info *output = &program->params[out];
    if (!is_written(output))
      continue;
    byte_range a = range_of(output, run_args[out]);
    for (int32_t other = 0; other < program->num_params; ++other) {
      const ladon_param_info *info = &program->params[other];
      bool earlier = is_written(info) && other < out;
      if (info->kind != LADON_KIND_INPUT && !earlier)
        continue;
      byte_range b = range_of(info, run_args[other]);
      if (a.first < a.end && b.first < b.end && a.first < b.end &&
          b.first < a.end)
        return ladon_fail(ctx, LADON_OVERLAP,
                          "%s: its memory overlaps that of %s", output->name,
                          info->name);
    }
  }
  return true;
}

size_t ladon_descriptor_words(const ladon_program *program) {
  size_t words = 0;
  for (int32_t i = 0; i < program->num_params; ++i)
    if (program->params[i].kind != LADON_KIND_SCALAR)
      words += DESCRIPTOR_HEAD + 2 * (size_t)program->params[i].rank;
  return words;
}

bool ladon_check_arguments(ladon_ctx *ctx, void *const *args, int64_t *words,
                           int64_t *symbols, void **run_args) {
  const ladon_program *program = ctx->program;
  int64_t elements = 0, longest = 0;
  for (int32_t i = 0; i < program->num_symbols; ++i)
    symbols[i] = -1;
  for (int32_t i = 0; i < program->num_params; ++i) {
    const ladon_param_info *info = &program->params[i];
    if (info->kind == LADON_KIND_SCALAR) {
      run_args[i] = args[i];
      continue;
    }
    if (!args[i])
      return ladon_fail(ctx, LADON_NULL_TENSOR, "%s: the tensor is null",
                        info->name);
    checked_tensor t = {.ctx = ctx, .info = info, .tensor = args[i]};
    t.sizes = words + DESCRIPTOR_HEAD;
    t.strides = t.sizes + info->rank;
    if (!check_type(&t) || !check_extents(&t, i, symbols) || !check_memory(&t))
      return false;
    elements = t.elements > elements ? t.elements : elements;
    for (int32_t axis = 0; axis < info->rank; ++axis)
      longest = t.sizes[axis] > longest ? t.sizes[axis] : longest;
    /* Pointers are 64 bits wide on every target, as in a memref. */
    memcpy(&words[0], &t.range.first, sizeof t.range.first);
    memcpy(&words[1], &t.range.first, sizeof t.range.first);
    words[2] = 0;
    run_args[i] = words;
    words += DESCRIPTOR_HEAD + 2 * (size_t)info->rank;
  }
  if (__builtin_mul_overflow(elements, longest, &ctx->work))
    ctx->work = UINT64_MAX;
  return ladon_check_formulas(ctx, symbols) && check_overlaps(ctx, run_args) &&
         ladon_check_values(ctx, symbols, run_args);
}

/*===--- Options ----------------------------------------------------------===*/

/** Whether the bytes [first, end) are zero. */
static bool is_zero(const void *memory, uint64_t first, uint64_t end) {
  const unsigned char *bytes = memory;
  for (uint64_t i = first; i < end; ++i)
    if (bytes[i] != 0)
      return false;
  return true;
}

bool ladon_check_options(ladon_ctx *ctx, const void *options) {
  if (!options)
    return true;
  uint64_t size;
  memcpy(&size, options, sizeof size);
  /* All of a structure is zero: the defaults. Every header has at least the
   * fields of the first one. */
  if (size == 0 && is_zero(options, 0, offsetof(ladon_options, stream)))
    return true;
  const uint64_t limit = 4096;
  if (size < sizeof size || size > limit)
    return ladon_fail(ctx, LADON_BAD_OPTIONS,
                      "options: expected sizeof(ladon_options) in size, found "
                      "%llu",
                      (unsigned long long)size);
  /* A caller with a later header may set fields that this library lacks; only
   * their defaults can be honoured. */
  if (!is_zero(options, sizeof(ladon_options), size))
    return ladon_fail(ctx, LADON_BAD_OPTIONS,
                      "options: a field beyond the %zu bytes that this "
                      "library knows is set",
                      sizeof(ladon_options));
  ladon_options *known = &ctx->options;
  memcpy(known, options, size < sizeof *known ? size : sizeof *known);
  known->size = sizeof *known;
  if (known->threads < 0 || known->threads > LADON_MAX_THREADS)
    return ladon_fail(ctx, LADON_BAD_OPTIONS,
                      "options: expected 0 to %d threads, found %d",
                      LADON_MAX_THREADS, known->threads);
  if (known->check_indices > 1)
    return ladon_fail(ctx, LADON_BAD_OPTIONS,
                      "options: expected 0 or 1 in check_indices, found %u",
                      known->check_indices);
  if (known->check_indices && ctx->program->device == kDLCUDA)
    return ladon_fail(ctx, LADON_BAD_OPTIONS,
                      "options: expected no check_indices for code for a GPU, "
                      "where a call cannot wait for tables; code for a CPU "
                      "checks them");
  if (!known->allocate != !known->deallocate)
    return ladon_fail(ctx, LADON_BAD_OPTIONS, "options: %s is set without %s",
                      known->allocate ? "allocate" : "deallocate",
                      known->allocate ? "deallocate" : "allocate");
  if (!known->workspace && known->workspace_bytes != 0)
    return ladon_fail(ctx, LADON_BAD_OPTIONS,
                      "options: workspace_bytes is set without workspace");
  if ((uintptr_t)known->workspace % LADON_ALLOCATION_ALIGNMENT != 0)
    return ladon_fail(ctx, LADON_BAD_OPTIONS,
                      "options: expected a workspace aligned to %d bytes",
                      LADON_ALLOCATION_ALIGNMENT);
  if (ctx->program->device != kDLCUDA &&
      (known->workspace || known->workspace_needed))
    return ladon_fail(ctx, LADON_BAD_OPTIONS,
                      "options: expected no workspace for code for a CPU, "
                      "which takes its memory from allocate");
  return true;
}
