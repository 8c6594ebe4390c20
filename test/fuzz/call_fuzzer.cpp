//===- call_fuzzer.cpp - Any arguments of a compiled attention ------------===//
//
// A right call of called.attn with changes that the bytes choose: pointers,
// shapes, strides, types, devices, offsets and options. Every tensor lies
// between pages that fault. A call succeeds, or says why not and leaves the
// outputs as they were. What C cannot check is not tried: a tensor that may
// exist and is larger than its memory.
//
//===----------------------------------------------------------------------===//

#include "runtime/include/ladon/ladon.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>

namespace {

constexpr int tensorCount = 8, firstOutput = 6, mostAxes = 5;
constexpr int64_t memoryBytes = 1 << 13, page = 4096;
constexpr char unwritten = 0x35;
/// More elements than fit are not computed on.
constexpr int64_t mostElements = 1 << 14;

using Attention = int32_t (*)(const DLTensor *, const DLTensor *,
                              const DLTensor *, const DLTensor *,
                              const DLTensor *, const DLTensor *, int32_t,
                              DLTensor *, DLTensor *, const ladon_options *);
using LastError = const char *(*)();

/// The bytes as numbers; 0 when they are used up.
class Bytes {
public:
  Bytes(const uint8_t *data, size_t size) : data(data), size(size) {}
  bool empty() const { return size == 0; }
  int below(int count) {
    if (size == 0)
      return 0;
    --size;
    return *data++ % count;
  }
  int64_t number() {
    static const int64_t numbers[] = {0,
                                      1,
                                      -1,
                                      2,
                                      3,
                                      7,
                                      16,
                                      63,
                                      INT32_MAX,
                                      int64_t(INT32_MAX) + 1,
                                      1073741823,
                                      1073741824,
                                      int64_t(1) << 47,
                                      int64_t(1) << 61,
                                      int64_t(1) << 62,
                                      INT64_MAX,
                                      INT64_MIN,
                                      INT64_MIN / 8};
    constexpr int count = sizeof numbers / sizeof *numbers;
    int which = below(count + 1);
    if (which < count)
      return numbers[which];
    int64_t value = 0;
    for (int byte = 0; byte < 8; ++byte)
      value = int64_t(uint64_t(value) << 8 | unsigned(below(256)));
    return value;
  }

private:
  const uint8_t *data;
  size_t size;
};

struct Argument {
  DLTensor tensor;
  int64_t shape[mostAxes], strides[mostAxes];
  DLTensor *pointer;
};

struct Library {
  Attention attention;
  LastError lastError;
  char *memory[tensorCount];
};

} // namespace

/// Between pages that fault.
static char *allocate() {
  char *begin =
      static_cast<char *>(mmap(nullptr, memoryBytes + 2 * page, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (begin == MAP_FAILED ||
      mprotect(begin + page, memoryBytes, PROT_READ | PROT_WRITE))
    std::abort();
  return begin + page;
}

static Library open() {
  const char *path = std::getenv("LADON_FUZZ_LIBRARY");
  void *library = path ? dlopen(path, RTLD_NOW) : nullptr;
  if (!library) {
    std::fprintf(stderr, "LADON_FUZZ_LIBRARY: expected libcalled.so\n");
    std::exit(2);
  }
  Library result;
  result.attention = reinterpret_cast<Attention>(dlsym(library, "called"));
  result.lastError =
      reinterpret_cast<LastError>(dlsym(library, "called_last_error"));
  for (char *&memory : result.memory) {
    memory = allocate();
    std::memset(memory, 1, memoryBytes);
  }
  return result;
}

//===--- A right call ----------------------------------------------------===//

static void fill(Library &library, Argument *arguments, Bytes &bytes) {
  int64_t b = 1 + bytes.below(3), s = bytes.below(12), t = bytes.below(20);
  struct Form {
    DLDataType type;
    int rank;
    int64_t shape[4];
  };
  const Form forms[tensorCount] = {{{kDLFloat, 32, 1}, 4, {b, 2, s, 8}},
                                   {{kDLFloat, 16, 1}, 4, {b, 1, t, 8}},
                                   {{kDLFloat, 16, 1}, 4, {b, 1, t, 3}},
                                   {{kDLInt, 32, 1}, 1, {b}},
                                   {{kDLUInt, 8, 1}, 2, {s, t}},
                                   {{kDLInt, 64, 1}, 1, {s + t}},
                                   {{kDLFloat, 32, 1}, 4, {b, 2, s, 3}},
                                   {{kDLFloat, 32, 1}, 3, {b, 2, s}}};
  for (int at = 0; at < tensorCount; ++at) {
    Argument &argument = arguments[at];
    const Form &form = forms[at];
    std::fill_n(argument.shape, mostAxes, 1);
    std::copy_n(form.shape, form.rank, argument.shape);
    int64_t stride = 1;
    for (int axis = mostAxes; axis-- > 0;) {
      argument.strides[axis] = axis < form.rank ? stride : 1;
      if (axis < form.rank)
        stride *= std::max<int64_t>(argument.shape[axis], 1);
    }
    argument.tensor = {
        library.memory[at], {kDLCPU, 0},      form.rank, form.type,
        argument.shape,     argument.strides, 0};
    argument.pointer = &argument.tensor;
    if (at >= firstOutput)
      std::memset(library.memory[at], unwritten, memoryBytes);
  }
}

//===--- Changes ---------------------------------------------------------===//

static void change(Library &library, Argument *arguments, Bytes &bytes) {
  Argument &argument = arguments[bytes.below(tensorCount)];
  DLTensor &tensor = argument.tensor;
  switch (bytes.below(14)) {
  case 0:
    argument.pointer = nullptr;
    break;
  case 1:
    tensor.shape = nullptr;
    break;
  case 2:
    tensor.strides = nullptr;
    break;
  case 3:
    tensor.data = nullptr;
    break;
  case 4:
    tensor.data = library.memory[bytes.below(tensorCount)] + bytes.below(64);
    break;
  case 5:
    tensor.ndim = int(bytes.number());
    break;
  case 6:
    tensor.dtype.code = uint8_t(bytes.below(8));
    break;
  case 7:
    tensor.dtype.bits = uint8_t(bytes.below(256));
    break;
  case 8:
    tensor.dtype.lanes = uint16_t(bytes.below(3));
    break;
  case 9:
    tensor.device.device_type = DLDeviceType(bytes.below(5));
    break;
  case 10:
    tensor.byte_offset = uint64_t(bytes.number());
    break;
  case 11:
    tensor.device.device_id = int(bytes.number());
    break;
  case 12:
    argument.shape[bytes.below(4)] = bytes.number();
    break;
  default:
    argument.strides[bytes.below(4)] = bytes.number();
    break;
  }
}

static int32_t serial(void *, int64_t count, int32_t, ladon_parallel_body body,
                      void *env) {
  for (int64_t index = 0; index < count; ++index)
    body(env, index, 0);
  return 0;
}
static int32_t forgetful(void *, int64_t count, int32_t,
                         ladon_parallel_body body, void *env) {
  for (int64_t index = 1; index < count; ++index)
    body(env, index, 0);
  return 0;
}
static int32_t failing(void *, int64_t, int32_t, ladon_parallel_body, void *) {
  return 1;
}
static void *nothing(void *, size_t, size_t) { return nullptr; }
static void *something(void *, size_t bytes, size_t alignment) {
  return std::aligned_alloc(alignment,
                            (bytes + alignment - 1) / alignment * alignment);
}
static void release(void *, void *memory, size_t) { std::free(memory); }

static ladon_options chooseOptions(Bytes &bytes) {
  ladon_options options = LADON_OPTIONS_INIT;
  static const int32_t threads[] = {0, 1, 2, 3, -1, 4097, INT32_MIN};
  options.threads = threads[bytes.below(7)];
  const ladon_parallel_for loops[] = {nullptr, serial, forgetful, failing};
  options.parallel_for = loops[bytes.below(4)];
  const ladon_allocate allocators[] = {nullptr, something, nothing};
  options.allocate = allocators[bytes.below(3)];
  if (options.allocate && bytes.below(8) != 1)
    options.deallocate = release;
  if (bytes.below(8) == 1)
    options.size = uint64_t(bytes.number());
  if (bytes.below(8) == 1)
    options.check_indices = uint32_t(bytes.number());
  // No more may be read than there is.
  options.size = std::min<uint64_t>(options.size, sizeof options);
  return options;
}

//===--- What may be tried -----------------------------------------------===//

/// Whether a call reads and writes only memory that there is, should it be
/// taken for a right one.
static bool isBacked(const Library &library, const Argument &argument) {
  const DLTensor &tensor = argument.tensor;
  if (!argument.pointer || !tensor.shape || !tensor.data || tensor.ndim < 0 ||
      tensor.ndim > 4)
    return true; // Refused, or never read.
  __int128 elements = 1, reach = tensor.byte_offset, rowMajor = 1;
  int64_t bytes = std::max(tensor.dtype.bits / 8, 1);
  for (int axis = tensor.ndim; axis-- > 0;) {
    int64_t extent = tensor.shape[axis];
    if (extent < 0 || extent > 1073741823)
      return true;
    // Nobody looks at the stride of an axis that has no second place.
    __int128 stride = tensor.strides ? tensor.strides[axis] : rowMajor;
    if (extent > 1 && stride < 0)
      return true;
    if (extent > 1)
      reach += __int128(extent - 1) * stride * bytes;
    elements *= extent;
    rowMajor *= std::max<int64_t>(extent, 1);
  }
  if (elements == 0)
    return true;
  if (reach > __int128(1) << 62)
    return true; // Beyond any address.
  for (const char *memory : library.memory) {
    const char *data = static_cast<const char *>(tensor.data);
    if (data >= memory && data < memory + memoryBytes)
      return elements <= mostElements &&
             data - memory + reach + bytes <= memoryBytes;
  }
  return false;
}

static void expect(bool holds, const char *what) {
  if (holds)
    return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Library library = open();
  Bytes bytes(data, size);
  Argument arguments[tensorCount];
  fill(library, arguments, bytes);
  bool hasOptions = bytes.below(3) == 1;
  ladon_options options = LADON_OPTIONS_INIT;
  if (hasOptions)
    options = chooseOptions(bytes);
  while (!bytes.empty())
    change(library, arguments, bytes);
  for (const Argument &argument : arguments)
    if (!isBacked(library, argument))
      return -1;
  DLTensor *at[tensorCount];
  for (int number = 0; number < tensorCount; ++number)
    at[number] = arguments[number].pointer;
  int32_t status =
      library.attention(at[0], at[1], at[2], at[3], at[4], at[5], 9, at[6],
                        at[7], hasOptions ? &options : nullptr);
  expect(status >= LADON_OK && status <= LADON_INDEX, "no status");
  const char *error = library.lastError();
  expect(error && (status == LADON_OK) == (*error == 0),
         "a status without a sentence, or one without a status");
  if (status == LADON_OK || status == LADON_OUT_OF_MEMORY ||
      status == LADON_PARALLEL_FOR)
    return 0;
  for (int output = firstOutput; output < tensorCount; ++output) {
    const char *memory = library.memory[output];
    expect(memory[0] == unwritten &&
               !std::memcmp(memory, memory + 1, memoryBytes - 1),
           "an output was touched");
  }
  return 0;
}
